//! Rows of the area `images` about `search`: the index of Docker Hub is stood in for by a server in the sandbox.

use std::process::Child;

use anyhow::{Result, ensure};
use corten_e2e::{Case, Client, LIMIT, on_daemon};
use corten_testkit::wait::until_ok;
use corten_testkit::{DaemonOptions, skip};

/// `GET /v1/search?q=…&n=…`: repositories whose name has the word, by their stars; clients keep the order. `GET /v2/`
/// is for `joe`, whose password is `secret`.
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
        if url.path == "/v2/":
            return self.greet()
        word = urllib.parse.parse_qs(url.query).get("q", [""])[0]
        found = [
            {"name": name, "description": text, "star_count": stars, "is_official": official, "is_automated": False}
            for name, text, stars, official in REPOSITORIES if url.path == "/v1/search" and word in name
        ][:int(urllib.parse.parse_qs(url.query).get("n", ["25"])[0])]
        body = json.dumps({"query": word, "num_results": len(found), "results": found}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def greet(self):
        known = self.headers.get("Authorization") == "Basic am9lOnNlY3JldA=="
        self.send_response(200 if known else 401)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if not known:
            self.send_header("WWW-Authenticate", 'Basic realm="here"')
        self.send_header("Content-Length", "0")
        self.end_headers()
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
            verdict = verdict.and_then(|()| rows(case)).and_then(|()| entries(case));
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

/// Credentials are kept if the registry takes them; it is asked by the engine.
fn entries(case: &Case) -> Result<()> {
    let config = case.daemon.sandbox.scratch().join("config");
    let config = config.display();
    let said = case.run(&format!("--config {config} login -u joe -p secret localhost:80"))?;
    said.success()?.mentions("Login Succeeded")?;
    let kept = std::fs::read_to_string(format!("{config}/config.json"))?;
    ensure!(kept.contains("am9lOnNlY3JldA=="), "{kept}");
    case.fails(
        &format!("--config {config} login -u joe -p wrong localhost:80"),
        1,
        "401 Unauthorized",
    )?;
    case.run(&format!("--config {config} logout localhost:80"))?.success()?;
    // Only older clients tell of an address for mail.
    let body = r#"{"username":"joe","password":"secret","email":"joe@r.example","serveraddress":"localhost:80"}"#;
    let (status, text) = case.api("POST", "/auth", body)?;
    ensure!(status == 200 && text.contains("Login Succeeded"), "{status} {text}");
    Ok(())
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
    case.says("search --limit 1 --format '{{.Name}}' nginx", "nginx")?;
    let whole = case.ok("search --no-trunc nginx")?;
    ensure!(whole.contains("the web server with a long description."), "{whole}");
    Ok(())
}
