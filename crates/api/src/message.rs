//! The messages of load, import, pull and their like: JSON objects separated by `\r\n`.

use serde::{Deserialize, Serialize};

use crate::is_zero;

/// One message; which fields are set says what it is. Engine API v1.51 CreateImageInfo, BuildInfo.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgressMessage {
    /// Text for the user as it is.
    #[serde(skip_serializing_if = "is_zero")]
    pub stream: String,
    /// What is done now.
    #[serde(skip_serializing_if = "is_zero")]
    pub status: String,
    /// How far it is.
    #[serde(rename = "progressDetail", skip_serializing_if = "Option::is_none")]
    pub progress_detail: Option<ProgressDetail>,
    /// The same for people (old form).
    #[serde(skip_serializing_if = "is_zero")]
    pub progress: String,
    /// Whose status it is, like a short layer id.
    #[serde(skip_serializing_if = "is_zero")]
    pub id: String,
    /// Why it failed.
    #[serde(rename = "errorDetail", skip_serializing_if = "Option::is_none")]
    pub error_detail: Option<ErrorDetail>,
    /// The same (old form).
    #[serde(skip_serializing_if = "is_zero")]
    pub error: String,
    /// A result for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aux: Option<serde_json::Value>,
}

/// How far something is. Engine API v1.51 ProgressDetail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgressDetail {
    /// Done.
    #[serde(skip_serializing_if = "is_zero")]
    pub current: i64,
    /// Of how much.
    #[serde(skip_serializing_if = "is_zero")]
    pub total: i64,
    /// Whether the figures are not for display.
    #[serde(rename = "hidecounts", skip_serializing_if = "is_zero")]
    pub hide_counts: bool,
    /// Unit; empty means bytes.
    #[serde(skip_serializing_if = "is_zero")]
    pub units: String,
}

/// Why something failed in the middle of a stream. Engine API v1.51 ErrorDetail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorDetail {
    /// HTTP status or exit code.
    #[serde(skip_serializing_if = "is_zero")]
    pub code: i64,
    /// What failed.
    pub message: String,
}

impl ProgressMessage {
    /// Text for the user as it is.
    #[must_use]
    pub fn stream(text: impl Into<String>) -> Self {
        Self {
            stream: text.into(),
            ..Self::default()
        }
    }

    /// A status line.
    #[must_use]
    pub fn status(text: impl Into<String>) -> Self {
        Self {
            status: text.into(),
            ..Self::default()
        }
    }

    /// How far a layer is, in bytes; `total` 0: unknown. Carries the bar of old clients too.
    #[must_use]
    pub fn layer(status: &str, id: &str, current: u64, total: u64) -> Self {
        let number = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        let detail = ProgressDetail {
            current: number(current),
            total: number(total),
            ..ProgressDetail::default()
        };
        Self {
            status: status.to_owned(),
            id: id.to_owned(),
            progress: bar(current, total),
            progress_detail: Some(detail),
            ..Self::default()
        }
    }

    /// A failure after the stream has begun.
    #[must_use]
    pub fn failed(text: impl Into<String>) -> Self {
        let message: String = text.into();
        let error_detail = Some(ErrorDetail {
            code: 0,
            message: message.clone(),
        });
        Self {
            error_detail,
            error: message,
            ..Self::default()
        }
    }
}

/// The bar of 50 columns and the figures that clients before 1.20 print as they are.
fn bar(current: u64, total: u64) -> String {
    let human = corten_base::size::human;
    if current == 0 && total == 0 {
        return String::new();
    }
    if total == 0 {
        return format!("{:>8}", human(current));
    }
    let done = usize::try_from(current.saturating_mul(50) / total)
        .unwrap_or(50)
        .min(50);
    let figures = if current > total {
        format!("{:>8}", human(current))
    } else {
        format!("{:>8}/{}", human(current), human(total))
    };
    format!("[{}>{}] {figures}", "=".repeat(done), " ".repeat(50 - done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_fifty_columns() {
        assert_eq!(bar(0, 0), "");
        assert_eq!(bar(1000, 0), "     1kB");
        assert_eq!(
            bar(1000, 2000),
            format!("[{}>{}]      1kB/2kB", "=".repeat(25), " ".repeat(25))
        );
        assert!(bar(5, 1).starts_with(&format!("[{}>]", "=".repeat(50))));
    }

    #[test]
    fn only_what_is_set_is_written() {
        let text = serde_json::to_string(&ProgressMessage::failed("no")).unwrap();
        assert_eq!(text, r#"{"errorDetail":{"message":"no"},"error":"no"}"#);
        assert_eq!(
            serde_json::to_string(&ProgressMessage::stream("a\n")).unwrap(),
            r#"{"stream":"a\n"}"#
        );
    }
}
