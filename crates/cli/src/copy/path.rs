//! Paths as text, by the rules of Go's `path/filepath`: cleaned without looking at the disk. Pure.

/// The shortest path of the same meaning, links aside: no `.`, no `..` that can be resolved, no double slash.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// Two paths one after the other, cleaned. An absolute second part does not start again.
pub(crate) fn join(first: &str, second: &str) -> String {
    match (first.is_empty(), second.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(second),
        (false, _) => clean(&format!("{first}/{second}")),
    }
}

/// The last part; `/` of the root, `.` of nothing.
pub(crate) fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    match path.trim_end_matches('/') {
        "" => "/",
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// All but the last part, cleaned.
pub(crate) fn directory(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    clean(&path[..end])
}

/// Whether the path says that it means a directory's content: `a/.`.
pub(crate) fn is_content(path: &str) -> bool {
    base(path) == "."
}

/// Whether it ends in a slash.
pub(crate) fn has_slash(path: &str) -> bool {
    path.ends_with('/')
}

/// Whether it can only be a directory.
pub(crate) fn asserts_directory(path: &str) -> bool {
    has_slash(path) || is_content(path)
}

/// The directory and the entry in it that a path names; of `a/.` the entry is `.`.
pub(crate) fn split_entry(path: &str) -> (String, String) {
    let mut cleaned = clean(path);
    if is_content(path) {
        cleaned.push_str("/.");
    }
    (directory(&cleaned), base(&cleaned).to_owned())
}

/// The absolute path of `path` below the current directory `here`, with the `/` or `/.` at its end that cleaning took.
pub(crate) fn absolute(path: &str, here: &str) -> String {
    let cleaned = if path.starts_with('/') {
        clean(path)
    } else {
        join(here, path)
    };
    keep_end(cleaned, path)
}

/// A cleaned path with the `/.` or `/` at the end of the one it was made from.
pub(crate) fn keep_end(mut cleaned: String, original: &str) -> String {
    if !is_content(&cleaned) && is_content(original) {
        if !has_slash(&cleaned) {
            cleaned.push('/');
        }
        cleaned.push('.');
    }
    if !has_slash(&cleaned) && has_slash(original) {
        cleaned.push('/');
    }
    cleaned
}

/// A path whose links were resolved, with the end of the one that was asked for, and the name under which the copy
/// goes if that changed.
pub(crate) fn rebased(asked: &str, mut resolved: String) -> (String, String) {
    if is_content(asked) && !is_content(&resolved) {
        resolved.push_str("/.");
    }
    if has_slash(asked) && !has_slash(&resolved) {
        resolved.push('/');
    }
    let name = if base(asked) == base(&resolved) {
        String::new()
    } else {
        base(asked).to_owned()
    };
    (resolved, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_as_go_does() {
        for (path, expected) in [
            ("", "."),
            ("/", "/"),
            ("//a//b/", "/a/b"),
            ("a/./b/../c", "a/c"),
            ("../../a", "../../a"),
            ("/../a", "/a"),
            ("a/..", "."),
            ("a/../..", ".."),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
        assert_eq!(join("/a", "/b/../c"), "/a/c");
        assert_eq!(join("", "b"), "b");
    }

    #[test]
    fn parts() {
        for (path, dir, name) in [
            ("/a/b", "/a", "b"),
            ("/a/b/", "/a", "b"),
            ("/a/b/.", "/a/b", "."),
            ("/a", "/", "a"),
            ("/", "/", "/"),
            ("a", ".", "a"),
            (".", ".", "."),
        ] {
            assert_eq!(split_entry(path), (dir.to_owned(), name.to_owned()), "{path}");
        }
        assert!(is_content("a/.") && is_content("a/./") && is_content("") && !is_content("a/.b"));
    }

    #[test]
    fn what_the_end_says_is_kept() {
        assert_eq!(absolute("a/", "/x"), "/x/a/");
        assert_eq!(absolute("a/.", "/x"), "/x/a/.");
        assert_eq!(absolute(".", "/x"), "/x/.");
        assert_eq!(absolute("/.", "/x"), "/.");
        assert_eq!(absolute("../b", "/x/y"), "/x/b");
        assert_eq!(
            rebased("/a/l/", "/b/t".to_owned()),
            ("/b/t/".to_owned(), "l".to_owned())
        );
        assert_eq!(
            rebased("/a/l/.", "/b/t".to_owned()),
            ("/b/t/.".to_owned(), String::new())
        );
        assert_eq!(rebased("/a/t", "/b/t".to_owned()), ("/b/t".to_owned(), String::new()));
    }
}
