//! Archives of images: load and save.

use corten_api::message::ProgressMessage;
use corten_api::version::ApiVersion;
use corten_engine::image::LoadProgress;
use http::StatusCode;
use tokio::sync::mpsc;

use super::pull::message;
use super::{Api, platform};
use crate::http::{Aborted, Answer, Body, BodyReader, Failure, Piece, Request, STREAM_PIECES, StreamWriter, answer};

/// The version that brought the parameter `platform` of both.
const SINCE: ApiVersion = ApiVersion::new(1, 48);

/// `POST /images/load`: what fails is told in the stream. The answer begins with the first thing that there is to
/// tell: a client that wants no progress may take an answer for the end and never read it (observed: moby's own).
pub(super) async fn load(api: &Api, request: Request) -> Answer {
    let wanted = platform::wanted(&request.query, request.version, SINCE)?;
    let quiet = request.query.boolean_or("quiet", true);
    let (sender, pieces) = mpsc::channel(STREAM_PIECES);
    let engine = api.engine.clone();
    tokio::spawn(async move {
        let progress = sender.clone();
        let told = move |step| tell(&progress, step, quiet);
        if let Err(error) = engine.load_images(wanted, BodyReader::new(request.body), told).await {
            let failed = message(&ProgressMessage::failed(error.message));
            drop(sender.send(Ok(failed.into())).await);
        }
    });
    Ok(answer::json_stream(Body::begun(pieces).await))
}

/// Called on the blocking thread that loads. A client that is gone does not stop the load; one that
/// sends its archive without reading what we say misses some figures.
fn tell(client: &mpsc::Sender<Piece>, step: LoadProgress, quiet: bool) {
    match step {
        LoadProgress::Layer { .. } if quiet => {}
        LoadProgress::Layer { id, current, total } => {
            let figures = ProgressMessage::layer("Loading layer", &id, current, total);
            drop(client.try_send(Ok(message(&figures).into())));
        }
        LoadProgress::Message(line) => {
            let line = ProgressMessage::stream(format!("{line}\n"));
            drop(client.blocking_send(Ok(message(&line).into())));
        }
    }
}

/// `GET /images/get` and `GET /images/{name}/get`: unknown names are found before the stream begins.
pub(super) async fn save(api: &Api, names: Vec<String>, request: &Request) -> Answer {
    if names.is_empty() {
        return Err(Failure::new(StatusCode::BAD_REQUEST, "no image names given"));
    }
    let wanted = platform::wanted(&request.query, request.version, SINCE)?;
    let ticket = api.engine.prepare_save(names, wanted).await?;
    let (sender, body) = Body::stream();
    tokio::spawn(async move {
        if let Err(error) = ticket.write(StreamWriter::new(sender.clone())).await {
            tracing::error!("save failed: {error}");
            drop(sender.send(Err(Aborted)).await);
        }
    });
    Ok(answer::stream("application/x-tar", body))
}
