//! Columns of text, as wide as what stands in them.

use super::style::{Style, Tone};
use std::iter;

/// Between two columns.
const GAP: &str = "  ";

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// A text and its tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Printable text.
    pub text: String,
    /// `None`: as the terminal has it.
    pub tone: Option<Tone>,
}

impl Cell {
    /// A text without a tone.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: None }
    }

    /// A text with a tone.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone: Some(tone) }
    }
}

/// A line of titles, then a line per row. No line ends in spaces.
pub fn table<const N: usize>(columns: [(&str, Align); N], rows: &[[Cell; N]], style: Style) -> String {
    let mut widths = columns.map(|(title, _)| title.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.text.chars().count().max(*width);
        }
    }
    let titles = columns.map(|(title, _)| Cell::toned(title, Tone::Strong));
    let lines = iter::once(&titles).chain(rows).map(|row| line(row, &columns, &widths, style));
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

fn line(row: &[Cell], columns: &[(&str, Align)], widths: &[usize], style: Style) -> String {
    let mut line = String::new();
    let mut owed = String::new();
    for ((cell, (_, align)), width) in row.iter().zip(columns).zip(widths) {
        let padding = " ".repeat(width.saturating_sub(cell.text.chars().count()));
        let text = cell.tone.map_or_else(|| cell.text.clone(), |tone| style.paint(tone, &cell.text));
        match align {
            Align::Left => {
                line.push_str(&owed);
                line.push_str(&text);
                owed = padding;
            }
            Align::Right => {
                line.push_str(&owed);
                line.push_str(&padding);
                line.push_str(&text);
                owed = String::new();
            }
        }
        owed.push_str(GAP);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_with_their_text() {
        let columns = [("ID", Align::Left), ("PID", Align::Right), ("EXIT", Align::Left)];
        let rows = [
            [Cell::plain("web"), Cell::plain("12345"), Cell::plain("0")],
            [Cell::plain("database"), Cell::plain("7"), Cell::plain("SIGKILL")],
        ];
        let expected = "ID          PID  EXIT\nweb       12345  0\ndatabase      7  SIGKILL\n";
        assert_eq!(table(columns, &rows, Style::Plain), expected);
    }

    #[test]
    fn colour_changes_no_width() {
        let columns = [("A", Align::Left), ("B", Align::Left)];
        let rows = [[Cell::toned("x", Tone::Good), Cell::plain("y")]];
        let coloured = table(columns, &rows, Style::Colour);
        assert!(coloured.contains("\x1b[32mx\x1b[0m  y"), "{coloured:?}");
    }
}
