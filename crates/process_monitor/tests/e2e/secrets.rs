//! Values of environment variables reach the program, and nobody else.

use crate::files::sleeping;
use crate::harness::{World, eventually};
use serde_json::json;
use std::fs;
use std::path::Path;

const SECRET: &str = "hunter2-47114711471147";

#[track_caller]
fn hidden(what: &str, text: &str) {
    assert!(!text.contains("hunter2") && !text.contains("47114711471147"), "{what} tells the secret: {text}");
}

/// Every file under `folder` but the registry and what programs printed.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&path, found),
            Ok(kind) if kind.is_file() && name != "processes_default.json" && name != "stdout.log" => {
                found.push(path);
            }
            _ => {}
        }
    }
}

#[test]
fn nothing_that_is_said_or_logged_tells_them() {
    let world = World::new();
    let mut start = world.command::<&str>([]);
    assert!(start.env("TOM_PM_LOG", "debug").output().unwrap().status.success());
    let variable = format!("TOKEN={SECRET}");
    let cases: [(&str, &[&str]); 4] = [
        ("runs", &["sleep", "100000"]),
        ("exits", &["/bin/sh", "-c", "exit 3"]),
        ("missing", &["/opt/nothing"]),
        ("unknown", &["nothing-in-path"]),
    ];
    for (id, command) in cases {
        let words = ["run", "--name", id, "--max-attempts", "0", "--env", &variable, "--"];
        let said = world.say(words.iter().chain(command));
        hidden(id, &(said.stdout + &said.stderr));
        for words in [&["status", id][..], &["status", id, "--json"], &["restart", id]] {
            let said = world.say(words.iter());
            hidden(&format!("{words:?}"), &(said.stdout + &said.stderr));
        }
    }
    world.edit(|registry| {
        registry["processes"]["edited"] = sleeping("edited");
        registry["processes"]["edited"]["environment"] = json!({"TOKEN": SECRET});
        registry["processes"]["runs"]["environment"] = json!({"TOKEN": SECRET, "MORE": SECRET});
    });
    eventually("the edit is done", || world.say(["status", "edited"]).code == Some(0));
    // From here on nothing is written that is not there yet, not even for a moment.
    world.await_saved("edited", "running");
    for words in [&["list"][..], &["list", "--json"], &["doctor"], &["doctor", "--json"], &["--status"]] {
        let said = world.say(words.iter());
        hidden(&format!("{words:?}"), &(said.stdout + &said.stderr));
    }
    let mut found = Vec::new();
    files(world.path(), &mut found);
    assert!(found.iter().any(|path| path.ends_with("runs.run")), "{found:?}");
    for path in found {
        hidden(&path.display().to_string(), &String::from_utf8_lossy(&fs::read(&path).unwrap()));
    }
}

#[test]
fn the_program_has_them() {
    let world = World::started();
    let variable = format!("TOKEN={SECRET}");
    world.ok(&[
        "run",
        "--name",
        "x",
        "--env",
        &variable,
        "--",
        "/bin/sh",
        "-c",
        "echo $TOKEN; exec sleep 100000",
    ]);
    eventually("it printed it", || world.output("x", "stdout") == format!("{SECRET}\n").as_bytes());
}

#[test]
fn a_registry_with_a_mistake_beside_them_is_refused_without_telling_them() {
    let table = [
        ("a comma too many", r#"{"TOKEN": "hunter2-47114711471147",}"#),
        ("a comma missing", r#"{"TOKEN": "hunter2-47114711471147" "B": "hunter2"}"#),
        ("a number", r#"{"TOKEN": 47114711471147}"#),
        ("a list", r#"{"TOKEN": ["hunter2"]}"#),
        ("a text for the object", r#""TOKEN=hunter2""#),
        ("the same name twice", r#"{"TOKEN": "hunter2", "TOKEN": "hunter2-47114711471147"}"#),
        ("a NUL", r#"{"TOKEN": "hunter2\u0000"}"#),
        ("a bad escape", r#"{"TOKEN": "hunter2\x"}"#),
        ("no quotes", r#"{"TOKEN": hunter2}"#),
        ("cut off", r#"{"TOKEN": "hunter2"#),
    ];
    for (what, environment) in table {
        let world = World::new();
        let entry = r#"{"processes": {"x": {"id": "x", "name": "x", "command": "true", "environment": "#;
        world.save(format!("{entry}{environment}}}}}}}"));
        for words in [&[][..], &["list"], &["add", "--", "true"], &["doctor"], &["doctor", "--json"]] {
            let said = world.say::<&str>(words.iter().copied());
            assert_eq!(said.code, Some(1), "{what} {words:?}: {said:?}");
            let text = said.stdout + &said.stderr;
            assert!(text.contains("line 1"), "{what}: {text}");
            hidden(what, &text);
        }
    }
}
