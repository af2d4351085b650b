//! Other commands against a scripted engine, and command lines that never reach one.

use std::process::Output;

use crate::scripted::{Engine, Request, corten, finish, frame};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Exit code, standard output, standard error.
fn told(output: &Output) -> (i32, String, String) {
    (
        output.status.code().expect("an exit code"),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn wrong_command_lines() {
    for (arguments, code, expected) in [
        (
            &["run"][..],
            1,
            "corten: 'corten run' requires at least 1 argument\n\nUsage:  corten run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nSee 'corten run --help' for more information\n",
        ),
        (
            &["ps", "x"],
            1,
            "corten: 'corten ps' accepts no arguments\n\nUsage:  corten ps [OPTIONS]\n\nRun 'corten ps --help' for more information\n",
        ),
        (
            &["container", "ls", "x"],
            1,
            "corten: 'corten container ls' accepts no arguments\n\nUsage:  corten container ls [OPTIONS]\n\nRun 'corten container ls --help' for more information\n",
        ),
        (
            &["ps", "--bogus"],
            125,
            "unknown flag: --bogus\n\nUsage:  corten ps [OPTIONS]\n\nRun 'corten ps --help' for more information\n",
        ),
        (
            &["run", "-rm-it", "alpine"],
            125,
            "unknown shorthand flag: 'r' in -rm-it\n\nUsage:  corten run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'corten run --help' for more information\n",
        ),
        (
            &["run", "-pid=host", "alpine"],
            125,
            "corten: no port specified: :/tcp<empty>\n\nRun 'corten run --help' for more information\n",
        ),
        (
            &["run", "--restart=always", "--rm", "alpine"],
            125,
            "corten: conflicting options: cannot specify both --restart and --rm\n\nRun 'corten run --help' for more information\n",
        ),
        (
            &["run", "--volum", "/x", "alpine"],
            125,
            "unknown flag: --volum\n\nUsage:  corten run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'corten run --help' for more information\nhint: did you mean `--volume`?\n",
        ),
        (
            &["ps", "--host", "x"],
            125,
            "unknown flag: --host\n\nUsage:  corten ps [OPTIONS]\n\nRun 'corten ps --help' for more information\nhint: --host stands before the command: `corten --host ... ps`\n",
        ),
        (
            &["--contxt", "x", "ps"],
            125,
            "unknown flag: --contxt\n\nUsage:  corten [OPTIONS] COMMAND [ARG...]\n\nRun 'corten --help' for more information\nhint: did you mean `--context`?\n",
        ),
        (
            &["rnu"],
            1,
            "corten: unknown command: corten rnu\n\nRun 'corten --help' for more information\nhint: did you mean `corten run`?\n",
        ),
        (
            &["image", "foo"],
            1,
            "corten: unknown command: corten image foo\n\nUsage:  corten image\n\nRun 'corten image --help' for more information\n",
        ),
        (
            &["build", "."],
            1,
            "corten: the command 'corten build' is not supported yet\nhint: build the image elsewhere, write it to a file with \
             `docker save`, and read it here with `corten load -i FILE.tar`\n",
        ),
        (
            &["--tlsverify", "ps"],
            1,
            "Failed to initialize: unable to resolve docker endpoint: open /nonexistent/.docker/ca.pem: no such file or directory\n",
        ),
        (&["help", "nope"], 1, "unknown help topic: nope\n"),
        (
            &["container", "-x"],
            125,
            "unknown shorthand flag: 'x' in -x\n\nUsage:  corten container\n\nRun 'corten container --help' for more information\n",
        ),
        (&["run", "-it", "alpine"], 1, "the input device is not a TTY\n"),
        (
            &["start", "-a", "x", "y"],
            1,
            "you cannot start and attach multiple containers at once\n",
        ),
        (
            &["load", "-i", "/nowhere"],
            1,
            "open /nowhere: no such file or directory\n",
        ),
    ] {
        let output = finish(corten(arguments), "");
        assert_eq!(
            told(&output),
            (code, String::new(), expected.to_owned()),
            "{arguments:?}"
        );
    }
}

#[test]
fn help_and_version_need_no_engine() {
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["container", "--help"],
        &["help", "container"],
        &["help", "ps"],
        &["ps", "-h"],
    ] {
        let (code, out, err) = told(&finish(corten(arguments), ""));
        assert!(
            code == 0 && out.starts_with("Usage:  corten") && err.is_empty(),
            "{arguments:?}: {out}{err}"
        );
    }
    // Nothing was asked for, so that the page is no answer.
    for arguments in [&[][..], &["container"]] {
        let (code, out, err) = told(&finish(corten(arguments), ""));
        assert!(
            code == 0 && out.is_empty() && err.starts_with("Usage:  corten"),
            "{arguments:?}: {out}{err}"
        );
    }
    let (code, out, _) = told(&finish(corten(&["--version"]), ""));
    assert!(code == 0 && out.starts_with("Corten version "), "{out}");
}

#[test]
fn logs_come_out_on_their_own_streams() {
    let engine = Engine::start(|request| {
        assert!(request.is("GET /containers/x/logs"), "{}", request.line);
        request.begin("application/vnd.docker.multiplexed-stream");
        let mut bytes = frame(1, "one\n");
        bytes.extend(frame(2, "two\n"));
        bytes.extend(frame(1, "three\n"));
        // Cut within a header and within a payload.
        let (first, rest) = bytes.split_at(3);
        let (second, third) = rest.split_at(14);
        for piece in [first, second, third] {
            request.chunk(piece);
        }
        request.chunk(b"");
    });
    let output = engine.corten(&["logs", "--tail", "3", "x"], "");
    assert_eq!(told(&output), (0, "one\nthree\n".to_owned(), "two\n".to_owned()));
    assert_eq!(engine.lines(), ["GET /containers/x/logs?stderr=1&stdout=1&tail=3"]);
}

fn one_container(request: &mut Request) {
    request.answer(
        "200 OK",
        r#"[{"Id":"0123456789abcdef0123","Names":["/web","/other/link"],"Image":"nginx","ImageID":"sha256:1",
            "Command":"/docker-entrypoint.sh nginx -g 'daemon off;'","Created":1700000000,"State":"running",
            "Status":"Up 2 hours","Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
            {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}],"Labels":{"a":"b"},
            "NetworkSettings":{"Networks":{"bridge":{}}},"Mounts":[]}]"#,
    );
}

#[test]
fn ps_prints_tables_ids_and_templates() {
    let engine = Engine::start(one_container);
    let (_, table, _) = told(&engine.corten(&["ps", "-a"], ""));
    let mut lines = table.lines();
    assert_eq!(
        lines.next().expect("a head").split_whitespace().collect::<Vec<_>>(),
        [
            "CONTAINER",
            "ID",
            "IMAGE",
            "COMMAND",
            "CREATED",
            "STATUS",
            "PORTS",
            "NAMES"
        ]
    );
    let row = lines.next().expect("a row");
    assert!(
        row.starts_with("0123456789ab   nginx     \"/docker-entrypoint.…\"   "),
        "{row}"
    );
    assert!(
        row.ends_with("   Up 2 hours   0.0.0.0:8080->80/tcp, [::]:8080->80/tcp   web"),
        "{row}"
    );
    assert_eq!(told(&engine.corten(&["ps", "-q"], "")).1, "0123456789ab\n");
    assert_eq!(
        told(&engine.corten(&["ps", "--format", "{{.Names}} {{.CreatedAt}}"], "")).1,
        "web 2023-11-14 22:13:20 +0000 UTC\n"
    );
    let (code, _, error) = told(&engine.corten(&["ps", "--format", "{{range .Names}}x{{end}}"], ""));
    assert!(
        code == 1 && error.contains("failed to execute template: template: :1:8: executing \"\" at <.Names>"),
        "{error}"
    );
    assert_eq!(engine.lines()[0], "GET /containers/json?all=1");
}

#[test]
fn inspect_keeps_the_engines_order_and_names_what_is_missing() {
    let engine = Engine::start(|request| match request.is("GET /containers/a/json") {
        true => request.answer("200 OK", r#"{"Z":1,"A":{"b":[]},"C":"<x>"}"#),
        false => request.answer("404 Not Found", "{\"message\":\"No such thing\"}"),
    });
    let (code, out, err) = told(&engine.corten(&["inspect", "a", "b"], ""));
    assert_eq!(code, 1);
    assert_eq!(
        out,
        "[\n    {\n        \"Z\": 1,\n        \"A\": {\n            \"b\": []\n        },\n        \"C\": \"<x>\"\n    }\n]\n"
    );
    assert_eq!(err, "Error: No such object: b\n");
    assert_eq!(
        told(&engine.corten(&["inspect", "-f", "{{.C}} {{json .A}}", "a"], "")).1,
        "<x> {\"b\":[]}\n"
    );
}

#[test]
fn several_names_one_of_them_wrong() {
    let engine = Engine::start(|request| match request.line.contains("/bad") {
        true => request.answer("404 Not Found", "{\"message\":\"No such container: bad\"}"),
        false => request.answer("204 No Content", ""),
    });
    let missing = "Error response from daemon: No such container: bad\n";
    let output = engine.corten(&["stop", "-t", "3", "a", "bad", "b"], "");
    let advised = format!("{missing}hint: list all containers with `corten ps -a`\n");
    assert_eq!(told(&output), (1, "a\nb\n".to_owned(), advised));
    let output = engine.corten(&["rm", "-f", "a", "bad"], "");
    assert_eq!(told(&output), (0, "a\n".to_owned(), missing.to_owned()));
    let output = engine.corten(&["start", "a", "bad"], "");
    assert_eq!(
        told(&output),
        (
            1,
            "a\n".to_owned(),
            format!("{missing}Error: failed to start containers: bad\n")
        )
    );
    assert!(
        engine.lines().contains(&"POST /containers/a/stop?t=3".to_owned()),
        "{:?}",
        engine.lines()
    );
}

#[test]
fn an_error_in_the_midst_of_messages_fails_the_command() {
    let engine = Engine::start(|request| {
        request.begin("application/json");
        request.chunk(b"{\"stream\":\"Loaded image: a\\n\"}\r\n");
        request.chunk(b"{\"errorDetail\":{\"message\":\"unexpected EOF\"},\"error\":\"unexpected EOF\"}\r\n");
        request.chunk(b"");
    });
    let output = engine.corten(&["load"], "");
    assert_eq!(
        told(&output),
        (1, "Loaded image: a\n".to_owned(), "unexpected EOF\n".to_owned())
    );
}

#[test]
fn events_one_a_line() {
    let engine = Engine::start(|request| {
        request.begin("application/json");
        request.chunk(
            br#"{"Type":"container","Action":"die","Actor":{"ID":"abc","Attributes":{"name":"x","exitCode":"0"}},
                "time":1700000000,"timeNano":1700000000000000005}"#,
        );
        request.chunk(b"");
    });
    let output = engine.corten(&["events", "--since", "1"], "");
    let expected = "2023-11-14T22:13:20.000000005Z container die abc (exitCode=0, name=x)\n";
    assert_eq!(told(&output), (0, expected.to_owned(), String::new()));
}

#[test]
fn what_is_not_built_says_what_to_do_instead() {
    for (words, advised) in [
        (&["compose", "up"][..], "docker-compose in ~/.docker/cli-plugins"),
        (&["build", "."], "`corten load -i FILE.tar`"),
        (&["swarm", "init"], ""),
    ] {
        let output = crate::scripted::finish(crate::scripted::corten(words), "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains("is not supported yet"),
            "{said}"
        );
        assert_eq!(said.contains("hint: "), !advised.is_empty(), "{said}");
        assert!(said.contains(advised), "{said}");
    }
}
