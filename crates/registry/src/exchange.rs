//! One request to a registry over a connection of its own, with limits on time and on the length of the answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use corten_base::errno;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::server::Server;

/// How long one request may take, from the look-up of the name to the last byte.
const LIMIT: Duration = Duration::from_secs(30);

/// Longest answer in bytes: tokens have a few thousand.
const ANSWER_BYTES: usize = 1 << 20;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) method: Method,
    /// `https://host:port/path?query`.
    pub(crate) address: String,
    /// The header `Authorization`.
    pub(crate) authorization: Option<String>,
    /// A form.
    pub(crate) body: Option<String>,
}

impl Question {
    pub(crate) fn get(address: String) -> Self {
        Self {
            method: Method::GET,
            address,
            authorization: None,
            body: None,
        }
    }
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The request could not be made. Displays as Go's client says it.
#[derive(Debug, thiserror::Error)]
#[error("{verb} \"{address}\": {reason}")]
pub(crate) struct ExchangeError {
    verb: &'static str,
    address: String,
    reason: String,
}

impl ExchangeError {
    pub(crate) fn new(question: &Question, reason: impl Into<String>) -> Self {
        Self {
            verb: if question.method == Method::POST { "Post" } else { "Get" },
            address: question.address.clone(),
            reason: reason.into(),
        }
    }
}

/// Asks; whatever the status, an answer is one.
pub(crate) async fn ask(question: &Question, config: &Arc<ClientConfig>) -> Result<Answer, ExchangeError> {
    let answered = tokio::time::timeout(LIMIT, exchange(question, config)).await;
    let answered = answered.unwrap_or_else(|_late| Err("context deadline exceeded".to_owned()));
    answered.map_err(|reason| ExchangeError::new(question, reason))
}

async fn exchange(question: &Question, config: &Arc<ClientConfig>) -> Result<Answer, String> {
    let unsupported = || format!("unsupported protocol scheme {:?}", question.address);
    let (scheme, rest) = question.address.split_once("://").ok_or_else(unsupported)?;
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    let server = Server { host: host.to_owned() };
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let request = request(question, host, &path).map_err(|error| error.to_string())?;
    match scheme {
        "http" => speak(connect(&server, 80).await?, request).await,
        "https" => {
            let stream = connect(&server, 443).await?;
            let (name, _) = server.split(443);
            let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
            let shaken = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
            speak(shaken.map_err(|error| handshake_failure(&error))?, request).await
        }
        _ => Err(unsupported()),
    }
}

fn request(question: &Question, host: &str, path: &str) -> Result<http::Request<Full<Bytes>>, http::Error> {
    let mut request = http::Request::builder()
        .method(question.method.clone())
        .uri(path)
        .header("host", host)
        .header("user-agent", concat!("corten/", env!("CARGO_PKG_VERSION")))
        .header("accept", "*/*");
    if let Some(authorization) = &question.authorization {
        request = request.header("authorization", authorization);
    }
    if question.body.is_some() {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    request.body(Full::new(Bytes::from(question.body.clone().unwrap_or_default())))
}

/// Go says of a server without TLS what it is.
fn handshake_failure(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidMessage(_)) => "http: server gave HTTP response to HTTPS client".to_owned(),
        Some(rustls::Error::InvalidCertificate(reason)) => {
            format!("tls: failed to verify certificate: x509: {reason}")
        }
        Some(other) => format!("tls: {other}"),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        None => errno::words(error),
    }
}

async fn connect(server: &Server, port: u16) -> Result<TcpStream, String> {
    let (name, port) = server.split(port);
    let found = tokio::net::lookup_host((name, port)).await;
    let mut addresses = found.map_err(|_unknown| format!("dial tcp: lookup {name}: no such host"))?;
    let address = addresses
        .next()
        .ok_or_else(|| format!("dial tcp: lookup {name}: no such host"))?;
    let stream = TcpStream::connect(address).await;
    stream.map_err(|error| format!("dial tcp {address}: connect: {}", errno::words(&error)))
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: http::Request<Full<Bytes>>,
) -> Result<Answer, String> {
    let failed = |error: hyper::Error| match std::error::Error::source(&error) {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let asked = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES)
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    };
    tokio::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        // The answer may be complete when the connection is.
        ended = connection => match ended {
            Ok(()) => asked.await,
            Err(error) => Err(failed(error)),
        },
    }
}
