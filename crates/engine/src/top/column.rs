//! The columns of `ps`: their names in `-o`, and the cell of a process (pure).

use corten_base::Timestamp;
use corten_base::zone::Zone;

use super::process::{Host, Process, group_name, user_name};

/// A column and what stands above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) column: Column,
    pub(super) title: String,
}

impl Heading {
    fn new(column: Column, title: &str) -> Self {
        Self {
            column,
            title: title.to_owned(),
        }
    }
}

/// What a cell shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Address,
    Arguments,
    Cgroup,
    Command,
    CpuPercent,
    CpuWhole,
    DataKib,
    Elapsed,
    ElapsedSeconds,
    Flags,
    Gid,
    Group,
    GroupName,
    MajorFaults,
    MemoryPercent,
    MinorFaults,
    Nice,
    Pid,
    Ppid,
    PriorityBsd,
    PriorityUnix,
    Priority,
    Processor,
    RealUser,
    ResidentKib,
    Session,
    StartBsd,
    StartLong,
    StartUnix,
    Stat,
    State,
    Terminal,
    TerminalGroup,
    TextKib,
    Threads,
    TimeBsd,
    TimeSeconds,
    TimeUnix,
    Uid,
    User,
    VirtualKib,
    VirtualPages,
    WaitChannel,
}

/// Names of `-o` with their titles (ps(1), "STANDARD FORMAT SPECIFIERS").
const NAMES: &[(&str, Column, &str)] = &[
    ("%cpu", Column::CpuPercent, "%CPU"),
    ("pcpu", Column::CpuPercent, "%CPU"),
    ("%mem", Column::MemoryPercent, "%MEM"),
    ("pmem", Column::MemoryPercent, "%MEM"),
    ("addr", Column::Address, "ADDR"),
    ("args", Column::Arguments, "COMMAND"),
    ("command", Column::Arguments, "COMMAND"),
    ("cmd", Column::Arguments, "CMD"),
    ("comm", Column::Command, "COMMAND"),
    ("ucmd", Column::Command, "CMD"),
    ("ucomm", Column::Command, "COMMAND"),
    ("bsdstart", Column::StartBsd, "START"),
    ("start", Column::StartBsd, "STARTED"),
    ("start_time", Column::StartUnix, "START"),
    ("stime", Column::StartUnix, "STIME"),
    ("lstart", Column::StartLong, "STARTED"),
    ("bsdtime", Column::TimeBsd, "TIME"),
    ("time", Column::TimeUnix, "TIME"),
    ("cputime", Column::TimeUnix, "TIME"),
    ("cputimes", Column::TimeSeconds, "TIME"),
    ("times", Column::TimeSeconds, "TIME"),
    ("c", Column::CpuWhole, "C"),
    ("cgroup", Column::Cgroup, "CGROUP"),
    ("drs", Column::DataKib, "DRS"),
    ("trs", Column::TextKib, "TRS"),
    ("etime", Column::Elapsed, "ELAPSED"),
    ("etimes", Column::ElapsedSeconds, "ELAPSED"),
    ("euid", Column::Uid, "EUID"),
    ("uid", Column::Uid, "UID"),
    ("euser", Column::User, "EUSER"),
    ("user", Column::User, "USER"),
    ("uname", Column::User, "USER"),
    ("ruser", Column::RealUser, "RUSER"),
    ("egid", Column::Gid, "EGID"),
    ("gid", Column::Gid, "GID"),
    ("egroup", Column::GroupName, "EGROUP"),
    ("group", Column::GroupName, "GROUP"),
    ("f", Column::Flags, "F"),
    ("flag", Column::Flags, "F"),
    ("flags", Column::Flags, "F"),
    ("maj_flt", Column::MajorFaults, "MAJFL"),
    ("majflt", Column::MajorFaults, "MAJFLT"),
    ("min_flt", Column::MinorFaults, "MINFL"),
    ("minflt", Column::MinorFaults, "MINFLT"),
    ("ni", Column::Nice, "NI"),
    ("nice", Column::Nice, "NI"),
    ("nlwp", Column::Threads, "NLWP"),
    ("thcount", Column::Threads, "THCNT"),
    ("pgid", Column::Group, "PGID"),
    ("pgrp", Column::Group, "PGRP"),
    ("pid", Column::Pid, "PID"),
    ("tgid", Column::Pid, "TGID"),
    ("ppid", Column::Ppid, "PPID"),
    ("pri", Column::Priority, "PRI"),
    ("priority", Column::PriorityBsd, "PRI"),
    ("opri", Column::PriorityUnix, "PRI"),
    ("psr", Column::Processor, "PSR"),
    ("rss", Column::ResidentKib, "RSS"),
    ("rssize", Column::ResidentKib, "RSS"),
    ("rsz", Column::ResidentKib, "RSZ"),
    ("s", Column::State, "S"),
    ("state", Column::State, "S"),
    ("stat", Column::Stat, "STAT"),
    ("sess", Column::Session, "SESS"),
    ("session", Column::Session, "SESS"),
    ("sid", Column::Session, "SID"),
    ("sz", Column::VirtualPages, "SZ"),
    ("tname", Column::Terminal, "TTY"),
    ("tt", Column::Terminal, "TT"),
    ("tty", Column::Terminal, "TT"),
    ("tpgid", Column::TerminalGroup, "TPGID"),
    ("vsize", Column::VirtualKib, "VSZ"),
    ("vsz", Column::VirtualKib, "VSZ"),
    ("wchan", Column::WaitChannel, "WCHAN"),
];

/// The column that `-o` calls `name`.
pub(super) fn named(name: &str) -> Option<Heading> {
    let (_, column, title) = NAMES.iter().find(|(known, ..)| *known == name)?;
    Some(Heading::new(*column, title))
}

/// Columns by name, `name` or `name=TITLE`, with blanks between them.
pub(super) fn list(names: &str) -> Vec<Heading> {
    let heading = |word: &str| {
        let (name, title) = word
            .split_once('=')
            .map_or((word, None), |(name, title)| (name, Some(title)));
        let own = named(name)?;
        Some(title.map_or(own.clone(), |title| Heading::new(own.column, title)))
    };
    names.split(' ').filter_map(heading).collect()
}

/// What a cell is made from beside its process.
pub(super) struct Scene<'a> {
    pub(super) host: &'a Host,
    pub(super) zone: &'a Zone,
    /// What a forest puts before a command.
    pub(super) branch: &'a str,
}

/// The cell of `process` under `column`.
pub(super) fn cell(column: Column, process: &Process, scene: &Scene<'_>) -> String {
    let stat = &process.stat;
    let host = scene.host;
    let elapsed = host.elapsed_seconds(stat.start_ticks);
    match column {
        Column::Address => "-".to_owned(),
        Column::Arguments => format!("{}{}", scene.branch, process.shown_arguments()),
        Column::Cgroup => process.cgroup.clone(),
        Column::Command => format!("{}{}", scene.branch, process.shown_command()),
        Column::CpuPercent => per_mille(cpu_per_mille(stat.cpu_ticks, elapsed, host).min(9999)),
        Column::CpuWhole => (cpu_per_mille(stat.cpu_ticks, elapsed, host) / 10).min(99).to_string(),
        Column::DataKib => process.data_kib.to_string(),
        Column::Elapsed => clock(elapsed, true),
        Column::ElapsedSeconds => elapsed.to_string(),
        Column::Flags => ((stat.flags >> 6) & 7).to_string(),
        Column::Gid => process.egid.to_string(),
        Column::Group => stat.group.to_string(),
        Column::GroupName => cut(group_name(process.egid), process.egid),
        Column::MajorFaults => stat.major_faults.to_string(),
        Column::MemoryPercent => {
            let share = stat.resident_pages * host.page_kib * 1000 / host.memory_kib.max(1);
            per_mille(share.min(999))
        }
        Column::MinorFaults => stat.minor_faults.to_string(),
        Column::Nice => stat.nice.to_string(),
        Column::Pid => process.pid.to_string(),
        Column::Ppid => stat.parent.to_string(),
        Column::Priority => (39 - stat.priority).to_string(),
        Column::PriorityBsd => stat.priority.to_string(),
        Column::PriorityUnix => (60 + stat.priority).to_string(),
        Column::Processor => stat.processor.to_string(),
        Column::RealUser => cut(user_name(process.ruid), process.ruid),
        Column::ResidentKib => (stat.resident_pages * host.page_kib).to_string(),
        Column::Session => stat.session.to_string(),
        Column::StartBsd => start_bsd(host.started(stat.start_ticks), host.now, scene.zone),
        Column::StartLong => start_long(host.started(stat.start_ticks), scene.zone),
        Column::StartUnix => start_unix(host.started(stat.start_ticks), host.now, scene.zone),
        Column::Stat => process.flags_of_state(),
        Column::State => stat.state.to_string(),
        Column::Terminal => terminal(stat.terminal),
        Column::TerminalGroup => stat.terminal_group.to_string(),
        Column::TextKib => process.text_kib.to_string(),
        Column::Threads => stat.threads.to_string(),
        Column::TimeBsd => {
            let seconds = stat.cpu_ticks / host.ticks_per_second;
            format!("{}:{:02}", seconds / 60, seconds % 60)
        }
        Column::TimeSeconds => (stat.cpu_ticks / host.ticks_per_second).to_string(),
        Column::TimeUnix => clock(stat.cpu_ticks / host.ticks_per_second, false),
        Column::Uid => process.euid.to_string(),
        Column::User => cut(user_name(process.euid), process.euid),
        Column::VirtualKib => (stat.virtual_bytes / 1024).to_string(),
        Column::VirtualPages => (stat.virtual_bytes / 1024 / host.page_kib.max(1)).to_string(),
        Column::WaitChannel => match process.wait_channel.as_str() {
            "" | "0" => "-".to_owned(),
            channel => channel.chars().take(6).collect(),
        },
    }
}

fn cpu_per_mille(ticks: u64, elapsed: u64, host: &Host) -> u64 {
    (ticks * 1000).checked_div(host.ticks_per_second * elapsed).unwrap_or(0)
}

fn per_mille(value: u64) -> String {
    if value > 999 {
        return (value / 10).to_string();
    }
    format!("{}.{}", value / 10, value % 10)
}

/// A name that is longer than its column is cut and marked, as procps does.
fn cut(name: Option<String>, number: u32) -> String {
    match name {
        Some(name) if name.chars().count() > 8 => name.chars().take(7).chain(['+']).collect(),
        Some(name) => name,
        None => number.to_string(),
    }
}

/// `[days-]hh:mm:ss`, or `mm:ss` where `short`.
fn clock(seconds: u64, short: bool) -> String {
    let (days, hours, minutes, rest) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) if short => format!("{minutes:02}:{rest:02}"),
        (0, _) => format!("{hours:02}:{minutes:02}:{rest:02}"),
        _ => format!("{days}-{hours:02}:{minutes:02}:{rest:02}"),
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// A time on the clocks of `zone`: date and `hh:mm:ss`.
fn local(time: Timestamp, zone: &Zone) -> (String, String) {
    let text = zone.rfc3339(time, false);
    let (date, rest) = text.split_once('T').unwrap_or((&text, ""));
    (date.to_owned(), rest.chars().take(8).collect())
}

fn month_and_day(date: &str) -> (&'static str, String) {
    let mut parts = date.split('-').skip(1);
    let month = parts.next().and_then(|month| month.parse::<usize>().ok()).unwrap_or(1);
    let name = MONTHS.get(month.saturating_sub(1)).copied().unwrap_or("Jan");
    (name, parts.next().unwrap_or("01").to_owned())
}

/// `hh:mm` today, `MonDD` this year, else the year.
fn start_unix(time: Timestamp, now: Timestamp, zone: &Zone) -> String {
    let ((date, clock), (today, _)) = (local(time, zone), local(now, zone));
    if date == today {
        return clock.chars().take(5).collect();
    }
    if date.get(..4) == today.get(..4) {
        let (month, day) = month_and_day(&date);
        return format!("{month}{day}");
    }
    date.chars().take(4).collect()
}

/// `hh:mm` within a day, else `MonDD`.
fn start_bsd(time: Timestamp, now: Timestamp, zone: &Zone) -> String {
    let (date, clock) = local(time, zone);
    if now.since(time).as_secs() <= 86400 {
        return clock.chars().take(5).collect();
    }
    let (month, day) = month_and_day(&date);
    format!("{month}{day}")
}

/// `Thu Nov 26 06:17:33 2026`
fn start_long(time: Timestamp, zone: &Zone) -> String {
    let (date, clock) = local(time, zone);
    let (month, day) = month_and_day(&date);
    let noon = format!("{date}T12:00:00Z").parse().unwrap_or(Timestamp::ZERO);
    let weekday = usize::try_from(noon.unix_seconds().div_euclid(86400).rem_euclid(7)).unwrap_or(0);
    let weekday = DAYS.get(weekday).copied().unwrap_or("Thu");
    let year = date.get(..4).unwrap_or("");
    format!("{weekday} {month} {:>2} {clock} {year}", day.trim_start_matches('0'))
}

/// The name of a terminal's device number.
fn terminal(device: u32) -> String {
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
    match major {
        0 => "?".to_owned(),
        4 if minor < 64 => format!("tty{minor}"),
        4 => format!("ttyS{}", minor - 64),
        136..=143 => format!("pts/{}", minor + (major - 136) * 256),
        204 => format!("ttyAMA{}", minor.saturating_sub(64)),
        229 => format!("hvc{minor}"),
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        for (seconds, short, expected) in [
            (0, false, "00:00:00"),
            (3661, false, "01:01:01"),
            (90061, false, "1-01:01:01"),
            (61, true, "01:01"),
        ] {
            assert_eq!(clock(seconds, short), expected);
        }
    }

    #[test]
    fn starts() {
        let zone = Zone::utc();
        let now: Timestamp = "2026-11-26T06:30:00Z".parse().expect("a time");
        for (time, unix, bsd) in [
            ("2026-11-26T06:17:33Z", "06:17", "06:17"),
            ("2026-11-25T23:00:00Z", "Nov25", "23:00"),
            ("2026-01-02T00:00:00Z", "Jan02", "Jan02"),
            ("2025-12-31T00:00:00Z", "2025", "Dec31"),
        ] {
            let time = time.parse().expect("a time");
            assert_eq!(
                (
                    start_unix(time, now, &zone).as_str(),
                    start_bsd(time, now, &zone).as_str()
                ),
                (unix, bsd)
            );
        }
        assert_eq!(start_long(now, &zone), "Thu Nov 26 06:30:00 2026");
    }

    #[test]
    fn terminals_and_shares() {
        for (device, name) in [
            (0, "?"),
            (0x8800, "pts/0"),
            (0x8803, "pts/3"),
            (0x401, "tty1"),
            (0x440, "ttyS0"),
        ] {
            assert_eq!(terminal(device), name);
        }
        assert_eq!(
            (per_mille(58), per_mille(999), per_mille(1234)),
            ("5.8".into(), "99.9".into(), "123".into())
        );
        assert_eq!(cut(Some("systemd-network".into()), 1), "systemd+");
        assert_eq!(cut(None, 4711), "4711");
    }
}
