//! `docker rmi`: untagging, and deletion when nothing needs the image any more.

use corten_base::{ContainerId, Digest, Reference};
use corten_sys::fault::boundary;

use crate::ErrorKind;
use crate::find::{FindError, is_id_prefix, stored};
use crate::layer::{Released, release_blob, release_layer};
use crate::store::{Store, StoreError, Transaction};

/// How to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoveOptions {
    /// Also when several names or a stopped container refer to it.
    pub force: bool,
    /// Delete parents too that have no name and no other child (the API's `noprune` reversed).
    pub prune: bool,
}

/// A container that uses an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The container.
    pub container: ContainerId,
    /// The image it was made from.
    pub image: Digest,
    /// Whether it runs or is paused.
    pub running: bool,
}

/// One step that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name was taken away: its familiar form.
    Untagged(String),
    /// An image's or a layer chain's content was deleted.
    Deleted(Digest),
}

/// An image was not removed. Displays as Docker's message.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// There is no such image.
    #[error(transparent)]
    Find(#[from] FindError),
    /// Something uses it.
    #[error("{0}")]
    Conflict(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RemoveError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Find(error) => error.kind(),
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::Store(_) => ErrorKind::Internal,
        }
    }
}

impl Store {
    /// Removes what `reference` means by Docker's rules; `users` are all containers. Also returns the id of the image
    /// that was meant, for events.
    ///
    /// # Errors
    /// [`RemoveError`]; nothing is changed then.
    pub fn remove(
        &self,
        reference: &str,
        options: RemoveOptions,
        users: &[User],
    ) -> Result<(Digest, Vec<Removed>), RemoveError> {
        let image = self.find(reference)?;
        let mut state = self.state();
        let transaction = self.records().begin()?;
        let held = |chain: &Digest| state.held.contains_key(chain);
        let mut removal = Removal {
            transaction: &transaction,
            held: &held,
            users,
            steps: Vec::new(),
            released: Released::default(),
        };
        removal.run(reference, &image.id, options)?;
        let Removal { steps, released, .. } = removal;
        boundary("rmi.decided");
        transaction.commit()?;
        boundary("rmi.recorded");
        state.images.clear();
        self.remove_files(&released)?;
        boundary("rmi.removed");
        Ok((image.id, steps))
    }
}

/// One removal under way, in one transaction.
struct Removal<'a> {
    transaction: &'a Transaction,
    held: &'a dyn Fn(&Digest) -> bool,
    users: &'a [User],
    steps: Vec<Removed>,
    released: Released,
}

/// Which conflicts stop a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// All of them.
    Full,
    /// All but names that are left: they go too.
    IgnoreNames,
    /// Only what cannot be forced.
    Hard,
}

impl Removal<'_> {
    fn run(&mut self, reference: &str, id: &Digest, options: RemoveOptions) -> Result<(), RemoveError> {
        let names = self.transaction.names_of(id)?;
        if is_id_prefix(id, reference) {
            if within_one_repository(&names) {
                let strictness = if options.force {
                    Strictness::Hard
                } else {
                    Strictness::IgnoreNames
                };
                self.check(id, strictness)?;
                for name in &names {
                    self.untag(name)?;
                }
            }
            return self.delete(id, options);
        }
        if !options.force
            && within_one_repository(&names)
            && let Some(user) = self.users.iter().find(|user| user.image == *id)
        {
            return Err(RemoveError::Conflict(format!(
                "conflict: unable to remove repository reference \"{reference}\" (must force) - container {} is using its \
                 referenced image {}",
                user.container.short(),
                short(id)
            )));
        }
        let name = stored(&Reference::parse(reference).map_err(FindError::from)?);
        self.untag(&name)?;
        if name.digest().is_none() {
            self.untag_lone_digests(id, &name)?;
        }
        if self.transaction.names_of(id)?.is_empty() {
            return self.delete_unless_used(id, options);
        }
        Ok(())
    }

    /// Names with digests that stay behind when a repository's last tag goes, go with it.
    fn untag_lone_digests(&mut self, id: &Digest, untagged: &Reference) -> Result<(), RemoveError> {
        let same: Vec<Reference> = self
            .transaction
            .names_of(id)?
            .into_iter()
            .filter(|name| name.name() == untagged.name())
            .collect();
        if same.iter().all(|name| name.digest().is_some()) {
            for name in &same {
                self.untag(name)?;
            }
        }
        Ok(())
    }

    /// After the last name is gone: an image that something uses stays, nameless, without an error.
    fn delete_unless_used(&mut self, id: &Digest, options: RemoveOptions) -> Result<(), RemoveError> {
        match self.delete(id, options) {
            Err(RemoveError::Conflict(_)) => Ok(()),
            done => done,
        }
    }

    fn delete(&mut self, id: &Digest, options: RemoveOptions) -> Result<(), RemoveError> {
        self.check(
            id,
            if options.force {
                Strictness::Hard
            } else {
                Strictness::Full
            },
        )?;
        for name in self.transaction.names_of(id)? {
            self.untag(&name)?;
        }
        let Some(record) = self.transaction.image(id)? else {
            return Ok(());
        };
        self.transaction.set_image(id, None)?;
        self.steps.push(Removed::Deleted(*id));
        if release_blob(self.transaction, id)? {
            self.released.add_blob(*id);
        }
        if let Some(top) = &record.top {
            let released = release_layer(self.transaction, top, self.held)?;
            self.steps
                .extend(released.chains.iter().map(|chain| Removed::Deleted(*chain)));
            self.released.add(released);
        }
        match record.parent {
            Some(parent) if options.prune && self.transaction.names_of(&parent)?.is_empty() => self.delete_unless_used(
                &parent,
                RemoveOptions {
                    force: false,
                    prune: true,
                },
            ),
            _ => Ok(()),
        }
    }

    fn untag(&mut self, name: &Reference) -> Result<(), RemoveError> {
        self.transaction.remove_name(name)?;
        self.steps.push(Removed::Untagged(name.familiar()));
        Ok(())
    }

    fn check(&self, id: &Digest, strictness: Strictness) -> Result<(), RemoveError> {
        let conflict = |force: &str, why: String| {
            Err(RemoveError::Conflict(format!(
                "conflict: unable to delete {} ({force}) - {why}",
                short(id)
            )))
        };
        if self.transaction.has_children(id)? {
            return conflict("cannot be forced", "image has dependent child images".into());
        }
        let user = |running: bool| {
            self.users
                .iter()
                .find(|user| user.image == *id && user.running == running)
        };
        if let Some(user) = user(true) {
            let container = user.container.short();
            return conflict(
                "cannot be forced",
                format!("image is being used by running container {container}"),
            );
        }
        if strictness == Strictness::Full && !self.transaction.names_of(id)?.is_empty() {
            return conflict("must be forced", "image is referenced in multiple repositories".into());
        }
        if strictness != Strictness::Hard
            && let Some(user) = user(false)
        {
            let container = user.container.short();
            return conflict(
                "must be forced",
                format!("image is being used by stopped container {container}"),
            );
        }
        Ok(())
    }
}

/// At most one tag, and all names in one repository.
fn within_one_repository(names: &[Reference]) -> bool {
    let tags = names.iter().filter(|name| name.digest().is_none()).count();
    tags <= 1 && names.iter().all(|name| name.name() == names[0].name())
}

fn short(id: &Digest) -> String {
    id.hex()[..12].to_owned()
}
