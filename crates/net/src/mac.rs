//! MAC addresses as Docker writes them.

use std::fmt;
use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress(pub [u8; 6]);

/// The text is not a MAC address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid MAC address: address {0}: invalid MAC address")]
pub struct ParseMacError(pub String);

impl MacAddress {
    /// The generated address of a container: it looks random, as Docker's since 28.0, and is always the same
    /// for one IP address on one bridge. So the next owner of an IP address is reached at once by those
    /// who remember the former.
    #[must_use]
    pub fn generated(bridge: &str, address: IpAddr) -> Self {
        let mut hasher = DefaultHasher::new();
        (bridge, address).hash(&mut hasher);
        let [a, b, c, d, e, g, ..] = hasher.finish().to_be_bytes();
        Self::from_random([a, b, c, d, e, g])
    }

    /// A random address.
    #[must_use]
    pub fn random() -> Self {
        let [a, b, c, d, e, g, ..] = RandomState::new().hash_one(0).to_ne_bytes();
        Self::from_random([a, b, c, d, e, g])
    }

    /// A unicast, locally administered address out of random bytes.
    #[must_use]
    pub fn from_random(mut bytes: [u8; 6]) -> Self {
        bytes[0] = bytes[0] & 0xfe | 0x02;
        Self(bytes)
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddress {
    type Err = ParseMacError;
    fn from_str(text: &str) -> Result<Self, ParseMacError> {
        let wrong = || ParseMacError(text.to_owned());
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts
                .next()
                .filter(|part| part.len() == 2 && !part.starts_with('+'))
                .ok_or_else(wrong)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        if parts.next().is_some() {
            Err(wrong())
        } else {
            Ok(Self(bytes))
        }
    }
}

impl TryFrom<String> for MacAddress {
    type Error = ParseMacError;
    fn try_from(text: String) -> Result<Self, ParseMacError> {
        text.parse()
    }
}

impl From<MacAddress> for String {
    fn from(mac: MacAddress) -> Self {
        mac.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes() {
        let mac = MacAddress([2, 0x42, 0xac, 0x11, 0, 2]);
        assert_eq!(mac.to_string(), "02:42:ac:11:00:02");
        assert_eq!("02:42:AC:11:00:02".parse(), Ok(mac));
        for bad in [
            "",
            "02:42:ac:11:00",
            "02:42:ac:11:00:02:03",
            "2:42:ac:11:00:02",
            "02:42:ac:11:00:zz",
            "+2:42:ac:11:00:02",
        ] {
            assert!(bad.parse::<MacAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn generated_ones_are_stable_and_differ() {
        let of = |bridge, last| MacAddress::generated(bridge, IpAddr::from([172, 17, 0, last]));
        assert_eq!(of("corten0", 2), of("corten0", 2));
        assert_ne!(of("corten0", 2), of("corten0", 3));
        assert_ne!(of("corten0", 2), of("corten1", 2));
        assert_eq!(of("corten0", 2).0[0] & 3, 2);
    }

    #[test]
    fn random_ones_are_local_unicast() {
        assert_eq!(MacAddress::from_random([0xff; 6]).0[0] & 3, 2);
        assert_eq!(MacAddress::from_random([0; 6]).0[0] & 3, 2);
    }
}
