//! `stats`: what containers use, once or again and again.

mod board;
mod sample;

use std::sync::Arc;
use std::time::Duration;

use corten_api::Filters;
use corten_api::event::EventMessage;
use corten_base::size;
use corten_client::{CallError, Client, ListOptions, Objects};

use board::{Board, Line};
use sample::Sample;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing};
use crate::output;
use crate::stream::Patience;
use crate::text::shorten;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("all", Kind::Bool, "Show all containers, not only running ones").short('a'),
    Flag::new("format", Kind::Text, "Print each as table, json, or by a template"),
    Flag::new("no-stream", Kind::Bool, "Print one sample and end"),
    Flag::new("no-trunc", Kind::Bool, "Do not shorten"),
];

pub(super) const VERB: Verb = Verb {
    names: &["stats"],
    shortcut: Some("stats"),
    usage: "[OPTIONS] [CONTAINER...]",
    about: "Display a live stream of container(s) resource usage statistics",
    arguments: Arguments::AtLeast(0),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: stats,
};

/// A line and how it is to be shown.
struct Shown {
    line: Line,
    full: bool,
}

const LISTING: Listing<Shown> = Listing {
    kind: "*container.statsContext",
    columns: &[
        Column::new("Container", "CONTAINER", |shown| Some(shown.line.container.clone())),
        Column::new("ID", "CONTAINER ID", |shown| Some(shown.id())),
        Column::new("Name", "NAME", |shown| Some(shown.name())),
        Column::new("CPUPerc", "CPU %", |shown| {
            shown.figure(|sample| percent(sample.cpu_percent))
        }),
        Column::new("MemUsage", "MEM USAGE / LIMIT", |shown| {
            shown.pair(|sample| [sample.memory, sample.memory_limit].map(size::human_binary))
        }),
        Column::new("MemPerc", "MEM %", |shown| {
            shown.figure(|sample| percent(sample.memory_percent))
        }),
        Column::new("NetIO", "NET I/O", |shown| {
            shown.pair(|sample| [sample.network.0, sample.network.1].map(short))
        }),
        Column::new("BlockIO", "BLOCK I/O", |shown| {
            shown.pair(|sample| [sample.block.0, sample.block.1].map(short))
        }),
        Column::new("PIDs", "PIDS", |shown| shown.figure(|sample| sample.pids.to_string())),
    ],
    labels: None,
    table: "{{.ID}}\\t{{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}\\t{{.MemPerc}}\\t{{.NetIO}}\\t{{.BlockIO}}\\t{{.PIDs}}",
    quiet: "{{.ID}}",
    raw: "",
};

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

fn short(bytes: u64) -> String {
    size::human_digits(bytes, 3)
}

impl Shown {
    fn figure(&self, show: impl Fn(&Sample) -> String) -> Option<String> {
        Some(self.line.sample.as_ref().map_or_else(|| "--".to_owned(), show))
    }

    fn pair(&self, show: impl Fn(&Sample) -> [String; 2]) -> Option<String> {
        let shown = self.line.sample.as_ref().map(|sample| show(sample).join(" / "));
        Some(shown.unwrap_or_else(|| "-- / --".to_owned()))
    }

    fn id(&self) -> String {
        let id = self.line.sample.as_ref().map_or("", |sample| sample.id.as_str());
        if self.full {
            id.to_owned()
        } else {
            shorten::id(id).to_owned()
        }
    }

    fn name(&self) -> String {
        let name = self.line.sample.as_ref().map_or("", |sample| sample.name.as_str());
        match name.get(1..) {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => "--".to_owned(),
        }
    }
}

/// Time between two screens.
const REDRAW: Duration = Duration::from_millis(500);

/// What is to be shown.
struct Order {
    names: Vec<String>,
    all: bool,
    stream: bool,
    format: String,
    full: bool,
}

fn stats(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let order = Order {
        names: parsed.arguments.clone(),
        all: parsed.on("all"),
        stream: !parsed.on("no-stream"),
        format: LISTING.template(parsed.text("format"), &invocation.config().stats_format, false),
        full: parsed.on("no-trunc"),
    };
    let client = Arc::new(invocation.client()?);
    // It is left by ^C, so that is no failure.
    corten_sys::signal::exit_on_interrupt(Some(0))?;
    block_on(watch(&client, &order))
}

async fn watch(client: &Arc<Client>, order: &Order) -> Result<(), Failure> {
    let mut board = Board::new(Arc::clone(client), order.stream);
    let everybody = order.names.is_empty();
    let mut events = None;
    if everybody {
        events = begin(client, order, &mut board).await?;
    } else {
        client.negotiate().await?;
        order.names.iter().for_each(|name| board.add(name));
    }
    board.filled().await;
    if !everybody {
        refuse(&board)?;
    }
    if !order.stream {
        return output::print(&text(&board, order)?);
    }
    let mut patience = Patience::quiet();
    loop {
        draw(&text(&board, order)?)?;
        let Some(following) = &mut events else {
            tokio::time::sleep(REDRAW).await;
            continue;
        };
        match follow(following, &mut board, order.all).await {
            Ok(true) => patience.renew(),
            Ok(false) => return Ok(()),
            Err(error) => events = again(client, order, &mut board, &mut patience, error).await?,
        }
    }
}

/// Watches the containers there are; gives what tells of others.
async fn begin(client: &Client, order: &Order, board: &mut Board) -> Result<Option<Objects>, CallError> {
    let mut events = None;
    // Subscribed before the list is asked for, so that none is missed in between.
    if order.stream {
        let mut filters = Filters::default();
        filters.add("type", "container");
        events = Some(client.events("", "", &filters).await?);
    }
    let options = ListOptions {
        all: order.all,
        ..ListOptions::default()
    };
    let containers = client.list_containers(&options).await?;
    let ids: Vec<&str> = containers.iter().map(|container| shorten::id(&container.id)).collect();
    board.keep(&ids);
    ids.iter().for_each(|id| board.add(id));
    Ok(events)
}

/// The same after the engine was away.
async fn again(
    client: &Client,
    order: &Order,
    board: &mut Board,
    patience: &mut Patience,
    mut error: CallError,
) -> Result<Option<Objects>, Failure> {
    loop {
        patience.after(error).await?;
        match begin(client, order, board).await {
            Ok(events) => return Ok(events),
            Err(other) => error = other,
        }
        draw(&text(board, order)?)?;
    }
}

/// The errors of the containers that were named.
fn refuse(board: &Board) -> Result<(), Failure> {
    let errors: Vec<String> = board.lines().into_iter().filter_map(|line| line.error).collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Failure::new(errors.join("\n")))
}

fn text(board: &Board, order: &Order) -> Result<String, Failure> {
    let lines = board.lines().into_iter().map(|line| Shown { line, full: order.full });
    Ok(LISTING.print(&order.format, lines)?)
}

/// Over the screen that was there, so that nothing flickers: what is left of longer lines and of more lines goes.
fn draw(text: &str) -> Result<(), Failure> {
    let mut screen = "\x1b[H".to_owned();
    for line in text.lines() {
        screen.push_str(line);
        screen.push_str("\x1b[K\n");
    }
    screen.push_str("\x1b[J");
    output::print(&screen)
}

/// Adds containers that start and takes away those that end, until the next screen is due; false if nothing more
/// will be told.
async fn follow(events: &mut Objects, board: &mut Board, all: bool) -> Result<bool, CallError> {
    let due = tokio::time::Instant::now() + REDRAW;
    while let Ok(event) = tokio::time::timeout_at(due, events.next()).await {
        let Some(text) = event? else {
            return Ok(false);
        };
        let Ok(event) = serde_json::from_slice::<EventMessage>(&text) else {
            continue;
        };
        let id = shorten::id(&event.actor.id);
        match event.action.as_str() {
            "start" => board.add(id),
            "create" if all => board.add(id),
            "destroy" => board.remove(id),
            "die" if !all => board.remove(id),
            _ => {}
        }
    }
    Ok(true)
}
