//! What values mean nothing, in Docker's words (observed, dockerd 28.5). Pure.

use super::flag::Flag;
use super::values::Values;
use super::{last, list};
use crate::listen::Address;

/// The complaint about one value of a flag, if there is one.
pub(super) fn one(flag: &Flag, value: &str) -> Result<(), String> {
    match flag.name {
        "host" => Address::parse(value, false)
            .map(drop)
            .map_err(|error| error.to_string()),
        "label" if value.contains('=') => Ok(()),
        "label" => Err(format!("bad attribute format: {value}")),
        "registry-mirror" => mirror(value),
        "dns-search" => domain(value),
        "dns" if value.parse::<std::net::IpAddr>().is_err() => Err(format!("invalid IP address: {value}")),
        "host-gateway-ip" if value.parse::<std::net::IpAddr>().is_err() => {
            Err(format!("ParseAddr({value:?}): unable to parse IP"))
        }
        "ip" if value.parse::<std::net::IpAddr>().is_err() => Err(format!("invalid IP address: {value}")),
        "default-shm-size" if corten_base::size::parse_binary(value).is_err() => {
            Err(format!("invalid size: '{value}'"))
        }
        "exec-opt" => execution(value),
        "default-ulimit" if super::ulimit(value).is_none() => Err(format!("invalid ulimit argument: {value}")),
        _ => Ok(()),
    }
}

/// Whether a wrong value in the file is, to Docker, already wrong JSON.
pub(super) fn is_typed(flag: &Flag) -> bool {
    matches!(
        flag.name,
        "dns" | "ip" | "host-gateway-ip" | "default-shm-size" | "default-ulimit"
    )
}

/// Docker ignores options that it does not know; here nothing is.
fn execution(value: &str) -> Result<(), String> {
    match value.strip_prefix(super::DRIVER) {
        Some("" | "cgroupfs" | "systemd") => Ok(()),
        Some(other) => Err(format!("native.cgroupdriver option {other} not supported")),
        None => Err(format!(
            "exec option {value} is not supported: there is native.cgroupdriver=cgroupfs|systemd"
        )),
    }
}

fn mirror(value: &str) -> Result<(), String> {
    match value.split_once("://") {
        None => Err(format!(
            "invalid mirror: no scheme specified for {value:?}: must use either 'https://' or 'http://'"
        )),
        Some(("http" | "https", _)) => Ok(()),
        Some((scheme, _)) => Err(format!(
            "invalid mirror: unsupported scheme {scheme:?} in {value:?}: must use either 'https://' or 'http://'"
        )),
    }
}

/// Labels of letters, digits, hyphens and underscores; a single dot means none.
fn domain(value: &str) -> Result<(), String> {
    let name = value.trim();
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if name == "." || name.trim_end_matches('.').split('.').all(is_label) {
        Ok(())
    } else {
        Err(format!("{value} is not a valid domain"))
    }
}

/// The complaint about all of them together.
pub(super) fn all(values: &Values) -> Result<(), String> {
    let among =
        |name: &str, allowed: &[&str]| last(values, name).filter(|value| !value.is_empty() && !allowed.contains(value));
    let negative = |name: &str| last(values, name).filter(|value| value.starts_with('-'));
    if let Some(level) = among(
        "log-level",
        &["trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"],
    ) {
        return Err(format!("invalid logging level: {level}"));
    }
    if let Some(format) = among("log-format", &["text", "json"]) {
        return Err(format!("invalid log format: {format}"));
    }
    if let Some(mtu) = negative("mtu") {
        return Err(format!("invalid default MTU: {mtu}"));
    }
    for (name, what) in [
        ("max-concurrent-downloads", "max concurrent downloads"),
        ("max-concurrent-uploads", "max concurrent uploads"),
        ("max-download-attempts", "max download attempts"),
    ] {
        if let Some(number) = negative(name) {
            return Err(format!("invalid {what}: {number}"));
        }
    }
    if let Some(mode) = among("default-ipc-mode", &["shareable", "private"]) {
        return Err(format!(
            "default IPC mode setting ({mode}) is invalid; use \"shareable\" or \"private\""
        ));
    }
    if let Some(mode) = among("default-cgroupns-mode", &["host", "private"]) {
        return Err(format!(
            "invalid default cgroup namespace ({mode}): use \"host\" or \"private\""
        ));
    }
    Ok(())
}

/// Labels with one name and two values.
pub(super) fn labels(values: &Values) -> Result<(), String> {
    let labels: Vec<(&str, &str)> = list(values, "label")
        .iter()
        .filter_map(|label| label.split_once('='))
        .collect();
    for (at, (name, value)) in labels.iter().enumerate() {
        let before = labels[..at].iter().find(|(other, old)| other == name && old != value);
        if let Some((_, old)) = before {
            return Err(format!("conflict labels for {name}={value} and {name}={old}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::flag::by_name;

    #[test]
    fn single_values() {
        for (flag, value, complaint) in [
            ("label", "a", Some("bad attribute format: a")),
            ("label", "a=b", None),
            ("dns-search", "-", Some("- is not a valid domain")),
            ("dns-search", "a.b-c.d", None),
            ("dns-search", ".", None),
            ("dns", "x", Some("invalid IP address: x")),
            (
                "registry-mirror",
                "x",
                Some("invalid mirror: no scheme specified for \"x\": must use either 'https://' or 'http://'"),
            ),
            (
                "registry-mirror",
                "ftp://x",
                Some(
                    "invalid mirror: unsupported scheme \"ftp\" in \"ftp://x\": must use either 'https://' or 'http://'",
                ),
            ),
            ("registry-mirror", "https://x", None),
            ("exec-opt", "native.cgroupdriver=systemd", None),
            (
                "exec-opt",
                "native.cgroupdriver=none",
                Some("native.cgroupdriver option none not supported"),
            ),
            (
                "exec-opt",
                "a=b",
                Some("exec option a=b is not supported: there is native.cgroupdriver=cgroupfs|systemd"),
            ),
            ("default-shm-size", "x", Some("invalid size: 'x'")),
            ("default-ulimit", "x", Some("invalid ulimit argument: x")),
        ] {
            let found = one(by_name(flag).unwrap(), value).err();
            assert_eq!(found.as_deref(), complaint, "{flag}={value}");
        }
    }

    #[test]
    fn values_together() {
        let with = |name: &'static str, list: &[&str]| -> Values {
            [(name, list.iter().map(|text| (*text).to_owned()).collect())]
                .into_iter()
                .collect()
        };
        for (name, value, complaint) in [
            ("log-level", "loud", "invalid logging level: loud"),
            ("log-format", "xml", "invalid log format: xml"),
            ("mtu", "-1", "invalid default MTU: -1"),
            ("max-concurrent-uploads", "-2", "invalid max concurrent uploads: -2"),
        ] {
            assert_eq!(all(&with(name, &[value])).unwrap_err(), complaint);
        }
        assert_eq!(all(&with("log-level", &["warn"])), Ok(()));
        assert_eq!(labels(&with("label", &["a=1", "a=1", "b=2"])), Ok(()));
        assert_eq!(
            labels(&with("label", &["a=1", "a=2"])).unwrap_err(),
            "conflict labels for a=2 and a=1"
        );
    }
}
