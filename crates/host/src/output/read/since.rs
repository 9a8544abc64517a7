//! Where in a stream the lines begin that were printed at a time or later.

use super::chain::{Chain, Link};
use super::marks;
use crate::files::FileError;
use crate::output::error::failed;
use crate::sys::positioned::FileExt;
use process_monitor_core::time::Wall;
use std::io;
use std::time::UNIX_EPOCH;

/// How far the end of a line is looked for, in bytes.
const LOOK: usize = 64 << 10;

/// The file, and the place in it; `None` when that is the oldest. Where times are missing, a file counts
/// as printed when it was last written to.
pub(super) fn since(chain: &Chain, from: Wall) -> Result<Option<(Link, u64)>, FileError> {
    let micros = u64::try_from(from.unix_millis()).unwrap_or(0).saturating_mul(1000);
    let mut newer = None;
    let mut next = chain.newest()?;
    while let Some(link) = next {
        match in_file(chain, &link, micros)? {
            Some(0) => {
                next = chain.before(&link)?;
                newer = Some((link, 0));
            }
            Some(offset) => {
                let offset = line_start(&link, offset).map_err(failed("read", &chain.folder))?;
                return Ok(Some((link, offset)));
            }
            None => {
                let end = link.size().map_err(failed("look at", &chain.folder))?;
                return Ok(newer.or(Some((link, end))));
            }
        }
    }
    Ok(None)
}

/// Where in a file that is; `None` when all of it is older.
fn in_file(chain: &Chain, link: &Link, micros: u64) -> Result<Option<u64>, FileError> {
    let times = chain.times_of(link)?;
    let look = || {
        let metadata = link.file.metadata()?;
        let written = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let written = u64::try_from(written.as_micros()).unwrap_or(u64::MAX);
        let Some((times, _)) = times else { return Ok((written >= micros).then_some(0)) };
        let found = marks::since(&times, micros)?;
        // Marks may end before the file does, when they are bounded.
        let last = if written >= micros { marks::last(&times)?.map_or(0, |(offset, _)| offset) } else { 0 };
        let behind = (written >= micros).then_some(last);
        Ok(found.or(behind))
    };
    look().map_err(|error: io::Error| failed("read times in", &chain.folder)(error))
}

/// Where the first line begins at `offset` or after it.
fn line_start(link: &Link, offset: u64) -> io::Result<u64> {
    let mut bytes = vec![0; LOOK];
    let before = offset.saturating_sub(1);
    let read = link.file.read_at(&mut bytes, before)?;
    let end = memchr::memchr(b'\n', bytes.get(..read).unwrap_or_default());
    Ok(end.map_or(offset, |end| before + end as u64 + 1))
}
