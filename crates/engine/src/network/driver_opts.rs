//! What a container asks of its place on a network by driver options (pure): the interface's name and its settings.
//! Observed: dockerd 28.5.

use corten_api::container::EndpointSettings;

use crate::container::run::Joined;
use crate::error::{Error, Result};

const IFNAME: &str = "com.docker.network.endpoint.ifname";
const SYSCTLS: &str = "com.docker.network.endpoint.sysctls";
/// The kernel's limit of a link's name in bytes (IFNAMSIZ without its end).
const NAME_LIMIT_BYTES: usize = 15;

/// The interface's name that was asked for.
pub(crate) fn interface_name(settings: &EndpointSettings) -> Option<&str> {
    let name = settings.driver_opts.get(IFNAME).map(String::as_str);
    name.filter(|name| !name.is_empty())
}

/// The name that a new interface gets: the one asked for, else the prefix with the first number that nobody has or
/// has asked for.
///
/// # Errors
/// The name asked for is another interface's, or none that a link can have.
pub(crate) fn choose_name(
    settings: &EndpointSettings,
    prefix: &str,
    others: &[Joined],
    reserved: &[&str],
) -> Result<String> {
    let is_taken = |name: &str| others.iter().any(|joined| joined.sandbox.interface == name);
    if let Some(name) = interface_name(settings) {
        return match refusal(name).or_else(|| is_taken(name).then_some("file exists")) {
            Some(why) => Err(Error::internal(format!(
                "failed to add interface to sandbox: error renaming interface to \"{name}\": {why}"
            ))),
            None => Ok(name.to_owned()),
        };
    }
    let mut number = 0;
    loop {
        let name = format!("{prefix}{number}");
        if !is_taken(&name) && !reserved.contains(&name.as_str()) {
            return Ok(name);
        }
        number += 1;
    }
}

/// Why no new link can have the name, in the kernel's words. A `%` would be a pattern to it.
fn refusal(name: &str) -> Option<&'static str> {
    let is_wrong = |byte: u8| matches!(byte, b'/' | b':' | b'%' | 0) || byte.is_ascii_whitespace();
    match name {
        "lo" => Some("file exists"),
        _ if name.len() > NAME_LIMIT_BYTES => Some("numerical result out of range"),
        "." | ".." => Some("invalid argument"),
        _ if name.bytes().any(is_wrong) => Some("invalid argument"),
        _ => None,
    }
}

/// The interface's settings as they were asked for, one `net.X.Y.IFNAME.Z=V` each.
pub(crate) fn sysctls(settings: &EndpointSettings) -> Vec<String> {
    let asked = settings.driver_opts.get(SYSCTLS);
    asked.map_or_else(Vec::new, |asked| asked.split(',').map(str::to_owned).collect())
}

/// Those of them that are none, in Docker's words.
pub(crate) fn check_sysctls(settings: &EndpointSettings) -> Vec<String> {
    let asked = sysctls(settings);
    let wrong = asked.iter().filter(|asked| !is_of_interface(asked));
    wrong
        .map(|asked| {
            format!(
                "unrecognised network interface sysctl '{asked}'; represent 'net.X.Y.ethN.Z=V' as \
                 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"
            )
        })
        .collect()
}

/// Docker's command line writes all in small letters.
fn is_of_interface(asked: &str) -> bool {
    let parts: Vec<&str> = asked.splitn(5, '.').collect();
    matches!(
        parts.as_slice(),
        [_, "ipv4" | "ipv6" | "mpls", _, "IFNAME" | "ifname", _]
    )
}

/// The file below `/proc/sys/net` and the value of one of [`sysctls`] for an interface of this name.
///
/// # Errors
/// It names no file of an interface, or no value.
pub(crate) fn setting(asked: &str, interface: &str) -> Result<(String, String)> {
    let (key, value) = asked
        .split_once('=')
        .ok_or_else(|| Error::internal(format!("expected sysctl '{asked}' to have format name=value")))?;
    let parts: Vec<&str> = key.split('.').collect();
    match parts.as_slice() {
        ["net", family, what, _, name] if !key.contains('/') => {
            Ok((format!("{family}/{what}/{interface}/{name}"), value.to_owned()))
        }
        _ => Err(Error::internal(format!(
            "expected sysctl '{key}' to have format net.X.Y.IFNAME.Z"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(key: &str, value: &str) -> EndpointSettings {
        EndpointSettings {
            driver_opts: [(key.to_owned(), value.to_owned())].into_iter().collect(),
            ..EndpointSettings::default()
        }
    }

    #[test]
    fn names_of_interfaces() {
        let nothing = EndpointSettings::default();
        let name = |settings: &EndpointSettings, reserved: &[&str]| {
            choose_name(settings, "eth", &[], reserved).map_err(|error| error.message)
        };
        assert_eq!(name(&nothing, &[]).unwrap(), "eth0");
        assert_eq!(name(&nothing, &["eth0", "foo"]).unwrap(), "eth1");
        assert_eq!(name(&asking(IFNAME, "foo"), &["foo"]).unwrap(), "foo");
        assert_eq!(name(&asking(IFNAME, ""), &[]).unwrap(), "eth0");
        let table = [
            ("lo", "file exists"),
            ("averyveryverylongname", "numerical result out of range"),
            ("a/b", "invalid argument"),
            ("foo%d", "invalid argument"),
            ("..", "invalid argument"),
        ];
        for (asked, why) in table {
            let message = name(&asking(IFNAME, asked), &[]).unwrap_err();
            assert!(
                message.contains("error renaming interface") && message.ends_with(why),
                "{message}"
            );
        }
    }

    #[test]
    fn settings_of_interfaces() {
        let good = "net.ipv4.conf.IFNAME.forwarding=1,net.ipv6.neigh.ifname.mcast_solicit=3";
        let settings = asking(SYSCTLS, good);
        assert!(check_sysctls(&settings).is_empty());
        let files: Vec<_> = sysctls(&settings)
            .iter()
            .map(|one| setting(one, "foo.7").unwrap())
            .collect();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            files,
            [
                pair("ipv4/conf/foo.7/forwarding", "1"),
                pair("ipv6/neigh/foo.7/mcast_solicit", "3")
            ]
        );
        for wrong in ["net.ipv4.conf.eth0.x=1", "net.ipv6.x", "", "net.core.a.IFNAME.b=1"] {
            assert_eq!(check_sysctls(&asking(SYSCTLS, wrong)).len(), 1, "{wrong}");
        }
        for wrong in [
            "net.ipv4.conf.IFNAME.forwarding",
            "net.ipv4.conf.IFNAME.a.b=1",
            "net.ipv4.conf.IFNAME.../../../core/x=1",
            "kernel.ipv4.conf.IFNAME.x=1",
        ] {
            assert!(setting(wrong, "eth0").is_err(), "{wrong}");
        }
    }
}
