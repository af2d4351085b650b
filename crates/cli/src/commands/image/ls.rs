//! `images`: the images there are, one row per name.

use std::collections::BTreeMap;
use std::rc::Rc;

use corten_api::image::ImageSummary;
use corten_base::reference::Reference;
use corten_base::size;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing, TemplateError, View};
use crate::output;
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
const LISTING: Listing<Shown> = Listing {
    kind: "*formatter.imageContext",
    columns: &[
        Column::new("ID", "IMAGE ID", |shown| Some(shown.view.id(&shown.image.id))),
        Column::new("Repository", "REPOSITORY", |shown| Some(shown.name.repository.clone())),
        Column::new("Tag", "TAG", |shown| Some(shown.name.tag.clone())),
        Column::new("Digest", "DIGEST", |shown| Some(shown.name.digest.clone())),
        Column::new("CreatedSince", "CREATED", |shown| {
            Some(shown.view.ago(shown.image.created))
        }),
        Column::new("CreatedAt", "CREATED AT", |shown| {
            Some(shown.view.clock(shown.image.created))
        }),
        Column::new("Size", "SIZE", |shown| Some(human(shown.image.size, 3))),
        Column::new("VirtualSize", "SIZE", |shown| Some(human(shown.image.size, 4))),
        Column::new("Containers", "CONTAINERS", |shown| {
            Some(known(shown.image.containers, |count| count.to_string()))
        }),
        Column::new("SharedSize", "SHARED SIZE", |shown| {
            Some(known(shown.image.shared_size, |size| human(size, 4)))
        }),
        Column::new("UniqueSize", "UNIQUE SIZE", |shown| Some(unique(&shown.image))),
    ],
    labels: None,
    table: "{{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}",
    quiet: "{{.ID}}",
    raw: "repository: {{ .Repository }}\ntag: {{.Tag}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\n\
          virtual_size: {{.Size}}\n",
};
const TABLE_WITH_DIGESTS: &str =
    "table {{.Repository}}\\t{{.Tag}}\\t{{.Digest}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}";

fn list(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    if parsed.on("tree") {
        return Err(Failure::new("--tree is not supported yet"));
    }
    let quiet = parsed.on("quiet");
    let mut format = LISTING.template(parsed.text("format"), &invocation.config().images_format, quiet);
    let mut filters = filters(parsed);
    if let Some(name) = parsed.arguments.first() {
        filters.add("reference", name);
    }
    if parsed.on("digests") {
        format = with_digests(format);
    }
    let client = invocation.client()?;
    let images = block_on(async { Ok(client.list_images(parsed.on("all"), &filters).await?) })?;
    let view = View::of(parsed.on("no-trunc"));
    let digests = parsed.on("digests") || format.contains(".Digest") || format == "json";
    let shown: Vec<Shown> = images.iter().flat_map(|image| rows(image, digests, &view)).collect();
    output::print(&LISTING.print(&format, shown)?)
}

/// Images by a template, without digests; `full` shortens nothing.
pub(in crate::commands) fn listed(format: &str, images: &[ImageSummary], full: bool) -> Result<String, TemplateError> {
    let view = View::of(full);
    // One row an image, whatever its names: the sizes are to add up.
    let shown: Vec<Shown> = images
        .iter()
        .filter_map(|image| rows(image, false, &view).into_iter().next())
        .collect();
    LISTING.print(format, shown)
}

fn with_digests(format: String) -> String {
    match format.strip_prefix("table ") {
        Some(table) if table == LISTING.table => TABLE_WITH_DIGESTS.to_owned(),
        Some(table) if !table.contains("{{.Digest}}") => format + "\t{{.Digest}}",
        None if format == LISTING.raw => format.replacen("image_id", "digest: {{.Digest}}\nimage_id", 1),
        _ => format,
    }
}

/// One name of an image and how it is to be shown.
struct Shown {
    image: ImageSummary,
    name: Name,
    view: Rc<View>,
}

fn human(bytes: i64, digits: usize) -> String {
    size::human_digits(u64::try_from(bytes).unwrap_or(0), digits)
}

/// -1 stands for what the engine has not counted.
fn known(number: i64, text: impl Fn(i64) -> String) -> String {
    if number == -1 { "N/A".to_owned() } else { text(number) }
}

fn unique(image: &ImageSummary) -> String {
    if image.size == -1 || image.shared_size == -1 {
        return "N/A".to_owned();
    }
    human(image.size - image.shared_size, 4)
}

/// What names an image: repository, tag, digest.
struct Name {
    repository: String,
    tag: String,
    digest: String,
}

fn rows(image: &ImageSummary, digests: bool, view: &Rc<View>) -> Vec<Shown> {
    let names = names(image, digests).into_iter();
    names
        .map(|name| Shown {
            image: image.clone(),
            name,
            view: Rc::clone(view),
        })
        .collect()
}

fn names(image: &ImageSummary, shown: bool) -> Vec<Name> {
    let mut digests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (repository, digest) in image.repo_digests.iter().filter_map(|text| text.split_once('@')) {
        digests.entry(familiar(repository)).or_default().push(digest.to_owned());
    }
    let mut names = Vec::new();
    for tagged in image.repo_tags.iter().filter(|tagged| *tagged != "<none>:<none>") {
        let (repository, tag) = tagged.rsplit_once(':').unwrap_or((tagged, NONE));
        let repository = familiar(repository);
        let own = digests.remove(&repository).unwrap_or_default();
        let own = if shown && !own.is_empty() {
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
        let shown = if shown { own } else { vec![NONE.to_owned()] };
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

fn familiar(repository: &str) -> String {
    Reference::parse(repository).map_or_else(|_| repository.to_owned(), |reference| reference.familiar_name())
}
