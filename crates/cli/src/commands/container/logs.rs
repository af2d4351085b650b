//! `logs`: what a container has written.

use corten_base::Timestamp;
use corten_client::LogOptions;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::stream::{Demultiplexer, write_stdout};
use crate::verb::{Arguments, Invocation, Verb, block_on};
use corten_base::moment;
use corten_base::zone::Zone;

const FLAGS: &[Flag] = &[
    Flag::new("details", Kind::Bool, "Show the attributes given to the log"),
    Flag::new("follow", Kind::Bool, "Go on as long as the container runs").short('f'),
    Flag::new(
        "since",
        Kind::Text,
        "Only what is newer (2013-01-02T13:23:37Z, or 42m for 42 minutes ago)",
    ),
    Flag::new("tail", Kind::Text, "Number of lines from the end")
        .short('n')
        .default("\"all\""),
    Flag::new("timestamps", Kind::Bool, "Show each line's time").short('t'),
    Flag::new(
        "until",
        Kind::Text,
        "Only what is older (2013-01-02T13:23:37Z, or 42m for 42 minutes ago)",
    ),
];

pub(super) const VERB: Verb = Verb {
    names: &["logs"],
    shortcut: Some("logs"),
    usage: "[OPTIONS] CONTAINER",
    about: "Fetch the logs of a container",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: logs,
};

fn logs(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let options = LogOptions {
        follow: parsed.on("follow"),
        timestamps: parsed.on("timestamps"),
        details: parsed.on("details"),
        since: time(parsed, "since")?,
        until: time(parsed, "until")?,
        tail: parsed.text("tail").unwrap_or("all").to_owned(),
    };
    let client = invocation.client()?;
    let name = &parsed.arguments[0];
    block_on(async {
        let mut stream = client.container_logs(name, &options).await?;
        let multiplexed = match stream.is_multiplexed() {
            Some(multiplexed) => multiplexed,
            None => !client.inspect_container(name).await?.config.tty,
        };
        let mut frames = Demultiplexer::default();
        while let Some(piece) = stream.next().await? {
            if multiplexed {
                frames.push(&piece)?;
            } else {
                write_stdout(&piece)?;
            }
        }
        Ok(())
    })
}

fn time(parsed: &Parsed, flag: &str) -> Result<String, Failure> {
    match parsed.text(flag) {
        None | Some("") => Ok(String::new()),
        Some(text) => moment::parse(text, Timestamp::now(), &Zone::local())
            .map_err(|error| Failure::new(format!("invalid value for {flag:?}: {error}"))),
    }
}
