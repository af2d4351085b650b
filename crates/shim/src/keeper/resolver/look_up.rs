//! What the tables know of a question. Reads files, keeps nothing.

use std::net::IpAddr;
use std::path::Path;

use crate::dns::message::{Kind, Query, Record};
use crate::names::{self, Found};
use crate::protocol::Dns;

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The answer; without a record, the name exists and has nothing of the kind.
    Answer(Vec<Record>),
    /// Nothing: others may know.
    Unknown,
}

/// Asks the tables in their order; the first one that knows the name tells. `rotation` says which of several
/// addresses comes first.
pub(super) fn look_up(config: &Dns, query: &Query, rotation: usize) -> Outcome {
    let tables = config.tables.iter().map(|path| read(path));
    if query.kind == Kind::Pointer {
        return match query.reversed() {
            Some(address) => pointer(tables, address),
            None => Outcome::Unknown,
        };
    }
    let linked = config
        .aliases
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(&query.name));
    let name = linked.map_or(query.name.as_str(), |(_, name)| name);
    for table in tables {
        let mut found = Found::default();
        names::find(&table, name, &mut found);
        if found.known {
            return Outcome::Answer(records(query.kind, found, rotation));
        }
    }
    Outcome::Unknown
}

fn pointer(tables: impl Iterator<Item = Vec<u8>>, address: IpAddr) -> Outcome {
    let mut tables = tables;
    let name = tables.find_map(|table| names::reverse(&table, address));
    name.map_or(Outcome::Unknown, |name| Outcome::Answer(vec![Record::Name(name)]))
}

fn records(kind: Kind, found: Found, rotation: usize) -> Vec<Record> {
    let four = found.four.into_iter().map(IpAddr::V4);
    let six = found.six.into_iter().map(IpAddr::V6);
    let mut records: Vec<Record> = match kind {
        Kind::Four => four.map(Record::Address).collect(),
        Kind::Six => six.map(Record::Address).collect(),
        Kind::Any => four.chain(six).map(Record::Address).collect(),
        Kind::Pointer | Kind::Other => Vec::new(),
    };
    if !records.is_empty() {
        let first = rotation % records.len();
        records.rotate_left(first);
    }
    records
}

/// A table that is not there knows nothing: its network was just removed.
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Entry;

    fn query(name: &str, kind: u16) -> Query {
        let mut message = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend(label.as_bytes());
        }
        message.extend([0, 0, u8::try_from(kind).unwrap(), 0, 1]);
        Query::parse(&message).unwrap()
    }

    fn table(directory: &Path, network: &str, entries: &[(&str, &str)]) -> std::path::PathBuf {
        let mut text = names::header(network);
        for (name, address) in entries {
            text += &names::line(&Entry {
                key: (*name).to_owned(),
                addresses: vec![address.parse().unwrap()],
                names: vec![(*name).to_owned()],
            });
        }
        let path = directory.join(network);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn addresses(outcome: Outcome) -> Option<Vec<String>> {
        let Outcome::Answer(records) = outcome else { return None };
        let text = |record| match record {
            Record::Address(address) => IpAddr::to_string(&address),
            Record::Name(name) => name,
        };
        Some(records.into_iter().map(text).collect())
    }

    #[test]
    fn the_first_table_that_knows_tells() {
        let directory = tempfile::tempdir().unwrap();
        let config = Dns {
            tables: vec![
                table(directory.path(), "n1", &[("db", "10.1.0.2"), ("db", "10.1.0.3")]),
                table(directory.path(), "n2", &[("db", "10.2.0.2"), ("web", "10.2.0.3")]),
                directory.path().join("gone"),
            ],
            aliases: vec![("store".to_owned(), "web".to_owned())],
            ..Dns::default()
        };
        let ask = |name: &str, kind, rotation| addresses(look_up(&config, &query(name, kind), rotation));
        let list = |text: &str| Some(text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(ask("db", 1, 0), list("10.1.0.2 10.1.0.3"));
        assert_eq!(ask("db", 1, 1), list("10.1.0.3 10.1.0.2"));
        assert_eq!(ask("db.n2", 1, 0), list("10.2.0.2"));
        assert_eq!(ask("STORE", 1, 0), list("10.2.0.3"));
        assert_eq!(ask("web", 28, 0), list(""), "known, without IPv6");
        assert_eq!(ask("web", 15, 0), list(""), "known, without mail");
        assert_eq!(ask("nobody", 1, 0), None);
        assert_eq!(ask("2.0.2.10.in-addr.arpa", 12, 0), list("db.n2"));
        assert_eq!(ask("9.0.2.10.in-addr.arpa", 12, 0), None);
        assert_eq!(ask("web", 12, 0), None);
    }
}
