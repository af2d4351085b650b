//! Ways out through files: links in images and volumes, races for mount points, the engine's own directories.

use anyhow::{Result, ensure};
use corten_e2e::{Case, one};
use corten_testkit::Archive;
use corten_testkit::archive::Entry;
use serde_json::json;

/// A directory of the host with a secret; fails afterwards if anything was added there.
fn guarded(case: &mut Case, name: &str, body: impl FnOnce(&mut Case, &str) -> Result<()>) -> Result<()> {
    let outside = &format!("/tmp/corten-escape-{name}-{}", std::process::id());
    case.script(&format!("mkdir -p {outside} && echo secret > {outside}/secret"))?
        .success()?;
    let verdict = body(case, outside);
    let files = case.script(&format!("ls -A {outside}; rm -r {outside}"))?;
    verdict?;
    ensure!(files.text() == "secret", "made outside: {}", files.text());
    Ok(())
}

fn busybox_image(case: &mut Case, name: &str, more: Vec<Entry>, config: serde_json::Value) -> Result<()> {
    let busybox = std::fs::read("/bin/busybox")?;
    let mut entries = vec![Entry::file("bin/busybox", busybox), Entry::symlink("bin/sh", "busybox")];
    entries.extend(more);
    let image = Archive::new(name).layer(&entries)?.config(config).build()?;
    case.run_with_input("load", &image)?.success()?;
    case.daemon.remember()
}

/// An image's VOLUME names a directory of the host, by dots or by a link: what is copied into the new volume is the
/// image's, never the host's.
#[test]
fn volumes_of_an_image_show_nothing_of_the_host() -> Result<()> {
    one(&["busybox"], |case| {
        guarded(case, "volume", |case, outside| {
            let dots = format!("/../../../../../../../../..{outside}");
            let config = json!({"Volumes": {dots: {}, "/leak": {}, "/deep/leak": {}}, "Cmd": ["/bin/busybox", "true"]});
            let links = vec![
                Entry::symlink("leak", outside),
                Entry::symlink("deep/leak", &format!("../../../../../../..{outside}")),
            ];
            busybox_image(case, "volumes:1", links, config)?;
            let said = case.run("run --rm volumes:1 /bin/busybox find /leak /deep /tmp -name secret")?;
            ensure!(
                said.code != 0 || said.text().is_empty(),
                "the host's files are there: {said}"
            );
            let left = case.script(&format!(
                "grep -rl secret {} 2>/dev/null | head -3",
                case.daemon.data_directory().join("volumes").display()
            ))?;
            ensure!(left.text().is_empty(), "copied into a volume: {}", left.text());
            Ok(())
        })
    })
}

/// `/proc` of an image is a link: what is masked and written must be the kernel's, or the container must not start.
#[test]
fn proc_and_sys_are_not_where_an_image_says() -> Result<()> {
    one(&[], |case| {
        for name in ["proc", "sys"] {
            let links = vec![Entry::symlink(name, "fake"), Entry::directory("fake/")];
            busybox_image(case, &format!("linked-{name}:1"), links, json!({}))?;
            case.run(&format!("run --rm -v filled:/fake linked-{name}:1 /bin/busybox true"))?
                .code_is(125)?
                .mentions("must be mounted on ordinary directory")?;
            case.ok("volume rm filled")?;
        }
        Ok(())
    })
}

/// `/dev` of an image is a link: what is made there stays inside, and nothing of the host is replaced.
#[test]
fn dev_is_not_where_an_image_says() -> Result<()> {
    one(&["busybox"], |case| {
        guarded(case, "dev", |case, outside| {
            case.script(&format!("echo kept >{outside}/ptmx"))?.success()?;
            for (number, target) in [outside.to_owned(), format!("../../../../../..{outside}")]
                .iter()
                .enumerate()
            {
                let image = format!("linked-dev-{number}:1");
                busybox_image(case, &image, vec![Entry::symlink("dev", target)], json!({}))?;
                let said = case.run(&format!("run --rm {image} /bin/busybox ls -l {outside}"))?;
                ensure!(!said.text().contains("secret"), "the host's files are there: {said}");
            }
            case.script(&format!("grep kept {outside}/ptmx && rm {outside}/ptmx"))?
                .success()
                .map(drop)
        })
    })
}

/// The container brings a `/dev` whose null and console are links to files of the kernel's.
#[test]
fn masks_and_consoles_are_no_links_of_the_container() -> Result<()> {
    one(&["busybox"], |case| {
        case.script("umount /tmp/fake-dev/pts 2>/dev/null; rm -rf /tmp/fake-dev; mkdir -p /tmp/fake-dev/pts /tmp/fake-dev/shm /tmp/fake-dev/mqueue; mount -t devpts -o newinstance,ptmxmode=0666 devpts /tmp/fake-dev/pts; ln -s /proc/sys/kernel/core_pattern /tmp/fake-dev/null; ln -s /proc/version /tmp/fake-dev/console")?
            .success()?;
        // Masked by a device that reads nothing, whatever the container calls null.
        case.says(
            "run --rm -v /tmp/fake-dev:/dev busybox sh -c 'stat -c %t:%T /proc/interrupts; cat /proc/interrupts | wc -c'",
            "1:3\n0",
        )?;
        let before = std::fs::read_to_string("/proc/sys/kernel/core_pattern")?;
        case.run("run --rm -t -v /tmp/fake-dev:/dev busybox cat /proc/version")?
            .code_is(125)?
            .mentions("/dev/console of the container leads into /proc")?;
        ensure!(
            std::fs::read_to_string("/proc/sys/kernel/core_pattern")? == before,
            "core_pattern has changed"
        );
        case.script("umount /tmp/fake-dev/pts; rm -r /tmp/fake-dev")?
            .success()?;
        Ok(())
    })
}

/// One container exchanges a directory of a shared volume for a link to the host while others are started that mount
/// below it: nothing is made, mounted or written outside.
#[test]
fn mount_points_are_made_inside_whoever_races() -> Result<()> {
    one(&["busybox"], |case| {
        guarded(case, "race", |case, outside| {
            let out = format!("../../../../../../../../../..{outside}");
            case.ok(&format!(
                "run -d --name racer -v raced:/v busybox sh -c 'mkdir -p /v/dir; ln -s {out} /v/out; while :; do mv /v/way /v/old; mv /v/dir /v/way; mv /v/way /v/dir; mv /v/out /v/way; mv /v/way /v/out; done 2>/dev/null'"
            ))?;
            for round in 0..25 {
                let line = format!(
                    "run --rm -v raced:/v -v other:/v/way/made-{round} busybox sh -c 'ls /v/way/ | grep secret'"
                );
                let said = case.run(&line)?;
                ensure!(!said.text().contains("secret"), "a container sees the host: {said}");
            }
            // Without a race, by the link itself.
            let said = case.run("run --rm -v raced:/v -v other:/v/out/made busybox ls /v/out/")?;
            ensure!(!said.text().contains("secret"), "{said}");
            case.ok("rm -f racer")?;
            case.ok("volume rm raced other")?;
            Ok(())
        })
    })
}

/// A user of the host who is not root reaches no file of a container, set-user-id programs above all.
#[test]
fn the_engines_directories_are_closed_to_users_of_the_host() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name kept -v kept:/data busybox sleep 1000")?;
        case.ok("exec kept sh -c 'cp /bin/busybox /suid; cp /bin/busybox /data/suid; chmod 4755 /suid /data/suid'")?;
        let data = case.daemon.data_directory().display().to_string();
        let run = case.daemon.run_directory().display().to_string();
        let found = case.script(&format!("find {data} -name suid | grep -c ."))?;
        ensure!(found.text() == "2", "the programs are somewhere: {}", found.text());
        let reached = case.script(&format!(
            "chmod 755 {data}/..; for f in $(find {data} -name suid) $(find {run} -mindepth 3 -maxdepth 4); do setpriv --reuid 65534 --regid 65534 --clear-groups test -e $f && echo $f; done"
        ))?;
        ensure!(reached.text().is_empty(), "reached: {}", reached.text());
        case.ok("rm -f kept")?;
        case.ok("volume rm kept")?;
        Ok(())
    })
}
