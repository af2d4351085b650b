//! `attach`: joins the streams of a running container.

use std::sync::Arc;

use corten_client::{AttachOptions, Client, WaitCondition};

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::stream::{Attached, Beside, End, Ending, Session, Sized, resize};
use crate::terminal::{self, DetachKeys};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("detach-keys", Kind::Text, "Keys that detach"),
    Flag::new("no-stdin", Kind::Bool, "Do not attach STDIN"),
    Flag::new("sig-proxy", Kind::Bool, "Pass received signals on to the process").default("true"),
];

pub(super) const VERB: Verb = Verb {
    names: &["attach"],
    shortcut: Some("attach"),
    usage: "[OPTIONS] CONTAINER",
    about: "Attach local standard input, output, and error streams to a running container",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: attach,
};

fn attach(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = Arc::new(invocation.client()?);
    let keys = parsed
        .text("detach-keys")
        .map_or_else(|| invocation.config().detach_keys, str::to_owned);
    let wishes = Wishes {
        input: !parsed.on("no-stdin"),
        sig_proxy: parsed.bool("sig-proxy").unwrap_or(true),
        detach_keys: keys,
    };
    block_on(join(&client, &parsed.arguments[0], wishes))
}

struct Wishes {
    input: bool,
    sig_proxy: bool,
    detach_keys: String,
}

async fn join(client: &Arc<Client>, name: &str, wishes: Wishes) -> Result<(), Failure> {
    let ending = Ending::ask(client, name, WaitCondition::NotRunning).await?;
    let container = client.inspect_container(name).await?;
    let (state, config) = (&container.state, &container.config);
    let refuse = |text: &str| Err(Failure::new(text));
    if !state.running {
        return refuse("cannot attach to a stopped container, start it first");
    }
    if state.paused {
        return refuse("cannot attach to a paused container, unpause it first");
    }
    if state.restarting {
        return refuse("cannot attach to a restarting container, wait until it is running");
    }
    let input = wishes.input && config.open_stdin;
    if input && config.tty && !terminal::is_terminal() {
        return refuse("the input device is not a TTY");
    }
    let detach_keys = DetachKeys::parse(&wishes.detach_keys)
        .map_err(|error| Failure::new(format!("invalid detach keys ({}): {error}", wishes.detach_keys)))?;
    let mut beside = Beside::default();
    if wishes.sig_proxy && !config.tty {
        beside.proxy_signals(client, &container.id)?;
    }
    let options = AttachOptions {
        stdin: input,
        stdout: true,
        stderr: true,
        logs: false,
        detach_keys: wishes.detach_keys.clone(),
    };
    let hijacked = client.attach_container(&container.id, &options).await?;
    let mut session = Session::start(
        hijacked,
        Attached {
            input,
            output: true,
            tty: config.tty,
            detach_keys,
        },
    )?;
    if config.tty && terminal::size().is_some() {
        redraw(client, &container.id).await;
        beside.follow_size(client, Sized::Container(container.id.clone()))?;
    }
    match session.ended().await {
        End::Closed => {}
        End::Detached => return Err(Failure::new("read escape sequence")),
        End::Failed(error) => return Err(error.into()),
    }
    ending.outcome().await
}

/// A program draws its screen anew only when the size changes, so it is made to change.
async fn redraw(client: &Client, id: &str) {
    if let Some((height, width)) = terminal::size() {
        resize(
            client,
            &Sized::Container(id.to_owned()),
            height.saturating_add(1),
            width.saturating_add(1),
        )
        .await;
    }
}
