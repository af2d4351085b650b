//! Rows of the area `images` that need no registry to pull from and no builder: names, lists, history, removal, what a
//! container shares with its image, files in and out.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::Case;
use corten_testkit::Archive;
use corten_testkit::archive::Entry;
use serde_json::json;

use crate::rows::{group, page};

/// The cells of each line of a list, without its header.
fn cells(list: &str) -> Vec<Vec<&str>> {
    list.lines().skip(1).map(row).collect()
}

fn row(line: &str) -> Vec<&str> {
    line.split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect()
}

/// Makes an image of what a command leaves in a container of another.
fn make(case: &Case, from: &str, script: &str, name: &str) -> Result<()> {
    case.ok(&format!("run --name made {from} sh -c '{script}'"))?;
    case.ok(&format!("commit made {name}"))?;
    case.ok("rm made").map(drop)
}

#[test]
fn lists() -> Result<()> {
    group(&["debian", "nginx"], |rows| {
        rows.row("C-086 C-087", |case| {
            case.run("run --rm hello-world")?.success()?;
            let list = case.ok("images")?;
            let header: Vec<&str> = list.lines().next().unwrap_or_default().split_whitespace().collect();
            ensure!(
                header == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"],
                "{list}"
            );
            let rows = cells(&list);
            for name in ["debian", "nginx", "hello-world"] {
                let row = rows.iter().find(|row| row[0] == name).context(list.clone())?;
                let [_, tag, id, _, size] = row[..] else {
                    anyhow::bail!("{list}");
                };
                ensure!(tag == "latest" && id.len() == 12, "{list}");
                ensure!(id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{list}");
                let unit = size.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                ensure!(["B", "kB", "MB", "GB"].contains(&unit), "{list}");
            }
            case.says("image ls", &list)?;
            case.ok("rmi hello-world").map(drop)
        });
        rows.row("C-088", |case| {
            for tag in ["8.5", "8.4", "8.2"] {
                make(
                    case,
                    "debian",
                    &format!("echo {tag} >/etc/debian_version"),
                    &format!("debian:{tag}"),
                )?;
            }
            let said = case.ok("images --format '{{.Repository}} {{.Tag}} {{.ID}}' debian")?;
            let mut tags: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("debian ")).collect();
            ensure!(tags.len() == said.lines().count(), "{said}");
            tags.sort_unstable();
            let ids: std::collections::BTreeSet<&str> = tags.iter().map(|row| &row[row.len() - 12..]).collect();
            ensure!(
                tags.len() == 4 && ids.len() == 4 && tags[3].starts_with("latest "),
                "{said}"
            );
            case.ok("rmi debian:8.5 debian:8.4 debian:8.2").map(drop)
        });
        rows.row("C-091", |case| {
            case.says("tag debian besrour/debian:8.6", "")?;
            let said = case.ok("images")?;
            let rows = cells(&said);
            let id = |name: &str, tag: &str| rows.iter().find(|row| row[..2] == [name, tag]).map(|row| row[2]);
            ensure!(id("debian", "latest").is_some(), "{said}");
            ensure!(id("debian", "latest") == id("besrour/debian", "8.6"), "{said}");
            case.says("rmi besrour/debian:8.6", "Untagged: besrour/debian:8.6")
        });
        rows.row("C-092", |case| {
            case.says("tag debian besrour/myapp", "")?;
            let said = case.ok("images besrour/myapp")?;
            ensure!(
                cells(&said).len() == 1 && said.contains("besrour/myapp   latest"),
                "{said}"
            );
            // A first part with a capital is a host's name to Docker today (observed: docker 28.2); elsewhere it is refused.
            case.fails("tag debian besrour/MyApp", 1, "must be lowercase")?;
            case.says("tag debian Besrour/myapp", "")?;
            case.says("images --format '{{.Repository}}' Besrour/myapp", "Besrour/myapp")?;
            case.ok("rmi besrour/myapp Besrour/myapp").map(drop)
        });
        // All but the push.
        rows.row("C-093", |case| {
            for name in [
                "registry.example.com:5000/my-private/image",
                "exemple.fr:5000/wordpress",
            ] {
                case.says(&format!("tag debian {name}"), "")?;
                let said = case.ok("images")?;
                ensure!(
                    cells(&said).iter().any(|row| row[0] == name && row[1] == "latest"),
                    "{said}"
                );
                case.says(&format!("rmi {name}"), &format!("Untagged: {name}:latest"))?;
            }
            Ok(())
        });
        rows.row("C-097", |case| {
            let said = case.ok("history debian")?;
            let header: Vec<&str> = said.lines().next().unwrap_or_default().split_whitespace().collect();
            ensure!(
                header == ["IMAGE", "CREATED", "CREATED", "BY", "SIZE", "COMMENT"],
                "{said}"
            );
            let id = case.ok("images -q debian")?;
            let row = said.lines().nth(1).unwrap_or_default();
            ensure!(row.starts_with(&id) && row.contains("scripts/test-images"), "{said}");
            Ok(())
        });
        rows.row("C-098", history);
    })
}

/// What a builder has written down: two instructions that made layers, two that did not.
fn history(case: &Case) -> Result<()> {
    let archive = Archive::new("image_name:latest")
        .layer(&[Entry::file("base", vec![0; 3000])])?
        .layer(&[Entry::file("installed", vec![0; 5000])])?
        .history(json!([
            {"created": "2026-01-01T00:00:00Z", "created_by": "ADD base /"},
            {"created": "2026-01-01T00:00:01Z", "created_by": "ENV A=1", "empty_layer": true},
            {"created": "2026-01-01T00:00:02Z", "created_by": "RUN install", "comment": "buildkit"},
            {"created": "2026-01-01T00:00:03Z", "created_by": "CMD [\"sh\"]", "empty_layer": true},
        ]))
        .build()?;
    case.run_with_input("load -q", &archive)?.success()?;
    let id = case.ok("images -q image_name")?;
    let said = case.ok("history --format '{{.ID}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}' image_name")?;
    let want = format!(
        "{id}|CMD [\"sh\"]|0B|\n<missing>|RUN install|5kB|buildkit\n<missing>|ENV A=1|0B|\n<missing>|ADD base /|3kB|"
    );
    ensure!(said == want, "{said}");
    case.ok("rmi image_name").map(drop)
}

#[test]
fn systems() -> Result<()> {
    group(&["ubuntu", "alpine"], |rows| {
        rows.row("C-089", |case| {
            let said = case.ok("run --name plain ubuntu cat /etc/os-release")?;
            ensure!(said.contains("NAME=\"Ubuntu\""), "{said}");
            case.says("run --name tagged ubuntu:latest cat /etc/os-release", &said)?;
            let id = case.ok("inspect -f '{{.Image}}' plain")?;
            case.says("inspect -f '{{.Image}}' tagged", &id)
        });
        rows.row("C-090", |case| {
            let images = |case: &Case| {
                case.ok("system df --format '{{if eq .Type \"Images\"}}{{.TotalCount}} {{.Size}}{{end}}'")
            };
            let before = images(case)?;
            case.says("tag ubuntu:latest ubuntu:18.04", "")?;
            let ids = case.ok("images -q ubuntu")?;
            let different: std::collections::BTreeSet<&str> = ids.lines().collect();
            ensure!(ids.lines().count() > 1 && different.len() == 1, "{ids}");
            ensure!(images(case)? == before, "{before}, then {}", images(case)?);
            Ok(())
        });
        rows.row("C-095", |case| {
            make(
                case,
                "alpine",
                "echo PRETTY_NAME=\"A stand-in for openSUSE\" >/etc/os-release",
                "opensuse",
            )?;
            let kernel = case.script("uname -r")?.success()?.text().to_owned();
            for (image, system) in [
                ("ubuntu:latest", "Ubuntu"),
                ("ubuntu:14.04", "Ubuntu"),
                ("opensuse:latest", "openSUSE"),
                ("alpine:latest", "Alpine"),
            ] {
                let said = case.ok(&format!("run --rm {image} cat /etc/os-release"))?;
                ensure!(said.contains(system), "{image}: {said}");
                case.says(&format!("run --rm {image} uname -r"), &kernel)?;
            }
            case.ok("rmi opensuse").map(drop)
        });
        rows.row("C-096", |case| {
            let size = case.ok("images --format '{{.Size}}' alpine:latest")?;
            let size: f64 = size.strip_suffix("MB").context(size.clone())?.parse()?;
            ensure!((0.5..10.0).contains(&size), "{size} MB");
            Ok(())
        });
    })
}

#[test]
fn files_of_a_container() -> Result<()> {
    group(&["alpine"], |rows| {
        rows.row("C-118", import);
        rows.row("C-119 C-120 C-121", |case| {
            let here = case.daemon.sandbox.scratch().join("exported");
            let here = here.display();
            case.script(&format!("mkdir {here}"))?.success()?;
            case.ok("run --name hello -v /kept alpine sh -c 'echo \"Hello World!\" >hello.txt; chown 33:8 hello.txt; chmod 640 hello.txt; echo 1 >/kept/in'")?;
            case.says(&format!("export -o {here}/hello.tar hello"), "")?;
            let names = case.script(&format!("tar tf {here}/hello.tar"))?.success()?;
            let names: Vec<&str> = names.text().lines().collect();
            ensure!(names.contains(&"hello.txt") && !names.contains(&"kept/in"), "{names:?}");
            ensure!(!names.iter().any(|name| name.len() > 5 && name.starts_with("boot/")), "{names:?}");
            let unpacked = format!("mkdir {here}/r && tar xf {here}/hello.tar -C {here}/r && cd {here}/r && ls -d bin dev etc home hello.txt && cat hello.txt && stat -c '%u:%g %a' hello.txt");
            let said = case.script(&unpacked)?.success()?;
            ensure!(
                said.text() == "bin\ndev\netc\nhello.txt\nhome\nHello World!\n33:8 640",
                "{said}"
            );
            case.script(&format!("rm -r {here}"))?.success().map(drop)
        });
        rows.row("C-126", |case| {
            make(case, "alpine", "echo 1 >/hello.txt", "hearc/hello")?;
            let id = case.ok("images -q --no-trunc hearc/hello")?;
            case.fails("rmi", 1, "requires at least 1 argument")?;
            case.ok("create --name user hearc/hello")?;
            case.fails(
                "rmi hearc/hello",
                1,
                "unable to remove repository reference \"hearc/hello\" (must force) - container ",
            )?;
            case.fails("rmi hearc/hello", 1, " is using its referenced image ")?;
            case.ok("rm user")?;
            let said = case.ok("rmi hearc/hello")?;
            let lines: Vec<&str> = said.lines().collect();
            ensure!(
                lines[..2] == ["Untagged: hearc/hello:latest", &format!("Deleted: {id}")],
                "{said}"
            );
            ensure!(lines.len() == 3 && lines[2].starts_with("Deleted: sha256:"), "{said}");
            case.fails(&format!("inspect {id}"), 1, "o such object")
        });
    })
}

/// The pair that is meant, and the one that is printed.
fn import(case: &Case) -> Result<()> {
    let here = case.daemon.sandbox.scratch().join("tars");
    let here = here.display();
    case.script(&format!("mkdir {here}"))?.success()?;
    case.ok("run --name mon-conteneur alpine sh -c 'echo 1 >/saved'")?;
    case.says(&format!("export -o {here}/mon-conteneur.tar mon-conteneur"), "")?;
    let id = case.ok(&format!("import {here}/mon-conteneur.tar backup/mon-conteneur"))?;
    ensure!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    case.says(
        "inspect -f '{{len .RootFS.Layers}} {{.Config.Cmd}} {{.Config.Entrypoint}}' backup/mon-conteneur",
        "1 [] []",
    )?;
    case.fails("run --rm backup/mon-conteneur", 125, "no command specified")?;
    case.says("run --rm backup/mon-conteneur cat /saved", "1")?;
    case.ok("rmi backup/mon-conteneur")?;

    case.ok("commit mon-conteneur backup/mon-conteneur")?;
    case.says(&format!("save -o {here}/mon-image.tar backup/mon-conteneur"), "")?;
    case.ok(&format!("import {here}/mon-image.tar literal"))?;
    case.run("run --rm literal cat /saved")?
        .code_is(127)?
        .mentions("executable file not found")?;
    case.ok("rmi literal backup/mon-conteneur")?;
    case.script(&format!("rm -r {here}"))?.success().map(drop)
}

#[test]
fn copies() -> Result<()> {
    group(&["php"], |rows| {
        rows.row("C-124 C-125", |case| {
            let here = case.daemon.sandbox.scratch().join("site");
            let here = here.display();
            case.script(&format!(
                "mkdir {here} && echo '<?php echo 6*7;' >{here}/index.php && cp {here}/index.php {here}/two.php"
            ))?
            .success()?;
            case.ok("run -d --name php -p 8080:80 php:apache")?;
            let said = case
                .run(&format!("cp --quiet=false {here}/index.php php:/var/www/html"))?
                .success()?;
            ensure!(
                said.stderr
                    .trim()
                    .ends_with("Successfully copied 2.05kB to php:/var/www/html"),
                "{said}"
            );
            ensure!(page(case, "localhost:8080")? == "42");
            case.ok("stop -t 1 php")?;
            case.ok(&format!("cp {here}/two.php php:/var/www/html"))?;
            case.ok("start php")?;
            ensure!(page(case, "localhost:8080/two.php")? == "42");
            case.script(&format!("mkdir {here}/back"))?.success()?;
            case.ok(&format!("cp php:/var/www/html/index.php {here}/back/"))?;
            case.script(&format!("cmp {here}/index.php {here}/back/index.php && rm -r {here}"))?
                .success()
                .map(drop)
        });
    })
}

#[test]
fn layers() -> Result<()> {
    group(&["debian"], |rows| {
        rows.row("C-128", |case| {
            let id = case.ok("images -q --no-trunc debian")?;
            let before = case.ok("run --rm debian cat /etc/motd")?;
            case.ok("run --name ww debian sh -c 'echo x > /etc/motd'")?;
            ensure!(before != "x");
            case.says("run --rm debian cat /etc/motd", &before)?;
            case.says("images -q --no-trunc debian", &id)
        });
        rows.row("C-130", |case| {
            for number in 0..10 {
                case.ok(&format!("run -d --name many{number} debian sleep 60"))?;
            }
            let sizes = case.ok("ps -s --format '{{.Size}}'")?;
            ensure!(
                sizes.lines().count() == 10 && sizes.lines().all(|size| size.starts_with("0B (virtual ")),
                "{sizes}"
            );
            let upper = case.ok("inspect -f '{{.GraphDriver.Data.UpperDir}}' many0")?;
            let changed = format!("cd {upper} && du -sk . | cut -f1 && find . -type f -size +0");
            let before = case.script(&changed)?.success()?;
            let (size, files) = before.text().split_once('\n').unwrap_or((before.text(), ""));
            ensure!(size.parse::<u32>()? < 100 && files.is_empty(), "{before}");
            case.ok("exec many0 sh -c 'echo more >>/etc/passwd'")?;
            case.script(&changed)?.success()?.mentions("./etc/passwd").map(drop)
        });
        rows.row("C-131", |case| {
            let used = |case: &Case| {
                case.ok("system df --format '{{if eq .Type \"Containers\"}}{{.Size}}{{end}}'")
                    .map(|said| said.trim().to_owned())
            };
            let before = used(case)?;
            case.ok("run --name big debian sh -c 'head -c 50000000 /dev/zero >/big'")?;
            let upper = case.ok("inspect -f '{{.GraphDriver.Data.UpperDir}}' big")?;
            case.script(&format!("test -e {upper}/big"))?.success()?;
            ensure!(used(case)? == "50MB", "{}", used(case)?);
            case.ok("rm big")?;
            ensure!(used(case)? == before, "{before}, then {}", used(case)?);
            ensure!(!Path::new(&upper).exists(), "{upper} is left");
            Ok(())
        });
        rows.row("C-133", |case| case.says("info -f '{{.Driver}}'", "overlay2"));
    })
}
