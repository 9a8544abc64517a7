//! What becomes of what a program prints.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What becomes of a program's standard output and standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputMode {
    /// It is copied to the log files of its run.
    #[default]
    Capture,
    /// It goes to the null device: for programs that keep logs of their own, and where there are so many that the
    /// descriptors count.
    Discard,
}

impl OutputMode {
    /// Whether it is copied to log files.
    pub fn is_captured(self) -> bool {
        self == Self::Capture
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
