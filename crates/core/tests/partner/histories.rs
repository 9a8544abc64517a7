//! Two policies under one clock, and everything that can befall them.

use crate::world::{Op, TICK, World};
use proptest::prelude::*;

/// A minute, in ticks.
const MINUTE: u32 = 600;

fn op() -> impl Strategy<Value = Op> {
    let one = 0..2_usize;
    prop_oneof![
        3 => one.clone().prop_map(Op::Kill),
        3 => one.clone().prop_map(Op::Hang),
        2 => one.clone().prop_map(Op::Wake),
        1 => one.clone().prop_map(Op::Stop),
        2 => one.clone().prop_map(Op::Start),
        1 => one.prop_map(Op::Mislead),
        6 => (0..120_u32).prop_map(Op::Wait),
    ]
}

/// No more than the backoff allows: a run of tries begins anew only after a minute of stability.
fn assert_no_storm(starts: &[u32]) {
    for (n, first) in starts.iter().enumerate() {
        let within = starts.iter().skip(n).take_while(|at| *at - first < MINUTE).count();
        assert!(within <= 14, "{within} starts within a minute: {starts:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_befalls_them(
        start_if_missing in any::<bool>(),
        startup in prop_oneof![4 => 0..20_u32, 1 => 100..300_u32],
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let mut world = World::new(start_if_missing, startup);
        let begin = [Op::Start(0), Op::Start(1), Op::Wait(startup + 50)];
        for op in begin.into_iter().chain(ops) {
            world.op(op);
        }
        world.starts.iter().for_each(|starts| assert_no_storm(starts));
        // Everybody who is alive wakes up, and nothing more happens.
        let before = world.monitors.len();
        world.op(Op::Wake(0));
        world.op(Op::Wake(1));
        world.op(Op::Wait(3 * MINUTE));
        let up = [0, 1].map(|i| world.holder(i).is_some());
        if world.wanted == [true, true] && up != [false, false] {
            prop_assert_eq!(up, [true, true], "one died and was not replaced");
        }
        let started = world.monitors.len() - before;
        prop_assert!(started <= 4, "{started} starts in three quiet minutes");
    }
}

#[test]
fn both_think_that_the_other_is_gone() {
    let mut world = World::new(false, 3);
    for op in [Op::Start(0), Op::Start(1), Op::Wait(100)] {
        world.op(op);
    }
    let pair = [world.holder(0), world.holder(1)];
    // Each looks, is misled, and starts a third and a fourth copy; users start two more.
    for op in [Op::Mislead(0), Op::Mislead(1), Op::Start(0), Op::Start(1), Op::Wait(10 * MINUTE)] {
        world.op(op);
    }
    assert_eq!([world.holder(0), world.holder(1)], pair, "nothing took their places");
    assert_eq!(world.losers, 2, "of a watched partner only the end counts, so only the users' copies came");
    let alive = world.monitors.iter().filter(|monitor| monitor.alive).count();
    assert_eq!(alive, 2, "after {:?}", TICK * world.tick);
}
