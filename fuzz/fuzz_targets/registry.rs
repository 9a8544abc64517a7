//! `process_monitor_fuzz::registry` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    process_monitor_fuzz::registry(input);
});
