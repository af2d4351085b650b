//! IP networks: an address and how many of its leading bits are the network's.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An IP network in its canonical form: the bits behind the prefix are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

/// The text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid CIDR address: {0}")]
pub struct ParseSubnetError(pub String);

impl Subnet {
    /// The network of `address` with `prefix` bits; longer prefixes than the family has are cut.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        let prefix = prefix.min(bits(address));
        let address = match address {
            IpAddr::V4(four) => IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() & mask4(prefix))),
            IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & mask6(prefix))),
        };
        Self { address, prefix }
    }

    /// The first address, all host bits zero.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The last address, all host bits one.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(four) => IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() | !mask4(self.prefix))),
            IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() | !mask6(self.prefix))),
        }
    }

    /// Length of the network part in bits.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether the address is one of the network's.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) == bits(self.address) && Self::new(address, self.prefix) == *self
    }

    /// Whether the networks share an address.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn mask6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = ParseSubnetError;
    fn from_str(text: &str) -> Result<Self, ParseSubnetError> {
        let wrong = || ParseSubnetError(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let prefix = prefix
            .parse()
            .ok()
            .filter(|&prefix| prefix <= bits(address))
            .ok_or_else(wrong)?;
        Ok(Self::new(address, prefix))
    }
}

impl TryFrom<String> for Subnet {
    type Error = ParseSubnetError;
    fn try_from(text: String) -> Result<Self, ParseSubnetError> {
        text.parse()
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Subnet {
        text.parse().expect("a network")
    }

    #[test]
    fn canonical_form() {
        assert_eq!(net("172.17.0.5/16").to_string(), "172.17.0.0/16");
        assert_eq!(net("0.0.0.0/0").last().to_string(), "255.255.255.255");
        assert_eq!(net("fd00::5/64").to_string(), "fd00::/64");
        assert_eq!(net("10.0.0.1/32").last().to_string(), "10.0.0.1");
        for bad in ["", "1.2.3.4", "1.2.3.4/33", "1.2.3/8", "::/129", "1.2.3.4/-1"] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad}");
        }
    }

    #[test]
    fn membership() {
        assert!(net("172.17.0.0/16").contains("172.17.255.255".parse().expect("address")));
        assert!(!net("172.17.0.0/16").contains("172.18.0.0".parse().expect("address")));
        assert!(!net("0.0.0.0/0").contains("::".parse().expect("address")));
        assert!(net("10.0.0.0/8").overlaps(&net("10.1.0.0/16")));
        assert!(net("10.1.0.0/16").overlaps(&net("10.0.0.0/8")));
        assert!(!net("10.1.0.0/16").overlaps(&net("10.2.0.0/16")));
        assert!(!net("0.0.0.0/0").overlaps(&net("::/0")));
    }
}
