//! What this executable is when a test starts it as a program.

use crate::platform;
use crate::stage::{Stage, me};
use process_monitor_host::process::asking;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

/// The first argument of every act.
pub const ACT: &str = "act";

/// Acts as the arguments say; `None` when they are those of a test run.
pub fn act(args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let args: Vec<OsString> = args.collect();
    if let Some(code) = asking::serve(args.clone()) {
        return Some(ExitCode::from(u8::try_from(code).unwrap_or(1)));
    }
    let (first, rest) = args.split_first()?;
    let (verb, rest) = rest.split_first()?;
    if first != ACT {
        return None;
    }
    perform(verb.to_str()?, rest);
    Some(ExitCode::SUCCESS)
}

fn perform(verb: &str, rest: &[OsString]) {
    let text = |at: usize| rest[at].to_str().unwrap();
    match verb {
        "say-args" => say(rest.iter().cloned()),
        "say-env" => say(std::env::vars_os().map(|(name, value)| {
            let mut variable = name;
            variable.push("=");
            variable.push(value);
            variable
        })),
        "say-folder" => say([std::env::current_dir().unwrap().into_os_string()].into_iter()),
        "exit" => std::process::exit(text(0).parse().unwrap()),
        "live" => live(rest),
        "deaf" => {
            platform::be_deaf();
            live(rest);
        }
        "obey" => {
            platform::obey_in_a_way_of_its_own();
            live(rest);
        }
        "wait-for-input" => drop(std::io::stdin().lines().next()),
        "family" => family(rest),
        "many" => many(text(0).parse().unwrap()),
        "monitor" => monitor(Path::new(&rest[0]), &rest[1..]),
        other => panic!("no such act: {other}"),
    }
}

/// One text in a line each, in digits, so that nothing in them matters.
fn say(texts: impl Iterator<Item = OsString>) {
    let mut out = std::io::stdout().lock();
    for text in texts {
        writeln!(out, "{}", crate::stage::digits(&text)).unwrap();
    }
}

/// Says in a file who it is, if it is told one, and goes on for longer than any test.
fn live(rest: &[OsString]) {
    if let Some(file) = rest.first() {
        announce(Path::new(file));
    }
    thread::sleep(Duration::from_secs(3600));
}

fn announce(file: &Path) {
    let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
    // One write: several may announce themselves.
    file.write_all(format!("{}\n", std::process::id()).as_bytes()).unwrap();
}

/// Has children that try to break away in every way there is, then lives, or ends: `FILE live|end`.
fn family(rest: &[OsString]) {
    let file = Path::new(&rest[0]);
    let child = |verbs: &[&str], away: bool| {
        let mut command = Command::new(me());
        command.arg(ACT).arg(verbs[0]).arg(file).args(&verbs[1..]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if away {
            platform::break_away(&mut command);
        }
        command.spawn().unwrap()
    };
    match rest[1].to_str().unwrap() {
        // A child, one that breaks away, and one whose parent, which broke away, is gone.
        "live" | "end" => {
            drop([child(&["live"], false), child(&["deaf"], true)]);
            child(&["family", "orphan"], true).wait().unwrap();
        }
        "orphan" => return drop(child(&["live"], true)),
        other => panic!("{other}"),
    }
    if rest[1] == "live" {
        live(rest);
    } else {
        announce(file);
    }
}

/// Starts many programs, one after the other, and counts what it has open.
fn many(count: usize) {
    let stage = Stage::new();
    let some = |count: usize| {
        for number in 0..count {
            let code = i32::try_from(number % 200).unwrap();
            let program = stage.act("exit").arg(code.to_string());
            assert_eq!(program.spawn().exit(), process_monitor_core::exit::Exit::Code(code));
            if number % 10 == 0 {
                stage.program("no-such-program-anywhere").try_spawn().unwrap_err();
            }
        }
    };
    some(20);
    let before = platform::open_handles();
    some(count);
    let after = platform::open_handles();
    println!("{before} {after}");
}

/// A monitor that starts one program and goes on until it is killed: `FOLDER ACT…`.
fn monitor(folder: &Path, act: &[OsString]) {
    process_monitor_host::failpoint::arm();
    let stage = Stage::in_folder(folder);
    let (verb, args) = act.split_first().unwrap();
    let program = args.iter().fold(stage.act(verb), |program, arg| program.arg(arg));
    let running = program.spawn();
    std::fs::write(folder.join("started"), "").unwrap();
    thread::sleep(Duration::from_secs(3600));
    drop(running);
}
