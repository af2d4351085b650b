//! Tar archives between this program's user and the engine: as request bodies, as answers, as files.

mod pipe;
mod source;
mod to_file;

pub(crate) use pipe::{Sink, StreamReader, upload_written};
pub(crate) use source::Source;
pub(crate) use to_file::ToFile;
