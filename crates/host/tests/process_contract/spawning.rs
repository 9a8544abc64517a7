//! What programs get, what they do not get, and that nothing of their start stays behind.

use crate::actor::ACT;
use crate::stage::{Stage, Test, digits, me};
use process_monitor_core::exit::Exit;
use process_monitor_host::process::record::RecordState;
use std::ffi::OsString;
use std::io::Read;
use std::process::Command;

pub const TESTS: &[Test] = &[
    ("hostile_arguments_arrive_as_they_are", hostile_arguments_arrive_as_they_are),
    ("the_environment_is_added_to_the_monitors_and_names_the_run", the_environment_is_added),
    ("programs_run_where_they_are_told_to", programs_run_where_they_are_told_to),
    ("what_runs_is_recorded_and_what_does_not_is_not", what_runs_is_recorded_and_what_does_not_is_not),
    ("nothing_else_is_inherited", nothing_else_is_inherited),
    ("a_refusal_says_what_is_wrong", a_refusal_says_what_is_wrong),
    ("no_start_leaves_a_handle_behind", no_start_leaves_a_handle_behind),
];

fn hostile() -> Vec<OsString> {
    let texts = [
        "",
        " ",
        "  ",
        "a b",
        "\t",
        "\n",
        "line\nline",
        "\r\n",
        "'",
        "\"",
        "\"\"",
        "\"\"\"",
        "\\",
        "\\\\",
        "\\\"",
        "\\\\\"",
        "a\\",
        "a b\\",
        "a b\\\\",
        "\"a b\"",
        "a\"b",
        "a\\\"b c",
        "a\"b c\\",
        "%PATH%",
        "!x!",
        "^",
        "&",
        "&& echo",
        "|",
        "<",
        ">",
        "(",
        ")",
        ";",
        ",",
        "=",
        "*",
        "?",
        "*.rs",
        "@file",
        "--",
        "-n",
        "/?",
        "$(touch x)",
        "`x`",
        "${x}",
        "~",
        "#",
        "\u{e4}\u{df}",
        "\u{1f600}",
        "\u{feff}",
        "\u{202e}",
        "C:\\Program Files\\",
        "\\\\server\\share\\",
        "caf\u{301}e",
        "",
    ];
    let mut texts: Vec<OsString> = texts.iter().map(OsString::from).collect();
    texts.extend(not_text());
    texts
}

/// What is an argument but no text.
#[cfg(unix)]
fn not_text() -> Vec<OsString> {
    use std::os::unix::ffi::OsStringExt;
    vec![OsString::from_vec(vec![0xff, 0xfe]), OsString::from_vec((1..=255).collect())]
}

/// Halves of characters.
#[cfg(windows)]
fn not_text() -> Vec<OsString> {
    use std::os::windows::ffi::OsStringExt;
    vec![OsString::from_wide(&[0xd800]), OsString::from_wide(&[0xdc00, 0xd800, 0x22, 0x5c])]
}

fn hostile_arguments_arrive_as_they_are() {
    let stage = Stage::new();
    let sent = hostile();
    let program = sent.iter().fold(stage.act("say-args"), |program, arg| program.arg(arg));
    assert_eq!(program.spawn().exit(), Exit::Code(0));
    let sent: Vec<String> = sent.iter().map(|arg| digits(arg)).collect();
    assert_eq!(stage.said(), sent);
}

fn the_environment_is_added() {
    let stage = Stage::new();
    let program = stage
        .act("say-env")
        .env("SECRET", "a=b\"c d")
        .env("TOM_PM_RUN_ID", "forged")
        .env("TOM_PM_TOKEN", "given");
    assert_eq!(program.spawn().exit(), Exit::Code(0));
    let said = stage.said();
    let run = format!("TOM_PM_RUN_ID={}", program.run);
    for expected in ["SECRET=a=b\"c d", &run, "TOM_PM_PROCESS_ID=web", "TOM_PM_TOKEN=given"] {
        let expected = digits(expected.as_ref());
        assert_eq!(said.iter().filter(|line| **line == expected).count(), 1, "{expected}");
    }
    let ours = std::env::vars_os().find(|(name, _)| name.eq_ignore_ascii_case("PATH")).unwrap();
    let [mut path, value] = [ours.0, ours.1];
    path.push("=");
    path.push(value);
    assert!(said.contains(&digits(&path)), "the monitor's own");
}

fn programs_run_where_they_are_told_to() {
    let stage = Stage::new();
    let folder = stage.file("a folder");
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(stage.act("say-folder").directory(&folder).spawn().exit(), Exit::Code(0));
    let [said] = &stage.said()[..] else { panic!("{:?}", stage.said()) };
    let expected = [digits(folder.as_os_str()), digits(folder.canonicalize().unwrap().as_os_str())];
    assert!(expected.contains(said), "{said} is none of {expected:?}");
}

fn what_runs_is_recorded_and_what_does_not_is_not() {
    let stage = Stage::new();
    let running = stage.act("live").spawn();
    assert!(running.identity().is_alive().unwrap());
    assert_eq!(stage.record().state, RecordState::Spawned(running.identity()));
    assert_eq!(stage.record().intent.run, running.run);
    drop(running);
    stage.program("no-such-program-anywhere").refusal();
    assert_eq!(stage.record().state, RecordState::IntentOnly);
}

fn nothing_else_is_inherited() {
    let stage = Stage::new();
    let (mut reader, writer) = std::io::pipe().unwrap();
    inheritable(&writer);
    let running = stage.act("live").arg(stage.file("pids")).spawn();
    crate::stage::announced(&stage.file("pids"), 1);
    drop(writer);
    let mut nothing = Vec::new();
    // It would not end if the program had the other end.
    reader.read_to_end(&mut nothing).unwrap();
    assert!(running.identity().is_alive().unwrap());
}

#[cfg(unix)]
fn inheritable(writer: &std::io::PipeWriter) {
    rustix::io::fcntl_setfd(writer, rustix::io::FdFlags::empty()).unwrap();
}

#[cfg(windows)]
fn inheritable(writer: &std::io::PipeWriter) {
    use std::os::windows::io::AsRawHandle;
    use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation};
    // SAFETY: the handle is open.
    let done =
        unsafe { SetHandleInformation(writer.as_raw_handle(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) };
    assert_ne!(done, 0);
}

fn a_refusal_says_what_is_wrong() {
    let stage = Stage::new();
    std::fs::create_dir(stage.file("folder")).unwrap();
    std::fs::write(stage.file("text"), "no program\n").unwrap();
    let table = [
        (stage.program(""), "the command is empty"),
        (stage.program("no-such-program-anywhere"), "not found in PATH"),
        (stage.program("./gone"), "does not exist"),
        (stage.program("./text/x"), "a part of this path is not a folder"),
        (stage.program("./folder"), "is a directory"),
        (stage.act("exit").arg("a\0b"), "argument 3 contains a NUL byte"),
        (stage.act("exit").env("KEY", "secret\0"), "the environment variable KEY contains a NUL byte"),
        (stage.act("exit").env("A=B", "secret"), "cannot be the name of an environment variable"),
        (stage.act("exit").directory(stage.file("nowhere")), "working directory"),
        (stage.act("exit").directory(stage.file("text")), "is not a directory"),
        (stage.act("exit").arg("x".repeat(3_000_000)), "pass long data in a file"),
    ];
    for (program, expected) in table {
        let said = program.refusal();
        assert!(said.contains(expected) && !said.contains("secret"), "{said:?} does not say {expected:?}");
    }
    #[cfg(windows)]
    refusals_of_windows(&stage);
}

#[cfg(windows)]
fn refusals_of_windows(stage: &Stage) {
    for name in ["x.bat", "x.cmd", "text.exe", "wrong.exe"] {
        std::fs::write(stage.file(name), "@echo started > started\r\n").unwrap();
    }
    std::fs::write(stage.file("wrong.exe"), "MZ and nothing that follows it").unwrap();
    let table = [
        (".\\x.bat", "is a batch file"),
        (".\\x.BAT", "is a batch file"),
        (".\\x.bat.", "is a batch file"),
        (".\\x.cmd", "is a batch file"),
        (".\\text.exe", "is not a program for Windows"),
        (".\\wrong.exe", "is not a program for Windows"),
        (".\\a\"b", "does not exist"),
    ];
    for (command, expected) in table {
        let said = stage.program(command).arg("\"&calc.exe").refusal();
        assert!(said.contains(expected), "{said:?} does not say {expected:?}");
    }
    assert!(!stage.file("started").exists());
}

/// How many programs are started each time to look for what leaks; `PM_CONTRACT_SPAWNS` says another number.
const SPAWNS: &str = "200";

/// In a process of its own, where nothing else opens anything.
fn no_start_leaves_a_handle_behind() {
    let count = std::env::var("PM_CONTRACT_SPAWNS").unwrap_or(SPAWNS.into());
    let output = Command::new(me()).args([ACT, "many", &count]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Vec<usize> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [before, after] = numbers[..] else { panic!("{said}") };
    assert!(before > 2 && after <= before + 4, "{before} before {count} starts, {after} after");
}
