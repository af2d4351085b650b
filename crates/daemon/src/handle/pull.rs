//! `POST /images/create`: import of a tar, and pull by name.

use corten_api::message::ProgressMessage;
use corten_base::reference::Reference;
use corten_engine::request::ImportImageOptions;

use super::Api;
use crate::http::{Answer, Body, BodyReader, Failure, Request, answer};

/// `POST /images/create`
pub(super) async fn create(api: &Api, request: Request) -> Answer {
    match request.query.filled("fromImage") {
        Some(image) => pull(api, &image, request.query.text("tag")).await,
        None => import(api, request).await,
    }
}

/// Makes an image of the body. The answer is one message, and a plain error if it fails.
async fn import(api: &Api, request: Request) -> Answer {
    let query = &request.query;
    match query.text("fromSrc") {
        "-" => {}
        "" => return Err(Failure::invalid("neither fromImage nor fromSrc is given")),
        _ => return Err(Failure::not_built("import from a URL")),
    }
    let options = ImportImageOptions {
        repository: query.text("repo").to_owned(),
        tag: query.text("tag").to_owned(),
        message: query.text("message").to_owned(),
        changes: query.all("changes"),
        platform: query.text("platform").to_owned(),
    };
    let id = api.engine.import_image(BodyReader::new(request.body), options).await?;
    Ok(answer::json_stream(Body::whole(message(&ProgressMessage::status(id)))))
}

/// There is no registry client yet: only the embedded image can be had.
async fn pull(api: &Api, image: &str, tag: &str) -> Answer {
    let reference = match tag {
        "" => Reference::parse(image).map(Reference::or_latest),
        digest if digest.contains(':') => Reference::parse(&format!("{image}@{digest}")),
        tag => Reference::parse(&format!("{image}:{tag}")),
    };
    let reference = reference.map_err(|error| Failure::invalid(error.to_string()))?;
    let name = reference.familiar();
    if !api.engine.provide_embedded_image(&name).await? {
        return Err(Failure::internal(format!(
            "Get \"https://{}/v2/\": pulling from a registry is not implemented yet",
            registry_host(reference.domain())
        )));
    }
    let from = ProgressMessage {
        id: reference.tag().unwrap_or_default().to_owned(),
        ..ProgressMessage::status(format!("Pulling from {}", reference.path()))
    };
    let provided = ProgressMessage::status("Providing the image embedded in cortend");
    let done = ProgressMessage::status(format!("Status: Downloaded newer image for {name}"));
    // One chunk per message: there are clients that take a chunk for a message.
    let (sender, body) = Body::stream();
    for step in [from, provided, done] {
        drop(sender.send(Ok(message(&step).into())).await);
    }
    Ok(answer::json_stream(body))
}

fn registry_host(domain: &str) -> &str {
    if domain == "docker.io" {
        "registry-1.docker.io"
    } else {
        domain
    }
}

/// A message and the separator behind it.
pub(super) fn message(message: &ProgressMessage) -> Vec<u8> {
    let mut bytes = corten_api::json::encode(message);
    bytes.pop();
    bytes.extend_from_slice(b"\r\n");
    bytes
}
