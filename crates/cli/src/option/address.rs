//! Addresses and names in options: `--add-host`, `--dns`, `--dns-search`, `--link`, `--mac-address`, `-a`.

use std::net::IpAddr;

/// `name:address` or `name=address`, the address possibly `host-gateway`.
pub(crate) fn check_host(text: &str) -> Result<(), String> {
    let (name, address) = split_host(text).ok_or_else(|| format!("bad format for add-host: {text:?}"))?;
    if name.is_empty() {
        return Err(format!("bad format for add-host: {text:?}"));
    }
    if address == "host-gateway" || unbracket(address).parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(format!("invalid IP address in add-host: {address:?}"))
}

/// The same as it is sent: `name:address`.
pub(crate) fn host(text: &str) -> String {
    split_host(text).map_or_else(
        || text.to_owned(),
        |(name, address)| format!("{name}:{}", unbracket(address)),
    )
}

/// `=` is tried first, because an IPv6 address is full of colons.
fn split_host(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').or_else(|| text.split_once(':'))
}

fn unbracket(address: &str) -> &str {
    address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(address)
}

/// An IP address.
pub(crate) fn check_ip(text: &str) -> Result<(), String> {
    match text.trim().parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("IP address is not correctly formatted: {text}")),
    }
}

/// A search domain, or `.` for none.
pub(crate) fn check_domain(text: &str) -> Result<(), String> {
    let text = text.trim();
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let valid = text == "."
        || text.len() <= 255
            && text.trim_end_matches('.').split('.').all(label)
            && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    if valid {
        Ok(())
    } else {
        Err(format!("{text} is not a valid domain"))
    }
}

/// `container[:alias]`.
pub(crate) fn check_link(text: &str) -> Result<(), String> {
    match text.split(':').collect::<Vec<_>>().as_slice() {
        [""] => Err("empty string specified for links".to_owned()),
        [_] | [_, _] => Ok(()),
        _ => Err(format!("bad format for links: {text}")),
    }
}

/// `stdin`, `stdout` or `stderr`.
pub(crate) fn check_stream(text: &str) -> Result<(), String> {
    match text.to_lowercase().as_str() {
        "stdin" | "stdout" | "stderr" => Ok(()),
        _ => Err("valid streams are STDIN, STDOUT and STDERR".to_owned()),
    }
}

/// A hardware address of 6 bytes (8 and 20 exist too).
pub(crate) fn is_mac(text: &str) -> bool {
    let separator = if text.contains('-') { '-' } else { ':' };
    let parts: Vec<&str> = text.split(separator).collect();
    [6, 8, 20].contains(&parts.len())
        && parts
            .iter()
            .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        assert_eq!(host("a:1.2.3.4"), "a:1.2.3.4");
        assert_eq!(host("a=[::1]"), "a:::1");
        assert!(check_host("a:host-gateway").is_ok());
        assert_eq!(check_host("a").unwrap_err(), "bad format for add-host: \"a\"");
        assert_eq!(check_host("a:b").unwrap_err(), "invalid IP address in add-host: \"b\"");
    }

    #[test]
    fn names() {
        assert!(check_domain("example.com").is_ok());
        assert!(check_domain(".").is_ok());
        assert!(check_domain("a..b").is_err());
        assert!(check_ip("8.8.8.8").is_ok() && check_ip("x").is_err());
        assert!(check_link("a:b").is_ok() && check_link("a:b:c").is_err());
        assert!(is_mac("92:d0:c6:0a:29:33") && !is_mac("92:d0"));
    }
}
