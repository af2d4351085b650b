//! What lists of networks can be narrowed by (pure).

use std::collections::BTreeMap;

use corten_api::Filters;
use corten_api::network::Network;
use corten_base::Timestamp;

use super::settings::is_predefined;
use crate::error::{Error, Result};

const NAMES: &[&str] = &["dangling", "driver", "id", "label", "name", "scope", "type"];

/// Whether the filters are ones that networks have.
pub(super) fn check(filters: &Filters) -> Result<()> {
    filters
        .accept_only(NAMES)
        .map_err(|error| Error::invalid(error.to_string()))?;
    filters.boolean("dangling").map_err(|_| {
        Error::invalid("invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")")
    })?;
    if let Some(kind) = filters.get("type").find(|kind| !matches!(*kind, "builtin" | "custom")) {
        return Err(Error::invalid(format!("invalid filter: 'type'='{kind}'")));
    }
    Ok(())
}

/// Whether a network passes. Its containers must be listed in it.
pub(super) fn matches(filters: &Filters, network: &Network) -> bool {
    let any = |key: &str, found: &dyn Fn(&str) -> bool| !filters.contains(key) || filters.get(key).any(found);
    let predefined = is_predefined(&network.name);
    let dangling = !predefined && network.containers.is_empty();
    any("name", &|value| network.name.contains(value))
        && any("id", &|value| network.id.starts_with(value))
        && any("driver", &|value| network.driver == value)
        && any("scope", &|value| network.scope == value)
        && any("type", &|value| (value == "builtin") == predefined)
        && label_filters(filters, "label").all(|wanted| has_label(&network.labels, wanted))
        && filters
            .boolean("dangling")
            .ok()
            .flatten()
            .is_none_or(|wanted| wanted == dangling)
}

/// Whether labels pass a prune's filters.
pub(super) fn labels(filters: &Filters, labels: &BTreeMap<String, String>) -> bool {
    let all = label_filters(filters, "label").all(|wanted| has_label(labels, wanted));
    all && !label_filters(filters, "label!").any(|unwanted| has_label(labels, unwanted))
}

/// The moment before which things are pruned.
pub(super) fn until(filters: &Filters) -> Result<Option<Timestamp>> {
    let Some(text) = filters.get("until").next() else {
        return Ok(None);
    };
    moment(text, Timestamp::now())
        .map(Some)
        .ok_or_else(|| Error::invalid(format!("invalid filter 'until=[{text}]'")))
}

/// Seconds, RFC 3339, or how long ago in Go's notation (`1h30m`).
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse() {
        return Some(Timestamp::from_unix(seconds, 0));
    }
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let mut seconds = 0f64;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is longer ago than the clock can say was never"
    )]
    let seconds = seconds as i64;
    (!text.is_empty()).then(|| Timestamp::from_unix(now.unix_seconds().saturating_sub(seconds), 0))
}

fn label_filters<'f>(filters: &'f Filters, key: &str) -> impl Iterator<Item = &'f str> {
    filters.get(key)
}

fn has_label(labels: &BTreeMap<String, String>, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|own| own == value),
        None => labels.contains_key(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str, labels: &[(&str, &str)]) -> Network {
        let labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        Network {
            name: name.to_owned(),
            id: "abcdef".to_owned(),
            driver: "bridge".to_owned(),
            scope: "local".to_owned(),
            labels: labels.collect(),
            ..Network::default()
        }
    }

    fn passes(filter: (&str, &str), network: &Network) -> bool {
        let mut filters = Filters::default();
        filters.add(filter.0, filter.1);
        check(&filters).unwrap();
        matches(&filters, network)
    }

    #[test]
    fn table() {
        let (own, builtin) = (network("n1", &[("a", "b")]), network("bridge", &[]));
        for (filter, first, second) in [
            (("name", "n"), true, false),
            (("id", "abc"), true, true),
            (("driver", "host"), false, false),
            (("scope", "local"), true, true),
            (("type", "custom"), true, false),
            (("type", "builtin"), false, true),
            (("label", "a"), true, false),
            (("label", "a=b"), true, false),
            (("label", "a=c"), false, false),
            (("dangling", "true"), true, false),
            (("dangling", "0"), false, true),
        ] {
            assert_eq!(
                (passes(filter, &own), passes(filter, &builtin)),
                (first, second),
                "{filter:?}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (filter, text) in [
            (("nope", "x"), "invalid filter 'nope'"),
            (("type", "x"), "invalid filter: 'type'='x'"),
            (
                ("dangling", "x"),
                "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")",
            ),
        ] {
            let mut filters = Filters::default();
            filters.add(filter.0, filter.1);
            assert_eq!(check(&filters).unwrap_err().message, text);
        }
    }

    #[test]
    fn moments() {
        let now = Timestamp::from_unix(100_000, 0);
        let at = |text| moment(text, now).map(|moment| moment.unix_seconds());
        assert_eq!(at("5"), Some(5));
        assert_eq!(at("1h30m"), Some(100_000 - 5400));
        assert_eq!(at("1970-01-01T00:01:00Z"), Some(60));
        for bad in ["", "x", "5x", "m"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
