//! What clients do right, and mistakes that are answered.

use super::*;

#[test]
fn a_half_closed_client_gets_its_answers_in_order() {
    let server = Server::start();
    let answer = server.exchange("GET /ping HTTP/1.1\r\nHost: d\r\n\r\nGET /nope HTTP/1.1\r\nHost: d\r\n\r\n");
    let (first, second) = answer.split_once("OKHTTP/1.1").expect("two answers");
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    for header in [
        "api-version: 1.51",
        "ostype: linux",
        "docker-experimental: false",
        "swarm: inactive",
    ] {
        assert!(
            first.to_ascii_lowercase().contains(header),
            "{header} is missing in {first}"
        );
    }
    assert!(
        second.starts_with(" 404 ") && second.ends_with("{\"message\":\"page not found\"}\n"),
        "{second}"
    );
    server.stop();
}

#[test]
fn bad_bodies_get_docker_s_words() {
    let _alone = LONG_BODIES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let server = Server::start();
    let message = |request: &str| {
        server
            .exchange(request)
            .split("\r\n\r\n")
            .last()
            .expect("a step of the test works")
            .to_owned()
    };
    let invalid = |text| format!("{{\"message\":\"{text}\"}}\n");
    assert_eq!(
        message(&post("/json", JSON, "")),
        invalid("invalid JSON: got EOF while reading request body")
    );
    assert_eq!(
        message(&post("/json", JSON, "{} {}")),
        invalid("unexpected content after JSON")
    );
    assert_eq!(
        message(&post("/json", "Content-Type: application/json; charset=utf-8\r\n", "1")),
        "1\n"
    );
    assert_eq!(
        message(&post("/json", "Content-Type: text/plain\r\n", "{}")),
        invalid("unsupported Content-Type header (text/plain): must be 'application/json'")
    );
    let cut = "POST /json HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    assert!(server.exchange(cut).is_empty() || message(cut).contains("unexpected EOF"));
    let long = format!("\"{}\"", "x".repeat(9 << 20));
    let mut stream = server.connect();
    // The server may answer and close before all of it is written.
    drop(stream.write_all(post("/json", JSON, &long).as_bytes()));
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("a step of the test works");
    assert_eq!(&answer, b"HTTP/1.1 413");
    server.stop();
}

#[test]
fn what_is_not_http_gets_an_error_and_hurts_nobody() {
    let server = Server::start();
    for garbage in [
        "\x16\x03\x01 garbage\r\n\r\n",
        "no http\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ] {
        let answer = server.exchange(garbage);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{garbage:?}: {answer:?}");
    }
    let head = format!("GET /ping HTTP/1.1\r\nHost: d\r\nX: {}\r\n\r\n", "y".repeat(2 << 20));
    let mut stream = server.connect();
    drop(stream.write_all(head.as_bytes()));
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("a step of the test works");
    assert_eq!(&answer, b"HTTP/1.1 431");
    let _waits_for_ever = server.connect();
    let panicked = server.exchange("GET /panic HTTP/1.1\r\nHost: d\r\n\r\n");
    assert!(panicked.starts_with("HTTP/1.1 500 "), "{panicked}");
    assert!(server.exchange("GET /ping HTTP/1.1\r\nHost: d\r\n\r\n").ends_with("OK"));
    drop(_waits_for_ever);
    server.stop();
}

#[test]
fn a_client_that_vanishes_gives_up_its_answer() {
    let mut server = Server::start();
    let mut stream = server.connect();
    stream
        .write_all(b"POST /later HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n")
        .expect("a step of the test works");
    let mut head = [0; 15];
    stream.read_exact(&mut head).expect("the head comes at once");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    assert!(server.left.try_recv().is_err());
    drop(stream);
    let left = async { tokio::time::timeout(LIMIT, server.left.recv()).await };
    server
        .runtime
        .block_on(left)
        .expect("the answer is given up")
        .expect("a step of the test works");
    server.stop();
}

#[test]
fn hijack_with_upgrade() {
    let server = Server::start();
    let request = post("/exec", "Connection: Upgrade\r\nUpgrade: tcp\r\n", "");
    let answer = server.exchange(&format!("{request}early"));
    assert!(answer.starts_with("HTTP/1.1 101 UPGRADED\r\n"), "{answer}");
    assert!(answer.contains("Content-Type: application/vnd.docker.multiplexed-stream\r\n"));
    assert!(answer.contains("Connection: Upgrade\r\nUpgrade: tcp\r\n"));
    assert!(answer.ends_with("\r\n\r\nEARLY"), "{answer}");
    server.stop();
}

#[test]
fn legacy_hijack_keeps_early_and_late_input_apart_from_the_body() {
    let server = Server::start();
    let request = post("/exec", JSON, "{\"Tty\":true}");
    let mut stream = server.connect();
    stream
        .write_all(format!("{request}early ").as_bytes())
        .expect("a step of the test works");
    let mut head = [0; 15];
    stream.read_exact(&mut head).expect("a step of the test works");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    stream.write_all(b"late").expect("a step of the test works");
    stream.shutdown(Shutdown::Write).expect("a step of the test works");
    let rest = read_all(stream);
    assert_eq!(
        rest,
        "\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nEARLY LATE"
    );
    server.stop();
}

#[test]
fn a_hijack_behind_other_requests_on_one_connection() {
    let server = Server::start();
    let mut stream = server.connect();
    let mut answer = [0; 15];
    for _ in 0..3 {
        stream
            .write_all(b"GET /nope HTTP/1.1\r\nHost: d\r\n\r\n")
            .expect("a step of the test works");
        let mut text = Vec::new();
        while !text.ends_with(b"not found\"}\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a step of the test works");
            text.push(byte[0]);
        }
    }
    let chunked =
        "POST /exec HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n";
    stream
        .write_all(format!("{chunked}2\r\n{{}}\r\n0\r\n\r\nhello").as_bytes())
        .expect("a step of the test works");
    stream.read_exact(&mut answer).expect("a step of the test works");
    stream.shutdown(Shutdown::Write).expect("a step of the test works");
    assert!(read_all(stream).ends_with("\r\n\r\nHELLO"));
    server.stop();
}

#[test]
fn a_thousand_idle_clients_do_not_keep_others_out_nor_the_end_away() {
    let server = Server::start();
    let idle: Vec<UnixStream> = (0..1000)
        .map_while(|_| UnixStream::connect(&server.path).ok())
        .collect();
    assert!(idle.len() >= 400, "only {} clients could connect", idle.len());
    assert!(server.exchange("GET /ping HTTP/1.1\r\nHost: d\r\n\r\n").ends_with("OK"));
    server.stop();
    drop(idle);
}

#[test]
fn answers_that_take_for_ever_do_not_keep_the_end_away() {
    let server = Server::start();
    let mut stream = server.connect();
    stream
        .write_all(b"POST /later HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n")
        .expect("a step of the test works");
    let mut head = [0; 15];
    stream.read_exact(&mut head).expect("a step of the test works");
    server.stop();
}

#[test]
fn an_answer_that_fails_half_way_does_not_look_complete() {
    let server = Server::start();
    let answer = server.exchange("GET /abort HTTP/1.1\r\nHost: d\r\n\r\n");
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
    server.stop();
}
