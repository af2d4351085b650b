//! `GET /events`: the head goes out at once, so that the client knows it is subscribed.

use std::str::FromStr;

use corten_base::Timestamp;
use corten_engine::event::EventStream;
use tokio::sync::mpsc;

use super::Api;
use crate::http::{Answer, Body, Failure, Piece, Request, answer};

/// `GET /events`
pub(super) fn events(api: &Api, request: &Request) -> Answer {
    let query = &request.query;
    let (since, until) = (query.text("since"), query.text("until"));
    let bounds = (instant(since)?, instant(until)?);
    if let (Some(after), Some(before)) = bounds
        && after > before
    {
        return Err(Failure::invalid(format!(
            "`since` time ({since}) cannot be after `until` time ({until})"
        )));
    }
    let stream = api.engine.events(query.filters()?, bounds.0, bounds.1)?;
    request.wire.watch_client();
    let (sender, body) = Body::stream();
    tokio::spawn(forward(stream, sender));
    Ok(answer::json_stream(body))
}

async fn forward(mut stream: EventStream, sender: mpsc::Sender<Piece>) {
    loop {
        let event = tokio::select! {
            event = stream.next() => event,
            () = sender.closed() => return,
        };
        let Some(event) = event else { return };
        if sender.send(Ok(corten_api::json::encode(&event).into())).await.is_err() {
            return;
        }
    }
}

/// A time of a query: seconds since 1970 with an optional fraction. The error is Go's, with status
/// 500 as in Docker.
pub(super) fn instant(text: &str) -> Result<Option<Timestamp>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = |part: &str| {
        i64::from_str(part)
            .map_err(|_| Failure::internal(format!("strconv.ParseInt: parsing {part:?}: invalid syntax")))
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds = number(seconds)?;
    if fraction.is_empty() {
        return Ok(Some(Timestamp::from_unix(seconds, 0)));
    }
    number(fraction)?;
    let nanos = format!("{fraction:0<9}")
        .get(..9)
        .and_then(|digits| digits.parse().ok());
    let nanos =
        nanos.ok_or_else(|| Failure::internal(format!("strconv.ParseInt: parsing {fraction:?}: invalid syntax")))?;
    Ok(Some(Timestamp::from_unix(seconds, nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_queries() {
        assert_eq!(instant(""), Ok(None));
        assert_eq!(instant("5"), Ok(Some(Timestamp::from_unix(5, 0))));
        assert_eq!(instant("5.25"), Ok(Some(Timestamp::from_unix(5, 250_000_000))));
        assert_eq!(instant("5.000000001"), Ok(Some(Timestamp::from_unix(5, 1))));
        let error = instant("x").unwrap_err();
        assert_eq!(error.message, "strconv.ParseInt: parsing \"x\": invalid syntax");
        for bad in ["5.x", "5.-1", "2026-01-01", "5.é"] {
            assert!(instant(bad).is_err(), "{bad}");
        }
    }
}
