//! `login`, `logout` and what others send of credentials, beside the real `docker` client against the same scripted
//! engine: what is said, what is written, what helpers are asked. Skipped where there is no client 28.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::docker::{docker, words};
use crate::scripted::{Engine, corten, finish};

/// Keeps what it is given in files beside it, and notes each call.
const HELPER: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
input=$(/bin/cat)
echo "$1 $input" >>calls
case $1 in
get) [ "$input" = kept.example ] || { echo "credentials not found in native keychain"; exit 1; }
     echo '{"ServerURL":"kept.example","Username":"ann","Secret":"hers"}' ;;
esac
"#;

/// Lines, with what is typed. The engine takes the password `secret`, and gives a token to `bob`.
const SCRIPT: &[(&str, &str)] = &[
    ("login -u joe -p secret r.example", ""),
    ("login -u joe -p secret r.example", ""),
    ("login r.example", ""),
    ("login -u joe --password-stdin https://s.example/v1/", "secret\n"),
    ("login -u joe -p wrong r.example", ""),
    ("login -u bob -p secret t.example", ""),
    ("login -u joe", ""),
    ("login -p x r.example", ""),
    ("login -u a -p x --password-stdin r.example", ""),
    ("login --password-stdin r.example", "x"),
    ("pull r.example/image", ""),
    ("push t.example/image", ""),
    ("pull image", ""),
    ("logout s.example", ""),
    ("logout r.example", ""),
    ("logout none.example", ""),
    ("logout", ""),
];

/// What came of a script.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    said: Vec<String>,
    config: Value,
    calls: Vec<String>,
    auths: Vec<String>,
}

fn play(config: &str, script: &[(&str, &str)], program: impl Fn() -> Command, variable: &str) -> Outcome {
    let auths: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&auths);
    let engine = Engine::start(move |request| {
        if let Some(auth) = &request.auth {
            kept.lock().expect("no panic inside").push(auth.clone());
        }
        if !request.is("POST /auth") {
            return request.answer("404 Not Found", "{\"message\":\"not here\"}\n");
        }
        kept.lock()
            .expect("no panic inside")
            .push(request.body.trim().to_owned());
        if !request.body.contains("\"secret\"") && !request.body.contains("\"hers\"") {
            return request.answer("401 Unauthorized", "{\"message\":\"refused\"}\n");
        }
        let token = if request.body.contains("\"bob\"") { "T" } else { "" };
        let body = format!("{{\"IdentityToken\":\"{token}\",\"Status\":\"Login Succeeded\"}}\n");
        request.answer("200 OK", &body);
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("config.json"), config).expect("a file");
    let helper = directory.path().join("docker-credential-test");
    std::fs::write(&helper, HELPER).expect("a file");
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut said = Vec::new();
    for (line, input) in script {
        let mut command = program();
        command
            .args(words(line))
            .env(variable, engine.address())
            .env("DOCKER_CONFIG", directory.path())
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", directory.path().display()),
            );
        let output = finish(command, input);
        let text = |bytes: &[u8]| plain(&String::from_utf8_lossy(bytes), directory.path());
        said.push(format!(
            "{line}: {:?} out {:?} err {:?}",
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr)
        ));
    }
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap_or_default();
    let auths = std::mem::take(&mut *auths.lock().expect("no panic inside"));
    Outcome {
        said,
        // The order of keys is the user's, which we keep.
        config: serde_json::from_str(&read("config.json")).expect("a file of JSON"),
        calls: calls(&read("calls")),
        auths,
    }
}

/// Docker writes signs of HTML as numbers, and forgets a name twice.
fn calls(text: &str) -> Vec<String> {
    let text = text.replace("\\u003c", "<").replace("\\u003e", ">");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.dedup();
    lines
}

/// Without the names of the program and of the directory.
fn plain(text: &str, directory: &Path) -> String {
    let text = text
        .replace(&directory.display().to_string(), "DIR")
        .replace("corten", "docker");
    text.lines()
        .filter(|line| !line.starts_with("hint:"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn both(config: &str, script: &[(&str, &str)]) {
    if docker().is_none() {
        println!("skip: no docker client 28 in PATH");
        return;
    }
    let theirs = play(config, script, || docker().expect("found above"), "DOCKER_HOST");
    let ours = play(config, script, || corten(&[]), "CORTEN_HOST");
    for (ours, theirs) in ours.said.iter().zip(&theirs.said) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.config, theirs.config);
    assert_eq!(ours.calls, theirs.calls);
    assert_eq!(ours.auths, theirs.auths);
}

#[test]
fn credentials_in_the_file() {
    both("{}", SCRIPT);
}

#[test]
fn other_keys_stay() {
    both(
        "{\n\t\"auths\": {\n\t\t\"a.example\": {\n\t\t\t\"auth\": \"YTpi\"\n\t\t}\n\t},\n\t\"detachKeys\": \"ctrl-x\"\n}",
        &[("login -u joe -p secret r.example", ""), ("logout a.example", "")],
    );
}

#[test]
fn credentials_with_a_program() {
    let script = [
        ("login kept.example", ""),
        ("login -u joe -p secret r.example", ""),
        ("login -u bob -p secret t.example", ""),
        ("pull kept.example/image", ""),
        ("logout r.example", ""),
    ];
    both("{\"credsStore\":\"test\"}", &script);
    both("{\"credHelpers\":{\"kept.example\":\"test\"}}", &script);
}
