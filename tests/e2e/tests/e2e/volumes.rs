//! Mounts: image volumes with copy-up, binds, tmpfs, a read-only root.

use anyhow::{Result, ensure};
use corten_e2e::{Case, both, one};

#[test]
fn image_volumes_are_anonymous_and_copied_up() -> Result<()> {
    both(&["redis"], |case| {
        case.says("run --rm redis ls /data", "made-by-image")?;
        case.ok("create --name vol redis")?;
        let mount = case.inspect("vol")?["Mounts"][0].clone();
        let name = mount["Name"].as_str().unwrap_or_default().to_owned();
        ensure!(
            mount["Type"] == "volume" && mount["Destination"] == "/data" && mount["RW"] == true,
            "{mount}"
        );
        ensure!(name.len() == 64, "{mount}");
        case.ok("start vol")?;
        case.ok("exec vol touch /data/kept")?;
        case.ok("restart -t 0 vol")?;
        case.says(
            "exec vol ls /data/kept /data/made-by-image",
            "/data/kept\n/data/made-by-image",
        )?;
        case.ok("rm -f -v vol")?;
        Ok(())
    })
}

#[test]
fn binds_tmpfs_and_read_only() -> Result<()> {
    both(&["busybox"], |case| {
        let directory = case.daemon.sandbox.scratch().join("bound");
        drop(std::fs::create_dir(&directory));
        std::fs::write(directory.join("file"), "from the host")?;
        let path = directory.display();
        case.says(
            &format!("run --rm -v {path}:/b busybox sh -c 'cat /b/file; echo back >/b/answer'"),
            "from the host",
        )?;
        ensure!(std::fs::read_to_string(directory.join("answer"))? == "back\n");
        case.fails(
            &format!("run --rm -v {path}:/b:ro busybox touch /b/x"),
            1,
            "Read-only file system",
        )?;
        case.fails(
            &format!("run --rm --mount type=bind,src={path},dst=/b,readonly busybox touch /b/x"),
            1,
            "Read-only file system",
        )?;
        case.fails(
            "run --rm --mount type=bind,src=/no/such,dst=/b busybox true",
            125,
            "invalid mount config for type \"bind\": bind source path does not exist: /no/such",
        )?;
        case.says(
            &format!("run --rm -v {path}/file:/single busybox cat /single"),
            "from the host",
        )?;
        case.says(&format!("run --rm -v {path}/made:/b busybox ls /b"), "")?;
        ensure!(directory.join("made").is_dir(), "a missing source of -v is made");
        case.says("run --rm --tmpfs /t:size=1m,mode=1770 busybox sh -c 'stat -c %a /t; df -k /t | tail -1 | tr -s \" \" | cut -d\" \" -f2'", "1770\n1024")?;
        case.fails("run --rm --read-only busybox touch /x", 1, "Read-only file system")?;
        case.ok("run --rm --read-only --tmpfs /tmp busybox touch /tmp/x /dev/shm/y")?;
        case.fails(
            "run --rm -v relative:bad busybox true",
            125,
            "invalid mount path: 'bad' mount path must be absolute",
        )?;
        Ok(())
    })
}

#[test]
fn two_containers_see_one_bound_directory() -> Result<()> {
    both(&["busybox"], |case| {
        let path = case.daemon.sandbox.scratch().join("both");
        drop(std::fs::create_dir(&path));
        let bind = format!("-v {}:/b", path.display());
        case.ok(&format!("run -d --name one {bind} busybox sleep 1000"))?;
        case.ok(&format!("run --rm {bind} busybox sh -c 'echo here >/b/f'"))?;
        case.says("exec one cat /b/f", "here")?;
        case.ok("rm -f one")?;
        Ok(())
    })
}

#[test]
fn a_file_and_a_directory_do_not_mount_on_each_other() -> Result<()> {
    both(&["busybox"], |case| {
        let question = "not a directory: Are you trying to mount a directory onto a file (or vice-versa)?";
        case.fails("run --rm -v /etc/passwd:/bin busybox true", 125, question)?;
        case.fails("run --rm -v /etc:/bin/busybox busybox true", 125, question)
    })
}

#[test]
fn a_volume_is_made_listed_and_removed() -> Result<()> {
    both(&["busybox"], |case| {
        case.says("volume create --label color=red vol", "vol")?;
        case.says("volume create vol", "vol")?;
        case.says("volume ls -q -f label=color=red", "vol")?;
        case.says(
            "volume inspect -f '{{.Driver}} {{.Scope}} {{json .Labels}} {{json .Options}}' vol",
            "local local {\"color\":\"red\"} null",
        )?;
        let anonymous = case.ok("volume create")?;
        ensure!(anonymous.len() == 64, "{anonymous}");
        let refusals = [
            (
                "-d nosuch xv",
                "create xv: error looking up volume plugin nosuch: plugin \"nosuch\" not found",
            ),
            ("-o foo=bar xv", "create xv: invalid option: \"foo\""),
            ("-o type=tmpfs xv", "create xv: missing required option: \"device\""),
            ("-o size=10m xv", "create xv: quota size requested but no quota support"),
            (
                "x",
                "create x: volume name is too short, names should be at least two alphanumeric characters",
            ),
        ];
        for (words, text) in refusals {
            case.fails(&format!("volume create {words}"), 1, text)?;
        }
        case.run("volume prune -f")?.success()?.mentions(&anonymous)?;
        case.says("volume ls -q", "vol")?;
        case.ok("create --name user -v vol:/v busybox")?;
        case.fails("volume rm vol", 1, "remove vol: volume is in use - [")?;
        case.run("volume prune -af")?.success()?;
        case.ok("rm user")?;
        case.run("volume prune -af")?.success()?.mentions("vol")?;
        case.fails("volume rm vol", 1, "get vol: no such volume")?;
        case.says("volume rm -f vol", "vol")
    })
}

/// Such a volume is really mounted at its mount point, from its first container's start to its last one's end.
#[test]
fn a_volume_with_options_is_mounted_while_it_is_used() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,uid=1000,nodev mem")?;
        let point = case.ok("volume inspect -f '{{.Mountpoint}}' mem")?;
        let mounted = |case: &Case| -> Result<bool> {
            Ok(case
                .script(&format!("grep -c ' {point} .* tmpfs ' /proc/self/mountinfo; true"))?
                .text()
                == "1")
        };
        ensure!(!mounted(case)?);
        case.ok("run -d --name one -v mem:/m busybox sleep 1000")?;
        ensure!(mounted(case)?, "it is not mounted at {point}");
        case.says(
            "exec one sh -c 'stat -c %u /m; df -k /m | tail -1 | tr -s \" \" | cut -d\" \" -f2'",
            "1000\n1024",
        )?;
        case.ok("run -d --name two -v mem:/m busybox sleep 1000")?;
        case.ok("exec one touch /m/shared")?;
        case.says("exec two ls /m", "shared")?;
        if !corten_e2e::is_reference()? {
            case.daemon.kill()?;
            case.daemon.launch()?;
        }
        case.ok("rm -f one")?;
        ensure!(mounted(case)?, "one of two has ended");
        case.says("exec two ls /m", "shared")?;
        case.ok("rm -f two")?;
        ensure!(!mounted(case)?, "nobody uses it");
        case.ok("volume rm mem")?;
        let failing = "run --name bad --mount type=volume,src=odd,dst=/m,volume-opt=type=none,volume-opt=device=/no/such,volume-opt=o=bind busybox true";
        case.fails(failing, 127, "failed to mount local volume: mount /no/such:")?;
        case.ok("rm -f bad")?;
        case.ok("volume rm -f odd").map(drop)
    })
}

/// What somebody has mounted on a volume's directory is theirs: it outlives daemons, and is not emptied with the volume.
#[test]
fn what_others_mount_on_a_volume_stays_theirs() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("volume create plain")?;
        let point = case.ok("volume inspect -f '{{.Mountpoint}}' plain")?;
        let theirs = case.daemon.sandbox.scratch().join("theirs with blanks");
        let theirs = theirs.display();
        case.script(&format!(
            "mkdir '{theirs}' && echo kept >'{theirs}/f' && mount --bind '{theirs}' {point}"
        ))?
        .success()?;
        if !corten_e2e::is_reference()? {
            case.daemon.kill()?;
            case.daemon.launch()?;
        }
        case.says("run --rm -v plain:/p busybox cat /p/f", "kept")?;
        case.script(&format!("umount {point}; mount --bind '{theirs}' {point}"))?
            .success()?;
        if !corten_e2e::is_reference()? {
            case.ok("volume rm plain")?;
            case.script(&format!("! grep ' {point} ' /proc/self/mountinfo"))?
                .success()?;
        }
        case.script(&format!("umount {point} 2>/dev/null; cat '{theirs}/f'"))?
            .says("kept")?;
        case.script(&format!("rm -r '{theirs}'"))?.success().map(drop)
    })
}

#[test]
fn volumes_of_other_containers() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run --name source -v /anon -v named:/named:ro busybox sh -c 'echo kept >/anon/f'")?;
        case.says("run --rm --volumes-from source busybox cat /anon/f", "kept")?;
        case.fails(
            "run --rm --volumes-from source busybox touch /named/x",
            1,
            "Read-only file system",
        )?;
        case.fails(
            "run --rm --volumes-from source:ro busybox touch /anon/x",
            1,
            "Read-only file system",
        )?;
        case.says("run --rm --volumes-from source -v own:/anon busybox ls /anon", "")?;
        case.ok("volume rm own")?;
        case.fails(
            "run --rm --volumes-from source:bogus busybox true",
            125,
            "invalid mode: bogus",
        )?;
        case.fails(
            "run --rm --volumes-from nobody busybox true",
            125,
            "No such container: nobody",
        )?;
        case.ok("create --name heir --volumes-from source busybox")?;
        case.ok("rm -v source")?;
        case.says("start -a heir", "")?;
        case.says("run --rm --volumes-from heir busybox cat /anon/f", "kept")?;
        case.ok("rm -v heir")?;
        case.says("volume ls -q", "named")?;
        case.ok("volume rm named").map(drop)
    })
}

/// What a volume shows below its root is looked up inside it, whatever links a container has put there.
#[test]
fn a_path_below_a_volume_does_not_lead_out() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run --rm -v vol:/v busybox sh -c 'mkdir /v/in; echo in >/v/in/f; ln -s /etc /v/out; ln -s ../../../../../../etc /v/up; ln -s up /v/up-up; ln -s / /v/root; ln -s in/../in /v/good'")?;
        let show = |path: &str, words: &str| {
            format!("run --rm --mount type=volume,src=vol,dst=/d,volume-subpath={path} busybox {words}")
        };
        case.says(&show("in", "cat /d/f"), "in")?;
        case.fails(&show("none", "true"), 127, "no such file or directory")?;
        for link in ["out", "up", "up-up", "root"] {
            let outcome = case.run(&show(link, "ls /d"))?;
            outcome.mentions("path concatenation escapes the base directory, base: ")?;
        }
        case.says(&show("good", "cat /d/f"), "in")?;
        case.says(&show("in/../in", "cat /d/f"), "in")?;
        case.says(&show("in/f", "cat /d"), "in")?;
        for path in ["../x", "in/../../x", "/in"] {
            case.fails(
                &show(path, "true"),
                125,
                "invalid mount config for type \"volume\": subpath must be a relative path within the volume",
            )?;
        }
        case.fails(
            "create --mount type=volume,dst=/d,volume-subpath=in busybox",
            1,
            "must not set Subpath when using anonymous volumes",
        )?;
        case.ok("volume rm vol").map(drop)
    })
}

/// An empty directory of a volume is filled from the image as an empty volume is.
#[test]
fn a_directory_below_a_volume_is_filled() -> Result<()> {
    both(&["busybox", "redis"], |case| {
        case.ok("run --rm -v vol:/v busybox mkdir /v/empty /v/full /v/full/x")?;
        for (below, want) in [
            ("empty", "made-by-image"),
            ("full", "x"),
            ("empty,volume-nocopy", "made-by-image"),
        ] {
            let mount = format!("type=volume,src=vol,dst=/data,volume-subpath={below}");
            case.says(&format!("run --rm --mount {mount} redis ls /data"), want)?;
        }
        case.ok("volume rm vol").map(drop)
    })
}

/// Binds of the engine's own directory follow the mounts of the host, or are refused.
#[test]
fn binds_of_the_data_root() -> Result<()> {
    both(&["busybox"], |case| {
        let root = case.daemon.data_directory();
        for source in [root.clone(), root.join("volumes"), "/".into()] {
            let source = source.display();
            for (option, becomes) in [("", "rslave"), (":rslave", "rslave"), (":rshared", "rshared")] {
                let id = case.ok(&format!("create -v {source}:/b{option} busybox"))?;
                case.says(
                    &format!("inspect -f '{{{{(index .Mounts 0).Propagation}}}}' {id}"),
                    becomes,
                )?;
                case.ok(&format!("rm {id}"))?;
            }
            for option in ["private", "rprivate", "slave", "shared"] {
                let text = format!(
                    "invalid mount config: must use either propagation mode \"rslave\" or \"rshared\" when mount source is within the daemon root, daemon root: \"{}\", bind mount source: \"{source}\", propagation: \"{option}\"",
                    root.display()
                );
                case.fails(&format!("create -v {source}:/b:{option} busybox"), 1, &text)?;
                let long = format!("--mount type=bind,src={source},dst=/b,bind-propagation={option}");
                case.fails(&format!("create {long} busybox"), 1, &text)?;
            }
        }
        // What is mounted there later is seen, and goes again: a container must not keep it busy.
        let root = root.display();
        case.script(&format!("mkdir -p {root}/late"))?.success()?;
        case.ok(&format!("run -d --name follows -v {root}:/b busybox sleep 1000"))?;
        case.script(&format!("mount -t tmpfs late {root}/late && echo later >{root}/late/f"))?
            .success()?;
        case.says("exec follows cat /b/late/f", "later")?;
        case.script(&format!("umount {root}/late"))?.success()?;
        case.says("exec follows ls /b/late", "")?;
        case.ok("rm -f follows")?;
        case.script(&format!("rmdir {root}/late"))?.success().map(drop)
    })
}
