//! Options of the local driver (pure): `type`, `device` and `o`, as mount(8) means them.

use std::collections::BTreeMap;
use std::net::ToSocketAddrs as _;

use rustix::mount::{MountFlags, MountPropagationFlags};

use crate::error::{Error, Result};

/// What is mounted at the mount point of a volume with options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalMount {
    /// The kernel's name of the file system; empty or `none` for a bind.
    pub(super) kind: String,
    /// Device, directory or `host:/path`.
    pub(super) device: String,
    /// It shows a directory of the host: alone, or with what is mounted below.
    pub(super) bind: Option<Bind>,
    /// Flags of the mount.
    pub(super) flags: MountFlags,
    /// How mount events travel.
    pub(super) propagation: Option<MountPropagationFlags>,
    /// All other words of `o`, for the file system.
    pub(super) data: String,
}

/// The kinds of binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bind {
    /// A directory alone.
    One,
    /// With everything mounted below it.
    Recursive,
}

const OPTIONS: [&str; 4] = ["device", "o", "size", "type"];

/// Words of `o` that are flags, and whether each sets or clears.
const FLAGS: [(&str, MountFlags, bool); 18] = [
    ("ro", MountFlags::RDONLY, true),
    ("rw", MountFlags::RDONLY, false),
    ("nosuid", MountFlags::NOSUID, true),
    ("suid", MountFlags::NOSUID, false),
    ("nodev", MountFlags::NODEV, true),
    ("dev", MountFlags::NODEV, false),
    ("noexec", MountFlags::NOEXEC, true),
    ("exec", MountFlags::NOEXEC, false),
    ("sync", MountFlags::SYNCHRONOUS, true),
    ("async", MountFlags::SYNCHRONOUS, false),
    ("dirsync", MountFlags::DIRSYNC, true),
    ("noatime", MountFlags::NOATIME, true),
    ("atime", MountFlags::NOATIME, false),
    ("nodiratime", MountFlags::NODIRATIME, true),
    ("diratime", MountFlags::NODIRATIME, false),
    ("relatime", MountFlags::RELATIME, true),
    ("norelatime", MountFlags::RELATIME, false),
    ("strictatime", MountFlags::STRICTATIME, true),
];

impl LocalMount {
    /// What the options mean; `None`: there are none, the volume is a directory. In Docker's words.
    pub(super) fn parse(options: &BTreeMap<String, String>) -> Result<Option<Self>> {
        let given = |key: &str| options.get(key).map(String::as_str).filter(|value| !value.is_empty());
        if let Some(unknown) = options.keys().find(|key| !OPTIONS.contains(&key.as_str())) {
            return Err(Error::invalid(format!("invalid option: \"{unknown}\"")));
        }
        for (key, needed) in [("type", "device"), ("device", "type"), ("o", "device"), ("o", "type")] {
            if options.contains_key(key) && given(needed).is_none() {
                return Err(Error::invalid(format!("missing required option: \"{needed}\"")));
            }
        }
        if given("size").is_some() {
            return Err(Error::invalid("quota size requested but no quota support"));
        }
        let (Some(kind), Some(device)) = (given("type"), given("device")) else {
            return Ok(None);
        };
        let mut mount = Self {
            kind: kind.to_owned(),
            device: device.to_owned(),
            bind: None,
            flags: MountFlags::empty(),
            propagation: None,
            data: String::new(),
        };
        for word in given("o")
            .unwrap_or_default()
            .split(',')
            .filter(|word| !word.is_empty())
        {
            mount.add(word);
        }
        Ok(Some(mount))
    }

    fn add(&mut self, word: &str) {
        if let Some((_, flag, set)) = FLAGS.iter().find(|(name, ..)| *name == word) {
            self.flags.set(*flag, *set);
            return;
        }
        match word {
            "defaults" => {}
            "bind" => self.bind = Some(Bind::One),
            "rbind" => self.bind = Some(Bind::Recursive),
            word => match propagation(word) {
                Some(flags) => self.propagation = Some(flags),
                None => {
                    let comma = if self.data.is_empty() { "" } else { "," };
                    self.data = format!("{}{comma}{word}", self.data);
                }
            },
        }
    }

    /// The file system's words with the host name in `addr=` as the address that the kernel wants.
    pub(super) fn data_with_addresses(&self) -> Result<String> {
        if !self.kind.starts_with("nfs") && self.kind != "cifs" {
            return Ok(self.data.clone());
        }
        let words: Result<Vec<String>> = self.data.split(',').map(with_address).collect();
        Ok(words?.join(","))
    }
}

fn with_address(word: &str) -> Result<String> {
    let Some(host) = word.strip_prefix("addr=").filter(|host| !host.is_empty()) else {
        return Ok(word.to_owned());
    };
    let unknown = |error| {
        Error::caused(
            format!("error resolving passed in network volume address {host}"),
            error,
        )
    };
    let mut found = (host, 0).to_socket_addrs().map_err(unknown)?;
    let address = found.next().map(|address| address.ip());
    Ok(address.map_or_else(|| word.to_owned(), |address| format!("addr={address}")))
}

fn propagation(word: &str) -> Option<MountPropagationFlags> {
    let (name, recursive) = match word {
        "rprivate" | "rshared" | "rslave" | "runbindable" => (&word[1..], MountPropagationFlags::REC),
        word => (word, MountPropagationFlags::empty()),
    };
    let flag = match name {
        "private" => MountPropagationFlags::PRIVATE,
        "shared" => MountPropagationFlags::SHARED,
        "slave" => MountPropagationFlags::DOWNSTREAM,
        "unbindable" => MountPropagationFlags::UNBINDABLE,
        _ => return None,
    };
    Some(flag | recursive)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[(&str, &str)]) -> Result<Option<LocalMount>> {
        let owned = options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        LocalMount::parse(&owned.collect())
    }

    #[test]
    fn words_become_flags_and_the_rest_is_the_file_systems() {
        let mount = parse(&[
            ("type", "tmpfs"),
            ("device", "tmpfs"),
            ("o", "size=1m,ro,uid=1000,nodev,rw,rslave"),
        ]);
        let mount = mount.unwrap().unwrap();
        assert_eq!(mount.flags, MountFlags::NODEV);
        assert_eq!(mount.data, "size=1m,uid=1000");
        assert_eq!(mount.bind, None);
        assert_eq!(
            mount.propagation,
            Some(MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
        );
        let bind = parse(&[("type", "none"), ("device", "/srv"), ("o", "rbind")])
            .unwrap()
            .unwrap();
        assert_eq!((bind.bind, bind.data.as_str()), (Some(Bind::Recursive), ""));
        assert_eq!(parse(&[]).unwrap(), None);
        assert_eq!(
            parse(&[("type", ""), ("device", "")]).map_err(|e| e.message),
            Err("missing required option: \"device\"".to_owned())
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_dockers_words() {
        let cases: [(&[(&str, &str)], &str); 5] = [
            (&[("foo", "bar")], "invalid option: \"foo\""),
            (&[("type", "tmpfs")], "missing required option: \"device\""),
            (&[("device", "tmpfs")], "missing required option: \"type\""),
            (&[("o", "size=1m")], "missing required option: \"device\""),
            (&[("size", "10m")], "quota size requested but no quota support"),
        ];
        for (options, want) in cases {
            assert_eq!(parse(options).unwrap_err().message, want);
        }
    }

    #[test]
    fn addresses_of_file_servers_are_looked_up() {
        let mount = parse(&[("type", "nfs4"), ("device", ":/export"), ("o", "addr=127.0.0.1,soft")]);
        assert_eq!(
            mount.unwrap().unwrap().data_with_addresses().unwrap(),
            "addr=127.0.0.1,soft"
        );
    }
}
