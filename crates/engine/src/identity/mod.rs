//! Who a container's users are on the host: the mapping of a user namespace, daemon-wide (`--userns-remap`) or a
//! container's own (`--userns=auto`). Layers of images are never changed for it: they are shown mapped.

mod subordinate;

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub(crate) use subordinate::resolve;

/// Consecutive ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRange {
    /// First id inside.
    pub inside: u32,
    /// First id on the host.
    pub host: u32,
    /// How many.
    pub count: u32,
}

/// The ids of a user namespace; both lists begin with what id 0 is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Of users.
    pub uids: Vec<IdRange>,
    /// Of groups.
    pub gids: Vec<IdRange>,
    /// The container's alone: what it shares with others is shown mapped instead of being owned by the range.
    #[serde(default)]
    pub own: bool,
}

/// Ids in the range of a container of its own.
const RANGE: u32 = 0x1_0000;
/// The first and the number of such ranges: those that systemd leaves to containers, below those of its own.
const FIRST: u32 = 0x1000;
const RANGES: u32 = 0x5fff;

impl Mapping {
    /// User and group 0 as the host sees them.
    #[must_use]
    pub fn root(&self) -> (u32, u32) {
        (self.uid(0).unwrap_or(0), self.gid(0).unwrap_or(0))
    }

    /// A user as the host sees it; `None`: nobody.
    #[must_use]
    pub fn uid(&self, inside: u32) -> Option<u32> {
        find(&self.uids, inside)
    }

    /// A group as the host sees it; `None`: nobody.
    #[must_use]
    pub fn gid(&self, inside: u32) -> Option<u32> {
        find(&self.gids, inside)
    }

    /// Who inside owns what `(user, group)` own on the host; those of nobody stay.
    #[must_use]
    pub fn inside(&self, (user, group): (u32, u32)) -> (u32, u32) {
        let back = |ranges: &[IdRange], host: u32| {
            let within = |range: &&IdRange| host >= range.host && host - range.host < range.count;
            let range = ranges.iter().find(within);
            range
                .and_then(|range| range.inside.checked_add(host - range.host))
                .unwrap_or(host)
        };
        (back(&self.uids, user), back(&self.gids, group))
    }

    /// [`Self::inside`] for containers that may have none.
    pub(crate) fn inside_of(mapping: Option<&Self>, owner: (u32, u32)) -> (u32, u32) {
        mapping.map_or(owner, |mapping| mapping.inside(owner))
    }

    /// The lowest range that is not among `taken` (numbers of ranges), for a container of its own.
    pub(crate) fn own(taken: &BTreeSet<u32>) -> Option<Self> {
        let number = (FIRST..FIRST + RANGES).find(|number| !taken.contains(number))?;
        let range = IdRange {
            inside: 0,
            host: number * RANGE,
            count: RANGE,
        };
        Some(Self {
            uids: vec![range],
            gids: vec![range],
            own: true,
        })
    }

    /// The number of its range, if it is a container's own.
    pub(crate) fn range(&self) -> Option<u32> {
        self.own.then(|| self.uids.first().map(|range| range.host / RANGE))?
    }

    /// Gives a file or directory to the namespace's root.
    pub(crate) fn give(&self, path: &Path) -> std::io::Result<()> {
        let (uid, gid) = self.root();
        std::os::unix::fs::lchown(path, Some(uid), Some(gid))
    }
}

impl corten_image::unpack::Owners for Mapping {
    fn outside(&self, (user, group): (u32, u32)) -> Option<(u32, u32)> {
        Some((self.uid(user)?, self.gid(group)?))
    }

    fn are_of_it(&self, (user, group): (u32, u32)) -> bool {
        let within = |ranges: &[IdRange], host: u32| {
            let mut ranges = ranges.iter();
            ranges.any(|range| host >= range.host && host - range.host < range.count)
        };
        within(&self.uids, user) && within(&self.gids, group)
    }
}

fn find(ranges: &[IdRange], inside: u32) -> Option<u32> {
    let within = |range: &&IdRange| inside >= range.inside && inside - range.inside < range.count;
    let range = ranges.iter().find(within)?;
    range.host.checked_add(inside - range.inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_their_ranges() {
        let range = |inside, host, count| IdRange { inside, host, count };
        let mapping = Mapping {
            uids: vec![range(0, 1000, 1), range(1, 100_000, 10)],
            gids: vec![range(0, 5, 1)],
            own: false,
        };
        assert_eq!(mapping.root(), (1000, 5));
        let table = [(0, Some(1000)), (1, Some(100_000)), (10, Some(100_009)), (11, None)];
        for (inside, host) in table {
            assert_eq!(mapping.uid(inside), host, "{inside}");
        }
        assert_eq!(mapping.inside((100_009, 5)), (10, 0));
        assert_eq!(mapping.inside((100_010, 6)), (100_010, 6), "nobody's");
    }

    #[test]
    fn ranges_of_their_own_do_not_overlap() {
        let first = Mapping::own(&BTreeSet::new()).unwrap();
        let taken = BTreeSet::from([first.range().unwrap()]);
        let second = Mapping::own(&taken).unwrap();
        assert!(second.root().0 >= first.root().0 + RANGE);
        assert_eq!(Mapping::own(&(FIRST..FIRST + RANGES).collect()), None);
    }
}
