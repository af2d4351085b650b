//! `run`: create, attach, wait, start, in this order, so that no byte of output and no end is missed.

use std::sync::Arc;

use corten_client::{AttachOptions, Client, RemoveOptions, WaitCondition};

use super::make::Order;
use crate::container_config::{FLAGS, refuse_foreign};
use crate::failure::{ENGINE_FAILED, Failure};
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::stream::{Attached, Beside, End, Ending, Session, Sized};
use crate::terminal::{self, DetachKeys};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const OWN: &[Flag] = &[
    Flag::new(
        "detach",
        Kind::Bool,
        "Run in the background and print the container's id",
    )
    .short('d'),
    Flag::new("detach-keys", Kind::Text, "Keys that detach"),
    Flag::new("sig-proxy", Kind::Bool, "Pass received signals on to the process").default("true"),
];

pub(super) const VERB: Verb = Verb {
    names: &["run"],
    shortcut: Some("run"),
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create and run a new container from an image",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS, OWN],
        interspersed: false,
    },
    run,
};

/// Which streams are joined, and how.
struct Plan {
    order: Order,
    detach: bool,
    sig_proxy: bool,
    detach_keys: String,
}

fn run(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let plan = plan(invocation, parsed)?;
    let client = Arc::new(invocation.client()?);
    block_on(async {
        let id = plan
            .order
            .make(&client)
            .await
            .map_err(|failure| not_run(invocation, failure))?;
        if plan.detach {
            let started = client.start_container(&id, "").await.map_err(Failure::from);
            // Also of one that did not start: it is there, and whoever asked must be able to remove it.
            output::line(&id)?;
            return started.map_err(|failure| not_run(invocation, failure));
        }
        attached(invocation, &client, &plan, &id).await
    })
}

fn plan(invocation: &Invocation, parsed: &Parsed) -> Result<Plan, Failure> {
    refuse_foreign(parsed).map_err(|error| Failure::new(error.to_string()))?;
    let mut order = Order::new(invocation, parsed).map_err(|failure| invocation.with_help(failure, "run"))?;
    let detach = parsed.on("detach");
    let config = &mut order.body.config;
    if detach {
        if parsed.is_set("attach") {
            return Err(Failure::new(
                "conflicting options: cannot specify both --attach and --detach",
            ));
        }
        config.attach_stdin = false;
        config.attach_stdout = false;
        config.attach_stderr = false;
        config.stdin_once = false;
    } else if config.tty && config.attach_stdin && !terminal::is_terminal() {
        return Err(Failure::new("the input device is not a TTY"));
    }
    if let (Some(host), Some((height, width))) = (&mut order.body.host_config, terminal::size()) {
        host.console_size = [u32::from(height), u32::from(width)];
    }
    let detach_keys = match parsed.text("detach-keys") {
        Some(keys) => keys.to_owned(),
        None if detach => String::new(),
        None => invocation.config().detach_keys,
    };
    Ok(Plan {
        order,
        detach,
        sig_proxy: parsed.bool("sig-proxy").unwrap_or(true),
        detach_keys,
    })
}

async fn attached(invocation: &Invocation, client: &Arc<Client>, plan: &Plan, id: &str) -> Result<(), Failure> {
    let config = &plan.order.body.config;
    let auto_remove = plan
        .order
        .body
        .host_config
        .as_ref()
        .is_some_and(|host| host.auto_remove);
    let mut beside = Beside::default();
    if plan.sig_proxy {
        beside.proxy_signals(client, id)?;
    }
    let session = attach(client, plan, id).await?;
    let condition = if auto_remove {
        WaitCondition::Removed
    } else {
        WaitCondition::NextExit
    };
    let ending = Ending::ask(client, id, condition).await?;
    if let Err(error) = client.start_container(id, "").await {
        session.close();
        if auto_remove {
            remove_unstarted(client, id).await;
        }
        return Err(not_run(invocation, error.into()));
    }
    if config.tty && terminal::size().is_some() {
        beside.follow_size(client, Sized::Container(id.to_owned()))?;
    }
    finish(session, ending).await
}

/// Connects the streams that were asked for. A session without any still tells when output is closed.
async fn attach(client: &Arc<Client>, plan: &Plan, id: &str) -> Result<Session, Failure> {
    let config = &plan.order.body.config;
    let keys = DetachKeys::parse(&plan.detach_keys)
        .map_err(|error| Failure::new(format!("invalid detach keys ({}): {error}", plan.detach_keys)))?;
    let options = AttachOptions {
        stdin: config.attach_stdin,
        stdout: config.attach_stdout,
        stderr: config.attach_stderr,
        logs: false,
        detach_keys: plan.detach_keys.clone(),
    };
    let hijacked = client.attach_container(id, &options).await?;
    let attached = Attached {
        input: config.attach_stdin,
        output: config.attach_stdout || config.attach_stderr,
        tty: config.tty,
        detach_keys: keys,
    };
    Session::start(hijacked, attached)
}

/// Waits for the end of output, then for the exit code.
pub(super) async fn finish(mut session: Session, ending: Ending) -> Result<(), Failure> {
    match session.ended().await {
        End::Closed => ending.outcome().await,
        End::Detached => {
            crate::speech::tell("read escape sequence");
            Ok(())
        }
        End::Failed(error) => Err(error.into()),
    }
}

/// The engine removes a container with `--rm` whose start failed; an engine that did not is helped.
async fn remove_unstarted(client: &Client, id: &str) {
    client
        .remove_container(
            id,
            RemoveOptions {
                volumes: true,
                ..RemoveOptions::default()
            },
        )
        .await
        .ok();
}

/// The exit code tells whether the command was missing (127) or could not be executed (126).
fn not_run(invocation: &Invocation, failure: Failure) -> Failure {
    let says = |words: &[&str]| words.iter().any(|word| failure.text.contains(word));
    let code = if says(&[
        "executable file not found",
        "no such file or directory",
        "system cannot find the file",
    ]) {
        127
    } else if says(&["permission denied", "is a directory"]) {
        126
    } else {
        ENGINE_FAILED
    };
    invocation.with_help(failure, "run").code(code)
}
