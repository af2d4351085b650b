//! Images on the wire.

mod delete;
mod history;
mod inspect;
mod summary;

pub use delete::ImageDeleteItem;
pub use history::ImageHistoryItem;
pub use inspect::{ImageConfig, ImageInspect, ImageMetadata, RootFs};
pub use summary::ImageSummary;
