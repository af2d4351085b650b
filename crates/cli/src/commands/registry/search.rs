//! `search`: repositories of an index by what they are called or say of themselves.

use corten_api::image::ImageSearchResult;
use std::rc::Rc;

use crate::credentials::{self, HUB};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing, View};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on, filters};

const FLAGS: &[Flag] = &[
    Flag::new("filter", Kind::Filter, "Show only what fits").short('f'),
    Flag::new("format", Kind::Text, "Print each as table, json, or by a template"),
    Flag::new("limit", Kind::Integer, "Show no more than this many"),
    Flag::new("no-trunc", Kind::Bool, "Do not shorten"),
];

pub(super) const VERB: Verb = Verb {
    names: &["search"],
    shortcut: Some("search"),
    usage: "[OPTIONS] TERM",
    about: "Search Docker Hub for images",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: search,
};

const LISTING: Listing<Shown> = Listing {
    kind: "*registry.searchContext",
    columns: &[
        Column::new("Name", "NAME", |shown| Some(shown.result.name.clone())),
        Column::new("Description", "DESCRIPTION", |shown| Some(shown.description())),
        Column::new("StarCount", "STARS", |shown| Some(shown.result.star_count.to_string())),
        Column::new("IsOfficial", "OFFICIAL", |shown| {
            Some(shown.mark(shown.result.is_official))
        }),
        Column::new("IsAutomated", "AUTOMATED", |shown| {
            Some(shown.mark(shown.result.is_automated))
        }),
    ],
    labels: None,
    table: "{{.Name}}\\t{{.Description}}\\t{{.StarCount}}\\t{{.IsOfficial}}",
    quiet: "",
    raw: "",
};

fn search(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let term = &parsed.arguments[0];
    // A first part like a host is one.
    let server = match term.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => HUB,
    };
    let auth = credentials::for_server(&invocation.globals, server);
    let limit = parsed.integer("limit").unwrap_or(0);
    let client = invocation.client()?;
    let filters = filters(parsed);
    let results = block_on(async { Ok(client.search_images(term, limit, &filters, &auth).await?) })?;
    let view = View::of(parsed.on("no-trunc"));
    let shown = results.into_iter().map(|result| Shown {
        result,
        view: Rc::clone(&view),
    });
    let format = LISTING.template(parsed.text("format"), "", false);
    output::print(&LISTING.print(&format, shown)?)
}

/// A repository and how it is to be shown.
struct Shown {
    result: ImageSearchResult,
    view: Rc<View>,
}

impl Shown {
    fn description(&self) -> String {
        let text = self.result.description.replace(['\n', '\r'], " ");
        self.view.shortened(&text, 45)
    }

    fn mark(&self, is: bool) -> String {
        if is { "[OK]".to_owned() } else { String::new() }
    }
}
