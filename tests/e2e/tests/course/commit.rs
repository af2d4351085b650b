//! Rows of the areas `images` and `volumes` about `diff` and `commit`.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::Terminal;
use corten_testkit::wait::until_ok;

use crate::rows::group;

fn printed(id: &str) -> Result<()> {
    let hex = id.strip_prefix("sha256:").context("a digest")?;
    ensure!(
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    Ok(())
}

/// A shell of the container's in which somebody typed these lines, and left.
fn typed(case: &Case, line: &str, lines: &[&str]) -> Result<()> {
    let mut terminal = Terminal::spawn(&case.command(line)?, (30, 100))?;
    terminal.expect("# ", LIMIT)?;
    for line in lines {
        terminal.send(line)?;
        terminal.send("\n")?;
    }
    terminal.send("exit\n")?;
    until_ok(LIMIT, "the end", || case.says("ps -q", ""))
}

#[test]
fn debian() -> Result<()> {
    group(&["debian"], |rows| {
        rows.row("C-099 C-104 C-106 C-107 C-108 C-110 C-111 C-112", |case| {
            typed(
                case,
                "run -it --name web debian /bin/bash",
                &["head -c 5000 /dev/zero >/installed"],
            )?;
            let id = case.ok("commit web")?;
            printed(&id)?;
            let all = case.ok("images -a --no-trunc --format '{{.Repository}} {{.ID}}'")?;
            ensure!(all.lines().any(|line| line == format!("<none> {id}")), "{all}");
            let layers = |name: &str| case.ok(&format!("inspect -f '{{{{len .RootFS.Layers}}}}' {name}"));
            let (own, below): (u32, u32) = (layers(&id)?.parse()?, layers("debian")?.parse()?);
            ensure!(own == below + 1, "{own} layers over {below}");
            case.says(&format!("tag {} besrour/nginx", &id[7..21]), "")?;
            case.says("tag besrour/nginx besrour/nginx:0.1", "")?;
            let rows = case.ok("images --format '{{.Tag}} {{.ID}} {{.Size}}' besrour/nginx")?;
            let mut rows: Vec<&str> = rows.lines().collect();
            rows.sort_unstable();
            ensure!(
                rows.len() == 2 && rows[0].starts_with("0.1 ") && rows[1].starts_with("latest "),
                "{rows:?}"
            );
            ensure!(
                rows[0].strip_prefix("0.1") == rows[1].strip_prefix("latest"),
                "{rows:?}"
            );
            let history = case.ok("history --format '{{.CreatedBy}} {{.Size}}' besrour/nginx")?;
            ensure!(
                history.starts_with("/bin/bash ") && history.lines().count() > 1,
                "{history}"
            );
            ensure!(
                history.lines().next().is_some_and(|row| !row.ends_with(" 0B")),
                "{history}"
            );
            printed(&case.ok("commit web ubuntu_python_new")?)?;
            case.says(&format!("tag {id} ubuntu_python"), "")?;
            case.says(
                "images --format '{{.Repository}}:{{.Tag}}' ubuntu_python",
                "ubuntu_python:latest",
            )?;
            printed(&case.ok("commit web ubuntu_python_2")?)?;
            case.says("images --format '{{.Tag}}' ubuntu_python_2", "latest")?;
            case.ok("rm web")?;
            case.ok("rmi besrour/nginx besrour/nginx:0.1 ubuntu_python_new ubuntu_python ubuntu_python_2")
                .map(drop)
        });
        rows.row("C-132", |case| {
            case.ok("run --name ww debian sh -c 'echo hi > /f; rm /etc/issue'")?;
            let said = case.ok("diff ww")?;
            let mut lines: Vec<&str> = said.lines().collect();
            lines.sort_unstable();
            ensure!(lines == ["A /f", "C /etc", "D /etc/issue"], "{said}");
            Ok(())
        });
        rows.row("C-222", |case| {
            case.ok("run --name aa -v /d debian sh -c 'mkdir /e; echo 1 >/d/in; echo 2 >/e/in'")?;
            case.ok("commit aa img")?;
            case.says("run --rm img ls /d /e", "/d:\n\n/e:\nin")?;
            case.ok("rm -v aa")?;
            case.ok("rmi img").map(drop)
        });
    })
}

#[test]
fn alpine() -> Result<()> {
    group(&["alpine"], |rows| {
        rows.row("C-122 C-134", |case| {
            typed(
                case,
                "run -it --name hello alpine",
                &["echo \"Hello World!\" > hello.txt"],
            )?;
            let said = case.ok("diff hello")?;
            ensure!(said.lines().any(|line| line == "A /hello.txt"), "{said}");
            printed(&case.ok("commit hello hearc/hello")?)?;
            case.says(
                "images --format '{{.Repository}} {{.Tag}}' hearc/hello",
                "hearc/hello latest",
            )?;
            case.says("run --rm hearc/hello cat /hello.txt", "Hello World!")?;
            case.ok("rm hello")?;
            case.ok("rmi hearc/hello").map(drop)
        });
        rows.row("C-115 C-116 C-117", |case| {
            case.ok("run --name mon-conteneur -it -d alpine sh -c 'test -e /saved && echo again; echo 1 >/saved'")?;
            until_ok(LIMIT, "its end", || case.says("ps -q", ""))?;
            let id = case.ok("commit mon-conteneur backup/mon-conteneur")?;
            printed(&id)?;
            let terminal = Terminal::spawn(&case.command("run -it backup/mon-conteneur")?, (30, 100));
            terminal?.expect("again", LIMIT)?;
            let tar = case.daemon.sandbox.scratch().join("mon-image.tar");
            case.says(&format!("save -o {} backup/mon-conteneur", tar.display()), "")?;
            until_ok(LIMIT, "its end", || case.says("ps -q", ""))?;
            let all = case.ok("ps -aq")?;
            case.ok(&format!("rm {}", all.replace('\n', " ")))?;
            case.ok("rmi backup/mon-conteneur")?;
            let names = case.script(&format!("tar tf {}", tar.display()))?.success()?;
            for name in ["manifest.json", "index.json", "blobs/sha256/"] {
                ensure!(names.text().contains(name), "{name}: {}", names.text());
            }
            case.says(
                &format!("load -i {}", tar.display()),
                "Loaded image: backup/mon-conteneur:latest",
            )?;
            case.says("images -q --no-trunc backup/mon-conteneur", &id)?;
            case.ok("rmi backup/mon-conteneur").map(drop)
        });
        rows.row("C-123", |case| {
            case.ok("create --name NomDuConteneur alpine")?;
            printed(&case.ok("commit NomDuConteneur nomimage:Tag")?)?;
            case.says("images --format '{{.Repository}}:{{.Tag}}' nomimage", "nomimage:Tag")?;
            case.fails("commit NomDuConteneur NomImage:Tag", 1, "must be lowercase")?;
            case.ok("rm NomDuConteneur")?;
            case.ok("rmi nomimage:Tag").map(drop)
        });
    })
}
