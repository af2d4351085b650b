//! One process as `/proc` tells of it.

use std::fs;
use std::io;

use corten_base::Timestamp;

use super::column::{Column, Heading};

/// A process, as far as the columns need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) command: String,
    pub(super) arguments: String,
    pub(super) ruid: u32,
    pub(super) euid: u32,
    pub(super) egid: u32,
    /// Some of its memory cannot be swapped out.
    pub(super) locked: bool,
    pub(super) text_kib: u64,
    pub(super) data_kib: u64,
    pub(super) stat: Stat,
    pub(super) wait_channel: String,
    pub(super) cgroup: String,
}

/// `/proc/<pid>/stat` (proc_pid_stat(5)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) state: char,
    pub(super) parent: i64,
    pub(super) group: i64,
    pub(super) session: i64,
    pub(super) terminal: u32,
    pub(super) terminal_group: i64,
    pub(super) flags: u64,
    pub(super) minor_faults: u64,
    pub(super) major_faults: u64,
    pub(super) cpu_ticks: u64,
    pub(super) priority: i64,
    pub(super) nice: i64,
    pub(super) threads: u64,
    pub(super) start_ticks: u64,
    pub(super) virtual_bytes: u64,
    pub(super) resident_pages: u64,
    pub(super) processor: i64,
}

/// What the host's clock and memory are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) now: Timestamp,
    pub(super) uptime_seconds: u64,
    pub(super) ticks_per_second: u64,
    pub(super) page_kib: u64,
    pub(super) memory_kib: u64,
}

impl Host {
    pub(super) fn read() -> io::Result<Self> {
        let uptime = fs::read_to_string("/proc/uptime")?;
        let memory = fs::read_to_string("/proc/meminfo")?;
        Ok(Self {
            now: Timestamp::now(),
            uptime_seconds: uptime.split('.').next().and_then(|text| text.parse().ok()).unwrap_or(0),
            ticks_per_second: rustix::param::clock_ticks_per_second().max(1),
            page_kib: (rustix::param::page_size() / 1024) as u64,
            memory_kib: field(&memory, "MemTotal:")
                .and_then(|text| text.parse().ok())
                .unwrap_or(1),
        })
    }

    /// For how long a process that started `start` ticks after the host has run.
    pub(super) fn elapsed_seconds(&self, start: u64) -> u64 {
        self.uptime_seconds.saturating_sub(start / self.ticks_per_second)
    }

    pub(super) fn started(&self, start: u64) -> Timestamp {
        let ago = i64::try_from(self.elapsed_seconds(start)).unwrap_or(0);
        Timestamp::from_unix(self.now.unix_seconds() - ago, 0)
    }
}

impl Process {
    pub(super) fn shown_command(&self) -> String {
        match self.stat.state {
            'Z' => format!("{} <defunct>", self.command),
            _ => self.command.clone(),
        }
    }

    /// The command line, or the command in brackets where there is none.
    pub(super) fn shown_arguments(&self) -> String {
        match (self.arguments.as_str(), self.stat.state) {
            ("", 'Z') => format!("[{}] <defunct>", self.command),
            ("", _) => format!("[{}]", self.command),
            (arguments, _) => arguments.to_owned(),
        }
    }

    /// The state with its flags, `Ss+`.
    pub(super) fn flags_of_state(&self) -> String {
        let stat = &self.stat;
        let mut text = stat.state.to_string();
        for (holds, letter) in [
            (stat.nice < 0, '<'),
            (stat.nice > 0, 'N'),
            (self.locked, 'L'),
            (stat.session == i64::from(self.pid), 's'),
            (stat.threads > 1, 'l'),
            (stat.terminal_group > 0 && stat.terminal_group == stat.group, '+'),
        ] {
            if holds {
                text.push(letter);
            }
        }
        text
    }
}

/// Reads a process; `None`: it has ended. What only some columns need is read for them alone.
pub(super) fn read(pid: u32, columns: &[Heading]) -> Option<Process> {
    let file = |name: &str| fs::read(format!("/proc/{pid}/{name}")).ok();
    let text = |name: &str| file(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let needs = |wanted: &[Column]| columns.iter().any(|heading| wanted.contains(&heading.column));
    let (command, stat) = parse_stat(&text("stat")?)?;
    let status = text("status")?;
    let identity = |name: &str, at: usize| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().nth(at)?.parse().ok()
    };
    let kib = |name: &str| field(&status, name).and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut process = Process {
        pid,
        command,
        arguments: file("cmdline").map(|bytes| shown(&bytes)).unwrap_or_default(),
        ruid: identity("Uid:", 0)?,
        euid: identity("Uid:", 1)?,
        egid: identity("Gid:", 1)?,
        locked: kib("VmLck:") > 0,
        text_kib: kib("VmExe:"),
        data_kib: kib("VmSize:").saturating_sub(kib("VmExe:")),
        stat,
        ..Process::default()
    };
    if needs(&[Column::WaitChannel]) {
        process.wait_channel = text("wchan").unwrap_or_default();
    }
    if needs(&[Column::Cgroup]) {
        let groups = text("cgroup").unwrap_or_default();
        process.cgroup = groups.lines().collect::<Vec<_>>().join(",");
    }
    Some(process)
}

/// Arguments as one line; what would break it is shown as `?`.
fn shown(arguments: &[u8]) -> String {
    let end = arguments.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    String::from_utf8_lossy(arguments.get(..end).unwrap_or_default())
        .chars()
        .map(|letter| match letter {
            '\0' => ' ',
            letter if letter.is_control() => '?',
            letter => letter,
        })
        .collect()
}

/// The first word behind `name` in a file of lines `name value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))?
        .split_ascii_whitespace()
        .next()
}

/// The command may hold blanks and brackets: it ends at the last bracket.
fn parse_stat(text: &str) -> Option<(String, Stat)> {
    let (_, rest) = text.split_once('(')?;
    let (command, rest) = rest.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Numbered as in the manual, where the state is the third.
    let at = |number: usize| fields.get(number - 3).copied();
    let signed = |number: usize| at(number).and_then(|text| text.parse::<i64>().ok());
    let unsigned = |number: usize| at(number).and_then(|text| text.parse::<u64>().ok());
    let stat = Stat {
        state: at(3)?.chars().next()?,
        parent: signed(4)?,
        group: signed(5)?,
        session: signed(6)?,
        terminal: signed(7)?.try_into().unwrap_or(0),
        terminal_group: signed(8)?,
        flags: unsigned(9)?,
        minor_faults: unsigned(10)?,
        major_faults: unsigned(12)?,
        cpu_ticks: unsigned(14)? + unsigned(15)?,
        priority: signed(18)?,
        nice: signed(19)?,
        threads: unsigned(20)?,
        start_ticks: unsigned(22)?,
        virtual_bytes: unsigned(23)?,
        resident_pages: unsigned(24)?,
        processor: signed(39).unwrap_or(0),
    };
    Some((command.to_owned(), stat))
}

/// The host's name of a user.
pub(super) fn user_name(uid: u32) -> Option<String> {
    name_in("/etc/passwd", uid)
}

/// The host's name of a group.
pub(super) fn group_name(gid: u32) -> Option<String> {
    name_in("/etc/group", gid)
}

fn name_in(path: &str, id: u32) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line() {
        let line = "24667 (sl) (eep) S 24644 24667 24667 34816 24667 4194560 111 0 3 0 1 2 0 0 20 0 1 0 168000 2322432 345 \
                    18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0";
        let (command, stat) = parse_stat(line).expect("valid");
        assert_eq!(command, "sl) (eep");
        assert_eq!(
            (
                stat.state,
                stat.parent,
                stat.cpu_ticks,
                stat.start_ticks,
                stat.resident_pages,
                stat.processor
            ),
            ('S', 24644, 3, 168_000, 345, 1)
        );
        assert_eq!(stat.terminal, 0x8800);
        let process = Process {
            pid: 24667,
            stat,
            ..Process::default()
        };
        assert_eq!(process.flags_of_state(), "Ss+");
        assert_eq!(parse_stat("1 (x"), None);
    }

    #[test]
    fn arguments_are_one_line() {
        assert_eq!(shown(b"sh\0-c\0a\nb\0"), "sh -c a?b");
        assert_eq!(shown(b""), "");
    }

    #[test]
    fn this_process_is_read() {
        let process = read(std::process::id(), &[]).expect("it runs");
        assert!(process.stat.virtual_bytes > 0 && !process.shown_arguments().is_empty());
        assert_eq!(read(u32::MAX, &[]), None);
    }
}
