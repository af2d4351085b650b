//! `cargo xtask compat`: the lists docs/compat/api.md and docs/compat/cli.md, made of two things: what there is
//! (docs/compat/surface) and what a whole test run used (`CORTEN_RECORD`, written by testkit and by the daemon under test).
//!
//! An endpoint, a query parameter, a body's field or a flag is proven by a test that passes, in which it was sent, looked
//! at and answered with success. `cargo xtask compat` writes the lists, `cargo xtask compat check` fails when a list says
//! that something is proven and the run has no proof of it. A test keeps its place in a list as long as it is a proof.

mod blind;
mod choose;
mod command_line;
mod list;
mod proofs;
mod route;
mod surface;
mod tests_named;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

pub(crate) use blind::unnoticed;
use list::List;
use proofs::Proofs;
use surface::Surface;

/// Where scripts/test lets the run be recorded, below cargo's target directory.
const RECORDS: &str = "compat";

/// Writes the lists anew.
pub(crate) fn write(root: &Path) -> Result<()> {
    let surface = Surface::read(root)?;
    let proofs = recorded(root, &surface)?;
    for list in List::ALL {
        let before = list.chosen(&list.text(root)?);
        let chosen = choose::choose(&proofs, &before);
        let text = list.render(&surface, &chosen, Some(&proofs));
        std::fs::write(root.join(list.path()), &text)?;
        println!("{}: {}", list.path(), list::summary(&text));
    }
    Ok(())
}

/// What the lists say to be proven and the run does not prove.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let surface = Surface::read(root)?;
    let proofs = recorded(root, &surface)?;
    let mut lost = Vec::new();
    for list in List::ALL {
        for (item, chosen) in list.chosen(&list.text(root)?) {
            let tests = proofs.of(&item);
            if tests.is_empty() && !proofs.was_skipped(&chosen) {
                lost.push(format!("{}: {item} is proven by no test; was {chosen}", list.path()));
            } else if !tests.contains_key(&chosen) {
                println!("note: {item} is proven by others than {chosen}: `cargo xtask compat` mends the list");
            }
        }
    }
    Ok(lost)
}

/// The root of this repository.
pub(crate) fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().context("find the repository")
}

fn recorded(root: &Path, surface: &Surface) -> Result<Proofs> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let directory = root.join(target).join(RECORDS);
    let proofs = Proofs::read(&directory, surface, &tests_named::Sources::of(root)?)?;
    ensure!(
        !proofs.is_empty(),
        "no record of a test run in {}: scripts/test makes one",
        directory.display()
    );
    Ok(proofs)
}

/// A test for each item that has one.
type Chosen = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_true_as_far_as_they_tell() -> Result<()> {
        let root = root()?;
        let surface = Surface::read(&root)?;
        let sources = tests_named::Sources::of(&root)?;
        for list in List::ALL {
            let text = list.text(&root)?;
            let chosen = list.chosen(&text);
            for (item, test) in &chosen {
                ensure!(sources.has(test), "{}: {item}: {test} does not exist", list.path());
            }
            let want = list.keep(&surface, &text);
            if let Some((want, is)) = want.lines().zip(text.lines()).find(|(want, is)| want != is) {
                anyhow::bail!(
                    "{} is not what docs/compat/surface asks for: `cargo xtask compat` after a whole run of scripts/test \
                     writes it anew.\nwant {want}\nhave {is}",
                    list.path()
                );
            }
            ensure!(
                want.lines().count() == text.lines().count(),
                "{} has not all rows",
                list.path()
            );
        }
        Ok(())
    }
}
