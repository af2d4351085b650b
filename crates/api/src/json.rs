//! JSON as Go's `encoding/json` reads and writes it.
//!
//! Reading: keys match in any case, `null` leaves the zero value wherever it stands, unknown keys
//! are ignored, of two equal keys the last wins, and nothing may follow the document.
//! Writing: compact, no HTML escaping, a newline at the end.

mod error;
mod go;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use error::GoError;
pub use go::GoValue;

/// Why a request body could not be read. The texts are Docker's (observed: dockerd 28.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// No document at all.
    Empty,
    /// More than whitespace follows the document.
    Trailing,
    /// Not JSON, or a value of the wrong type.
    Invalid(String),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("invalid JSON: got EOF while reading request body"),
            Self::Trailing => f.write_str("unexpected content after JSON"),
            Self::Invalid(why) => write!(f, "invalid JSON: {why}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Reads one document as Go would.
///
/// # Errors
/// The body is empty, not JSON, of the wrong shape, or followed by something else.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let mut documents = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    let document = documents.next().ok_or(DecodeError::Empty)?;
    let document = document.map_err(|error| DecodeError::Invalid(error::syntax(body, &error)))?;
    if !body[documents.byte_offset()..].iter().all(u8::is_ascii_whitespace) {
        return Err(DecodeError::Trailing);
    }
    T::deserialize(GoValue::new(&document)).map_err(|error| DecodeError::Invalid(error.to_string()))
}

/// Writes a document and a newline.
///
/// # Panics
/// Never for the types of this crate: their keys are strings and their numbers finite.
#[must_use]
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut body = serde_json::to_vec(value).expect("API types have string keys and finite numbers");
    body.push(b'\n');
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{List, Map};
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Sample {
        name: String,
        count: i64,
        flag: bool,
        words: List<String>,
        #[serde(rename = "UTSMode")]
        uts_mode: String,
        inner: Option<Box<Sample>>,
        ports: Map<List<String>>,
    }

    fn read(text: &str) -> Result<Sample, DecodeError> {
        decode(text.as_bytes())
    }

    #[test]
    fn keys_in_any_case_and_last_wins() {
        let sample = read(r#"{"name":"a","COUNT":3,"utsmode":"host","unknown":[{}],"inner":{"nAmE":"b"}}"#).unwrap();
        assert_eq!(
            (sample.name.as_str(), sample.count, sample.uts_mode.as_str()),
            ("a", 3, "host")
        );
        assert_eq!(sample.inner.unwrap().name, "b");
        assert_eq!(read(r#"{"Name":"a","Name":"b"}"#).unwrap().name, "b");
    }

    #[test]
    fn null_is_the_zero_value_everywhere() {
        let nulls = r#"{"Name":null,"Count":null,"Flag":null,"Words":null,"Inner":null,"Ports":null}"#;
        assert_eq!(read(nulls).unwrap(), Sample::default());
        assert_eq!(read("null").unwrap(), Sample::default());
        let sample = read(r#"{"Ports":{"80/tcp":null},"Words":["a",null]}"#).unwrap();
        assert!(sample.ports["80/tcp"].is_null());
        assert_eq!(*sample.words, ["a", ""]);
    }

    #[test]
    fn refuses_what_is_not_one_document() {
        assert_eq!(read(""), Err(DecodeError::Empty));
        assert_eq!(read("  \n"), Err(DecodeError::Empty));
        assert_eq!(read("{} {}"), Err(DecodeError::Trailing));
        assert_eq!(read("{}x"), Err(DecodeError::Trailing));
        assert!(read("{} \n").is_ok());
        for bad in [
            "{",
            "[]",
            "1",
            "\"\"",
            r#"{"Count":"1"}"#,
            r#"{"Count":1.5}"#,
            r#"{"Flag":1}"#,
            r#"{"Words":"a"}"#,
        ] {
            assert!(matches!(read(bad), Err(DecodeError::Invalid(_))), "{bad}");
        }
    }

    #[test]
    fn errors_are_worded_as_in_go() {
        let message = |text| read(text).unwrap_err().to_string();
        let field = |found, path, wanted| {
            format!("invalid JSON: json: cannot unmarshal {found} into Go struct field .{path} of type {wanted}")
        };
        assert_eq!(message(r#"{"flag":"x"}"#), field("string", "Flag", "bool"));
        assert_eq!(
            message(r#"{"Inner":{"Count":1.5}}"#),
            field("number 1.5", "Inner.Count", "int64")
        );
        assert_eq!(message(r#"{"Words":{}}"#), field("object", "Words", "[]string"));
        assert_eq!(message("{"), "invalid JSON: unexpected EOF");
        assert_eq!(
            message("x"),
            "invalid JSON: invalid character 'x' looking for beginning of value"
        );
        assert_eq!(
            message("{\"a\":}"),
            "invalid JSON: invalid character '}' looking for beginning of value"
        );
        assert_eq!(
            message("{\n\"a\" 1}"),
            "invalid JSON: invalid character '1' after object key"
        );
    }

    #[test]
    fn deep_nesting_is_refused_not_a_crash() {
        assert!(matches!(read(&"[".repeat(100_000)), Err(DecodeError::Invalid(_))));
    }
}
