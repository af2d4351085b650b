//! Manual pages, made of the same tables as the help pages: one per command, one for the program.
//!
//! ```text
//! DIRECTORY/man1/corten.1  corten-container-ls.1  corten-ps.1 (the same page) ..
//! DIRECTORY/fr/man1/..     the same in French
//! DIRECTORY/man8/cortend.8 the engine's, where its program lies beside this one
//! ```

mod daemon;
mod page;
mod roff;

use std::fs;
use std::io;
use std::path::Path;

#[cfg(test)]
pub(crate) use page::texts;

use crate::commands::GROUPS;
use crate::speech::{self, Language};

/// Writes every page in every language.
pub(crate) fn write_all(program: &str, directory: &Path) -> io::Result<()> {
    let before = speech::current();
    let written = [
        (Language::English, directory.join("man1")),
        (Language::French, directory.join("fr/man1")),
    ]
    .into_iter()
    .try_for_each(|(language, directory)| {
        speech::set(language);
        write(program, &directory)
    });
    speech::set(before);
    written?;
    let Some(page) = daemon::page() else { return Ok(()) };
    let directory = directory.join("man8");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("cortend.8"), page)
}

fn write(program: &str, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let write = |name: &str, text: &str| fs::write(directory.join(format!("{name}.1")), text);
    write(program, &page::program(program))?;
    for group in GROUPS {
        if !group.name.is_empty() {
            write(&format!("{program}-{}", group.name), &page::group(program, group))?;
        }
        for verb in group.verbs.iter().filter(|verb| !verb.about.is_empty()) {
            let text = page::command(program, group, verb);
            write(&page::name(program, group, verb), &text)?;
            if let Some(shortcut) = verb.shortcut {
                write(&format!("{program}-{shortcut}"), &text)?;
            }
        }
    }
    Ok(())
}
