//! Pipelines: declarations, commands, operands, terms.

use super::node::{Command, Operand, Pipe, Term};
use super::token::{Kind, Token};
use super::{Number, Read, Reader};

impl Reader<'_> {
    /// A pipeline up to and with `end`.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Read<Pipe> {
        let mut pipe = Pipe {
            position: self.peek_word().position,
            variables: Vec::new(),
            assigns: false,
            commands: Vec::new(),
        };
        self.declarations(context, &mut pipe)?;
        loop {
            let token = self.next_word();
            match token.kind {
                kind if kind == end => {
                    self.check(&pipe, context)?;
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::Char
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Name
                | Kind::Number
                | Kind::Nil
                | Kind::Raw
                | Kind::Quoted
                | Kind::Variable
                | Kind::OpenParen => {
                    self.put_back(token);
                    pipe.commands.push(self.command()?);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    /// `$x :=`, `$x =`, and of a range `$i, $x :=`.
    fn declarations(&mut self, context: &str, pipe: &mut Pipe) -> Read<()> {
        while self.peek_word().kind == Kind::Variable {
            let variable = self.next();
            let behind = self.peek();
            let next = self.peek_word();
            let comma = next.kind == Kind::Mark && next.text == ",";
            if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                // An argument, not a declaration: it is read again, with its space.
                if behind.kind == Kind::Space {
                    self.put_back(behind);
                }
                self.put_back(variable);
                return Ok(());
            }
            self.next_word();
            pipe.variables.push(variable.text.clone());
            self.scope.variables.push(variable.text);
            if !comma {
                pipe.assigns = next.kind == Kind::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() > 1 {
                return self.fault(format!("too many declarations in {context}"));
            }
            if !matches!(self.peek_word().kind, Kind::Variable | Kind::Close | Kind::CloseParen) {
                return self.fault("range can only initialize variables");
            }
        }
        Ok(())
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Read<()> {
        if pipe.commands.is_empty() {
            return self.fault(format!("missing value for {context}"));
        }
        for (stage, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.operands.first().map(|operand| &operand.term);
            if let Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text(..)) = first {
                return self.fault(format!("non executable command in pipeline stage {}", stage + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Read<Command> {
        let mut operands = Vec::new();
        loop {
            self.peek_word();
            operands.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::Close | Kind::CloseParen => self.put_back(token),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if operands.is_empty() {
            return self.fault("empty command");
        }
        Ok(Command { operands })
    }

    /// A term, with the fields taken of its value.
    fn operand(&mut self) -> Read<Option<Operand>> {
        let Some(operand) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            names.push(field_name(&self.next()));
        }
        let position = first.position;
        let term = match operand.term {
            Term::Field(mut all) => {
                all.append(&mut names);
                Term::Field(all)
            }
            Term::Variable(name, mut all) => {
                all.append(&mut names);
                Term::Variable(name, all)
            }
            term @ (Term::Bool(_) | Term::Text(..) | Term::Number(_) | Term::Nil | Term::Dot) => {
                let shown = crate::quote::quote(term.to_string().as_bytes(), false);
                return self.fault(format!("unexpected . after term {shown}"));
            }
            term @ (Term::Function(_) | Term::Chain(..) | Term::Pipe(_)) => {
                let inner = Operand {
                    position: operand.position,
                    term,
                };
                Term::Chain(Box::new(inner), names)
            }
        };
        Ok(Some(Operand { position, term }))
    }

    fn term(&mut self) -> Read<Option<Operand>> {
        let token = self.next_word();
        let position = token.position;
        let term = match token.kind {
            Kind::Name if (self.knows)(&token.text) => Term::Function(token.text),
            Kind::Name => {
                let name = crate::quote::quote(token.text.as_bytes(), false);
                return self.fault(format!("function {name} not defined"));
            }
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable if self.scope.variables.contains(&token.text) => Term::Variable(token.text, Vec::new()),
            Kind::Variable => {
                let name = crate::quote::quote(token.text.as_bytes(), false);
                return self.fault(format!("undefined variable {name}"));
            }
            Kind::Field => Term::Field(vec![field_name(&token)]),
            Kind::Bool => Term::Bool(token.text == "true"),
            Kind::Char => self.numbered(Number::character(&token.text))?,
            Kind::Complex | Kind::Number => self.numbered(Number::read(&token.text))?,
            Kind::OpenParen => {
                let pipe = self.deeper(|reader| reader.pipeline("parenthesized pipeline", Kind::CloseParen))?;
                return Ok(Some(Operand {
                    position: pipe.position,
                    term: Term::Pipe(pipe),
                }));
            }
            Kind::Quoted | Kind::Raw => match crate::quote::unquote(&token.text) {
                Some(bytes) => Term::Text(token.text, bytes),
                None => return self.fault("invalid syntax"),
            },
            _ => {
                self.put_back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand { position, term }))
    }

    fn numbered(&self, number: Result<Number, super::number::NumberError>) -> Read<Term> {
        match number {
            Ok(number) => Ok(Term::Number(number)),
            Err(error) => self.fault(error.to_string()),
        }
    }
}

fn field_name(token: &Token) -> String {
    token.text.strip_prefix('.').unwrap_or(&token.text).to_owned()
}
