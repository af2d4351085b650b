//! What the `prune` commands share: their flags, the question, the filters the user keeps in the configuration, and the report.

use corten_api::Filters;
use corten_base::size;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed};
use crate::{output, prompt};

/// The flag that leaves something out.
pub(crate) const FILTER: Flag = Flag::new(
    "filter",
    Kind::Filter,
    "Remove only what fulfils the condition (e.g. \"until=24h\")",
);

/// The flag that asks nothing.
pub(crate) const FORCE: Flag = Flag::new("force", Kind::Bool, "Do not ask first").short('f');

/// Whether the user says yes, here or by [`FORCE`].
pub(crate) fn confirmed(parsed: &Parsed, question: &str) -> Result<bool, Failure> {
    Ok(parsed.on(FORCE.name) || prompt::confirm(question)?)
}

/// What one `prune` removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pruned {
    /// The list under its heading; empty if nothing was removed.
    pub(crate) list: String,
    /// Bytes set free.
    pub(crate) bytes: u64,
}

impl Pruned {
    /// What was removed, as `heading` and one line each.
    pub(crate) fn new(heading: &str, removed: impl IntoIterator<Item = String>, bytes: u64) -> Self {
        let lines: String = removed.into_iter().map(|line| line + "\n").collect();
        if lines.is_empty() {
            return Self::default();
        }
        Self {
            list: format!("{heading}\n{lines}"),
            bytes,
        }
    }

    /// Prints the list, with an empty line behind it.
    pub(crate) fn print_list(&self) -> Result<(), Failure> {
        if self.list.is_empty() {
            return Ok(());
        }
        output::line(&self.list)
    }

    /// Prints the list and the total.
    pub(crate) fn print(&self) -> Result<(), Failure> {
        self.print_list()?;
        total(self.bytes)
    }
}

/// The last line of a report.
pub(crate) fn total(bytes: u64) -> Result<(), Failure> {
    output::line(&format!("Total reclaimed space: {}", size::human(bytes)))
}

/// Adds the filters that the configuration always applies. A label asked for on the command line wins over the
/// same label excluded there, and the other way round.
pub(crate) fn with_configured(mut filters: Filters, configured: &[String]) -> Filters {
    for text in configured {
        let Some((name, value)) = text.split_once('=') else {
            continue;
        };
        let opposite = match name {
            "label" => "label!",
            "label!" => "label",
            _ => "",
        };
        if !opposite.is_empty() && filters.contains(opposite) && filters.matches_exactly(opposite, value) {
            continue;
        }
        filters.add(name, value);
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_heading_only_if_something_went() {
        assert_eq!(Pruned::new("Deleted:", [], 5), Pruned::default());
        let pruned = Pruned::new("Deleted:", ["a".to_owned(), "b".to_owned()], 5);
        assert_eq!((pruned.list.as_str(), pruned.bytes), ("Deleted:\na\nb\n", 5));
    }

    #[test]
    fn configured_filters_give_way_to_given_ones() {
        let mut given = Filters::default();
        given.add("label", "keep");
        let configured = ["label!=keep", "label!=other", "until=24h", "bogus"].map(str::to_owned);
        let all = with_configured(given, &configured);
        assert_eq!(all.get("label!").collect::<Vec<_>>(), ["other"]);
        assert_eq!(all.get("until").collect::<Vec<_>>(), ["24h"]);
    }
}
