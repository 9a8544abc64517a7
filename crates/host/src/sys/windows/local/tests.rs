use super::*;
use crate::fd::AsFd;
use crate::sys::wait;
use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

/// Within a moment.
fn signalled(source: &impl AsFd) -> bool {
    wait::any(&[source.as_fd()], Some(Duration::from_millis(50))).unwrap() == [true]
}

fn has_nothing(connection: &LocalConnection) -> bool {
    connection.receive(&mut [0; 9]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn both_ways_and_what_is_signalled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    assert_eq!(LocalStream::connect(&path).err().unwrap().kind(), ErrorKind::NotFound);
    let listener = LocalListener::bind(&path).unwrap();
    assert!(
        !signalled(&listener) && listener.accept().is_err_and(|none| none.kind() == ErrorKind::WouldBlock)
    );
    let stream = LocalStream::connect(&path).unwrap();
    assert!(signalled(&listener));
    let connection = listener.accept().unwrap();
    assert!(!signalled(&listener) && has_nothing(&connection) && !signalled(&connection));
    (&stream).write_all(b"abc").unwrap();
    assert!(signalled(&connection));
    assert_eq!(connection.receive(&mut [0; 9]).unwrap(), 3);
    connection.send(b"answer").unwrap();
    assert_eq!((&stream).read(&mut [0; 9]).unwrap(), 6);
    drop(stream);
    while !has_end(&connection) {
        assert!(signalled(&connection));
    }
}

fn has_end(connection: &LocalConnection) -> bool {
    connection.receive(&mut [0; 9]).is_ok_and(|read| read == 0)
}

#[test]
fn a_full_pipe_is_reported_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = LocalListener::bind(&path).unwrap();
    let stream = LocalStream::connect(&path).unwrap();
    let connection = listener.accept().unwrap();
    let bytes = vec![b'x'; 1 << 20];
    let mut sent = 0;
    while let Ok(more) = connection.send(&bytes[sent..]) {
        sent += more;
    }
    assert!(sent < bytes.len() && has_nothing(&connection) && !signalled(&connection));
    (&stream).read_exact(&mut vec![0; sent]).unwrap();
    assert!(signalled(&connection), "it can be sent on");
    assert!(connection.send(b"more").is_ok());
}

#[test]
fn who_waits_is_told_when_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = LocalListener::bind(&path).unwrap();
    let stream = LocalStream::connect(&path).unwrap();
    let connection = listener.accept().unwrap();
    stream.set_timeout(Some(Duration::from_millis(20))).unwrap();
    assert_eq!((&stream).read(&mut [0; 9]).unwrap_err().kind(), ErrorKind::TimedOut);
    stream.set_timeout(None).unwrap();
    thread::scope(|scope| {
        let reading = scope.spawn(|| (&stream).read(&mut [0; 9]).unwrap());
        (&stream).write_all(b"while another reads").unwrap();
        stream.end_reading();
        assert_eq!(reading.join().unwrap(), 0);
    });
    assert_eq!(connection.receive(&mut [0; 64]).unwrap(), 19);
}
