//! Which of the tests that prove an item is named in the list (pure): the one that is named there already, else one that
//! drives both clients, whose name speaks of the item, and that is about few other things.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Chosen;
use super::proofs::Proofs;

/// Modules whose cases use many things at moments that differ from run to run: no good proofs.
const LOADS: [&str; 6] = ["/kill_", "/churn", "/under_load", "/hostile", "/renewal", "/many"];

/// A test for every item that is proven.
pub(super) fn choose(proofs: &Proofs, before: &Chosen) -> Chosen {
    let chosen = proofs.items().filter_map(|(item, tests)| {
        if let Some(kept) = before.get(item).filter(|test| tests.contains_key(*test)) {
            return Some((item.clone(), kept.clone()));
        }
        let words = words(item);
        let best = tests.iter().min_by_key(|(test, clients)| {
            (
                LOADS.iter().any(|load| test.contains(load)),
                Reverse(clients.len()),
                Reverse(resemblance(&words, test)),
                proofs.breadth(test),
                (*test).clone(),
            )
        })?;
        Some((item.clone(), best.0.clone()))
    });
    chosen.collect::<BTreeMap<_, _>>()
}

fn words(item: &str) -> Vec<String> {
    item.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 2)
        .map(|word| word.to_lowercase().trim_end_matches('s').to_owned())
        .collect()
}

fn resemblance(words: &[String], test: &str) -> usize {
    let name = test.rsplit("/tests/").next().unwrap_or(test);
    words.iter().filter(|word| name.contains(word.as_str())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_speak() {
        let words = words("container run --memory-swap");
        assert_eq!(words, ["container", "run", "memory", "swap"]);
        assert_eq!(
            resemblance(&words, "tests/e2e/tests/e2e/resources.rs::memory_and_swap"),
            2
        );
    }
}
