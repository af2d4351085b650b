//! Which build this is. `make build` says the commit and its time by `CORTEN_COMMIT` and `CORTEN_BUILT`.

/// Our own version.
const OURS: &str = env!("CARGO_PKG_VERSION");
/// The reference's version and ours, as the engine announces it too.
const ANNOUNCED: &str = concat!("28.5.2+corten.", env!("CARGO_PKG_VERSION"));
/// What stands where Docker names its compiler.
pub(crate) const LANGUAGE: &str = concat!("rust", env!("CARGO_PKG_RUST_VERSION"));
/// The commit.
pub(crate) const COMMIT: &str = known(option_env!("CORTEN_COMMIT"));
/// When it was made, by RFC 3339.
pub(crate) const BUILT: &str = known(option_env!("CORTEN_BUILT"));

const fn known(said: Option<&'static str>) -> &'static str {
    match said {
        Some(text) if !text.is_empty() => text,
        Some(_) | None => "unknown",
    }
}

/// The version under the name that the program was called by: scripts compare Docker's.
pub(crate) fn version(program: &str) -> &'static str {
    match program {
        "docker" => ANNOUNCED,
        _ => OURS,
    }
}

/// `2025-05-30T12:07:14Z` as `Fri May 30 12:07:14 2025`; anything else as it is.
pub(crate) fn date(text: &str) -> String {
    spelled(text).unwrap_or_else(|| text.to_owned())
}

fn spelled(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    // Sakamoto's method.
    const SHIFTS: [usize; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let (date, time) = text.split_once('T')?;
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<usize>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (name, shift) = (MONTHS.get(month.checked_sub(1)?)?, SHIFTS.get(month.checked_sub(1)?)?);
    let from = if month < 3 { year.checked_sub(1)? } else { year };
    let weekday = (from + from / 4 - from / 100 + from / 400 + shift + day) % 7;
    Some(format!(
        "{} {name} {day:2} {} {year}",
        DAYS.get(weekday)?,
        time.get(..8)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date("2025-05-30T12:07:14.000000000+00:00"), "Fri May 30 12:07:14 2025");
        assert_eq!(date("2024-02-01T00:00:00Z"), "Thu Feb  1 00:00:00 2024");
        assert_eq!(date("unknown"), "unknown");
        assert_eq!(date("2024-13-01T00:00:00Z"), "2024-13-01T00:00:00Z");
    }
}
