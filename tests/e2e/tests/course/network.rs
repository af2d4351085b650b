//! Rows of the area `network`.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::Outcome;
use corten_testkit::sandbox::INSIDE4;
use corten_testkit::wait::until_ok;

use crate::rows::{group, page};

fn address(case: &Case, container: &str, network: &str) -> Result<String> {
    case.ok(&format!(
        "inspect -f '{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}' {container}"
    ))
}

/// A network as `network create` prints it.
fn made(case: &Case, words: &str) -> Result<String> {
    let id = case.ok(&format!("network create {words}"))?;
    ensure!(id.len() == 64, "{id}");
    Ok(id)
}

#[test]
fn the_networks_that_are_there() -> Result<()> {
    group(&["alpine", "debian", "nginx"], |rows| {
        rows.row("C-249", |case| {
            let said = case.ok("network ls")?;
            let words: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
            ensure!(words[0] == ["NETWORK", "ID", "NAME", "DRIVER", "SCOPE"], "{said}");
            for row in [
                ["bridge", "bridge", "local"],
                ["host", "host", "local"],
                ["none", "null", "local"],
            ] {
                ensure!(
                    words.iter().any(|line| line.get(1..) == Some(&row[..])),
                    "{row:?} is missing in\n{said}"
                );
            }
            Ok(())
        });
        rows.row("C-250", |case| {
            let said = case.ok("run --rm --network none alpine ip addr")?;
            ensure!(said.contains("lo: ") && !said.contains("eth0"), "{said}");
            Ok(())
        });
        rows.row("C-251", |case| {
            let said = case.ok("run --rm --net=host alpine ip -4 addr show eth0")?;
            ensure!(said.contains(INSIDE4), "{said}");
            let warned = case.run("run --rm --net=host -p 80:80 alpine true")?.success()?;
            warned.mentions("Published ports are discarded when using host network mode")?;
            case.fails(
                "run -net=host alpine true",
                125,
                "unknown shorthand flag: 'n' in -net=host",
            )
        });
        rows.row("C-252 C-253 C-259", |case| {
            case.ok("run -d --name cont1 nginx")?;
            let networks = case.inspect("cont1")?["NetworkSettings"]["Networks"].clone();
            ensure!(
                networks
                    .as_object()
                    .is_some_and(|all| all.len() == 1 && all.contains_key("bridge")),
                "{networks}"
            );
            case.ok("run -d --name two debian sleep 600")?;
            let (one, two) = (address(case, "cont1", "bridge")?, address(case, "two", "bridge")?);
            ensure!(
                one != two && one.starts_with("172.17.") && two.starts_with("172.17."),
                "{one} {two}"
            );
            let ask = format!("exec two curl -sSf --max-time 5 http://{one}");
            until_ok(LIMIT, "the page", || {
                case.run(&ask)?.success()?.mentions("Welcome to nginx!")
            })
            .map(drop)
        });
        rows.row("C-258", |case| {
            let template = "{{(index .IPAM.Config 0).Subnet}}";
            case.says(&format!("network inspect bridge -f '{template}'"), "172.17.0.0/16")
        });
        rows.row("C-260 C-262", |case| {
            for (name, port) in [("one", "8080"), ("two", "8081")] {
                case.ok(&format!("run -d --name {name} -p {port}:80 nginx"))?;
                case.ok(&format!(
                    "exec {name} sh -c 'echo {name} >/usr/share/nginx/html/index.html'"
                ))?;
            }
            for (name, port) in [("one", "8080"), ("two", "8081")] {
                ensure!(page(case, &format!("localhost:{port}"))? == name);
                let url = format!("http://{INSIDE4}:{port}/");
                let outside = Outcome::of(
                    case.daemon
                        .sandbox
                        .outside("curl")
                        .args(["-sS", "--max-time", "10", &url]),
                )?;
                outside.success()?.says(name)?;
            }
            Ok(())
        });
        rows.row("C-276 C-277", |case| {
            let links = |case: &Case| -> Result<usize> {
                let shown = case.script("ip -o link show type veth | grep -c master; true")?;
                Ok(shown.text().parse()?)
            };
            let none = || {
                ensure!(links(case)? == 0, "a link of an earlier container is still there");
                Ok(())
            };
            until_ok(LIMIT, "the end of earlier links", none)?;
            case.ok("run -d --name linked alpine sleep 600")?;
            let inside = case.ok("exec linked ip addr")?;
            ensure!(
                inside.contains("lo: ") && inside.contains("eth0@if") && inside.contains("inet 172.17."),
                "{inside}"
            );
            ensure!(links(case)? == 1);
            case.ok("stop -t 0 linked")?;
            until_ok(LIMIT, "the end of the link", none)
        });
        rows.row("C-282", |case| {
            let said = case.ok("run --rm --add-host base:10.1.2.3 alpine cat /etc/hosts")?;
            ensure!(
                said.lines()
                    .any(|line| line.split_whitespace().eq(["10.1.2.3", "base"])),
                "{said}"
            );
            Ok(())
        });
        rows.row("C-285 C-286 C-287", published);
    })
}

fn published(case: &Case) -> Result<()> {
    let id = case.ok("run --rm -d -p 80:80 nginx")?;
    let own = address(case, &id, "bridge")?;
    for url in ["http://127.0.0.1/", "http://[::1]/", &format!("http://{INSIDE4}/")] {
        ensure!(page(case, url)?.contains("Welcome to nginx!"), "{url}");
    }
    let outside = Outcome::of(
        case.daemon
            .sandbox
            .outside("curl")
            .args(["-sS", &format!("http://{INSIDE4}/")]),
    )?;
    outside.success()?.mentions("Welcome to nginx!")?;
    let rules = |case: &Case| -> Result<bool> {
        let table = case.script("nft list ruleset; iptables -t nat -S 2>/dev/null; true")?;
        Ok(table.text().contains(&format!("{own} . 80")) || table.text().contains(&format!("{own}:80")))
    };
    ensure!(rules(case)?, "no rule leads to {own}:80");
    case.ok(&format!("stop {}", &id[..12]))?;
    ensure!(!rules(case)?, "a rule still leads to {own}:80");
    Ok(())
}

#[test]
fn networks_of_ones_own() -> Result<()> {
    group(&["alpine", "debian", "nginx", "ubuntu"], |rows| {
        rows.row("C-254 C-256 C-261", |case| {
            made(case, "-d bridge my-bridge-network")?;
            case.run("network ls")?.success()?.mentions("my-bridge-network")?;
            let again = "network with name my-bridge-network already exists";
            case.fails("network create -d bridge my-bridge-network", 1, again)?;
            case.ok("run -d --name web --network my-bridge-network -p 8080:80 nginx")?;
            ensure!(page(case, "localhost:8080")?.contains("Welcome to nginx!"));
            let resolver = case.ok("run --rm --network my-bridge-network debian cat /etc/resolv.conf")?;
            ensure!(
                resolver.lines().any(|line| line == "nameserver 127.0.0.11"),
                "{resolver}"
            );
            case.ok("rm -f web")?;
            case.says("network rm my-bridge-network", "my-bridge-network")
        });
        rows.row("C-263 C-264", |case| {
            made(case, "n1")?;
            made(case, "n2")?;
            case.ok("run -d --name c1 --network n1 alpine sleep 600")?;
            case.ok("run -d --name c2 --network n2 alpine sleep 600")?;
            let other = address(case, "c2", "n2")?;
            case.fails(&format!("exec c1 ping -c1 -W2 {other}"), 1, "100% packet loss")?;
            case.run("exec c1 nslookup c2")?.code_is(1)?;
            case.says("network connect n2 c1", "")?;
            let shown = case.ok("exec c1 ip addr")?;
            let both = [address(case, "c1", "n1")?, address(case, "c1", "n2")?];
            ensure!(shown.contains("eth0@") && shown.contains("eth1@"), "{shown}");
            ensure!(
                both.iter().all(|address| shown.contains(&format!("inet {address}/"))),
                "{both:?} {shown}"
            );
            case.ok(&format!("exec c1 ping -c1 -W5 {other}"))?;
            case.ok("rm -f c1 c2")?;
            case.ok("network rm n1 n2").map(drop)
        });
        rows.row("C-265 C-266 C-267 C-268 C-269", illustration);
        rows.row("C-278 C-279 C-280 C-284", |case| {
            made(case, "--subnet 192.168.23.0/24 nom_du_reseau")?;
            let template = "{{(index .IPAM.Config 0).Subnet}}";
            case.says(
                &format!("network inspect nom_du_reseau -f '{template}'"),
                "192.168.23.0/24",
            )?;
            let overlap = "Pool overlaps with other one on this address space";
            case.fails("network create --subnet 192.168.23.0/25 other", 1, overlap)?;
            case.ok("create --name cc --network=nom_du_reseau --ip 192.168.23.45 alpine sleep 600")?;
            for verb in ["start cc", "restart -t 0 cc"] {
                case.ok(verb)?;
                ensure!(address(case, "cc", "nom_du_reseau")? == "192.168.23.45");
                case.run("exec cc ip addr")?
                    .success()?
                    .mentions("inet 192.168.23.45/24")?;
            }
            case.ok("run -d --name nom_du_docker alpine sleep 600")?;
            case.says("network connect --ip 192.168.23.46 nom_du_reseau nom_du_docker", "")?;
            case.run("exec nom_du_docker ip addr")?
                .success()?
                .mentions("inet 192.168.23.46/24")?;
            made(case, "plain")?;
            let refusal =
                "user specified IP address is supported only when connecting to networks with user configured subnets";
            case.fails("run --rm --network plain --ip 172.18.0.9 alpine true", 125, refusal)
                .or_else(|_| {
                    // The reference tells it when the container starts, with another exit code.
                    case.fails("run --rm --network plain --ip 172.18.0.9 alpine true", 127, refusal)
                })?;
            case.ok("rm -f cc nom_du_docker")?;
            case.ok("network rm nom_du_reseau plain").map(drop)
        });
    })
}

/// The course's picture of the default bridge and one of the user's own.
fn illustration(case: &Case) -> Result<()> {
    case.ok("run -d --name cont1 nginx")?;
    made(case, "-d bridge my_bridge")?;
    case.ok("run -dit --network my_bridge --name cont2 ubuntu")?;
    case.says("network connect my_bridge cont1", "")?;
    let second = address(case, "cont2", "my_bridge")?;
    case.ok(&format!("exec cont1 ping -c1 -W5 {second}"))?;
    case.fails(&format!("run --rm alpine ping -c1 -W2 {second}"), 1, "100% packet loss")?;
    let found = case.ok("exec cont1 getent hosts cont2")?;
    ensure!(found.split_whitespace().next() == Some(&second), "{found}");
    let unknown = case.run("run --rm alpine nslookup cont2")?;
    ensure!(unknown.code != 0, "{}", unknown.text());
    case.ok("rm -f cont1 cont2")?;
    case.ok("network rm my_bridge").map(drop)
}

#[test]
fn databases_by_name() -> Result<()> {
    group(&["mysql", "alpine", "redis", "php"], |rows| {
        rows.row("C-270 C-281", |case| {
            made(case, "nom_du_reseau")?;
            let options = "--network nom_du_reseau --network-alias baseWP -e MYSQL_ROOT_PASSWORD=secret";
            let id = case.ok(&format!("run --name db {options} -d mysql"))?;
            ensure!(id.len() == 64, "{id}");
            let query = "exec db mysql -h 127.0.0.1 -uroot -psecret -Ne 'select 1'";
            until_ok(LIMIT, "an answer of the database", || case.says(query, "1"))?;
            let own = address(case, "db", "nom_du_reseau")?;
            case.run("run --rm --network nom_du_reseau alpine nslookup baseWP")?
                .mentions(&own)?;
            case.ok("rm -fv db")?;
            case.ok("network rm nom_du_reseau").map(drop)
        });
        rows.row("C-272 C-273 C-274 C-275", |case| {
            case.ok("tag php:7.0-apache hearc/php")?;
            case.ok("run -d --name redis redis")?;
            let id = case.ok("run -d --name linked --link redis -p 8080:80 hearc/php")?;
            ensure!(id.len() == 64, "{id}");
            let own = address(case, "redis", "bridge")?;
            let found = case.ok("exec linked getent hosts redis")?;
            ensure!(found.split_whitespace().next() == Some(&own), "{found}");
            case.ok("run -d --name other --link redis:cache hearc/php")?;
            case.run("exec other getent hosts cache")?.success()?.mentions(&own)?;
            case.run("exec other printenv")?
                .success()?
                .mentions(&format!("CACHE_PORT_6379_TCP_ADDR={own}"))?;
            case.ok("run -d --name php -p 8090:80 php:7.0-apache")?;
            let head = || {
                case.script("curl -sI --max-time 5 localhost:8090")?
                    .success()?
                    .mentions("Server: Apache")
            };
            until_ok(LIMIT, "the server", head)?;
            case.ok("rm -fv linked other php redis")?;
            case.ok("rmi hearc/php").map(drop)
        });
    })
    .context("with databases")
}
