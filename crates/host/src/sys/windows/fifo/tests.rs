use super::*;
use crate::sys::wait;
use crate::sys::windows::process::job::Job;
use process_monitor_core::id::RunId;
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation};
use windows_sys::Win32::System::JobObjects::AssignProcessToJobObject;

/// The argument of a process that waits to be killed.
const SLEEPER: &str = "sleeper";

fn has_something(reader: &Reader) -> bool {
    wait::any(&[reader.as_fd()], Some(Duration::from_millis(50))).unwrap() == [true]
}

fn finds_nothing(reader: &Reader) -> bool {
    reader.read(&mut [0; 9]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn what_is_written_is_reported_seen_and_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r1.out");
    let made = make(&path).unwrap();
    let (reader, mut writer) = (open_reader(&path).unwrap(), File::from(made.program));
    assert!(finds_nothing(&reader) && !has_something(&reader));
    writer.write_all(b"hello").unwrap();
    let mut bytes = [0; 64];
    assert!(has_something(&reader));
    assert_eq!((available(&reader).unwrap(), reader.look(&mut bytes[..3]).unwrap()), (5, 3));
    assert_eq!(read(&reader, &mut bytes).unwrap(), 5);
    assert_eq!(&bytes[..5], b"hello");
    assert!(finds_nothing(&reader) && !has_something(&reader));
    writer.write_all(b"last").unwrap();
    drop(writer);
    assert!(has_something(&reader));
    assert_eq!(read(&reader, &mut bytes).unwrap(), 4);
    assert_eq!(read(&reader, &mut bytes).unwrap(), 0);
    assert!(has_something(&reader), "the end is, too");
}

#[test]
fn it_is_taken_from_whoever_has_it_and_is_gone_with_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r1.err");
    let made = make(&path).unwrap();
    let held = hold(&path).unwrap().unwrap();
    drop(made.hold);
    File::from(made.program).write_all(b"waits").unwrap();
    let reader = open_reader(&path).unwrap();
    drop(held);
    assert_eq!(read(&reader, &mut [0; 9]).unwrap(), 5);
    drop(reader);
    assert_eq!(open_reader(&path).err().unwrap().kind(), ErrorKind::NotFound);
    assert!(hold(&folder.path().join("r2.out")).unwrap().is_none());
}

#[test]
fn it_is_taken_from_the_program_when_nobody_else_is_left() {
    if std::env::args().any(|arg| arg == SLEEPER) {
        return std::thread::sleep(Duration::from_secs(60));
    }
    let folder = tempfile::tempdir().unwrap();
    let run = RunId::new(&format!("fifo-{}", std::process::id())).unwrap();
    let path = folder.path().join(format!("{run}.out"));
    let (made, job) = (make(&path).unwrap(), Job::create(&run).unwrap());
    // SAFETY: both handles are open.
    unsafe { SetHandleInformation(made.hold.as_raw_handle(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) };
    let name = "it_is_taken_from_the_program_when_nobody_else_is_left";
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut program = command.args([name, SLEEPER]).stdout(Stdio::null()).spawn().unwrap();
    // SAFETY: both handles are open.
    let joined = unsafe { AssignProcessToJobObject(job.as_fd().as_raw_handle(), program.as_raw_handle()) };
    assert_ne!(joined, 0);
    File::from(made.program).write_all(b"kept by the program").unwrap();
    drop(made.hold);
    let reader = open_reader(&path).unwrap();
    assert_eq!(read(&reader, &mut [0; 64]).unwrap(), 19);
    drop(reader);
    program.kill().unwrap();
    program.wait().unwrap();
    assert_eq!(open_reader(&path).err().unwrap().kind(), ErrorKind::NotFound);
}
