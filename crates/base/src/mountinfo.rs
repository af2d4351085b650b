//! Lines of `/proc/<pid>/mountinfo` (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// Where the mount of a line is, with blanks and the like as they are in the path.
#[must_use]
pub fn mount_point(line: &str) -> Option<PathBuf> {
    line.split(' ').nth(4).map(unescaped)
}

/// The kernel writes blank, tab, newline and backslash as a backslash and three octal digits.
fn unescaped(field: &str) -> PathBuf {
    let bytes = field.as_bytes();
    let mut path = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 4).filter(|_| byte == b'\\');
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        path.push(code.unwrap_or(byte));
        at += if code.is_some() { 4 } else { 1 };
    }
    PathBuf::from(OsString::from_vec(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_in_paths_are_read_back() {
        let line = "36 35 98:0 /mnt1 /mnt\\0402/a\\134b rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(mount_point(line), Some("/mnt 2/a\\b".into()));
        assert_eq!(mount_point("1 2 3 4 /end\\04"), Some("/end\\04".into()));
        assert_eq!(mount_point("1 2 3"), None);
    }
}
