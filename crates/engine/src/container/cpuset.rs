//! Lists of processors and memory nodes (`0-2,7`): whether the host has what is asked for (pure).

use std::collections::BTreeSet;

/// The highest number a list may hold, as in Docker.
const HIGHEST: u32 = 8191;

/// Why a list is refused, in Docker's words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpusetError {
    /// It is no list.
    #[error("Invalid value {list} for cpuset {what}: invalid format: {part}", what = short(*.what))]
    Format {
        /// Of what.
        what: Resource,
        /// The list.
        list: String,
        /// What of it is wrong.
        part: String,
    },
    /// The host has less.
    #[error("Requested {what} are not available - requested {list}, available: {available}", what = long(*.what))]
    Missing {
        /// Of what.
        what: Resource,
        /// The list.
        list: String,
        /// What the host has.
        available: String,
    },
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Processors.
    Processors,
    /// Memory nodes.
    Nodes,
}

fn short(what: Resource) -> &'static str {
    match what {
        Resource::Processors => "cpus",
        Resource::Nodes => "mems",
    }
}

fn long(what: Resource) -> &'static str {
    match what {
        Resource::Processors => "CPUs",
        Resource::Nodes => "memory nodes",
    }
}

/// Checks a list against what the kernel says is online; empty: nothing is asked for. A host that says nothing
/// refuses nothing.
pub fn check(what: Resource, list: &str, available: &str) -> Result<(), CpusetError> {
    let wanted = numbers(list).map_err(|part| CpusetError::Format {
        what,
        list: list.to_owned(),
        part: part.to_owned(),
    })?;
    let available = available.trim();
    let there = numbers(available).unwrap_or_default();
    if there.is_empty() || wanted.is_subset(&there) {
        return Ok(());
    }
    Err(CpusetError::Missing {
        what,
        list: list.to_owned(),
        available: available.to_owned(),
    })
}

/// The numbers of a list; the error is the part that is wrong.
fn numbers(list: &str) -> Result<BTreeSet<u32>, &str> {
    let mut numbers = BTreeSet::new();
    for part in list.split(',').filter(|_| !list.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number <= HIGHEST);
        match (number(from), number(to)) {
            (Some(from), Some(to)) if from <= to => numbers.extend(from..=to),
            (Some(_) | None, Some(_) | None) => return Err(part),
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_compared_with_the_host() {
        for good in ["", "0", "1", "0-1", "1,0,0-1"] {
            assert_eq!(check(Resource::Processors, good, "0-1\n"), Ok(()), "{good}");
        }
        let said = |what, list| check(what, list, "0-1\n").unwrap_err().to_string();
        assert_eq!(
            said(Resource::Processors, "99"),
            "Requested CPUs are not available - requested 99, available: 0-1"
        );
        assert_eq!(
            said(Resource::Nodes, "0-2"),
            "Requested memory nodes are not available - requested 0-2, available: 0-1"
        );
        assert_eq!(
            said(Resource::Processors, "abc"),
            "Invalid value abc for cpuset cpus: invalid format: abc"
        );
        for bad in ["1-", "-1", "1-0", ",", "0,", "9999999999", "0-4000000000", "1-2-3"] {
            assert!(said(Resource::Nodes, bad).starts_with("Invalid value "), "{bad}");
        }
        assert_eq!(check(Resource::Nodes, "7", ""), Ok(()), "the host does not say");
    }
}
