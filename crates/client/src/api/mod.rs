//! The wire types of the API (SPEC 5.2), used by server and client both. JSON, camelCase; a value
//! that is absent is `null` in an answer, never missing. Fields that a reader does not know are
//! ignored, and fields added since the first version may be missing, so that a client and a monitor
//! of different versions understand each other.

mod batch;
mod config;
mod error;
mod event;
mod log;
mod monitor;
mod process;

pub use batch::{BatchBody, BatchResult, BatchResults};
pub use config::{
    Changed, Patterns, StandaloneMode, TokenCreated, TokenInfo, TokenList, TokenRequest, TrustedHosts,
};
pub use error::{ErrorBody, ErrorCode, Problem};
pub use event::{EventKind, ProcessEvent};
pub use log::{DEFAULT_TAIL, LogFormat, LogQuery, LogRecord, RunChoice, Since};
pub use monitor::{MonitorState, MonitorStatus, PartnerStatus};
pub use process::{Accepted, AutostartBody, HealthReport, ProcessList, ProcessStatus, SignalBody};
pub use process_monitor_core::engine::Wait;
