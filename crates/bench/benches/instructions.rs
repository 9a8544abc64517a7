//! Instructions of the pure parts, which do not depend on what else the machine does: needs valgrind and the runner,
//! `cargo install gungraun-runner`, then
//! `cargo bench -p process-monitor-bench --features instructions --bench instructions`.

#![allow(missing_docs)] // made by the macros of gungraun
#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark may fail

#[path = "work/mod.rs"]
mod work;

use gungraun::prelude::*;
use process_monitor_core::access::HostPatterns;
use process_monitor_core::access::executable::ExecutableRules;
use process_monitor_core::model::ProcessEntry;
use process_monitor_core::registry::Registry;
use std::hint::black_box;
use std::time::Duration;
use work::engine::Running;
use work::{access, engine, output, registry};

#[library_benchmark]
#[benches::of(iter = engine::SIZES, setup = engine::running)]
fn crash_restart_at_once(running: Running) -> Running {
    black_box(engine::crash(running))
}

#[library_benchmark]
#[benches::of(iter = engine::SIZES, setup = engine::waiting)]
fn crash_restart_after_wait(running: Running) -> Running {
    black_box(engine::crash(running))
}

#[library_benchmark]
#[benches::of(iter = engine::SIZES, setup = engine::running)]
fn stop_and_start(running: Running) -> Running {
    black_box(engine::restart(running))
}

#[library_benchmark]
#[benches::of(iter = engine::SIZES, setup = engine::running)]
fn check_that_passes(running: Running) -> Running {
    black_box(engine::check(running))
}

#[library_benchmark]
#[benches::of(iter = engine::SIZES, setup = engine::running)]
fn event_of_earlier_run(running: Running) -> Running {
    black_box(engine::ignore(running))
}

#[library_benchmark]
#[benches::of(iter = engine::SIZES, setup = engine::running)]
fn show_and_save_one(running: Running) -> Running {
    black_box(engine::show(running))
}

#[library_benchmark]
#[benches::of(iter = engine::SIZES, setup = engine::running)]
fn register_one_remove_oldest(running: Running) -> Running {
    black_box(engine::replace(running))
}

#[library_benchmark]
fn wait_after_crash() -> Duration {
    black_box(engine::back_off())
}

#[library_benchmark]
#[bench::ten_thousand(registry::registry())]
fn write_registry(registry: Registry) -> (Registry, Vec<u8>) {
    let text = black_box(registry::write(&registry));
    (registry, text)
}

#[library_benchmark]
#[bench::ten_thousand(registry::text())]
fn parse_registry(text: Vec<u8>) -> Registry {
    black_box(registry::parse(&text))
}

#[library_benchmark]
#[bench::one_of_ten_thousand(registry::edited())]
fn merge_edit(registries: (Registry, Registry)) -> (usize, (Registry, Registry)) {
    (black_box(registry::merge_edit(&registries)), registries)
}

#[library_benchmark]
#[bench::three_patterns(access::rules())]
fn permit_program(rules: ExecutableRules) -> (bool, ExecutableRules) {
    (black_box(access::permit(&rules)), rules)
}

#[library_benchmark]
#[bench::seven_patterns(access::hosts())]
fn trust_host(hosts: HostPatterns) -> (bool, HostPatterns) {
    (black_box(access::trust(&hosts)), hosts)
}

#[library_benchmark]
#[bench::usual(access::registration())]
fn read_registration(body: Vec<u8>) -> ProcessEntry {
    black_box(access::register(&body))
}

#[library_benchmark]
#[bench::of_64_kib(output::look())]
fn lines_to_stamp(look: Vec<u8>) -> usize {
    black_box(output::lines(&look))
}

#[library_benchmark]
#[bench::of_64_kib(output::look())]
fn lines_read(look: Vec<u8>) -> usize {
    black_box(output::whole_lines(&look))
}

#[library_benchmark]
fn time_of_a_line() -> Vec<u8> {
    black_box(output::stamp())
}

#[library_benchmark]
fn whether_a_time_is_torn() -> bool {
    black_box(output::torn())
}

library_benchmark_group!(
    name = steps,
    benchmarks = [
        crash_restart_at_once,
        crash_restart_after_wait,
        stop_and_start,
        check_that_passes,
        event_of_earlier_run,
        show_and_save_one,
        register_one_remove_oldest,
        wait_after_crash,
    ]
);

library_benchmark_group!(
    name = texts,
    benchmarks = [
        write_registry,
        parse_registry,
        merge_edit,
        permit_program,
        trust_host,
        read_registration,
        lines_to_stamp,
        lines_read,
        time_of_a_line,
        whether_a_time_is_torn,
    ]
);

main!(library_benchmark_groups = steps, texts);
