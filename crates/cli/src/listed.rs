//! The tables of flags and docs/compat/surface/docker-cli.txt, from which docs/compat/cli.md is made, speak of the same
//! commands and flags.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::commands::GROUPS;
use crate::config::GLOBAL;
use crate::flag::{Flag, Kind};

/// A command's lines: `-a --all`, `-f --filter value`, without remarks.
type Flags = BTreeMap<String, Option<String>>;

fn repository(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/compat/surface")
        .join(name);
    std::fs::read_to_string(path).expect("a file of the repository")
}

fn is_comment(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

/// Commands by each of their forms, with their head line.
fn listed(text: &str) -> (BTreeMap<String, String>, BTreeMap<String, Flags>) {
    let (mut heads, mut flags) = (BTreeMap::new(), BTreeMap::<String, Flags>::new());
    let mut name = String::new();
    for line in text.lines().filter(|line| !is_comment(line)) {
        if let Some(flag) = line.strip_prefix("  ") {
            let (flag, remark) = match flag.split_once(" (") {
                Some((flag, remark)) => (flag, Some(remark.trim_end_matches(')').to_owned())),
                None => (flag, None),
            };
            flags.entry(name.clone()).or_default().insert(flag.to_owned(), remark);
            continue;
        }
        let (head, forms) = line.split_once(" = ").unwrap_or((line, ""));
        name = head.trim_end_matches(" [options first]").to_owned();
        flags.entry(name.clone()).or_default();
        for form in std::iter::once(name.as_str())
            .chain(forms.split(", "))
            .filter(|form| !form.is_empty())
        {
            heads.insert(form.to_owned(), line.to_owned());
        }
    }
    (heads, flags)
}

fn line(flag: &Flag) -> String {
    let short = flag.short.map(|letter| format!("-{letter} ")).unwrap_or_default();
    let value = if matches!(flag.kind, Kind::Bool) { "" } else { " value" };
    format!("{short}--{}{value}", flag.name)
}

/// The starts of items that are not built yet.
fn waiting(remarks: &str) -> Vec<String> {
    let lines = remarks.lines().filter(|line| !is_comment(line));
    let waiting = lines.filter_map(|line| line.split_once(" = waits"));
    waiting
        .map(|(pattern, _)| pattern.trim_end_matches('*').to_owned())
        .collect()
}

/// What is in the tables and not in the file, or the other way round.
fn differences() -> Vec<String> {
    let (heads, listed) = listed(&repository("docker-cli.txt"));
    let waiting = waiting(&repository("remarks.txt"));
    let waits = |item: &str| waiting.iter().any(|start| item.starts_with(start.trim_end()));
    let (mut found, mut met) = (Vec::new(), BTreeSet::new());
    let mut compare = |name: &str, tables: &[&'static [Flag]]| {
        let known = listed.get(name).cloned().unwrap_or_default();
        let flags = tables.iter().flat_map(|table| table.iter());
        let have: BTreeSet<String> = flags.filter(|flag| flag.name != "help").map(line).collect();
        found.extend(
            have.iter()
                .filter(|flag| !known.contains_key(*flag))
                .map(|flag| format!("not listed: {name}: {flag}")),
        );
        let gone = known.iter().filter(|(flag, remark)| {
            let item = format!(
                "{name} --{}",
                flag.split("--").nth(1).unwrap_or_default().trim_end_matches(" value")
            );
            !have.contains(*flag) && remark.as_deref() != Some("29") && !waits(&item)
        });
        found.extend(gone.map(|(flag, _)| format!("not in the tables: {name}: {flag}")));
        met.insert(name.to_owned());
    };
    compare("(before the command)", &[GLOBAL]);
    let mut unknown = Vec::new();
    for (group, verb) in GROUPS
        .iter()
        .flat_map(|group| group.verbs.iter().map(move |verb| (group, verb)))
    {
        let forms = verb.forms("", group);
        let name = forms.iter().find_map(|form| {
            let head = heads.get(form.trim())?;
            let first = head.contains(" [options first]");
            let name = head.split(" = ").next()?.trim_end_matches(" [options first]");
            (first != verb.rules.interspersed).then(|| name.to_owned())
        });
        match name {
            Some(name) => compare(&name, verb.rules.tables),
            None => unknown.push(format!("not listed: {}", forms.join(", "))),
        }
        unknown.extend(
            forms
                .iter()
                .filter(|form| !heads.contains_key(form.trim()))
                .map(|form| format!("no form of anything: {form}")),
        );
    }
    found.extend(unknown);
    let gone = listed.keys().filter(|name| !met.contains(*name) && !waits(name));
    found.extend(gone.map(|name| format!("no command: {name}")));
    found
}

#[test]
fn every_flag_is_listed() {
    let differences = differences();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
