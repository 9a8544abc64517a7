//! Time of the pure parts: `cargo bench -p process-monitor-bench --bench pure`.

#![allow(missing_docs)] // made by the macros of criterion
#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark may fail

#[path = "work/mod.rs"]
mod work;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn registry(c: &mut Criterion) {
    let (registry, text, edited) = (work::registry(), work::text(), work::edited());
    let mut group = c.benchmark_group("registry of 10,000");
    group.sample_size(20);
    group.bench_function("write", |b| b.iter(|| work::write(black_box(&registry))));
    group.bench_function("parse", |b| b.iter(|| work::parse(black_box(&text))));
    group.bench_function("merge an edit", |b| b.iter(|| work::merge_edit(black_box(&edited))));
}

fn engine(c: &mut Criterion) {
    let mut state = Some(work::engine());
    c.bench_function("engine of 10,000: a crash and its restart", |b| {
        b.iter(|| state = state.take().map(work::crash));
    });
}

fn access(c: &mut Criterion) {
    let (rules, hosts, body) = (work::rules(), work::hosts(), work::registration());
    c.bench_function("permit a program", |b| b.iter(|| work::permit(black_box(&rules))));
    c.bench_function("trust a host", |b| b.iter(|| work::trust(black_box(&hosts))));
    c.bench_function("read a registration", |b| {
        b.iter_batched(|| body.clone(), |body| work::register(&body), BatchSize::SmallInput);
    });
}

criterion_group!(benches, registry, engine, access);
criterion_main!(benches);
