//! Log drivers and their options (pure): what is refused when a container is made, and what when it starts. Texts and
//! moments observed: dockerd 28.5.

use corten_api::Map;
use corten_base::size;

use super::forward::syslog::{self, SyslogError};

/// What becomes of a container's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// Nothing.
    None,
    /// Lines of JSON in a file.
    JsonFile,
    /// Framed records in a file.
    Local,
    /// Sent on to a syslog server.
    Syslog,
    /// Sent on to the journal of systemd.
    Journald,
}

/// The drivers that `info` lists.
pub(crate) const NAMES: &[&str] = &["journald", "json-file", "local", "syslog"];

/// Docker's drivers that are not built.
const UNBUILT: &[&str] = &["awslogs", "fluentd", "gcplogs", "gelf", "splunk"];

/// Why there is no driver of this name.
fn no_driver(name: &str) -> OptionError {
    if UNBUILT.contains(&name) {
        OptionError::Unbuilt(name.to_owned())
    } else {
        OptionError::Driver(name.to_owned())
    }
}

impl Driver {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "json-file" => Some(Self::JsonFile),
            "local" => Some(Self::Local),
            "syslog" => Some(Self::Syslog),
            "journald" => Some(Self::Journald),
            _ => None,
        }
    }

    fn knows(self, option: &str) -> bool {
        const ATTRIBUTES: &[&str] = &["labels", "labels-regex", "env", "env-regex", "tag"];
        const FILES: &[&str] = &["max-size", "max-file", "compress"];
        match self {
            Self::None => true,
            Self::JsonFile => FILES.contains(&option) || ATTRIBUTES.contains(&option),
            Self::Local => FILES.contains(&option),
            Self::Syslog => syslog::OPTIONS.contains(&option) || ATTRIBUTES.contains(&option),
            Self::Journald => ATTRIBUTES.contains(&option),
        }
    }
}

/// An option is refused. Displays as Docker's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OptionError {
    #[error("error looking up logging plugin {0}: plugin \"{0}\" not found")]
    Driver(String),
    #[error("the log driver {0} is not implemented yet: there are json-file, local, journald, syslog and none")]
    Unbuilt(String),
    #[error("unknown log opt '{option}' for {driver} log driver")]
    Unknown { option: String, driver: &'static str },
    #[error("unknown log opt '{0}' for log driver local")]
    UnknownLocal(String),
    #[error("logger: logging mode not supported: {0}")]
    Mode(String),
    #[error("logger: max-buffer-size option is only supported with 'mode=non-blocking'")]
    BufferWithoutMode,
    #[error("error parsing option max-buffer-size: {0}")]
    Buffer(size::ParseSizeError),
    #[error("invalid value for option cache-disabled: {0}")]
    CacheDisabled(String),
    #[error(transparent)]
    Syslog(#[from] SyslogError),
    #[error(transparent)]
    Size(#[from] size::ParseSizeError),
    #[error("max-size must be a positive number")]
    NoSize,
    #[error("max-file cannot be less than 1")]
    NoFile,
    #[error("strconv.Atoi: parsing {0:?}: invalid syntax")]
    Number(String),
    #[error("strconv.ParseBool: parsing {0:?}: invalid syntax")]
    Bool(String),
    #[error("compress cannot be true when max-file is less than 2 or max-size is not set")]
    Compress,
    #[error("invalid value for max-size: {0}: {1}")]
    LocalSize(String, size::ParseSizeError),
    #[error("invalid value for max-file: {0}: strconv.Atoi: parsing {0:?}: invalid syntax")]
    LocalFiles(String),
    #[error("error reading compress log option: strconv.ParseBool: parsing {0:?}: invalid syntax")]
    LocalCompress(String),
    #[error("compression cannot be enabled when max file count is 1")]
    LocalOneFile,
}

/// Options that concern no driver in particular.
const COMMON: &[&str] = &[
    "mode",
    "max-buffer-size",
    "cache-disabled",
    "cache-max-size",
    "cache-max-file",
    "cache-compress",
];

/// Refuses what is wrong in itself: when a container is made, and for the daemon's own settings.
pub(crate) fn check(driver: &str, options: &Map<String>) -> Result<Driver, OptionError> {
    let driver = Driver::named(driver).ok_or_else(|| no_driver(driver))?;
    if driver == Driver::None {
        return Ok(driver);
    }
    let text = |key: &str| options.get(key).map(String::as_str);
    let mode = text("mode").unwrap_or_default();
    if !["", "blocking", "non-blocking"].contains(&mode) {
        return Err(OptionError::Mode(mode.to_owned()));
    }
    if let Some(bytes) = text("max-buffer-size") {
        if mode != "non-blocking" {
            return Err(OptionError::BufferWithoutMode);
        }
        size::parse_binary(bytes).map_err(OptionError::Buffer)?;
    }
    if let Some(disabled) = text("cache-disabled") {
        go_bool(disabled).ok_or_else(|| OptionError::CacheDisabled(disabled.to_owned()))?;
    }
    let keys = options.into_iter().map(|(key, _)| key.as_str());
    if let Some(option) = keys.filter(|key| !COMMON.contains(key)).find(|key| !driver.knows(key)) {
        return Err(unknown(driver, option));
    }
    if driver == Driver::Syslog {
        syslog::check(options)?;
    }
    Ok(driver)
}

fn unknown(driver: Driver, option: &str) -> OptionError {
    let option = option.to_owned();
    let driver = match driver {
        Driver::Local | Driver::None => return OptionError::UnknownLocal(option),
        Driver::JsonFile => "json-file",
        Driver::Syslog => "syslog",
        Driver::Journald => "journald",
    };
    OptionError::Unknown { option, driver }
}

/// How a log is kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keeping {
    /// A new file begins beyond this many bytes; zero: never.
    pub(crate) max_size_bytes: u64,
    /// How many files in all.
    pub(crate) max_files: u32,
    /// Rotated ones are compressed.
    pub(crate) compressed: bool,
}

/// What `json-file` does unless it is told how large files may be, or how many.
const UNTOLD: Keeping = Keeping {
    max_size_bytes: 64 << 20,
    max_files: 4,
    compressed: true,
};

/// What `local` does unless told, and what is kept of what is sent on.
const LOCAL: Keeping = Keeping {
    max_size_bytes: 20 << 20,
    max_files: 5,
    compressed: true,
};

/// How the log of a container with these options is kept.
pub(crate) fn keeping(driver: Driver, options: &Map<String>) -> Result<Keeping, OptionError> {
    match driver {
        Driver::JsonFile => json_file(options),
        Driver::Local => local(options),
        Driver::None | Driver::Syslog | Driver::Journald => Ok(cached(options)),
    }
}

/// Told one of size and number, Docker's defaults hold for the other: no limit, one file.
fn json_file(options: &Map<String>) -> Result<Keeping, OptionError> {
    let (size, files) = (options.get("max-size"), options.get("max-file"));
    let mut keeping = if size.is_none() && files.is_none() {
        UNTOLD
    } else {
        Keeping {
            max_size_bytes: 0,
            max_files: 1,
            compressed: false,
        }
    };
    if let Some(size) = size {
        keeping.max_size_bytes = size::parse_decimal(size)?;
        if keeping.max_size_bytes == 0 {
            return Err(OptionError::NoSize);
        }
    }
    if let Some(files) = files {
        let number: i64 = files.parse().map_err(|_| OptionError::Number(files.clone()))?;
        keeping.max_files = u32::try_from(number.max(0)).unwrap_or(u32::MAX);
        if number < 1 {
            return Err(OptionError::NoFile);
        }
    }
    if let Some(compress) = options.get("compress") {
        keeping.compressed = go_bool(compress).ok_or_else(|| OptionError::Bool(compress.clone()))?;
        if keeping.compressed && (keeping.max_files == 1 || keeping.max_size_bytes == 0) {
            return Err(OptionError::Compress);
        }
    }
    Ok(keeping)
}

fn local(options: &Map<String>) -> Result<Keeping, OptionError> {
    let mut keeping = LOCAL;
    if let Some(size) = options.get("max-size") {
        keeping.max_size_bytes =
            size::parse_binary(size).map_err(|error| OptionError::LocalSize(size.clone(), error))?;
    }
    let mut files = i64::from(keeping.max_files);
    if let Some(text) = options.get("max-file") {
        files = text.parse().map_err(|_| OptionError::LocalFiles(text.clone()))?;
    }
    if let Some(compress) = options.get("compress") {
        keeping.compressed = go_bool(compress).ok_or_else(|| OptionError::LocalCompress(compress.clone()))?;
    }
    if keeping.compressed && files <= 1 {
        return Err(OptionError::LocalOneFile);
    }
    keeping.max_files = u32::try_from(files.max(1)).unwrap_or(u32::MAX);
    Ok(keeping)
}

/// What is kept for `logs` of what is sent on, and until it is sent: values that are none are as if not given.
fn cached(options: &Map<String>) -> Keeping {
    let text = |key: &str| options.get(key).map(String::as_str);
    let size = text("cache-max-size").and_then(|size| size::parse_binary(size).ok());
    let files = text("cache-max-file").and_then(|files| files.parse().ok());
    let compressed = text("cache-compress").and_then(go_bool);
    let max_files = files.filter(|files| *files > 0).unwrap_or(LOCAL.max_files);
    Keeping {
        max_size_bytes: size.unwrap_or(LOCAL.max_size_bytes),
        max_files,
        compressed: compressed.unwrap_or(LOCAL.compressed) && max_files > 1,
    }
}

/// Whether `logs` may read what is kept of what is sent on.
pub(crate) fn is_cache_disabled(options: &Map<String>) -> bool {
    options.get("cache-disabled").and_then(|text| go_bool(text)) == Some(true)
}

/// What Go's `strconv.ParseBool` takes.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Map<String> {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        pairs.collect()
    }

    /// Asked of dockerd 28.5.2, one by one.
    #[test]
    fn refused_when_made() {
        for (driver, pairs, text) in [
            (
                "bogus",
                &[][..],
                "error looking up logging plugin bogus: plugin \"bogus\" not found",
            ),
            (
                "gelf",
                &[],
                "the log driver gelf is not implemented yet: there are json-file, local, journald, syslog and none",
            ),
            (
                "json-file",
                &[("bogus", "1")],
                "unknown log opt 'bogus' for json-file log driver",
            ),
            (
                "local",
                &[("labels", "a")],
                "unknown log opt 'labels' for log driver local",
            ),
            (
                "journald",
                &[("bogus", "1")],
                "unknown log opt 'bogus' for journald log driver",
            ),
            (
                "syslog",
                &[("bogus", "1")],
                "unknown log opt 'bogus' for syslog log driver",
            ),
            ("local", &[("mode", "x")], "logger: logging mode not supported: x"),
            (
                "json-file",
                &[("max-buffer-size", "1m")],
                "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
            ),
            (
                "json-file",
                &[("mode", "non-blocking"), ("max-buffer-size", "x")],
                "error parsing option max-buffer-size: invalid size: 'x'",
            ),
            (
                "json-file",
                &[("cache-disabled", "x")],
                "invalid value for option cache-disabled: x",
            ),
            ("syslog", &[("syslog-address", "foo")], "unsupported scheme: ''"),
            ("syslog", &[("syslog-facility", "24")], "invalid syslog facility"),
            ("syslog", &[("syslog-format", "x")], "Invalid syslog format"),
        ] {
            assert_eq!(check(driver, &options(pairs)).unwrap_err().to_string(), text);
        }
        for (driver, pairs) in [
            ("none", &[("a", "b")][..]),
            (
                "json-file",
                &[("mode", ""), ("cache-max-size", "x"), ("cache-compress", "x")],
            ),
            ("json-file", &[("max-size", "x"), ("labels-regex", "(")]),
            ("local", &[("mode", "non-blocking"), ("max-buffer-size", "4m")]),
        ] {
            assert!(check(driver, &options(pairs)).is_ok(), "{driver} {pairs:?}");
        }
    }

    /// Asked of dockerd 28.5.2, one by one.
    #[test]
    fn refused_at_the_start() {
        for (driver, pairs, text) in [
            (
                Driver::JsonFile,
                &[("max-size", "0")][..],
                "max-size must be a positive number",
            ),
            (Driver::JsonFile, &[("max-size", "-1")], "invalid size: '-1'"),
            (Driver::JsonFile, &[("max-size", "10q")], "invalid suffix: 'q'"),
            (Driver::JsonFile, &[("max-file", "0")], "max-file cannot be less than 1"),
            (
                Driver::JsonFile,
                &[("max-file", "x")],
                "strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            (
                Driver::JsonFile,
                &[("compress", "x")],
                "strconv.ParseBool: parsing \"x\": invalid syntax",
            ),
            (
                Driver::JsonFile,
                &[("max-file", "1"), ("max-size", "1m"), ("compress", "true")],
                "compress cannot be true when max-file is less than 2 or max-size is not set",
            ),
            (
                Driver::Local,
                &[("max-size", "-1")],
                "invalid value for max-size: -1: invalid size: '-1'",
            ),
            (
                Driver::Local,
                &[("max-file", "0")],
                "compression cannot be enabled when max file count is 1",
            ),
            (
                Driver::Local,
                &[("max-file", "x")],
                "invalid value for max-file: x: strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            (
                Driver::Local,
                &[("compress", "x")],
                "error reading compress log option: strconv.ParseBool: parsing \"x\": invalid syntax",
            ),
        ] {
            assert_eq!(keeping(driver, &options(pairs)).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn what_is_kept() {
        let kept = |driver, pairs: &[(&str, &str)]| {
            let keeping = keeping(driver, &options(pairs)).unwrap();
            (keeping.max_size_bytes, keeping.max_files, keeping.compressed)
        };
        assert_eq!(kept(Driver::JsonFile, &[]), (64 << 20, 4, true));
        assert_eq!(kept(Driver::JsonFile, &[("max-size", "10m")]), (10_000_000, 1, false));
        assert_eq!(kept(Driver::JsonFile, &[("max-file", "3")]), (0, 3, false));
        assert_eq!(kept(Driver::JsonFile, &[("compress", "false")]), (64 << 20, 4, false));
        assert_eq!(kept(Driver::Local, &[]), (20 << 20, 5, true));
        assert_eq!(
            kept(
                Driver::Local,
                &[("max-size", "1k"), ("compress", "0"), ("max-file", "0")]
            ),
            (1024, 1, false)
        );
        let cache = [
            ("cache-max-size", "1m"),
            ("cache-max-file", "2"),
            ("cache-compress", "x"),
        ];
        assert_eq!(kept(Driver::Syslog, &cache), (1 << 20, 2, true));
        assert_eq!(kept(Driver::Journald, &[("cache-max-file", "x")]), (20 << 20, 5, true));
    }
}
