//! Texts with placeholders as `format!` writes them (`{name}`, `{0:?}`), matched against finished texts.

/// A text with placeholders.
#[derive(Debug)]
pub(super) struct Pattern {
    /// What stands before the first placeholder.
    head: String,
    /// Each placeholder with the fixed text behind it.
    rest: Vec<(String, String)>,
}

impl Pattern {
    /// Reads a text; `{{` and `}}` stand for braces.
    pub(super) fn new(text: &str) -> Self {
        let (mut head, mut rest): (String, Vec<(String, String)>) = (String::new(), Vec::new());
        for piece in pieces(text) {
            match piece {
                Piece::Fixed(letters) => rest
                    .last_mut()
                    .map_or(&mut head, |(_, behind)| behind)
                    .push_str(&letters),
                Piece::Hole(name) => rest.push((name, String::new())),
            }
        }
        Self { head, rest }
    }

    /// How many fixed letters it has.
    pub(super) fn weight(&self) -> usize {
        self.head.len() + self.rest.iter().map(|(_, fixed)| fixed.len()).sum::<usize>()
    }

    /// What stands at each placeholder, if `text` is an instance. Each takes as little as can be.
    pub(super) fn captures<'a>(&self, text: &'a str) -> Option<Vec<(&str, &'a str)>> {
        let mut left = text.strip_prefix(self.head.as_str())?;
        let mut captures = Vec::new();
        for (index, (name, fixed)) in self.rest.iter().enumerate() {
            let last = index + 1 == self.rest.len();
            let (value, behind) = match (fixed.is_empty(), last) {
                (true, true) => (left, ""),
                (true, false) => return None,
                (false, true) => (left.strip_suffix(fixed.as_str())?, ""),
                (false, false) => left.split_once(fixed.as_str())?,
            };
            captures.push((name.as_str(), value));
            left = behind;
        }
        left.is_empty().then_some(captures)
    }
}

/// `template` with its placeholders filled from `captures`.
pub(super) fn fill(template: &str, captures: &[(&str, &str)], inner: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Fixed(letters) => out.push_str(&letters),
            Piece::Hole(name) => {
                let value = captures.iter().find(|(known, _)| *known == name);
                out.push_str(&value.map(|(_, value)| inner(value)).unwrap_or_default());
            }
        }
    }
    out
}

/// The placeholders of a text, in order.
#[cfg(test)]
pub(super) fn holes(text: &str) -> Vec<String> {
    let holes = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Fixed(_) => None,
        Piece::Hole(name) => Some(name),
    });
    holes.collect()
}

enum Piece {
    Fixed(String),
    Hole(String),
}

/// The pieces of a text. Holes without a name are numbered, as they are filled in order.
fn pieces(text: &str) -> Vec<Piece> {
    let mut unnamed = 0;
    let mut pieces = Vec::new();
    let mut fixed = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        fixed.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        let doubled = behind.starts_with(&rest[at..=at]);
        match behind.find('}') {
            Some(end) if !doubled && rest[at..].starts_with('{') => {
                pieces.push(Piece::Fixed(std::mem::take(&mut fixed)));
                let mut name = behind[..end].to_owned();
                if name.is_empty() || name.starts_with(':') {
                    name = format!("#{unnamed}{name}");
                    unnamed += 1;
                }
                pieces.push(Piece::Hole(name));
                rest = &behind[end + 1..];
            }
            _ => {
                fixed.push_str(&rest[at..=at]);
                rest = if doubled { &behind[1..] } else { behind };
            }
        }
    }
    fixed.push_str(rest);
    pieces.push(Piece::Fixed(fixed));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_and_fills() {
        let pattern = Pattern::new("open {path}: {reason}");
        assert_eq!(
            pattern.captures("open /a: b: c"),
            Some(vec![("path", "/a"), ("reason", "b: c")])
        );
        assert_eq!(pattern.captures("close /a: b"), None);
        let quoted = Pattern::new("context {name:?} is not {{ours}}");
        assert_eq!(
            quoted.captures("context \"x\" is not {ours}"),
            Some(vec![("name:?", "\"x\"")])
        );
        let same = |text: &str| text.to_owned();
        assert_eq!(fill("{b} avant {a}", &[("a", "1"), ("b", "2")], same), "2 avant 1");
        assert_eq!(holes("a {x} b {{y}} {0:?}"), ["x", "0:?"]);
        assert_eq!(fill("{{x}}", &[], same), "{x}");
        let unnamed = Pattern::new("run {}: {}");
        let captures = unnamed.captures("run a: b").unwrap();
        assert_eq!(fill("{} puis {}", &captures, same), "a puis b");
    }
}
