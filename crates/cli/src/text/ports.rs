//! The PORTS column: `0.0.0.0:80->80/tcp, [::]:80->80/tcp, 443/tcp`, neighbours joined to ranges.

use corten_api::container::Port;

/// All ports of a container in one text.
pub(crate) fn join(ports: &[Port]) -> String {
    let mut sorted: Vec<&Port> = ports.iter().collect();
    sorted.sort_by_key(|port| (port.private_port, &port.ip, port.public_port, &port.kind));
    let mut groups: Vec<Group<'_>> = Vec::new();
    let (mut done, mut mapped) = (Vec::new(), Vec::new());
    for port in sorted {
        if !port.ip.is_empty() && port.public_port != port.private_port {
            let host = host_port(&port.ip, &port.public_port.to_string());
            mapped.push(format!("{host}->{}/{}", port.private_port, port.kind));
            continue;
        }
        let next = Group {
            ip: &port.ip,
            kind: &port.kind,
            first: port.private_port,
            last: port.private_port,
        };
        match groups
            .iter_mut()
            .find(|group| group.ip == next.ip && group.kind == next.kind)
        {
            None => groups.push(next),
            Some(group) if Some(next.first) == group.last.checked_add(1) => group.last = next.first,
            Some(group) => done.push(std::mem::replace(group, next).text()),
        }
    }
    done.extend(groups.iter().map(Group::text));
    done.append(&mut mapped);
    done.join(", ")
}

/// An address and port, IPv6 in brackets.
pub(crate) fn host_port(ip: &str, port: &str) -> String {
    if ip.contains(':') {
        format!("[{ip}]:{port}")
    } else {
        format!("{ip}:{port}")
    }
}

/// Ports next to each other, published under their own numbers or not at all.
struct Group<'a> {
    ip: &'a str,
    kind: &'a str,
    first: u16,
    last: u16,
}

impl Group<'_> {
    fn text(&self) -> String {
        let range = if self.first == self.last {
            self.first.to_string()
        } else {
            format!("{}-{}", self.first, self.last)
        };
        let Self { ip, kind, .. } = self;
        if ip.is_empty() {
            format!("{range}/{kind}")
        } else {
            format!("{}->{range}/{kind}", host_port(ip, &range))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins() {
        let port = |ip: &str, private_port, public_port| Port {
            ip: ip.to_owned(),
            private_port,
            public_port,
            kind: "tcp".to_owned(),
        };
        let text = join(&[
            port("", 443, 0),
            port("0.0.0.0", 80, 8080),
            port("::", 80, 8080),
            port("0.0.0.0", 90, 90),
            port("0.0.0.0", 91, 91),
        ]);
        assert_eq!(
            text,
            "0.0.0.0:90-91->90-91/tcp, 443/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"
        );
        assert_eq!(join(&[]), "");
    }
}
