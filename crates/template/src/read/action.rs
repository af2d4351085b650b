//! Actions: what stands between `{{` and `}}`, and what it governs.

use super::node::{Branch, Call, List, Node};
use super::token::{Kind, Token};
use super::{Ending, Read, Reader};

impl Reader<'_> {
    /// An action behind its opening; `Err` holds what ends a list.
    pub(super) fn action(&mut self) -> Read<Result<Option<Node>, Ending>> {
        let token = self.next_word();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.jump("{{break}}", Node::Break)?,
            Kind::Continue => self.jump("{{continue}}", Node::Continue)?,
            Kind::Else => return self.otherwise().map(Err),
            Kind::Finish => {
                self.expect(Kind::Close, "end")?;
                return Ok(Err(Ending::Finish));
            }
            Kind::If => Node::If(self.branch("if")?),
            Kind::Range => Node::Range(self.branch("range")?),
            Kind::With => Node::With(self.branch("with")?),
            Kind::Template => self.call()?,
            _ => {
                self.put_back(token);
                Node::Action(self.pipeline("command", Kind::Close)?)
            }
        };
        Ok(Ok(Some(node)))
    }

    fn jump(&mut self, name: &str, node: Node) -> Read<Node> {
        let token = self.next_word();
        if token.kind != Kind::Close {
            return self.unexpected(&token, name);
        }
        if self.scope.ranges == 0 {
            return self.fault(format!("{name} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    fn otherwise(&mut self) -> Read<Ending> {
        // `{{else if` and `{{else with` go on as an action of their own.
        if !matches!(self.peek_word().kind, Kind::If | Kind::With) {
            self.expect(Kind::Close, "else")?;
        }
        Ok(Ending::Else)
    }

    fn branch(&mut self, context: &'static str) -> Read<Branch> {
        let variables = self.scope.variables.len();
        let pipe = self.pipeline(context, Kind::Close)?;
        let ranges = usize::from(context == "range");
        self.scope.ranges += ranges;
        let (list, ending) = self.list()?;
        self.scope.ranges -= ranges;
        let otherwise = match ending {
            Ending::Finish => None,
            Ending::Else => Some(self.other_list(context)?),
        };
        self.scope.variables.truncate(variables);
        Ok(Branch { pipe, list, otherwise })
    }

    /// What follows `{{else}}`; `{{else if}}` is an `if` that needs no end of its own.
    fn other_list(&mut self, context: &'static str) -> Read<List> {
        let chained = match (context, self.peek().kind) {
            ("if", Kind::If) => Some(Node::If as fn(Branch) -> Node),
            ("with", Kind::With) => Some(Node::With as fn(Branch) -> Node),
            _ => None,
        };
        if let Some(node) = chained {
            self.next();
            let branch = self.deeper(|reader| reader.branch(context))?;
            return Ok(List(vec![node(branch)]));
        }
        match self.list()? {
            (list, Ending::Finish) => Ok(list),
            (_, ending @ Ending::Else) => self.fault(format!("expected end; found {}", ending.shown())),
        }
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Read<String> {
        match token.kind {
            Kind::Quoted | Kind::Raw => self.unquoted(token),
            _ => self.unexpected(token, context),
        }
    }

    /// `{{block "name" pipe}}list{{end}}`: a definition and its call.
    fn block(&mut self) -> Read<Node> {
        let token = self.next_word();
        let name = self.template_name(&token, "block clause")?;
        let pipe = self.pipeline("block clause", Kind::Close)?;
        let outer = std::mem::take(&mut self.scope);
        let list = self.list_to_end("block clause")?;
        self.add(name.clone(), list)?;
        self.scope = outer;
        Ok(Node::Template(Call {
            position: token.position,
            name,
            pipe: Some(pipe),
        }))
    }

    fn call(&mut self) -> Read<Node> {
        let token = self.next_word();
        let name = self.template_name(&token, "template clause")?;
        let next = self.next_word();
        let pipe = if next.kind == Kind::Close {
            None
        } else {
            self.put_back(next);
            Some(self.pipeline("template clause", Kind::Close)?)
        };
        Ok(Node::Template(Call {
            position: token.position,
            name,
            pipe,
        }))
    }
}
