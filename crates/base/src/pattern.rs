//! Regular expressions as people write them in filters: literals, `.`, classes, groups, `|`, `* + ? {m,n}`, `^`
//! and `$`. Matches anywhere in the text unless anchored. Pure; a match that takes too many steps is none.

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Branch>);

/// The text is no regular expression that we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0:?}")]
pub struct ParsePatternError(pub String);

/// One alternative: pieces in a row.
type Branch = Vec<Piece>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    atom: Atom,
    least: u32,
    most: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Atom {
    Char(char),
    Any,
    Class { negated: bool, ranges: Vec<(char, char)> },
    Group(Vec<Branch>),
    Start,
    End,
}

/// Steps after which a match is given up: nobody's names need as many.
const STEP_LIMIT: u32 = 200_000;
/// How deep groups may be.
const DEPTH_LIMIT: u32 = 32;
/// The highest count in braces, as in Go.
const COUNT_LIMIT: u32 = 1000;

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse(text: &str) -> Result<Self, ParsePatternError> {
        let mut parser = Parser {
            rest: text.chars().collect::<Vec<_>>().into_iter().peekable(),
            depth: 0,
        };
        let branches = parser.branches();
        match (branches, parser.rest.peek()) {
            (Some(branches), None) => Ok(Self(branches)),
            _ => Err(ParsePatternError(text.to_owned())),
        }
    }

    /// Whether it matches somewhere in `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let mut steps = STEP_LIMIT;
        (0..=text.len()).any(|from| any_branch(&self.0, &text, from, &mut steps, &mut |_end, _steps| true))
    }
}

type Next<'a> = &'a mut dyn FnMut(usize, &mut u32) -> bool;

fn any_branch(branches: &[Branch], text: &[char], at: usize, steps: &mut u32, next: Next<'_>) -> bool {
    branches.iter().any(|branch| row(branch, text, at, steps, next))
}

fn row(pieces: &[Piece], text: &[char], at: usize, steps: &mut u32, next: Next<'_>) -> bool {
    match pieces.split_first() {
        None => next(at, steps),
        Some((piece, rest)) => repeat(piece, rest, 0, text, at, steps, next),
    }
}

fn repeat(piece: &Piece, rest: &[Piece], done: u32, text: &[char], at: usize, steps: &mut u32, next: Next<'_>) -> bool {
    let Some(left) = steps.checked_sub(1) else {
        return false;
    };
    *steps = left;
    let once_more = done < piece.most
        && one(&piece.atom, text, at, steps, &mut |end, steps| {
            // An atom that took nothing would be repeated for ever.
            (end > at || done < piece.least) && repeat(piece, rest, done + 1, text, end, steps, next)
        });
    once_more || (done >= piece.least && row(rest, text, at, steps, next))
}

fn one(atom: &Atom, text: &[char], at: usize, steps: &mut u32, next: Next<'_>) -> bool {
    let here = text.get(at).copied();
    let takes = match atom {
        Atom::Start => return at == 0 && next(at, steps),
        Atom::End => return here.is_none() && next(at, steps),
        Atom::Group(branches) => return any_branch(branches, text, at, steps, next),
        Atom::Char(wanted) => here == Some(*wanted),
        Atom::Any => here.is_some_and(|found| found != '\n'),
        Atom::Class { negated, ranges } => here.is_some_and(|found| {
            let listed = ranges.iter().any(|(from, to)| (*from..=*to).contains(&found));
            listed != *negated
        }),
    };
    takes && next(at + 1, steps)
}

struct Parser {
    rest: std::iter::Peekable<std::vec::IntoIter<char>>,
    depth: u32,
}

impl Parser {
    fn branches(&mut self) -> Option<Vec<Branch>> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return None;
        }
        let mut branches = vec![Branch::new()];
        while let Some(&letter) = self.rest.peek() {
            match letter {
                ')' => break,
                '|' => {
                    self.rest.next();
                    branches.push(Branch::new());
                }
                _ => {
                    let piece = self.piece()?;
                    branches.last_mut()?.push(piece);
                }
            }
        }
        self.depth -= 1;
        Some(branches)
    }

    fn piece(&mut self) -> Option<Piece> {
        let atom = match self.rest.next()? {
            '.' => Atom::Any,
            '^' => Atom::Start,
            '$' => Atom::End,
            '[' => self.class()?,
            '(' => {
                if self.rest.next_if_eq(&'?').is_some() {
                    self.rest.next_if_eq(&':')?;
                }
                let branches = self.branches()?;
                self.rest.next_if_eq(&')')?;
                Atom::Group(branches)
            }
            '\\' => escaped(self.rest.next()?)?,
            '*' | '+' | '?' => return None,
            letter => Atom::Char(letter),
        };
        let (least, most) = self.count()?;
        Some(Piece { atom, least, most })
    }

    fn count(&mut self) -> Option<(u32, u32)> {
        let count = match self.rest.peek() {
            Some('*') => (0, u32::MAX),
            Some('+') => (1, u32::MAX),
            Some('?') => (0, 1),
            Some('{') => {
                self.rest.next();
                return self.braces();
            }
            _ => return Some((1, 1)),
        };
        self.rest.next();
        // Lazy or not, the same texts match.
        self.rest.next_if_eq(&'?');
        Some(count)
    }

    fn braces(&mut self) -> Option<(u32, u32)> {
        let mut inner = String::new();
        loop {
            match self.rest.next()? {
                '}' => break,
                letter => inner.push(letter),
            }
        }
        let number = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= COUNT_LIMIT);
        match inner.split_once(',') {
            None => number(&inner).map(|count| (count, count)),
            Some((least, "")) => Some((number(least)?, u32::MAX)),
            Some((least, most)) => {
                let (least, most) = (number(least)?, number(most)?);
                (least <= most).then_some((least, most))
            }
        }
    }

    fn class(&mut self) -> Option<Atom> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut ranges = Vec::new();
        loop {
            let from = match self.rest.next()? {
                ']' if !ranges.is_empty() => break,
                '\\' => match escaped(self.rest.next()?)? {
                    Atom::Char(letter) => letter,
                    Atom::Class {
                        negated: false,
                        ranges: more,
                    } => {
                        ranges.extend(more);
                        continue;
                    }
                    _ => return None,
                },
                letter => letter,
            };
            if self.rest.next_if_eq(&'-').is_none() {
                ranges.push((from, from));
                continue;
            }
            match self.rest.next()? {
                ']' => {
                    ranges.extend([(from, from), ('-', '-')]);
                    break;
                }
                to if to >= from => ranges.push((from, to)),
                _ => return None,
            }
        }
        Some(Atom::Class { negated, ranges })
    }
}

fn escaped(letter: char) -> Option<Atom> {
    let class = |negated, ranges: &[(char, char)]| Atom::Class {
        negated,
        ranges: ranges.to_vec(),
    };
    const DIGITS: &[(char, char)] = &[('0', '9')];
    const WORDS: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
    const BLANKS: &[(char, char)] = &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')];
    Some(match letter {
        'd' => class(false, DIGITS),
        'D' => class(true, DIGITS),
        'w' => class(false, WORDS),
        'W' => class(true, WORDS),
        's' => class(false, BLANKS),
        'S' => class(true, BLANKS),
        'A' => Atom::Start,
        'z' => Atom::End,
        'n' => Atom::Char('\n'),
        't' => Atom::Char('\t'),
        letter if letter.is_ascii_alphanumeric() => return None,
        letter => Atom::Char(letter),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matches() {
        for (pattern, text, expected) in [
            ("", "anything", true),
            ("web", "a-web-1", true),
            ("^web", "a-web-1", false),
            ("^/?web-[0-9]+$", "web-12", true),
            ("^web-[0-9]+$", "web-x", false),
            ("w.b", "web", true),
            ("^(a|bc)+$", "abcbca", true),
            ("^(a|bc)+$", "abcb", false),
            ("a{2,3}$", "caa", true),
            ("^a{2}$", "aaa", false),
            ("[^a-c]", "abc", false),
            ("[]x]", "]", true),
            ("[a-]", "-", true),
            (r"\.\d+", "v.12", true),
            (r"\w\W\s", "a- ", true),
            ("(?:x|y)z", "yz", true),
            ("a.*b.*?c", "a12b34c", true),
            ("(a*)*$", "aaab", true),
            ("é+", "éé", true),
        ] {
            let parsed = Pattern::parse(pattern).expect(pattern);
            assert_eq!(parsed.matches(text), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn what_is_none() {
        for pattern in [
            "[",
            "(",
            ")",
            "*",
            "a{3,2}",
            "a{x}",
            "\\",
            "\\q",
            "[b-a]",
            "a{9999}",
            &"(".repeat(99),
        ] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn hostile_expressions_end() {
        let pattern = Pattern::parse("^(a*)*(a*)*(a*)*b$").expect("valid");
        assert!(!pattern.matches(&"a".repeat(60)));
    }
}
