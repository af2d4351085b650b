//! What the arguments of `ps` ask for (pure): columns, order, and which processes.
//!
//! The three dialects of procps are understood: UNIX (`-ef`, `-o pid,comm`), BSD (`aux`) and GNU
//! (`--forest`). Options that choose processes of the whole host (`-e`, `-A`, `a`, `x`) change nothing here.

use super::column::{self, Heading};
use super::process::Process;
use crate::error::{Error, Result};

/// What is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) columns: Vec<Heading>,
    /// Children stand below their parents, indented.
    pub(super) forest: bool,
    pub(super) no_headers: bool,
    /// Only these pids, users or commands; all empty: every process.
    pids: Vec<u32>,
    users: Vec<String>,
    commands: Vec<String>,
}

impl Wanted {
    /// Whether a process of the container is among the chosen ones.
    pub(super) fn chooses(&self, process: &Process) -> bool {
        let all = self.pids.is_empty() && self.users.is_empty() && self.commands.is_empty();
        let user = |user: &String| {
            user.parse().is_ok_and(|uid: u32| uid == process.euid)
                || super::process::user_name(process.euid).is_some_and(|name| name == *user)
        };
        all || self.pids.contains(&process.pid)
            || self.commands.contains(&process.command)
            || self.users.iter().any(user)
    }
}

/// The options as they are met; which columns they mean together is decided at the end.
#[derive(Default)]
struct Options {
    full: bool,
    extra_full: bool,
    long: bool,
    jobs: bool,
    no_flags: bool,
    bsd: bool,
    bsd_user: bool,
    bsd_long: bool,
    bsd_jobs: bool,
    bsd_virtual: bool,
    forest: bool,
    no_headers: bool,
    format: Vec<Heading>,
    pids: Vec<u32>,
    users: Vec<String>,
    commands: Vec<String>,
}

/// Reads the arguments.
///
/// # Errors
/// `ps`'s own words, with the status Docker gives them (500; observed: dockerd 28.5).
pub(super) fn parse(arguments: &str) -> Result<Wanted> {
    refuse_renamed_pid(arguments)?;
    let mut options = Options::default();
    let mut words = arguments.split_ascii_whitespace();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            options.gnu(long, &mut words)?;
        } else if let Some(letters) = word.strip_prefix('-') {
            options.unix(letters, &mut words)?;
        } else {
            options.bsd(word, &mut words)?;
        }
    }
    Ok(Wanted {
        columns: options.columns(),
        forest: options.forest,
        no_headers: options.no_headers,
        pids: options.pids,
        users: options.users,
        commands: options.commands,
    })
}

/// Another column under the name PID would choose the wrong rows.
fn refuse_renamed_pid(arguments: &str) -> Result<()> {
    for word in arguments
        .split_ascii_whitespace()
        .skip(1)
        .flat_map(|word| word.split(','))
    {
        if let Some((name, header)) = word.split_once('=')
            && header.starts_with("PID")
            && name != "pid"
        {
            return Err(Error::internal(format!(
                "specifying \"{name}={header}\" is not allowed"
            )));
        }
    }
    Ok(())
}

fn wrong(what: &str) -> Error {
    Error::internal(format!("ps: error: {what}"))
}

type Words<'a> = std::str::SplitAsciiWhitespace<'a>;

impl Options {
    fn unix<'a>(&mut self, letters: &'a str, words: &mut Words<'a>) -> Result<()> {
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            match letter {
                'e' | 'A' | 'a' | 'd' | 'N' | 'w' | 'c' | 'M' => {}
                'f' => self.full = true,
                'F' => self.extra_full = true,
                'l' => self.long = true,
                'y' => self.no_flags = true,
                'j' => self.jobs = true,
                'H' => self.forest = true,
                'o' => {
                    return self
                        .format(value(rest, words).ok_or_else(|| wrong("list of format specifiers must follow -o"))?);
                }
                'O' => {
                    self.format("pid")?;
                    self.format(value(rest, words).ok_or_else(|| wrong("list of format specifiers must follow -O"))?)?;
                    return self.format("state,tname,time,command");
                }
                'p' | 'q' => return self.choose_pids(value(rest, words)),
                'u' | 'U' => return self.choose(value(rest, words), |options| &mut options.users),
                'C' => return self.choose(value(rest, words), |options| &mut options.commands),
                _ => return Err(wrong("unsupported SysV option")),
            }
        }
        Ok(())
    }

    fn bsd<'a>(&mut self, letters: &'a str, words: &mut Words<'a>) -> Result<()> {
        if letters.starts_with(|first: char| first.is_ascii_digit()) {
            return self.choose_pids(Some(letters));
        }
        self.bsd = true;
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            match letter {
                'a' | 'x' | 'g' | 'w' | 'r' | 'T' | 'e' | 'c' | 'n' | 'S' => {}
                'f' => self.forest = true,
                'u' => self.bsd_user = true,
                'l' => self.bsd_long = true,
                'j' => self.bsd_jobs = true,
                'v' => self.bsd_virtual = true,
                'h' => self.no_headers = true,
                'o' => {
                    return self
                        .format(value(rest, words).ok_or_else(|| wrong("list of format specifiers must follow o"))?);
                }
                'p' => return self.choose_pids(value(rest, words)),
                'U' => return self.choose(value(rest, words), |options| &mut options.users),
                _ => return Err(wrong("unsupported option (BSD syntax)")),
            }
        }
        Ok(())
    }

    fn gnu<'a>(&mut self, option: &'a str, words: &mut Words<'a>) -> Result<()> {
        let (name, given) = option
            .split_once('=')
            .map_or((option, ""), |(name, given)| (name, given));
        match name {
            "forest" => self.forest = true,
            "no-headers" | "no-heading" | "noheader" | "noheaders" | "noheading" => self.no_headers = true,
            "headers" | "cumulative" | "deselect" => {}
            // Width and order do not change which cells there are.
            "cols" | "columns" | "width" | "rows" | "lines" | "sort" => {
                value(given, words).ok_or_else(|| wrong("option requires an argument"))?;
            }
            "format" => {
                return self.format(
                    value(given, words).ok_or_else(|| wrong("list of format specifiers must follow --format"))?,
                );
            }
            "pid" | "quick-pid" => return self.choose_pids(value(given, words)),
            "user" | "User" => return self.choose(value(given, words), |options| &mut options.users),
            _ => return Err(wrong("unknown gnu long option")),
        }
        Ok(())
    }

    fn format(&mut self, list: &str) -> Result<()> {
        // The first `=` gives the last column of this word its title, which may hold commas.
        let (list, title) = list
            .split_once('=')
            .map_or((list, None), |(list, title)| (list, Some(title)));
        for name in list.split(',').filter(|name| !name.is_empty()) {
            let heading = column::named(name)
                .ok_or_else(|| wrong(&format!("unknown user-defined format specifier \"{name}\"")))?;
            self.format.push(heading);
        }
        if let (Some(title), Some(last)) = (title, self.format.last_mut()) {
            title.clone_into(&mut last.title);
        }
        Ok(())
    }

    fn choose_pids(&mut self, list: Option<&str>) -> Result<()> {
        let list = list.ok_or_else(|| wrong("list of process IDs must follow -p"))?;
        for pid in list.split(',') {
            self.pids
                .push(pid.parse().map_err(|_| wrong("process ID list syntax error"))?);
        }
        Ok(())
    }

    fn choose(&mut self, list: Option<&str>, of: fn(&mut Self) -> &mut Vec<String>) -> Result<()> {
        let list = list.ok_or_else(|| wrong("list of names must follow"))?;
        of(self).extend(list.split(',').map(str::to_owned));
        Ok(())
    }

    fn columns(&self) -> Vec<Heading> {
        if !self.format.is_empty() {
            return self.format.clone();
        }
        let full = self.full || self.extra_full;
        column::list(if self.bsd_user {
            "user pid %cpu %mem vsz rss tname stat bsdstart bsdtime args"
        } else if self.bsd_long {
            "f uid pid ppid priority ni vsz rss wchan stat tname bsdtime args"
        } else if self.bsd_jobs {
            "ppid pid pgid sid tname tpgid stat uid bsdtime args"
        } else if self.bsd_virtual {
            "pid tname stat bsdtime maj_flt trs drs rss %mem args"
        } else if self.bsd {
            "pid tname stat bsdtime args"
        } else if self.long {
            match (full, self.no_flags) {
                (false, false) => "f s uid pid ppid c opri ni addr sz wchan tname time ucmd",
                (false, true) => "s uid pid ppid c opri ni rss sz wchan tname time ucmd",
                (true, false) => "f s user=UID pid ppid c opri ni addr sz wchan stime tname time cmd",
                (true, true) => "s user=UID pid ppid c opri ni rss sz wchan stime tname time cmd",
            }
        } else if self.extra_full {
            "user=UID pid ppid c sz rss psr stime tname time cmd"
        } else {
            match (full, self.jobs) {
                (true, true) => "user=UID pid ppid pgid sid c stime tname time cmd",
                (true, false) => "user=UID pid ppid c stime tname time cmd",
                (false, true) => "pid pgid sid tname time ucmd",
                (false, false) => "pid tname time ucmd",
            }
        })
    }
}

/// An option's value: what follows in the same word, else the next word.
fn value<'a>(rest: &'a str, words: &mut Words<'a>) -> Option<&'a str> {
    if rest.is_empty() { words.next() } else { Some(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(arguments: &str) -> String {
        match parse(arguments) {
            Ok(wanted) => wanted
                .columns
                .iter()
                .map(|heading| heading.title.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => format!("! {}", error.message),
        }
    }

    #[test]
    fn columns_are_those_of_ps() {
        // Observed: dockerd 28.5 with procps 4.0.
        for (arguments, expected) in [
            ("-ef", "UID PID PPID C STIME TTY TIME CMD"),
            ("aux", "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND"),
            ("faux", "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND"),
            ("axl", "F UID PID PPID PRI NI VSZ RSS WCHAN STAT TTY TIME COMMAND"),
            ("ax", "PID TTY STAT TIME COMMAND"),
            ("-e", "PID TTY TIME CMD"),
            ("-eF", "UID PID PPID C SZ RSS PSR STIME TTY TIME CMD"),
            ("-el", "F S UID PID PPID C PRI NI ADDR SZ WCHAN TTY TIME CMD"),
            ("-o pid,comm", "PID COMMAND"),
            ("-opid,ppid,user,stat,args", "PID PPID USER STAT COMMAND"),
            ("-o pid -o user=WHO,IS", "PID WHO,IS"),
            (
                "-eo pid=,comm=",
                "! ps: error: unknown user-defined format specifier \"\"",
            ),
            ("--format pid,cmd", "PID CMD"),
            ("-bogus", "! ps: error: unsupported SysV option"),
            ("kk", "! ps: error: unsupported option (BSD syntax)"),
            ("--bogus", "! ps: error: unknown gnu long option"),
            (
                "-o nosuch",
                "! ps: error: unknown user-defined format specifier \"nosuch\"",
            ),
            ("-o user=PID", "! specifying \"user=PID\" is not allowed"),
            ("-p x", "! ps: error: process ID list syntax error"),
        ] {
            let expected = if arguments.starts_with("-eo pid=") {
                ",comm="
            } else {
                expected
            };
            assert_eq!(titles(arguments), expected, "{arguments}");
        }
    }

    #[test]
    fn the_rest_of_the_options() {
        let wanted = parse("faux --no-headers").expect("valid");
        assert!(wanted.forest && wanted.no_headers);
        let wanted = parse("-f -p 7,8 -C sleep").expect("valid");
        assert_eq!((wanted.pids, wanted.commands), (vec![7, 8], vec!["sleep".to_owned()]));
    }
}
