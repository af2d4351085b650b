//! From text to a tree: tokens, then actions. Faults are told as Go's own parser tells them.
//!
//! Nesting is limited; text beyond the limit is refused, so that neither reading nor running can exhaust
//! the stack.

mod action;
mod number;
mod pipeline;
mod scan;
mod token;

pub(crate) mod node;

use std::collections::BTreeMap;

pub(crate) use number::Number;

use node::{List, Node};
use token::{Kind, Token, Words};

/// How deep parentheses and actions may be nested.
const DEEPEST: usize = 60;

/// A template's text is wrong. The text is Go's, with the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {reason}")]
pub struct ReadError {
    name: String,
    line: usize,
    reason: String,
}

type Read<T> = Result<T, ReadError>;

/// All trees of one text by name; the text's own has the template's name.
pub(crate) type Trees = BTreeMap<String, List>;

/// Reads the text of the template `name`; `knows` says which functions there are.
pub(crate) fn read(name: &str, text: &str, knows: &dyn Fn(&str) -> bool) -> Read<Trees> {
    let mut reader = Reader {
        name,
        words: Words::new(text),
        pending: Vec::new(),
        line: 1,
        scope: Scope::default(),
        depth: 0,
        knows,
        trees: Trees::new(),
    };
    let root = reader.root()?;
    reader.add(name.to_owned(), root)?;
    Ok(reader.trees)
}

/// What belongs to the one tree that is being read.
#[derive(Debug)]
struct Scope {
    variables: Vec<String>,
    ranges: usize,
    action_line: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            variables: vec!["$".to_owned()],
            ranges: 0,
            action_line: 0,
        }
    }
}

struct Reader<'a> {
    name: &'a str,
    words: Words<'a>,
    /// Tokens that were put back, the next one last.
    pending: Vec<Token>,
    /// The line of the token read last.
    line: usize,
    scope: Scope,
    depth: usize,
    knows: &'a dyn Fn(&str) -> bool,
    trees: Trees,
}

/// What ends a list.
enum Ending {
    Finish,
    Else,
}

impl Ending {
    fn shown(&self) -> &'static str {
        match self {
            Self::Finish => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

impl Reader<'_> {
    fn next(&mut self) -> Token {
        match self.pending.pop() {
            Some(token) => token,
            None => {
                let token = self.words.next();
                self.line = token.line;
                token
            }
        }
    }

    fn put_back(&mut self, token: Token) {
        self.pending.push(token);
    }

    fn peek(&mut self) -> Token {
        let token = self.next();
        self.put_back(token.clone());
        token
    }

    fn next_word(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_word(&mut self) -> Token {
        let token = self.next_word();
        self.put_back(token.clone());
        token
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Read<T> {
        Err(ReadError {
            name: self.name.to_owned(),
            line: self.line,
            reason: reason.into(),
        })
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Read<T> {
        if token.kind != Kind::Error {
            return self.fault(format!("unexpected {} in {context}", token.shown()));
        }
        let mut extra = String::new();
        if self.scope.action_line != 0 && self.scope.action_line != token.line {
            let started = format!("started at {}:{}", self.name, self.scope.action_line);
            extra = if token.text.ends_with(" action") {
                format!(" {started}")
            } else {
                format!(" in action {started}")
            };
        }
        self.fault(token.text.clone() + &extra)
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Read<Token> {
        let token = self.next_word();
        if token.kind == kind {
            Ok(token)
        } else {
            self.unexpected(&token, context)
        }
    }

    /// Runs `work` one level deeper.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth == DEEPEST {
            return self.fault(format!("nested more than {DEEPEST} levels deep"));
        }
        self.depth += 1;
        let outcome = work(self);
        self.depth -= 1;
        outcome
    }

    /// The text's own tree; definitions on the way go to their names.
    fn root(&mut self) -> Read<List> {
        let mut list = List::default();
        loop {
            let token = self.peek();
            match token.kind {
                Kind::End => return Ok(list),
                Kind::Open => {
                    let open = self.next();
                    let word = self.next_word();
                    if word.kind == Kind::Define {
                        self.definition()?;
                        continue;
                    }
                    self.put_back(word);
                    self.put_back(open);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Ok(Some(node)) => list.0.push(node),
                Ok(None) => {}
                Err(ending) => return self.fault(format!("unexpected {}", ending.shown())),
            }
        }
    }

    /// `{{define "name"}}list{{end}}`, the keyword passed.
    fn definition(&mut self) -> Read<()> {
        let token = self.next_word();
        if !matches!(token.kind, Kind::Quoted | Kind::Raw) {
            return self.unexpected(&token, "define clause");
        }
        let outer = std::mem::take(&mut self.scope);
        let name = self.unquoted(&token)?;
        self.expect(Kind::Close, "define clause")?;
        let list = self.list_to_end("define clause")?;
        self.scope = outer;
        self.add(name, list)
    }

    fn list_to_end(&mut self, context: &str) -> Read<List> {
        let start = self.line;
        match self.deeper(Self::list)? {
            (list, Ending::Finish) => Ok(list),
            (_, ending @ Ending::Else) => {
                if context == "block clause" {
                    // Go names the line where the block begins, of a definition that where it ends.
                    self.line = start;
                }
                self.fault(format!("unexpected {} in {context}", ending.shown()))
            }
        }
    }

    /// A name may be given twice if one of the two is blank.
    fn add(&mut self, name: String, list: List) -> Read<()> {
        match self.trees.get(&name) {
            Some(old) if !old.is_blank() => {
                if list.is_blank() {
                    return Ok(());
                }
                let name = crate::quote::quote(name.as_bytes(), false);
                self.fault(format!("template: multiple definition of template {name}"))
            }
            Some(_) | None => {
                self.trees.insert(name, list);
                Ok(())
            }
        }
    }

    fn unquoted(&self, token: &Token) -> Read<String> {
        match crate::quote::unquote(&token.text) {
            Some(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            None => self.fault("invalid syntax"),
        }
    }

    /// Nodes up to `{{end}}` or `{{else}}`.
    fn list(&mut self) -> Read<(List, Ending)> {
        let mut list = List::default();
        while self.peek_word().kind != Kind::End {
            match self.text_or_action()? {
                Ok(Some(node)) => list.0.push(node),
                Ok(None) => {}
                Err(ending) => return Ok((list, ending)),
            }
        }
        self.fault("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Read<Result<Option<Node>, Ending>> {
        let token = self.next_word();
        match token.kind {
            Kind::Text => Ok(Ok(Some(Node::Text(token.text)))),
            Kind::Open => {
                self.scope.action_line = token.line;
                let node = self.deeper(Self::action);
                self.scope.action_line = 0;
                node
            }
            _ => self.unexpected(&token, "input"),
        }
    }
}
