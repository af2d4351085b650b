//! `save`: writes images to an archive.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use corten_client::Client;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("output", Kind::Text, "Write to this file instead of STDOUT").short('o'),
    Flag::new("platform", Kind::List, "Save only this platform"),
];

pub(super) const VERB: Verb = Verb {
    names: &["save"],
    shortcut: Some("save"),
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: save,
};

fn save(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    if parsed.is_set("platform") {
        return Err(Failure::new("--platform is not supported yet"));
    }
    let client = invocation.client()?;
    match parsed.text("output").filter(|path| !path.is_empty()) {
        Some(path) => block_on(save_to_file(&client, &parsed.arguments, path)),
        None if io::stdout().is_terminal() => Err(Failure::new(
            "cowardly refusing to save to a terminal. Use the -o flag or redirect",
        )),
        None => block_on(save_to(&client, &parsed.arguments, &mut io::stdout())),
    }
}

/// Writes beside the file and renames, so that a failed save leaves the file that was there.
async fn save_to_file(client: &Client, names: &[String], path: &str) -> Result<(), Failure> {
    let target = Path::new(path);
    let parent = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !parent.is_dir() {
        let reason = format!(
            "invalid output path: directory {:?} does not exist",
            parent.display().to_string()
        );
        return Err(Failure::new(format!("failed to save image: {reason}")));
    }
    if target.is_dir() {
        return Err(Failure::new(format!(
            "failed to save image: invalid output path: {path:?} is a directory"
        )));
    }
    if target.exists() && !target.is_file() {
        let mut device = File::options().write(true).open(target)?;
        return save_to(client, names, &mut device).await;
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = parent.join(format!(".tmp-{name}{}", std::process::id()));
    let mut file = File::create(&unfinished)?;
    let saved = save_to(client, names, &mut file).await;
    let saved = saved.and_then(|()| fs::rename(&unfinished, target).map_err(Failure::from));
    if saved.is_err() {
        fs::remove_file(&unfinished).ok();
    }
    saved
}

async fn save_to(client: &Client, names: &[String], out: &mut dyn Write) -> Result<(), Failure> {
    let mut archive = client.save_images(names, "").await?;
    while let Some(piece) = archive.next().await? {
        out.write_all(&piece)?;
    }
    out.flush()?;
    Ok(())
}
