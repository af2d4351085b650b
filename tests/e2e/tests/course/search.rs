//! Rows of the area `images` about `search`: the index of Docker Hub is stood in for by a server in the sandbox.

use std::process::Child;

use anyhow::{Result, ensure};
use corten_e2e::{Case, Client, LIMIT, on_daemon};
use corten_testkit::wait::until_ok;
use corten_testkit::{DaemonOptions, skip};

/// `GET /v1/search?q=…&n=…`: repositories whose name has the word, by their stars; clients keep the order.
const INDEX: &str = r#"
import http.server, json, urllib.parse
REPOSITORIES = [
    ("nginx", "Official build of Nginx, the web server with a long description.", 21000, True),
    ("python", "Python is an interpreted, interactive language", 10300, True),
    ("bitnami/nginx", "Image for nginx", 205, False),
    ("nginx/unit", "Retired", 64, False),
    ("circleci/python", "Python images", 43, False),
]
class Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        word = urllib.parse.parse_qs(url.query).get("q", [""])[0]
        found = [
            {"name": name, "description": text, "star_count": stars, "is_official": official, "is_automated": False}
            for name, text, stars, official in REPOSITORIES if url.path == "/v1/search" and word in name
        ]
        body = json.dumps({"query": word, "num_results": len(found), "results": found}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
http.server.HTTPServer(("127.0.0.1", 80), Index).serve_forever()
"#;

#[test]
fn search() -> Result<()> {
    if !skip::has_program("python3") {
        skip::skip("search", "no python3");
        return Ok(());
    }
    let options = DaemonOptions {
        // The stand-in has no certificate.
        arguments: vec!["--insecure-registry=index.docker.io".to_owned()],
        ..DaemonOptions::default()
    };
    on_daemon(options, &[], |case| {
        let mut server = serve(case)?;
        let mut verdict = Ok(());
        for client in [Client::Docker, Client::Corten] {
            case.client = client;
            verdict = verdict.and_then(|()| rows(case));
        }
        server.kill()?;
        server.wait()?;
        case.script("umount /etc/hosts")?.success()?;
        verdict
    })
}

fn serve(case: &Case) -> Result<Child> {
    let hosts = case.daemon.sandbox.scratch().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 localhost index.docker.io\n")?;
    case.script(&format!("mount --bind {} /etc/hosts", hosts.display()))?
        .success()?;
    let server = case.daemon.sandbox.command("python3").args(["-c", INDEX]).spawn()?;
    until_ok(LIMIT, "the index", || {
        case.script("curl -sSf localhost/v1/search?q=none")?.success()
    })?;
    Ok(server)
}

/// The rows C-076, C-077, C-078 and C-079.
fn rows(case: &Case) -> Result<()> {
    let said = case.ok("search nginx")?;
    let lines: Vec<&str> = said.lines().collect();
    let header: Vec<&str> = lines[0].split_whitespace().collect();
    ensure!(header == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"], "{said}");
    ensure!(lines.len() == 4, "{said}");
    ensure!(
        lines[1].starts_with("nginx ") && lines[1].ends_with("[OK]"),
        "the official one is not first:\n{said}"
    );
    // 45 characters, the last of them an ellipsis.
    ensure!(
        lines[1].contains("Official build of Nginx, the web server with…   21000"),
        "{said}"
    );
    ensure!(
        lines[2].starts_with("bitnami/nginx ") && !lines[2].contains("[OK]"),
        "{said}"
    );

    let said = case.ok("search python")?;
    let lines: Vec<&str> = said.lines().collect();
    ensure!(
        lines.len() == 3 && lines[1].starts_with("python ") && lines[1].ends_with("[OK]"),
        "{said}"
    );

    case.run("search 'mot clef'")?
        .success()?
        .says("NAME      DESCRIPTION   STARS     OFFICIAL")?;
    case.fails("search mot clef", 1, "search' requires 1 argument")?;

    let said = case.ok("search --filter stars=100 --format '{{.Name}} {{.StarCount}}' nginx")?;
    ensure!(said == "nginx 21000\nbitnami/nginx 205", "{said}");
    Ok(())
}
