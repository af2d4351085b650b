//! Volumes' files without a container: `volume cp`, `export`, `import`, `clone`. Corten's own commands.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, Client, LIMIT, is_reference, one, remapped};
use corten_testkit::wait::until_ok;

/// Runs `body` with `corten`, on Corten.
fn ours(images: &[&str], body: impl FnOnce(&mut Case) -> Result<()>) -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(images, |case| {
        case.client = Client::Corten;
        body(case)
    })
}

fn data(case: &Case, volume: &str) -> PathBuf {
    case.daemon.data_directory().join("volumes").join(volume).join("_data")
}

/// Every kind of thing that a volume can hold.
fn furnish(root: &Path) -> Result<()> {
    fs::create_dir_all(root.join("sub/deep"))?;
    fs::write(root.join("sub/file"), "content")?;
    fs::hard_link(root.join("sub/file"), root.join("second-name"))?;
    symlink("../outside", root.join("sub/link"))?;
    let sparse = fs::File::create(root.join("sparse"))?;
    sparse.set_len(64 << 20)?;
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"in the middle", 32 << 20)?;
    fs::write(root.join("owned"), "x")?;
    std::os::unix::fs::chown(root.join("owned"), Some(1234), Some(70_000))?;
    fs::set_permissions(root.join("owned"), fs::Permissions::from_mode(0o4751))?;
    let pipe = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), pipe, rustix::fs::Mode::RUSR, 0)?;
    rustix::fs::setxattr(
        root.join("sub/file"),
        "user.note",
        b"kept",
        rustix::fs::XattrFlags::empty(),
    )?;
    fs::set_permissions(root.join("sub"), fs::Permissions::from_mode(0o1777))?;
    std::os::unix::fs::chown(root, Some(33), Some(33))?;
    fs::set_permissions(root, fs::Permissions::from_mode(0o750))?;
    for (name, seconds, nanoseconds) in [
        ("sub/file", 1_500_000_000, 123),
        ("sub", 1_400_000_000, 0),
        ("", 1_300_000_000, 9),
    ] {
        let time = rustix::fs::Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds,
        };
        let times = rustix::fs::Timestamps {
            last_access: time,
            last_modification: time,
        };
        rustix::fs::utimensat(rustix::fs::CWD, root.join(name), &times, rustix::fs::AtFlags::empty())?;
    }
    Ok(())
}

/// What is in a tree, by path, in comparable words; `fine`: with parts of a second.
fn described(root: &Path, fine: bool) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.to_owned()];
    while let Some(path) = todo.pop() {
        let meta = fs::symlink_metadata(&path)?;
        let kind = meta.file_type();
        let mut said = format!("{:o} {}:{} {}", meta.mode(), meta.uid(), meta.gid(), meta.mtime());
        if fine {
            said += &format!(".{}", meta.mtime_nsec());
        }
        if kind.is_dir() {
            todo.extend(fs::read_dir(&path)?.flatten().map(|entry| entry.path()));
        } else {
            said += &format!(" {} names", meta.nlink());
        }
        if kind.is_symlink() {
            said += &fs::read_link(&path)?.display().to_string();
        }
        if kind.is_file() {
            let content = fs::read(&path)?;
            let sum = content
                .iter()
                .fold(7u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            said += &format!(" {} bytes, sum {sum}", content.len());
            let mut note = [0; 16];
            if let Ok(length) = rustix::fs::getxattr(&path, "user.note", &mut note[..]) {
                said += &format!(" note {}", String::from_utf8_lossy(&note[..length]));
            }
        }
        said += if kind.is_fifo() { " pipe" } else { "" };
        found.insert(path.strip_prefix(root)?.display().to_string(), said);
    }
    Ok(found)
}

fn same(case: &Case, made: &str, fine: bool) -> Result<()> {
    let (original, copy) = (
        described(&data(case, "full"), fine)?,
        described(&data(case, made), fine)?,
    );
    ensure!(original == copy, "{made}:\n{original:#?}\n{copy:#?}");
    let sparse = fs::metadata(data(case, made).join("sparse"))?;
    ensure!(
        sparse.blocks() * 512 < 1 << 20,
        "{made}: no holes: {} blocks",
        sparse.blocks()
    );
    Ok(())
}

/// Nothing half made is among the volumes.
fn only(case: &Case, names: &str) -> Result<()> {
    case.says("volume ls -q", names)?;
    let volumes = case.daemon.data_directory().join("volumes");
    for entry in fs::read_dir(volumes)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        ensure!(names.lines().any(|known| known == name), "{name} is left");
    }
    Ok(())
}

#[test]
fn export_import_and_clone_keep_everything() -> Result<()> {
    ours(&[], |case| {
        case.ok("volume create --label a=b --label c full")?;
        furnish(&data(case, "full"))?;
        case.says("volume clone --label c=d full copy", "copy")?;
        same(case, "copy", true)?;
        case.says("volume inspect -f '{{json .Labels}}' copy", r#"{"a":"b","c":"d"}"#)?;
        let archive = case.daemon.sandbox.scratch().join("full.tar");
        let path = archive.display();
        case.ok(&format!("volume export -o {path} full"))?;
        ensure!(fs::metadata(&archive)?.mode() & 0o777 == 0o600);
        case.says(
            &format!("volume import --label from=file full-back {path}"),
            "full-back",
        )?;
        same(case, "full-back", false)?;
        case.says("volume inspect -f '{{json .Labels}}' full-back", r#"{"from":"file"}"#)?;
        let streamed = case.command("volume export full")?.output()?.stdout;
        ensure!(streamed == fs::read(&archive)?, "the stream is another one");
        let compressed = case.script(&format!("gzip -c {path} >{path}.gz"))?;
        compressed.success()?;
        case.run_with_input("volume import packed -", &fs::read(format!("{path}.gz"))?)?
            .success()?;
        same(case, "packed", false)?;
        // With holes as GNU tar writes them.
        let from = data(case, "full");
        let sparse = case.script(&format!("tar -cSf {path}.sparse --xattrs -C {} .", from.display()))?;
        sparse.success()?;
        case.ok(&format!("volume import holes {path}.sparse"))?;
        same(case, "holes", false)?;
        case.ok("volume rm full copy full-back packed holes").map(drop)
    })
}

#[test]
fn files_go_in_and_out_without_a_container() -> Result<()> {
    ours(&["busybox"], |case| {
        let here = case.daemon.sandbox.scratch().join("here");
        fs::create_dir_all(here.join("tree/sub"))?;
        fs::write(here.join("tree/sub/file"), "from the host")?;
        symlink("sub/file", here.join("tree/link"))?;
        let path = here.display();
        case.ok("volume create data")?;
        // A container of the same name, with other files, is not meant.
        case.ok("create --name data busybox")?;
        let copied = case.run(&format!("volume cp {path}/tree data:/"))?.success()?;
        ensure!(copied.stderr.is_empty(), "{copied:?}");
        case.ok(&format!("volume cp {path}/tree/. data:new"))?;
        case.ok(&format!("volume cp data:/tree {path}/out"))?;
        case.says(&format!("volume cp -q {path}/tree/. data:quiet"), "")?;
        case.ok(&format!("volume cp -L data:tree/link {path}/followed"))?;
        for copy in ["out/sub/file", "followed"] {
            ensure!(fs::read_to_string(here.join(copy))? == "from the host", "{copy}");
        }
        ensure!(here.join("out/link").is_symlink());
        ensure!(fs::read_to_string(data(case, "data").join("new/sub/file"))? == "from the host");
        let archive = case.command("volume cp data:/tree/. -")?.output()?.stdout;
        case.ok("volume create second")?;
        case.run_with_input("volume cp - second:/", &archive)?.success()?;
        case.says("run --rm -v second:/s busybox cat /s/link", "from the host")?;
        // In use: as it is at the moment.
        case.ok("run -d --name user -v second:/s busybox sleep 1000")?;
        case.ok(&format!("volume cp {path}/tree/sub/file second:/while-used"))?;
        case.says("exec user cat /s/while-used", "from the host")?;
        case.ok("volume clone second third")?;
        case.says("run --rm -v third:/t busybox cat /t/while-used", "from the host")?;
        case.ok("rm -f data user")?;
        for (line, refusal) in [
            ("cp data:/none /tmp", "Could not find the file /none in volume data"),
            ("cp nosuch:/x /tmp", "get nosuch: no such volume"),
            ("cp /etc/hostname nosuch:/x", "get nosuch: no such volume"),
            ("cp /etc/hostname data:/tree/sub/file/x", "not a directory"),
            ("cp data:/a second:/b", "copying between volumes is not supported"),
            ("cp /a /b", "must specify at least one volume source"),
            ("export nosuch", "get nosuch: no such volume"),
            (
                "export -o /no/such/place data",
                "failed to export volume: invalid output path",
            ),
            ("clone nosuch new", "get nosuch: no such volume"),
            ("clone data second", "there is a volume of that name already"),
            ("clone data data", "there is a volume of that name already"),
            ("clone data b@d", "includes invalid characters for a local volume name"),
            ("clone data x", "volume name is too short"),
            (
                "import new /no/such/file",
                "open /no/such/file: no such file or directory",
            ),
        ] {
            case.fails(&format!("volume {line}"), 1, refusal)?;
        }
        case.ok("volume rm data second third")?;
        only(case, "")
    })
}

#[test]
fn volumes_with_options_are_mounted_meanwhile() -> Result<()> {
    ours(&[], |case| {
        let place = case.daemon.sandbox.scratch().join("bound");
        fs::create_dir_all(&place)?;
        fs::write(place.join("file"), "of the host's directory")?;
        let path = place.display();
        case.ok(&format!("volume create -o type=none -o o=bind -o device={path} bound"))?;
        case.ok(&format!(
            "volume create -o type=none -o o=bind,ro -o device={path} fixed"
        ))?;
        case.ok("volume create -o type=none -o o=bind -o device=/no/such/place broken")?;
        case.ok("volume cp /etc/hostname bound:/name")?;
        ensure!(place.join("name").exists());
        case.ok("volume clone bound plain")?;
        ensure!(fs::read_to_string(data(case, "plain").join("file"))? == "of the host's directory");
        case.says("volume inspect -f '{{json .Options}}' plain", "null")?;
        case.ok("volume export -o /dev/null bound")?;
        case.fails(
            "volume cp /etc/hostname fixed:/x",
            1,
            "mounted volume is marked read-only",
        )?;
        for line in ["cp broken:/x /tmp", "export broken", "clone broken new"] {
            case.fails(&format!("volume {line}"), 1, "failed to mount local volume")?;
        }
        let volumes = case.daemon.data_directory().join("volumes");
        let mounted = format!("grep ' {}/' /proc/self/mountinfo; true", volumes.display());
        until_ok(LIMIT, "unmounted again", || {
            let left = case.script(&mounted)?;
            ensure!(left.text().is_empty(), "{}", left.text());
            Ok(())
        })?;
        case.ok("volume rm bound fixed broken plain")?;
        only(case, "")
    })
}

fn tar(script: &str, case: &Case) -> Result<Vec<u8>> {
    let place = case.daemon.sandbox.scratch().join("made");
    fs::remove_dir_all(&place).ok();
    fs::create_dir_all(&place)?;
    case.script(&format!("cd {} && {script}", place.display()))?.success()?;
    fs::read(place.join("t")).context(script.to_owned())
}

#[test]
fn archives_that_are_wrong_leave_nothing() -> Result<()> {
    ours(&[], |case| {
        let good = tar("mkdir d && echo 1 >d/a && echo 2 >d/b && tar -cf t d", case)?;
        case.run_with_input("volume import good -", &good)?.success()?;
        // Cut inside an entry, and between two: 512 bytes each of header and content.
        for (cut, what) in [(1536, "between"), (1800, "inside"), (0, "empty")] {
            let refused = case.run_with_input("volume import half -", &good[..cut])?;
            refused
                .code_is(1)?
                .mentions("import volume half: unexpected EOF")
                .context(what)?;
            only(case, "good")?;
        }
        let secret = case.daemon.sandbox.scratch().join("secret");
        fs::write(&secret, "of the host")?;
        let up = "../".repeat(12);
        for (script, refusal) in [
            (
                format!("echo x >f && tar -cPf t --transform s,f,{up}tmp/f, f"),
                "invalid entry name",
            ),
            (
                format!(
                    "echo x >f && ln f g && tar -cPf t --transform s,^f,{up}etc/passwd,h --transform s,^f,{up}x,r f g"
                ),
                "invalid entry name",
            ),
        ] {
            let refused = case.run_with_input("volume import half -", &tar(&script, case)?)?;
            refused.code_is(1)?.mentions(refusal).context(script)?;
            only(case, "good")?;
        }
        let random = (0..4096u32)
            .map(|n| u8::try_from(n * 37 % 251).unwrap_or(1))
            .collect::<Vec<_>>();
        case.run_with_input("volume import half -", &random)?
            .code_is(1)?
            .mentions("invalid tar header")?;
        case.run_with_input("volume import good -", &good)?
            .code_is(1)?
            .mentions("there is a volume of that name already")?;
        // Through a link of the archive's own: it leads to the volume's inside.
        let link = format!(
            "mkdir d e && ln -s {} d/l && tar -cf t d && mkdir e/d e/d/l && echo bad >e/d/l/secret && tar -rf t -C e d/l/secret",
            case.daemon.sandbox.scratch().display()
        );
        let through = case.run_with_input("volume import inside -", &tar(&link, case)?)?;
        ensure!(fs::read_to_string(&secret)? == "of the host", "{through:?}");
        case.ok("volume rm -f good inside")?;
        only(case, "")
    })
}

#[test]
fn a_volume_is_not_removed_while_it_is_copied() -> Result<()> {
    ours(&[], |case| {
        case.ok("volume create big")?;
        fs::File::create(data(case, "big").join("sparse"))?.set_len(4 << 30)?;
        let mut export = case.command("volume export big")?.stdout(Stdio::piped()).spawn()?;
        // Something of it has come, and the rest waits for us.
        let mut archive = export.stdout.take().context("a pipe")?;
        archive.read_exact(&mut [0; 512]).context("the export began")?;
        case.fails("volume rm big", 1, "volume is in use - [its files are being copied]")
            .inspect_err(|_| drop(export.kill()))?;
        case.says("volume prune -af", "Total reclaimed space: 0B")?;
        export.kill()?;
        export.wait()?;
        until_ok(LIMIT, "the export's end", || case.ok("volume rm big"))?;
        only(case, "")
    })
}

/// A program that changes its volume all the time gets nothing of the host into a copy.
#[test]
fn hostile_volumes_are_copied_as_they_are() -> Result<()> {
    ours(&["busybox"], |case| {
        let place = case.daemon.sandbox.scratch().join("host");
        fs::create_dir_all(place.join("real"))?;
        fs::write(place.join("real/secret"), "of the host")?;
        let path = place.display();
        case.ok(&format!(
            "run -d --name hostile -v data:/v busybox sh -c 'mkdir /v/real; while :; do mv /v/real /v/swap; ln -s {path}/real /v/real; rm /v/real; mkfifo /v/f; rm /v/f; echo 1 >/v/f; ln -s {path}/real/secret /v/g; rm /v/f /v/g; mv /v/swap /v/real; done'"
        ))?;
        until_ok(LIMIT, "the volume's change", || {
            ensure!(fs::read_dir(data(case, "data"))?.next().is_some());
            Ok(())
        })?;
        for round in 0..20 {
            case.ok("volume clone data copy")?;
            for entry in fs::read_dir(data(case, "copy"))? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    for file in fs::read_dir(entry.path())? {
                        let file = file?;
                        ensure!(
                            fs::read_to_string(file.path())? != "of the host",
                            "round {round}: {file:?}"
                        );
                    }
                }
            }
            let archive = case.command("volume export data")?.output()?.stdout;
            ensure!(!archive.windows(11).any(|part| part == b"of the host"), "round {round}");
            drop(case.run("volume cp /etc/hostname data:/real/secret")?);
            ensure!(
                fs::read_to_string(place.join("real/secret"))? == "of the host",
                "round {round}"
            );
            case.ok("volume rm copy")?;
        }
        case.ok("rm -f hostile")?;
        case.ok("volume rm data").map(drop)
    })
}

/// Under `--userns-remap`, archives of volumes speak of the users that containers see.
#[test]
fn archives_of_a_remapped_engine_have_its_containers_users() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    remapped(&["busybox"], |case| {
        if case.client == Client::Docker {
            return Ok(());
        }
        let look = "busybox stat -c '%u:%g %a' /d /d/f /d/sub";
        let wanted = "0:0 755\n5:6 4711\n7:0 755";
        case.ok(
            "run --rm -v first:/d busybox sh -c 'echo x >/d/f; chown 5:6 /d/f; chmod 4711 /d/f; mkdir /d/sub; chown 7 /d/sub'",
        )?;
        case.says(&format!("run --rm -v first:/d {look}"), wanted)?;
        let archive = case.daemon.sandbox.scratch().join("first.tar");
        let path = archive.display();
        case.ok(&format!("volume export -o {path} first"))?;
        let listed = case.script(&format!("tar --numeric-owner -tvf {path}"))?.success()?;
        let owners: Vec<_> = listed
            .text()
            .lines()
            .map(|line| line.split_whitespace().nth(1))
            .collect();
        for owner in ["0/0", "5/6", "7/0"] {
            ensure!(owners.contains(&Some(owner)), "{listed}");
        }
        ensure!(owners.len() == 3, "{listed}");
        case.ok(&format!("volume import second {path}"))?;
        case.ok("volume clone second third")?;
        for volume in ["second", "third"] {
            case.says(&format!("run --rm -v {volume}:/d {look}"), wanted)?;
            let place = case.ok(&format!("volume inspect -f '{{{{.Mountpoint}}}}' {volume}"))?;
            let file = fs::metadata(case.daemon.sandbox.path(&format!("{place}/f")))?;
            ensure!(
                (file.uid(), file.gid()) == (200_005, 200_006),
                "{volume}: {}:{}",
                file.uid(),
                file.gid()
            );
        }
        // Whom the range has not nobody can own.
        case.script(&format!(
            "cd {} && : >g && tar --owner=70000 -cf strange.tar g",
            case.daemon.sandbox.scratch().display()
        ))?
        .success()?;
        let strange = case.daemon.sandbox.scratch().join("strange.tar");
        case.fails(
            &format!("volume import fourth {}", strange.display()),
            1,
            "cannot be mapped",
        )?;
        let copied = case.command("volume cp first:/f -")?.output()?.stdout;
        case.run_with_input("volume cp - third:/sub", &copied)?.success()?;
        case.says("run --rm -v third:/d busybox stat -c %u:%g /d/sub/f", "5:6")?;
        case.ok("volume rm first second third").map(drop)
    })
}
