//! Which containers there are: by id, by name, by unique prefix of the id. A name is taken before
//! anything of its container exists, atomically.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use corten_base::ContainerId;

use super::Container;
use crate::error::{Error, Result};
use crate::identity::Mapping;
use crate::network::linked;

/// The index. Locked only for the moment of a look-up.
#[derive(Default)]
pub(crate) struct Registry {
    index: RwLock<Index>,
}

#[derive(Default)]
struct Index {
    containers: BTreeMap<String, Arc<Container>>,
    names: HashMap<String, ContainerId>,
    /// Numbers of the ranges of containers with identities of their own.
    ranges: BTreeSet<u32>,
}

impl Index {
    /// The container that another one calls so by a link: `parent/alias`.
    fn linked(&self, name: &str) -> Option<Arc<Container>> {
        let (parent, alias) = name.split_once('/')?;
        let named = |name: &str| self.names.get(name).and_then(|id| self.containers.get(id.as_str()));
        let links = linked::declared(named(parent)?);
        let link = links.into_iter().find(|link| link.alias == alias)?;
        let child = self.containers.get(&link.child).or_else(|| named(&link.child))?;
        Some(Arc::clone(child))
    }
}

impl Registry {
    /// Takes `name` for `id`, or says who has it.
    pub(crate) fn reserve(&self, name: &str, id: &ContainerId) -> Result<()> {
        let mut index = self.write();
        if let Some(owner) = index.names.get(name) {
            return Err(Error::conflict(format!(
                "Conflict. The container name \"/{name}\" is already in use by container \"{owner}\". You have to remove (or rename) that container to be able to reuse that name."
            )));
        }
        index.names.insert(name.to_owned(), id.clone());
        Ok(())
    }

    /// Gives a reserved name back.
    pub(crate) fn release(&self, name: &str, id: &ContainerId) {
        let mut index = self.write();
        if index.names.get(name) == Some(id) {
            index.names.remove(name);
        }
    }

    /// Adds a container whose name is reserved.
    pub(crate) fn insert(&self, container: Arc<Container>) {
        let mut index = self.write();
        index
            .ranges
            .extend(container.record.identity.as_ref().and_then(Mapping::range));
        index.containers.insert(container.id.to_string(), container);
    }

    /// Identities that no other container has, until they are given back or the container is removed.
    pub(crate) fn own_identity(&self) -> Option<Mapping> {
        let mut index = self.write();
        let mapping = Mapping::own(&index.ranges)?;
        index.ranges.extend(mapping.range());
        Some(mapping)
    }

    /// Gives identities back that were not used.
    pub(crate) fn give_back(&self, identity: Option<&Mapping>) {
        if let Some(range) = identity.and_then(Mapping::range) {
            self.write().ranges.remove(&range);
        }
    }

    /// Forgets a container and its name.
    pub(crate) fn remove(&self, container: &Container) {
        let name = container.name();
        self.give_back(container.record.identity.as_ref());
        let mut index = self.write();
        index.containers.remove(container.id.as_str());
        if index.names.get(&name) == Some(&container.id) {
            index.names.remove(&name);
        }
    }

    /// The container that `reference` means: full id, name, then unique prefix of an id.
    pub(crate) fn find(&self, reference: &str) -> Result<Arc<Container>> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(container) = index.containers.get(reference) {
            return Ok(Arc::clone(container));
        }
        let name = reference.strip_prefix('/').unwrap_or(reference);
        if let Some(container) = index.names.get(name).and_then(|id| index.containers.get(id.as_str())) {
            return Ok(Arc::clone(container));
        }
        if let Some(found) = index.linked(name) {
            return Ok(found);
        }
        let missing = || Error::not_found(format!("No such container: {reference}"));
        if reference.is_empty() {
            return Err(Error::invalid("invalid name or ID supplied: \"\""));
        }
        let from = (Bound::Included(reference), Bound::Unbounded);
        let mut matches = index
            .containers
            .range::<str, _>(from)
            .take_while(|(id, _)| id.starts_with(reference))
            .map(|(_, found)| found);
        let found = matches.next().ok_or_else(missing)?;
        if matches.next().is_some() {
            return Err(Error::invalid(format!(
                "multiple IDs found with provided prefix: {reference}"
            )));
        }
        Ok(Arc::clone(found))
    }

    /// All containers, in no useful order.
    pub(crate) fn all(&self) -> Vec<Arc<Container>> {
        self.index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .containers
            .values()
            .cloned()
            .collect()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
