//! `GET /containers/{id}/stats`: one document, or one a second.

use corten_engine::request::StatsOptions;
use corten_engine::stats::StatsStream;
use tokio::sync::mpsc;

use super::Api;
use crate::http::{Aborted, Answer, Body, Failure, Piece, Request, answer};

/// `GET /containers/{id}/stats`
pub(super) async fn stats(api: &Api, id: &str, request: &Request) -> Answer {
    let options = StatsOptions {
        stream: request.query.boolean_or("stream", true),
        one_shot: request.query.boolean("one-shot"),
    };
    if options.stream && options.one_shot {
        return Err(Failure::invalid("cannot have stream=true and one-shot=true"));
    }
    let mut stream = api.engine.stats(id, options)?;
    request.wire.watch_client();
    if !options.stream {
        let sample = stream.next().await?.unwrap_or_default();
        return Ok(answer::json(&sample));
    }
    let (sender, body) = Body::stream();
    tokio::spawn(forward(stream, sender));
    Ok(answer::json_stream(body))
}

async fn forward(mut stream: StatsStream, sender: mpsc::Sender<Piece>) {
    loop {
        let sample = tokio::select! {
            sample = stream.next() => sample,
            () = sender.closed() => return,
        };
        let piece = match sample {
            Ok(Some(sample)) => Ok(corten_api::json::encode(&sample).into()),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "stats end early");
                Err(Aborted)
            }
        };
        let over = piece.is_err();
        // A client that does not read keeps no samples waiting: it gets the next one when it reads again.
        if sender.send(piece).await.is_err() || over {
            return;
        }
    }
}
