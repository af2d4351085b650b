//! `GET /containers/{id}/logs`.

use bytes::Bytes;
use corten_api::frame::{self, Stream};
use corten_api::version::ApiVersion;
use corten_engine::logs::LogStream;
use corten_engine::request::LogOptions;
use tokio::sync::mpsc;

use super::Api;
use super::events::instant;
use crate::http::{Answer, Body, Failure, Piece, Query, Request, answer};

/// Pieces that wait for a client, beside the one that is being sent and the one that is being read.
const WAITING_PIECES: usize = 1;

/// `GET /containers/{id}/logs`
pub(super) async fn logs(api: &Api, id: &str, request: &Request) -> Answer {
    let mut options = options(&request.query)?;
    // Docker's clients do not say so, and get what a terminal wrote as it is.
    options.framed = request.accepts(answer::MULTIPLEXED_STREAM);
    if options.follow {
        request.wire.watch_client();
    }
    let stream = api.engine.logs(id, options).await?;
    let framed = stream.multiplexed();
    let content_type = match framed && request.version >= ApiVersion::new(1, 42) {
        true => answer::MULTIPLEXED_STREAM,
        false => answer::RAW_STREAM,
    };
    let (sender, body) = Body::stream_of(WAITING_PIECES);
    tokio::spawn(forward(stream, sender));
    Ok(answer::stream(content_type, body))
}

fn options(query: &Query) -> Result<LogOptions, Failure> {
    let (stdout, stderr) = (query.boolean("stdout"), query.boolean("stderr"));
    if !(stdout || stderr) {
        return Err(Failure::invalid("Bad parameters: you must choose at least one stream"));
    }
    // A time of 0 is how clients say that there is no bound.
    let bound = |key: &str| instant(Some(query.text(key)).filter(|text| *text != "0").unwrap_or_default());
    Ok(LogOptions {
        follow: query.boolean("follow"),
        stdout,
        stderr,
        since: bound("since")?,
        until: bound("until")?,
        timestamps: query.boolean("timestamps"),
        // Anything but a number of lines means all of them, as in Docker.
        tail: query.text("tail").parse().ok(),
        details: query.boolean("details"),
        raw: false,
        framed: false,
    })
}

async fn forward(mut stream: LogStream, sender: mpsc::Sender<Piece>) {
    let framed = stream.multiplexed();
    // Nothing is read for a client that has not taken what was.
    while let Ok(place) = sender.reserve().await {
        let piece = tokio::select! {
            piece = stream.next() => piece,
            () = sender.closed() => return,
        };
        match piece {
            None => return,
            Some(Ok(piece)) => place.send(Ok(piece)),
            Some(Err(error)) => {
                let text = format!("Error grabbing logs: {error}\n");
                return place.send(Ok(in_band(framed, &text)));
            }
        }
    }
}

/// An error after the head is out: a frame that clients turn into an error, or plain text.
fn in_band(framed: bool, text: &str) -> Bytes {
    let mut bytes = Vec::new();
    if framed {
        frame::write(&mut bytes, Stream::System, text.as_bytes());
    } else {
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let read = |query| options(&Query::new(query));
        assert!(read("stdout=0&follow=1").is_err());
        let wanted = read("stderr=1&tail=all&since=0&until=1.5").unwrap();
        assert_eq!((wanted.tail, wanted.since, wanted.stdout), (None, None, false));
        assert_eq!(wanted.until.map(|until| until.subsecond_nanos()), Some(500_000_000));
        assert_eq!(read("stdout=1&tail=10").unwrap().tail, Some(10));
        assert_eq!(read("stdout=1&tail=-1").unwrap().tail, None);
    }
}
