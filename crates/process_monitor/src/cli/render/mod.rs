//! From what is known to what is shown: pure functions, so that what a person sees is a test.

mod event;
pub mod format;
mod found;
mod monitor;
mod output;
mod process;
mod settings;
pub mod style;
mod table;
mod token;

pub use event::event_line;
pub use found::found_table;
pub use monitor::monitor_status;
pub use output::{Form, OutputRenderer};
pub use process::{process_details, process_table};
pub use settings::{plain_value, settings_table};
pub use style::Style;
pub use token::token_table;
