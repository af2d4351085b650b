//! What a flag takes, and the check of its value at the moment it is read.

use crate::option::{decimal, device_rate, field, gpu, mount, network, string_map, ulimit};
use corten_base::duration;
use corten_base::size;

/// The kinds of values.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// `true` when given bare; `--x=false` turns it off.
    Bool,
    /// Any text; the last one counts.
    Text,
    /// Any text; all count.
    List,
    /// Texts between commas; all count.
    Strings,
    /// Any text, each value checked.
    Checked(fn(&str) -> Result<(), String>),
    /// `key=value`; all count.
    Map,
    /// The same, each checked.
    CheckedMap(fn(&str) -> Result<(), String>),
    /// `key=value,key=value`; all count.
    StringMap,
    /// `key=value` filters; all count.
    Filter,
    /// A signed whole number of 64 bits.
    Integer,
    /// An unsigned number of this many bits.
    Unsigned(u32),
    /// A size with a unit: `64m`.
    Bytes,
    /// A swap size: a size, or -1.
    SwapBytes,
    /// A decimal number of processors.
    Decimal,
    /// A time span: `1m30s`.
    Duration,
    /// `type=soft[:hard]`.
    Ulimit,
    /// `type=bind,src=..,dst=..`.
    Mount,
    /// A network's name, or `name=..,alias=..`.
    Network,
    /// A request for GPUs.
    Gpus,
    /// `path:rate` with a rate in bytes.
    DeviceBytes,
    /// `path:rate` with a rate in operations.
    DeviceOperations,
    /// `path:weight`.
    DeviceWeight,
}

impl Kind {
    /// The word `--help` shows behind the flag's name; empty for booleans.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bool => "",
            Self::Text => "string",
            Self::List | Self::Checked(_) | Self::DeviceBytes | Self::DeviceOperations | Self::DeviceWeight => "list",
            Self::Strings => "strings",
            Self::Map | Self::CheckedMap(_) => "map",
            Self::StringMap => "stringToString",
            Self::Filter => "filter",
            Self::Integer => "int",
            Self::Unsigned(16) => "uint16",
            Self::Unsigned(_) => "uint",
            Self::Bytes | Self::SwapBytes => "bytes",
            Self::Decimal => "decimal",
            Self::Duration => "duration",
            Self::Ulimit => "ulimit",
            Self::Mount => "mount",
            Self::Network => "network",
            Self::Gpus => "gpu-request",
        }
    }

    /// Checks one value; the error is what pflag would print after the flag's name.
    pub(crate) fn check(self, value: &str) -> Result<(), String> {
        match self {
            Self::Bool => parse_bool(value).map(drop),
            Self::Text | Self::List | Self::Map => Ok(()),
            // pflag reads nothing out of an empty value.
            Self::Strings if value.is_empty() => Ok(()),
            Self::Strings => field::split(value).map(drop).map_err(|error| error.to_string()),
            Self::Checked(check) | Self::CheckedMap(check) => check(value),
            Self::StringMap => string_map::check(value),
            Self::Gpus => gpu::parse(value).map(drop).map_err(|error| error.to_string()),
            Self::Filter => check_filter(value),
            Self::Integer => parse_integer(value).map(drop),
            Self::Unsigned(bits) => parse_unsigned(value, bits).map(drop),
            Self::Bytes => size::parse_binary(value).map(drop).map_err(|error| error.to_string()),
            Self::SwapBytes if value == "-1" => Ok(()),
            Self::SwapBytes => size::parse_binary(value).map(drop).map_err(|error| error.to_string()),
            Self::Decimal => decimal::parse_nano(value).map(drop).map_err(|error| error.to_string()),
            Self::Duration => duration::parse(value).map(drop).map_err(|error| error.to_string()),
            Self::Ulimit => ulimit::parse(value).map(drop).map_err(|error| error.to_string()),
            Self::Mount => mount::parse(value).map(drop).map_err(|error| error.to_string()),
            Self::Network => network::parse(value).map(drop).map_err(|error| error.to_string()),
            Self::DeviceBytes => device_rate::parse_bytes(value)
                .map(drop)
                .map_err(|error| error.to_string()),
            Self::DeviceOperations => device_rate::parse_operations(value)
                .map(drop)
                .map_err(|error| error.to_string()),
            Self::DeviceWeight => device_rate::parse_weight(value)
                .map(drop)
                .map_err(|error| error.to_string()),
        }
    }
}

/// Go's `strconv.ParseBool`.
pub(crate) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// Go's `strconv.ParseInt` with base 0: decimal, `0x`, `0o`, `0b` or a leading zero for octal.
pub(crate) fn parse_integer(text: &str) -> Result<i64, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let syntax = || format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
    let range = || format!("strconv.ParseInt: parsing {text:?}: value out of range");
    let magnitude = magnitude(digits).ok_or_else(syntax)?.ok_or_else(range)?;
    let magnitude = i128::from(magnitude);
    i64::try_from(if negative { -magnitude } else { magnitude }).map_err(|_| range())
}

/// Go's `strconv.ParseUint` with base 0 and a width.
pub(crate) fn parse_unsigned(text: &str, bits: u32) -> Result<u64, String> {
    let range = || format!("strconv.ParseUint: parsing {text:?}: value out of range");
    let value = magnitude(text)
        .ok_or_else(|| format!("strconv.ParseUint: parsing {text:?}: invalid syntax"))?
        .ok_or_else(range)?;
    if bits < 64 && value >> bits != 0 {
        Err(range())
    } else {
        Ok(value)
    }
}

/// `None`: not a number; `Some(None)`: past 64 bits.
fn magnitude(text: &str) -> Option<Option<u64>> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', b'o' | b'O', ..] => (&text[2..], 8),
        [b'0', b'b' | b'B', ..] => (&text[2..], 2),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    Some(u64::from_str_radix(&digits, radix).ok())
}

fn check_filter(value: &str) -> Result<(), String> {
    if value.is_empty() || value.contains('=') {
        return Ok(());
    }
    Err("bad format of filter (expected name=value)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_go_reads_them() {
        assert_eq!(parse_integer("-12"), Ok(-12));
        assert_eq!(parse_integer("0x10"), Ok(16));
        assert_eq!(parse_integer("010"), Ok(8));
        assert_eq!(
            parse_integer("x").unwrap_err(),
            "strconv.ParseInt: parsing \"x\": invalid syntax"
        );
        assert_eq!(
            parse_integer("99999999999999999999").unwrap_err(),
            "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"
        );
        assert_eq!(parse_unsigned("65535", 16), Ok(65535));
        assert!(parse_unsigned("65536", 16).is_err());
        assert!(parse_unsigned("-1", 64).is_err());
    }
}
