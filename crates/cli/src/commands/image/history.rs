//! `history`: the steps an image was made by.

use corten_api::image::ImageHistoryItem;
use corten_base::{Timestamp, size};

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Layout, Row, print_rows};
use crate::output;
use crate::text::zone::Zone;
use crate::text::{elapsed, shorten};
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

const COLUMNS: [&str; 5] = ["ID", "CreatedSince", "CreatedBy", "Size", "Comment"];
const HEADS: [(&str, &str); 6] = [
    ("ID", "IMAGE"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("CreatedBy", "CREATED BY"),
    ("Size", "SIZE"),
    ("Comment", "COMMENT"),
];

fn history(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    if parsed.is_set("platform") {
        return Err(Failure::new("--platform is not supported yet"));
    }
    let client = invocation.client()?;
    let items = block_on(async { Ok(client.image_history(&parsed.arguments[0], "").await?) })?;
    let view = View {
        now: Timestamp::now(),
        zone: Zone::local(),
        full: parsed.on("no-trunc"),
        human: parsed.bool("human").unwrap_or(true),
    };
    let rows: Vec<Row> = items.iter().map(|item| view.row(item)).collect();
    if parsed.on("quiet") && !parsed.is_set("format") {
        let ids = rows
            .iter()
            .map(|row| format!("{}\n", row.get("ID").unwrap_or_default()));
        return output::print(&ids.collect::<String>());
    }
    let format = parsed.text("format").unwrap_or_default();
    let mut heads = HEADS;
    if !view.human {
        heads[1].1 = "CREATED AT";
    }
    output::print(&print_rows(
        Layout {
            format,
            columns: &COLUMNS,
            heads: &heads,
        },
        &rows,
    )?)
}

struct View {
    now: Timestamp,
    zone: Zone,
    full: bool,
    human: bool,
}

impl View {
    fn row(&self, item: &ImageHistoryItem) -> Row {
        let created = Timestamp::from_unix(item.created, 0);
        let at = self.zone.rfc3339(created, false);
        let by = item.created_by.replace('\t', " ");
        let bytes = u64::try_from(item.size).unwrap_or(0);
        Row::new([
            (
                "ID",
                if self.full {
                    item.id.clone()
                } else {
                    shorten::id(&item.id).to_owned()
                },
            ),
            (
                "CreatedSince",
                if self.human {
                    elapsed::ago(self.now, created)
                } else {
                    at.clone()
                },
            ),
            ("CreatedAt", at),
            ("CreatedBy", if self.full { by } else { shorten::ellipsis(&by, 45) }),
            (
                "Size",
                if self.human {
                    size::human_digits(bytes, 3)
                } else {
                    bytes.to_string()
                },
            ),
            ("Comment", item.comment.clone()),
        ])
    }
}
