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
use process_monitor_core::engine::Engine;
use process_monitor_core::id::RunId;
use process_monitor_core::model::ProcessEntry;
use process_monitor_core::registry::Registry;
use std::hint::black_box;

#[library_benchmark]
#[bench::ten_thousand(work::registry())]
fn write_registry(registry: Registry) -> Vec<u8> {
    black_box(work::write(&registry))
}

#[library_benchmark]
#[bench::ten_thousand(work::text())]
fn parse_registry(text: Vec<u8>) -> Registry {
    black_box(work::parse(&text))
}

#[library_benchmark]
#[bench::one_of_ten_thousand(work::edited())]
fn merge_edit(registries: (Registry, Registry)) -> usize {
    black_box(work::merge_edit(&registries))
}

#[library_benchmark]
#[bench::of_ten_thousand(work::engine())]
fn crash_and_restart(engine: (Engine, RunId)) -> (Engine, RunId) {
    black_box(work::crash(engine))
}

#[library_benchmark]
#[bench::three_patterns(work::rules())]
fn permit_program(rules: ExecutableRules) -> bool {
    black_box(work::permit(&rules))
}

#[library_benchmark]
#[bench::seven_patterns(work::hosts())]
fn trust_host(hosts: HostPatterns) -> bool {
    black_box(work::trust(&hosts))
}

#[library_benchmark]
#[bench::usual(work::registration())]
fn read_registration(body: Vec<u8>) -> ProcessEntry {
    black_box(work::register(&body))
}

library_benchmark_group!(
    name = pure,
    benchmarks =
        [write_registry, parse_registry, crash_and_restart, permit_program, trust_host, read_registration,]
);

main!(library_benchmark_groups = pure);
