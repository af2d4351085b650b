//! Candidates for arguments, by the words of a command's usage, and for the values of options, by their names.

use super::{Candidates, live, name_of};
use crate::config::Globals;
use crate::flag::{Flag, Kind};
use crate::verb::Verb;

/// Options whose value is one of a few words.
const WORDS: [(&str, &[&str]); 18] = [
    ("cgroupns", &["host", "private"]),
    ("format", &["json", "table"]),
    ("gpus", &["all"]),
    ("ipc", &["host", "none", "private", "shareable", "container:"]),
    ("log-driver", &["json-file", "local", "none", "syslog", "journald"]),
    ("log-level", &["debug", "info", "warn", "error", "fatal"]),
    ("pid", &["host", "container:"]),
    ("progress", &["auto", "plain", "tty", "quiet"]),
    ("pull", &["always", "missing", "never"]),
    ("restart", &["always", "no", "on-failure", "unless-stopped"]),
    ("scope", &["local", "swarm"]),
    (
        "security-opt",
        &[
            "apparmor=",
            "label=",
            "no-new-privileges",
            "seccomp=",
            "systempaths=unconfined",
        ],
    ),
    ("signal", SIGNALS),
    ("stop-signal", SIGNALS),
    (
        "type",
        &[
            "config",
            "container",
            "image",
            "network",
            "node",
            "plugin",
            "secret",
            "service",
            "task",
            "volume",
        ],
    ),
    (
        "ulimit",
        &["core=", "cpu=", "fsize=", "memlock=", "nofile=", "nproc=", "stack="],
    ),
    ("userns", &["host"]),
    ("uts", &["host"]),
];

const SIGNALS: &[&str] = &[
    "SIGABRT", "SIGALRM", "SIGCONT", "SIGHUP", "SIGINT", "SIGKILL", "SIGQUIT", "SIGSTOP", "SIGTERM", "SIGTSTP",
    "SIGUSR1", "SIGUSR2", "SIGWINCH",
];

/// Options whose value is a file.
const FILES: [&str; 12] = [
    "cidfile",
    "env-file",
    "file",
    "iidfile",
    "input",
    "label-file",
    "metadata-file",
    "output",
    "tlscacert",
    "tlscert",
    "tlskey",
    "volume",
];

const PLATFORMS: [&str; 6] = [
    "linux/386",
    "linux/amd64",
    "linux/arm/v7",
    "linux/arm64",
    "linux/ppc64le",
    "linux/s390x",
];

/// The value of `flag`.
pub(super) fn of_flag(
    program: &str,
    globals: &Globals,
    verb: Option<&'static Verb>,
    flag: &'static Flag,
    current: &str,
) -> Candidates {
    let names = |kind| live::names(program, globals, kind);
    let is_signal = verb.is_none_or(|verb| verb.arguments_are("CONTAINER") || verb.arguments_are("IMAGE"));
    match flag.name {
        "config" | "workdir" => Candidates::directories(),
        "context" => live::contexts(globals),
        "network" if matches!(flag.kind, Kind::Network) => {
            let mut networks = names(live::Kind::Networks);
            networks.words.push(("container:".to_owned(), String::new()));
            networks
        }
        "volumes-from" | "link" => names(live::Kind::Containers(live::State::Any)),
        "env" => {
            Candidates::plain(std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned())).without_space()
        }
        "platform" => Candidates::plain(PLATFORMS),
        "from" => live::contexts(globals),
        "pid" | "ipc" if current.starts_with("container:") => {
            let mut containers = names(live::Kind::Containers(live::State::Running));
            for (name, _) in &mut containers.words {
                name.insert_str(0, "container:");
            }
            containers
        }
        "signal" if !is_signal => Candidates::plain([""; 0]),
        name if FILES.contains(&name) => Candidates::files(),
        name => match WORDS.iter().find(|(known, _)| *known == name) {
            Some((_, words)) => {
                let found = Candidates::plain(words.iter().copied());
                let unfinished = words
                    .iter()
                    .any(|word| word.ends_with(['=', ':']) && word.starts_with(current));
                if unfinished { found.without_space() } else { found }
            }
            None => Candidates::plain([""; 0]),
        },
    }
}

/// The argument behind those in `given`. A name that stands there already is not offered again.
pub(super) fn of_argument(
    program: &str,
    globals: &Globals,
    verb: &'static Verb,
    given: &[String],
    forced: bool,
    current: &str,
) -> Candidates {
    let names = |kind| live::names(program, globals, kind);
    let word = argument_word(verb.usage, given.len());
    let mut found = match word.as_str() {
        "CONTAINER" | "CONTAINER|" => names(live::Kind::Containers(state(name_of(verb), forced))),
        "IMAGE" | "SOURCE_IMAGE[:TAG]" | "TARGET_IMAGE[:TAG]" | "NAME[:TAG|@DIGEST]" | "NAME[:TAG]" => {
            names(live::Kind::Images)
        }
        "NETWORK" => names(live::Kind::Networks),
        "VOLUME" if name_of(verb) != "create" => names(live::Kind::Volumes),
        "CONTEXT" if !["create", "import"].contains(&name_of(verb)) => live::contexts(globals),
        "NAME|ID" => names(live::Kind::Everything),
        "bash|zsh|fish" => Candidates::plain(super::SHELLS),
        "CONTAINER:SRC_PATH" => copied(names(live::Kind::Containers(live::State::Any)), current),
        "VOLUME:SRC_PATH" => copied(names(live::Kind::Volumes), current),
        "DEST_PATH|-" if verb.arguments_are("VOLUME:SRC_PATH") => copied(names(live::Kind::Volumes), current),
        "DEST_PATH|-" => copied(names(live::Kind::Containers(live::State::Any)), current),
        "FILE|-" | "file|URL|-" | "COMMAND" | "ARG" | "DIRECTORY" | "PATH" => Candidates::files(),
        _ => Candidates::plain([""; 0]),
    };
    found.words.retain(|(name, _)| !given.contains(name));
    found
}

/// A container or volume and a colon, or a file.
fn copied(owners: Candidates, current: &str) -> Candidates {
    if current.starts_with(['/', '.', '~']) || current.contains(':') {
        return Candidates::files();
    }
    let words = owners.words.into_iter();
    Candidates {
        words: words.map(|(name, about)| (name + ":", about)).collect(),
        directive: super::NO_SPACE,
    }
}

/// Which containers a command can do something with.
fn state(verb: &str, forced: bool) -> live::State {
    match verb {
        "attach" | "exec" | "kill" | "pause" | "stop" | "top" | "stats" | "port" => live::State::Running,
        "unpause" => live::State::Paused,
        "start" => live::State::Stopped,
        "rm" if !forced => live::State::Stopped,
        _ => live::State::Any,
    }
}

/// The word of `usage` for the argument at `index`: `CONTAINER` of `[OPTIONS] CONTAINER [CONTAINER...]`.
fn argument_word(usage: &str, index: usize) -> String {
    let words: Vec<&str> = usage.split_whitespace().filter(|word| *word != "[OPTIONS]").collect();
    let repeats = words.last().is_some_and(|word| word.ends_with("...]"));
    let word = match words.get(index) {
        Some(word) => word,
        None if repeats => words.last().copied().unwrap_or_default(),
        None => return String::new(),
    };
    let bare = match word.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').unwrap_or(rest),
        None => word,
    };
    bare.trim_end_matches("...").to_owned()
}

impl Verb {
    fn arguments_are(&self, word: &str) -> bool {
        argument_word(self.usage, 0) == word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_usage_lines() {
        for (usage, index, word) in [
            ("[OPTIONS] CONTAINER [CONTAINER...]", 0, "CONTAINER"),
            ("[OPTIONS] CONTAINER [CONTAINER...]", 5, "CONTAINER"),
            ("[OPTIONS] IMAGE [COMMAND] [ARG...]", 1, "COMMAND"),
            ("[OPTIONS] IMAGE [COMMAND] [ARG...]", 7, "ARG"),
            ("SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", 0, "SOURCE_IMAGE[:TAG]"),
            ("[OPTIONS] NETWORK CONTAINER", 1, "CONTAINER"),
            ("[OPTIONS] [VOLUME]", 0, "VOLUME"),
            ("[OPTIONS]", 0, ""),
            ("CONTEXT FILE|-", 1, "FILE|-"),
        ] {
            assert_eq!(argument_word(usage, index), word, "{usage} {index}");
        }
    }
}
