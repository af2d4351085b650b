//! Names, fields, variables, numbers and quoted literals inside an action.

use super::token::{Kind, Token, Words};

pub(super) fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

pub(super) fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

const KEYWORDS: [(&str, Kind); 13] = [
    ("block", Kind::Block),
    ("break", Kind::Break),
    ("continue", Kind::Continue),
    ("define", Kind::Define),
    ("else", Kind::Else),
    ("end", Kind::Finish),
    ("if", Kind::If),
    ("range", Kind::Range),
    ("nil", Kind::Nil),
    ("template", Kind::Template),
    ("with", Kind::With),
    ("true", Kind::Bool),
    ("false", Kind::Bool),
];

impl Words<'_> {
    /// The token that begins with `first`, which has been passed.
    pub(super) fn word(&mut self, first: char) -> Token {
        match first {
            '"' => self.quoted('"', Kind::Quoted, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::Char, "unterminated character constant"),
            '`' => self.raw(),
            '$' => self.field(Kind::Variable, Kind::Variable),
            '.' if !self.rest().starts_with(|next: char| next.is_ascii_digit()) && !self.rest().is_empty() => {
                self.field(Kind::Field, Kind::Dot)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.at = self.start;
                self.number()
            }
            _ if is_word(first) => self.name(),
            ' '..='~' => self.take(Kind::Mark),
            _ => {
                let text = format!("unrecognized character in action: {}", unicode(first));
                self.fault(text)
            }
        }
    }

    fn run(&mut self, of: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(of).len();
    }

    fn accept(&mut self, set: &str) -> bool {
        match self.rest().chars().next() {
            Some(letter) if set.contains(letter) => {
                self.at += letter.len_utf8();
                true
            }
            _ => false,
        }
    }

    /// Whether a name may end here.
    fn ends(&self) -> bool {
        let rest = self.rest();
        let next = rest.chars().next();
        next.is_none_or(|letter| is_space(letter) || ".,|:)(".contains(letter)) || rest.starts_with("}}")
    }

    fn bad_character(&mut self) -> Token {
        let text = match self.rest().chars().next() {
            Some(letter) => format!("bad character {}", unicode(letter)),
            None => "bad character U+FFFFFFFFFFFFFFFF".to_owned(),
        };
        self.fault(text)
    }

    fn name(&mut self) -> Token {
        self.run(is_word);
        let text = self.input.get(self.start..self.at).unwrap_or_default();
        if !self.ends() {
            return self.bad_character();
        }
        let keyword = KEYWORDS.iter().find(|(word, _)| *word == text);
        self.take(keyword.map_or(Kind::Name, |(_, kind)| *kind))
    }

    /// A field or variable; `bare` if nothing follows its mark.
    fn field(&mut self, kind: Kind, bare: Kind) -> Token {
        if self.ends() {
            return self.take(bare);
        }
        self.run(is_word);
        if !self.ends() {
            return self.bad_character();
        }
        self.take(kind)
    }

    fn quoted(&mut self, mark: char, kind: Kind, complaint: &str) -> Token {
        let mut escaped = false;
        let mut length = 0;
        for letter in self.rest().chars() {
            if letter == '\n' {
                break;
            }
            length += letter.len_utf8();
            if !escaped && letter == mark {
                self.at += length;
                return self.take(kind);
            }
            escaped = !escaped && letter == '\\';
        }
        self.fault(complaint)
    }

    fn raw(&mut self) -> Token {
        match self.rest().find('`') {
            Some(length) => {
                self.at += length + 1;
                self.take(Kind::Raw)
            }
            None => self.fault("unterminated raw quoted string"),
        }
    }

    fn number(&mut self) -> Token {
        let mut good = self.digits();
        let mut kind = Kind::Number;
        if good && self.rest().starts_with(['+', '-']) {
            kind = Kind::Complex;
            good = self.digits() && self.input.get(..self.at).unwrap_or_default().ends_with('i');
        }
        if good {
            return self.take(kind);
        }
        let text = self.input.get(self.start..self.at).unwrap_or_default();
        let text = format!("bad number syntax: {}", crate::quote::quote(text.as_bytes(), false));
        self.fault(text)
    }

    /// Passes what may be a number; false if it runs into a letter.
    fn digits(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.run(|letter| digits.contains(letter));
        if self.accept(".") {
            self.run(|letter| digits.contains(letter));
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.run(|letter| "0123456789_".contains(letter));
        }
        self.accept("i");
        match self.rest().chars().next().filter(|letter| is_word(*letter)) {
            Some(letter) => {
                self.at += letter.len_utf8();
                false
            }
            None => true,
        }
    }
}

/// `U+0061 'a'`, as `%#U` prints.
fn unicode(letter: char) -> String {
    let code = u32::from(letter);
    if crate::runes::is_printable(letter) {
        format!("U+{code:04X} '{letter}'")
    } else {
        format!("U+{code:04X}")
    }
}
