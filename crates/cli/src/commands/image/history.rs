//! `history`: the steps an image was made by.

use std::rc::Rc;

use corten_api::image::ImageHistoryItem;
use corten_base::size;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing, View};
use crate::option::platform;
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

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
        Column::new("ID", "IMAGE", |shown| Some(shown.view.id(&shown.item.id))),
        Column::new("CreatedSince", "CREATED", |shown| Some(shown.since())),
        Column::new("CreatedAt", "CREATED AT", |shown| {
            Some(shown.view.rfc3339(shown.item.created))
        }),
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
    let platform = platform::encoded(parsed.text("platform"));
    let platform = platform.map_err(|error| Failure::new(format!("invalid platform: {error}")))?;
    let client = invocation.client()?;
    let items = block_on(async { Ok(client.image_history(&parsed.arguments[0], &platform).await?) })?;
    let (view, human) = (View::of(parsed.on("no-trunc")), parsed.bool("human").unwrap_or(true));
    let mut format = LISTING.template(parsed.text("format"), "", parsed.on("quiet"));
    if !human && format.ends_with(LISTING.table) {
        format = format.replace("{{.CreatedSince}}", "{{.CreatedAt}}");
    }
    let shown = items.into_iter().map(|item| Shown {
        item,
        human,
        view: Rc::clone(&view),
    });
    output::print(&LISTING.print(&format, shown)?)
}

/// A step and how it is to be shown.
struct Shown {
    item: ImageHistoryItem,
    human: bool,
    view: Rc<View>,
}

/// 2000-01-01; what claims to be older has no time that is worth a word.
const EPOCH: i64 = 946_684_800;

impl Shown {
    fn since(&self) -> String {
        if !self.human {
            return self.view.rfc3339(self.item.created);
        }
        if self.item.created <= EPOCH {
            return "N/A".to_owned();
        }
        self.view.ago(self.item.created)
    }

    fn by(&self) -> String {
        let by = self.item.created_by.replace('\t', " ");
        self.view.shortened(&by, 45)
    }

    fn size(&self) -> String {
        if self.human {
            size::human_digits(u64::try_from(self.item.size).unwrap_or(0), 3)
        } else {
            self.item.size.to_string()
        }
    }
}
