//! The client itself: connections, version negotiation, one request at a time per connection.
//!
//! A connection that has answered is kept and used again; a call that finds none idle opens another,
//! so that a long answer (`wait`, `logs`) never delays the next call.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::answer::{Stream, framing};
use crate::endpoint::Endpoint;
use crate::error::CallError;
use crate::hijack::{Duplex, Hijacked};
use crate::host::Host;
use crate::query::Query;
use crate::socket::Socket;
use crate::tunnel::{Faults, reason};

/// The newest API version this client speaks.
const NEWEST: (u32, u32) = (1, 51);

/// Longest error or JSON answer that is read into memory, in bytes: an `inspect` of a container with
/// thousands of environment variables stays far below.
const ANSWER_LIMIT: usize = 256 << 20;

pub(crate) type RequestBody = BoxBody<Bytes, io::Error>;

/// A client of one engine. Calls may run concurrently on one current-thread runtime.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    headers: Vec<(String, String)>,
    faults: Mutex<Option<Faults>>,
    idle: Mutex<Vec<SendRequest<RequestBody>>>,
    version: OnceLock<String>,
    server: OnceLock<HeaderMap>,
}

/// A request body that arrives in pieces, from a file or standard input.
#[derive(Debug)]
pub struct Upload(mpsc::Receiver<io::Result<Bytes>>);

impl Upload {
    /// A body and the sender that feeds it; dropping the sender ends the body. At most `depth` pieces wait.
    #[must_use]
    pub fn channel(depth: usize) -> (mpsc::Sender<io::Result<Bytes>>, Self) {
        let (sender, receiver) = mpsc::channel(depth);
        (sender, Self(receiver))
    }
}

impl hyper::body::Body for Upload {
    type Data = Bytes;
    type Error = io::Error;
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.get_mut()
            .0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// What a request carries.
pub(crate) enum Payload {
    None,
    Json(Bytes),
    Upload { body: Upload, content_type: &'static str },
}

/// One call before it is sent.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// From the slash behind the version, with the query.
    pub(crate) path: String,
    pub(crate) payload: Payload,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Call {
    pub(crate) fn new(method: Method, path: &str, query: &Query) -> Self {
        Self {
            method,
            path: format!("{path}{}", query.as_str()),
            payload: Payload::None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn get(path: &str, query: &Query) -> Self {
        Self::new(Method::GET, path, query)
    }

    pub(crate) fn post(path: &str, query: &Query) -> Self {
        Self::new(Method::POST, path, query)
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, CallError> {
        let bytes = serde_json::to_vec(body).map_err(|source| CallError::Encode {
            path: self.path.clone(),
            source,
        })?;
        self.payload = Payload::Json(bytes.into());
        Ok(self)
    }

    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn upload(mut self, body: Upload, content_type: &'static str) -> Self {
        self.payload = Payload::Upload { body, content_type };
        self
    }
}

impl Client {
    /// A client for the engine at `endpoint`. Nothing is sent before the first call. `version` (from
    /// `DOCKER_API_VERSION`, without the `v`) switches negotiation off.
    #[must_use]
    pub fn new(endpoint: impl Into<Endpoint>, version: Option<String>) -> Self {
        let client = Self {
            endpoint: endpoint.into(),
            headers: Vec::new(),
            faults: Mutex::new(None),
            idle: Mutex::new(Vec::new()),
            version: OnceLock::new(),
            server: OnceLock::new(),
        };
        if let Some(version) = version {
            client.version.get_or_init(|| version);
        }
        client
    }

    /// The same client with headers that go with every request (`HttpHeaders`, `DOCKER_CUSTOM_HEADERS`).
    /// They replace the client's own of the same name.
    #[must_use]
    pub fn with_headers(self, headers: Vec<(String, String)>) -> Self {
        Self { headers, ..self }
    }

    /// The engine's address.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.endpoint.host
    }

    /// The API version in use, after the first call.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.get().map(String::as_str)
    }

    /// Pings the engine once and agrees on a version.
    ///
    /// # Errors
    /// The engine is not reachable.
    pub async fn negotiate(&self) -> Result<&str, CallError> {
        if let Some(version) = self.version.get() {
            return Ok(version);
        }
        let headers = self.ping().await?;
        let announced = headers
            .get("api-version")
            .and_then(|value| value.to_str().ok())
            .and_then(parse_version);
        let (major, minor) = announced.unwrap_or((1, 24)).min(NEWEST);
        let version = self.version.get_or_init(|| format!("{major}.{minor}"));
        self.server.get_or_init(|| headers);
        Ok(version)
    }

    /// The headers of `HEAD /_ping`.
    async fn ping(&self) -> Result<HeaderMap, CallError> {
        let call = Call::new(Method::HEAD, "/_ping", &Query::new());
        let (sender, answer) = self.send(call, "/_ping".to_owned(), false).await?;
        let headers = answer.headers().clone();
        self.keep(sender);
        Ok(headers)
    }

    /// Sends a call and reads its whole answer.
    pub(crate) async fn bytes(&self, call: Call) -> Result<Bytes, CallError> {
        let path = call.path.clone();
        let (sender, answer) = self.answered(call).await?;
        let body = read_all(&path, answer).await?;
        self.keep(sender);
        Ok(body)
    }

    /// Sends a call and reads its answer as JSON.
    pub(crate) async fn value<T: DeserializeOwned>(&self, call: Call) -> Result<T, CallError> {
        let path = call.path.clone();
        let body = self.bytes(call).await?;
        serde_json::from_slice(&body).map_err(|source| CallError::Decode { path, source })
    }

    /// Sends a call of which only the answer's headers count.
    pub(crate) async fn headers(&self, call: Call) -> Result<HeaderMap, CallError> {
        let path = call.path.clone();
        let (sender, answer) = self.answered(call).await?;
        let headers = answer.headers().clone();
        read_all(&path, answer).await?;
        self.keep(sender);
        Ok(headers)
    }

    /// Sends a call whose answer is a stream with headers that count.
    pub(crate) async fn stream_with_headers(&self, call: Call) -> Result<(HeaderMap, Stream), CallError> {
        let path = call.path.clone();
        let (sender, answer) = self.answered(call).await?;
        let headers = answer.headers().clone();
        Ok((headers, Stream::new(path, answer, sender)))
    }

    /// Sends a call whose answer has no content.
    pub(crate) async fn done(&self, call: Call) -> Result<(), CallError> {
        self.bytes(call).await.map(drop)
    }

    /// Sends a call whose answer is read piece by piece. Returns when the headers are there.
    pub(crate) async fn stream(&self, call: Call) -> Result<Stream, CallError> {
        let path = call.path.clone();
        let (sender, answer) = self.answered(call).await?;
        Ok(Stream::new(path, answer, sender))
    }

    /// Sends a call that turns its connection into a byte pipe.
    pub(crate) async fn hijack(&self, call: Call) -> Result<Hijacked, CallError> {
        let path = self.versioned(&call).await?;
        let (_sender, answer) = self.send(call, path.clone(), true).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = answer.status();
            return Err(if status.is_success() {
                CallError::NotUpgraded { status }
            } else {
                refusal(status, &read_all(&path, answer).await?)
            });
        }
        let multiplexed = framing(&answer);
        let upgraded = hyper::upgrade::on(answer)
            .await
            .map_err(|source| CallError::Transport {
                path: path.clone(),
                source,
            })?;
        let parts = upgraded
            .downcast::<TokioIo<Socket>>()
            .map_err(|_| CallError::NotUpgraded {
                status: StatusCode::SWITCHING_PROTOCOLS,
            })?;
        let stream = Duplex::from_socket(parts.io.into_inner())?;
        Ok(Hijacked {
            stream,
            early: parts.read_buf.to_vec(),
            multiplexed,
        })
    }

    /// Sends a call and turns an error status into [`CallError::Daemon`].
    async fn answered(&self, call: Call) -> Result<(SendRequest<RequestBody>, Response<Incoming>), CallError> {
        let path = self.versioned(&call).await?;
        let (sender, answer) = self.send(call, path.clone(), false).await?;
        let status = answer.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok((sender, answer));
        }
        let body = read_all(&path, answer).await?;
        self.keep(sender);
        Err(refusal(status, &body))
    }

    async fn versioned(&self, call: &Call) -> Result<String, CallError> {
        match self.negotiate().await {
            Ok(version) => Ok(format!("/v{version}{}", call.path)),
            Err(error) => Err(error.about(|| {
                let (major, minor) = NEWEST;
                self.described(&call.method, &format!("/v{major}.{minor}{}", call.path))
            })),
        }
    }

    /// A request as Docker names it in errors.
    fn described(&self, method: &Method, path: &str) -> String {
        let method = match *method {
            Method::GET => "Get",
            Method::HEAD => "Head",
            Method::POST => "Post",
            Method::PUT => "Put",
            Method::DELETE => "Delete",
            _ => method.as_str(),
        };
        let path = path.split('?').next().unwrap_or_default();
        match &self.endpoint.host {
            Host::Tcp(..) => {
                let address = self.endpoint.host.to_string();
                format!("{method} \"https{}{path}\"", address.trim_start_matches("tcp"))
            }
            Host::Unix(_) | Host::Ssh(_) => format!("{method} \"http://docker.example.com{path}\""),
        }
    }

    async fn send(
        &self,
        call: Call,
        path: String,
        upgrade: bool,
    ) -> Result<(SendRequest<RequestBody>, Response<Incoming>), CallError> {
        let method = call.method.clone();
        let mut request = build(call, &path, upgrade)?;
        for (name, value) in &self.headers {
            let (name, value) = header(name, value).map_err(|source| CallError::Request {
                path: path.clone(),
                source,
            })?;
            request.headers_mut().insert(name, value);
        }
        let connection = self.connection().await;
        let mut sender = connection.map_err(|error| error.about(|| self.described(&method, &path)))?;
        match sender.send_request(request).await {
            Ok(answer) => Ok((sender, answer)),
            Err(source) => Err(self.broken(&method, path, source).await),
        }
    }

    /// Why a connection broke: TLS and ssh know more than hyper.
    async fn broken(&self, method: &Method, path: String, source: hyper::Error) -> CallError {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fault = match faults {
            Some(faults) => reason(faults).await,
            None => None,
        };
        match fault {
            Some(fault) => CallError::Broken {
                request: self.described(method, &path),
                reason: fault.reason,
                hint: fault.hint,
            },
            None => CallError::Transport { path, source },
        }
    }

    /// A connection on which nothing was said yet, for whoever speaks for somebody else.
    ///
    /// # Errors
    /// The engine is not reachable.
    pub async fn dial(&self) -> Result<Duplex, CallError> {
        Duplex::from_socket(Socket::connect(&self.endpoint).await?.socket)
    }

    async fn connection(&self) -> Result<SendRequest<RequestBody>, CallError> {
        while let Some(mut sender) = self.take_idle() {
            if sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
        let opened = Socket::connect(&self.endpoint).await?;
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = opened.faults;
        let (sender, connection) =
            http1::handshake(TokioIo::new(opened.socket))
                .await
                .map_err(|source| CallError::Transport {
                    path: self.endpoint.host.to_string(),
                    source,
                })?;
        // The task ends when the connection or the last sender does; its error reaches the caller as
        // the error of the request that was on the wire.
        tokio::spawn(async move { connection.with_upgrades().await.ok() });
        Ok(sender)
    }

    fn take_idle(&self) -> Option<SendRequest<RequestBody>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, sender: SendRequest<RequestBody>) {
        if !sender.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        }
    }
}

/// A header as the user wrote it.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), http::Error> {
    Ok((HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?))
}

fn build(call: Call, path: &str, upgrade: bool) -> Result<Request<RequestBody>, CallError> {
    let mut request = Request::builder()
        .method(call.method)
        .uri(path)
        .header(header::HOST, "api.moby.localhost");
    request = request.header(
        header::USER_AGENT,
        concat!("Corten-Client/", env!("CARGO_PKG_VERSION"), " (linux)"),
    );
    for (name, value) in call.headers {
        request = request.header(name, value);
    }
    if upgrade {
        request = request
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "tcp");
    }
    let body: RequestBody = match call.payload {
        Payload::None => Empty::new().map_err(|never| match never {}).boxed(),
        Payload::Json(bytes) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Full::new(bytes).map_err(|never| match never {}).boxed()
        }
        Payload::Upload { body, content_type } => {
            request = request.header(header::CONTENT_TYPE, content_type);
            body.boxed()
        }
    };
    request.body(body).map_err(|source| CallError::Request {
        path: path.to_owned(),
        source,
    })
}

async fn read_all(path: &str, answer: Response<Incoming>) -> Result<Bytes, CallError> {
    let mut body = answer.into_body();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|source| CallError::Transport {
            path: path.to_owned(),
            source,
        })?;
        if let Some(data) = frame.data_ref() {
            if all.len() + data.len() > ANSWER_LIMIT {
                return Err(CallError::Io(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    "the daemon's answer is too long",
                )));
            }
            all.extend_from_slice(data);
        }
    }
    Ok(all.into())
}

/// The engine's message out of an error's body: JSON, or plain text from old engines.
fn refusal(status: StatusCode, body: &[u8]) -> CallError {
    #[derive(serde::Deserialize)]
    struct Body {
        message: String,
    }
    let message = match serde_json::from_slice::<Body>(body) {
        Ok(body) => body.message,
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    };
    let message = if message.is_empty() {
        format!("status {status} without a message")
    } else {
        message
    };
    CallError::Daemon {
        status,
        message: message.trim().to_owned(),
    }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
