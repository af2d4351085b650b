//! Names that the engine knows at this moment. One that does not answer soon has none.

use std::time::Duration;

use corten_api::Filters;
use corten_api::container::ContainerSummary;
use corten_client::{CallError, Client, ListOptions};

use super::Candidates;
use crate::config::{Globals, directory};
use crate::context::{DEFAULT, Store};
use crate::verb::{Invocation, block_on};

/// How long a key press may wait for the engine.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Containers(State),
    Images,
    Networks,
    Volumes,
    /// All of them.
    Everything,
}

/// Containers in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Any,
    Running,
    Paused,
    Stopped,
}

/// The names; none if the engine cannot be asked.
pub(super) fn names(program: &str, globals: &Globals, kind: Kind) -> Candidates {
    let invocation = Invocation {
        program: program.to_owned(),
        path: String::new(),
        usage: "",
        globals: globals.clone(),
    };
    let words = invocation.client().and_then(|client| {
        block_on(async {
            let asked = tokio::time::timeout(PATIENCE, ask(&client, kind)).await;
            Ok(asked.ok().and_then(Result::ok).unwrap_or_default())
        })
    });
    Candidates::described(words.unwrap_or_default())
}

/// The contexts there are.
pub(super) fn contexts(globals: &Globals) -> Candidates {
    let kept = Store::new(&directory(globals.config.as_deref())).list();
    let kept = kept.unwrap_or_default().into_iter();
    let default = (DEFAULT.to_owned(), String::new());
    Candidates::described([default].into_iter().chain(kept.map(|meta| {
        let about = meta.description().to_owned();
        (meta.name, about)
    })))
}

async fn ask(client: &Client, kind: Kind) -> Result<Vec<(String, String)>, CallError> {
    let bare = |name: String| (name, String::new());
    Ok(match kind {
        Kind::Containers(state) => containers(client, state).await?,
        Kind::Images => {
            let images = client.list_images(false, &Filters::default()).await?;
            let tags = images.iter().flat_map(|image| image.repo_tags.iter().cloned());
            tags.filter(|tag| !tag.contains("<none>")).map(bare).collect()
        }
        Kind::Networks => {
            let networks = client.list_networks(&Filters::default()).await?;
            networks
                .into_iter()
                .map(|network| (network.name, network.driver))
                .collect()
        }
        Kind::Volumes => {
            let found = client.list_volumes(&Filters::default()).await?;
            found.volumes.iter().map(|volume| bare(volume.name.clone())).collect()
        }
        Kind::Everything => {
            let mut all = Vec::new();
            for kind in [
                Kind::Containers(State::Any),
                Kind::Images,
                Kind::Networks,
                Kind::Volumes,
            ] {
                // An engine that lacks one of them still has the others.
                all.extend(Box::pin(ask(client, kind)).await.unwrap_or_default());
            }
            all
        }
    })
}

async fn containers(client: &Client, state: State) -> Result<Vec<(String, String)>, CallError> {
    let options = ListOptions {
        all: state != State::Running,
        ..ListOptions::default()
    };
    let found = client.list_containers(&options).await?;
    let fits = |container: &&ContainerSummary| match state {
        State::Any => true,
        State::Running => container.state != "paused",
        State::Paused => container.state == "paused",
        State::Stopped => ["created", "exited", "dead"].contains(&container.state.as_str()),
    };
    let named = |container: &ContainerSummary| {
        // Links give further names, which have a second slash.
        let name = container.names.iter().find(|name| name.matches('/').count() == 1)?;
        Some((name.trim_start_matches('/').to_owned(), container.image.clone()))
    };
    Ok(found.iter().filter(fits).filter_map(named).collect())
}
