//! Whiteouts: `.wh.name` in a tar hides `name` of the layers below, `.wh..wh..opq` hides everything below in its
//! directory (image-spec layer.md#whiteouts). In overlay form these are a 0:0 character device and the attribute
//! `trusted.overlay.opaque`. A whiteout never hides what its own layer has, whichever comes first.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, XattrFlags};
use rustix::io::Errno;

use super::{CleanPath, ExtractError, Extractor, io_error, lossy};

/// What names of whiteouts begin with.
pub(super) const PREFIX: &[u8] = b".wh.";
const META_PREFIX: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

impl Extractor<'_> {
    pub(super) fn whiteout(&mut self, path: &CleanPath) -> Result<(), ExtractError> {
        let (parent, name) = path.split();
        if name == OPAQUE {
            return self.opaque_directory(parent);
        }
        if name.starts_with(META_PREFIX) {
            // AUFS's own bookkeeping.
            return Ok(());
        }
        let hidden = &name[PREFIX.len()..];
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(ExtractError::Whiteout(lossy(&path.text)));
        }
        let text = if parent.is_empty() {
            hidden.to_vec()
        } else {
            [parent, b"/", hidden].concat()
        };
        let present = self.kind_of(&text)?;
        match present {
            Some(FileType::Directory) => self.make_opaque(&text),
            Some(_) => Ok(()),
            None => {
                let path = CleanPath { text };
                self.create(&path, "whiteout", |parent, name| {
                    rustix::fs::mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), 0)
                })?;
                self.whiteouts.insert(path.text);
                Ok(())
            }
        }
    }

    fn opaque_directory(&mut self, path: &[u8]) -> Result<(), ExtractError> {
        if path.is_empty() {
            return Ok(());
        }
        if self.kind_of(path)? != Some(FileType::Directory) {
            self.make_directory(&CleanPath { text: path.to_vec() })?;
            self.implied.insert(path.to_vec());
        }
        self.make_opaque(path)
    }

    /// Marks the directory at `path` so that nothing of the layers below shows in it.
    pub(super) fn make_opaque(&mut self, path: &[u8]) -> Result<(), ExtractError> {
        let failed = io_error("mark as opaque", path);
        let set = self.existing(path).and_then(|directory| {
            let Some(directory) = directory else {
                return Err(Errno::NOENT.into());
            };
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let directory = rustix::fs::openat(directory, c".", flags, Mode::empty())?;
            Ok(rustix::fs::fsetxattr(
                directory,
                c"trusted.overlay.opaque",
                b"y",
                XattrFlags::empty(),
            )?)
        });
        set.map_err(failed)
    }

    fn kind_of(&mut self, path: &[u8]) -> Result<Option<FileType>, ExtractError> {
        let clean = CleanPath { text: path.to_vec() };
        let (parent, name) = clean.split();
        let failed = |error: std::io::Error| io_error("look at", path)(error);
        let Some(parent) = self.existing(parent).map_err(failed)? else {
            return Ok(None);
        };
        match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failed(error.into())),
        }
    }
}
