//! The log file that container engines read errors from.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::SystemTime;

use corten_base::Timestamp;

use crate::arguments::Global;

/// Appends `error` to `--log` in the format asked for. A log that cannot be written is nobody's concern here.
pub(crate) fn report(global: &Global, error: &anyhow::Error) {
    let Some(path) = &global.log else { return };
    let time = Timestamp::from(SystemTime::now()).to_string();
    let message = format!("{error:#}");
    let line = if global.log_json {
        serde_json::json!({ "level": "error", "msg": message, "time": time }).to_string()
    } else {
        format!("time={time:?} level=error msg={message:?}")
    };
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path) {
        writeln!(file, "{line}").unwrap_or_default();
    }
}
