//! Deleting the folders of old runs.

use super::attached::AttachedRuns;
use crate::layout::Layout;
use crate::output::names;
use crate::output::protocol::Attach;

/// Deletes the oldest run folders of the process of `attach`, so that `keepRuns` remain. A folder
/// that still gets output is kept beyond that. Failures are logged; the next run tries again.
pub(super) fn retain(layout: &Layout, attach: &Attach, attached: &AttachedRuns) {
    let runs = match names::runs(layout, &attach.process) {
        Ok(runs) => runs,
        Err(error) => return tracing::warn!("cannot look for old runs of {}: {error}", attach.process),
    };
    let keep = usize::try_from(attach.limits.keep_runs.max(1)).unwrap_or(usize::MAX);
    let surplus = runs.len().saturating_sub(keep);
    for old in runs.into_iter().filter(|run| !attached.uses(&run.path)).take(surplus) {
        if let Err(error) = std::fs::remove_dir_all(&old.path) {
            tracing::warn!("cannot delete the output of an old run, {}: {error}", old.path.display());
        }
    }
}
