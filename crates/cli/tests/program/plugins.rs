//! CLI plugins: small scripts in a configuration directory, found, examined, listed and run as Docker's
//! client does it; that client is asked too where it is in PATH.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::docker::docker;
use crate::scripted::finish;

const GOOD: &str = r#"if [ "$1" = docker-cli-plugin-metadata ]; then
  echo '{"SchemaVersion":"0.1.0","Vendor":"Me","Version":"1","ShortDescription":"Good one"}'
else
  echo "args: $*"; echo "caller: ${DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND##*/}"; exit 7
fi"#;

const PLUGINS: &[(&str, &str)] = &[
    ("docker-good", GOOD),
    ("docker-badjson", "echo '{'"),
    ("docker-badver", r#"echo '{"SchemaVersion":"0.2.0","Vendor":"Me"}'"#),
    ("docker-novendor", r#"echo '{"SchemaVersion":"0.1.0"}'"#),
    ("docker-fails", "exit 3"),
    ("docker-ps", r#"echo '{"SchemaVersion":"0.1.0","Vendor":"Me"}'"#),
    ("docker-bad_name", r#"echo '{"SchemaVersion":"0.1.0","Vendor":"Me"}'"#),
];

fn prepare() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let plugins = directory.path().join("cli-plugins");
    fs::create_dir(&plugins).expect("a directory");
    for (name, script) in PLUGINS {
        let path = plugins.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    fs::write(plugins.join("docker-noexec"), "").expect("a file");
    symlink("/nowhere", plugins.join("docker-dangling")).expect("a link");
    symlink(env!("CARGO_BIN_EXE_corten"), directory.path().join("docker")).expect("a link");
    directory
}

fn ours(directory: &Path) -> Command {
    let mut command = Command::new(directory.join("docker"));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command
}

/// Exit code and output of `command` with `line`.
fn said(mut command: Command, directory: &Path, line: &str) -> (Option<i32>, String, String) {
    let output = finish(
        {
            command
                .args(line.split(' '))
                .env("DOCKER_CONFIG", directory)
                .env("DOCKER_HOST", "unix:///nowhere/d.sock");
            command
        },
        "",
    );
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_plugin_runs_in_our_place() {
    let directory = prepare();
    let run = |line: &str| said(ours(directory.path()), directory.path(), line);
    let (code, out, _) = run("-D good a -b --c");
    assert_eq!(
        (code, out.as_str()),
        (Some(7), "args: -D good a -b --c\ncaller: docker\n")
    );
    assert_eq!(run("help good").1, "args: help good\ncaller: docker\n");
    std::fs::write(
        directory.path().join("config.json"),
        r#"{"aliases":{"builder":"good"}}"#,
    )
    .expect("a file");
    assert_eq!(run("-D build -t x .").1, "args: -D good build -t x .\ncaller: docker\n");
    assert_eq!(run("builder prune").1, "args: good prune\ncaller: docker\n");
    for broken in ["badjson", "noexec", "dangling", "fails", "bad_name"] {
        let (code, _, error) = run(broken);
        assert!(
            code == Some(1) && error.contains("unknown command"),
            "{broken}: {error}"
        );
    }
    let (_, help, _) = run("--help");
    assert!(help.contains("\n  good*       Good one\n"), "{help}");
    let (_, info, warnings) = run("info");
    let path = directory.path().join("cli-plugins/docker-good");
    let shown = format!(
        " Plugins:\n  good: Good one (Me)\n    Version:  1\n    Path:     {}\n",
        path.display()
    );
    assert!(info.contains(&shown), "{info}");
    assert_eq!(warnings.matches("WARNING: Plugin ").count(), 8, "{warnings}");
}

#[test]
fn broken_ones_are_told_in_dockers_words() {
    let Some(docker) = docker() else {
        println!("skip: no docker client 28 in PATH");
        return;
    };
    let directory = prepare();
    let section = |page: &str| {
        let from = page.find("Invalid Plugins:").expect("the section");
        page[from..].split("\n\n").next().unwrap_or_default().to_owned()
    };
    let (_, theirs, _) = said(docker, directory.path(), "--help");
    let (_, help, _) = said(ours(directory.path()), directory.path(), "--help");
    assert_eq!(section(&help), section(&theirs));
}
