//! A file or standard input as a request's body.

use std::fs::File;
use std::io::{self, Read};

use bytes::Bytes;
use corten_client::Upload;

use crate::failure::Failure;
use crate::option::pair;

/// Bytes sent at once.
const CHUNK: usize = 256 << 10;
/// Pieces that wait while the engine is busy.
const DEPTH: usize = 4;

/// Where an archive comes from.
#[derive(Debug)]
pub(crate) enum Source {
    Stdin,
    File(File),
}

impl Source {
    /// Opens the file of that name.
    pub(crate) fn open(path: &str) -> Result<Self, Failure> {
        match File::open(path) {
            Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_dir()) => {
                Err(Failure::new(format!("read {path}: is a directory")).hint("name an archive (.tar) instead"))
            }
            Ok(file) => Ok(Self::File(file)),
            Err(error) => Err(Failure::new(format!("open {path}: {}", pair::reason(&error)))),
        }
    }

    /// A body that is read by a thread of its own while it is sent. The thread ends with the body.
    pub(crate) fn upload(self) -> Upload {
        let (sender, upload) = Upload::channel(DEPTH);
        std::thread::spawn(move || {
            let mut reader: Box<dyn Read> = match self {
                Self::Stdin => Box::new(io::stdin()),
                Self::File(file) => Box::new(file),
            };
            loop {
                let mut piece = vec![0; CHUNK];
                let read = match reader.read(&mut piece) {
                    Ok(0) => return,
                    Ok(length) => {
                        piece.truncate(length);
                        Ok(Bytes::from(piece))
                    }
                    Err(error) => Err(error),
                };
                if sender.blocking_send(read).is_err() {
                    return;
                }
            }
        });
        upload
    }
}
