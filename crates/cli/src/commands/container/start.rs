//! `start`: starts containers, or starts one and attaches to it.

use std::sync::Arc;

use corten_api::container::ContainerInspect;
use corten_client::{AttachOptions, Client, WaitCondition};

use super::run::finish;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::stream::{Attached, Beside, Ending, Session, Sized};
use crate::terminal::{self, DetachKeys};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("attach", Kind::Bool, "Attach STDOUT and STDERR, and pass signals on").short('a'),
    Flag::new("checkpoint", Kind::Text, "Go on from this checkpoint").hidden(),
    Flag::new("checkpoint-dir", Kind::Text, "").hidden(),
    Flag::new("detach-keys", Kind::Text, "Keys that detach"),
    Flag::new("interactive", Kind::Bool, "Attach the container's STDIN").short('i'),
];

pub(super) const VERB: Verb = Verb {
    names: &["start"],
    shortcut: Some("start"),
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Start one or more stopped containers",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: start,
};

fn start(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    if let Some(flag) = ["checkpoint", "checkpoint-dir"]
        .into_iter()
        .find(|flag| parsed.is_set(flag))
    {
        return Err(Failure::new(format!(
            "\"--{flag}\" is only supported on a Docker daemon with experimental features enabled"
        )));
    }
    let client = Arc::new(invocation.client()?);
    if !parsed.on("attach") && !parsed.on("interactive") {
        return block_on(start_all(&client, &parsed.arguments));
    }
    let [name] = parsed.arguments.as_slice() else {
        return Err(Failure::new("you cannot start and attach multiple containers at once"));
    };
    let keys = parsed
        .text("detach-keys")
        .map_or_else(|| invocation.config().detach_keys, str::to_owned);
    block_on(async {
        let container = client.inspect_container(name).await?;
        attached(&client, &container, parsed.on("interactive"), keys).await
    })
}

async fn start_all(client: &Client, names: &[String]) -> Result<(), Failure> {
    let mut failed = Vec::new();
    for name in names {
        match client.start_container(name, "").await {
            Ok(()) => output::line(name)?,
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => {
                eprintln!("{error}");
                failed.push(name.as_str());
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "Error: failed to start containers: {}",
        failed.join(", ")
    )))
}

async fn attached(
    client: &Arc<Client>,
    container: &ContainerInspect,
    interactive: bool,
    keys: String,
) -> Result<(), Failure> {
    let (id, config) = (&container.id, &container.config);
    let detach_keys =
        DetachKeys::parse(&keys).map_err(|error| Failure::new(format!("invalid detach keys ({keys}): {error}")))?;
    let mut beside = Beside::default();
    if !config.tty {
        beside.proxy_signals(client, id)?;
    }
    let input = interactive && config.open_stdin;
    let options = AttachOptions {
        stdin: input,
        stdout: true,
        stderr: true,
        logs: false,
        detach_keys: keys,
    };
    let hijacked = client.attach_container(id, &options).await?;
    let session = Session::start(
        hijacked,
        Attached {
            input,
            output: true,
            tty: config.tty,
            detach_keys,
        },
    )?;
    let condition = if container.host_config.auto_remove {
        WaitCondition::Removed
    } else {
        WaitCondition::NextExit
    };
    let ending = Ending::ask(client, id, condition).await?;
    if let Err(error) = client.start_container(id, "").await {
        session.close();
        return Err(error.into());
    }
    if config.tty && terminal::size().is_some() {
        beside.follow_size(client, Sized::Container(id.clone()))?;
    }
    finish(session, ending).await
}
