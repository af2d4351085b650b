//! Rows of the areas `run` and `exec-attach-logs` with servers: nginx, redis, mysql, php.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::Terminal;
use corten_testkit::daemon::signal;
use corten_testkit::wait::until_ok;
use rustix::process::Signal;

use crate::rows::{group, page};

#[test]
fn nginx() -> Result<()> {
    group(&["nginx"], |rows| {
        rows.row("C-031", |case| {
            case.ok("run -d -p 8080:80 nginx")?;
            page(case, "localhost:8080")?;
            let ports = case.ok("ps --format '{{.Ports}}'")?;
            ensure!(ports == "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp", "{ports}");
            Ok(())
        });
        rows.row("C-032", |case| {
            case.ok("run -d -P --name web nginx")?;
            let said = case.ok("port web")?;
            let port = said
                .lines()
                .next()
                .and_then(|line| line.rsplit(':').next())
                .context("a port")?;
            ensure!(said.starts_with("80/tcp -> 0.0.0.0:"), "{said}");
            let range = case.script("cat /proc/sys/net/ipv4/ip_local_port_range")?.success()?;
            let bounds: Vec<u16> = range.text().split_whitespace().flat_map(str::parse).collect();
            let port: u16 = port.parse()?;
            ensure!(bounds[0] <= port && port <= bounds[1], "{port} is not in {bounds:?}");
            page(case, &format!("localhost:{port}")).map(drop)
        });
        rows.row("C-050 C-051", |case| {
            let id = case.ok("run --rm -d -p 80:80 nginx:latest")?;
            ensure!(id.len() == 64, "{id}");
            let list = case.ok("ps")?;
            ensure!(
                list.contains("\"/docker-entrypoint.…\"") && list.contains("Up "),
                "{list}"
            );
            ensure!(list.contains("0.0.0.0:80->80/tcp, [::]:80->80/tcp"), "{list}");
            case.says(&format!("stop {}", &id[..3]), &id[..3])?;
            gone(case, &id)
        });
        rows.row("C-052", |case| {
            let id = case.ok("run --rm -d nginx:latest")?;
            case.says(&format!("stop {}", &id[..2]), &id[..2])?;
            gone(case, &id)?;
            ambiguous(case)
        });
        rows.row("C-058", |case| {
            case.ok("run -d --name nn nginx")?;
            case.ok("exec nn mkdir /usr/share/nginx/html/none")?;
            let page = "exec nn curl -sS localhost localhost/none/";
            until_ok(LIMIT, "both pages", || case.run(page)?.success())?;
            let logged = until_ok(LIMIT, "both streams", || {
                let logged = case.run("logs nn")?.success()?;
                ensure!(logged.text().contains("GET / HTTP/1.1\" 200"), "{}", logged.text());
                ensure!(logged.stderr.contains("/none/\" is forbidden"), "no error is logged");
                Ok(logged)
            })?;
            let last = case.run("logs --tail 1 nn")?.success()?;
            ensure!(
                !last.text().contains('\n') && last.stdout.len() + last.stderr.len() > 0,
                "{}",
                last.text()
            );
            let stamped = case.run("logs -t nn")?.success()?;
            ensure!(stamped.text().starts_with("20") && stamped.text().len() > logged.text().len());
            let mut follower = Terminal::spawn(&case.command("logs -f nn")?, (24, 200))?;
            follower.expect("GET /none", LIMIT)?;
            case.ok("exec nn curl -s localhost/later")?;
            follower.expect("GET /later", LIMIT)?;
            follower.send("\x03")?;
            follower.finish(LIMIT).map(drop)
        });
        rows.row("C-067 C-068", |case| {
            case.ok("tag nginx besrour/nginx:0.7")?;
            let here = case.daemon.sandbox.scratch().join("html");
            let here = here.display();
            case.script(&format!("mkdir -p {here} && touch {here}/Dockerfile {here}/index.html"))?
                .success()?;
            let id = case.ok(&format!("run -d -v {here}:/var/www/html besrour/nginx:0.7"))?;
            let line = format!("exec -it {} ls /var/www/html", &id[..25]);
            let terminal = Terminal::spawn(&case.command(&line)?, (24, 80))?;
            terminal.expect("Dockerfile  index.html\r\n", LIMIT)?;
            ensure!(terminal.finish(LIMIT)? == 0);
            case.ok(&format!("rm -f {id}"))?;
            case.ok("rmi besrour/nginx:0.7")?;
            case.script(&format!("rm -r {here}"))?.success().map(drop)
        });
        rows.row("C-464", |case| {
            case.ok("run -d --name listed nginx")?;
            let socket = case.daemon.socket();
            case.says(&format!("-H unix://{socket} ps -q"), &case.ok("ps -q")?)?;
            case.fails("-H unix:///nowhere.sock ps", 1, "Cannot connect to the ")?;
            case.fails("-H unix:///nowhere.sock ps", 1, "daemon at unix:///nowhere.sock")
        });
    })
}

fn gone(case: &Case, id: &str) -> Result<()> {
    until_ok(LIMIT, "the removal", || {
        let listed = case.ok("ps -aq --no-trunc")?;
        ensure!(!listed.contains(id), "{listed}");
        Ok(())
    })
}

/// Seventeen ids have two that begin alike.
fn ambiguous(case: &Case) -> Result<()> {
    let mut first = [false; 256];
    for _ in 0..17 {
        let id = case.ok("create nginx")?;
        let digit = id.as_bytes()[0];
        if std::mem::replace(&mut first[usize::from(digit)], true) {
            let prefix = char::from(digit);
            return case.fails(&format!("stop {prefix}"), 1, "multiple IDs found with provided prefix");
        }
    }
    anyhow::bail!("seventeen ids begin with different digits of sixteen")
}

#[test]
fn redis() -> Result<()> {
    group(&["redis"], |rows| {
        rows.row("C-053", |case| {
            let mut client = case
                .command("run --name rr redis:3.2-alpine")?
                .stdout(Stdio::piped())
                .spawn()?;
            let ready = || case.run("logs rr")?.mentions("Ready to accept connections");
            until_ok(LIMIT, "the server", ready)?;
            // What Ctrl-C sends, to the client alone: the programs that put it into the sandbox would end too.
            signal(case.daemon.sandbox.program_pid(&client)?, Signal::INT)?;
            let ended = || client.try_wait()?.context("the client still runs");
            ensure!(until_ok(LIMIT, "the client's end", ended)?.code() == Some(0));
            case.says("inspect -f '{{.State.Status}} {{.State.ExitCode}}' rr", "exited 0")?;
            case.run("logs rr")?
                .success()?
                .mentions("Redis is now ready to exit, bye bye")
                .map(drop)
        });
    })
}

#[test]
fn mysql() -> Result<()> {
    group(&["mysql"], |rows| {
        rows.row("C-054", |case| {
            let variables = "-e MYSQL_ROOT_PASSWORD=r -e MYSQL_DATABASE=d -e MYSQL_USER=u -e MYSQL_PASSWORD=p";
            case.ok(&format!("run -d --name my {variables} mysql"))?;
            answers(
                case,
                "exec my mysql -h 127.0.0.1 -uu -pp d -Ne 'CREATE TABLE t(i INT); SHOW TABLES'",
                "t",
            )?;
            case.run("run --name none mysql")?
                .code_is(1)?
                .mentions("MYSQL_ROOT_PASSWORD")
                .map(drop)
        });
        rows.row("C-055", |case| {
            let init = case.daemon.sandbox.scratch().join("init");
            let init = init.display();
            case.script(&format!(
                "mkdir -p {init} && echo 'CREATE TABLE once(i INT);' >{init}/a.sql"
            ))?
            .success()?;
            let options = "-e MYSQL_ROOT_PASSWORD=r -e MYSQL_DATABASE=d";
            case.ok(&format!(
                "run -d --name my -v {init}:/docker-entrypoint-initdb.d:ro {options} mysql"
            ))?;
            answers(case, "exec my mysql -h 127.0.0.1 -pr d -Ne 'SHOW TABLES'", "once")?;
            case.ok("exec my mysql -h 127.0.0.1 -pr d -e 'DROP TABLE once'")?;
            case.ok("restart my")?;
            answers(case, "exec my mysql -h 127.0.0.1 -pr d -Ne 'SHOW TABLES'", "")?;
            case.script(&format!("rm -r {init}"))?.success().map(drop)
        });
    })
}

/// Waits until the query is answered, with this.
fn answers(case: &Case, query: &str, want: &str) -> Result<()> {
    until_ok(LIMIT, "an answer of the database", || case.says(query, want))
}

#[test]
fn php() -> Result<()> {
    group(&["php"], |rows| {
        rows.row("C-069 C-070 C-072 C-073", |case| {
            case.ok("run -d --name php -p 8080:80 php:apache")?;
            let mut terminal = Terminal::spawn(&case.command("exec -it php /bin/sh")?, (24, 80))?;
            terminal.expect("# ", LIMIT)?;
            terminal.send("exit\n")?;
            ensure!(terminal.finish(LIMIT)? == 0);
            case.ok("exec php sh -c \"echo '<?php phpinfo();' > /var/www/html/index.php\"")?;
            let shown = page(case, "localhost:8080")?;
            ensure!(shown.contains("PHP Version") && !shown.contains("Redis Support"));
            case.ok("exec php docker-php-ext-enable redis")?;
            case.run("exec php php -m")?.success()?.mentions("\nredis\n")?;
            let pid = case.ok("inspect -f '{{.State.Pid}}' php")?;
            // As process 1, Apache hangs up its own process group, which is everything here: the one who asked for it too.
            case.run("exec php apache2ctl restart")?;
            until_ok(LIMIT, "the page with redis", || {
                ensure!(page(case, "localhost:8080")?.contains("Redis Support"));
                Ok(())
            })?;
            case.says("inspect -f '{{.State.Pid}}' php", &pid)?;
            case.run("ps")?.success()?.mentions("Up ").map(drop)
        });
    })
}
