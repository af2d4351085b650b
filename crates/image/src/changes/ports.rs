//! `EXPOSE`: ports and ranges with a protocol; a host part is checked and dropped.

use super::word::Words;
use super::{ChangeError, fail};

/// `port/protocol` for every port of `rest`.
pub(super) fn parse(rest: &str, words: &Words<'_>) -> Result<Vec<String>, ChangeError> {
    if rest.is_empty() {
        return fail("EXPOSE requires at least one argument");
    }
    let mut ports = Vec::new();
    for word in rest.split_whitespace() {
        for specification in words.expand(word)?.split_whitespace() {
            add(specification, &mut ports)?;
        }
    }
    Ok(ports)
}

fn add(specification: &str, ports: &mut Vec<String>) -> Result<(), ChangeError> {
    let (port, protocol) = specification.split_once('/').unwrap_or((specification, "tcp"));
    let (host, container) = port
        .rsplit_once(':')
        .map_or((None, port), |(host, container)| (Some(host), container));
    if container.is_empty() {
        return fail(format!("No port specified: {specification}<empty>"));
    }
    let Some((first, last)) = range(container) else {
        return fail(format!("Invalid containerPort: {container}"));
    };
    if let Some(host) = host {
        let host = host.rsplit(':').next().unwrap_or(host);
        if !host.is_empty() && range(host).is_none() {
            return fail(format!("Invalid hostPort: {host}"));
        }
    }
    let protocol = protocol.to_ascii_lowercase();
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return fail(format!("Invalid proto: {protocol}"));
    }
    ports.extend((first..=last).map(|port| format!("{port}/{protocol}")));
    Ok(())
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}
