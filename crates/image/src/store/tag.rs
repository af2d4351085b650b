//! `docker tag`.

use corten_base::{Digest, Reference, Timestamp};

use super::{Store, StoreError, Transaction};
use crate::find::FindError;

impl Store {
    /// Makes `target` (`:latest` implied) mean the image that `source` means. Returns the image's id.
    ///
    /// # Errors
    /// [`FindError`]; a target with a digest is refused.
    pub fn tag(&self, source: &str, target: &Reference) -> Result<Digest, FindError> {
        if target.digest().is_some() {
            return Err(FindError::DigestTarget);
        }
        let target = target.clone().or_latest();
        if target.familiar_name() == "sha256" {
            return Err(FindError::AmbiguousTarget);
        }
        let id = self.find(source)?.id;
        let mut state = self.state();
        let transaction = self.records().begin()?;
        if transaction.image(&id)?.is_none() {
            return Err(FindError::NotFound(source.to_owned()));
        }
        set_tag(&transaction, &target, &id, Timestamp::now())?;
        transaction.commit()?;
        state.images.clear();
        Ok(id)
    }
}

/// Gives the image a name and notes when.
pub(crate) fn set_tag(
    transaction: &Transaction,
    name: &Reference,
    id: &Digest,
    now: Timestamp,
) -> Result<(), StoreError> {
    transaction.set_name(name, id)?;
    if let Some(mut record) = transaction.image(id)? {
        record.last_tagged = now;
        transaction.set_image(id, Some(&record))?;
    }
    Ok(())
}
