//! The extended attributes that go into archives: file capabilities, access control lists and the user's own; neither
//! overlayfs's nor those of the host's security modules.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

/// Bytes of all names, and of one value: the kernel's own limits.
const LIST_BYTES: usize = 64 << 10;

/// Those of an open file or directory.
pub(super) fn of(file: BorrowedFd<'_>) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    // Most files have none, or a label's name: this takes one call.
    let mut short = [0; 256];
    let mut long = Vec::new();
    let names = match rustix::fs::flistxattr(file, &mut short[..]) {
        Ok(length) => &short[..length],
        Err(Errno::RANGE) => {
            long.resize(LIST_BYTES, 0);
            let length = rustix::fs::flistxattr(file, &mut long[..])?;
            &long[..length]
        }
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::PERM) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for name in names.split(|&byte| byte == 0).filter(|name| is_carried(name)) {
        let mut value = vec![0; LIST_BYTES];
        match rustix::fs::fgetxattr(file, name, &mut value[..]) {
            Ok(length) => {
                value.truncate(length);
                found.push((name.to_vec(), value));
            }
            Err(Errno::NODATA | Errno::NOTSUP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    found.sort();
    Ok(found)
}

fn is_carried(name: &[u8]) -> bool {
    match name {
        b"security.capability" | b"system.posix_acl_access" | b"system.posix_acl_default" => true,
        name => name.starts_with(b"user.") && !name.starts_with(b"user.overlay."),
    }
}

/// Whether overlayfs hides what lower layers have in this directory.
pub(crate) fn is_opaque(directory: BorrowedFd<'_>) -> io::Result<bool> {
    let mut value = [0; 8];
    match rustix::fs::fgetxattr(directory, c"trusted.overlay.opaque", &mut value[..]) {
        Ok(length) => Ok(&value[..length] == b"y"),
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(false),
        Err(Errno::RANGE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried() {
        for (name, carried) in [
            ("user.x", true),
            ("user.overlay.opaque", false),
            ("trusted.overlay.opaque", false),
            ("security.capability", true),
            ("security.selinux", false),
            ("", false),
        ] {
            assert_eq!(is_carried(name.as_bytes()), carried, "{name}");
        }
    }
}
