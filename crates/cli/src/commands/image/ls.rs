//! `images`: the images there are, one row per name.

use std::collections::BTreeMap;

use corten_api::image::ImageSummary;
use corten_base::reference::Reference;
use corten_base::{Timestamp, size};

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Layout, Row, print_rows};
use crate::output;
use crate::text::zone::Zone;
use crate::text::{elapsed, shorten};
use crate::verb::{Arguments, Invocation, Verb, block_on, filters};

const FLAGS: &[Flag] = &[
    Flag::new("all", Kind::Bool, "Show intermediate images too").short('a'),
    Flag::new("digests", Kind::Bool, "Show digests"),
    Flag::new("filter", Kind::Filter, "Show only what fulfils the condition").short('f'),
    Flag::new("format", Kind::Text, "Print each as table, json, or by a template"),
    Flag::new("no-trunc", Kind::Bool, "Do not shorten"),
    Flag::new("quiet", Kind::Bool, "Only show ids").short('q'),
    Flag::new("tree", Kind::Bool, "Show platforms as a tree").hidden(),
];

pub(super) const VERB: Verb = Verb {
    names: &["ls", "list"],
    shortcut: None,
    usage: "[OPTIONS] [REPOSITORY[:TAG]]",
    about: "List images",
    arguments: Arguments::AtMost(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: list,
};

pub(super) const SHORTCUT: Verb = Verb {
    names: &[],
    shortcut: Some("images"),
    ..VERB
};

const NONE: &str = "<none>";
const COLUMNS: [&str; 5] = ["Repository", "Tag", "ID", "CreatedSince", "Size"];
const COLUMNS_WITH_DIGEST: [&str; 6] = ["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"];
const HEADS: [(&str, &str); 10] = [
    ("ID", "IMAGE ID"),
    ("Repository", "REPOSITORY"),
    ("Tag", "TAG"),
    ("Digest", "DIGEST"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("Size", "SIZE"),
    ("Containers", "CONTAINERS"),
    ("SharedSize", "SHARED SIZE"),
    ("UniqueSize", "UNIQUE SIZE"),
];

fn list(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    if parsed.on("tree") {
        return Err(Failure::new("--tree is not supported yet"));
    }
    let format = match parsed.text("format") {
        Some(format) => format.to_owned(),
        None if parsed.on("quiet") => String::new(),
        None => invocation.config().images_format,
    };
    let mut filters = filters(parsed);
    if let Some(name) = parsed.arguments.first() {
        filters.add("reference", name);
    }
    let client = invocation.client()?;
    let images = block_on(async { Ok(client.list_images(parsed.on("all"), &filters).await?) })?;
    let digests = parsed.on("digests") || format.contains(".Digest") || format == "json";
    let view = View {
        now: Timestamp::now(),
        zone: Zone::local(),
        full: parsed.on("no-trunc"),
        digests,
    };
    let rows: Vec<Row> = images.iter().flat_map(|image| view.rows(image)).collect();
    if parsed.on("quiet") && format.is_empty() {
        let ids = rows
            .iter()
            .map(|row| format!("{}\n", row.get("ID").unwrap_or_default()));
        return output::print(&ids.collect::<String>());
    }
    let columns: &[&str] = if parsed.on("digests") {
        &COLUMNS_WITH_DIGEST
    } else {
        &COLUMNS
    };
    output::print(&print_rows(
        Layout {
            format: &format,
            columns,
            heads: &HEADS,
        },
        &rows,
    )?)
}

struct View {
    now: Timestamp,
    zone: Zone,
    full: bool,
    digests: bool,
}

/// What names an image: repository, tag, digest.
struct Name {
    repository: String,
    tag: String,
    digest: String,
}

impl View {
    fn rows(&self, image: &ImageSummary) -> Vec<Row> {
        self.names(image).iter().map(|name| self.row(image, name)).collect()
    }

    fn row(&self, image: &ImageSummary, name: &Name) -> Row {
        let created = Timestamp::from_unix(image.created, 0);
        let unknown = |bytes: i64| match u64::try_from(bytes) {
            Ok(bytes) => size::human_digits(bytes, 3),
            Err(_) => "N/A".to_owned(),
        };
        Row::new([
            (
                "ID",
                if self.full {
                    image.id.clone()
                } else {
                    shorten::id(&image.id).to_owned()
                },
            ),
            ("Repository", name.repository.clone()),
            ("Tag", name.tag.clone()),
            ("Digest", name.digest.clone()),
            ("CreatedSince", elapsed::ago(self.now, created)),
            ("CreatedAt", self.zone.clock(created)),
            ("Size", unknown(image.size)),
            ("VirtualSize", size::human(u64::try_from(image.size).unwrap_or(0))),
            (
                "Containers",
                if image.containers < 0 {
                    "N/A".to_owned()
                } else {
                    image.containers.to_string()
                },
            ),
            ("SharedSize", unknown(image.shared_size)),
            (
                "UniqueSize",
                if image.shared_size < 0 {
                    "N/A".to_owned()
                } else {
                    unknown(image.size - image.shared_size)
                },
            ),
        ])
    }

    fn names(&self, image: &ImageSummary) -> Vec<Name> {
        let mut digests: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (repository, digest) in image.repo_digests.iter().filter_map(|text| text.split_once('@')) {
            digests.entry(familiar(repository)).or_default().push(digest.to_owned());
        }
        let mut names = Vec::new();
        for tagged in image.repo_tags.iter().filter(|tagged| *tagged != "<none>:<none>") {
            let (repository, tag) = tagged.rsplit_once(':').unwrap_or((tagged, NONE));
            let repository = familiar(repository);
            let own = digests.remove(&repository).unwrap_or_default();
            let own = if self.digests && !own.is_empty() {
                own
            } else {
                vec![NONE.to_owned()]
            };
            names.extend(own.into_iter().map(|digest| Name {
                repository: repository.clone(),
                tag: tag.to_owned(),
                digest,
            }));
        }
        for (repository, own) in digests.into_iter().filter(|(repository, _)| repository != NONE) {
            let shown = if self.digests { own } else { vec![NONE.to_owned()] };
            names.extend(shown.into_iter().map(|digest| Name {
                repository: repository.clone(),
                tag: NONE.to_owned(),
                digest,
            }));
        }
        if names.is_empty() {
            names.push(Name {
                repository: NONE.to_owned(),
                tag: NONE.to_owned(),
                digest: NONE.to_owned(),
            });
        }
        names
    }
}

fn familiar(repository: &str) -> String {
    Reference::parse(repository).map_or_else(|_| repository.to_owned(), |reference| reference.familiar_name())
}
