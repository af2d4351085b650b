//! The database: names, images, layers and blobs with their reference counts. Format 2:
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | `format` | 2 |
//! | `names` | full reference, `docker.io/library/x:tag` or `...@sha256:..` | image id, hex |
//! | `images` | image id, hex | [`ImageRecord`] as JSON |
//! | `layers` | chain id, hex | [`LayerRecord`] as JSON |
//! | `blobs` | digest, hex | [`BlobRecord`] as JSON |
//!
//! Counts: a layer counts the images that end in it and the layers directly on it (snapshots are counted in memory,
//! their directories are their record); a blob counts the images and layers that need it. Hex without `sha256:`, so
//! that an id prefix is a key range. Every commit is durable and leaves what a quick repair needs.

use std::path::Path;

use corten_base::{Digest, Reference, Timestamp};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// Since 2 a layer's blob may be stored as an outline, which programs that know 1 alone would take for litter.
const FORMAT: u64 = 2;
/// redb's default of 1 GiB is meant for other databases; this one is a few MiB.
const CACHE_BYTES: usize = 1 << 20;

type Table = TableDefinition<'static, &'static str, &'static [u8]>;
const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("meta");
const NAMES: Table = TableDefinition::new("names");
const IMAGES: Table = TableDefinition::new("images");
const LAYERS: Table = TableDefinition::new("layers");
const BLOBS: Table = TableDefinition::new("blobs");

/// What is kept of an image besides its configuration's blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    /// Chain id of its topmost layer.
    pub(crate) top: Option<Digest>,
    /// When a name was last given to it.
    pub(crate) last_tagged: Timestamp,
    /// The local image that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Digest>,
}

/// One unpacked layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerRecord {
    pub(crate) diff_id: Digest,
    /// Chain id of the layer below.
    pub(crate) parent: Option<Digest>,
    /// Its directory's name.
    pub(crate) key: String,
    pub(crate) size_bytes: u64,
    /// The tar, as it was loaded.
    pub(crate) blob: Digest,
    pub(crate) references: u64,
}

/// One stored blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlobRecord {
    pub(crate) size_bytes: u64,
    pub(crate) references: u64,
}

/// The open database.
#[derive(Debug)]
pub(crate) struct Records(Database);

/// One change under way; dropped without [`Transaction::commit`] it never was.
pub(crate) struct Transaction(redb::WriteTransaction);

/// Reads, at one point in time.
pub(crate) struct View(redb::ReadTransaction);

impl Records {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let database = redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create(path)
            .map_err(failed)?;
        let records = Self(database);
        let transaction = records.begin()?;
        let known = {
            let mut meta = transaction.0.open_table(META).map_err(failed)?;
            let known = meta.get("format").map_err(failed)?.map(|format| format.value());
            if known.is_none() {
                meta.insert("format", FORMAT).map_err(failed)?;
            }
            known
        };
        match known {
            Some(FORMAT) => transaction.0.abort().map_err(failed)?,
            // What it says is the same in the second.
            Some(1) => {
                transaction
                    .0
                    .open_table(META)
                    .map_err(failed)?
                    .insert("format", FORMAT)
                    .map_err(failed)?;
                transaction.commit()?;
            }
            Some(newer) => return Err(StoreError::Format(newer)),
            None => {
                for table in [NAMES, IMAGES, LAYERS, BLOBS] {
                    transaction.0.open_table(table).map_err(failed)?;
                }
                transaction.commit()?;
            }
        }
        Ok(records)
    }

    pub(crate) fn begin(&self) -> Result<Transaction, StoreError> {
        let mut transaction = self.0.begin_write().map_err(failed)?;
        transaction.set_quick_repair(true);
        Ok(Transaction(transaction))
    }

    pub(crate) fn view(&self) -> Result<View, StoreError> {
        Ok(View(self.0.begin_read().map_err(failed)?))
    }
}

impl View {
    pub(crate) fn name(&self, reference: &Reference) -> Result<Option<Digest>, StoreError> {
        let table = self.0.open_table(NAMES).map_err(failed)?;
        let key = reference.to_string();
        let value = table.get(&*key).map_err(failed)?;
        value.map(|value| parse_id(value.value(), &key)).transpose()
    }

    /// All names with what they mean, sorted.
    pub(crate) fn names(&self) -> Result<Vec<(Reference, Digest)>, StoreError> {
        all_names(&self.0.open_table(NAMES).map_err(failed)?)
    }

    pub(crate) fn image(&self, id: &Digest) -> Result<Option<ImageRecord>, StoreError> {
        get(&self.0.open_table(IMAGES).map_err(failed)?, id)
    }

    pub(crate) fn layer(&self, chain: &Digest) -> Result<Option<LayerRecord>, StoreError> {
        get(&self.0.open_table(LAYERS).map_err(failed)?, chain)
    }

    /// The layer whose directory has this name. A key is the beginning of its chain id.
    pub(crate) fn chain_by_key(&self, key: &str) -> Result<Option<Digest>, StoreError> {
        let table = self.0.open_table(LAYERS).map_err(failed)?;
        for row in table.range(key..).map_err(failed)? {
            let (chain, value) = row.map_err(failed)?;
            let chain = chain.value();
            if !chain.starts_with(key) {
                break;
            }
            let layer: LayerRecord =
                serde_json::from_slice(value.value()).map_err(|_| StoreError::Damaged(chain.to_owned()))?;
            if layer.key == key {
                return parse_key(chain).map(Some);
            }
        }
        Ok(None)
    }

    pub(crate) fn images(&self) -> Result<Vec<(Digest, ImageRecord)>, StoreError> {
        all(&self.0.open_table(IMAGES).map_err(failed)?)
    }

    pub(crate) fn layers(&self) -> Result<Vec<(Digest, LayerRecord)>, StoreError> {
        all(&self.0.open_table(LAYERS).map_err(failed)?)
    }

    pub(crate) fn blob(&self, digest: &Digest) -> Result<Option<BlobRecord>, StoreError> {
        get(&self.0.open_table(BLOBS).map_err(failed)?, digest)
    }

    pub(crate) fn blobs(&self) -> Result<Vec<(Digest, BlobRecord)>, StoreError> {
        all(&self.0.open_table(BLOBS).map_err(failed)?)
    }

    /// Up to two ids that begin with `prefix`.
    pub(crate) fn images_with_prefix(&self, prefix: &str) -> Result<Vec<Digest>, StoreError> {
        let table = self.0.open_table(IMAGES).map_err(failed)?;
        let mut found = Vec::new();
        for row in table.range(prefix..).map_err(failed)? {
            let (key, _) = row.map_err(failed)?;
            if !key.value().starts_with(prefix) || found.len() == 2 {
                break;
            }
            found.push(parse_key(key.value())?);
        }
        Ok(found)
    }
}

impl Transaction {
    pub(crate) fn name(&self, reference: &Reference) -> Result<Option<Digest>, StoreError> {
        let table = self.0.open_table(NAMES).map_err(failed)?;
        let key = reference.to_string();
        let value = table.get(&*key).map_err(failed)?;
        value.map(|value| parse_id(value.value(), &key)).transpose()
    }

    /// The names of an image, sorted.
    pub(crate) fn names_of(&self, id: &Digest) -> Result<Vec<Reference>, StoreError> {
        let table = self.0.open_table(NAMES).map_err(failed)?;
        let names = all_names(&table)?;
        Ok(names
            .into_iter()
            .filter(|(_, means)| means == id)
            .map(|(name, _)| name)
            .collect())
    }

    /// Whether an image was made from this one.
    pub(crate) fn has_children(&self, id: &Digest) -> Result<bool, StoreError> {
        let images: Vec<(Digest, ImageRecord)> = all(&self.0.open_table(IMAGES).map_err(failed)?)?;
        Ok(images.iter().any(|(_, image)| image.parent == Some(*id)))
    }

    pub(crate) fn set_name(&self, reference: &Reference, id: &Digest) -> Result<(), StoreError> {
        let mut table = self.0.open_table(NAMES).map_err(failed)?;
        table
            .insert(&*reference.to_string(), id.hex().as_bytes())
            .map_err(failed)?;
        Ok(())
    }

    pub(crate) fn remove_name(&self, reference: &Reference) -> Result<(), StoreError> {
        let mut table = self.0.open_table(NAMES).map_err(failed)?;
        table.remove(&*reference.to_string()).map_err(failed)?;
        Ok(())
    }

    pub(crate) fn image(&self, id: &Digest) -> Result<Option<ImageRecord>, StoreError> {
        get(&self.0.open_table(IMAGES).map_err(failed)?, id)
    }

    pub(crate) fn set_image(&self, id: &Digest, record: Option<&ImageRecord>) -> Result<(), StoreError> {
        self.set(IMAGES, id, record)
    }

    pub(crate) fn layer(&self, chain: &Digest) -> Result<Option<LayerRecord>, StoreError> {
        get(&self.0.open_table(LAYERS).map_err(failed)?, chain)
    }

    pub(crate) fn set_layer(&self, chain: &Digest, record: Option<&LayerRecord>) -> Result<(), StoreError> {
        self.set(LAYERS, chain, record)
    }

    pub(crate) fn blob(&self, digest: &Digest) -> Result<Option<BlobRecord>, StoreError> {
        get(&self.0.open_table(BLOBS).map_err(failed)?, digest)
    }

    pub(crate) fn set_blob(&self, digest: &Digest, record: Option<&BlobRecord>) -> Result<(), StoreError> {
        self.set(BLOBS, digest, record)
    }

    pub(crate) fn layers(&self) -> Result<Vec<(Digest, LayerRecord)>, StoreError> {
        all(&self.0.open_table(LAYERS).map_err(failed)?)
    }

    pub(crate) fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.commit().map_err(failed)?)
    }

    fn set<T: Serialize>(&self, table: Table, key: &Digest, record: Option<&T>) -> Result<(), StoreError> {
        let mut table = self.0.open_table(table).map_err(failed)?;
        let key = key.hex();
        match record {
            Some(record) => {
                let value = serde_json::to_vec(record).map_err(|_| StoreError::Damaged(key.clone()))?;
                table.insert(&*key, &*value).map_err(failed)?;
            }
            None => {
                table.remove(&*key).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn get<T: DeserializeOwned>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    key: &Digest,
) -> Result<Option<T>, StoreError> {
    let key = key.hex();
    let Some(value) = table.get(&*key).map_err(failed)? else {
        return Ok(None);
    };
    serde_json::from_slice(value.value())
        .map(Some)
        .map_err(|_| StoreError::Damaged(key))
}

fn all<T: DeserializeOwned>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Vec<(Digest, T)>, StoreError> {
    let mut rows = Vec::new();
    for row in table.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let record = serde_json::from_slice(value.value()).map_err(|_| StoreError::Damaged(key.value().to_owned()))?;
        rows.push((parse_key(key.value())?, record));
    }
    Ok(rows)
}

fn all_names(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Vec<(Reference, Digest)>, StoreError> {
    let mut names = Vec::new();
    for row in table.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let reference = key
            .value()
            .parse()
            .map_err(|_| StoreError::Damaged(key.value().to_owned()))?;
        names.push((reference, parse_id(value.value(), key.value())?));
    }
    Ok(names)
}

fn parse_key(hex: &str) -> Result<Digest, StoreError> {
    format!("sha256:{hex}")
        .parse()
        .map_err(|_| StoreError::Damaged(hex.to_owned()))
}

fn parse_id(value: &[u8], key: &str) -> Result<Digest, StoreError> {
    let hex = std::str::from_utf8(value).map_err(|_| StoreError::Damaged(key.to_owned()))?;
    parse_key(hex).map_err(|_| StoreError::Damaged(key.to_owned()))
}

fn failed(error: impl Into<redb::Error>) -> Box<redb::Error> {
    Box::new(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_left_alone() {
        let place = tempfile::tempdir().expect("temporary directory");
        let path = place.path().join("metadata.redb");
        drop(Records::open(&path).expect("made"));
        let records = Records::open(&path).expect("opened again");
        let transaction = records.begin().expect("begin");
        transaction
            .0
            .open_table(META)
            .expect("table")
            .insert("format", FORMAT + 1)
            .expect("insert");
        transaction.commit().expect("commit");
        drop(records);
        assert!(matches!(Records::open(&path), Err(StoreError::Format(newer)) if newer == FORMAT + 1));
    }

    #[test]
    fn an_older_format_becomes_this_one() {
        let place = tempfile::tempdir().expect("temporary directory");
        let path = place.path().join("metadata.redb");
        let stored = |records: &Records| {
            let table = records.0.begin_read().expect("begin").open_table(META).expect("table");
            table.get("format").expect("get").expect("there").value()
        };
        let records = Records::open(&path).expect("made");
        assert_eq!(stored(&records), FORMAT);
        let transaction = records.begin().expect("begin");
        let mut table = transaction.0.open_table(META).expect("table");
        table.insert("format", 1).expect("insert");
        drop(table);
        transaction.commit().expect("commit");
        drop(records);
        let records = Records::open(&path).expect("opened");
        assert_eq!(stored(&records), FORMAT);
    }

    #[test]
    fn a_layer_is_found_by_its_key() {
        let place = tempfile::tempdir().expect("temporary directory");
        let records = Records::open(&place.path().join("metadata.redb")).expect("made");
        let digest = |last: u8| {
            let mut bytes = [7; 32];
            bytes[31] = last;
            Digest::from_bytes(bytes)
        };
        let transaction = records.begin().expect("begin");
        for (last, digits) in [(1, 12), (2, 64), (3, 63)] {
            let chain = digest(last);
            let (key, blob) = (chain.hex()[..digits].to_owned(), Digest::of(b""));
            let layer = LayerRecord {
                diff_id: blob,
                parent: None,
                key,
                size_bytes: 0,
                blob,
                references: 0,
            };
            transaction.set_layer(&chain, Some(&layer)).expect("set");
        }
        transaction.commit().expect("commit");
        let view = records.view().expect("view");
        for (last, digits) in [(1, 12), (2, 64), (3, 63)] {
            let found = view.chain_by_key(&digest(last).hex()[..digits]).expect("reads");
            assert_eq!(found, Some(digest(last)), "two may begin alike");
        }
        assert_eq!(view.chain_by_key("0707").expect("reads"), None);
    }
}
