//! Tokens, as `token list` shows them.

use super::format;
use super::style::{Style, Tone};
use super::table::{Align, Cell, table};
use process_monitor_client::api::TokenInfo;

/// A line per token.
pub fn token_table(tokens: &[TokenInfo], style: Style) -> String {
    if tokens.is_empty() {
        return "no tokens; make one with: process_monitor token create --scope read\n".to_owned();
    }
    let columns = [
        ("ID", Align::Left),
        ("NAME", Align::Left),
        ("SCOPE", Align::Left),
        ("CREATED", Align::Left),
        ("EXPIRES", Align::Left),
    ];
    let rows: Vec<_> = tokens.iter().map(row).collect();
    table(columns, &rows, style)
}

fn row(token: &TokenInfo) -> [Cell; 5] {
    let expires = token.expires_at.map(|at| Cell::plain(at.to_string()));
    [
        Cell::plain(format::printable(&token.id)),
        Cell::plain(format::printable(&token.name)),
        Cell::plain(token.scope.name()),
        Cell::plain(token.created_at.to_string()),
        expires.unwrap_or_else(|| Cell::toned("never", Tone::Faint)),
    ]
}
