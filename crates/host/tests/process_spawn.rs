//! Starting real programs: what they get, what they do not get, and what is said when it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a panic is how a test fails

mod process_support;

use process_monitor_core::exit::Exit;
use process_monitor_host::process::record::RecordState;
use process_monitor_host::process::spawn::Stage as At;
use process_monitor_host::process::{SpawnError, limits};
use process_monitor_host::stock::Stock;
use process_support::{PATIENCE, Running, Stage, eventually, isolated, status};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

#[test]
fn arguments_arrive_byte_for_byte() {
    let stage = Stage::new();
    let hostile: Vec<OsString> = [
        b"".as_slice(),
        b" ",
        b"a b",
        b"\n",
        b"line\nline",
        b"'\"`$(touch x);&|<>",
        b"\\",
        b"--",
        b"-n",
        b"*",
        b"\xff\xfe",
        b"",
    ]
    .iter()
    .map(|bytes| OsString::from_vec(bytes.to_vec()))
    .collect();
    let program = stage.script(r#"printf '%s\0' "$@""#).arg("sh");
    let program = hostile.iter().fold(program, |program, arg| program.arg(arg));
    assert_eq!(program.spawn().exit(), Exit::Code(0));
    let mut expected = Vec::new();
    for arg in &hostile {
        expected.extend_from_slice(arg.as_bytes());
        expected.push(0);
    }
    assert_eq!(fs::read(stage.stdout_path()).unwrap(), expected);
}

#[test]
fn the_environment_is_added_to_the_monitors_and_names_the_run() {
    let stage = Stage::new();
    let program = stage.program("env").arg("-0").env("SECRET", "a=b\n\"c").env("TOM_PM_RUN_ID", "forged");
    assert_eq!(program.spawn().exit(), Exit::Code(0));
    let output = fs::read(stage.stdout_path()).unwrap();
    let variables: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
    let run = format!("TOM_PM_RUN_ID={}", program.run);
    for expected in ["SECRET=a=b\n\"c", &run, "TOM_PM_PROCESS_ID=web"] {
        assert_eq!(
            variables.iter().filter(|variable| **variable == expected.as_bytes()).count(),
            1,
            "{expected}"
        );
    }
    assert!(variables.iter().any(|variable| variable.starts_with(b"CARGO")), "the monitor's own");
}

fn sleeper(stage: &Stage) -> Running {
    stage.program("sleep").arg("1000").spawn()
}

#[test]
fn only_three_descriptors_and_no_input() {
    let stage = Stage::new();
    let leaked = File::open("/dev/null").unwrap();
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).unwrap();
    let running = sleeper(&stage);
    let descriptors = format!("/proc/{}/fd", running.pid());
    let names = || {
        let names = fs::read_dir(&descriptors).unwrap().map(|entry| entry.unwrap().file_name());
        names.collect::<BTreeSet<OsString>>()
    };
    // The kernel lets a parent go on just before it closes the child's descriptors.
    eventually("it has 0, 1 and 2", || names() == ["0", "1", "2"].map(OsString::from).into());
    assert_eq!(fs::read_link(format!("{descriptors}/0")).unwrap(), Path::new("/dev/null"));
    for output in ["1", "2"] {
        assert_eq!(fs::read_link(format!("{descriptors}/{output}")).unwrap(), stage.stdout_path());
    }
}

#[test]
fn a_session_of_its_own_and_default_signals() {
    let stage = Stage::new();
    let running = sleeper(&stage);
    let stat = fs::read_to_string(format!("/proc/{}/stat", running.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let pid = running.pid().to_string();
    assert_eq!((fields[2], fields[3]), (pid.as_str(), pid.as_str()), "group and session");
    for set in ["SigBlk", "SigIgn", "SigCgt"] {
        assert_eq!(status(running.pid(), set).unwrap(), "0000000000000000", "{set}");
    }
}

#[test]
fn what_runs_is_recorded() {
    let stage = Stage::new();
    let running = sleeper(&stage);
    let identity = running.process.identity();
    assert!(identity.is_alive().unwrap());
    assert_eq!(stage.record().state, RecordState::Spawned(identity));
    assert_eq!(stage.record().intent, stage.intent(&running.run));
}

/// What a failed start says, and at which stage.
fn failure(program: &process_support::Program<'_>) -> (At, String) {
    let error = program.try_spawn().expect_err("it was started");
    (error.stage(), error.to_string())
}

#[test]
fn every_failure_says_what_is_wrong() {
    let stage = Stage::new();
    let here = stage.folder.display();
    stage.executable("plain", "echo", 0o644);
    stage.executable("noformat", "echo\n", 0o755);
    stage.executable("empty", "", 0o755);
    stage.executable("noint", "#!/nowhere/sh -e\n", 0o755);
    stage.executable("crlf", "#!/bin/sh\r\n", 0o755);
    fs::create_dir(stage.folder.join("folder")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        stage.folder.join("fifo"),
        rustix::fs::FileType::Fifo,
        0o755.into(),
        0,
    )
    .unwrap();
    let table = [
        ("/nowhere/run".to_owned(), "/nowhere/run does not exist".to_owned()),
        ("./gone".into(), format!("{here}/./gone does not exist")),
        (
            "./plain".into(),
            format!("{here}/./plain: permission denied; the file is not executable (chmod +x)"),
        ),
        ("./plain/x".into(), format!("{here}/./plain/x: a part of this path is not a folder")),
        ("./folder".into(), format!("{here}/./folder is a directory; give the program in it")),
        ("./fifo".into(), format!("{here}/./fifo is not a regular file, so it cannot be a program")),
        (
            "./noformat".into(),
            format!(
                "{here}/./noformat: exec format error: a script needs a first line such as #!/bin/sh, a binary must be built for this machine"
            ),
        ),
        (
            "./empty".into(),
            format!(
                "{here}/./empty: exec format error: a script needs a first line such as #!/bin/sh, a binary must be built for this machine"
            ),
        ),
        (
            "./noint".into(),
            format!(
                "interpreter /nowhere/sh of the script {here}/./noint does not exist; correct its first line"
            ),
        ),
        (
            "./crlf".into(),
            format!(
                "interpreter /bin/sh\\r of the script {here}/./crlf does not exist; correct its first line"
            ),
        ),
        ("nginxx".into(), "nginxx: not found in PATH (/usr/bin:/bin)".into()),
        (
            "plain".into(),
            "plain: not found in PATH (/usr/bin:/bin); for the one in the working directory write ./plain"
                .into(),
        ),
    ];
    for (command, message) in table {
        let program = stage.program(&command).env("PATH", "/usr/bin:/bin");
        assert_eq!(failure(&program), (At::Exec, message), "{command}");
        assert_eq!(stage.record().state, RecordState::IntentOnly, "{command}: nothing runs");
    }
}

#[test]
fn a_working_directory_that_is_none() {
    let stage = Stage::new();
    let file = stage.executable("file", "", 0o644);
    let table = [
        (Path::new("/y"), "working directory /y does not exist".to_owned()),
        (&file, format!("working directory {} is not a directory", file.display())),
    ];
    for (directory, message) in table {
        let program = stage.program("true").directory(directory);
        assert_eq!(failure(&program), (At::WorkingDirectory, message));
        assert_eq!(stage.record().state, RecordState::IntentOnly);
    }
}

#[test]
fn requests_that_no_system_can_take() {
    let stage = Stage::new();
    let table = [
        (stage.program(""), "the command is empty; give the path or the name of a program"),
        (stage.program("a\0b"), "the command contains a NUL byte, which no program can be given"),
        (
            stage.program("true").arg("x").arg("a\0b"),
            "argument 2 contains a NUL byte, which no program can be given",
        ),
        (
            stage.program("true").env("KEY", "secret\0"),
            "the environment variable KEY contains a NUL byte, which no program can be given",
        ),
        (
            stage.program("true").env("A=B", "secret"),
            "\"A=B\" cannot be the name of an environment variable: it must not be empty nor contain '='",
        ),
        (
            stage.program("true").directory("a\0"),
            "the working directory contains a NUL byte, which no program can be given",
        ),
    ];
    for (program, message) in table {
        assert_eq!(failure(&program), (At::Prepare, message.to_owned()));
    }
}

#[test]
fn too_many_bytes() {
    let stage = Stage::new();
    let program = stage.program("true").arg("x".repeat(200_000));
    let error = program.try_spawn().err().unwrap();
    assert!(matches!(error, SpawnError::TooLong { longest: 200_001, .. }), "{error}");
    assert!(error.to_string().starts_with("argument list too long"), "{error}");
}

#[test]
fn a_program_being_written() {
    let stage = Stage::new();
    let path = stage.folder.join("busy");
    fs::copy("/bin/true", &path).unwrap();
    let writer = fs::OpenOptions::new().append(true).open(&path).unwrap();
    assert!(matches!(stage.program(&path).try_spawn(), Err(SpawnError::BeingWritten { .. })));
    drop(writer);
    // Another test's fork may hold a copy of the writer for a moment.
    eventually("it is free", || stage.program(&path).try_spawn().map(|process| process.wait(None)).is_ok());
}

#[test]
fn path_is_that_of_the_program_and_skips_what_cannot_be_executed() {
    let stage = Stage::new();
    for folder in ["denied", "good"] {
        fs::create_dir(stage.folder.join(folder)).unwrap();
    }
    stage.executable("denied/tool", "#!/bin/sh\nexit 1\n", 0o644);
    stage.executable("good/tool", "#!/bin/sh\nexit 7\n", 0o755);
    assert_eq!(stage.program("tool").env("PATH", "/nowhere:denied:good").spawn().exit(), Exit::Code(7));
    let denied = failure(&stage.program("tool").env("PATH", "denied:/nowhere"));
    assert!(denied.1.contains("denied/tool: permission denied"), "{denied:?}");
}

#[test]
fn no_value_of_a_variable_is_printed() {
    let stage = Stage::new();
    let program = stage.program("/nowhere/x").env("PASSWORD", "hunter2");
    let error = program.try_spawn().err().unwrap();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn descriptors_used_up() {
    isolated("descriptors_used_up", || {
        let stage = Stage::new();
        let limit = rustix::process::Rlimit { current: Some(64), maximum: Some(64) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
        assert_eq!(stage.program("true").spawn().exit(), Exit::Code(0));
        let output = File::create(stage.stdout_path()).unwrap();
        let program = stage.program("true");
        let intent = stage.intent(&program.run);
        let record = process_monitor_host::process::record::RunRecord::create(
            &stage.record_path(),
            &intent,
            &Stock::none(),
        )
        .unwrap();
        let mut hoard = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            hoard.push(file);
        }
        let request = process_monitor_host::process::SpawnRequest {
            process: &intent.process,
            run: &intent.run,
            command: OsStr::new("true"),
            executable: None,
            args: vec![],
            working_directory: None,
            environment: vec![],
            stdout: std::os::fd::AsFd::as_fd(&output),
            stderr: std::os::fd::AsFd::as_fd(&output),
            record: std::os::fd::AsFd::as_fd(&record),
            keeps: &[],
        };
        let error = process_monitor_host::process::spawn(&request).expect_err("it was started");
        assert!(error.to_string().starts_with("out of descriptors (limit 64)"), "{error}");
        hoard.clear();
        let process = process_monitor_host::process::spawn(&request).unwrap();
        assert!(process.wait(Some(PATIENCE)).unwrap(), "it recovers");
        assert_eq!(process.try_exit().unwrap(), Some(Exit::Code(0)));
    });
}

#[test]
fn programs_get_the_limit_that_the_monitor_found() {
    isolated("programs_get_the_limit_that_the_monitor_found", || {
        let stage = Stage::new();
        let limit = rustix::process::Rlimit { current: Some(1024), maximum: Some(4096) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
        assert_eq!(limits::raise_nofile().unwrap(), Some(1024));
        assert_eq!(limits::raise_nofile().unwrap(), Some(1024));
        assert_eq!(rustix::process::getrlimit(rustix::process::Resource::Nofile).current, Some(4096));
        stage.script("ulimit -Sn; ulimit -Hn").spawn().exit();
        assert_eq!(fs::read_to_string(stage.stdout_path()).unwrap(), "1024\n4096\n");
    });
}

#[test]
fn many_threads_spawn_without_leaks() {
    isolated("many_threads_spawn_without_leaks", || {
        const THREADS: usize = 8;
        let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
        let spawn_some = |count: usize| {
            let stage = Stage::new();
            for number in 0..count {
                let code = i32::try_from(number % 200).unwrap();
                let program = stage.script(&format!("exit {code}"));
                assert_eq!(program.spawn().exit(), Exit::Code(code));
                if number % 10 == 0 {
                    stage.program("/nowhere/x").try_spawn().unwrap_err();
                }
            }
        };
        spawn_some(1);
        let before = descriptors();
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| spawn_some(500));
            }
        });
        // Each thread may leave one set of reserved slots behind, four descriptors.
        assert!(descriptors() <= before + 4 * THREADS, "{before} before, {} after", descriptors());
        let zombies = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let me = std::process::id().to_string();
        let mine = zombies.filter(|pid| status(*pid, "PPid").as_ref() == Some(&me)).count();
        assert_eq!(mine, 0, "children left");
    });
}

/// Signals to the spawning process, with handlers installed, must not run in the child or disturb it.
#[test]
fn signals_do_not_matter() {
    isolated("signals_do_not_matter", || {
        extern "C" fn count(_: libc::c_int) {
            COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let handler: extern "C" fn(libc::c_int) = count;
        // SAFETY: the handler only adds to an atomic.
        unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::USR1)
                        .unwrap();
                }
            });
            let stage = Stage::new();
            for _ in 0..200 {
                assert_eq!(stage.program("true").spawn().exit(), Exit::Code(0));
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert!(COUNT.load(std::sync::atomic::Ordering::Relaxed) > 0);
    });
}
