//! Values become JSON text as Go's encoder writes it, markup not escaped.

use super::{Struct, Type, Value, time};
use crate::runes;

impl Value {
    /// The JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        write(self, &mut out);
        out
    }

    /// Whether `omitempty` leaves it out.
    fn is_empty(&self) -> bool {
        match self {
            Self::Struct(..) | Self::Object(_) => false,
            Self::Text(_, Type::Time) => false,
            other => !other.is_true(),
        }
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Missing | Value::Nil(_) => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value, _) => out.push_str(&value.to_string()),
        Value::Uint(value, _) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&float(*value)),
        Value::Text(text, Type::Number) if text.is_empty() => out.push('0'),
        Value::Text(text, Type::Number) => out.push_str(&String::from_utf8_lossy(text)),
        Value::Text(text, Type::Time) => string(time::encoded(text).as_bytes(), out),
        Value::Text(text, _) => string(text, out),
        Value::List(items, _) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Map(entries, _) => {
            out.push('{');
            for (place, (key, item)) in entries.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                string(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        Value::Struct(values, of) => {
            out.push('{');
            let mut first = true;
            fields(values, of, &mut first, out);
            out.push('}');
        }
        Value::Pointer(to, _) => write(to, out),
        Value::Object(object) => out.push_str(&object.json()),
    }
}

fn fields(values: &[Value], of: &Struct, first: &mut bool, out: &mut String) {
    for (field, value) in of.fields.iter().zip(values) {
        if field.key.is_empty() {
            if let Value::Struct(inner, of) = value.behind() {
                fields(&inner, of, first, out);
            }
            continue;
        }
        if field.key == "-" || (field.omits_empty && value.is_empty()) {
            continue;
        }
        if !std::mem::replace(first, false) {
            out.push(',');
        }
        string(field.key.as_bytes(), out);
        out.push(':');
        write(value, out);
    }
}

/// Digits without an exponent from 1e-6 up to 1e21, as browsers write them.
pub(crate) fn float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) if exponent.starts_with('-') => format!("{digits}e{exponent}"),
            Some((digits, exponent)) => format!("{digits}e+{exponent}"),
            None => text,
        };
    }
    format!("{value}")
}

fn string(text: &[u8], out: &mut String) {
    out.push('"');
    for (letter, length) in runes::each(text) {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{2028}' | '\u{2029}' | '\0'..' ' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            runes::ERROR if length == 1 => out.push_str("\\ufffd"),
            _ => out.push(letter),
        }
    }
    out.push('"');
}
