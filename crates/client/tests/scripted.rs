//! The client against an engine whose every byte is scripted: negotiation, errors, streams, hijacking.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::JoinHandle;
use std::time::Duration;

use corten_api::Filters;
use corten_client::{AttachOptions, CallError, Client, Host, ListOptions, LogOptions, Upload, WaitCondition};
use tempfile::TempDir;

const PONG: &str = "HTTP/1.1 200 OK\r\nApi-Version: 1.44\r\nContent-Length: 0\r\n\r\n";

/// One connection of the scripted engine.
struct Wire(UnixStream);

impl Wire {
    /// Reads one request's head and its body of known length.
    fn request(&mut self) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).expect("the client sends a whole head");
            text.push(byte[0]);
        }
        let head = String::from_utf8(text).expect("heads are ASCII");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).expect("the client sends a whole body");
        head + &String::from_utf8(body).expect("bodies are text")
    }

    fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).expect("the client listens");
    }

    fn json(&mut self, status: &str, body: &str) {
        self.send(&format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    /// An older engine's part of agreeing on a version: refuses the newest one, then answers the ping.
    fn pong(&mut self) {
        let first = self.request();
        assert!(first.contains(" /v1.51/"), "{first}");
        self.json(
            "400 Bad Request",
            "{\"message\":\"client version 1.51 is too new. Maximum supported API version is 1.44\"}",
        );
        self.pong_first();
    }

    /// Reads the ping and answers it.
    fn pong_first(&mut self) {
        assert!(self.request().starts_with("HEAD /_ping HTTP/1.1\r\n"));
        self.send(PONG);
    }
}

/// An engine that runs `script` on its connections; panics of the script fail the test at `join`.
struct Engine {
    _directory: TempDir,
    host: Host,
    script: JoinHandle<()>,
}

fn engine(script: impl FnOnce(&dyn Fn() -> Wire) + Send + 'static) -> Engine {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("engine.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let script = std::thread::spawn(move || {
        script(&|| {
            let stream = listener.accept().expect("a client").0;
            stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
            Wire(stream)
        });
    });
    Engine {
        _directory: directory,
        host: Host::Unix(path),
        script,
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(20), work)
            .await
            .expect("in time")
    })
}

#[test]
fn one_connection_and_the_older_version() {
    let engine = engine(|accept| {
        let mut wire = accept();
        wire.pong();
        assert!(
            wire.request()
                .starts_with("GET /v1.44/containers/json?all=1&limit=3 HTTP/1.1\r\n")
        );
        wire.json("200 OK", "[]");
        assert!(wire.request().starts_with("POST /v1.44/containers/a/kill?signal=INT "));
        wire.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    let client = Client::new(engine.host.clone(), None);
    run(async {
        let options = ListOptions {
            all: true,
            limit: Some(3),
            ..ListOptions::default()
        };
        assert!(client.list_containers(&options).await.unwrap().is_empty());
        client.kill_container("a", "INT").await.unwrap();
    });
    assert_eq!(client.version(), Some("1.44"));
    engine.script.join().unwrap();
}

#[test]
fn an_engine_as_new_is_not_asked_for_its_version() {
    let engine = engine(|accept| {
        let mut wire = accept();
        assert!(wire.request().starts_with("GET /v1.51/containers/json HTTP/1.1\r\n"));
        wire.send("HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\n\r\n[]");
        assert!(wire.request().starts_with("POST /v1.51/containers/a/start "));
        // a refusal that is not about the version is the call's own
        wire.json("400 Bad Request", "{\"message\":\"bad parameter\"}");
    });
    let client = Client::new(engine.host.clone(), None);
    run(async {
        client.list_containers(&ListOptions::default()).await.unwrap();
        let error = client.start_container("a", "").await.unwrap_err();
        assert_eq!(error.message(), "bad parameter");
    });
    assert_eq!(client.version(), Some("1.51"));
    engine.script.join().unwrap();
}

#[test]
fn what_an_older_engine_takes_at_first_is_followed_at_its_own_version() {
    let engine = engine(|accept| {
        let mut wire = accept();
        assert!(wire.request().starts_with("GET /v1.51/containers/json HTTP/1.1\r\n"));
        wire.send("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\n[]");
        assert!(wire.request().starts_with("POST /v1.41/containers/a/start "));
        wire.send("HTTP/1.1 204 No Content\r\n\r\n");
        let mut wire = accept();
        wire.request();
        wire.json("400 Bad Request", "{\"message\":\"no\"}");
    });
    let client = Client::new(engine.host.clone(), None);
    run(async {
        client.list_containers(&ListOptions::default()).await.unwrap();
        client.start_container("a", "").await.unwrap();
        let other = Client::new(engine.host.clone(), None);
        let error = other.inspect_container("a").await.unwrap_err();
        assert_eq!((error.message().as_str(), other.version()), ("no", None));
    });
    engine.script.join().unwrap();
}

#[test]
fn tcp_speaks_the_same() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let script = std::thread::spawn(move || {
        let mut stream = listener.accept().expect("a client").0;
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("a whole head");
            head.push(byte[0]);
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
        stream.write_all(answer.as_bytes()).expect("the client listens");
    });
    let client = Client::new(
        format!("tcp://127.0.0.1:{port}").parse::<Host>().expect("an address"),
        None,
    );
    assert!(
        run(async { client.list_containers(&ListOptions::default()).await })
            .unwrap()
            .is_empty()
    );
    script.join().unwrap();
}

#[test]
fn a_given_version_is_not_negotiated() {
    let engine = engine(|accept| {
        let mut wire = accept();
        assert!(wire.request().starts_with("GET /v1.40/images/json HTTP/1.1\r\n"));
        wire.json("200 OK", "[]");
    });
    let client = Client::new(engine.host.clone(), Some("1.40".to_owned()));
    run(async { client.list_images(false, &Filters::default()).await }).unwrap();
    engine.script.join().unwrap();
}

#[test]
fn errors_carry_status_and_message() {
    let engine = engine(|accept| {
        let mut wire = accept();
        wire.pong();
        wire.request();
        wire.json("409 Conflict", "{\"message\":\"Conflict. It is taken\"}\n");
        wire.request();
        wire.json("500 Internal Server Error", "plain words\n");
        wire.request();
        wire.json("200 OK", "not json");
    });
    let client = Client::new(engine.host.clone(), None);
    run(async {
        let error = client.start_container("a", "").await.unwrap_err();
        assert_eq!(error.to_string(), "Error response from daemon: Conflict. It is taken");
        assert_eq!(error.status().unwrap().as_u16(), 409);
        let error = client.start_container("a", "").await.unwrap_err();
        assert_eq!(error.to_string(), "Error response from daemon: plain words");
        let error = client.inspect_container("a").await.unwrap_err();
        assert!(matches!(error, CallError::Decode { .. }), "{error:?}");
    });
    engine.script.join().unwrap();
}

#[test]
fn nobody_listens() {
    let client = Client::new(Host::Unix("/nowhere/corten.sock".into()), None);
    let error = run(async { client.server_version().await }).unwrap_err();
    assert!(error.is_unreachable());
    assert_eq!(
        error.to_string(),
        "Cannot connect to the Corten daemon at unix:///nowhere/corten.sock. Is the corten daemon running?"
    );
}

#[test]
fn a_broken_connection_is_an_error_and_not_an_end() {
    let engine = engine(|accept| {
        let mut wire = accept();
        wire.pong();
        wire.request();
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    });
    let client = Client::new(engine.host.clone(), None);
    run(async {
        let mut logs = client.container_logs("a", &LogOptions::default()).await.unwrap();
        let mut outcome = logs.next().await;
        while let Ok(Some(_)) = outcome {
            outcome = logs.next().await;
        }
        assert!(matches!(outcome, Err(CallError::Transport { .. })), "{outcome:?}");
    });
    engine.script.join().unwrap();
}

#[test]
fn objects_may_be_cut_anywhere() {
    let engine = engine(|accept| {
        let mut wire = accept();
        wire.pong();
        assert!(wire.request().starts_with("GET /v1.44/events?since=1 "));
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in ["{\"a\":\"x}", "{\"}\r\n{\"b\"", ":1}{\"c\":2}", "\n"] {
            wire.send(&format!("{:x}\r\n{piece}\r\n", piece.len()));
        }
        wire.send("0\r\n\r\n");
    });
    let client = Client::new(engine.host.clone(), None);
    let objects = run(async {
        let mut events = client.events("1", "", &Filters::default()).await.unwrap();
        let mut objects = Vec::new();
        while let Some(object) = events.next().await.unwrap() {
            objects.push(String::from_utf8(object.to_vec()).unwrap());
        }
        objects
    });
    assert_eq!(objects, ["{\"a\":\"x}{\"}", "{\"b\":1}", "{\"c\":2}"]);
    engine.script.join().unwrap();
}

#[test]
fn a_wait_does_not_delay_other_calls() {
    let engine = engine(|accept| {
        let mut waiting = accept();
        waiting.pong();
        assert!(
            waiting
                .request()
                .starts_with("POST /v1.44/containers/a/wait?condition=next-exit ")
        );
        waiting.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let mut other = accept();
        assert!(other.request().starts_with("POST /v1.44/containers/a/start "));
        other.send("HTTP/1.1 204 No Content\r\n\r\n");
        let body = "{\"StatusCode\":7}\n";
        waiting.send(&format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
    });
    let client = Client::new(engine.host.clone(), None);
    run(async {
        let waiter = client.wait_container("a", WaitCondition::NextExit).await.unwrap();
        client.start_container("a", "").await.unwrap();
        assert_eq!(waiter.finished().await.unwrap().status_code, 7);
    });
    engine.script.join().unwrap();
}

#[test]
fn a_hijacked_stream_keeps_early_bytes_and_closes_by_halves() {
    let engine = engine(|accept| {
        let mut wire = accept();
        wire.pong();
        let request = wire.request();
        assert!(
            request.starts_with("POST /v1.44/containers/a/attach?stream=1&stdin=1&stdout=1 "),
            "{request}"
        );
        assert!(request.contains("connection: Upgrade\r\n") && request.contains("upgrade: tcp\r\n"));
        wire.send(
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\
             Connection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly",
        );
        let mut input = String::new();
        wire.0.read_to_string(&mut input).expect("input ends by the half-close");
        wire.send(&format!(" after {input}"));
    });
    let client = Client::new(engine.host.clone(), None);
    let options = AttachOptions {
        stdin: true,
        stdout: true,
        ..AttachOptions::default()
    };
    let mut hijacked = run(async { client.attach_container("a", &options).await }).unwrap();
    assert_eq!(hijacked.multiplexed, Some(true));
    hijacked.stream.write_all(b"input").unwrap();
    hijacked.stream.close_write().unwrap();
    let mut output = hijacked.early.clone();
    hijacked.stream.read_to_end(&mut output).unwrap();
    assert_eq!(String::from_utf8(output).unwrap(), "early after input");
    engine.script.join().unwrap();
}

#[test]
fn a_refused_hijack_is_the_engines_error() {
    let engine = engine(|accept| {
        let mut wire = accept();
        wire.pong();
        wire.request();
        wire.json("404 Not Found", "{\"message\":\"No such container: a\"}");
        let mut wire = accept();
        wire.request();
        wire.json("200 OK", "");
    });
    let client = Client::new(engine.host.clone(), None);
    run(async {
        let error = client
            .attach_container("a", &AttachOptions::default())
            .await
            .unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.message(), "No such container: a");
        let error = client
            .attach_container("a", &AttachOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "unable to upgrade to tcp, received 200 OK");
    });
    engine.script.join().unwrap();
}

#[test]
fn an_upload_is_sent_in_chunks() {
    let engine = engine(|accept| {
        let mut wire = accept();
        wire.pong_first();
        let request = wire.request();
        assert!(request.starts_with("POST /v1.44/images/load?quiet=1 "), "{request}");
        assert!(request.contains("transfer-encoding: chunked\r\n"));
        let mut body = [0; 19];
        wire.0.read_exact(&mut body).expect("two chunks and the end");
        assert_eq!(&body, b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n".get(..19).unwrap());
        wire.json("200 OK", "{\"stream\":\"done\"}\r\n");
    });
    let client = Client::new(engine.host.clone(), None);
    run(async {
        let (sender, upload) = Upload::channel(4);
        sender.send(Ok("abc".into())).await.unwrap();
        sender.send(Ok("d".into())).await.unwrap();
        drop(sender);
        let mut messages = client.load_images(upload, true, "").await.unwrap();
        assert_eq!(messages.next().await.unwrap().unwrap(), "{\"stream\":\"done\"}");
    });
    engine.script.join().unwrap();
}
