//! What cannot be shown where the system is not itself.

use process_monitor_host::survey::emulator;
use std::io::Write;

/// Whether the rest of a test is left out because the emulator that stands in for the system is not like it: `how`. That is
/// said past the harness, which shows nothing of tests that pass.
pub fn left_out(how: &str) -> bool {
    let Some(emulator) = emulator() else { return false };
    let told = format!("LEFT OUT under {emulator}: {how}\n");
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    true
}
