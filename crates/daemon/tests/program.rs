//! The program's command line: what it says without starting anything.

use std::process::{Command, Output};

fn cortend(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cortend"))
        .args(arguments)
        .output()
        .expect("a step of the test works")
}

fn refusal(arguments: &[&str]) -> String {
    let output = cortend(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).expect("a step of the test works")
}

#[test]
fn it_tells_its_version_and_its_flags() {
    let version = cortend(&["--version"]);
    assert!(
        String::from_utf8(version.stdout)
            .expect("a step of the test works")
            .starts_with("Corten version ")
    );
    let help = String::from_utf8(cortend(&["--help"]).stdout).expect("a step of the test works");
    assert!(help.contains("-H, --host") && !help.contains("userns-remap"));
}

#[test]
fn it_validates_its_configuration() {
    let directory = tempfile::tempdir().expect("a step of the test works");
    let file = directory.path().join("daemon.json");
    let path = file.to_str().expect("a step of the test works");
    std::fs::write(&file, r#"{"debug":true,"bip":"10.9.0.1/24"}"#).expect("a step of the test works");
    let output = cortend(&["--validate", "--config-file", path]);
    assert_eq!(
        String::from_utf8(output.stdout).expect("a step of the test works"),
        "configuration OK\n"
    );
    let twice = refusal(&["--validate", "--config-file", path, "-D"]);
    assert!(twice.contains("debug: (from flag: true, from file: true)"), "{twice}");
    std::fs::write(&file, r#"{"unknown-key":1}"#).expect("a step of the test works");
    let unknown = refusal(&["--validate", "--config-file", path]);
    let want = format!("unable to configure the Docker daemon with file {path}: the following directives don't match");
    assert!(unknown.contains(&want), "{unknown}");
}

#[test]
fn it_refuses_by_name_what_is_not_built() {
    assert!(refusal(&["--userns-remap", "default"]).contains("--userns-remap is not implemented yet"));
    assert!(refusal(&["--no-such-flag"]).contains("unknown flag: --no-such-flag"));
}
