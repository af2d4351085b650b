//! Files in and out of containers, as one big file and as many small ones, beside `tar` through a pipe on the same
//! file system; `commit` of a container that has them beside the same, `export` beside `tar` of the container's root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::engine::Engine;
use crate::sample::{Sample, time};
use crate::table::Table;

const ROUNDS: usize = 5;
const BIG_BYTES: usize = 500 << 20;
const DIRECTORIES: usize = 100;
const FILES_EACH: usize = 100;
const SMALL_BYTES: usize = 4 << 10;

/// What is copied: a directory below the source, and what it is called in the table.
const TREES: [(&str, &str); 2] = [("big", "one file of 500 MB"), ("many", "10,000 files of 4 KiB")];

pub(crate) fn measure(corten: &Engine, scratch: &Path, table: &mut Table) -> Result<()> {
    let place = Place::prepare(scratch)?;
    let id = corten.command(&["run", "-d", "busybox", "sleep", "100000"])?;
    for (tree, words) in TREES {
        let copies = place.copies(corten, &id, tree)?;
        let row = |table: &mut Table, what: &str, figures: &Figures| {
            table.row(
                &format!("{what} {words}, against tar through a pipe"),
                "0.8",
                figures.shown(),
            );
        };
        row(table, "`corten cp` into a container:", &copies.into);
        row(table, "`corten cp` out of a container:", &copies.out);
        row(table, "`corten export` of a container with", &copies.export);
        row(table, "`corten commit` of a container with", &copies.commit);
    }
    corten.command(&["rm", "-f", &id])?;
    fs::remove_dir_all(place.root)?;
    Ok(())
}

/// Alternating times of tar and of ours.
#[derive(Debug, Default)]
struct Figures {
    tar: Vec<Duration>,
    ours: Vec<Duration>,
}

impl Figures {
    fn shown(&self) -> String {
        let (tar, ours) = (Sample::new(self.tar.clone()), Sample::new(self.ours.clone()));
        format!(
            "tar {:.0} / {:.0} ms, ours {:.0} / {:.0} ms: {:.2} of its speed (median)",
            tar.minimum(),
            tar.median(),
            ours.minimum(),
            ours.median(),
            tar.median() / ours.median()
        )
    }

    fn add(&mut self, round: usize, tar: Duration, ours: Duration) {
        // The first fills the caches.
        if round > 0 {
            self.tar.push(tar);
            self.ours.push(ours);
        }
    }
}

#[derive(Debug, Default)]
struct Copies {
    into: Figures,
    out: Figures,
    export: Figures,
    commit: Figures,
}

struct Place {
    root: PathBuf,
}

impl Place {
    fn prepare(scratch: &Path) -> Result<Self> {
        let root = scratch.join("files");
        fs::create_dir_all(root.join("from/big"))?;
        fs::write(root.join("from/big/file"), bytes(BIG_BYTES))?;
        for directory in 0..DIRECTORIES {
            let directory = root.join(format!("from/many/{directory:03}"));
            fs::create_dir_all(&directory)?;
            for file in 0..FILES_EACH {
                fs::write(directory.join(format!("{file:03}")), bytes(SMALL_BYTES))?;
            }
        }
        Ok(Self { root })
    }

    fn copies(&self, corten: &Engine, id: &str, tree: &str) -> Result<Copies> {
        let mut copies = Copies::default();
        let (from, to) = (self.root.join("from").join(tree), self.root.join("to"));
        let (from, to) = (from.display(), to.display());
        let piped = format!("mkdir {to} && tar -C {from} -c . | tar -C {to} -x");
        let clear = || shell(&format!("rm -rf {to}; sync"));
        let inside = format!("{id}:/{tree}");
        let process = corten.command(&["inspect", "-f", "{{.State.Pid}}", id])?;
        let root = format!("/proc/{}/root", process.trim());
        for round in 0..=ROUNDS {
            clear()?;
            let tar = time(|| shell(&piped))?;
            corten.command(&["exec", id, "rm", "-rf", &format!("/{tree}")])?;
            clear()?;
            let ours = time(|| corten.command(&["cp", "-q", &format!("{from}"), &inside]).map(drop))?;
            copies.into.add(round, tar, ours);

            clear()?;
            let ours = time(|| corten.command(&["cp", "-q", &inside, &format!("{to}")]).map(drop))?;
            copies.out.add(round, tar, ours);

            clear()?;
            // The same tree, which is an overlay.
            let tar_out = time(|| shell(&format!("tar -C {root} --one-file-system -c . | cat >/dev/null")))?;
            let export = format!("{} export {id} | cat >/dev/null", client(corten));
            let ours = time(|| shell(&export))?;
            copies.export.add(round, tar_out, ours);

            clear()?;
            let ours = time(|| corten.command(&["commit", id, "committed"]).map(drop))?;
            copies.commit.add(round, tar, ours);
            corten.command(&["rmi", "committed"])?;
        }
        corten.command(&["exec", id, "rm", "-rf", &format!("/{tree}")])?;
        Ok(copies)
    }
}

fn client(engine: &Engine) -> String {
    format!("{} --host=unix://{}", engine.client.display(), engine.socket.display())
}

/// Bytes that no file system or hash finds easy, cheaply made.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let words = (0..count.div_ceil(8)).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(count).collect()
}

fn shell(script: &str) -> Result<()> {
    let status = Command::new("sh").args(["-c", script]).status()?;
    ensure!(status.success(), "{script}: {status}");
    Ok(())
}
