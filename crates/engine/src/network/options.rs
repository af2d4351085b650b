//! The options of the bridge driver (pure). Unknown ones are kept and mean nothing, as in Docker.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::error::{Error, Result};

const NAME: &str = "com.docker.network.bridge.name";
const ICC: &str = "com.docker.network.bridge.enable_icc";
const MASQUERADE: &str = "com.docker.network.bridge.enable_ip_masquerade";
const BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";
const DEFAULT: &str = "com.docker.network.bridge.default_bridge";
const INHIBIT: &str = "com.docker.network.bridge.inhibit_ipv4";
const HOST4: &str = "com.docker.network.host_ipv4";
const HOST6: &str = "com.docker.network.host_ipv6";
const TRUSTED: &str = "com.docker.network.bridge.trusted_host_interfaces";
const MODE4: &str = "com.docker.network.bridge.gateway_mode_ipv4";
const MODE6: &str = "com.docker.network.bridge.gateway_mode_ipv6";
const MTU: &str = "com.docker.network.driver.mtu";
const PREFIX: &str = "com.docker.network.container_iface_prefix";

/// How packets of one family cross the gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum GatewayMode {
    /// With the host's address, and in only by published ports.
    #[default]
    Nat,
    /// As `nat`, and containers' own addresses are open to all who have a route.
    NatUnprotected,
    /// With the container's own address; published ports are open there.
    Routed,
    /// Not at all, and the host has no address on the bridge either.
    Isolated,
}

/// What the options say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BridgeOptions {
    /// The bridge's name; `None`: after the network's id.
    pub(crate) name: Option<String>,
    /// Containers may talk to each other.
    pub(crate) inter_container: bool,
    /// The bridge gets no IPv4 address.
    pub(crate) inhibit: bool,
    /// Containers leave with the host's address.
    pub(crate) masquerade: bool,
    /// Host address of ports that name none.
    pub(crate) binding: Option<IpAddr>,
    /// The address that IPv4 and IPv6 packets leave with; `None`: that of the link they leave by.
    pub(crate) leave_as: (Option<IpAddr>, Option<IpAddr>),
    /// Links of the host over which containers' own addresses are reached.
    pub(crate) trusted: Vec<String>,
    /// How IPv4 and IPv6 cross the gateway.
    pub(crate) modes: (GatewayMode, GatewayMode),
    /// Largest packet in bytes; zero: the default.
    pub(crate) mtu: u32,
    /// What containers' interfaces are called, without their number.
    pub(crate) prefix: String,
}

impl BridgeOptions {
    /// Reads the options.
    ///
    /// # Errors
    /// In Docker's words.
    pub(crate) fn parse(options: &BTreeMap<String, String>) -> Result<Self> {
        let text = |key: &str| options.get(key).map(String::as_str).filter(|text| !text.is_empty());
        let boolean = |key: &str| options.get(key).map(|text| parse_boolean(key, text)).transpose();
        let mode = |key: &str| options.get(key).map(|text| parse_mode(key, text)).transpose();
        let address = |key: &str| options.get(key).map(|text| parse_address(key, text)).transpose();
        boolean(DEFAULT)?;

        Ok(Self {
            name: text(NAME).map(str::to_owned),
            inter_container: boolean(ICC)?.unwrap_or(true),
            inhibit: boolean(INHIBIT)?.unwrap_or(false),
            masquerade: boolean(MASQUERADE)?.unwrap_or(true),
            binding: address(BINDING)?.filter(|address| !address.is_unspecified()),
            leave_as: (
                leave_as(HOST4, address(HOST4)?, true)?,
                leave_as(HOST6, address(HOST6)?, false)?,
            ),
            modes: (mode(MODE4)?.unwrap_or_default(), mode(MODE6)?.unwrap_or_default()),
            trusted: text(TRUSTED)
                .map(|text| text.split(':').map(str::to_owned).collect())
                .unwrap_or_default(),
            mtu: options.get(MTU).map(|text| parse_mtu(text)).transpose()?.unwrap_or(0),
            prefix: text(PREFIX).unwrap_or("eth").to_owned(),
        })
    }
}

/// Whether the modes fit the network.
pub(crate) fn check_modes(options: &BridgeOptions, internal: bool) -> Result<()> {
    let (four, six) = options.modes;
    if !internal && [four, six].contains(&GatewayMode::Isolated) {
        return Err(Error::internal(
            "gateway mode 'isolated' can only be used for an internal network",
        ));
    }
    Ok(())
}

/// A switch that any driver's network has, in Docker's words if it is none.
pub(crate) fn switch(options: &BTreeMap<String, String>, key: &str) -> Result<Option<bool>> {
    let parsed = options.get(key).map(|text| boolean(text));
    match parsed {
        Some(None) => Err(Error::invalid(format!("driver-opt {key:?} is not a valid bool"))),
        found => Ok(found.flatten()),
    }
}

fn wrong(key: &str, text: &str, why: &str) -> Error {
    Error::invalid(format!("failed to parse {key} value: {text} ({why})"))
}

/// As Go's `strconv.ParseBool`.
fn parse_boolean(key: &str, text: &str) -> Result<bool> {
    let why = || format!("strconv.ParseBool: parsing {text:?}: invalid syntax");
    boolean(text).ok_or_else(|| wrong(key, text, &why()))
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn parse_mtu(text: &str) -> Result<u32> {
    let number: i64 = text
        .parse()
        .map_err(|_| wrong(MTU, text, &format!("strconv.Atoi: parsing {text:?}: invalid syntax")))?;
    u32::try_from(number)
        .ok()
        .filter(|mtu| *mtu <= 65_535)
        .ok_or_else(|| Error::invalid(format!("invalid MTU number: {number}")))
}

fn parse_address(key: &str, text: &str) -> Result<IpAddr> {
    text.parse().map_err(|_| wrong(key, text, "nil ip"))
}

/// Docker leaves it to `iptables` to refuse an address of the other family.
fn leave_as(key: &str, address: Option<IpAddr>, ipv4: bool) -> Result<Option<IpAddr>> {
    match address {
        Some(address) if address.is_ipv4() != ipv4 => {
            Err(wrong(key, &address.to_string(), "an address of the other family"))
        }
        address => Ok(address.filter(|address| !address.is_unspecified())),
    }
}

fn parse_mode(key: &str, text: &str) -> Result<GatewayMode> {
    match text {
        "nat" => Ok(GatewayMode::Nat),
        "nat-unprotected" => Ok(GatewayMode::NatUnprotected),
        "routed" => Ok(GatewayMode::Routed),
        "isolated" => Ok(GatewayMode::Isolated),
        _ => Err(wrong(key, text, &format!("unknown gateway mode {text}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<BridgeOptions> {
        let options = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        BridgeOptions::parse(&options.collect())
    }

    #[test]
    fn defaults_and_all_of_them() {
        let defaults = parse(&[("unknown", "x")]).unwrap();
        assert!(defaults.inter_container && defaults.masquerade && defaults.name.is_none());
        assert_eq!(
            (defaults.mtu, defaults.prefix.as_str(), defaults.binding),
            (0, "eth", None)
        );
        let all = parse(&[
            (NAME, "brx"),
            (ICC, "false"),
            (MASQUERADE, "0"),
            (BINDING, "127.0.0.1"),
            (MODE4, "routed"),
            (MODE6, "nat-unprotected"),
            (MTU, "1400"),
            (PREFIX, "net"),
        ])
        .unwrap();
        assert_eq!(all.name.as_deref(), Some("brx"));
        assert!(!all.inter_container && !all.masquerade);
        assert_eq!(all.modes, (GatewayMode::Routed, GatewayMode::NatUnprotected));
        assert_eq!((all.mtu, all.prefix.as_str()), (1400, "net"));
    }

    #[test]
    fn isolated_is_for_internal_networks() {
        let check = |four: &str, six: &str, internal| {
            let options = parse(&[(MODE4, four), (MODE6, six)]).unwrap();
            check_modes(&options, internal).is_ok()
        };
        for mode in ["nat", "nat-unprotected", "routed"] {
            assert!(check(mode, "nat", false) && check("nat", mode, true), "{mode}");
        }
        assert!(check("isolated", "nat", true) && !check("isolated", "nat", false) && !check("nat", "isolated", false));
    }

    #[test]
    fn addresses_to_leave_with() {
        let options = parse(&[(HOST4, "10.1.1.1"), (TRUSTED, "eth0:eth1")]).unwrap();
        assert_eq!(options.leave_as, (Some(IpAddr::from([10, 1, 1, 1])), None));
        assert_eq!(options.trusted, ["eth0", "eth1"]);
        assert!(parse(&[(HOST4, "fd00::1")]).is_err() && parse(&[(HOST6, "10.1.1.1")]).is_err());
    }

    #[test]
    fn refusals_in_dockers_words() {
        let table = [
            (ICC, "x", "(strconv.ParseBool: parsing \"x\": invalid syntax)"),
            (MODE4, "x", "(unknown gateway mode x)"),
            (MODE6, "", "(unknown gateway mode )"),
            (BINDING, "x", "(nil ip)"),
            (BINDING, "", "(nil ip)"),
            (HOST4, "x", "(nil ip)"),
            (DEFAULT, "x", "(strconv.ParseBool: parsing \"x\": invalid syntax)"),
            (INHIBIT, "x", "(strconv.ParseBool: parsing \"x\": invalid syntax)"),
        ];
        for (key, value, why) in table {
            let message = parse(&[(key, value)]).unwrap_err().message;
            assert_eq!(message, format!("failed to parse {key} value: {value} {why}"));
        }
        assert_eq!(parse(&[(MTU, "-5")]).unwrap_err().message, "invalid MTU number: -5");
    }
}
