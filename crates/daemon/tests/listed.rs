//! The route table and the list docs/compat/api.md speak of the same calls.

use std::collections::BTreeSet;
use std::path::Path;

use corten_daemon::route::{Call, Target, route};
use http::Method;

/// Calls that are not of Docker's API as it is described; those below `/corten/` are in docs/volumes.md.
const OWN: [&str; 9] = [
    "Options",
    "DebugVariables",
    "DebugProfile",
    "VolumeStat",
    "VolumeRead",
    "VolumeWrite",
    "VolumeExport",
    "VolumeImport",
    "VolumeClone",
];

fn repository(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(path).expect("a file of the repository")
}

/// The calls of the list with what stands behind them.
fn listed(list: &str) -> Vec<(String, String, String)> {
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `"));
    let calls = rows.filter_map(|row| {
        let (call, cell) = row.split_once("` | ")?;
        let (method, path) = call.split_once(' ')?;
        Some((method.to_owned(), path.to_owned(), cell.to_owned()))
    });
    calls.collect()
}

/// The path with a name in place of each variable.
fn path_of(pattern: &str) -> String {
    let segments = pattern
        .split('/')
        .map(|segment| if segment.starts_with('{') { "some" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// `ContainerList` of `ContainerList(..)`.
fn variant(call: &Call) -> String {
    let text = format!("{call:?}");
    text.split('(').next().unwrap_or_default().to_owned()
}

#[test]
fn the_list_of_calls_and_the_route_table_agree() {
    let mut routed: BTreeSet<String> = OWN.map(str::to_owned).into();
    let list = listed(&repository("docs/compat/api.md"));
    assert!(list.len() > 100, "{} calls", list.len());
    for (method, pattern, cell) in &list {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let Target::Call(call, _) = route(&method, &path_of(pattern)) else {
            assert!(cell.starts_with("waits: "), "{method} {pattern} has no route: {cell}");
            continue;
        };
        let is_built = !matches!(call, Call::NotBuilt(_) | Call::Swarm);
        assert!(
            is_built || cell.starts_with("waits: "),
            "{method} {pattern} is not built, the list says {cell}"
        );
        routed.insert(variant(&call));
    }
    let source = repository("crates/daemon/src/route.rs");
    let variants = source
        .split("pub enum Call {")
        .nth(1)
        .and_then(|rest| rest.split("\n}").next());
    for line in variants.expect("the calls").lines().map(str::trim) {
        let name = line.split(['(', ',']).next().unwrap_or_default();
        let is_name = name.starts_with(|first: char| first.is_ascii_uppercase());
        assert!(!is_name || routed.contains(name), "the list has no row for {name}");
    }
}
