//! `corten run` against a scripted engine: the order of its requests, its streams, its exit codes.

use std::io::Read;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::scripted::{Engine, Gate, Request, corten, finish, frame};

const CREATED: &str = "{\"Id\":\"abc\",\"Warnings\":[]}";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What an engine does for a container that writes on both outputs and ends with `code`.
fn lives(started: &Gate, ended: &Gate, code: i32, request: &mut Request) {
    if request.is("POST /containers/create") {
        request.answer("201 Created", CREATED);
    } else if request.is("POST /containers/abc/attach") {
        request.upgrade();
        started.wait();
        request.send(&frame(1, "out\n"));
        request.send(&frame(2, "err\n"));
        ended.open();
        request.wire.shutdown(Shutdown::Write).ok();
    } else if request.is("POST /containers/abc/wait") {
        request.begin("application/json");
        ended.wait();
        request.chunk(format!("{{\"StatusCode\":{code}}}\n").as_bytes());
        request.chunk(b"");
    } else if request.is("POST /containers/abc/start") {
        request.answer("204 No Content", "");
        started.open();
    } else {
        request.answer("404 Not Found", "{\"message\":\"page not found\"}");
    }
}

#[test]
fn attaches_and_waits_before_it_starts() {
    let (started, ended) = (Gate::default(), Gate::default());
    let engine = Engine::start(move |request| lives(&started, &ended, 7, request));
    let output = engine.corten(&["run", "--rm", "--name", "x", "busybox", "true"], "");
    assert_eq!(
        (text(&output.stdout).as_str(), text(&output.stderr).as_str()),
        ("out\n", "err\n")
    );
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(
        engine.lines(),
        [
            "POST /containers/create?name=x",
            "POST /containers/abc/attach?stream=1&stdout=1&stderr=1",
            "POST /containers/abc/wait?condition=removed",
            "POST /containers/abc/start",
        ]
    );
}

#[test]
fn input_ends_by_halves() {
    let (started, ended) = (Gate::default(), Gate::default());
    let engine = Engine::start(move |request| {
        if !request.is("POST /containers/abc/attach") {
            return lives(&started, &ended, 0, request);
        }
        request.upgrade();
        started.wait();
        let mut input = String::new();
        request.wire.read_to_string(&mut input).expect("input ends");
        request.send(&frame(1, &input.to_uppercase()));
        ended.open();
        request.wire.shutdown(Shutdown::Write).ok();
    });
    let output = engine.corten(&["run", "-i", "busybox", "cat"], "bonjour\n");
    assert_eq!(text(&output.stdout), "BONJOUR\n");
    assert!(output.status.success());
    assert!(
        engine.lines()[2].ends_with("/wait?condition=next-exit"),
        "{:?}",
        engine.lines()
    );
}

#[test]
fn a_missing_image_is_pulled_and_creation_tried_again() {
    let (started, ended) = (Gate::default(), Gate::default());
    let tried = AtomicBool::new(false);
    let engine = Engine::start(move |request| {
        if request.is("POST /images/create") {
            request.begin("application/json");
            request.chunk(b"{\"status\":\"Pulling from library/x\",\"id\":\"latest\"}\r\n");
            request.chunk(b"{\"status\":\"Status: Downloaded newer image for x:latest\"}\r\n");
            request.chunk(b"");
        } else if request.is("POST /containers/create") && !tried.swap(true, Ordering::SeqCst) {
            assert!(request.body.contains("\"Image\":\"x\""), "{}", request.body);
            request.answer("404 Not Found", "{\"message\":\"No such image: x:latest\"}");
        } else {
            lives(&started, &ended, 0, request);
        }
    });
    let output = engine.corten(&["run", "x"], "");
    assert_eq!(
        text(&output.stderr),
        "Unable to find image 'x:latest' locally\nlatest: Pulling from library/x\n\
         Status: Downloaded newer image for x:latest\nerr\n"
    );
    assert!(output.status.success());
    assert_eq!(
        engine.lines()[1],
        "POST /images/create?fromImage=docker.io%2Flibrary%2Fx&tag=latest"
    );
}

#[test]
fn a_failed_start_is_told_by_the_exit_code() {
    for (message, code) in [
        ("exec: \\\"x\\\": executable file not found in $PATH", 127),
        ("exec: \\\"/etc\\\": permission denied", 126),
        ("exec: \\\"/etc\\\": is a directory", 126),
        ("no room", 125),
    ] {
        let (started, ended) = (Gate::default(), Gate::default());
        let answer = format!("{{\"message\":\"{message}\"}}");
        let engine = Engine::start(move |request| {
            if request.is("POST /containers/abc/start") {
                request.answer("500 Internal Server Error", &answer);
            } else if request.is("POST /containers/abc/attach") {
                request.upgrade();
            } else if request.is("POST /containers/abc/wait") {
                request.begin("application/json");
            } else {
                lives(&started, &ended, 0, request);
            }
        });
        let output = engine.corten(&["run", "busybox", "x"], "");
        assert_eq!(output.status.code(), Some(code), "{message}");
        let expected = format!(
            "corten: Error response from daemon: {}\n\nRun 'corten run --help' for more information\n",
            message.replace('\\', "")
        );
        assert!(text(&output.stderr).contains(&expected), "{}", text(&output.stderr));
    }
}

#[test]
fn detached_prints_the_id() {
    let engine = Engine::start(|request| {
        if request.is("POST /containers/create") {
            request.answer("201 Created", "{\"Id\":\"abc\",\"Warnings\":[\"beware\"]}");
        } else {
            request.answer("204 No Content", "");
        }
    });
    let output = engine.corten(&["run", "-d", "busybox"], "");
    assert_eq!(
        (text(&output.stdout).as_str(), text(&output.stderr).as_str()),
        ("abc\n", "WARNING: beware\n")
    );
    assert_eq!(
        engine.lines(),
        ["POST /containers/create", "POST /containers/abc/start"]
    );
}

#[test]
fn an_engine_that_goes_away_is_asked_again() {
    let (started, ended, cut) = (Gate::default(), Gate::default(), Gate::default());
    let engine = Engine::start(move |request| {
        if request.line.ends_with("/wait?condition=next-exit") {
            request.begin("application/json");
            started.wait();
            // The engine dies: its connections are cut, but the container's streams are not its own.
            request.wire.shutdown(Shutdown::Both).ok();
            cut.open();
        } else if request.is("POST /containers/abc/wait") {
            request.answer("200 OK", "{\"StatusCode\":9}\n");
        } else if request.is("POST /containers/abc/attach") {
            request.upgrade();
            cut.wait();
            request.send(&frame(1, "late\n"));
            request.wire.shutdown(Shutdown::Write).ok();
        } else {
            lives(&started, &ended, 0, request);
        }
    });
    let output = engine.corten(&["run", "busybox"], "");
    assert_eq!(
        (text(&output.stdout).as_str(), output.status.code()),
        ("late\n", Some(9))
    );
}

#[test]
fn an_unreachable_engine_is_said_with_advice() {
    let mut command = corten(&["run", "busybox"]);
    command.env("CORTEN_HOST", "unix:///nowhere/corten.sock");
    let output = finish(command, "");
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(
        text(&output.stderr),
        "corten: Cannot connect to the Corten daemon at unix:///nowhere/corten.sock. Is the corten daemon running?\n\n\
         Run 'corten run --help' for more information\n\
         hint: start the engine (`systemctl start corten`, or `cortend` as root), or name another one with -H or CORTEN_HOST\n"
    );
}

#[test]
fn proxies_of_the_configuration_reach_the_container() {
    let engine = Engine::start(|request| {
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("a JSON body");
        let variables = body["Env"].as_array().cloned().unwrap_or_default();
        let text: Vec<&str> = variables.iter().filter_map(|variable| variable.as_str()).collect();
        assert_eq!(
            text,
            [
                "A=1",
                "HTTP_PROXY=mine",
                "http_proxy=http://p:1",
                "NO_PROXY=local",
                "no_proxy=local"
            ]
        );
        request.answer("201 Created", "{\"Id\":\"abc\",\"Warnings\":[]}");
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = r#"{"proxies":{"default":{"httpProxy":"http://p:1","noProxy":"local"}}}"#;
    std::fs::write(directory.path().join("config.json"), config).expect("a file");
    let directory = directory.path().display().to_string();
    let output = engine.corten(
        &[
            "--config",
            &directory,
            "create",
            "-e",
            "A=1",
            "-e",
            "HTTP_PROXY=mine",
            "alpine",
        ],
        "",
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), "abc\n");
}

/// Signatures are not verified here: who wants them verified is told, and nothing is asked of the engine.
#[test]
fn content_trust_is_refused_unless_there_is_nothing_to_verify() {
    let engine = Engine::start(|request| match request.line.split('?').next() {
        Some("POST /containers/create") => request.answer("201 Created", CREATED),
        _ => request.answer("204 No Content", ""),
    });
    let digest = format!("busybox@sha256:{}", "a".repeat(64));
    for (words, trusted) in [
        (&["run", "-d", "busybox"][..], false),
        (&["create", "busybox:1"], false),
        (&["pull", "-q", "busybox"], false),
        (&["push", "-q", "busybox"], false),
        (&["run", "-d", &digest], true),
        (&["run", "-d", "--disable-content-trust", "busybox"], true),
        (&["create", "--disable-content-trust", "busybox"], true),
    ] {
        let asked = engine.lines().len();
        let mut command = corten(words);
        command
            .env("CORTEN_HOST", engine.address())
            .env("DOCKER_CONTENT_TRUST", "1");
        let output = finish(command, "");
        let said = text(&output.stderr);
        assert_eq!(output.status.success(), trusted, "{words:?}: {said}");
        assert_eq!(said.contains("the signature of busybox"), !trusted, "{words:?}: {said}");
        assert_eq!(engine.lines().len() > asked, trusted, "{words:?}");
    }
}
