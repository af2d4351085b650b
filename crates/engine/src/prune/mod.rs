//! Removing what nobody uses: containers, images, volumes. One prune of a kind at a time, as in Docker.

mod container;
mod image;
mod volume;

use std::sync::Mutex;

use corten_api::{Filters, Map};
use corten_base::zone::Zone;
use corten_base::{Timestamp, moment};

use crate::core::Core;
use crate::error::{Error, Result};
use crate::event::Subject;
use crate::volume::label_matches;

pub(crate) use container::containers;
pub(crate) use image::images;
pub(crate) use volume::volumes;

/// Which kinds are being pruned; locked for as long as that takes.
#[derive(Default)]
pub(crate) struct Pruning {
    containers: tokio::sync::Mutex<()>,
    images: Mutex<()>,
    volumes: Mutex<()>,
}

fn running() -> Error {
    Error::conflict("a prune operation is already running")
}

/// Filters that every prune knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Wanted {
    filters: Filters,
    /// Only what was made before this.
    until: Option<Timestamp>,
}

impl Wanted {
    /// Checks the filters; `more` are names that only this kind has.
    fn parse(filters: Filters, more: &[&str], now: Timestamp) -> Result<Self> {
        let known: Vec<&str> = ["label", "label!"].iter().chain(more).copied().collect();
        filters
            .accept_only(&known)
            .map_err(|error| Error::invalid(error.to_string()))?;
        let until = until(&filters, now)?;
        Ok(Self { filters, until })
    }

    /// Whether something made at `created` with these labels is to go.
    fn matches(&self, created: Option<Timestamp>, labels: &Map<String>) -> bool {
        let old = match (self.until, created) {
            (None, _) => true,
            (Some(until), Some(created)) => created <= until,
            (Some(_), None) => false,
        };
        old && self.filters.get("label").all(|wanted| label_matches(labels, wanted))
            && !self
                .filters
                .get("label!")
                .any(|unwanted| label_matches(labels, unwanted))
    }
}

/// The filter `until`: a time span before now, a date, or seconds since 1970.
pub(crate) fn until(filters: &Filters, now: Timestamp) -> Result<Option<Timestamp>> {
    let mut values = filters.get("until");
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::invalid("more than one until filter specified"));
    }
    let text = moment::parse(value, now, &Zone::local()).map_err(|error| Error::invalid(error.to_string()))?;
    let (seconds, nanos) = text.split_once('.').unwrap_or((&text, "0"));
    let seconds = seconds.parse().unwrap_or(0);
    Ok(Some(Timestamp::from_unix(
        seconds,
        format!("{nanos:0<9}").parse().unwrap_or(0),
    )))
}

/// Tells listeners how much was set free.
fn publish(core: &Core, subject: Subject<'_>, reclaimed: u64) {
    core.events.publish(
        subject,
        "prune",
        &[("reclaimed", reclaimed.to_string())],
        Timestamp::now(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(pairs: &[(&str, &str)]) -> Filters {
        let mut filters = Filters::default();
        for (name, value) in pairs {
            filters.add(name, value);
        }
        filters
    }

    #[test]
    fn what_is_to_go() {
        let now = Timestamp::from_unix(1000, 0);
        let labels: Map<String> = [("a".to_owned(), "b".to_owned())].into_iter().collect();
        for (pairs, created, expected) in [
            (&[][..], 999, true),
            (&[("until", "60s")][..], 940, true),
            (&[("until", "60s")][..], 941, false),
            (&[("until", "500")][..], 500, true),
            (&[("label", "a=b")][..], 0, true),
            (&[("label", "a"), ("label", "c")][..], 0, false),
            (&[("label!", "a")][..], 0, false),
            (&[("label!", "a=c")][..], 0, true),
        ] {
            let wanted = Wanted::parse(filters(pairs), &["until"], now).expect("valid");
            let created = Some(Timestamp::from_unix(created, 0));
            assert_eq!(wanted.matches(created, &labels), expected, "{pairs:?}");
        }
    }

    #[test]
    fn nonsense_is_refused_in_dockers_words() {
        for (pairs, text) in [
            (&[("bogus", "1")][..], "invalid filter 'bogus'"),
            (
                &[("until", "x")][..],
                "failed to parse value as time or duration: \"x\"",
            ),
            (
                &[("until", "1m"), ("until", "2m")][..],
                "more than one until filter specified",
            ),
        ] {
            let error = Wanted::parse(filters(pairs), &["until"], Timestamp::ZERO).expect_err("refused");
            assert_eq!(error.message, text);
        }
    }
}
