//! Contexts beside the real `docker` client: the same is said and kept, and each reads what the other wrote.
//! No engine is spoken to. Skipped where there is no client 28.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::docker::docker;
use crate::scripted::finish;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// A user's home directory, and the client that works in it.
struct Home {
    directory: TempDir,
    theirs: bool,
}

impl Home {
    fn new(theirs: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        symlink(env!("CARGO_BIN_EXE_corten"), directory.path().join("docker")).expect("a link");
        Self { directory, theirs }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What the client says to `line`, with this home's path written as `~`.
    fn say(&self, line: &str, variables: &[(&str, &str)]) -> String {
        self.say_with(self.theirs, line, variables)
    }

    fn say_with(&self, theirs: bool, line: &str, variables: &[(&str, &str)]) -> String {
        let mut command = match theirs {
            true => docker().expect("looked for before"),
            false => {
                let mut command = Command::new(self.path().join("docker"));
                command.env_clear();
                command
            }
        };
        command
            .args(line.split(' ').filter(|word| !word.is_empty()))
            .env("HOME", self.path())
            .envs(variables.iter().copied())
            .current_dir(self.path());
        let output = finish(command, "");
        let text = format!(
            "{:?}\n{}{}",
            output.status.code(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        text.replace(&self.path().display().to_string(), "~")
    }

    /// Every file below the configuration directory with its mode and content.
    fn files(&self) -> Vec<(PathBuf, u32, String)> {
        let mut found = Vec::new();
        let mut todo = vec![self.path().join(".docker")];
        while let Some(directory) = todo.pop() {
            for entry in fs::read_dir(&directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                let mode = fs::metadata(&path).expect("is there").permissions().mode();
                let name = path.strip_prefix(self.path()).expect("below").to_owned();
                if path.is_dir() {
                    todo.push(path);
                    found.push((name, mode, String::new()));
                } else {
                    found.push((name, mode, fs::read_to_string(&path).expect("a text")));
                }
            }
        }
        found.sort();
        found
    }
}

const LINES: &[&str] = &[
    "context show",
    "context create far --description a&b --docker host=tcp://1.2.3.4:2376,skip-tls-verify=true",
    "context create far --docker host=tcp://1.2.3.4:2376",
    "context create second --docker host=ssh://u@h",
    "context create copy --from far",
    "context create other --docker from=far",
    "context create both --from far --docker host=tcp://x:1",
    "context create lost --from nope",
    "context create lost --docker from=nope",
    "context create x --docker host=tcp://x:1",
    "context create default --docker host=tcp://x:1",
    "context create bad --docker foo=bar",
    "context create bad --docker host",
    "context create bad --docker ca=/nope,host=tcp://x:1",
    "context create bad --docker ca=not.pem,host=tcp://x:1",
    "context create bad --docker host=tcp://x:1,skip-tls-verify=x",
    "context create",
    "context update copy --description new",
    "context update copy --docker host=tcp://9.9.9.9:1",
    "context update nope --description new",
    "context update default --description new",
    "context ls -q",
    "context ls --format {{.Name}}{{if(.Current)}}*{{end}}",
    "context ls --format {{.Foo}}",
    "context inspect far nope",
    "context inspect nope",
    "context inspect copy --format {{.Name}}",
    "context use nope",
    "context use second",
    "context show",
    "-c far context show",
    "context rm nope",
    "context rm default",
    "context rm second far",
    "context remove -f second",
    "context list -q",
    "context show",
    "context use copy",
    "context export copy",
    "context export copy",
    "context export nope",
    "context import again copy.dockercontext",
    "context import again copy.dockercontext",
    "context import more /nope",
    "context import more not.pem",
    "context import more",
    "context inspect again",
    "context foo",
    "context ls x",
];

#[test]
fn the_same_is_said_and_kept() {
    if docker().is_none() {
        println!("skip: no docker client 28 in PATH");
        return;
    }
    let (theirs, ours) = (Home::new(true), Home::new(false));
    for home in [&theirs, &ours] {
        fs::write(home.path().join("not.pem"), "nothing").expect("a file");
    }
    let mut differences = Vec::new();
    for line in LINES {
        let (expected, said) = (theirs.say(line, &[]), ours.say(line, &[]));
        let said: Vec<&str> = said.lines().filter(|line| !line.starts_with("hint: ")).collect();
        let expected: Vec<&str> = expected.lines().collect();
        if said != expected {
            differences.push(format!("{line}\n  docker: {expected:?}\n  corten: {said:?}"));
        }
    }
    let variables = [("DOCKER_HOST", "tcp://127.0.0.1:1")];
    for line in [
        "context ls",
        "context use far",
        "context create def",
        "context inspect def",
        "context show",
    ] {
        let (expected, said) = (theirs.say(line, &variables), ours.say(line, &variables));
        if said != expected {
            differences.push(format!("{line}\n  docker: {expected}\n  corten: {said}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(ours.files(), theirs.files());
}

#[test]
fn each_reads_what_the_other_wrote() {
    if docker().is_none() {
        println!("skip: no docker client 28 in PATH");
        return;
    }
    for writer in [true, false] {
        let home = Home::new(writer);
        let pem = home.path().join("ca.pem");
        fs::write(&pem, PEM).expect("a file");
        // The real client looks into certificates, ours does not need a sound one here.
        let material = if writer { "" } else { ",ca=ca.pem" };
        home.say(
            &format!("context create far --docker host=tcp://1.2.3.4:5{material}"),
            &[],
        );
        home.say("context use far", &[]);
        home.say("context export far", &[]);
        for line in ["context show", "context inspect far", "context ls -q"] {
            assert_eq!(
                home.say_with(true, line, &[]),
                home.say_with(false, line, &[]),
                "{line}, written by docker: {writer}"
            );
        }
        let imported = home.say_with(!writer, "context import back far.dockercontext", &[]);
        assert!(imported.starts_with("Some(0)"), "{imported}");
        let shown = home.say("context inspect back", &[]);
        assert_eq!(shown.contains("\"ca.pem\""), !writer, "{shown}");
    }
}

#[test]
fn what_is_not_ours_is_kept() {
    let home = Home::new(false);
    fs::create_dir(home.path().join(".docker")).expect("a directory");
    let file = home.path().join(".docker/config.json");
    fs::write(&file, r#"{"credsStore":"pass","zzz":[1.50],"aliases":{"builder":"x"}}"#).expect("a file");
    home.say("context create far --docker host=tcp://1.2.3.4:5", &[]);
    home.say("context use far", &[]);
    assert_eq!(
        fs::read_to_string(&file).expect("the file"),
        "{\n\t\"credsStore\": \"pass\",\n\t\"zzz\": [\n\t\t1.50\n\t],\n\t\"aliases\": {\n\t\t\"builder\": \"x\"\n\t},\n\t\"currentContext\": \"far\"\n}"
    );
    fs::write(&file, "{bad").expect("a file");
    let said = home.say("context use far", &[]);
    let warning = "WARNING: Error parsing config file (~/.docker/config.json): invalid character 'b' looking for beginning of object key string";
    assert!(said.contains(warning) && said.starts_with("Some(1)"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("the file"), "{bad");
}

#[test]
fn the_chosen_context_is_the_engine() {
    let home = Home::new(false);
    let line = "context create far --docker host=unix:///nowhere/far.sock";
    home.say(line, &[]);
    let reach = |line: &str, variables: &[(&str, &str)]| home.say(line, variables);
    assert!(reach("-c far ps", &[]).contains("unix:///nowhere/far.sock"));
    assert!(reach("ps", &[("DOCKER_CONTEXT", "far")]).contains("unix:///nowhere/far.sock"));
    let both = [("DOCKER_CONTEXT", "far"), ("DOCKER_HOST", "unix:///nowhere/host.sock")];
    assert!(reach("ps", &both).contains("unix:///nowhere/host.sock"));
    assert!(reach("-c far ps", &both).contains("unix:///nowhere/far.sock"));
    let both = [
        ("CORTEN_HOST", "unix:///nowhere/c.sock"),
        ("DOCKER_HOST", "unix:///nowhere/d.sock"),
    ];
    assert!(reach("ps", &both).contains("unix:///nowhere/c.sock"));
}
