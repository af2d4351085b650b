//! Images on the wire.

mod commit;
mod delete;
mod history;
mod inspect;
mod prune;
mod search;
mod summary;

pub use commit::IdResponse;
pub use delete::ImageDeleteItem;
pub use history::ImageHistoryItem;
pub use inspect::{ImageConfig, ImageInspect, ImageMetadata, RootFs};
pub use prune::ImagePruneReport;
pub use search::ImageSearchResult;
pub use summary::ImageSummary;
