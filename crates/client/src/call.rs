//! One call before it is sent: what it asks, and what it carries.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Frame;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::error::CallError;
use crate::query::Query;

pub(crate) type RequestBody = BoxBody<Bytes, io::Error>;

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
#[derive(Debug)]
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

    /// The same call once more; `None` if what it carries can be sent only once.
    pub(crate) fn again(&self) -> Option<Self> {
        let payload = match &self.payload {
            Payload::None => Payload::None,
            Payload::Json(bytes) => Payload::Json(bytes.clone()),
            Payload::Upload { .. } => return None,
        };
        Some(Self {
            method: self.method.clone(),
            path: self.path.clone(),
            payload,
            headers: self.headers.clone(),
        })
    }
}

/// The request as it goes out.
pub(crate) fn build(call: Call, path: &str, upgrade: bool) -> Result<Request<RequestBody>, CallError> {
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
