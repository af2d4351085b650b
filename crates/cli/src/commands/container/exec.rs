//! `exec`: runs a command in a running container.

use std::sync::Arc;

use corten_api::StringList;
use corten_api::exec::ExecConfig;
use corten_client::{Client, ExecStart};

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::hint;
use crate::option::environment;
use crate::stream::{Attached, Beside, End, Session, Sized, exec_code};
use crate::terminal::{self, DetachKeys};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("detach", Kind::Bool, "Run in the background").short('d'),
    Flag::new("detach-keys", Kind::Text, "Keys that detach"),
    Flag::new("env", Kind::Checked(environment::check), "Set an environment variable").short('e'),
    Flag::new("env-file", Kind::List, "Read environment variables from a file"),
    Flag::new("interactive", Kind::Bool, "Keep STDIN open even if not attached").short('i'),
    Flag::new("privileged", Kind::Bool, "Give the command every privilege"),
    Flag::new("tty", Kind::Bool, "Give the command a terminal").short('t'),
    Flag::new("user", Kind::Text, "User name or id (user[:group])").short('u'),
    Flag::new("workdir", Kind::Text, "Working directory").short('w'),
];

pub(super) const VERB: Verb = Verb {
    names: &["exec"],
    shortcut: Some("exec"),
    usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
    about: "Execute a command in a running container",
    arguments: Arguments::AtLeast(2),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: false,
    },
    run: exec,
};

fn exec(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let keys = parsed
        .text("detach-keys")
        .map_or_else(|| invocation.config().detach_keys, str::to_owned);
    let config = config(parsed, keys)?;
    if !config.detach && config.tty && config.attach_stdin && !terminal::is_terminal() {
        return Err(Failure::new("the input device is not a TTY"));
    }
    let client = Arc::new(invocation.client()?);
    let container = &parsed.arguments[0];
    block_on(async {
        let id = client.create_exec(container, &config).await.map_err(|error| {
            let failure = Failure::from(error);
            match hint::start(&invocation.program, &failure.text, container) {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        let start = ExecStart {
            tty: config.tty,
            console_size: config.console_size,
        };
        if config.detach {
            return Ok(client.start_exec_detached(&id, start).await?);
        }
        attached(&client, &id, &config, start).await
    })
}

fn config(parsed: &Parsed, detach_keys: String) -> Result<ExecConfig, Failure> {
    let env = environment::collect(parsed.list("env-file"), parsed.list("env"), environment::ours)
        .map_err(|error| Failure::new(error.to_string()))?;
    let detach = parsed.on("detach");
    let tty = parsed.on("tty");
    Ok(ExecConfig {
        user: parsed.text_or_empty("user"),
        privileged: parsed.on("privileged"),
        tty,
        console_size: terminal::size()
            .filter(|_| tty)
            .map(|(height, width)| [height.into(), width.into()]),
        attach_stdin: !detach && parsed.on("interactive"),
        attach_stderr: !detach,
        attach_stdout: !detach,
        detach,
        detach_keys,
        env: if env.is_empty() {
            corten_api::List::null()
        } else {
            env.into()
        },
        working_dir: parsed.text_or_empty("workdir"),
        cmd: StringList::from(parsed.arguments[1..].to_vec()),
    })
}

async fn attached(client: &Arc<Client>, id: &str, config: &ExecConfig, start: ExecStart) -> Result<(), Failure> {
    let keys = &config.detach_keys;
    let detach_keys =
        DetachKeys::parse(keys).map_err(|error| Failure::new(format!("invalid detach keys ({keys}): {error}")))?;
    let hijacked = client.start_exec(id, start).await?;
    let attached = Attached {
        input: config.attach_stdin,
        output: true,
        tty: config.tty,
        detach_keys,
    };
    let mut session = Session::start(hijacked, attached)?;
    let mut beside = Beside::default();
    if config.tty && terminal::size().is_some() {
        beside.follow_size(client, Sized::Exec(id.to_owned()))?;
    }
    match session.ended().await {
        End::Closed => {}
        End::Detached => return Err(Failure::new("read escape sequence")),
        End::Failed(error) => return Err(error.into()),
    }
    match exec_code(client, id).await? {
        0 => Ok(()),
        code => Err(Failure::silent(code)),
    }
}
