//! Archives made to hurt: truncated, lying, climbing out, exploding. Each is refused or made harmless,
//! and leaves nothing.

use anyhow::{Result, ensure};
use corten_e2e::{Case, one};
use corten_testkit::archive::{Entry, Kind, layer_tar};
use corten_testkit::{Archive, programs};

const MARK: &str = "escape-mark";

fn load(case: &Case, archive: &[u8]) -> Result<corten_testkit::Outcome> {
    case.run_with_input("load", archive)
}

/// No file of the mark's name exists outside a layer.
fn nothing_escaped(case: &Case) -> Result<()> {
    let scratch = case.daemon.sandbox.scratch().display().to_string();
    let found = case.script(&format!(
        "find / -xdev -maxdepth 3 -name '{MARK}*'; find {scratch} /run -maxdepth 4 -name '{MARK}*'"
    ))?;
    ensure!(found.stdout.is_empty(), "escaped: {found}");
    Ok(())
}

#[test]
fn truncated_and_senseless_archives() -> Result<()> {
    one(&[], |case| {
        let whole = std::fs::read(programs::image("busybox")?)?;
        for length in [
            1,
            511,
            512,
            1000,
            whole.len() / 3,
            whole.len() / 2,
            whole.len() - 20_000,
        ] {
            let outcome = load(case, &whole[..length])?;
            ensure!(outcome.code == 1, "the first {length} bytes are accepted: {outcome}");
        }
        for senseless in [&b"not a tar at all"[..], &[0x1f, 0x8b, 8, 0, 1, 2, 3], &[0; 10240]] {
            let outcome = load(case, senseless)?;
            ensure!(outcome.code == 1 || outcome.stdout.is_empty(), "{outcome}");
        }
        case.says("images -q", "")
    })
}

#[test]
fn archives_that_lie() -> Result<()> {
    one(&[], |case| {
        let file = |name: &str, content: &str| Entry::file(name, content);
        let no_layer = layer_tar(&[
            file(
                "manifest.json",
                r#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["gone/layer.tar"]}]"#,
            ),
            file(
                "c.json",
                r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}"#,
            ),
        ])?;
        let climbing = layer_tar(&[file(
            "manifest.json",
            r#"[{"Config":"../../../../etc/passwd","RepoTags":["a:1"],"Layers":["/etc/shadow"]}]"#,
        )])?;
        let garbage = layer_tar(&[file("manifest.json", r#"[{"Config":"c.json","RepoTags":["a:1"]"#)])?;
        let wrong_count = layer_tar(&[
            file(
                "manifest.json",
                r#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":[]}]"#,
            ),
            file(
                "c.json",
                r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}"#,
            ),
        ])?;
        let other_content = layer_tar(&[
            file(
                "manifest.json",
                r#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["l.tar"]}]"#,
            ),
            file(
                "c.json",
                r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}"#,
            ),
            Entry {
                path: "l.tar".into(),
                kind: Kind::File(layer_tar(&[file("a", "b")])?),
                mode: 0o644,
            },
        ])?;
        let links = layer_tar(&[Entry::symlink("manifest.json", "/etc/passwd")])?;
        for (name, archive) in [
            ("no layer", no_layer),
            ("climbing", climbing),
            ("garbage", garbage),
            ("wrong count", wrong_count),
            ("other content", other_content),
            ("links", links),
        ] {
            let outcome = load(case, &archive)?;
            ensure!(outcome.code == 1, "{name}: {outcome}");
            ensure!(
                !outcome.stderr.contains("root:"),
                "{name} shows a file of the host: {outcome}"
            );
        }
        case.says("images -q", "")
    })
}

#[test]
fn layers_that_climb_out() -> Result<()> {
    one(&[], |case| {
        let up = "../".repeat(12);
        let layers: Vec<(&str, Vec<Entry>)> = vec![
            ("dot dot", vec![Entry::file(&format!("{up}{MARK}"), "x")]),
            (
                "dot dot inside",
                vec![Entry::directory("d/"), Entry::file(&format!("d/{up}tmp/{MARK}"), "x")],
            ),
            (
                "hard link outside",
                vec![Entry::hardlink("passwd", "../../../../../../../../../../etc/passwd")],
            ),
            (
                "hard link through a link",
                vec![Entry::symlink("etc", "/etc"), Entry::hardlink("shadow", "etc/shadow")],
            ),
        ];
        for (name, entries) in layers {
            let outcome = load(case, &Archive::new("bad:1").layer(&entries)?.build()?)?;
            nothing_escaped(case)?;
            ensure!(outcome.code == 1, "{name} is accepted: {outcome}");
            case.says("images -q", "")?;
        }
        Ok(())
    })
}

#[test]
fn links_are_followed_inside_the_root_only() -> Result<()> {
    one(&[], |case| {
        let busybox = std::fs::read("/bin/busybox")?;
        let entries = [
            Entry::file("bin/sh", busybox),
            Entry::symlink("run-link", "/run"),
            Entry::file(&format!("run-link/{MARK}"), "x"),
            Entry::file(&format!("/{MARK}-absolute"), "x"),
        ];
        let outcome = load(case, &Archive::new("linked:1").layer(&entries)?.build()?)?;
        nothing_escaped(case)?;
        outcome.success()?;
        case.daemon.remember()?;
        Ok(())
    })
}

#[test]
fn one_name_twice_is_refused() -> Result<()> {
    one(&[], |case| {
        let twice = [Entry::file("twice", "first"), Entry::file("twice", "second")];
        let outcome = load(case, &Archive::new("twice:1").layer(&twice)?.build()?)?;
        ensure!(
            outcome.code == 1 && outcome.stderr.contains("duplicates of file paths not supported"),
            "{outcome}"
        );
        case.says("images -q", "")
    })
}

#[test]
fn devices_of_an_archive_give_nothing() -> Result<()> {
    one(&[], |case| {
        let busybox = std::fs::read("/bin/busybox")?;
        let device = |path: &str, major, minor| Entry {
            path: path.into(),
            kind: Kind::Device(major, minor),
            mode: 0o666,
        };
        // 0:0 is overlay's mark for a removed file: it must not hide anything, nor stay.
        let archive = Archive::new("devices:1")
            .layer(&[Entry::file("bin/sh", busybox), Entry::file("kept", "x")])?
            .layer(&[device("kept", 0, 0), device("memory", 1, 1)])?
            .build()?;
        let outcome = load(case, &archive)?;
        if outcome.code == 0 {
            let said = case.run("run --rm --entrypoint /bin/sh devices:1 -c 'cat /memory'")?;
            ensure!(said.code != 0, "the machine's memory can be read: {said}");
            case.ok("rmi devices:1")?;
        }
        Ok(())
    })
}

/// Half a gigabyte of blanks in a few hundred kilobytes: refused without holding it in memory.
#[test]
fn compression_bombs() -> Result<()> {
    const SIZE: u64 = 512 << 20;
    one(&[], |case| {
        let path = case.daemon.sandbox.scratch().join("bomb.gz").display().to_string();
        let mut header = layer_tar(&[Entry::file("manifest.json", "")])?;
        header.truncate(512);
        let sized = header_with_size(&mut header, SIZE);
        std::fs::write(case.daemon.sandbox.scratch().join("header"), sized)?;
        let make = format!(
            "cd {} && (cat header; head -c {SIZE} /dev/zero | tr '\\0' ' '; head -c 1024 /dev/zero) | gzip -1 >bomb.gz",
            case.daemon.sandbox.scratch().display()
        );
        case.script(&make)?.success()?;
        let outcome = case.run(&format!("load -i {path}"))?;
        ensure!(outcome.code == 1, "{outcome}");
        let status = std::fs::read_to_string(format!("/proc/{}/status", case.daemon.pid()?))?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap_or_default()
            .trim();
        let peak_kib: u64 = peak.trim_end_matches(" kB").parse()?;
        if !corten_e2e::is_reference()? {
            ensure!(peak_kib < 200 << 10, "the daemon held {peak}");
        }
        case.says("images -q", "")
    })
}

/// A tar header of one file with its size field and checksum set anew.
fn header_with_size(header: &mut [u8], size: u64) -> &[u8] {
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
