//! Images: the content store, layers as directories, names, load, save, import, and the snapshots that containers
//! write to. Synchronous; [`Store`] is `Send + Sync` and cheap to clone, its callers bring the threads.
//!
//! On disk (format 1), under the root given to [`Store::open`]:
//! ```text
//! metadata.redb            names, images, layers, blobs with reference counts: the truth (store/records.rs)
//! blobs/sha256/<hex>       configurations, and layer tars exactly as they were loaded; named by digest
//! layers/<key>/            one unpacked layer; key: 12 digits of its chain id (more if two begin alike)
//!     diff/                its tree in overlay form (0:0 character devices and trusted.overlay.opaque)
//! snapshots/<container>/   one container's writable layer
//!     layer -> <key>       the topmost layer below it (a symbolic link: atomic, nothing to flush); `empty`: none
//!     upper/ work/         overlay's two directories
//! tmp/                     work in progress; thrown away when the store opens
//! trash/                   what was removed; a thread empties it (store/trash.rs)
//! ```
//! Whatever the database does not name is garbage and removed at open: a layer directory or blob is renamed to its
//! place first and recorded after, records go first and files after. One process owns a store (redb's file lock).
//!
//! Relative to `layers/` a lower directory is `<key>/diff`, 17 bytes, so that 127 of them fit the one page that
//! mount(2) takes on kernels without `lowerdir+`.

pub mod changes;
pub mod commit;
mod compress;
pub mod config;
pub mod extract;
pub mod find;
pub mod hello;
pub mod import;
mod layer;
pub mod load;
mod outline;
pub mod pack;
pub mod remove;
pub mod save;
pub mod snapshot;
pub mod store;
pub mod tar;
pub mod unpack;

pub use commit::{CommitError, CommitRequest, Committed};
pub use config::{Config, Healthcheck, History, ImageConfig};
pub use find::{FindError, Image, ImageSummary};
pub use hello::HelloError;
pub use import::{ImportError, ImportOptions};
pub use load::{LoadError, LoadEvent, Loaded};
pub use remove::{RemoveError, RemoveOptions, Removed, User};
pub use save::SaveError;
pub use snapshot::{Snapshot, SnapshotError};
pub use store::{OpenError, Store, StoreError};

/// What kind of failure an error is, for whoever maps it to an HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was asked for does not exist (404).
    NotFound,
    /// The caller's input is wrong (400).
    InvalidParameter,
    /// It cannot be done in the present state (409).
    Conflict,
    /// The machine failed, or content that was sent in is damaged (500, as Docker).
    Internal,
}
