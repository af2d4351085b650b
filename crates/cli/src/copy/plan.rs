//! Where a copy goes and what it is called there. Pure.

use super::path::{asserts_directory, split_entry};
use super::rename::Rename;

/// One end of a copy as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// Its path, links in it resolved as the rules ask.
    pub(crate) path: String,
    /// Whether it is there.
    pub(crate) exists: bool,
    /// Whether it is a directory.
    pub(crate) is_directory: bool,
    /// The name the entries of its stream get at the source itself; empty for the path's own.
    pub(crate) rebase: String,
}

/// The two ends do not fit; Docker's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("cannot copy directory")]
    DirectoryOntoFile,
    #[error("no such directory")]
    NoDirectory,
}

/// The directory to unpack into, and the renaming of the stream's entries.
pub(crate) fn plan(source: &End, target: &End) -> Result<(String, Rename), PlanError> {
    if target.exists && target.is_directory {
        return Ok((target.path.clone(), Rename::default()));
    }
    if target.exists && source.is_directory {
        return Err(PlanError::DirectoryOntoFile);
    }
    if !target.exists && !source.is_directory && asserts_directory(&target.path) {
        return Err(PlanError::NoDirectory);
    }
    let (directory, wanted) = split_entry(&target.path);
    let (_, own) = split_entry(&source.path);
    let own = if source.rebase.is_empty() {
        own
    } else {
        source.rebase.clone()
    };
    Ok((directory, Rename::new(&own, &wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(path: &str, what: &str) -> End {
        End {
            path: path.to_owned(),
            exists: what != "missing",
            is_directory: what == "directory",
            rebase: String::new(),
        }
    }

    /// The table of docker's documentation of `cp`, row by row.
    #[test]
    fn every_combination() {
        for (source, is, target, there, expected) in [
            ("/s/f", "file", "/d/g", "missing", Ok(("/d", "f", "g"))),
            ("/s/f", "file", "/d/g/", "missing", Err(PlanError::NoDirectory)),
            ("/s/f", "file", "/d/g", "file", Ok(("/d", "f", "g"))),
            ("/s/f", "file", "/d", "directory", Ok(("/d", "", ""))),
            ("/s/t", "directory", "/d/u", "missing", Ok(("/d", "t", "u"))),
            ("/s/t/.", "directory", "/d/u", "missing", Ok(("/d", ".", "u"))),
            ("/s/t", "directory", "/d/f", "file", Err(PlanError::DirectoryOntoFile)),
            ("/s/t", "directory", "/d/u/", "directory", Ok(("/d/u/", "", ""))),
            ("/s/t/.", "directory", "/d/u", "directory", Ok(("/d/u", "", ""))),
            ("/", "directory", "/d/u", "missing", Ok(("/d", "/", "u"))),
        ] {
            let planned = plan(&end(source, is), &end(target, there));
            let expected = expected.map(|(directory, from, to)| (directory.to_owned(), Rename::new(from, to)));
            assert_eq!(planned, expected, "{source} {is} -> {target} {there}");
        }
    }

    #[test]
    fn a_name_changed_at_the_source_is_the_one_replaced() {
        let mut source = end("/s/real", "file");
        source.rebase = "link".to_owned();
        let (_, rename) = plan(&source, &end("/d/g", "missing")).unwrap();
        assert_eq!(rename, Rename::new("link", "g"));
    }
}
