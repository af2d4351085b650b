//! Groups by name, from `/etc/group`: a static program has no other source.

use std::path::Path;

/// The number of a group given by name or number; none if there is no such name.
pub(super) fn find(file: &Path, group: &str) -> Option<u32> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    by_name(&text, group).or_else(|| group.parse().ok())
}

fn by_name(text: &str, group: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_group_file() {
        let text = "root:x:0:\ndocker:x:998:alice,bob\nbroken\n";
        assert_eq!(by_name(text, "docker"), Some(998));
        assert_eq!(by_name(text, "root"), Some(0));
        assert_eq!(by_name(text, "broken"), None);
        assert_eq!(find(Path::new("/does/not/exist"), "12"), Some(12));
    }
}
