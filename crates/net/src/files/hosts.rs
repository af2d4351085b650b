//! `/etc/hosts`. Observed: dockerd 28.5.

use std::fmt::Write as _;
use std::net::IpAddr;

const FIRST_LINES: &str = "127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

/// What `/etc/hosts` says about its container.
#[derive(Debug, Clone, Copy)]
pub struct Hosts<'a> {
    /// The container's own addresses, IPv4 first; none without a network.
    pub addresses: &'a [IpAddr],
    /// Its host name.
    pub hostname: &'a str,
    /// Its domain name, empty if none.
    pub domain: &'a str,
    /// `--add-host` entries: name and address.
    pub extra: &'a [(String, IpAddr)],
}

/// The file's content.
#[must_use]
pub fn render(hosts: &Hosts<'_>) -> String {
    let mut text = String::from(FIRST_LINES);
    push_extra(&mut text, hosts.extra);
    let names = own_names(hosts.hostname, hosts.domain);
    for address in hosts.addresses {
        push(&mut text, *address, &names);
    }
    text
}

/// The content for a container on the host's network: the host's own file, or, with `--add-host` entries,
/// the usual first lines and those.
#[must_use]
pub fn render_host_network(host_file: &str, extra: &[(String, IpAddr)]) -> String {
    if extra.is_empty() {
        return host_file.to_owned();
    }
    let mut text = String::from(FIRST_LINES);
    push_extra(&mut text, extra);
    text
}

/// The lines that say a container's own addresses.
#[must_use]
pub fn own_lines(addresses: &[IpAddr], hostname: &str, domain: &str) -> Vec<String> {
    let names = own_names(hostname, domain);
    addresses.iter().map(|address| format!("{address}\t{names}")).collect()
}

fn push_extra(text: &mut String, extra: &[(String, IpAddr)]) {
    for (name, address) in extra {
        push(text, *address, name);
    }
}

fn push(text: &mut String, address: IpAddr, names: &str) {
    writeln!(text, "{address}\t{names}").expect("a string can grow");
}

/// The full name, and the first label behind it if it has several.
fn own_names(hostname: &str, domain: &str) -> String {
    let full = if domain.is_empty() {
        hostname.to_owned()
    } else {
        format!("{hostname}.{domain}")
    };
    match full.split_once('.') {
        Some((short, _)) => format!("{full} {short}"),
        None => full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(hosts: &Hosts<'_>) -> String {
        render(hosts)
            .strip_prefix(FIRST_LINES)
            .expect("the first lines")
            .to_owned()
    }

    #[test]
    fn as_docker_writes_it() {
        let addresses = [IpAddr::from([172, 17, 0, 2])];
        let extra = [("foo".to_owned(), IpAddr::from([1, 2, 3, 4]))];
        let plain = Hosts {
            addresses: &addresses,
            hostname: "c804a9fd689e",
            domain: "",
            extra: &[],
        };
        assert_eq!(rest(&plain), "172.17.0.2\tc804a9fd689e\n");
        assert_eq!(
            rest(&Hosts {
                addresses: &[],
                ..plain
            }),
            ""
        );
        let qualified = Hosts {
            hostname: "foo.bar.com",
            extra: &extra,
            ..plain
        };
        assert_eq!(rest(&qualified), "1.2.3.4\tfoo\n172.17.0.2\tfoo.bar.com foo\n");
        assert_eq!(
            rest(&Hosts {
                hostname: "foo",
                domain: "bar.com",
                ..plain
            }),
            "172.17.0.2\tfoo.bar.com foo\n"
        );
    }

    #[test]
    fn on_the_hosts_network() {
        assert_eq!(render_host_network("127.0.0.1 vm\n", &[]), "127.0.0.1 vm\n");
        let extra = [("foo".to_owned(), IpAddr::from([1, 2, 3, 4]))];
        assert_eq!(
            render_host_network("127.0.0.1 vm\n", &extra),
            format!("{FIRST_LINES}1.2.3.4\tfoo\n")
        );
    }
}
