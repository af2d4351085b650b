//! Archives of images: load and save.

use bytes::Bytes;
use corten_api::message::ProgressMessage;
use corten_engine::image::LoadProgress;
use http::StatusCode;
use tokio::sync::mpsc;

use super::Api;
use super::pull::message;
use crate::http::{Answer, Body, BodyReader, Failure, Request, StreamWriter, answer};

/// `POST /images/load`: the answer begins at once, so that what fails is told in the stream.
pub(super) fn load(api: &Api, request: Request) -> Answer {
    if request.query.filled("platform").is_some() {
        return Err(Failure::not_built("load with a platform"));
    }
    let quiet = request.query.boolean_or("quiet", true);
    let (sender, body) = Body::stream();
    let engine = api.engine.clone();
    tokio::spawn(async move {
        let progress = sender.clone();
        let told = move |step| tell(&progress, step, quiet);
        if let Err(error) = engine.load_images(BodyReader::new(request.body), told).await {
            let failed = message(&ProgressMessage::failed(error.message));
            drop(sender.send(failed.into()).await);
        }
    });
    Ok(answer::json_stream(body))
}

/// Called on the blocking thread that loads. A client that is gone does not stop the load.
fn tell(client: &mpsc::Sender<Bytes>, step: LoadProgress, quiet: bool) {
    let step = match step {
        LoadProgress::Layer { .. } if quiet => return,
        LoadProgress::Layer { id, current, total } => ProgressMessage::layer("Loading layer", &id, current, total),
        LoadProgress::Message(line) => ProgressMessage::stream(format!("{line}\n")),
    };
    drop(client.blocking_send(message(&step).into()));
}

/// `GET /images/get` and `GET /images/{name}/get`: unknown names are found before the stream begins.
pub(super) async fn save(api: &Api, names: Vec<String>) -> Answer {
    if names.is_empty() {
        return Err(Failure::new(StatusCode::BAD_REQUEST, "no image names given"));
    }
    api.engine.check_images(names.clone()).await?;
    let (sender, body) = Body::stream();
    let engine = api.engine.clone();
    tokio::spawn(async move {
        if let Err(error) = engine.save_images(names, StreamWriter::new(sender)).await {
            tracing::error!("save failed: {error}");
        }
    });
    Ok(answer::stream("application/x-tar", body))
}
