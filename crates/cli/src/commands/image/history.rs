//! `history`: the steps an image was made by.

use std::rc::Rc;

use corten_api::image::ImageHistoryItem;
use corten_base::{Timestamp, size};

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing};
use crate::output;
use crate::text::{elapsed, shorten};
use crate::verb::{Arguments, Invocation, Verb, block_on};
use corten_base::zone::Zone;

const FLAGS: &[Flag] = &[
    Flag::new("format", Kind::Text, "Print each as table, json, or by a template"),
    Flag::new("human", Kind::Bool, "Print sizes and dates for people")
        .short('H')
        .default("true"),
    Flag::new("no-trunc", Kind::Bool, "Do not shorten"),
    Flag::new("platform", Kind::Text, "Look at this platform"),
    Flag::new("quiet", Kind::Bool, "Only show ids").short('q'),
];

pub(super) const VERB: Verb = Verb {
    names: &["history"],
    shortcut: Some("history"),
    usage: "[OPTIONS] IMAGE",
    about: "Show the history of an image",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: history,
};

const LISTING: Listing<Shown> = Listing {
    kind: "*image.historyContext",
    columns: &[
        Column::new("ID", "IMAGE", |shown| Some(shown.id())),
        Column::new("CreatedSince", "CREATED", |shown| Some(shown.since())),
        Column::new("CreatedAt", "CREATED AT", |shown| Some(shown.at())),
        Column::new("CreatedBy", "CREATED BY", |shown| Some(shown.by())),
        Column::new("Size", "SIZE", |shown| Some(shown.size())),
        Column::new("Comment", "COMMENT", |shown| Some(shown.item.comment.clone())),
    ],
    labels: None,
    table: "{{.ID}}\\t{{.CreatedSince}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}",
    quiet: "{{.ID}}",
    raw: "",
};

fn history(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    if parsed.is_set("platform") {
        return Err(Failure::new("--platform is not supported yet"));
    }
    let client = invocation.client()?;
    let items = block_on(async { Ok(client.image_history(&parsed.arguments[0], "").await?) })?;
    let view = Rc::new(View {
        now: Timestamp::now(),
        zone: Zone::local(),
        full: parsed.on("no-trunc"),
        human: parsed.bool("human").unwrap_or(true),
    });
    let mut format = LISTING.template(parsed.text("format"), "", parsed.on("quiet"));
    if !view.human && format.ends_with(LISTING.table) {
        format = format.replace("{{.CreatedSince}}", "{{.CreatedAt}}");
    }
    let shown = items.into_iter().map(|item| Shown {
        item,
        view: Rc::clone(&view),
    });
    output::print(&LISTING.print(&format, &shown.collect::<Vec<_>>())?)
}

struct View {
    now: Timestamp,
    zone: Zone,
    full: bool,
    human: bool,
}

/// A step and how it is to be shown.
struct Shown {
    item: ImageHistoryItem,
    view: Rc<View>,
}

/// 2000-01-01; what claims to be older has no time that is worth a word.
const EPOCH: i64 = 946_684_800;

impl Shown {
    fn id(&self) -> String {
        if self.view.full {
            self.item.id.clone()
        } else {
            shorten::id(&self.item.id).to_owned()
        }
    }

    fn created(&self) -> Timestamp {
        Timestamp::from_unix(self.item.created, 0)
    }

    fn at(&self) -> String {
        self.view.zone.rfc3339(self.created(), false)
    }

    fn since(&self) -> String {
        if !self.view.human {
            return self.at();
        }
        if self.item.created <= EPOCH {
            return "N/A".to_owned();
        }
        elapsed::ago(self.view.now, self.created())
    }

    fn by(&self) -> String {
        let by = self.item.created_by.replace('\t', " ");
        if self.view.full { by } else { shorten::ellipsis(&by, 45) }
    }

    fn size(&self) -> String {
        if self.view.human {
            size::human_digits(u64::try_from(self.item.size).unwrap_or(0), 3)
        } else {
            self.item.size.to_string()
        }
    }
}
