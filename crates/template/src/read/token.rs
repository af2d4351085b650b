//! The words of a template: text, and inside `{{ }}` names, literals and marks.
//!
//! The reader hands out one token at a time; a fault in the text is the last token. Positions are byte
//! offsets, lines count from 1. Trim markers and comments end here.

use super::scan;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    End,
    Text,
    Open,
    Close,
    Space,
    Assign,
    Declare,
    Pipe,
    OpenParen,
    CloseParen,
    Mark,
    Bool,
    Char,
    Complex,
    Number,
    Quoted,
    Raw,
    Name,
    Field,
    Variable,
    Dot,
    Nil,
    Block,
    Break,
    Continue,
    Define,
    Else,
    Finish,
    If,
    Range,
    Template,
    With,
}

/// A token with its place.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) position: usize,
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// The text being read.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    pub(super) input: &'a str,
    /// How far it is read.
    pub(super) at: usize,
    /// Where the token being read begins.
    pub(super) start: usize,
    line: usize,
    parens: usize,
    inside: bool,
    broken: bool,
}

/// The spaces that trim markers remove.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

impl Token {
    /// As it is named in errors.
    pub(crate) fn shown(&self) -> String {
        match self.kind {
            Kind::End => "EOF".to_owned(),
            Kind::Error => self.text.clone(),
            Kind::Dot
            | Kind::Nil
            | Kind::Block
            | Kind::Break
            | Kind::Continue
            | Kind::Define
            | Kind::Else
            | Kind::Finish
            | Kind::If
            | Kind::Range
            | Kind::Template
            | Kind::With => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let short: String = self.text.chars().take(10).collect();
                format!("{}...", crate::quote::quote(short.as_bytes(), false))
            }
            _ => crate::quote::quote(self.text.as_bytes(), false),
        }
    }
}

impl<'a> Words<'a> {
    /// A reader of `input`.
    pub(crate) fn new(input: &'a str) -> Self {
        Self {
            input,
            at: 0,
            start: 0,
            line: 1,
            parens: 0,
            inside: false,
            broken: false,
        }
    }

    /// The next token. After the end, or a fault, the end again and again.
    pub(crate) fn next(&mut self) -> Token {
        if self.broken {
            return self.make(Kind::End, "");
        }
        if self.inside {
            return self.inside_action();
        }
        loop {
            if let Some(token) = self.outside() {
                return token;
            }
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn make(&self, kind: Kind, text: &str) -> Token {
        Token {
            kind,
            position: self.start,
            line: self.line,
            text: text.to_owned(),
        }
    }

    /// The text from the start to here as a token; the next begins here.
    pub(super) fn take(&mut self, kind: Kind) -> Token {
        let text = self.input.get(self.start..self.at).unwrap_or_default();
        let token = self.make(kind, text);
        self.skip_to(self.at);
        token
    }

    /// The next token begins at `position`.
    fn skip_to(&mut self, position: usize) {
        let passed = self.input.get(self.start..position).unwrap_or_default();
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.at = position;
        self.start = position;
    }

    pub(super) fn fault(&mut self, text: impl Into<String>) -> Token {
        self.broken = true;
        Token {
            text: text.into(),
            ..self.make(Kind::Error, "")
        }
    }

    /// Text up to an action, or the action's beginning; nothing if a comment was passed.
    fn outside(&mut self) -> Option<Token> {
        let rest = self.rest();
        let Some(length) = rest.find("{{") else {
            self.at = self.input.len();
            let kind = if rest.is_empty() { Kind::End } else { Kind::Text };
            return Some(self.take(kind));
        };
        if length > 0 {
            let text = rest.get(..length).unwrap_or_default();
            let trims = trims_left(rest.get(length + 2..).unwrap_or_default());
            let kept = if trims { text.trim_end_matches(SPACES) } else { text };
            let end = self.at + length;
            self.at += kept.len();
            let token = (!kept.is_empty()).then(|| self.take(Kind::Text));
            self.skip_to(end);
            if token.is_some() {
                return token;
            }
        }
        self.open()
    }

    fn open(&mut self) -> Option<Token> {
        self.at += 2;
        let marker = if trims_left(self.rest()) { 2 } else { 0 };
        if self.rest().get(marker..).unwrap_or_default().starts_with("/*") {
            self.skip_to(self.at + marker);
            return self.comment();
        }
        let token = self.take(Kind::Open);
        self.skip_to(self.at + marker);
        self.inside = true;
        self.parens = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token> {
        let Some(length) = self.rest().get(2..).unwrap_or_default().find("*/") else {
            return Some(self.fault("unclosed comment"));
        };
        self.at += length + 4;
        let Some(marker) = self.closes() else {
            return Some(self.fault("comment ends before closing delimiter"));
        };
        self.close(marker);
        None
    }

    /// Passes `}}` with its trim marker, and the spaces that one removes.
    fn close(&mut self, marker: usize) {
        self.skip_to(self.at + marker + 2);
        if marker > 0 {
            let rest = self.rest();
            let spaces = rest.len() - rest.trim_start_matches(SPACES).len();
            self.skip_to(self.at + spaces);
        }
    }

    /// The length of the trim marker before the `}}` that is next; `None` if none is.
    fn closes(&self) -> Option<usize> {
        let rest = self.rest();
        if rest.starts_with("}}") {
            return Some(0);
        }
        let mut letters = rest.chars();
        let marked = letters.next().is_some_and(scan::is_space) && letters.as_str().starts_with("-}}");
        marked.then_some(2)
    }

    fn inside_action(&mut self) -> Token {
        if let Some(marker) = self.closes() {
            if self.parens > 0 {
                return self.fault("unclosed left paren");
            }
            return self.closing(marker);
        }
        let Some(letter) = self.rest().chars().next() else {
            return self.fault("unclosed action");
        };
        if scan::is_space(letter) {
            return self.spaces();
        }
        self.at += letter.len_utf8();
        match letter {
            '=' => self.take(Kind::Assign),
            ':' if self.rest().starts_with('=') => {
                self.at += 1;
                self.take(Kind::Declare)
            }
            ':' => self.fault("expected :="),
            '|' => self.take(Kind::Pipe),
            '(' => {
                self.parens += 1;
                self.take(Kind::OpenParen)
            }
            ')' if self.parens == 0 => self.fault("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.take(Kind::CloseParen)
            }
            _ => self.word(letter),
        }
    }

    fn closing(&mut self, marker: usize) -> Token {
        self.skip_to(self.at + marker);
        self.at += 2;
        let token = self.take(Kind::Close);
        if marker > 0 {
            let rest = self.rest();
            let spaces = rest.len() - rest.trim_start_matches(SPACES).len();
            self.skip_to(self.at + spaces);
        }
        self.inside = false;
        token
    }

    /// A run of spaces; the last belongs to the trim marker if one follows.
    fn spaces(&mut self) -> Token {
        let rest = self.rest();
        let count = rest.len() - rest.trim_start_matches(SPACES).len();
        self.at += count;
        if self.rest().starts_with("-}}") {
            self.at -= 1;
            if count == 1 {
                return self.closing(2);
            }
        }
        self.take(Kind::Space)
    }
}

fn trims_left(behind: &str) -> bool {
    let mut letters = behind.chars();
    letters.next() == Some('-') && letters.next().is_some_and(scan::is_space)
}
