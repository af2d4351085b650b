//! The two lists as text: tables with a row for each item and the test that proves it, or why there is none.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Chosen;
use super::proofs::Proofs;
use super::surface::{Command, Endpoint, Surface};

/// What stands in a row without a proof or a reason.
const NO_TEST: &str = "no test";

/// What stands where nothing looks at a parameter.
const OVERLOOKED: &str = "ignored";

/// One of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// docs/compat/api.md
    Api,
    /// docs/compat/cli.md
    Cli,
}

/// A row before it is text.
struct Row {
    item: String,
    shown: String,
}

impl List {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Api, Self::Cli];

    /// From the root of the repository.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Api => "docs/compat/api.md",
            Self::Cli => "docs/compat/cli.md",
        }
    }

    /// As it is committed.
    pub(super) fn text(self, root: &Path) -> Result<String> {
        let path = root.join(self.path());
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
    }

    /// The items that a list says to be proven, with their tests.
    pub(super) fn chosen(self, text: &str) -> Chosen {
        self.cells(text)
            .into_iter()
            .filter_map(|(item, cell)| Some((item, cell.strip_prefix('`')?.split('`').next()?.to_owned())))
            .collect()
    }

    /// The whole list. Clients of each proof come from `proofs`.
    pub(super) fn render(self, surface: &Surface, chosen: &Chosen, proofs: Option<&Proofs>) -> String {
        self.lay_out(surface, |item| cell(surface, chosen, proofs, item))
    }

    /// The list as its own rows have it, in the form of the surface: equal to `text` if nothing is missing or added.
    #[cfg(test)]
    pub(super) fn keep(self, surface: &Surface, text: &str) -> String {
        let cells = self.cells(text);
        self.lay_out(surface, |item| {
            let kept = cells
                .iter()
                .find(|(known, _)| known == item)
                .map(|(_, cell)| cell.as_str());
            let is_true = |cell: &&str| match surface.remark(item) {
                Some(remark) => cell.starts_with('`') && !wins(remark) || *cell == remark,
                None => cell.starts_with('`') || *cell == NO_TEST || *cell == OVERLOOKED,
            };
            kept.filter(is_true).unwrap_or("(no row)").to_owned()
        })
    }

    fn lay_out(self, surface: &Surface, cell: impl Fn(&str) -> String) -> String {
        let mut body = String::new();
        let mut counted = Counted::default();
        for (section, rows) in self.sections(surface) {
            write!(body, "\n## {section}\n\n| {} | test |\n|---|---|\n", self.noun())
                .expect("a string takes everything");
            for row in rows {
                let cell = cell(&row.item);
                counted.count(&row.item, &cell);
                writeln!(body, "| {} | {cell} |", row.shown).expect("a string takes everything");
            }
        }
        format!("{}\n{}{body}", self.head(), counted.text())
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Api => "call, parameter (`?`), field of the body (`#`)",
            Self::Cli => "command, other form (`=`), flag",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::Api => {
                "# Engine API 1.51, call by call\n\n\
                 Written by `cargo xtask compat` after a whole test run; docs/compat/README.md says what a proof is.\n"
            }
            Self::Cli => {
                "# Commands and flags\n\n\
                 Written by `cargo xtask compat` after a whole test run; docs/compat/README.md says what a proof is. Behind a test: \
                 the clients it drives.\n"
            }
        }
    }

    fn sections(self, surface: &Surface) -> Vec<(String, Vec<Row>)> {
        let mut sections: Vec<(String, Vec<Row>)> = Vec::new();
        let mut put = |section: &str, rows: Vec<Row>| match sections.iter_mut().find(|(known, _)| known == section) {
            Some((_, all)) => all.extend(rows),
            None => sections.push((section.to_owned(), rows)),
        };
        match self {
            Self::Api => surface
                .endpoints
                .iter()
                .for_each(|endpoint| put(noun_of(endpoint), endpoint_rows(endpoint))),
            Self::Cli => surface
                .commands
                .iter()
                .for_each(|command| put(group_of(command), command_rows(command))),
        }
        sections
    }

    /// Every row's item and its last cell.
    fn cells(self, text: &str) -> Vec<(String, String)> {
        let mut above = String::new();
        let mut cells = Vec::new();
        for line in text.lines().filter(|line| line.starts_with("| `")) {
            let mut parts = line.trim_matches('|').splitn(2, " | ");
            let (Some(shown), Some(cell)) = (parts.next(), parts.next()) else {
                continue;
            };
            let shown = shown.split('`').nth(1).unwrap_or_default();
            let item = self.item(shown, &mut above);
            cells.push((item, cell.trim().to_owned()));
        }
        cells
    }

    /// The item of a row below the row `above`.
    fn item(self, shown: &str, above: &mut String) -> String {
        let is_below = match self {
            Self::Api => shown.starts_with(['?', '#']),
            Self::Cli => shown.starts_with(['-', '=']),
        };
        if !is_below {
            (*above).clear();
            if shown != BEFORE {
                above.push_str(shown);
            }
            return above.clone();
        }
        match (self, shown.split_once("--")) {
            (Self::Cli, Some((_, name))) => format!("{above} --{name}"),
            (Self::Cli, None) => format!("{above} {shown}"),
            (Self::Api, _) => format!("{above}{shown}"),
        }
    }
}

/// How the options before the command are shown.
const BEFORE: &str = "(before the command)";

fn noun_of(endpoint: &Endpoint) -> &str {
    let noun = endpoint.call.split('/').nth(1).unwrap_or_default();
    match noun {
        "_ping" | "version" | "info" | "events" | "system" | "auth" | "session" => "system",
        "commit" => "images",
        noun => noun,
    }
}

fn group_of(command: &Command) -> &str {
    match command.name.split_once(' ') {
        Some((group, _)) => group,
        None => "docker",
    }
}

fn endpoint_rows(endpoint: &Endpoint) -> Vec<Row> {
    let call = &endpoint.call;
    let row = |mark: char, name: &String| Row {
        item: format!("{call}{mark}{name}"),
        shown: format!("`{mark}{name}`"),
    };
    let own = Row {
        item: call.clone(),
        shown: format!("`{call}`"),
    };
    std::iter::once(own)
        .chain(endpoint.queries.iter().map(|key| row('?', key)))
        .chain(endpoint.fields.iter().map(|field| row('#', field)))
        .collect()
}

fn command_rows(command: &Command) -> Vec<Row> {
    let name = if command.name.is_empty() { BEFORE } else { &command.name };
    let own = Row {
        item: command.name.clone(),
        shown: format!("`{name}`"),
    };
    let forms = command.forms.iter().map(|form| Row {
        item: format!("{} = {form}", command.name),
        shown: format!("`= {form}`"),
    });
    let flags = command.flags.iter().map(|flag| Row {
        item: flag.item(command),
        shown: format!(
            "`{}--{}`{}",
            flag.short.map(|letter| format!("-{letter}, ")).unwrap_or_default(),
            flag.name,
            flag.remark
                .as_ref()
                .map(|remark| format!(" ({remark})"))
                .unwrap_or_default()
        ),
    });
    std::iter::once(own).chain(forms).chain(flags).collect()
}

/// What is said of an item that has a test and a remark: that something does nothing is stronger than a test that gave it.
fn wins(remark: &str) -> bool {
    !remark.starts_with("waits")
}

fn cell(surface: &Surface, chosen: &Chosen, proofs: Option<&Proofs>, item: &str) -> String {
    let remark = surface.remark(item);
    if let Some(remark) = remark.filter(|remark| wins(remark)) {
        return remark.to_owned();
    }
    if let Some(test) = chosen.get(item) {
        let clients: Vec<String> = proofs
            .and_then(|proofs| proofs.of(item).get(test))
            .map(|clients: &BTreeSet<String>| clients.iter().cloned().collect())
            .unwrap_or_default();
        return match clients.is_empty() {
            true => format!("`{test}`"),
            false => format!("`{test}` {}", clients.join(", ")),
        };
    }
    if let Some(remark) = remark {
        return remark.to_owned();
    }
    let overlooked = item
        .split_once('?')
        .is_some_and(|(call, key)| proofs.is_some_and(|proofs| proofs.is_overlooked(call, key)));
    if overlooked { OVERLOOKED } else { NO_TEST }.to_owned()
}

/// How many rows of each kind there are.
#[derive(Default)]
struct Counted(std::collections::BTreeMap<&'static str, [usize; 4]>);

impl Counted {
    fn count(&mut self, item: &str, cell: &str) {
        let kind = if item.contains('?') {
            "query parameters"
        } else if item.contains('#') {
            "fields of bodies"
        } else if item.contains('/') {
            "calls"
        } else if item.contains(" = ") {
            "other forms"
        } else if item.contains("--") {
            "flags"
        } else {
            "commands"
        };
        let column = match cell.split([':', ' ']).next() {
            Some(test) if test.starts_with('`') => 0,
            Some("waits") => 1,
            Some("no") => 3,
            Some(_) | None => 2,
        };
        if let Some(count) = self.0.entry(kind).or_default().get_mut(column) {
            *count += 1;
        }
    }

    fn text(&self) -> String {
        let mut text = "| | proven | wait | refused or ignored | no test |\n|---|---|---|---|---|\n".to_owned();
        for (kind, [proven, waiting, ignored, untested]) in &self.0 {
            writeln!(text, "| {kind} | {proven} | {waiting} | {ignored} | {untested} |")
                .expect("a string takes everything");
        }
        text
    }
}

/// The counts of a list in one line.
pub(super) fn summary(text: &str) -> String {
    let rows = text.lines().skip_while(|line| !line.starts_with("| | proven")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let kinds = rows.filter_map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let &[kind, proven, waiting, ignored, untested] = cells.as_slice() else {
            return None;
        };
        Some(format!(
            "{kind}: {proven} proven, {waiting} wait, {ignored} refused or ignored, {untested} without a test"
        ))
    });
    kinds.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::surface::tests::small;
    use super::*;

    #[test]
    fn lists_are_read_as_they_are_written() {
        let surface = small();
        let pair = |item: &str| (item.to_owned(), format!("tests/x.rs::{}", item.len()));
        for (list, items) in [
            (List::Api, ["GET /images/json", "GET /images/json?all"]),
            (List::Cli, ["container ls = ps", "container ls --filter"]),
        ] {
            let chosen: Chosen = items.map(pair).into_iter().collect();
            let text = list.render(&surface, &chosen, None);
            assert_eq!(list.chosen(&text), chosen, "{text}");
            assert_eq!(list.keep(&surface, &text), text);
            let gone: String = text
                .lines()
                .filter(|line| !line.contains("json`"))
                .collect::<Vec<_>>()
                .join("\n");
            assert!(list == List::Cli || list.keep(&surface, &gone).contains("(no row)"));
            assert!(
                summary(&text).contains("2 proven") || summary(&text).contains("1 proven"),
                "{}",
                summary(&text)
            );
        }
        let text = List::Api.render(&surface, &Chosen::new(), None);
        assert!(text.contains("| `POST /build` | waits: build |") && text.contains("| `#Image` | ignored: so |"));
    }
}
