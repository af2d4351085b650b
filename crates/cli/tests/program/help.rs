//! The help pages beside those of the real `docker` client: for every command that both have the same usage
//! line, the same other forms, the same options with their short forms and kinds of values. Skipped where
//! there is no client 28.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::docker::docker;
use crate::scripted::finish;

/// Options that are accepted, or refused by name, and not shown; and those whose kind is another in 28.5.
const OTHER: [&str; 15] = [
    "availability",
    "checkpoint",
    "checkpoint-dir",
    "disable-content-trust",
    "group",
    "limit-bytes",
    "required-bytes",
    "scope",
    "secret",
    "sharing",
    "topology-preferred",
    "topology-required",
    "tree",
    "type",
    "use-api-socket",
];

/// What a page says, apart from its sentences.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    usage: String,
    forms: String,
    flags: BTreeMap<String, String>,
}

fn page(mut command: Command, words: &[&str]) -> String {
    command.args(words).arg("--help");
    String::from_utf8_lossy(&finish(command, "").stdout).into_owned()
}

fn ours(directory: &Path) -> Command {
    let mut command = Command::new(directory.join("docker"));
    command.env_clear().env("HOME", "/nonexistent");
    command
}

fn read(page: &str) -> Said {
    let mut lines = page.lines();
    let usage = lines.next().unwrap_or_default().to_owned();
    let forms = page.split("Aliases:\n").nth(1).and_then(|rest| rest.lines().next());
    let options = page.split("Options:\n").nth(1).unwrap_or_default();
    let mut flags = BTreeMap::new();
    for line in options.lines() {
        let left = line.trim_start().split("   ").next().unwrap_or_default();
        let (short, long) = left.split_once(", ").unwrap_or(("", left));
        if let Some(long) = long.strip_prefix("--") {
            let (name, kind) = long.split_once(' ').unwrap_or((long, ""));
            if !OTHER.contains(&name) {
                flags.insert(name.to_owned(), format!("{short} {kind}"));
            }
        }
    }
    Said {
        usage,
        forms: forms.unwrap_or_default().to_owned(),
        flags,
    }
}

/// The commands that a page lists.
fn commands(page: &str) -> Vec<String> {
    let mut names = Vec::new();
    for section in page.split("Commands:\n").skip(1) {
        let listed = section.lines().take_while(|line| line.starts_with("  "));
        names.extend(listed.filter_map(|line| line.split_whitespace().next().map(str::to_owned)));
    }
    names
}

#[test]
fn the_same_forms_and_options() {
    if docker().is_none() {
        println!("skip: no docker client 28 in PATH");
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    symlink(env!("CARGO_BIN_EXE_corten"), directory.path().join("docker")).expect("a link");
    let theirs = || docker().expect("found above");
    let mut paths: Vec<Vec<String>> = Vec::new();
    let known = commands(&page(theirs(), &[]));
    for name in commands(&page(ours(directory.path()), &[])) {
        assert!(known.contains(&name), "docker has no command {name}");
        let verbs = commands(&page(ours(directory.path()), &[&name]));
        let there = commands(&page(theirs(), &[&name]));
        for verb in &verbs {
            assert!(there.contains(verb), "docker has no command {name} {verb}");
        }
        if verbs.is_empty() {
            paths.push(vec![name]);
        } else {
            paths.extend(verbs.into_iter().map(|verb| vec![name.clone(), verb]));
        }
    }
    assert!(paths.len() > 60, "{} commands", paths.len());
    let mut differences = Vec::new();
    for path in &paths {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let (here, there) = (
            read(&page(ours(directory.path()), &words)),
            read(&page(theirs(), &words)),
        );
        if here != there {
            differences.push(format!("{}\n  docker: {there:?}\n  corten: {here:?}", words.join(" ")));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_overview_is_ordered_like_dockers() {
    if docker().is_none() {
        println!("skip: no docker client 28 in PATH");
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    symlink(env!("CARGO_BIN_EXE_corten"), directory.path().join("docker")).expect("a link");
    let here = commands(&page(ours(directory.path()), &[]));
    let there = commands(&page(docker().expect("found above"), &[]));
    let there: Vec<String> = there.into_iter().filter(|name| here.contains(name)).collect();
    assert_eq!(here, there);
}
