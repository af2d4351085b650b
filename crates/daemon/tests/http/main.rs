//! The HTTP layer over real sockets with a handler of its own: what clients do right (`clients`) and wrong
//! (`hostile`), and both ways of hijacking. Needs no root and no engine.

mod clients;
mod hostile;

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use corten_api::exec::ExecStartConfig;
use corten_api::version;
use corten_daemon::daemon::accept;
use corten_daemon::http::hijack::{Framing, hijack};
use corten_daemon::http::{Aborted, Body, Failure, Handler, Query, Request, Stop, Stopper, Wire, answer};
use corten_daemon::listen::{Listener, listen_unix};
use corten_daemon::thrift::Thrift;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::mpsc;

/// Far above what any of this takes, even on a loaded machine.
const LIMIT: Duration = Duration::from_secs(20);

/// A server on a socket of its own.
struct Server {
    path: PathBuf,
    stopper: Stopper,
    runtime: tokio::runtime::Runtime,
    accepting: tokio::task::JoinHandle<()>,
    left: mpsc::UnboundedReceiver<()>,
    _directory: tempfile::TempDir,
}

struct Fake {
    left: mpsc::UnboundedSender<()>,
}

/// Tells when it is dropped: the answer that it belongs to was given up.
struct Told(mpsc::UnboundedSender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        // Nobody may be listening any more when the server ends.
        self.0.send(()).unwrap_or_default();
    }
}

impl Handler for Fake {
    const HEAD_LIMIT: Duration = Duration::from_secs(2);

    async fn handle(&self, request: http::Request<Incoming>, wire: Wire) -> Response<Body> {
        let (head, body) = request.into_parts();
        let query = Query::new(head.uri.query().unwrap_or_default());
        let mut request = Request {
            version: version::MAX,
            protocol: head.version,
            query,
            headers: head.headers,
            body,
            wire,
        };
        match head.uri.path() {
            "/ping" => answer::ping(true, answer::Builder::BuildKit),
            "/json" => match request.json::<serde_json::Value>().await {
                Ok(value) => answer::json(&value),
                Err(failure) => answer::failure(&failure),
            },
            "/panic" => panic!("on purpose"),
            "/later" => {
                request.wire.watch_client();
                let told = Told(self.left.clone());
                answer::json_stream(Body::Later(Box::pin(async move {
                    std::future::pending::<()>().await;
                    drop(told);
                    Default::default()
                })))
            }
            "/abort" => {
                let (sender, body) = Body::stream();
                sender
                    .send(Ok("some of it".into()))
                    .await
                    .expect("a step of the test works");
                sender.send(Err(Aborted)).await.expect("a step of the test works");
                answer::json_stream(body)
            }
            "/exec" => echo(request).await,
            _ => answer::failure(&Failure::new(StatusCode::NOT_FOUND, "page not found")),
        }
    }
}

/// Reads a JSON body, hijacks and sends back whatever comes, upper-cased, until the end of input.
async fn echo(mut request: Request) -> Response<Body> {
    let config: ExecStartConfig = request.json_or_default().await.expect("a step of the test works");
    let framing = if config.tty { Framing::Raw } else { Framing::Multiplexed };
    let upgrade = request.wants_upgrade();
    let taken = hijack(request.wire.clone(), upgrade, framing)
        .await
        .expect("a step of the test works");
    std::thread::spawn(move || {
        let mut stream = UnixStream::from(taken.connection);
        stream.set_nonblocking(false).expect("a step of the test works");
        let mut input = taken.early_input;
        stream.read_to_end(&mut input).expect("a step of the test works");
        input.make_ascii_uppercase();
        stream.write_all(&input).expect("a step of the test works");
    });
    answer::status(StatusCode::OK)
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a step of the test works");
        let path = directory.path().join("d.sock");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a step of the test works");
        let (stopper, stop) = Stopper::new();
        let (told, left) = mpsc::unbounded_channel();
        // The socket registers with the runtime that is entered here.
        let entered = runtime.enter();
        let accepting = serve(&path, told, stop);
        drop(entered);
        Self {
            path,
            stopper,
            runtime,
            accepting,
            left,
            _directory: directory,
        }
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).expect("a step of the test works");
        stream.set_read_timeout(Some(LIMIT)).expect("a step of the test works");
        stream
    }

    /// Sends text, half-closes, and reads to the end.
    fn exchange(&self, text: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(text.as_bytes()).expect("a step of the test works");
        stream.shutdown(Shutdown::Write).expect("a step of the test works");
        read_all(stream)
    }

    /// Ends the server and waits for its connections.
    fn stop(self) {
        self.stopper.stop();
        let ended = async { tokio::time::timeout(LIMIT, self.accepting).await };
        self.runtime
            .block_on(ended)
            .expect("the server ends when told to")
            .expect("a step of the test works");
    }
}

fn serve(path: &std::path::Path, told: mpsc::UnboundedSender<()>, stop: Stop) -> tokio::task::JoinHandle<()> {
    let (listener, file) = listen_unix(path, Some("")).expect("a step of the test works");
    tokio::spawn(async move {
        accept(
            Listener::Unix(listener),
            Arc::new(Fake { left: told }),
            Thrift::default(),
            stop,
        )
        .await;
        drop(file);
    })
}

fn read_all(mut stream: UnixStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("a step of the test works");
    answer
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: d\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

const JSON: &str = "Content-Type: application/json\r\n";

/// Held by tests with long bodies: a process has few places for those, and this one has many servers.
static LONG_BODIES: std::sync::Mutex<()> = std::sync::Mutex::new(());
