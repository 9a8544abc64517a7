//! Checks by a program.

use crate::{PATIENCE, ask, ask_within, reason};
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_host::probe::{ExecTarget, ProbeError, ProbeRequest, Prober, Target};
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::signals;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

fn run(command: &str, args: &[&str]) -> Target {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    Target::Exec(ExecTarget {
        process: ProcessId::new("web").unwrap(),
        run: RunId::new(&format!("probe-{}-{number}", std::process::id())).unwrap(),
        command: command.to_owned(),
        vetting: None,
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        working_directory: Some("/tmp".into()),
        environment: vec![("WELL".into(), "yes".into())],
    })
}

fn shell(script: &str) -> Target {
    run("sh", &["-c", script])
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Live processes whose command line holds `mark`.
fn alive(mark: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let has = |entry: &fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").contains(mark)
    };
    processes
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok()))
        .filter(has)
        .count()
}

#[test]
fn the_exit_code_tells() {
    ask(run("true", &[])).unwrap();
    ask(shell("[ \"$WELL\" = yes ] && [ \"$PWD\" = /tmp ] && [ \"$TOM_PM_PROCESS_ID\" = web ]")).unwrap();
    assert_eq!(reason(run("false", &[])), "exit code 1");
    let script = "echo trying; echo 'Could not connect' >&2; echo; exit 7";
    assert_eq!(reason(shell(script)), "exit code 7: \"Could not connect\"");
    assert_eq!(reason(shell("kill -SEGV $$")), "signal 11 (SIGSEGV)");
    let error = ask(run("/no/such/program", &[])).unwrap_err();
    assert!(matches!(&error, ProbeError::NotStarted(why) if why.contains("No such file")), "{error}");
}

#[test]
fn what_takes_too_long_is_killed_with_its_tree() {
    let mark = format!("10{}.5", std::process::id());
    // One in the same session, one that leaves it.
    let script = format!("sleep {mark} & setsid -f sleep {mark}; exec sleep {mark}");
    let error = ask_within(shell(&script), Duration::from_millis(500)).unwrap_err();
    assert_eq!(error.to_string(), "timed out after 500 ms");
    eventually("all of it is gone", || alive(&mark) == 0);
}

#[test]
fn what_it_leaves_behind_is_killed_too() {
    let mark = format!("11{}.5", std::process::id());
    ask(shell(&format!("setsid -f sleep {mark}; sleep {mark} & exit 0"))).unwrap();
    eventually("all of it is gone", || alive(&mark) == 0);
}

#[test]
fn one_that_floods_its_output_neither_waits_nor_keeps_others_waiting() {
    let limit = Duration::from_millis(700);
    thread::scope(|scope| {
        let flood = scope.spawn(|| ask_within(run("yes", &[]), limit));
        for _ in 0..5 {
            ask_within(run("true", &[]), PATIENCE).unwrap();
        }
        assert!(matches!(flood.join().unwrap(), Err(ProbeError::TimedOut(_))));
    });
    let why = reason(shell("head -c 1000000 /dev/zero | tr '\\0' 'x'; echo; echo the end; exit 3"));
    assert_eq!(why, "exit code 3: \"the end\"");
}

/// The monitor's threads hold back what one of them takes. A shell that did would wait for ever for what it has started.
#[test]
fn no_signal_is_held_back_from_it() {
    signals::leave_to_another();
    let prober = Prober::start(Arc::new(Reaper::become_subreaper().unwrap())).unwrap();
    let (sender, answers) = mpsc::channel();
    let target = run("grep", &["-q", "^SigBlk:\\s*0*$", "/proc/self/status"]);
    prober.probe(ProbeRequest { target, timeout: PATIENCE }, move |answer| sender.send(answer).unwrap());
    answers.recv_timeout(PATIENCE * 2).unwrap().unwrap();
}

#[test]
fn no_zombie_stays() {
    for _ in 0..20 {
        ask(run("true", &[])).unwrap();
    }
    let me = std::process::id().to_string();
    eventually("all are reaped", || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let stats = processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        let mine = stats.filter(|stat| {
            let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
            fields.next() == Some("Z") && fields.next() == Some(&me) && stat.contains("(true)")
        });
        mine.count() == 0
    });
}
