//! The user and group of `copyUIDGID`: those that the container's program has, by its own passwd and group files.

use std::io::Read as _;
use std::os::fd::BorrowedFd;

use corten_image::unpack::open_in;
use rustix::fs::OFlags;

use crate::error::{Error, Result};

/// Most bytes of passwd and group that are looked at.
const FILE_BYTES: u64 = 1 << 20;

/// `user[:group]`, names or numbers, in the container whose root this is.
pub(super) fn find(root: BorrowedFd<'_>, text: &str) -> Result<(u32, u32)> {
    let passwd = read(root, "etc/passwd");
    let group = read(root, "etc/group");
    resolve(text, &passwd, &group)
}

/// Whether the container whose root this is knows a user of that name.
pub(super) fn is_known(root: BorrowedFd<'_>, name: &str) -> bool {
    let passwd = read(root, "etc/passwd");
    rows(&passwd).any(|row| row[0] == name)
}

fn resolve(text: &str, passwd: &str, groups: &str) -> Result<(u32, u32)> {
    let (name, group) = text.split_once(':').unwrap_or((text, ""));
    let number = name.parse::<u32>().ok();
    let entry = rows(passwd).find(|row| row[0] == name || (number.is_some() && row[2].parse().ok() == number));
    let (uid, own) = match (entry, number) {
        (Some(row), _) => (
            row[2].parse().unwrap_or(0),
            row.get(3).and_then(|text| text.parse().ok()).unwrap_or(0),
        ),
        (None, Some(number)) => (number, number),
        (None, None) => return Err(Error::internal(format!("no such user: {name}"))),
    };
    if group.is_empty() {
        return Ok((uid, own));
    }
    let found = rows(groups)
        .find(|row| row[0] == group)
        .and_then(|row| row[2].parse().ok());
    match found.or_else(|| group.parse().ok()) {
        Some(gid) => Ok((uid, gid)),
        None => Err(Error::internal(format!("no such group: {group}"))),
    }
}

/// The rows with at least a name and a number.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .filter(|row| row.len() >= 3)
}

fn read(root: BorrowedFd<'_>, path: &str) -> String {
    // NONBLOCK: a named pipe in its place must not stop us.
    let Ok(file) = open_in(root, path.as_bytes(), OFlags::RDONLY | OFlags::NONBLOCK) else {
        return String::new();
    };
    let mut text = Vec::new();
    // What cannot be read has no entries.
    drop(std::fs::File::from(file).take(FILE_BYTES).read_to_end(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        let passwd = "root:x:0:0:r:/root:/bin/sh\nwww-data:x:33:34:w:/:/bin/false\nbroken\n";
        let groups = "root:x:0:\nstaff:x:50:\n";
        for (text, ids) in [
            ("www-data", Some((33, 34))),
            ("33", Some((33, 34))),
            ("77", Some((77, 77))),
            ("www-data:staff", Some((33, 50))),
            ("www-data:7", Some((33, 7))),
            ("77:0", Some((77, 0))),
            ("nobody", None),
            ("0:nogroup", None),
        ] {
            assert_eq!(resolve(text, passwd, groups).ok(), ids, "{text}");
        }
    }
}
