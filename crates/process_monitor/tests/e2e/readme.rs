//! The README's examples of the API, run as they are written but for the address.

use crate::harness::World;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The first line of the examples, which says where the API is.
const ADDRESS: &str = "API=http://127.0.0.1:5679";

/// The shell commands of a section.
fn examples(section: &str) -> String {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let (_, section) = readme.split_once(&format!("\n## {section}\n")).expect("the section is there");
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_examples_of_the_api_work() {
    let world = World::started();
    let examples = examples("HTTP API");
    assert!(examples.starts_with(ADDRESS) && examples.lines().count() > 8, "{examples}");
    let script = examples.replacen(ADDRESS, &format!("API={}", world.api()), 1);
    // What is answered with an error has to fail.
    fs::write(world.path().join(".curlrc"), "fail-with-body\nsilent\nshow-error\nmax-time = 30\n").unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-eux", "-c", &script]).env("CURL_HOME", world.path()).env("HOME", world.path());
    let output = shell.current_dir(world.path()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}\n{stdout}");
    for part in [r#""processId":"web""#, r#""state":"running""#, r#""state":"stopped""#, r#""openapi": "3.1"#]
    {
        assert!(stdout.contains(part), "{part} is not in {stdout}");
    }
}
