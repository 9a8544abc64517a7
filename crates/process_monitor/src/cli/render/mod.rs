//! From what is known to what is shown: pure functions, so that what a person sees is a test.

mod event;
pub mod format;
mod monitor;
mod output;
mod process;
pub mod style;
mod table;

pub use event::event_line;
pub use monitor::monitor_status;
pub use output::{Form, Origin, OutputRenderer};
pub use process::{process_details, process_table};
pub use style::Style;
