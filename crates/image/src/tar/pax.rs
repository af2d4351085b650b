//! PAX extended headers: records `<length> <key>=<value>\n`, where the length counts the whole record (POSIX pax).

use super::TarError;

const XATTR: &str = "SCHILY.xattr.";

/// The records of one extended header, in order; a later one of the same key counts.
#[derive(Debug, Default)]
pub(super) struct Pax {
    records: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Pax {
    pub(super) fn parse(mut text: &[u8]) -> Result<Self, TarError> {
        let mut records = Vec::new();
        while !text.is_empty() {
            let (record, rest) = split(text).ok_or(TarError::Header)?;
            let equals = record.iter().position(|&byte| byte == b'=').ok_or(TarError::Header)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            if key.is_empty() {
                return Err(TarError::Header);
            }
            records.push((key.to_vec(), value.to_vec()));
            text = rest;
        }
        Ok(Self { records })
    }

    /// The value of `key`; an empty one means that the record is withdrawn.
    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        let found = self.records.iter().rev().find(|(name, _)| name == key.as_bytes());
        found
            .map(|(_, value)| value.as_slice())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn text(&self, key: &str) -> Option<Vec<u8>> {
        self.get(key).map(<[u8]>::to_vec)
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, TarError> {
        self.get(key).map(number).transpose()
    }

    /// Seconds with an optional fraction, perhaps negative.
    pub(super) fn time(&self, key: &str) -> Result<Option<(i64, u32)>, TarError> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let text = std::str::from_utf8(text).map_err(|_| TarError::Header)?;
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole: i64 = seconds.parse().map_err(|_| TarError::Header)?;
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TarError::Header);
        }
        let digits = format!("{:0<9}", &fraction[..fraction.len().min(9)]);
        let nanos: u32 = digits.parse().map_err(|_| TarError::Header)?;
        if seconds.starts_with('-') && nanos > 0 {
            return Ok(Some((whole.saturating_sub(1), 1_000_000_000 - nanos)));
        }
        Ok(Some((whole, nanos)))
    }

    pub(super) fn records(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.records
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    pub(super) fn take_xattrs(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut xattrs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for (key, value) in &mut self.records {
            if let Some(name) = key.strip_prefix(XATTR.as_bytes()) {
                xattrs.retain(|(earlier, _)| earlier != name);
                xattrs.push((name.to_vec(), std::mem::take(value)));
            }
        }
        xattrs
    }
}

pub(super) fn number(text: &[u8]) -> Result<u64, TarError> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .ok_or(TarError::Header)
}

/// The first record without its length and newline, and what follows it.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = text.iter().take(20).position(|&byte| byte == b' ')?;
    let length = usize::try_from(number(&text[..space]).ok()?).ok()?;
    let record = text.get(space + 1..length)?;
    Some((record.strip_suffix(b"\n")?, &text[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_contain_anything() {
        let record = b"22 SCHILY.xattr.a=\n\x00\n\n";
        let mut pax = Pax::parse(record).expect("valid");
        assert_eq!(pax.take_xattrs(), [(b"a".to_vec(), b"\n\x00\n".to_vec())]);
    }

    #[test]
    fn times() {
        for (value, want) in [("1.5", (1, 500_000_000)), ("-1.25", (-2, 750_000_000)), ("7", (7, 0))] {
            let record = format!("mtime={value}\n");
            let length = record.len() + 3;
            let pax = Pax::parse(format!("{length} {record}").as_bytes()).expect("valid");
            assert_eq!(pax.time("mtime").expect("time"), Some(want));
        }
    }

    #[test]
    fn damage_is_refused() {
        for bad in [
            &b"x"[..],
            b"5 a=b\n",
            b"99 a=b\n",
            b"0 \n",
            b"6 a=b\nx",
            b"6 abc\n",
            b"5 =b\n",
        ] {
            assert!(Pax::parse(bad).is_err(), "{bad:?}");
        }
    }
}
