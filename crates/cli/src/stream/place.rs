//! Where in a log a follower is, so that it can go on from there after the engine was away.
//!
//! Each record is asked for with its time. The time is taken off again unless the user wants it; the last one, and how
//! many records had it, say where to go on: from that time, without the records of that time that were passed on.
//! Pure. Records have the times at which the keeper read them, which no two engines see differently.

use corten_base::Timestamp;

/// Records of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment {
    /// As the engine writes it.
    time: Vec<u8>,
    records: u64,
}

/// A follower's place.
#[derive(Debug, Default)]
pub(crate) struct Place {
    shows_times: bool,
    last: Option<Moment>,
    /// What is to be left out since the follower went on.
    again: Option<Moment>,
}

impl Place {
    /// Before the first record. The user sees times only if `shows_times`.
    pub(crate) fn new(shows_times: bool) -> Self {
        Self {
            shows_times,
            ..Self::default()
        }
    }

    /// What the user sees of a record that begins with its time; `None` if it was passed on before.
    pub(crate) fn pass<'a>(&mut self, record: &'a [u8]) -> Option<&'a [u8]> {
        let Some((time, text)) = split(record) else {
            return Some(record);
        };
        if let Some(again) = &mut self.again {
            if again.time == time && again.records > 0 {
                again.records -= 1;
                return None;
            }
            self.again = None;
        }
        match &mut self.last {
            Some(last) if last.time == time => last.records += 1,
            _ => {
                self.last = Some(Moment {
                    time: time.to_vec(),
                    records: 1,
                });
            }
        }
        Some(if self.shows_times { record } else { text })
    }

    /// The time from which to ask for records again, for the engine; `None` if there was none yet: then the same
    /// question is asked again.
    pub(crate) fn resume(&mut self) -> Option<String> {
        let last = self.last.as_ref()?;
        let time: Timestamp = std::str::from_utf8(&last.time).ok()?.parse().ok()?;
        self.again = Some(last.clone());
        Some(instant(time))
    }
}

/// A time as the engine takes it: seconds since 1970 with nine digits of a fraction.
pub(crate) fn instant(time: Timestamp) -> String {
    format!("{}.{:09}", time.unix_seconds(), time.subsecond_nanos())
}

/// A record's time, and what follows the space behind it.
fn split(record: &[u8]) -> Option<(&[u8], &[u8])> {
    /// `2006-01-02T15:04:05.000000000+00:00`
    const LONGEST_TIME: usize = 35;
    let end = record.iter().take(LONGEST_TIME + 1).position(|byte| *byte == b' ')?;
    let (time, rest) = (record.get(..end)?, record.get(end + 1..)?);
    let shaped = time.len() >= 20 && time.get(10) == Some(&b'T');
    shaped.then_some((time, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "2026-01-02T03:04:05.000000001Z";
    const TWO: &str = "2026-01-02T03:04:05.000000002Z";

    fn passed(place: &mut Place, records: &[String]) -> String {
        let texts = records.iter().filter_map(|record| place.pass(record.as_bytes()));
        texts.map(|text| String::from_utf8_lossy(text)).collect()
    }

    #[test]
    fn goes_on_where_it_was() {
        let written = [(ONE, "a\n"), (TWO, "b\n"), (TWO, "c\n"), (TWO, "b\n"), (TWO, "d\n")];
        let written = written.map(|(time, text)| format!("{time} {text}"));
        let mut place = Place::new(false);
        assert_eq!(place.resume(), None);
        assert_eq!(passed(&mut place, &written[..3]), "a\nb\nc\n");
        assert_eq!(place.resume().as_deref(), Some("1767323045.000000002"));
        // Lost again before anything new came: nothing is passed on twice.
        assert_eq!(passed(&mut place, &written[1..2]), "");
        assert_eq!(place.resume().as_deref(), Some("1767323045.000000002"));
        assert_eq!(passed(&mut place, &written[1..]), "b\nd\n");
        assert!(place.resume().is_some());
        assert_eq!(passed(&mut place, &written[1..]), "");
    }

    #[test]
    fn what_the_log_lost_meanwhile_holds_nothing_back() {
        let mut place = Place::new(true);
        passed(&mut place, &[format!("{ONE} a\n")]);
        place.resume();
        let later = [format!("{TWO} a\n"), format!("{ONE} late\n")];
        assert_eq!(passed(&mut place, &later), later.concat());
    }

    #[test]
    fn what_has_no_time_is_passed_on() {
        let mut place = Place::new(false);
        for record in [
            "Error grabbing logs: x\n",
            "",
            " ",
            "2026 x",
            "2026-01-02T03:04:05.000000001Z",
        ] {
            assert_eq!(place.pass(record.as_bytes()), Some(record.as_bytes()), "{record}");
        }
    }
}
