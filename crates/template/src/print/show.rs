//! One value under one verb: scalars, lists, maps, structs, pointers.

use super::number::Whole;
use super::{Argument, Printer};
use crate::value::{Struct, Type, Value, spoken, time};

/// What stands for the address of a pointer, which Go prints and nobody can use.
const ADDRESS: u64 = 0x00c0_0000_0000;

impl Printer {
    /// Prints an argument.
    pub(crate) fn argument(&mut self, argument: &Argument, verb: char) {
        let Some(value) = argument else {
            if matches!(verb, 'T' | 'v') {
                self.pad("<nil>");
            } else {
                self.misfit(None, verb);
            }
            return;
        };
        match verb {
            'T' => {
                self.string(value.type_name().as_bytes(), 's');
            }
            'p' if !matches!(
                value,
                Value::List(..) | Value::Map(..) | Value::Pointer(..) | Value::Object(_)
            ) =>
            {
                self.misfit(Some(value), verb);
            }
            'p' => self.address(value, ADDRESS, verb),
            _ => self.value(value, verb, 0),
        }
    }

    /// `%!d(string=x)`.
    fn misfit(&mut self, value: Option<&Value>, verb: char) {
        let before = std::mem::replace(&mut self.erroring, true);
        self.push(format!("%!{verb}("));
        match value {
            Some(value) => {
                self.push(value.type_name() + "=");
                self.value(value, 'v', 0);
            }
            None => self.push("<nil>"),
        }
        self.push(")");
        self.erroring = before;
    }

    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if verb == 'w' {
            // Fits no value at all here: there are no errors to wrap.
            return self.misfit(Some(value), verb);
        }
        if let Some(text) = self.spoken(value, verb) {
            if !self.string(text.as_bytes(), verb) {
                self.misfit(Some(value), verb);
            }
            return;
        }
        let fits = match value {
            Value::Missing => {
                self.push("<nil>");
                true
            }
            Value::Nil(kind) => {
                self.nil(value, kind, verb);
                true
            }
            Value::Bool(value) => self.truth(*value, verb),
            Value::Int(value, _) => self.whole(Whole::signed(*value), verb),
            Value::Uint(value, _) => self.whole(Whole::unsigned(*value), verb),
            Value::Float(value) => self.float(*value, verb),
            Value::Text(text, _) => self.string(text, verb),
            Value::List(items, kind) => {
                self.list(items, kind, verb, depth);
                true
            }
            Value::Map(entries, kind) => {
                self.map(entries, kind, verb, depth);
                true
            }
            Value::Struct(values, of) => {
                self.structure(values, of, verb, depth);
                true
            }
            Value::Pointer(to, _) => {
                self.pointer(value, to, verb, depth);
                true
            }
            Value::Object(object) => {
                match object.plain() {
                    Some(plain) => self.value(&plain, verb, depth),
                    None => self.push(object.json()),
                }
                true
            }
        };
        if !fits {
            self.misfit(Some(value), verb);
        }
    }

    /// What a value with a `String` method says of itself, where the verb asks for text.
    fn spoken(&self, value: &Value, verb: char) -> Option<String> {
        if self.erroring || self.flags.sharp_v || !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return None;
        }
        match value {
            Value::Int(nanos, Type::Duration) => Some(time::duration(*nanos)),
            Value::Text(text, Type::Time) => Some(time::shown(text)),
            Value::Struct(values, of) => spoken::spoken(values, of),
            Value::Pointer(to, _) => match &**to {
                Value::Struct(values, of) => spoken::spoken(values, of),
                _ => None,
            },
            _ => None,
        }
    }

    fn truth(&mut self, value: bool, verb: char) -> bool {
        if !matches!(verb, 't' | 'v') {
            return false;
        }
        self.pad(if value { "true" } else { "false" });
        true
    }

    fn nil(&mut self, value: &Value, kind: &Type, verb: char) {
        match kind.base() {
            Type::Any | Type::List(_) | Type::Map(..) if self.flags.sharp_v => self.push(format!("{kind}(nil)")),
            Type::List(_) => self.push("[]"),
            Type::Map(..) => self.push("map[]"),
            Type::Pointer(_) => self.address(value, 0, verb),
            _ => self.push("<nil>"),
        }
    }

    fn address(&mut self, value: &Value, address: u64, verb: char) {
        match verb {
            'v' if self.flags.sharp_v && address == 0 => self.push(format!("({})(nil)", value.type_name())),
            'v' if self.flags.sharp_v => self.push(format!("({})({address:#x})", value.type_name())),
            'v' if address == 0 => self.pad("<nil>"),
            'v' | 'p' => {
                let sharp = self.flags.sharp;
                self.flags.sharp = !sharp;
                self.whole(Whole::unsigned(address), 'x');
                self.flags.sharp = sharp;
            }
            'b' | 'o' | 'd' | 'x' | 'X' => {
                self.whole(Whole::unsigned(address), verb);
            }
            _ if self.erroring => self.push(format!("{address:#x}")),
            _ => self.misfit(Some(value), verb),
        }
    }

    fn pointer(&mut self, value: &Value, to: &Value, verb: char, depth: usize) {
        let composite = matches!(to, Value::Struct(..) | Value::Map(..) | Value::List(..));
        if depth == 0 && composite {
            self.push("&");
            self.value(to, verb, depth + 1);
        } else {
            self.address(value, ADDRESS, verb);
        }
    }

    fn opening(&mut self, kind: &dyn std::fmt::Display, plain: &str) {
        if self.flags.sharp_v {
            self.push(format!("{kind}{{"));
        } else {
            self.push(plain);
        }
    }

    fn separator(&mut self, place: usize) {
        if place > 0 {
            self.push(if self.flags.sharp_v { ", " } else { " " });
        }
    }

    fn list(&mut self, items: &[Value], kind: &Type, verb: char, depth: usize) {
        self.opening(kind, "[");
        for (place, item) in items.iter().enumerate() {
            self.separator(place);
            self.value(item, verb, depth + 1);
        }
        self.push(if self.flags.sharp_v { "}" } else { "]" });
    }

    fn map(&mut self, entries: &crate::value::Entries, kind: &Type, verb: char, depth: usize) {
        self.opening(kind, "map[");
        for (place, (key, item)) in entries.iter().enumerate() {
            self.separator(place);
            self.value(&Value::Text(key.clone(), kind.key()), verb, depth + 1);
            self.push(":");
            self.value(item, verb, depth + 1);
        }
        self.push(if self.flags.sharp_v { "}" } else { "]" });
    }

    fn structure(&mut self, values: &[Value], of: &'static Struct, verb: char, depth: usize) {
        self.opening(&Type::Struct(of), "{");
        for (place, (field, value)) in of.fields.iter().zip(values).enumerate() {
            self.separator(place);
            if self.flags.plus_v || self.flags.sharp_v {
                self.push(format!("{}:", field.name));
            }
            self.value(value, verb, depth + 1);
        }
        self.push("}");
    }
}
