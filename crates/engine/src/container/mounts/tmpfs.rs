//! Memory: `--tmpfs`, and `--mount type=tmpfs` (pure).

use corten_api::container::Mount;

use super::{MountKind, MountSpec, clean};
use crate::error::{Error, Result};

const TMPFS_DEFAULTS: [&str; 3] = ["noexec", "nosuid", "nodev"];

pub(super) fn short_form(destination: &str, options: &str) -> Result<MountSpec> {
    if !destination.starts_with('/') {
        let path = format!("invalid mount path: '{destination}' mount path must be absolute");
        return Err(Error::invalid(path));
    }
    let destination = clean(destination);
    if destination == "/" {
        return Err(Error::invalid(
            "invalid mount config for type \"tmpfs\": invalid specification: destination can't be '/'",
        ));
    }
    let mut words: Vec<String> = TMPFS_DEFAULTS.iter().map(|word| (*word).to_owned()).collect();
    for word in options.split(',').filter(|_| !options.is_empty()) {
        replace(&mut words, word);
    }
    Ok(MountSpec {
        kind: MountKind::Tmpfs,
        destination,
        readonly: words.iter().any(|word| word == "ro"),
        mode: options.to_owned(),
        options: words,
        ..MountSpec::default()
    })
}

/// What the user says replaces the default that it contradicts.
fn replace(words: &mut Vec<String>, word: &str) {
    let opposite = word
        .strip_prefix("no")
        .map_or_else(|| format!("no{word}"), str::to_owned);
    words.retain(|other| *other != opposite && other != word);
    words.push(word.to_owned());
}

pub(super) fn options(mount: &Mount, spec: &mut MountSpec, wrong: &dyn Fn(&str) -> Error) -> Result<()> {
    spec.kind = MountKind::Tmpfs;
    if !mount.source.is_empty() {
        return Err(wrong("field Source must not be specified"));
    }
    spec.options = TMPFS_DEFAULTS.iter().map(|word| (*word).to_owned()).collect();
    if let Some(options) = &mount.tmpfs_options {
        if options.size_bytes < 0 {
            return Err(wrong("size must be a positive number"));
        }
        if options.size_bytes > 0 {
            spec.options.push(format!("size={}", options.size_bytes));
        }
        if options.mode > 0 {
            spec.options.push(format!("mode={:o}", options.mode));
        }
        for words in &options.options {
            match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [word @ ("exec" | "noexec")] => replace(&mut spec.options, word),
                // Sic: found wrong by the start.
                [word @ ("exec" | "noexec"), value] => spec.options.push(format!("{word}={value}")),
                [word] | [word, _] => return Err(wrong(&format!("invalid option: {word}"))),
                _ => return Err(wrong("invalid option array length")),
            }
        }
    }
    Ok(())
}

/// Words that are mount flags, and keys of the filesystem's parameters (observed: dockerd 28.5).
const FLAGS: [&str; 33] = [
    "defaults",
    "ro",
    "rw",
    "suid",
    "nosuid",
    "dev",
    "nodev",
    "exec",
    "noexec",
    "sync",
    "async",
    "dirsync",
    "remount",
    "mand",
    "nomand",
    "atime",
    "noatime",
    "diratime",
    "nodiratime",
    "bind",
    "rbind",
    "unbindable",
    "runbindable",
    "private",
    "rprivate",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
];
const KEYS: [&str; 7] = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"];

/// Refuses words that a tmpfs does not have. A container with them is created all the same (observed: dockerd 28.5).
pub(crate) fn check(words: &[String]) -> Result<()> {
    let known = |word: &str| match word.split_once('=') {
        Some((key, _)) => KEYS.contains(&key),
        None => FLAGS.contains(&word),
    };
    match words.iter().find(|word| !known(word)) {
        Some(word) => {
            let key = word.split('=').next().unwrap_or_default();
            Err(Error::internal(format!("invalid tmpfs option \"{key}\"")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_replace_defaults() {
        assert_eq!(
            short_form("/t", "exec,size=1m").unwrap().options,
            ["nosuid", "nodev", "exec", "size=1m"]
        );
        assert_eq!(short_form("/t", "").unwrap().options, TMPFS_DEFAULTS);
    }

    #[test]
    fn unknown_words() {
        let check = |text: &str| check(&[text.to_owned()]).map_err(|error| error.message);
        assert_eq!(check("bogus"), Err("invalid tmpfs option \"bogus\"".to_owned()));
        assert!(check("bogus=1").is_err());
        assert!(check("size").is_err());
        for known in ["ro", "size=1m", "mode=700", "noexec"] {
            assert_eq!(check(known), Ok(()), "{known}");
        }
    }
}
