//! Go structs of Docker's that say themselves what they are: their pointers have a `String` method, and there is no
//! value of them that is not behind a pointer. Facts: `blkiodev.ThrottleDevice`, `blkiodev.WeightDevice` and
//! `units.Ulimit` as `docker inspect -f` 28.2 prints them.

use super::{Struct, Value};

/// The fields of a struct by Go's names, each with what stands before it.
type Parts = &'static [(&'static str, &'static str)];

const PARTS: [(&str, Parts); 3] = [
    ("blkiodev.ThrottleDevice", &[("", "Path"), (":", "Rate")]),
    ("blkiodev.WeightDevice", &[("", "Path"), (":", "Weight")]),
    ("units.Ulimit", &[("", "Name"), ("=", "Soft"), (":", "Hard")]),
];

/// What the struct says of itself; nothing if it has no `String` method.
pub(crate) fn spoken(values: &[Value], of: &Struct) -> Option<String> {
    let (_, parts) = PARTS.iter().find(|(name, _)| *name == of.name)?;
    let mut text = String::new();
    for (before, name) in *parts {
        let place = of.fields.iter().position(|field| field.name == *name)?;
        text.push_str(before);
        match values.get(place)? {
            Value::Text(part, _) => text.push_str(&String::from_utf8_lossy(part)),
            Value::Int(number, _) => text.push_str(&number.to_string()),
            Value::Uint(number, _) => text.push_str(&number.to_string()),
            _ => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Field, Type};

    const ULIMIT: Struct = Struct {
        name: "units.Ulimit",
        fields: &[
            Field::new("Name", "Name", &Type::Text),
            Field::new("Hard", "Hard", &Type::Int64),
            Field::new("Soft", "Soft", &Type::Int64),
        ],
    };

    #[test]
    fn soft_comes_first() {
        let values = [
            Value::text("nofile"),
            Value::Int(20, &Type::Int64),
            Value::Int(-1, &Type::Int64),
        ];
        assert_eq!(spoken(&values, &ULIMIT).as_deref(), Some("nofile=-1:20"));
        let other = Struct {
            name: "other",
            ..ULIMIT
        };
        assert_eq!(spoken(&values, &other), None);
    }
}
