//! Which links (`--link`) a container of the default network has now: those of its creation, less the removed ones; and
//! the names `/parent/alias` that linked containers have by them. Observed: dockerd 28.5.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use corten_api::List;
use corten_base::ContainerId;

use super::link;
use crate::container::Container;
use crate::container::effective::NetworkMode;
use crate::core::Core;

/// One link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    /// The linked container: its id, or its name in records of before ids were kept.
    pub(crate) child: String,
    /// What the linking container calls it.
    pub(crate) alias: String,
}

/// The links of a container; none on other networks, where a link is an alias of the name server's.
pub(crate) fn declared(container: &Container) -> Vec<Declared> {
    let mut links = of_creation(container);
    let changes = container.changes();
    links.retain(|link| !changes.unlinked.contains(&link.alias));
    links
}

/// The links that it was created with, the removed ones too.
pub(super) fn of_creation(container: &Container) -> Vec<Declared> {
    if container.effective.network != NetworkMode::Bridge || container.effective.host.links.is_empty() {
        return Vec::new();
    }
    let ids = &container.record.link_ids;
    let links = container.effective.host.links.iter().enumerate();
    let links = links.filter_map(|(at, text)| {
        let (name, alias) = link::parse(text).ok()?;
        Some(Declared {
            child: ids.get(at).map_or(name, ContainerId::as_str).to_owned(),
            alias: alias.to_owned(),
        })
    });
    links.collect()
}

/// `HostConfig.Links` as `inspect` shows them: by the names of now, without those whose container is gone. Null where there
/// is none; on other networks the endpoint tells them.
pub(crate) fn shown(core: &Core, container: &Container) -> List<String> {
    let name = container.name();
    let links = declared(container).into_iter().filter_map(|link| {
        let child = core.containers.find(&link.child).ok()?;
        Some(format!("/{}:/{name}/{}", child.name(), link.alias))
    });
    let links: Vec<String> = links.collect();
    if links.is_empty() { List::null() } else { links.into() }
}

/// The names that containers have by links to them.
pub(crate) fn names(core: &Core) -> HashMap<ContainerId, BTreeSet<String>> {
    let mut names: HashMap<ContainerId, BTreeSet<String>> = HashMap::new();
    for parent in core.containers.all() {
        for link in declared(&parent) {
            if let Ok(child) = core.containers.find(&link.child) {
                let name = format!("/{}/{}", parent.name(), link.alias);
                names.entry(child.id.clone()).or_default().insert(name);
            }
        }
    }
    names
}

/// Gives the line of these names in a hosts file another address, or takes it out; in place: the file is mounted.
pub(crate) fn readdress(path: &Path, names: &str, address: Option<IpAddr>) -> std::io::Result<()> {
    let text = fs::read_to_string(path)?;
    let mut mended = String::with_capacity(text.len());
    for line in text.lines() {
        match (line.split_once('\t'), address) {
            (Some((_, own)), Some(address)) if own == names => mended.push_str(&format!("{address}\t{names}")),
            (Some((_, own)), None) if own == names => continue,
            _ => mended.push_str(line),
        }
        mended.push('\n');
    }
    if mended == text {
        Ok(())
    } else {
        fs::write(path, mended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_readdressed_or_taken_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hosts");
        fs::write(&path, "127.0.0.1\tlocalhost\n172.17.0.2\tdb 1234\n172.17.0.3\town\n").unwrap();
        readdress(&path, "db 1234", Some(IpAddr::from([172, 17, 0, 9]))).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "127.0.0.1\tlocalhost\n172.17.0.9\tdb 1234\n172.17.0.3\town\n");
        readdress(&path, "db 1234", None).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "127.0.0.1\tlocalhost\n172.17.0.3\town\n");
        readdress(&path, "db", None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
