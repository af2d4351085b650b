//! A group of rows on one daemon.

use std::cell::RefCell;

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, both, both_on, remapped};
use corten_testkit::wait::until_ok;
use corten_testkit::{DaemonOptions, Terminal};

/// The rows that run on one daemon with one client, and what failed of them.
pub(crate) struct Rows<'a> {
    case: &'a Case,
    failed: RefCell<Vec<String>>,
}

impl Rows<'_> {
    /// Runs one row and removes every container after it; its failure is reported by [`group`].
    pub(crate) fn row(&self, ids: &str, body: impl FnOnce(&Case) -> Result<()>) {
        let verdict = body(self.case).and_then(|()| remove_all(self.case));
        if let Err(error) = verdict {
            self.failed.borrow_mut().push(format!("{ids}: {error:#}"));
            drop(remove_all(self.case));
        }
    }
}

/// Runs `body`'s rows with both clients on a fresh daemon that has these images, and fails with the list of
/// the rows that failed.
pub(crate) fn group(images: &[&str], body: impl Fn(&Rows<'_>)) -> Result<()> {
    both(images, |case| all_of(case, &body))
}

/// [`group`] on a daemon with arguments of its own.
pub(crate) fn group_on(arguments: &[&str], images: &[&str], body: impl Fn(&Rows<'_>)) -> Result<()> {
    let options = DaemonOptions {
        arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
        ..DaemonOptions::default()
    };
    both_on(options, images, |case| all_of(case, &body))
}

/// [`group`] on a daemon with `--userns-remap`: root of a container is 200000 outside.
pub(crate) fn remapped_group(images: &[&str], body: impl Fn(&Rows<'_>)) -> Result<()> {
    remapped(images, |case| all_of(case, &body))
}

fn all_of(case: &Case, body: impl Fn(&Rows<'_>)) -> Result<()> {
    let rows = Rows {
        case,
        failed: RefCell::default(),
    };
    body(&rows);
    let failed = rows.failed.into_inner();
    ensure!(
        failed.is_empty(),
        "{} rows failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    Ok(())
}

/// The client's command on a terminal.
pub(crate) fn sit(case: &Case, line: &str) -> Result<Terminal> {
    Terminal::spawn(&case.command(line)?, (30, 100))
}

/// The prompt of a root shell of bash in the container: the short id is its host name.
pub(crate) fn prompt(case: &Case, name: &str) -> Result<String> {
    let id = until_ok(LIMIT, "the container", || {
        let id = case.ok(&format!("ps -q --filter name={name}"))?;
        ensure!(id.len() == 12, "{id:?} is no short id");
        Ok(id)
    })?;
    Ok(format!("root@{id}:/# "))
}

/// A text with its words one blank apart.
pub(crate) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A command as a line for a shell of the sandbox: without the words that enter it.
pub(crate) fn words_of(command: &std::process::Command) -> String {
    let words: Vec<String> = command
        .get_args()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let start = words.iter().rposition(|word| word == "KILL").map_or(0, |at| at + 1);
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut line: Vec<String> = variables
        .map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy()))
        .filter(|word| !word.starts_with("PWD="))
        .collect();
    line.extend(words.get(start..).unwrap_or_default().iter().cloned());
    line.join(" ")
}

/// The page at an address of the sandbox, waited for.
pub(crate) fn page(case: &Case, url: &str) -> Result<String> {
    until_ok(LIMIT, "the page", || {
        let fetched = case.script(&format!("curl -sSf --max-time 10 {url}"))?.success()?;
        Ok(fetched.text().to_owned())
    })
}

fn remove_all(case: &Case) -> Result<()> {
    let all = case.ok("ps -aq")?;
    if !all.is_empty() {
        case.ok(&format!("rm -fv {}", all.replace('\n', " ")))?;
    }
    Ok(())
}
