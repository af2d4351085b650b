//! Answers: status, headers, body.

use bytes::Bytes;
use corten_api::version;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, PRAGMA, SERVER};
use http::{Response, StatusCode};
use serde::Serialize;

use super::{Body, Failure};

/// What a handler gives back.
pub type Answer = Result<Response<Body>, Failure>;

/// Bytes of a terminal, or of a stream that is not framed.
pub const RAW_STREAM: &str = "application/vnd.docker.raw-stream";

/// Frames (`corten_api::frame`).
pub const MULTIPLEXED_STREAM: &str = "application/vnd.docker.multiplexed-stream";

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// A status without body.
#[must_use]
pub fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// 200 with a document.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Response<Body> {
    json_with(StatusCode::OK, value)
}

/// A status with a document.
pub fn json_with<T: Serialize + ?Sized>(code: StatusCode, value: &T) -> Response<Body> {
    typed(code, JSON, Body::whole(corten_api::json::encode(value)))
}

/// 200 with a document that is JSON text already.
#[must_use]
pub fn document(text: Vec<u8>) -> Response<Body> {
    typed(StatusCode::OK, JSON, Body::whole(text))
}

/// 200 with a document that comes later or in pieces.
#[must_use]
pub fn json_stream(body: Body) -> Response<Body> {
    typed(StatusCode::OK, JSON, body)
}

/// 200 with a body of some type.
#[must_use]
pub fn stream(content_type: &'static str, body: Body) -> Response<Body> {
    typed(StatusCode::OK, content_type, body)
}

/// A failure as its status says: 304 has no body.
#[must_use]
pub fn failure(failure: &Failure) -> Response<Body> {
    if failure.status == StatusCode::NOT_MODIFIED {
        return status(failure.status);
    }
    typed(failure.status, JSON, Body::whole(failure.body()))
}

/// A failure where Docker writes plain text.
#[must_use]
pub fn text_failure(failure: &Failure, content_type: &'static str) -> Response<Body> {
    let mut response = typed(
        failure.status,
        content_type,
        Body::whole(format!("{}\r\n", failure.message)),
    );
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The client is sent to another path, with its query.
#[must_use]
pub fn redirect(path: &str, query: Option<&str>) -> Response<Body> {
    let mut response = status(StatusCode::MOVED_PERMANENTLY);
    let mut location = corten_api::query::escape(path).replace("%2F", "/");
    if let Some(query) = query {
        location = format!("{location}?{query}");
    }
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The answer to a version that is not served: plain text for clients too old for JSON errors.
#[must_use]
pub fn version_failure(error: &version::VersionError) -> Response<Body> {
    let refused = Failure::invalid(error.to_string());
    match error {
        version::VersionError::TooNew(_) => failure(&refused),
        version::VersionError::TooOld(_) => typed(refused.status, TEXT, Body::whole(format!("{}\n", refused.message))),
    }
}

/// What a client should build with, as the answer to `/_ping` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// `POST /build` with a context.
    Classic,
    /// BuildKit, over `POST /grpc` and `POST /session`.
    BuildKit,
}

/// The answer to `/_ping`; `with_body` for GET.
#[must_use]
pub fn ping(with_body: bool, builder: Builder) -> Response<Body> {
    let body = if with_body {
        Bytes::from_static(b"OK")
    } else {
        Bytes::new()
    };
    let mut response = typed(StatusCode::OK, TEXT, Body::Whole(body));
    let headers = response.headers_mut();
    headers.insert(
        HeaderName::from_static("builder-version"),
        HeaderValue::from_static(match builder {
            Builder::Classic => "1",
            Builder::BuildKit => "2",
        }),
    );
    headers.insert(HeaderName::from_static("swarm"), HeaderValue::from_static("inactive"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store, must-revalidate"),
    );
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Adds the headers that every answer has.
pub fn sign(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("api-version"), HeaderValue::from_static("1.51"));
    headers.insert(
        HeaderName::from_static("docker-experimental"),
        HeaderValue::from_static("false"),
    );
    headers.insert(HeaderName::from_static("ostype"), HeaderValue::from_static("linux"));
    headers.insert(SERVER, HeaderValue::from_static(crate::release::SERVER_HEADER));
}

/// The same headers as lines, for heads that are written by hand.
#[must_use]
pub fn signature() -> String {
    format!(
        "Api-Version: {}\r\nDocker-Experimental: false\r\nOstype: linux\r\nServer: {}\r\n",
        version::MAX,
        crate::release::SERVER_HEADER
    )
}

fn typed(code: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
