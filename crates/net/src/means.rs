//! By which means packets may be moved: Docker's daemon options `iptables`, `ip6tables` and `userland-proxy`. Pure.

use std::net::{IpAddr, SocketAddr};

use crate::sandbox::Way;

/// What the daemon may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Means {
    /// Rules for IPv4 packets (`iptables`): translation of ports and sources, separation of networks.
    pub rules4: bool,
    /// The same for IPv6 (`ip6tables`).
    pub rules6: bool,
    /// Keepers serve the ports that rules do not (`userland-proxy`).
    pub splice: bool,
}

impl Default for Means {
    fn default() -> Self {
        Self {
            rules4: true,
            rules6: true,
            splice: true,
        }
    }
}

impl Means {
    /// Whether there is any rule, and so any table.
    #[must_use]
    pub fn any_rules(self) -> bool {
        self.rules4 || self.rules6
    }

    /// Whether there are rules for this address's family.
    #[must_use]
    pub fn rules_for(self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(_) => self.rules4,
            IpAddr::V6(_) => self.rules6,
        }
    }

    /// Who moves the bytes of a port of the host's address `host` to a container that is at these addresses; `None`:
    /// nobody can, and the port is left out (observed: dockerd 28.5).
    #[must_use]
    pub fn way(self, host: IpAddr, four: Option<SocketAddr>, six: Option<SocketAddr>) -> Option<Way> {
        let served = |to| if self.splice { Way::Splice(to) } else { Way::Nobody };
        match (host, four, six) {
            (IpAddr::V4(_), Some(_), _) if self.rules4 => Some(Way::Translate),
            (IpAddr::V4(_), Some(four), _) => Some(served(four)),
            (IpAddr::V6(_), _, Some(six)) if self.rules6 && self.splice => Some(Way::Both(six)),
            (IpAddr::V6(_), _, Some(_)) if self.rules6 => Some(Way::Translate),
            (IpAddr::V6(_), _, Some(six)) => Some(served(six)),
            (IpAddr::V6(_), Some(other), None) => self.splice.then_some(Way::Splice(other)),
            (IpAddr::V4(_), None, _) | (_, None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn every_port_has_who_serves_it() {
        let four = SocketAddr::from(([172, 17, 0, 2], 80));
        let six = SocketAddr::from((Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2), 80));
        let (any4, any6) = (Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into());
        let means = |rules4, rules6, splice| Means { rules4, rules6, splice };
        for (means, on4, on6, only4_on6) in [
            (
                Means::default(),
                Way::Translate,
                Way::Both(six),
                Some(Way::Splice(four)),
            ),
            (means(true, true, false), Way::Translate, Way::Translate, None),
            (
                means(false, true, true),
                Way::Splice(four),
                Way::Both(six),
                Some(Way::Splice(four)),
            ),
            (
                means(false, false, true),
                Way::Splice(four),
                Way::Splice(six),
                Some(Way::Splice(four)),
            ),
            (means(false, false, false), Way::Nobody, Way::Nobody, None),
        ] {
            assert_eq!(means.way(any4, Some(four), Some(six)), Some(on4), "{means:?}");
            assert_eq!(means.way(any6, Some(four), Some(six)), Some(on6), "{means:?}");
            assert_eq!(means.way(any6, Some(four), None), only4_on6, "{means:?}");
            assert_eq!(means.way(any4, None, None), None);
            // IPv4 is never led to IPv6
            assert_eq!(means.way(any4, None, Some(six)), None);
        }
    }
}
