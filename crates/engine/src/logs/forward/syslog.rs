//! Options and messages of the syslog driver (pure). Texts and bytes observed: dockerd 28.5; formats RFC 3164,
//! RFC 5424, and RFC 5425 for its framing over TLS.

use corten_api::Map;
use corten_base::Timestamp;
use corten_base::zone::Zone;

use crate::logs::entry::{Line, Stream};

/// The driver's own options.
pub(crate) const OPTIONS: &[&str] = &[
    "syslog-address",
    "syslog-facility",
    "syslog-format",
    "syslog-tls-ca-cert",
    "syslog-tls-cert",
    "syslog-tls-key",
    "syslog-tls-skip-verify",
];

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// Whichever socket the host's own syslog has.
    Host,
    /// A stream socket.
    Unix(String),
    /// A datagram socket.
    UnixDatagram(String),
    /// Host and port.
    Udp(String),
    /// Host and port.
    Tcp(String),
    /// Host and port.
    Tls(String),
}

/// How messages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// As a host's own programs write to its socket: no host name.
    Unix,
    Rfc3164,
    Rfc5424,
    /// With microseconds.
    Rfc5424Micro,
}

/// An option is wrong. Displays as Docker's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SyslogError {
    #[error("unsupported scheme: '{0}'")]
    Scheme(String),
    #[error("parse {0:?}: {1}")]
    Address(String, String),
    #[error("address {0}: too many colons in address")]
    Colons(String),
    #[error("stat {0}: {1}")]
    Socket(String, String),
    #[error("invalid syslog facility")]
    Facility,
    #[error("Invalid syslog format")]
    Format,
}

const DEFAULT_PORT: &str = "514";

/// Facilities by name, at the place of their number.
const FACILITIES: &[&str] = &[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "", "", "",
    "", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];
const DAEMON: u8 = 3;
const SEVERITY_ERROR: u8 = 3;
const SEVERITY_INFO: u8 = 6;

/// Refuses wrong options.
pub(crate) fn check(options: &Map<String>) -> Result<(), SyslogError> {
    address(options)?;
    facility(options)?;
    format(options).map(drop)
}

fn text<'a>(options: &'a Map<String>, key: &str) -> &'a str {
    options.get(key).map(String::as_str).unwrap_or_default()
}

/// The option `syslog-address`; a unix socket must be there.
pub(crate) fn address(options: &Map<String>) -> Result<Address, SyslogError> {
    let given = text(options, "syslog-address");
    if given.is_empty() {
        return Ok(Address::Host);
    }
    let (scheme, rest) = split(given)?;
    let authority = rest.split('/').next().unwrap_or_default();
    match scheme {
        "unix" | "unixgram" => {
            let path = rest.to_owned();
            if let Err(error) = std::fs::metadata(&path) {
                return Err(SyslogError::Socket(path, corten_base::errno::words(&error)));
            }
            Ok(match scheme {
                "unix" => Address::Unix(path),
                _ => Address::UnixDatagram(path),
            })
        }
        "udp" => with_port(authority).map(Address::Udp),
        "tcp" => with_port(authority).map(Address::Tcp),
        "tcp+tls" => with_port(authority).map(Address::Tls),
        other => Err(SyslogError::Scheme(other.to_owned())),
    }
}

/// Scheme and what is behind `//`, as Go's parser of addresses sees them.
fn split(given: &str) -> Result<(&str, &str), SyslogError> {
    let wrong = |reason: &str| SyslogError::Address(given.to_owned(), reason.to_owned());
    if let Some(at) = given.find('%') {
        let escape = given.get(at..).unwrap_or_default();
        let escape: String = escape.chars().take(3).collect();
        if escape.len() < 3 || !escape.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong(&format!("invalid URL escape {escape:?}")));
        }
    }
    match given.split_once(':') {
        Some(("", _)) => Err(wrong("missing protocol scheme")),
        Some((scheme, rest))
            if scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) =>
        {
            Ok((scheme, rest.strip_prefix("//").unwrap_or("")))
        }
        Some(_) => Err(wrong("first path segment in URL cannot contain colon")),
        None => Ok(("", "")),
    }
}

fn with_port(host: &str) -> Result<String, SyslogError> {
    let outside = host.rsplit_once(']').map_or(host, |(_, outside)| outside);
    match outside.matches(':').count() {
        0 => Ok(format!("{host}:{DEFAULT_PORT}")),
        1 => Ok(host.to_owned()),
        _ => Err(SyslogError::Colons(host.to_owned())),
    }
}

/// The option `syslog-facility`, as a number.
pub(crate) fn facility(options: &Map<String>) -> Result<u8, SyslogError> {
    let given = text(options, "syslog-facility");
    if given.is_empty() {
        return Ok(DAEMON);
    }
    let named = FACILITIES.iter().position(|name| *name == given);
    let number = named.or_else(|| given.parse().ok());
    let number = number
        .and_then(|number| u8::try_from(number).ok())
        .filter(|number| *number <= 23);
    number.ok_or(SyslogError::Facility)
}

/// The option `syslog-format`.
pub(crate) fn format(options: &Map<String>) -> Result<Format, SyslogError> {
    match text(options, "syslog-format") {
        "" => Ok(Format::Unix),
        "rfc3164" => Ok(Format::Rfc3164),
        "rfc5424" => Ok(Format::Rfc5424),
        "rfc5424micro" => Ok(Format::Rfc5424Micro),
        _ => Err(SyslogError::Format),
    }
}

/// All that messages of one container have in common.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) format: Format,
    pub(crate) facility: u8,
    pub(crate) tag: String,
    pub(crate) host: String,
    /// The daemon's.
    pub(crate) pid: u32,
    pub(crate) zone: Zone,
    /// Each message is preceded by its length: RFC 5424 over TLS.
    pub(crate) counted: bool,
}

impl Writer {
    /// Appends the message for a line.
    pub(crate) fn write(&self, line: &Line<'_>, to: &mut Vec<u8>) {
        let severity = match line.stream {
            Stream::Stdout => SEVERITY_INFO,
            Stream::Stderr => SEVERITY_ERROR,
        };
        let priority = self.facility << 3 | severity;
        let (time, tag, host, pid) = (line.time.timestamp(), &self.tag, &self.host, self.pid);
        let head = match self.format {
            Format::Unix => format!("<{priority}>{} {tag}[{pid}]: ", self.stamp(time)),
            Format::Rfc3164 => format!("<{priority}>{} {host} {tag}[{pid}]: ", self.stamp(time)),
            Format::Rfc5424 => {
                let time = self.zone.rfc3339(time, false);
                format!("<{priority}>1 {time} {host} {tag} {pid} {tag} - ")
            }
            Format::Rfc5424Micro => format!("<{priority}>1 {} {host} {tag} {pid} {tag} - ", self.micro(time)),
        };
        // The end of the line, which some readers wait for, is counted too (observed).
        if self.counted {
            to.extend_from_slice(format!("{} ", head.len() + line.text.len() + 1).as_bytes());
        }
        to.extend_from_slice(head.as_bytes());
        to.extend_from_slice(&line.text);
        to.push(b'\n');
    }

    /// `Jan  2 15:04:05`, here.
    fn stamp(&self, time: Timestamp) -> String {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let text = self.zone.rfc3339(time, false);
        let number = |at: std::ops::Range<usize>| text.get(at).and_then(|digits| digits.parse::<usize>().ok());
        let month = number(5..7).and_then(|month| MONTHS.get(month.wrapping_sub(1)));
        let day = number(8..10).unwrap_or(0);
        format!(
            "{} {day:>2} {}",
            month.unwrap_or(&"Jan"),
            text.get(11..19).unwrap_or_default()
        )
    }

    fn micro(&self, time: Timestamp) -> String {
        let text = self.zone.rfc3339(time, true);
        let (before, after) = text.split_at_checked(26).unwrap_or((&text, ""));
        format!(
            "{before}{}",
            after.trim_start_matches(|digit: char| digit.is_ascii_digit())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::entry::{Part, Time};

    fn one(key: &str, value: &str) -> Map<String> {
        [(key.to_owned(), value.to_owned())].into_iter().collect()
    }

    /// Asked of dockerd 28.5.2.
    #[test]
    fn addresses() {
        let read = |text: &str| address(&one("syslog-address", text));
        assert_eq!(read(""), Ok(Address::Host));
        assert_eq!(read("tcp://127.0.0.1"), Ok(Address::Tcp("127.0.0.1:514".to_owned())));
        assert_eq!(read("udp://[::1]:5"), Ok(Address::Udp("[::1]:5".to_owned())));
        assert_eq!(read("tcp+tls://a:6514/"), Ok(Address::Tls("a:6514".to_owned())));
        assert_eq!(read("unixgram:///"), Ok(Address::UnixDatagram("/".to_owned())));
        for (text, message) in [
            ("foo", "unsupported scheme: ''"),
            ("foo://x", "unsupported scheme: 'foo'"),
            ("tcp://:1:2", "address :1:2: too many colons in address"),
            ("unix:///nope", "stat /nope: no such file or directory"),
            ("::", "parse \"::\": missing protocol scheme"),
            ("%zz", "parse \"%zz\": invalid URL escape \"%zz\""),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn facilities() {
        let read = |text: &str| facility(&one("syslog-facility", text));
        assert_eq!(
            (read(""), read("kern"), read("local7"), read("23")),
            (Ok(3), Ok(0), Ok(23), Ok(23))
        );
        for wrong in ["24", "-1", "x", "256"] {
            assert_eq!(read(wrong), Err(SyslogError::Facility));
        }
    }

    /// As dockerd 28.5.2 sent them.
    #[test]
    fn messages() {
        let written = |format, stream, counted| {
            let writer = Writer {
                format,
                facility: 19,
                tag: "my".to_owned(),
                host: "vm".to_owned(),
                pid: 21959,
                zone: Zone::utc(),
                counted,
            };
            let line = Line {
                text: b"one"[..].into(),
                ends: true,
                stream,
                time: Time::Nanos(1_795_693_901_801_169_123),
                part: Part::WHOLE,
            };
            let mut bytes = Vec::new();
            writer.write(&line, &mut bytes);
            String::from_utf8(bytes).unwrap()
        };
        let (out, err) = (Stream::Stdout, Stream::Stderr);
        assert_eq!(
            written(Format::Unix, out, false),
            "<158>Nov 26 11:51:41 my[21959]: one\n"
        );
        assert_eq!(
            written(Format::Rfc3164, err, false),
            "<155>Nov 26 11:51:41 vm my[21959]: one\n"
        );
        assert_eq!(
            written(Format::Rfc5424, out, false),
            "<158>1 2026-11-26T11:51:41Z vm my 21959 my - one\n"
        );
        assert_eq!(
            written(Format::Rfc5424Micro, err, false),
            "<155>1 2026-11-26T11:51:41.801169Z vm my 21959 my - one\n"
        );
        assert!(written(Format::Rfc5424, out, true).starts_with("49 <158>1 2026"));
    }
}
