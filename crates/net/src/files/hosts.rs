//! `/etc/hosts`. Observed: dockerd 28.5.

use std::fmt::Write as _;
use std::net::IpAddr;

const FIRST_LINE: &str = "127.0.0.1\tlocalhost\n";
const IPV6_LINES: &str = "::1\tlocalhost ip6-localhost ip6-loopback
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
    /// Whether `lo` has `::1`; without, no line has an address of IPv6.
    pub has_ipv6: bool,
}

/// The file's content.
#[must_use]
pub fn render(hosts: &Hosts<'_>) -> String {
    let mut text = String::from(FIRST_LINE);
    if hosts.has_ipv6 {
        text.push_str(IPV6_LINES);
    }
    let extra = hosts
        .extra
        .iter()
        .filter(|(_, address)| hosts.has_ipv6 || address.is_ipv4());
    push_extra(&mut text, extra);
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
    let mut text = format!("{FIRST_LINE}{IPV6_LINES}");
    push_extra(&mut text, extra.iter());
    text
}

/// The lines that say a container's own addresses.
#[must_use]
pub fn own_lines(addresses: &[IpAddr], hostname: &str, domain: &str) -> Vec<String> {
    let names = own_names(hostname, domain);
    addresses.iter().map(|address| format!("{address}\t{names}")).collect()
}

fn push_extra<'a>(text: &mut String, extra: impl Iterator<Item = &'a (String, IpAddr)>) {
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
            .strip_prefix(&format!("{FIRST_LINE}{IPV6_LINES}"))
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
            has_ipv6: true,
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
    fn without_ipv6_nothing_tells_of_it() {
        let extra = [
            ("four", [1, 2, 3, 4].into()),
            ("six", "fd00::1".parse().expect("an address")),
        ];
        let hosts = Hosts {
            addresses: &[IpAddr::from([172, 17, 0, 2])],
            hostname: "c804a9fd689e",
            domain: "",
            extra: &extra.map(|(name, address)| (name.to_owned(), address)),
            has_ipv6: false,
        };
        let text = "127.0.0.1\tlocalhost\n1.2.3.4\tfour\n172.17.0.2\tc804a9fd689e\n";
        assert_eq!(render(&hosts), text);
    }

    #[test]
    fn on_the_hosts_network() {
        assert_eq!(render_host_network("127.0.0.1 vm\n", &[]), "127.0.0.1 vm\n");
        let extra = [("foo".to_owned(), IpAddr::from([1, 2, 3, 4]))];
        assert_eq!(
            render_host_network("127.0.0.1 vm\n", &extra),
            format!("{FIRST_LINE}{IPV6_LINES}1.2.3.4\tfoo\n")
        );
    }
}
