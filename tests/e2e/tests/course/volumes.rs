//! Rows of the area `volumes`.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::Terminal;

use crate::rows::{group, page, words_of};

/// A directory of the host with the course's page.
fn here(case: &Case) -> Result<String> {
    let here = case.daemon.sandbox.scratch().join("here").display().to_string();
    let page = format!("rm -rf {here}; mkdir {here}; echo 'Bienvenue sur mon image Nginx' >{here}/index.html");
    case.script(&format!("{page}; touch {here}/Dockerfile"))?.success()?;
    Ok(here)
}

/// Runs nginx over the directory and changes its page on the host.
fn page_follows_the_host(case: &Case, options: &str, port: Option<&str>) -> Result<()> {
    let here = here(case)?;
    let id = case.ok(&format!(
        "run -d -v {here}:/usr/share/nginx/html {options} besrour/nginx:0.7"
    ))?;
    ensure!(id.len() == 64, "{id}");
    let mounts = case.inspect(&id)?["Mounts"].clone();
    let bind = mounts
        .as_array()
        .into_iter()
        .flatten()
        .find(|mount| mount["Type"] == "bind");
    ensure!(bind.is_some_and(|mount| mount["Source"] == here.as_str()), "{mounts}");
    let said = case.ok(&format!("port {} 80", &id[..16]))?;
    let first = said.lines().next().unwrap_or_default();
    ensure!(port.is_none_or(|port| first == format!("0.0.0.0:{port}")), "{said}");
    let url = first.replace("0.0.0.0", "http://localhost");
    ensure!(page(case, &url)? == "Bienvenue sur mon image Nginx");
    case.script(&format!("echo 'Mise à jour du fichier index.html' >{here}/index.html"))?
        .success()?;
    ensure!(page(case, &url)? == "Mise à jour du fichier index.html");
    case.ok(&format!("rm -f {id}"))?;
    case.script(&format!("rm -r {here}"))?.success().map(drop)
}

#[test]
fn shared_and_outliving() -> Result<()> {
    group(&["nginx", "debian", "alpine"], |rows| {
        rows.row("C-220 C-221", |case| {
            let here = here(case)?;
            case.ok(&format!("run -d --name aa -v vv:/d -v {here}:/h debian sleep 600"))?;
            let write = "sh -c 'echo shared >/d/f; echo host >/h/f'";
            case.ok(&format!("run --rm -v vv:/d -v {here}:/h debian {write}"))?;
            case.says("exec aa cat /d/f /h/f", "shared\nhost")?;
            case.script(&format!("cat {here}/f"))?.success()?.says("host")?;
            case.run("exec aa findmnt -no TARGET,FSTYPE /d")?
                .success()?
                .mentions("/d ")?;
            ensure!(!case.ok("exec aa findmnt -no FSTYPE /d")?.contains("overlay"));
            let changed = case.ok("diff aa")?;
            ensure!(
                changed.lines().all(|line| ["A /d", "A /h"].contains(&line)),
                "{changed}"
            );
            case.ok("rm -f aa")?;
            case.says("volume rm vv", "vv")?;
            case.script(&format!("rm -r {here}"))?.success().map(drop)
        });
        rows.row("C-223 C-224 C-225 C-226 C-227 C-236 C-237", |case| {
            case.ok("tag nginx besrour/nginx:0.7")?;
            page_follows_the_host(case, "-P", None)?;
            page_follows_the_host(case, "-p 8181:80", Some("8181"))?;
            page_follows_the_host(case, "-v logs:/var/log/nginx -p 8282:80", Some("8282"))?;
            case.says("volume rm logs", "logs")?;
            case.ok("rmi besrour/nginx:0.7").map(drop)
        });
        rows.row("C-228 C-229 C-230 C-231", |case| {
            let scratch = case.daemon.sandbox.scratch().display().to_string();
            case.script(&format!("echo 'hello word' >{scratch}/test.txt"))?
                .success()?;
            let mut command =
                case.command("run --rm -d -p 80:80 -v ./test.txt:/usr/share/nginx/html/test.txt nginx:latest")?;
            // The program's own directory is the sandbox's root: it is entered with one.
            let command = command.env("PWD", &scratch);
            let line = words_of(command);
            let id = case
                .script(&format!("cd {scratch} && {line}"))?
                .success()?
                .text()
                .to_owned();
            ensure!(id.len() == 64, "{id}");
            ensure!(page(case, "localhost/test.txt")? == "hello word");
            let list = case.ok("ps")?;
            ensure!(
                list.contains("nginx:latest ") && list.contains("0.0.0.0:80->80/tcp, "),
                "{list}"
            );
            case.ok(&format!("stop {}", &id[..3]))?;
            case.script(&format!(
                "rm {scratch}/test.txt && ! grep test.txt /proc/self/mountinfo"
            ))?
            .success()
            .map(drop)
        });
        rows.row(
            "C-232 C-233 C-234 C-235 C-238 C-239 C-240 C-241 C-242 C-243 C-244 C-245",
            logs,
        );
        rows.row("C-246 C-247 C-248", |case| {
            let here = here(case)?;
            let id = case.ok(&format!("create -v {here}/h:/c debian"))?;
            ensure!(case.inspect(&id)?["Mounts"][0]["Type"] == "bind");
            case.run("run --rm -v /etc:/hote:ro alpine head -1 /hote/shadow")?
                .success()?
                .mentions("root:")?;
            case.script(&format!(
                "echo 'server {{ listen 80; return 200 configured; }}' >{here}/default.conf"
            ))?
            .success()?;
            let target = "/etc/nginx/sites-enabled/default:ro";
            case.ok(&format!(
                "run -d --name ng -p 8080:80 -v {here}/default.conf:{target} nginx"
            ))?;
            ensure!(page(case, "localhost:8080")? == "configured");
            case.fails(
                "exec ng sh -c 'echo x >/etc/nginx/sites-enabled/default'",
                2,
                "Read-only file system",
            )?;
            case.script(&format!("rm -r {here}"))?.success().map(drop)
        });
    })
}

fn logs(case: &Case) -> Result<()> {
    case.says("volume create --name=logs", "logs")?;
    case.says("volume create logs", "logs")?;
    let id = case.ok("run -P -v logs:/var/log/nginx -d nginx")?;
    let list = format!("run -it --rm --volumes-from {} debian ls /var/log/nginx", &id[..15]);
    let terminal = Terminal::spawn(&case.command(&list)?, (24, 80))?;
    terminal.expect("access.log  error.log\r\n", LIMIT)?;
    ensure!(terminal.finish(LIMIT)? == 0);
    let mut terminal = Terminal::spawn(
        &case.command(&format!("run -it --name from --volumes-from {id} debian"))?,
        (24, 80),
    )?;
    terminal.expect(":/# ", LIMIT)?;
    terminal.send("findmnt -no TARGET /var/log/nginx; exit\n")?;
    terminal.expect("\r/var/log/nginx\r\n", LIMIT)?;
    ensure!(terminal.finish(LIMIT)? == 0);
    case.ok(&format!("stop {id}"))?;
    case.says(
        &format!("run --rm --volumes-from {id} debian ls /var/log/nginx"),
        "access.log\nerror.log",
    )?;
    let here = here(case)?;
    case.ok(&format!(
        "run --rm -v logs:/d -v {here}:/b debian tar cf /b/logs.tar -C /d ."
    ))?;
    case.script(&format!("tar tf {here}/logs.tar"))?
        .success()?
        .mentions("./access.log")?;
    case.script(&format!("rm -r {here}"))?.success()?;
    let anonymous = case.ok("volume create")?;
    let listed = case.ok("volume ls")?;
    ensure!(listed.starts_with("DRIVER    VOLUME NAME\n"), "{listed}");
    ensure!(
        listed.contains(&format!("local     {anonymous}")) && listed.contains("local     logs"),
        "{listed}"
    );
    ensure!(!case.ok("volume ls -f dangling=true")?.contains("logs"));
    let used = case.run("volume rm logs")?.code_is(1)?;
    used.mentions("remove logs: volume is in use - [")?.mentions(&id)?;
    case.says(&format!("rm {}", &id[..16]), &id[..16])?;
    case.ok("rm from")?;
    case.ok("volume inspect logs")?;
    let dangling = case.ok("volume ls -f dangling=true")?;
    ensure!(dangling.contains("local     logs"), "{dangling}");
    case.says("volume rm logs", "logs")?;
    case.says(
        &format!("volume rm {}", case.ok("volume ls -qf dangling=true")?),
        &anonymous,
    )?;
    case.fails("volume rm", 1, "requires at least 1 argument")
}
