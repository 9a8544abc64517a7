//! Paths and texts as the system's functions take them.

use std::io::{self, ErrorKind};
use std::os::windows::ffi::OsStrExt;
use std::path::{Path, Prefix, absolute};

/// Paths that are longer, in units of UTF-16, need the prefix that lifts the limit ("Maximum Path Length Limitation"; a folder's
/// path must leave room for a short name).
const LONGEST_WITHOUT_PREFIX: usize = 240;

/// `path`, null-terminated.
///
/// # Errors
/// When it is empty, or contains a null.
pub fn wide(path: &Path) -> io::Result<Vec<u16>> {
    let plain: Vec<u16> = path.as_os_str().encode_wide().collect();
    if plain.contains(&0) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "the path contains a NUL character"));
    }
    let mut units = if plain.len() < LONGEST_WITHOUT_PREFIX { plain } else { unlimited(path)? };
    units.push(0);
    Ok(units)
}

/// `\\?\C:\…`, `\\?\UNC\server\share\…`
fn unlimited(path: &Path) -> io::Result<Vec<u16>> {
    let absolute = absolute(path)?;
    let units = absolute.as_os_str().encode_wide();
    let prefix = match absolute.components().next() {
        Some(std::path::Component::Prefix(prefix)) => prefix.kind(),
        _ => return Ok(units.collect()),
    };
    Ok(match prefix {
        Prefix::Disk(_) => r"\\?\".encode_utf16().chain(units).collect(),
        Prefix::UNC(..) => r"\\?\UNC\".encode_utf16().chain(units.skip(2)).collect(),
        _ => units.collect(),
    })
}

/// `path` without the prefix `\\?\` that `GetFinalPathNameByHandleW` puts before it, where it means the same without.
pub fn without_prefix(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let short = match (text.strip_prefix(r"\\?\UNC\"), text.strip_prefix(r"\\?\")) {
        (Some(share), _) => format!(r"\\{share}"),
        (None, Some(disk)) => disk.to_owned(),
        (None, None) => text.to_owned(),
    };
    Some(if short.len() < LONGEST_WITHOUT_PREFIX { short } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str) -> String {
        String::from_utf16(&wide(Path::new(path)).unwrap()).unwrap()
    }

    #[test]
    fn long_paths_get_the_prefix_and_short_ones_do_not() {
        let long = "a\\".repeat(150);
        assert_eq!(text(r"C:\a\b"), "C:\\a\\b\0");
        assert_eq!(text("a"), "a\0");
        assert!(text(&format!(r"C:\{long}b")).starts_with(r"\\?\C:\a\"));
        assert!(text(&format!(r"\\server\share\{long}b")).starts_with(r"\\?\UNC\server\share\a"));
        assert!(text(&format!(r"\\?\C:\{long}b")).starts_with(r"\\?\C:\a"));
        assert!(wide(Path::new("a\0b")).is_err());
    }

    #[test]
    fn the_prefix_goes_where_it_is_not_needed() {
        for (from, to) in
            [(r"\\?\C:\a", r"C:\a"), (r"\\?\UNC\server\share\a", r"\\server\share\a"), (r"C:\a", r"C:\a")]
        {
            assert_eq!(without_prefix(Path::new(from)).as_deref(), Some(to));
        }
    }
}
