//! Operations on images: the store of `corten-image`, called at the blocking boundary.

/// One step of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadProgress {
    /// Bytes of a layer's compressed blob taken in so far.
    Layer {
        /// Short id of the layer.
        id: String,
        /// Taken.
        current: u64,
        /// Of how many; zero: unknown.
        total: u64,
    },
    /// A line for the client, without its line end: `Loaded image: busybox:latest`.
    Message(String),
}
