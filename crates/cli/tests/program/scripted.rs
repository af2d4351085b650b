//! An engine made of one function: every request goes to it, with its connection; what it answers and
//! when is up to the test. Keeps the request lines in the order in which they came.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything in a test may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A request with the connection it came on.
pub(crate) struct Request {
    /// `POST /containers/create?name=x`, without the version.
    pub(crate) line: String,
    /// Its body, if its length was given.
    pub(crate) body: String,
    /// The header `X-Registry-Auth`.
    pub(crate) auth: Option<String>,
    /// For the answer.
    pub(crate) wire: UnixStream,
}

impl Request {
    /// Whether the request line, without its query, is `line`.
    pub(crate) fn is(&self, line: &str) -> bool {
        self.line.split('?').next() == Some(line)
    }

    /// Answers with a body of known length.
    pub(crate) fn answer(&mut self, status: &str, body: &str) {
        let head = format!(
            "HTTP/1.1 {status}\r\nApi-Version: 1.51\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let body = if self.line.starts_with("HEAD ") { "" } else { body };
        self.send((head + body).as_bytes());
    }

    /// Begins an answer without end; the body goes on with [`Request::chunk`].
    pub(crate) fn begin(&mut self, content_type: &str) {
        self.send(
            format!(
                "HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            .as_bytes(),
        );
    }

    /// A piece of such an answer; an empty one ends it.
    pub(crate) fn chunk(&mut self, bytes: &[u8]) {
        let mut piece = format!("{:x}\r\n", bytes.len()).into_bytes();
        piece.extend_from_slice(bytes);
        piece.extend_from_slice(b"\r\n");
        self.send(&piece);
    }

    /// Turns the connection into a byte pipe.
    pub(crate) fn upgrade(&mut self) {
        self.send(
            b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\
              Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
        );
    }

    /// Sends bytes as they are. A client that has gone away is not the engine's concern.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.wire.write_all(bytes).ok();
    }
}

/// A frame of multiplexed output.
pub(crate) fn frame(stream: u8, text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("short texts");
    let mut bytes = vec![stream, 0, 0, 0];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Something that happens once and can be waited for.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// It has happened.
    pub(crate) fn open(&self) {
        *self.0.0.lock().expect("no panic inside") = true;
        self.0.1.notify_all();
    }

    /// Waits for it.
    pub(crate) fn wait(&self) {
        let until = Instant::now() + LIMIT;
        let mut open = self.0.0.lock().expect("no panic inside");
        while !*open {
            let left = until
                .checked_duration_since(Instant::now())
                .expect("it happens in time");
            open = self.0.1.wait_timeout(open, left).expect("no panic inside").0;
        }
    }
}

/// The engine, listening.
pub(crate) struct Engine {
    directory: TempDir,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Engine {
    /// Starts one that answers pings itself and gives everything else to `answer`, each connection on a
    /// thread of its own.
    pub(crate) fn start(answer: impl Fn(&mut Request) + Send + Sync + 'static) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let listener = UnixListener::bind(directory.path().join("engine.sock")).expect("a socket");
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answer, kept) = (Arc::new(answer), Arc::clone(&lines));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, lines) = (Arc::clone(&answer), Arc::clone(&kept));
                std::thread::spawn(move || serve(stream.expect("a client"), answer.as_ref(), &lines));
            }
        });
        Self { directory, lines }
    }

    /// The request lines so far, without pings.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic inside").clone()
    }

    /// The address for `-H`.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.path().display())
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("engine.sock")
    }

    /// Runs `corten` against this engine with `input` on its standard input.
    pub(crate) fn corten(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = corten(arguments);
        command.env("CORTEN_HOST", self.address());
        finish(command, input)
    }
}

/// `corten` with nothing of the user's surroundings.
pub(crate) fn corten(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corten"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("TZ", "UTC");
    command
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command, input: &str) -> Output {
    let output = ended(&mut command, input);
    record(&command, &output);
    output
}

/// Says which test used which words, where `CORTEN_RECORD` names a directory: for the lists in docs/compat, in the form
/// of testkit's records.
fn record(command: &Command, output: &Output) -> Option<()> {
    let directory = PathBuf::from(std::env::var_os("CORTEN_RECORD")?);
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main")?;
    let client = if command.get_program() == "docker" {
        "docker"
    } else {
        "corten"
    };
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let line = serde_json::json!({
        "test": format!("program::{test}"), "client": client, "words": words, "code": output.status.code(),
    });
    let path = directory.join(format!("clients-{}.jsonl", std::process::id()));
    let mut file = std::fs::File::options().create(true).append(true).open(path).ok()?;
    file.write_all(format!("{line}\n").as_bytes()).ok()
}

fn ended(command: &mut Command, input: &str) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A command that does not read its input may be gone already.
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).ok();
    child.wait_with_output().expect("the program ends")
}

fn serve(mut wire: UnixStream, answer: &(impl Fn(&mut Request) + ?Sized), lines: &Mutex<Vec<String>>) {
    wire.set_read_timeout(Some(LIMIT)).expect("a limit");
    while let Some((line, body, auth)) = read(&mut wire) {
        let mut request = Request {
            line,
            body,
            auth,
            wire: wire.try_clone().expect("a second handle"),
        };
        if request.is("HEAD /_ping") {
            request.send(b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nOstype: linux\r\nContent-Length: 0\r\n\r\n");
            continue;
        }
        lines.lock().expect("no panic inside").push(request.line.clone());
        answer(&mut request);
        if request.is("POST /containers/abc/attach") {
            return;
        }
    }
}

/// The request line without version and protocol, the body, the credentials; `None` when the client is done.
fn read(wire: &mut UnixStream) -> Option<(String, String, Option<String>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        wire.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    wire.read_exact(&mut body).ok()?;
    let line = unversioned(head.lines().next()?.strip_suffix(" HTTP/1.1")?);
    let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
    let auth = pairs.find(|(name, _)| name.eq_ignore_ascii_case("x-registry-auth"));
    let auth = auth.map(|(_, value)| value.to_owned());
    Some((line, String::from_utf8(body).ok()?, auth))
}

/// `GET /v1.51/info` without the version.
fn unversioned(line: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap_or((line, ""));
    let bare = path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/'));
    bare.map_or_else(|| line.to_owned(), |(_, rest)| format!("{method} /{rest}"))
}
