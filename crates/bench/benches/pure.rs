//! Time of the pure parts: `cargo bench -p process-monitor-bench --bench pure`.

#![allow(missing_docs)] // made by the macros of criterion
#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark may fail

#[path = "work/mod.rs"]
mod work;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use work::engine::{self, Running};
use work::{access, output, registry};

/// A step of an engine with as many processes as [`engine::SIZES`] says.
fn step(c: &mut Criterion, name: &str, begin: fn(usize) -> Running, step: fn(Running) -> Running) {
    let mut group = c.benchmark_group(format!("engine, {name}"));
    for size in engine::SIZES {
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let mut state = Some(begin(size));
            b.iter(|| state = state.take().map(step));
        });
    }
}

fn steps(c: &mut Criterion) {
    step(c, "a crash and its restart at once", engine::running, engine::crash);
    step(c, "a crash and its restart after a wait", engine::waiting, engine::crash);
    step(c, "stopped and started by command", engine::running, engine::restart);
    step(c, "a check that passes", engine::running, engine::check);
    step(c, "an event of an earlier run", engine::running, engine::ignore);
    step(c, "what is shown and saved of one", engine::running, engine::show);
    step(c, "one registered, the oldest removed", engine::running, engine::replace);
    c.bench_function("the wait after a crash", |b| b.iter(engine::back_off));
}

fn registries(c: &mut Criterion) {
    let (registry, text, edited) = (registry::registry(), registry::text(), registry::edited());
    let mut group = c.benchmark_group("registry of 10,000");
    group.sample_size(20).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("write", |b| b.iter(|| registry::write(black_box(&registry))));
    group.bench_function("parse", |b| b.iter(|| registry::parse(black_box(&text))));
    group.bench_function("merge an edit", |b| b.iter(|| registry::merge_edit(black_box(&edited))));
}

fn accesses(c: &mut Criterion) {
    let (rules, hosts, body) = (access::rules(), access::hosts(), access::registration());
    c.bench_function("permit a program", |b| b.iter(|| access::permit(black_box(&rules))));
    c.bench_function("trust a host", |b| b.iter(|| access::trust(black_box(&hosts))));
    c.bench_function("read a registration", |b| {
        b.iter_batched(|| body.clone(), |body| access::register(&body), BatchSize::SmallInput);
    });
}

fn outputs(c: &mut Criterion) {
    let look = output::look();
    let mut group = c.benchmark_group("64 KiB of output");
    group.throughput(Throughput::Bytes(output::LOOK as u64));
    group.bench_function("lines that are to be stamped", |b| b.iter(|| output::lines(black_box(&look))));
    group.bench_function("lines that are read", |b| b.iter(|| output::whole_lines(black_box(&look))));
    group.finish();
    c.bench_function("a line's time", |b| b.iter(output::stamp));
    c.bench_function("whether a time is torn", |b| b.iter(output::torn));
}

criterion_group!(benches, steps, registries, accesses, outputs);
criterion_main!(benches);
