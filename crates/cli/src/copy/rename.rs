//! How entries of a stream are renamed: the first occurrence of a name in each path is replaced. Pure.

/// Names and what takes their place, one after the other. The default changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rename(Vec<(Vec<u8>, Vec<u8>)>);

impl Rename {
    /// From the last part of one path to the last part of another. The root's is empty, because the paths of its
    /// entries begin after it.
    pub(crate) fn new(from: &str, to: &str) -> Self {
        let from = if from == "/" { "" } else { from };
        if from == to {
            return Self::default();
        }
        Self(vec![(from.as_bytes().to_vec(), to.as_bytes().to_vec())])
    }

    /// This renaming, and then another.
    pub(crate) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The path as it goes on.
    pub(crate) fn apply(&self, path: &[u8]) -> Vec<u8> {
        self.0
            .iter()
            .fold(path.to_vec(), |path, (from, to)| replace(path, from, to))
    }
}

fn replace(path: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = if from.is_empty() {
        Some(0)
    } else {
        path.windows(from.len()).position(|window| window == from)
    };
    match at {
        Some(at) => [&path[..at], to, &path[at + from.len()..]].concat(),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_occurrence_is_replaced() {
        let rename = Rename::new("etc", "copy");
        assert_eq!(rename.apply(b"etc/etc/x"), b"copy/etc/x");
        assert_eq!(rename.apply(b"other"), b"other");
        assert_eq!(Rename::new("/", "root").apply(b"/bin"), b"root/bin");
        assert_eq!(Rename::default().apply(b"a"), b"a");
        let twice = Rename::new("a", "b").then(Rename::new("b", "c"));
        assert_eq!(twice.apply(b"a/x"), b"c/x");
    }
}
