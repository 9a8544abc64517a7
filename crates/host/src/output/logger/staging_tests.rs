use super::*;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

/// A FIFO with a writer, and a folder for log files.
struct Stage {
    directory: tempfile::TempDir,
    writer: File,
    fifo: Reader,
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r1.out");
        let made = fifo::make(&path).unwrap();
        let (writer, fifo) = (File::from(made.program), fifo::open_reader(&path).unwrap());
        Self { directory, writer, fifo }
    }

    fn print(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).unwrap();
    }

    fn staging(&self) -> Staging {
        let path = self.directory.path().join("r1.out");
        Staging::open(&path, &self.fifo, self.directory.path(), Stream::Stdout).unwrap()
    }

    fn log(&self) -> LogFile {
        LogFile::open(&Arc::from(self.directory.path()), Stream::Stdout).unwrap()
    }

    /// What ends up in the log after a kill that left `staging` as it is.
    fn after_a_kill(&self, staging: Staging) -> Vec<u8> {
        std::mem::forget(staging);
        let (mut staging, mut log) = (self.staging(), self.log());
        while let Peek::Data(bytes) = staging.peek(&self.fifo, usize::MAX).unwrap() {
            let length = bytes.len();
            assert_eq!(staging.write_to(&mut log, length).unwrap(), length);
        }
        std::fs::read(Stream::Stdout.file(self.directory.path(), 0)).unwrap()
    }
}

fn data(staging: &mut Staging, fifo: &Reader) -> Vec<u8> {
    match staging.peek(fifo, usize::MAX).unwrap() {
        Peek::Data(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    }
}

#[test]
fn states_survive_being_written_down() {
    let steps = [Step::Idle, Step::Taking(5), Step::Writing(7), Step::Taking(CAPACITY - 9)];
    for step in steps {
        let state = State { begin: 2, end: 9, step };
        assert_eq!(State::from_bits(state.to_bits()), state);
    }
    for nonsense in [u64::MAX, State { begin: 9, end: 2, step: Step::Idle }.to_bits(), 3 << 20 | 9] {
        assert_eq!(State::from_bits(nonsense), State::EMPTY);
    }
}

#[test]
fn bytes_go_through_in_order() {
    let mut stage = Stage::new();
    let mut staging = stage.staging();
    assert!(matches!(staging.peek(&stage.fifo, 9), Ok(Peek::Empty)));
    stage.print(b"one\ntwo\n");
    assert_eq!(data(&mut staging, &stage.fifo), b"one\ntwo\n");
    let mut log = stage.log();
    assert_eq!(staging.write_to(&mut log, 4).unwrap(), 4);
    stage.print(b"three\n");
    assert_eq!(staging.discard(2), b"tw");
    assert_eq!(stage.after_a_kill(staging), b"one\no\nthree\n");
}

#[test]
fn a_kill_around_a_read() {
    for (already_read, printed_after) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut stage = Stage::new();
        let mut staging = stage.staging();
        stage.print(b"a line\n");
        let place = staging.map.bytes_mut(0, 7);
        place.iter_mut().zip(NO_TEXT).for_each(|(byte, no_text)| *byte = no_text);
        staging.map.header().available.store(7, Ordering::SeqCst);
        staging.set(State { begin: 0, end: 0, step: Step::Taking(7) });
        if already_read {
            assert_eq!(fifo::read(&stage.fifo, staging.map.bytes_mut(0, 7)).unwrap(), 7);
        }
        let mut expected = b"a line\n".to_vec();
        if printed_after {
            stage.print(b"another\n");
            expected.extend(b"another\n");
        }
        assert_eq!(stage.after_a_kill(staging), expected, "{already_read} {printed_after}");
    }
}

#[test]
fn a_kill_around_a_write() {
    for on_disk in 0..=7 {
        let mut stage = Stage::new();
        let mut staging = stage.staging();
        stage.print(b"a line\n");
        assert_eq!(data(&mut staging, &stage.fifo), b"a line\n");
        let mut log = stage.log();
        log.append(b"before\n").unwrap();
        staging.map.header().inode.store(log.number(), Ordering::SeqCst);
        staging.map.header().size.store(log.size(), Ordering::SeqCst);
        staging.set(State { begin: 0, end: 7, step: Step::Writing(7) });
        assert_eq!(log.write(&b"a line\n"[..on_disk]).unwrap(), on_disk);
        assert_eq!(stage.after_a_kill(staging), b"before\na line\n", "{on_disk}");
    }
}

#[test]
fn what_a_read_has_put_there() {
    let untouched: Vec<u8> = NO_TEXT.iter().copied().cycle().take(40).collect();
    assert_eq!(taken(&untouched, false), 0);
    assert_eq!(taken(&untouched, true), 40, "they were read, and looked like that");
    let mut short = untouched.clone();
    short[..9].copy_from_slice(b"a line\nxy");
    assert_eq!(taken(&short, false), 9, "fewer than were asked for");
    let mut odd = untouched;
    odd[..37].fill(b'x');
    assert_eq!(taken(&odd, false), 40, "the last ones look like what is no text");
}

#[test]
fn an_empty_one_leaves_no_file() {
    let stage = Stage::new();
    drop(stage.staging());
    assert!(!stage.directory.path().join("r1.out.staged").exists());
}
