//! A request as handlers see it: version, query, body, connection.

use std::str::FromStr;

use corten_api::version::ApiVersion;
use corten_api::{Filters, query};
use http::header::{CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use serde::de::DeserializeOwned;

use super::{Failure, Wire};

/// Most bytes of a JSON body: far above what any client sends (a create body with thousands of
/// variables), far below what hurts.
pub(super) const JSON_BODY_BYTES: usize = 8 << 20;

/// One request.
#[derive(Debug)]
pub struct Request {
    /// The API version asked for; the newest if none was.
    pub version: ApiVersion,
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
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a raw query string.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        Self(query::pairs(raw))
    }

    /// The first value of a key; empty if absent.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    /// The first value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
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
        self.0
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

    async fn small_body(&mut self) -> Result<bytes::Bytes, Failure> {
        match Limited::new(&mut self.body, JSON_BODY_BYTES).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "http: request body too large",
            )),
            Err(_) => Err(Failure::invalid("unexpected EOF")),
        }
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

    #[test]
    fn a_missing_boolean_may_mean_true() {
        let query = Query::new("quiet=0&v");
        assert!(!query.boolean_or("quiet", true));
        assert!(query.boolean_or("absent", true));
        assert!(!query.boolean("v"));
    }
}
