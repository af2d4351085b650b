//! The client itself: connections, version negotiation, one request at a time per connection.
//!
//! A connection that has answered is kept and used again; a call that finds none idle opens another,
//! so that a long answer (`wait`, `logs`) never delays the next call.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;

use crate::answer::{Stream, framing};
use crate::call::{Call, RequestBody, build};
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

/// Room that is made for an answer before it comes.
const LIKELY_BYTES: usize = 1 << 20;

/// A client of one engine. Calls may run concurrently on one current-thread runtime.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    headers: Vec<(String, String)>,
    faults: Mutex<Option<Faults>>,
    idle: Mutex<Vec<SendRequest<RequestBody>>>,
    version: OnceLock<String>,
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
        Ok(self.agree(announced(&headers).unwrap_or((1, 24))))
    }

    /// The version to speak with an engine whose newest is this.
    fn agree(&self, engine: (u32, u32)) -> &str {
        let (major, minor) = engine.min(NEWEST);
        self.version.get_or_init(|| format!("{major}.{minor}"))
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
        let Exchange { path, answer, .. } = self.exchange(call, true).await?;
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
        let Exchange { path, sender, answer } = self.exchange(call, false).await?;
        let status = answer.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok((sender, answer));
        }
        let body = read_all(&path, answer).await?;
        self.keep(sender);
        Err(refusal(status, &body))
    }

    /// Sends a call at the version agreed on. The first call goes out at the newest one: an engine that is
    /// older refuses it unread, and only then are versions negotiated, which costs a round trip.
    async fn exchange(&self, call: Call, upgrade: bool) -> Result<Exchange, CallError> {
        let untold = self.version.get().is_none();
        let again = if untold { call.again() } else { None };
        let Some(again) = again else {
            let path = self.versioned(&call).await?;
            let (sender, answer) = self.send(call, path.clone(), upgrade).await?;
            return Ok(Exchange { path, sender, answer });
        };
        let (major, minor) = NEWEST;
        let path = format!("/v{major}.{minor}{}", call.path);
        let (sender, answer) = self.send(call, path.clone(), upgrade).await?;
        if answer.status() != StatusCode::BAD_REQUEST {
            self.agree(announced(answer.headers()).unwrap_or(NEWEST));
            return Ok(Exchange { path, sender, answer });
        }
        let refused = refusal(answer.status(), &read_all(&path, answer).await?);
        self.keep(sender);
        if !refused.is_of_version() {
            return Err(refused);
        }
        let path = self.versioned(&again).await?;
        let (sender, answer) = self.send(again, path.clone(), upgrade).await?;
        Ok(Exchange { path, sender, answer })
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

/// A call that went out, and the head of its answer.
struct Exchange {
    path: String,
    sender: SendRequest<RequestBody>,
    answer: Response<Incoming>,
}

/// The newest version of the engine that sent these headers, if it says so.
fn announced(headers: &HeaderMap) -> Option<(u32, u32)> {
    parse_version(headers.get("api-version")?.to_str().ok()?)
}

/// A header as the user wrote it.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), http::Error> {
    Ok((HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?))
}

async fn read_all(path: &str, answer: Response<Incoming>) -> Result<Bytes, CallError> {
    let mut body = answer.into_body();
    // what is announced is not believed beyond what an answer usually is
    let announced = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let mut all = Vec::with_capacity(announced.unwrap_or(0).min(LIKELY_BYTES));
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
