//! `logs`: what a container has written.

use corten_base::Timestamp;
use corten_client::{CallError, Client, LogOptions, Stream};

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::stream::{Demultiplexer, Patience, Place, StreamError, instant, write_stdout};
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
        framed: false,
    };
    let client = invocation.client()?;
    let name = &parsed.arguments[0];
    block_on(async {
        match options.follow {
            true => follow(&client, name, options).await,
            false => once(&client, name, &options).await,
        }
    })
}

/// Passes a log on as it arrives.
async fn once(client: &Client, name: &str, options: &LogOptions) -> Result<(), Failure> {
    let mut stream = client.container_logs(name, options).await?;
    let multiplexed = multiplexed(client, name, &stream).await?;
    let mut frames = Demultiplexer::default();
    while let Some(piece) = stream.next().await? {
        if multiplexed {
            frames.push(&piece)?;
        } else {
            write_stdout(&piece)?;
        }
    }
    Ok(())
}

/// The same over restarts of the engine: what a container writes meanwhile is in its log, and neither lost nor said
/// twice. Records are told apart by frames; an engine that has none for terminals is followed until it goes away.
async fn follow(client: &Client, name: &str, mut options: LogOptions) -> Result<(), Failure> {
    let began = Timestamp::now();
    let mut place = Place::new(options.timestamps);
    let asked = options.clone();
    (options.timestamps, options.framed) = (true, true);
    let mut stream = client.container_logs(name, &options).await?;
    if !multiplexed(client, name, &stream).await? {
        drop(stream);
        return once(client, name, &asked).await;
    }
    let mut patience = Patience::default();
    loop {
        let Err(mut error) = pass(stream, &mut place, &mut patience).await? else {
            return Ok(());
        };
        if let Some(since) = place.resume() {
            (options.since, options.tail) = (since, "all".to_owned());
        } else if options.tail == "0" {
            // Nothing was written yet; what is written while the engine is away counts as new.
            (options.since, options.tail) = (instant(began), "all".to_owned());
        }
        stream = loop {
            patience.after(error).await?;
            match client.container_logs(name, &options).await {
                Ok(stream) => break stream,
                Err(again) => error = again,
            }
        };
    }
}

/// Passes on what comes until the end, or until the engine goes away.
async fn pass(
    mut stream: Stream,
    place: &mut Place,
    patience: &mut Patience,
) -> Result<Result<(), CallError>, StreamError> {
    let mut frames = Demultiplexer::default();
    loop {
        match stream.next().await {
            Ok(Some(piece)) => {
                patience.renew();
                frames.push_through(&piece, |record| place.pass(record))?;
            }
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Whether a log comes in frames; engines before API 1.42 do not say so.
async fn multiplexed(client: &Client, name: &str, stream: &Stream) -> Result<bool, Failure> {
    match stream.is_multiplexed() {
        Some(multiplexed) => Ok(multiplexed),
        None => Ok(!client.inspect_container(name).await?.config.tty),
    }
}

fn time(parsed: &Parsed, flag: &str) -> Result<String, Failure> {
    match parsed.text(flag) {
        None | Some("") => Ok(String::new()),
        Some(text) => moment::parse(text, Timestamp::now(), &Zone::local())
            .map_err(|error| Failure::new(format!("invalid value for {flag:?}: {error}"))),
    }
}
