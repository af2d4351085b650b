//! Which of a container's places gives the way out, and with it leads host ports in: one for each family (pure).

use corten_net::sandbox::Families;

use super::run::Joined;

/// What decides it.
pub(super) struct Candidate<'a> {
    /// Of the network.
    pub(super) name: &'a str,
    /// As asked for (`--gw-priority`).
    pub(super) priority: i64,
    /// It has a gateway for these.
    pub(super) gateways: Families,
}

impl<'a> Candidate<'a> {
    /// A place that a container has.
    pub(super) fn of(joined: &'a Joined) -> Self {
        Self {
            name: &joined.name,
            priority: joined.priority,
            gateways: Families {
                four: joined.sandbox.gateway4.is_some(),
                six: matches!(joined.sandbox.address6, Some((.., Some(_)))),
            },
        }
    }
}

/// Who gives the way out, by position.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gateways {
    /// For IPv4.
    pub(super) four: Option<usize>,
    /// For IPv6.
    pub(super) six: Option<usize>,
}

impl Gateways {
    /// At host addresses of which families ports lead to this place. Those of IPv6 lead to the place of IPv4 where there
    /// is no other (observed: dockerd 28.5).
    pub(super) fn hosts(&self, at: usize) -> Families {
        let four = self.four == Some(at);
        Families {
            four,
            six: self.six == Some(at) || four && self.six.is_none(),
        }
    }
}

/// For each family the highest priority; of equals a network with both families, and of these the first by name
/// (observed: dockerd 28.5, which prefers both families to a higher priority too).
pub(super) fn gateways(candidates: &[Candidate<'_>]) -> Gateways {
    let best = |fits: fn(&Candidate<'_>) -> bool| {
        let fitting = candidates.iter().enumerate().filter(|(_, candidate)| fits(candidate));
        let first = fitting.min_by_key(|(_, candidate)| {
            let both = candidate.gateways.four && candidate.gateways.six;
            (std::cmp::Reverse((candidate.priority, both)), candidate.name)
        });
        first.map(|(at, _)| at)
    };
    Gateways {
        four: best(|candidate| candidate.gateways.four),
        six: best(|candidate| candidate.gateways.six),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, priority: i64, four: bool, six: bool) -> Candidate<'_> {
        let gateways = Families { four, six };
        Candidate {
            name,
            priority,
            gateways,
        }
    }

    #[test]
    fn the_way_out() {
        let table = [
            (vec![], (None, None)),
            (
                vec![candidate("b", 0, true, true), candidate("a", 0, true, true)],
                (Some(1), Some(1)),
            ),
            (
                vec![candidate("a", 0, true, true), candidate("b", 3, true, false)],
                (Some(1), Some(0)),
            ),
            (
                vec![candidate("a", 9, false, false), candidate("b", -1, true, false)],
                (Some(1), None),
            ),
            (vec![candidate("a", 0, false, true)], (None, Some(0))),
            // both families before one
            (
                vec![candidate("a", 0, true, false), candidate("z", 0, true, true)],
                (Some(1), Some(1)),
            ),
        ];
        for (candidates, (four, six)) in table {
            assert_eq!(gateways(&candidates), Gateways { four, six });
        }
    }

    #[test]
    fn ports_are_split_by_family() {
        let families = |four, six| Families { four, six };
        let split = Gateways {
            four: Some(0),
            six: Some(1),
        };
        assert_eq!(
            [0, 1, 2].map(|at| split.hosts(at)),
            [families(true, false), families(false, true), families(false, false)]
        );
        let four = Gateways {
            four: Some(1),
            six: None,
        };
        assert_eq!(
            [0, 1].map(|at| four.hosts(at)),
            [families(false, false), families(true, true)]
        );
        let six = Gateways {
            four: None,
            six: Some(0),
        };
        assert_eq!(six.hosts(0), families(false, true));
    }
}
