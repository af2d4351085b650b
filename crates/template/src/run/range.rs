//! `range`: over lists, maps in the order of their keys, and whole numbers.

use super::{Flow, Outcome, Run};
use crate::print;
use crate::read::node::Branch;
use crate::value::{Cell, Type, Value};

impl<'a> Run<'a> {
    pub(super) fn range(&mut self, dot: &Cell, branch: &'a Branch) -> Outcome<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?.value.behind();
        let ran = self.each(&value, branch)?;
        // The variables of the pipeline are known in the other list too.
        let flow = match &branch.otherwise {
            Some(list) if !ran => self.list(dot, list),
            Some(_) | None => Ok(Flow::On),
        };
        self.variables.truncate(mark);
        flow
    }

    /// Runs the body for each item; false if there is none.
    fn each(&mut self, value: &Value, branch: &'a Branch) -> Outcome<bool> {
        let item = value.item_kind();
        match value {
            Value::Int(count, kind) => {
                self.countable(value, branch)?;
                self.count(*count, branch, |number| Value::Int(number, kind))
            }
            Value::Uint(count, kind) => {
                self.countable(value, branch)?;
                let count = i64::try_from(*count).unwrap_or(i64::MAX);
                self.count(count, branch, |number| Value::Uint(number.unsigned_abs(), kind))
            }
            Value::List(items, _) => {
                for (place, one) in items.iter().enumerate() {
                    let index = Cell::bare(Value::int(place));
                    if self.once(index, Cell::item(one.clone(), item), branch)? == Flow::Break {
                        break;
                    }
                }
                Ok(!items.is_empty())
            }
            Value::Map(entries, kind) => {
                for (key, one) in entries.iter() {
                    let key = Cell::bare(Value::Text(key.clone(), kind.key()));
                    if self.once(key, Cell::item(one.clone(), item), branch)? == Flow::Break {
                        break;
                    }
                }
                Ok(!entries.is_empty())
            }
            Value::Missing => Ok(false),
            Value::Nil(kind) if matches!(kind.base(), Type::List(_) | Type::Map(..)) => Ok(false),
            Value::Nil(_)
            | Value::Bool(_)
            | Value::Float(_)
            | Value::Text(..)
            | Value::Struct(..)
            | Value::Pointer(..)
            | Value::Object(_) => {
                let shown = self.shown(value)?;
                self.fault(format!("range can't iterate over {shown}"))
            }
        }
    }

    fn shown(&self, value: &Value) -> Outcome<String> {
        match print::sprint(&[Some(value.clone())]) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => self.fault(error.to_string()),
        }
    }

    fn countable(&self, value: &Value, branch: &'a Branch) -> Outcome<()> {
        if branch.pipe.variables.len() > 1 {
            let shown = self.shown(value)?;
            return self.fault(format!("can't use {shown} to iterate over more than one variable"));
        }
        Ok(())
    }

    fn count(&mut self, count: i64, branch: &'a Branch, value: impl Fn(i64) -> Value) -> Outcome<bool> {
        for number in 0..count.max(0) {
            let item = Cell::bare(value(number));
            if self.once(Cell::bare(Value::Missing), item, branch)? == Flow::Break {
                break;
            }
        }
        Ok(count > 0)
    }

    /// Runs the body once with its variables set.
    fn once(&mut self, index: Cell, item: Cell, branch: &'a Branch) -> Outcome<Flow> {
        self.step()?;
        let mark = self.variables.len();
        match branch.pipe.variables.as_slice() {
            [one] if branch.pipe.assigns => self.assign(one, item.clone())?,
            [first, second] if branch.pipe.assigns => {
                self.assign(first, index)?;
                self.assign(second, item.clone())?;
            }
            [] => {}
            names => {
                // What the pipeline declared stands on top: the item last, the index below it.
                let places = [(1, Some(item.clone())), (2, (names.len() > 1).then_some(index))];
                for (place, cell) in places {
                    let slot = mark.checked_sub(place).and_then(|at| self.variables.get_mut(at));
                    if let (Some(slot), Some(cell)) = (slot, cell) {
                        slot.1 = cell;
                    }
                }
            }
        }
        let flow = self.list(&item, &branch.list)?;
        self.variables.truncate(mark);
        Ok(flow)
    }
}
