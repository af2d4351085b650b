//! Completion: the hidden command against a scripted engine, and the scripts in the shells themselves.
//! A shell that is not installed is skipped.

use std::process::Command;

use crate::scripted::{Engine, Request, corten, finish};

/// An engine with three containers, two images, two networks and a volume.
pub(crate) fn engine(request: &mut Request) {
    let line = request.line.clone();
    let path = line.split(['?', ' ']).nth(1).unwrap_or_default();
    let body = match path {
        "/containers/json" if line.contains("all=1") => {
            r#"[{"Id":"1","Names":["/web"],"Image":"nginx","State":"running"},
                {"Id":"2","Names":["/old","/web/link"],"Image":"alpine","State":"exited"},
                {"Id":"3","Names":["/asleep"],"Image":"alpine","State":"paused"}]"#
        }
        "/containers/json" => r#"[{"Id":"1","Names":["/web"],"Image":"nginx","State":"running"}]"#,
        "/images/json" => {
            r#"[{"Id":"sha256:1","RepoTags":["nginx:1.25","nginx:latest"]},{"Id":"sha256:2","RepoTags":["<none>:<none>"]}]"#
        }
        "/networks" => r#"[{"Name":"bridge","Driver":"bridge"},{"Name":"back","Driver":"bridge"}]"#,
        "/volumes" => r#"{"Volumes":[{"Name":"data"}],"Warnings":[]}"#,
        _ => "[]",
    };
    request.answer("200 OK", body);
}

#[test]
fn live_names() {
    let engine = Engine::start(engine);
    for (words, expected) in [
        (&["start", ""][..], "old\n:4\n"),
        (&["rm", ""], "old\n:4\n"),
        (&["rm", "-f", ""], "web\nold\nasleep\n:4\n"),
        (&["rm", "-f", "web", ""], "old\nasleep\n:4\n"),
        (&["stop", "w"], "web\n:4\n"),
        (&["unpause", ""], "asleep\n:4\n"),
        (&["container", "exec", "-it", ""], "web\n:4\n"),
        (&["exec", "web", ""], ":0\n"),
        (&["run", ""], "nginx:1.25\nnginx:latest\n:4\n"),
        (&["run", "--network", "b"], "bridge\nback\n:4\n"),
        (&["run", "--network=ba"], "back\n:4\n"),
        (&["run", "--env-file", ""], ":0\n"),
        (&["inspect", "d"], "data\n:4\n"),
        (&["logs", ""], "web\nold\nasleep\n:4\n"),
        (&["kill", "-s", "SIGU"], "SIGUSR1\nSIGUSR2\n:4\n"),
        (&["completion", "z"], "zsh\n:4\n"),
        (&["contai"], "container\n:4\n"),
        (&["container", "una"], ":4\n"),
        (&["run", "--pull"], "--pull\n:4\n"),
        (&["-c", "def"], "default\n:4\n"),
    ] {
        let mut arguments = vec!["__completeNoDesc"];
        arguments.extend(words);
        let output = engine.corten(&arguments, "");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{words:?}");
    }
    let output = finish(corten(&["-H", "unix:///nowhere", "__complete", "rm", ""]), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), ":4\n");
}

/// Lets bash complete `line` with the cursor at its end, and prints what it would offer.
const BASH: &str = r#"
compopt() { echo "compopt $*"; }
source <(corten completion bash)
COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_TYPE=9
COMP_WORDS=($SPLIT) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[[ $LINE == *' ' ]] && COMP_WORDS+=('') && COMP_CWORD=$((COMP_CWORD + 1))
_corten
printf '%s\n' "${COMPREPLY[@]}"
"#;

#[test]
fn bash_offers_them() {
    let engine = Engine::start(engine);
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_corten"));
    let path = format!("{}:/usr/bin:/bin", bin.parent().expect("a directory").display());
    for (line, split, expected) in [
        ("corten contai", "corten contai", "compopt +o default\ncontainer\n"),
        (
            "corten rm -f ",
            "corten rm -f",
            "compopt +o default\nweb\nold\nasleep\n",
        ),
        (
            "corten rm -f web a",
            "corten rm -f web a",
            "compopt +o default\nasleep\n",
        ),
        // bash has made three words of the name; only what is behind the colon is replaced.
        (
            "corten run nginx:1",
            "corten run nginx : 1",
            "compopt +o default\n1.25\n",
        ),
        (
            "corten run --network=ba",
            "corten run --network = ba",
            "compopt +o default\nback\n",
        ),
        (
            "corten run --env-file ",
            "corten run --env-file",
            "compopt -o default\n\n",
        ),
    ] {
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", BASH])
            .env_clear()
            .env("PATH", &path)
            .env("CORTEN_HOST", engine.address())
            .env("LINE", line)
            .env("SPLIT", split);
        let output = finish(bash, "");
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(told, expected, "{line}");
    }
}

#[test]
fn the_other_shells_take_their_scripts() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "-n")] {
        let script = finish(corten(&["completion", shell]), "");
        assert!(script.status.success());
        let mut command = Command::new(shell);
        command.arg(check).arg("/dev/stdin");
        if Command::new(shell).arg("--version").output().is_err() {
            println!("skip: no {shell} installed");
            continue;
        }
        let output = finish(command, &String::from_utf8_lossy(&script.stdout));
        assert!(
            output.status.success(),
            "{shell}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn manual_pages_have_no_faults() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().display().to_string();
    assert!(finish(corten(&["man", &path]), "").status.success());
    let pages: Vec<_> = ["man1", "fr/man1"]
        .iter()
        .flat_map(|name| std::fs::read_dir(directory.path().join(name)).expect("pages"))
        .map(|entry| entry.expect("a page").path())
        .collect();
    assert!(pages.len() > 100, "{} pages", pages.len());
    if Command::new("groff").arg("--version").output().is_err() {
        println!("skip: no groff installed");
        return;
    }
    let mut groff = Command::new("groff");
    groff.args(["-man", "-ww", "-Kutf8", "-Tutf8", "-z"]).args(&pages);
    let output = finish(groff, "");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}");
}
