//! A file or a directory of this host as a tar stream.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

use super::path::split_entry;
use super::plan::End;
use super::rename::Rename;
use crate::archive::Sink;

/// The stream ended early. What cannot be read is left out with a word, as Docker does.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    #[error("cannot write the archive: {0}")]
    Write(#[source] io::Error),
}

/// Directory levels below the source, at most: a path that is longer cannot be opened by name.
const DEPTH: usize = 2048;

/// Writes what `source` is to `out`, with its entries renamed.
pub(crate) fn pack(source: &End, rename: &Rename, out: &mut dyn Sink) -> Result<(), PackError> {
    let (directory, name) = split_entry(&source.path);
    let own = match source.rebase.as_str() {
        "" => Rename::default(),
        "/" => Rename::new(&name, ""),
        rebase => Rename::new(&name, rebase),
    };
    let mut packer = Packer {
        builder: Builder::new(out),
        rename: own.then(rename.clone()),
        links: HashMap::new(),
    };
    let root = Path::new(&directory).join(&name);
    packer.walk(&root, name.into_bytes(), 0)?;
    packer.builder.finish().map_err(PackError::Write)
}

struct Packer<'out> {
    builder: Builder<&'out mut dyn Sink>,
    rename: Rename,
    /// The first name of each file that has several, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
}

impl Packer<'_> {
    fn walk(&mut self, path: &Path, name: Vec<u8>, depth: usize) -> Result<(), PackError> {
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) => return left_out(path, &error),
        };
        self.entry(path, &name, &found)?;
        if !found.is_dir() || depth == DEPTH {
            return Ok(());
        }
        for child in children(path) {
            // Below `.` too the name comes first, so that it can be replaced: `./child`.
            let below = [&name[..], b"/", child.as_bytes()].concat();
            self.walk(&path.join(&child), below, depth + 1)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &[u8], found: &Metadata) -> Result<(), PackError> {
        let name = self.rename.apply(name);
        let mut header = header(found);
        let kind = found.file_type();
        if found.is_dir() {
            header.set_entry_type(EntryType::Directory);
            return self.append(header, &[&name[..], b"/"].concat(), io::empty());
        }
        if found.nlink() > 1 {
            if let Some(first) = self.links.get(&(found.dev(), found.ino())).cloned() {
                header.set_entry_type(EntryType::Link);
                return self.append_link(header, &name, &first);
            }
            self.links.insert((found.dev(), found.ino()), name.clone());
        }
        if kind.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            return match fs::read_link(path) {
                Ok(target) => self.append_link(header, &name, target.as_os_str().as_bytes()),
                Err(error) => left_out(path, &error),
            };
        }
        if kind.is_fifo() {
            header.set_entry_type(EntryType::Fifo);
            return self.append(header, &name, io::empty());
        }
        if kind.is_block_device() || kind.is_char_device() {
            header.set_entry_type(if kind.is_block_device() {
                EntryType::Block
            } else {
                EntryType::Char
            });
            let numbers = (rustix::fs::major(found.rdev()), rustix::fs::minor(found.rdev()));
            let set = header.set_device_major(numbers.0);
            set.and_then(|()| header.set_device_minor(numbers.1))
                .map_err(PackError::Write)?;
            return self.append(header, &name, io::empty());
        }
        if kind.is_socket() {
            let error = io::Error::other("archive/tar: sockets not supported");
            return left_out(path, &error);
        }
        self.file(path, header, &name, found)
    }

    fn file(&mut self, path: &Path, mut header: Header, name: &[u8], found: &Metadata) -> Result<(), PackError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return left_out(path, &error),
        };
        header.set_entry_type(EntryType::Regular);
        header.set_size(found.len());
        if let Some(value) = capability(&file) {
            let pair = [("SCHILY.xattr.security.capability", value.as_slice())];
            self.builder.append_pax_extensions(pair).map_err(PackError::Write)?;
        }
        self.append(header, name, io::empty())?;
        self.content(&file, found.len()).map_err(PackError::Write)
    }

    /// The content behind its header, in larger steps than the builder's own. A file that shrinks meanwhile is filled
    /// up, one that grows is cut: the header's size is a promise.
    fn content(&mut self, file: &File, size: u64) -> io::Result<()> {
        const BLOCK: usize = 512;
        let out = self.builder.get_mut();
        let mut left = size;
        while left > 0 {
            let taken = match out.take_from(file, left)? {
                0 => io::copy(&mut io::repeat(0).take(left), out)?,
                taken => taken as u64,
            };
            left -= taken;
        }
        let padding = usize::try_from(size.wrapping_neg() % BLOCK as u64).unwrap_or(0);
        out.write_all(&[0; BLOCK][..padding])
    }

    fn append(&mut self, mut header: Header, name: &[u8], data: impl Read) -> Result<(), PackError> {
        let path = PathBuf::from(std::ffi::OsString::from_vec(name.to_vec()));
        self.builder
            .append_data(&mut header, &path, data)
            .map_err(PackError::Write)
    }

    fn append_link(&mut self, mut header: Header, name: &[u8], target: &[u8]) -> Result<(), PackError> {
        self.builder
            .append_link(&mut header, OsStr::from_bytes(name), OsStr::from_bytes(target))
            .map_err(PackError::Write)
    }
}

fn header(found: &Metadata) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(found.mode() & 0o7777);
    header.set_uid(u64::from(found.uid()));
    header.set_gid(u64::from(found.gid()));
    header.set_mtime(u64::try_from(found.mtime()).unwrap_or(0));
    header.set_size(0);
    header
}

/// The names in a directory, in order. One that cannot be read is empty, with a word.
fn children(path: &Path) -> Vec<std::ffi::OsString> {
    let listed = fs::read_dir(path).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<Vec<_>>>()
    });
    match listed {
        Ok(mut names) => {
            names.sort();
            names
        }
        Err(error) => {
            say_left_out(path, &error);
            Vec::new()
        }
    }
}

/// What `setcap` has given a program; other attributes stay behind, as with Docker.
fn capability(file: &File) -> Option<Vec<u8>> {
    let mut value = [0; 64];
    let length = rustix::fs::fgetxattr(file, "security.capability", &mut value).ok()?;
    value.get(..length).map(<[u8]>::to_vec)
}

/// The copy goes on without it.
fn left_out(path: &Path, error: &io::Error) -> Result<(), PackError> {
    say_left_out(path, error);
    Ok(())
}

fn say_left_out(path: &Path, error: &io::Error) {
    eprintln!("Can't add file {} to tar: {error}", path.display());
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use corten_image::tar::{Kind, TarReader};

    use super::*;

    fn packed(path: &str, rebase: &str, rename: &Rename) -> Vec<(String, Kind, String)> {
        let source = End {
            path: path.to_owned(),
            exists: true,
            is_directory: true,
            rebase: rebase.to_owned(),
        };
        let mut bytes = Vec::new();
        pack(&source, rename, &mut bytes).unwrap();
        let mut reader = TarReader::new(bytes.as_slice());
        let mut seen = Vec::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            seen.push((text(entry.path), entry.kind, text(entry.link)));
        }
        seen
    }

    #[test]
    fn names_links_and_order() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("dir");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("sub/file"), "x").unwrap();
        fs::hard_link(root.join("sub/file"), root.join("again")).unwrap();
        symlink("../away", root.join("link")).unwrap();
        let long = "n".repeat(200);
        fs::write(root.join(&long), "").unwrap();
        let root = root.display().to_string();

        let entries = packed(&root, "", &Rename::new("dir", "copy"));
        let expected = [
            ("copy/".to_owned(), Kind::Directory, ""),
            ("copy/again".to_owned(), Kind::Regular, ""),
            ("copy/link".to_owned(), Kind::Symlink, "../away"),
            (format!("copy/{long}"), Kind::Regular, ""),
            ("copy/sub/".to_owned(), Kind::Directory, ""),
            ("copy/sub/file".to_owned(), Kind::HardLink, "copy/again"),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, kind, link)| (name, kind, link.to_owned()))
            .collect();
        assert_eq!(entries, expected);

        let names =
            |entries: Vec<(String, Kind, String)>| entries.into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
        let content = names(packed(&format!("{root}/."), "", &Rename::default()));
        assert_eq!(content[..2], ["./".to_owned(), "again".to_owned()]);
        let renamed = names(packed(&format!("{root}/."), "", &Rename::new(".", "new")));
        assert_eq!(renamed[..2], ["new/".to_owned(), "new/again".to_owned()]);
        assert_eq!(names(packed(&root, "link", &Rename::default()))[0], "link/");
    }
}
