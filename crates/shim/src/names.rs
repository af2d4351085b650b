//! The name table of one network: a file that the daemon writes and every shim on the network reads, at each
//! question anew, so that nobody keeps a copy and nothing can be out of date.
//!
//! ```text
//! corten-names 1 NETWORK
//! +KEY \t IPV4 or - \t IPV6 or - \t NAME NAME ...
//! -KEY ...                                             a line that was struck out in place
//! ```
//! A new container appends one line, one that goes has the first byte of its line overwritten; both are one
//! write, whatever the table's size. A file with many struck lines is replaced by a rename. A last line
//! without its end is not there yet.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a table's file is, below the run directory.
pub const EXTENSION: &str = "names";

const HEADER: &str = "corten-names 1 ";

/// What strikes a line out when it is written over the line's first byte.
pub const STRUCK: &[u8] = b"-";

/// One container on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Names the line; the container's id.
    pub key: String,
    /// Its addresses there, at most one of each family.
    pub addresses: Vec<IpAddr>,
    /// Its names there; the first is what its address is called.
    pub names: Vec<String>,
}

/// The addresses that a name has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Somebody has the name, whatever their addresses.
    pub known: bool,
    /// IPv4.
    pub four: Vec<Ipv4Addr>,
    /// IPv6.
    pub six: Vec<Ipv6Addr>,
}

/// The first line of a network's table.
#[must_use]
pub fn header(network: &str) -> String {
    let network = network.replace(['\n', '\r'], " ");
    format!("{HEADER}{network}\n")
}

/// The line of one entry. Names that cannot be in a line cannot be asked for either and are left out.
#[must_use]
pub fn line(entry: &Entry) -> String {
    let four = entry.addresses.iter().find(|address| address.is_ipv4());
    let six = entry.addresses.iter().find(|address| address.is_ipv6());
    let text = |address: Option<&IpAddr>| address.map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut line = format!("+{}\t{}\t{}\t", entry.key, text(four), text(six));
    let sound = |name: &&String| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    for (at, name) in entry.names.iter().filter(sound).enumerate() {
        let space = if at == 0 { "" } else { " " };
        write!(line, "{space}{name}").expect("a string can grow");
    }
    line.push('\n');
    line
}

/// Adds the addresses of a name, `NAME` or `NAME.NETWORK` in any case, to what was found.
pub fn find(table: &[u8], name: &str, found: &mut Found) {
    let network = network(table);
    let short = name
        .len()
        .checked_sub(network.len() + 1)
        .filter(|&at| name.is_char_boundary(at) && !network.is_empty())
        .and_then(|at| {
            let (front, back) = name.split_at(at);
            let is_ours = back.starts_with('.') && back[1..].eq_ignore_ascii_case(network);
            is_ours.then_some(front)
        });
    for (four, six, names) in lines(table) {
        let is_called = |wanted: &str| {
            names
                .split(' ')
                .any(|own| own.len() == wanted.len() && own.eq_ignore_ascii_case(wanted))
        };
        if !is_called(name) && !short.is_some_and(is_called) {
            continue;
        }
        found.known = true;
        found.four.extend(four.parse::<Ipv4Addr>());
        found.six.extend(six.parse::<Ipv6Addr>());
    }
}

/// What an address of the network is called: `NAME.NETWORK`.
#[must_use]
pub fn reverse(table: &[u8], address: IpAddr) -> Option<String> {
    let text = address.to_string();
    let (_, _, names) = lines(table).find(|(four, six, _)| *four == text || *six == text)?;
    let first = names.split(' ').next().filter(|name| !name.is_empty())?;
    Some(format!("{first}.{}", network(table)))
}

fn network(table: &[u8]) -> &str {
    let first = table.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let text = std::str::from_utf8(first).unwrap_or_default();
    text.strip_prefix(HEADER).unwrap_or_default()
}

/// IPv4, IPv6 and names of each whole line that counts.
fn lines(table: &[u8]) -> impl Iterator<Item = (&str, &str, &str)> {
    let whole = table.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let lines = table[..whole].split(|&byte| byte == b'\n').skip(1);
    lines.filter_map(|line| {
        let text = std::str::from_utf8(line.strip_prefix(b"+")?).ok()?;
        let mut fields = text.split('\t').skip(1);
        Some((fields.next()?, fields.next()?, fields.next()?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(key: &str, addresses: &[&str], names: &[&str]) -> Entry {
        Entry {
            key: key.to_owned(),
            addresses: addresses.iter().map(|text| text.parse().expect("an address")).collect(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn table() -> String {
        let mut table = header("n1");
        table += &line(&entry("a", &["172.18.0.2", "fd00::2"], &["web", "www", "aaaa"]));
        table += &line(&entry("b", &["172.18.0.3"], &["Db", "www"]));
        table += &line(&entry("c", &["172.18.0.4"], &["gone"])).replacen('+', "-", 1);
        table
    }

    fn found(table: &str, name: &str) -> Found {
        let mut found = Found::default();
        find(table.as_bytes(), name, &mut found);
        found
    }

    #[test]
    fn names_in_any_case_with_and_without_the_network() {
        let table = table();
        for name in ["web", "WEB", "web.n1", "Web.N1"] {
            let found = found(&table, name);
            assert_eq!((found.four.len(), found.six.len(), found.known), (1, 1, true), "{name}");
        }
        assert_eq!(found(&table, "www").four.len(), 2);
        assert_eq!(found(&table, "db").six.len(), 0);
        for name in ["gone", "we", "web.n2", "n1", ".n1", "", "aaa"] {
            assert!(!found(&table, name).known, "{name}");
        }
    }

    #[test]
    fn addresses_have_names() {
        let table = table();
        let of = |text: &str| reverse(table.as_bytes(), text.parse().expect("an address"));
        assert_eq!(of("172.18.0.3").as_deref(), Some("Db.n1"));
        assert_eq!(of("fd00::2").as_deref(), Some("web.n1"));
        assert_eq!(of("172.18.0.4"), None);
        assert_eq!(of("172.18.0.9"), None);
    }

    #[test]
    fn half_a_line_is_none() {
        let mut table = table();
        table += "+d\t172.18.0.5\t-\tnew";
        assert!(!found(&table, "new").known);
        table.push('\n');
        assert!(found(&table, "new").known);
    }

    #[test]
    fn odd_names_are_left_out() {
        let line = line(&entry("k", &[], &["a b", "", "c\td", "ok"]));
        assert_eq!(line, "+k\t-\t-\tok\n");
    }

    proptest! {
        #[test]
        fn any_file_is_read(bytes: Vec<u8>, name: String) {
            find(&bytes, &name, &mut Found::default());
            let _none = reverse(&bytes, IpAddr::V4(Ipv4Addr::LOCALHOST));
        }

        #[test]
        fn what_is_written_is_found(name in "[a-z][a-z0-9_.-]{0,20}", network in "[a-z]{1,8}", last: u8) {
            let own = entry("k", &[&format!("10.0.0.{last}")], &[&name]);
            let table = header(&network) + &line(&own);
            prop_assert_eq!(found(&table, &name).four, vec![Ipv4Addr::new(10, 0, 0, last)]);
            let whole = format!("{name}.{network}");
            prop_assert!(found(&table, &whole).known);
            prop_assert_eq!(reverse(table.as_bytes(), own.addresses[0]), Some(whole));
        }
    }
}
