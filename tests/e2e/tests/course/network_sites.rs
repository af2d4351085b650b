//! Rows of the area `network` with several servers: a database of its own network, WordPress on a linked database
//! and on one with an alias.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::wait::until_ok;

use crate::rows::{group, page};

#[test]
fn a_database_on_a_network() -> Result<()> {
    group(&["postgres"], |rows| {
        rows.row("C-257", |case| {
            case.ok("tag postgres training/postgres")?;
            case.ok("network create -d bridge my-bridge-network")?;
            let id = case.ok("run -d --network=my-bridge-network --name db training/postgres")?;
            ensure!(id.len() == 64, "{id}");
            let networks = case.inspect("db")?["NetworkSettings"]["Networks"].clone();
            let alone = networks
                .as_object()
                .is_some_and(|all| all.keys().eq(["my-bridge-network"]));
            ensure!(alone, "{networks}");
            let beside = "run --rm --network my-bridge-network training/postgres";
            until_ok(LIMIT, "the server", || {
                case.run(&format!("{beside} pg_isready -h db -p 5432"))?
                    .success()?
                    .says("db:5432 - accepting connections")
            })?;
            case.says(&format!("{beside} psql -h db -U postgres -tAc 'select 6*7'"), "42")?;
            case.ok("rm -fv db")?;
            case.ok("network rm my-bridge-network")?;
            case.ok("rmi training/postgres").map(drop)
        });
    })
}

#[test]
fn a_site_and_its_database() -> Result<()> {
    group(&["mysql", "wordpress"], |rows| {
        rows.row("C-271", linked);
        rows.row("C-283", by_alias);
    })
}

fn linked(case: &Case) -> Result<()> {
    case.ok("run --name db -e MYSQL_ROOT_PASSWORD=secret -d mysql")?;
    let id = case.ok("run --name wp -p 8080:80 --link db:mysql -d wordpress")?;
    ensure!(id.len() == 64, "{id}");
    let address = case.ok("inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' db")?;
    let hosts = case.ok("exec wp cat /etc/hosts")?;
    let words: Vec<&str> = hosts
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|words| words.first() == Some(&address.as_str()))
        .unwrap_or_default();
    ensure!(words.contains(&"mysql") && words.contains(&"db"), "{hosts}");
    let variables = case.ok("exec wp printenv")?;
    for line in [
        format!("MYSQL_PORT_3306_TCP_ADDR={address}"),
        "MYSQL_ENV_MYSQL_ROOT_PASSWORD=secret".to_owned(),
    ] {
        ensure!(
            variables.lines().any(|other| other == line),
            "{line} is not in {variables}"
        );
    }
    until_ok(LIMIT, "the way to the install page", || {
        let head = case.script("curl -sI --max-time 10 localhost:8080")?.success()?;
        head.mentions("HTTP/1.1 302 Found")?
            .mentions("Location: http://localhost:8080/wp-admin/install.php\r\n")
    })
    .map(drop)
}

/// The printed variables are not the image's; beside those that are, the site is installed and lies in the database.
fn by_alias(case: &Case) -> Result<()> {
    case.ok("network create nom_du_reseau")?;
    let on = "run -d --network nom_du_reseau";
    let options = "--network-alias baseWP -e MYSQL_PASSWD=toto -e MYSQL_ROOT_PASSWORD=toto";
    case.ok(&format!("{on} --name base {options} mysql"))?;
    let printed = "-e WP_MYSQL_PASSWORD=toto, -e WP_MYSQL_HOST=baseWP";
    let read = "-e WORDPRESS_DB_HOST=baseWP -e WORDPRESS_DB_PASSWORD=toto";
    case.ok(&format!("{on} --name wp -p 8080:80 {printed} {read} wordpress"))?;
    case.run("exec base printenv MYSQL_PASSWD")?.success()?.says("toto")?;
    case.run("exec wp printenv WP_MYSQL_PASSWORD WP_MYSQL_HOST")?
        .success()?
        .says("toto,\nbaseWP")?;
    ensure!(page(case, "localhost:8080/wp-admin/install.php?step=1")?.contains("Welcome"));
    let form = "weblog_title=Le+cours&user_name=eleve&admin_password=Zq7-toto&admin_password2=Zq7-toto&pw_weak=1&admin_email=eleve@example.org&Submit=Install";
    let install = format!("curl -sSf --max-time 60 -d '{form}' 'localhost:8080/wp-admin/install.php?step=2'");
    case.script(&install)?
        .success()?
        .mentions("WordPress has been installed")?;
    ensure!(page(case, "localhost:8080")?.contains("Le cours"));
    let query = "select option_value from wordpress.wp_options where option_name=\"blogname\"";
    case.says(
        &format!("exec base mysql -h 127.0.0.1 -uroot -ptoto -Ne '{query}'"),
        "Le cours",
    )?;
    case.ok("rm -fv wp base")?;
    case.ok("network rm nom_du_reseau").map(drop)
}
