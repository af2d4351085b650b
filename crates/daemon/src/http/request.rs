//! A request as handlers see it: version, query, body, connection.

use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use corten_api::version::ApiVersion;
use corten_api::{Filters, query};
use http::header::{ACCEPT, CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as HttpBody, Incoming};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::record::{self, Record};
use super::{Failure, Wire};

/// Most bytes of a JSON body: far above what any client sends (a create body with thousands of
/// variables), far below what hurts.
pub(super) const JSON_BODY_BYTES: usize = 8 << 20;

/// Bodies above this length need a place among [`LARGE_BODIES`]: many clients with long bodies wait for each
/// other instead of filling the memory.
const LARGE_BODY_BYTES: usize = 256 << 10;

/// The places: with [`JSON_BODY_BYTES`] each, 64 MiB.
static LARGE_BODIES: Semaphore = Semaphore::const_new(8);

/// How long nothing of a JSON body may come.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// How long a JSON body may take.
const BODY_LIMIT: Duration = Duration::from_secs(120);

/// One request.
#[derive(Debug)]
pub struct Request {
    /// The API version asked for; the newest if none was.
    pub version: ApiVersion,
    /// The version of HTTP.
    pub protocol: http::Version,
    /// Its query.
    pub query: Query,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Incoming,
    /// Its connection.
    pub wire: Wire,
}

/// The decoded pairs of a query string.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
    record: Record,
}

impl Query {
    /// Reads a raw query string.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        Self {
            pairs: query::pairs(raw),
            record: Record::default(),
        }
    }

    /// Reads the query of a request.
    #[must_use]
    pub fn of(method: &http::Method, uri: &http::Uri) -> Self {
        let mut query = Self::new(uri.query().unwrap_or_default());
        record::blind(method, uri.path(), &mut query.pairs);
        query
    }

    /// The record of the call.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The first value of a key; empty if absent.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    /// The first value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.record.reads(key);
        self.pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a key unless absent or empty.
    #[must_use]
    pub fn filled(&self, key: &str) -> Option<String> {
        self.get(key).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// All values of a key.
    #[must_use]
    pub fn all(&self, key: &str) -> Vec<String> {
        self.record.reads(key);
        self.pairs
            .iter()
            .filter(|(name, _)| name == key)
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// A boolean; absent is false.
    #[must_use]
    pub fn boolean(&self, key: &str) -> bool {
        query::boolean(self.text(key))
    }

    /// A boolean whose absence means `default`.
    #[must_use]
    pub fn boolean_or(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, query::boolean)
    }

    /// The `filters` of list calls.
    ///
    /// # Errors
    /// They are not what Docker accepts.
    pub fn filters(&self) -> Result<Filters, Failure> {
        Ok(Filters::parse(self.text("filters"))?)
    }

    /// A whole number; absent or empty is none. The error is Go's, with status 500 as in Docker.
    ///
    /// # Errors
    /// It is not a number.
    pub fn number(&self, key: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.filled(key) else { return Ok(None) };
        i64::from_str(&text).map(Some).map_err(|error| {
            let why = match error.kind() {
                std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
                _ => "invalid syntax",
            };
            Failure::internal(format!("strconv.Atoi: parsing {text:?}: {why}"))
        })
    }
}

impl Request {
    /// Whether the client asked for `Upgrade` before a hijack.
    #[must_use]
    pub fn wants_upgrade(&self) -> bool {
        self.headers.contains_key(UPGRADE)
    }

    /// Whether the client said that it understands this content type; that it understands any does not count.
    #[must_use]
    pub fn accepts(&self, content_type: &str) -> bool {
        let said = self.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        let mut types = said.unwrap_or_default().split(',');
        types.any(|accepted| accepted.split(';').next().unwrap_or_default().trim() == content_type)
    }

    /// Reads the whole body as one JSON document.
    ///
    /// # Errors
    /// Wrong content type, too long, cut short, not JSON, of the wrong shape, or followed by more.
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        if let Err(failure) = self.check_content_type() {
            drain(&mut self.body).await;
            return Err(failure);
        }
        Ok(corten_api::json::decode(&self.small_body().await?)?)
    }

    /// The same where no body at all means the default.
    ///
    /// # Errors
    /// As [`Request::json`].
    pub async fn json_or_default<T: DeserializeOwned + Default>(&mut self) -> Result<T, Failure> {
        if self.body.is_end_stream() {
            return Ok(T::default());
        }
        self.json().await
    }

    async fn small_body(&mut self) -> Result<Vec<u8>, Failure> {
        let bytes = gather(&mut self.body).await?;
        self.query.record.body(&bytes);
        Ok(bytes)
    }

    /// Docker wants `application/json` wherever a body is JSON; none is accepted without a body.
    fn check_content_type(&self) -> Result<(), Failure> {
        let given = self
            .headers
            .get(CONTENT_TYPE)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let given = given.unwrap_or_default();
        if given.is_empty() && self.body.is_end_stream() {
            return Ok(());
        }
        let essence = given.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            return Ok(());
        }
        if given.is_empty() {
            return Err(Failure::invalid(
                "malformed Content-Type header (): mime: no media type",
            ));
        }
        Err(Failure::invalid(format!(
            "unsupported Content-Type header ({given}): must be 'application/json'"
        )))
    }
}

/// Reads a body into memory, within limits of length and time.
async fn gather<B: HttpBody<Data = Bytes> + Unpin>(body: &mut B) -> Result<Vec<u8>, Failure> {
    let late = || Failure::new(StatusCode::REQUEST_TIMEOUT, "the request's body took too long");
    let deadline = tokio::time::Instant::now() + BODY_LIMIT;
    let mut gathered = Vec::new();
    let mut place = None;
    loop {
        let until = deadline.min(tokio::time::Instant::now() + STALL_LIMIT);
        let frame = tokio::time::timeout_at(until, body.frame()).await.map_err(|_| late())?;
        let Some(frame) = frame else { return Ok(gathered) };
        let frame = frame.map_err(|_| Failure::invalid("unexpected EOF"))?;
        let Some(data) = frame.data_ref() else { continue };
        if gathered.len() + data.len() > JSON_BODY_BYTES {
            let text = "http: request body too large";
            return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        if place.is_none() && gathered.len() + data.len() > LARGE_BODY_BYTES {
            let waited = tokio::time::timeout_at(deadline, LARGE_BODIES.acquire()).await;
            place = Some(waited.map_err(|_| late())?);
        }
        gathered.extend_from_slice(data);
    }
}

/// Most bytes of a body that nobody wants which are read away (as in Go).
const DRAINED_BYTES: usize = 256 << 10;

/// Reads away a body that nobody wants: a client that still sends it would otherwise meet a closed
/// connection before it reads its answer. A longer or broken one is left.
pub async fn drain(body: &mut Incoming) {
    if !body.is_end_stream() {
        drop(Limited::new(body, DRAINED_BYTES).collect().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fail_as_in_go() {
        let query = Query::new("a=1&b=x&c=&d=99999999999999999999&t=-1");
        assert_eq!(query.number("a"), Ok(Some(1)));
        assert_eq!(query.number("t"), Ok(Some(-1)));
        assert_eq!(query.number("c"), Ok(None));
        assert_eq!(query.number("none"), Ok(None));
        let message = |key| query.number(key).unwrap_err().message;
        assert_eq!(message("b"), "strconv.Atoi: parsing \"x\": invalid syntax");
        assert_eq!(
            message("d"),
            "strconv.Atoi: parsing \"99999999999999999999\": value out of range"
        );
    }

    /// Says something, then nothing for ever.
    struct Stalled(Option<Bytes>);

    impl HttpBody for Stalled {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            match self.0.take() {
                Some(bytes) => std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(bytes)))),
                None => std::task::Poll::Pending,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_stall_are_given_up_and_long_ones_wait_for_a_place() {
        let status = |result: Result<Vec<u8>, Failure>| result.map_err(|failure| failure.status);
        let small = gather(&mut Stalled(Some(Bytes::from_static(b"{")))).await;
        assert_eq!(status(small), Err(StatusCode::REQUEST_TIMEOUT));
        let long = Bytes::from(vec![b' '; LARGE_BODY_BYTES + 1]);
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let mut body = Stalled(Some(long.clone()));
            all.spawn(async move { gather(&mut body).await.map_err(|failure| failure.status) });
        }
        // While eight stall, a ninth has no place.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(LARGE_BODIES.available_permits(), 0);
        while let Some(ended) = all.join_next().await {
            assert_eq!(ended.unwrap(), Err(StatusCode::REQUEST_TIMEOUT));
        }
        assert_eq!(LARGE_BODIES.available_permits(), 8);
    }

    #[test]
    fn a_missing_boolean_may_mean_true() {
        let query = Query::new("quiet=0&v");
        assert!(!query.boolean_or("quiet", true));
        assert!(query.boolean_or("absent", true));
        assert!(!query.boolean("v"));
    }
}
