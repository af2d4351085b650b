//! What lists of networks can be narrowed by (pure).

use std::collections::BTreeMap;

use corten_api::Filters;
use corten_api::network::Network;

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
        return Err(Error::internal(format!("invalid filter: 'type'='{kind}'")));
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
}
