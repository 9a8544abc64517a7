//! Registries that are refused: nothing is started, nothing is written, and the words help.

use crate::harness::World;
use serde_json::json;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells whether anybody touched the file.
fn stamp(path: &Path) -> (u64, i64, i64, Vec<u8>) {
    let metadata = fs::symlink_metadata(path).unwrap();
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), fs::read(path).unwrap_or_default())
}

/// That start, reading and changing all fail in words that contain `expected`, and touch nothing.
fn refused(what: &str, world: &World, expected: &[&str]) {
    let before = stamp(&world.registry());
    let calls: [&[&str]; 5] =
        [&[], &["list"], &["status", "web"], &["add", "--name", "new", "--", "true"], &["remove", "web"]];
    for words in calls {
        let said = world.say(words.iter());
        assert_eq!(said.code, Some(1), "{what} {words:?}: {said:?}");
        for part in expected {
            assert!(said.stderr.contains(part), "{what} {words:?} without {part}: {}", said.stderr);
        }
    }
    assert!(stamp(&world.registry()) == before, "{what}: the file was touched");
    assert_eq!(world.processes(), [0_u32; 0], "{what}");
    let (level, found, advice) = world.doctor("registry");
    assert_eq!(level, "bad", "{what}: {found}");
    assert!(expected.iter().all(|part| found.contains(part)), "{what}: {found}");
    assert!(!advice.is_empty(), "{what}");
    for entry in fs::read_dir(world.path()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let known = ["processes_default.json", "default_state", "default_logs", "real.json"];
        assert!(known.contains(&name.as_str()), "{what}: {name} was left behind");
    }
}

#[test]
fn every_bad_fixture() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/fixtures/registries/bad");
    let mut files: Vec<_> = fs::read_dir(fixtures).unwrap().flatten().map(|file| file.path()).collect();
    files.sort();
    assert!(files.len() > 40, "only {} fixtures", files.len());
    // Each command of each file is a process of its own, so the files are shared out.
    std::thread::scope(|scope| {
        for share in files.chunks(files.len().div_ceil(4)) {
            scope.spawn(move || share.iter().for_each(|file| refused_fixture(file)));
        }
    });
}

fn refused_fixture(file: &Path) {
    let world = World::new();
    fs::copy(file, world.registry()).unwrap();
    let what = file.file_name().unwrap().to_string_lossy();
    let path = world.registry().display().to_string();
    refused(&what, &world, &[&path, "line "]);
}

#[test]
fn a_symbolic_link() {
    let world = World::new();
    let real = world.path().join("real.json");
    fs::write(&real, json!({"version": 1}).to_string()).unwrap();
    let before = stamp(&real);
    std::os::unix::fs::symlink(&real, world.registry()).unwrap();
    refused("symlink", &world, &["processes_default.json is a symbolic link"]);
    assert!(fs::symlink_metadata(world.registry()).unwrap().is_symlink());
    assert!(stamp(&real) == before, "what it leads to was touched");
}

#[test]
fn a_symbolic_link_to_nothing() {
    let world = World::new();
    std::os::unix::fs::symlink("nothing", world.registry()).unwrap();
    refused("dangling", &world, &["processes_default.json is a symbolic link"]);
}

#[test]
fn a_folder() {
    let world = World::new();
    fs::create_dir(world.registry()).unwrap();
    refused("folder", &world, &["processes_default.json is a folder"]);
}

#[test]
fn a_fifo_blocks_nobody() {
    let world = World::new();
    assert!(std::process::Command::new("mkfifo").arg(world.registry()).status().unwrap().success());
    let calls: [&[&str]; 3] = [&[], &["list"], &["add", "--name", "new", "--", "true"]];
    for words in calls {
        let said = world.say(words.iter());
        assert_eq!(said.code, Some(1), "{words:?}: {said:?}");
        assert!(said.stderr.contains("processes_default.json is a FIFO"), "{words:?}: {}", said.stderr);
    }
}

#[test]
fn a_hundred_megabytes() {
    let world = World::new();
    fs::File::create(world.registry()).unwrap().set_len(100 << 20).unwrap();
    let calls: [&[&str]; 3] = [&[], &["list"], &["add", "--name", "new", "--", "true"]];
    for words in calls {
        let said = world.say(words.iter());
        assert_eq!(said.code, Some(1), "{words:?}: {said:?}");
        let expected = ["processes_default.json is too large", "104857600 bytes"];
        assert!(expected.iter().all(|part| said.stderr.contains(part)), "{words:?}: {}", said.stderr);
    }
    let metadata = fs::metadata(world.registry()).unwrap();
    assert_eq!((metadata.len(), metadata.blocks()), (100 << 20, 0), "not a byte of it was written");
}
