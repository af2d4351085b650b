//! The user's time zone, as `TZ` or `/etc/localtime` says (RFC 8536, the 64-bit block).
//!
//! Behind the last transition of the file, which zone files put far ahead, its last offset holds.

use std::env;
use std::fs;

use crate::Timestamp;

const ZONES: &str = "/usr/share/zoneinfo";
const LOCAL: &str = "/etc/localtime";

/// The offsets of one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Seconds since 1970 from which an offset holds, ascending.
    transitions: Vec<(i64, Offset)>,
    /// What holds before the first.
    first: Offset,
}

/// A difference to UTC with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Offset {
    seconds: i64,
    name: String,
}

impl Zone {
    /// UTC alone.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            transitions: Vec::new(),
            first: Offset {
                seconds: 0,
                name: "UTC".to_owned(),
            },
        }
    }

    /// The user's; UTC if it cannot be read.
    #[must_use]
    pub fn local() -> Self {
        let path = match env::var("TZ") {
            Err(_) => LOCAL.to_owned(),
            Ok(name) => match name.strip_prefix(':').unwrap_or(&name) {
                "" | "UTC" => return Self::utc(),
                path if path.starts_with('/') => path.to_owned(),
                name if name.contains("..") => return Self::utc(),
                name => format!("{ZONES}/{name}"),
            },
        };
        fs::read(path)
            .ok()
            .and_then(|bytes| parse(&bytes))
            .unwrap_or_else(Self::utc)
    }

    /// What holds at `seconds` since 1970.
    fn at(&self, seconds: i64) -> &Offset {
        let passed = self.transitions.partition_point(|(from, _)| *from <= seconds);
        passed
            .checked_sub(1)
            .map_or(&self.first, |index| &self.transitions[index].1)
    }

    /// As Go prints a time: `2026-11-26 02:28:14 +0100 CET`.
    #[must_use]
    pub fn clock(&self, time: Timestamp) -> String {
        let offset = self.at(time.unix_seconds());
        let text = offset.shift(time).to_string();
        let text = text.trim_end_matches('Z').replace('T', " ");
        format!("{text} {} {}", offset.digits(""), offset.name)
    }

    /// RFC 3339 with nine digits of a second, or none: `2026-11-26T02:28:14+01:00`.
    #[must_use]
    pub fn rfc3339(&self, time: Timestamp, nanos: bool) -> String {
        let offset = self.at(time.unix_seconds());
        let whole = Timestamp::from_unix(time.unix_seconds() + offset.seconds, 0).to_string();
        let fraction = if nanos {
            format!(".{:09}", time.subsecond_nanos())
        } else {
            String::new()
        };
        let zone = if offset.seconds == 0 {
            "Z".to_owned()
        } else {
            offset.digits(":")
        };
        format!("{}{fraction}{zone}", whole.trim_end_matches('Z'))
    }

    /// The point in time whose local clock shows `clock` (given as if it were UTC).
    #[must_use]
    pub fn to_utc(&self, clock: Timestamp) -> Timestamp {
        let guess = clock.unix_seconds() - self.at(clock.unix_seconds()).seconds;
        let seconds = clock.unix_seconds() - self.at(guess).seconds;
        Timestamp::from_unix(seconds, clock.subsecond_nanos())
    }
}

impl Offset {
    fn shift(&self, time: Timestamp) -> Timestamp {
        Timestamp::from_unix(time.unix_seconds() + self.seconds, time.subsecond_nanos())
    }

    fn digits(&self, between: &str) -> String {
        let sign = if self.seconds < 0 { '-' } else { '+' };
        let minutes = self.seconds.abs() / 60;
        format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
    }
}

/// The counts of a block's header.
struct Counts {
    utc_flags: usize,
    standard_flags: usize,
    leaps: usize,
    times: usize,
    types: usize,
    names: usize,
}

const HEADER: usize = 44;

fn counts(header: &[u8]) -> Option<Counts> {
    if header.get(..4)? != b"TZif" {
        return None;
    }
    let number = |index: usize| -> Option<usize> {
        let at = 20 + index * 4;
        usize::try_from(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?)).ok()
    };
    Some(Counts {
        utc_flags: number(0)?,
        standard_flags: number(1)?,
        leaps: number(2)?,
        times: number(3)?,
        types: number(4)?,
        names: number(5)?,
    })
}

/// Version 2 files repeat everything in a second block with 64-bit times.
fn parse(bytes: &[u8]) -> Option<Zone> {
    let first = counts(bytes)?;
    if *bytes.get(4)? < b'2' {
        return None;
    }
    let skip = first.times * 5 + first.types * 6 + first.names + first.leaps * 8;
    let block = bytes.get(HEADER + skip + first.standard_flags + first.utc_flags..)?;
    let counts = counts(block)?;
    let times = block.get(HEADER..)?;
    let indexes = times.get(counts.times * 8..)?;
    let types = indexes.get(counts.times..)?;
    let names = types.get(counts.types * 6..)?.get(..counts.names)?;
    let offset = |index: usize| -> Option<Offset> {
        let entry = types.get(index * 6..index * 6 + 6)?;
        let name = names.get(usize::from(entry[5])..)?.split(|byte| *byte == 0).next()?;
        let seconds = i64::from(i32::from_be_bytes(entry.get(..4)?.try_into().ok()?));
        Some(Offset {
            seconds,
            name: String::from_utf8_lossy(name).into_owned(),
        })
    };
    let transition = |index: usize| -> Option<(i64, Offset)> {
        let from = i64::from_be_bytes(times.get(index * 8..index * 8 + 8)?.try_into().ok()?);
        Some((from, offset(usize::from(*indexes.get(index)?))?))
    };
    let transitions = (0..counts.times).map(transition).collect::<Option<_>>()?;
    Some(Zone {
        transitions,
        first: offset(0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(transitions: &[(i64, i64, &str)]) -> Zone {
        let offset = |seconds, name: &str| Offset {
            seconds,
            name: name.to_owned(),
        };
        Zone {
            transitions: transitions
                .iter()
                .map(|(from, seconds, name)| (*from, offset(*seconds, name)))
                .collect(),
            first: offset(3600, "CET"),
        }
    }

    #[test]
    fn shows_local_clocks() {
        let paris = zone(&[(100, 7200, "CEST"), (5000, 3600, "CET")]);
        let at = |seconds| Timestamp::from_unix(seconds, 5);
        assert_eq!(paris.clock(Timestamp::from_unix(0, 0)), "1970-01-01 01:00:00 +0100 CET");
        assert_eq!(paris.rfc3339(at(100), true), "1970-01-01T02:01:40.000000005+02:00");
        assert_eq!(Zone::utc().rfc3339(at(0), false), "1970-01-01T00:00:00Z");
        assert_eq!(paris.to_utc(at(7300)).unix_seconds(), 100);
        assert_eq!(
            zone(&[(0, -12600, "X")]).rfc3339(at(12600), false),
            "1970-01-01T00:00:00-03:30"
        );
    }

    #[test]
    fn reads_zone_files() {
        // One transition at 100 to +1:00 "B" from 0 "A": a version 2 file with an empty first block.
        let header = |counts: [u32; 6]| {
            let mut bytes = b"TZif2".to_vec();
            bytes.extend([0; 15]);
            counts.iter().for_each(|count| bytes.extend(count.to_be_bytes()));
            bytes
        };
        let mut file = header([0; 6]);
        file.extend(header([0, 0, 0, 1, 2, 4]));
        file.extend(100_i64.to_be_bytes());
        file.push(1);
        file.extend([0, 0, 0, 0, 0, 0]);
        file.extend(3600_i32.to_be_bytes());
        file.extend([0, 2]);
        file.extend(b"A\0B\0");
        let read = parse(&file).unwrap();
        assert_eq!(read.at(99).name, "A");
        assert_eq!(
            read.at(100),
            &Offset {
                seconds: 3600,
                name: "B".to_owned()
            }
        );
        for length in 0..file.len() {
            assert_eq!(parse(&file[..length]), None, "{length}");
        }
    }
}
