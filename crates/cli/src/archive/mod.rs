//! Tar archives between this program's user and the engine: as request bodies, as files.

mod source;
mod to_file;

pub(crate) use source::Source;
pub(crate) use to_file::ToFile;
