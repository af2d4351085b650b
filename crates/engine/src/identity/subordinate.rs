//! `--userns-remap`: whose subordinate ids containers get. Reads `/etc/passwd`, `/etc/group`, `/etc/subuid` and
//! `/etc/subgid`; for `default` makes the user `dockremap` with them, as Docker does, where it is missing.

use std::fs;
use std::io::Write;
use std::process::Command;

use super::{IdRange, Mapping};

/// Docker's user for `default`.
const DEFAULT_USER: &str = "dockremap";
/// What it gets where it has nothing: as many ids as useradd(8) gives, from where it begins.
const DEFAULT_FIRST: u32 = 100_000;
const DEFAULT_COUNT: u32 = 65_536;

/// The remapping of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remap {
    /// The subdirectory of the data root that belongs to it, `100000.100000`.
    pub(crate) directory: String,
    pub(crate) mapping: Mapping,
}

/// What `--userns-remap=<wanted>` means on this host; `None`: remapping is off.
pub(crate) fn resolve(wanted: &str) -> Result<Option<Remap>, String> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let wanted = if wanted == "default" {
        make_default_user()?;
        DEFAULT_USER
    } else {
        wanted
    };
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let files = Files {
        passwd: read("/etc/passwd"),
        group: read("/etc/group"),
        subuid: read("/etc/subuid"),
        subgid: read("/etc/subgid"),
    };
    decide(wanted, &files)
}

/// The files that say who is who.
struct Files {
    passwd: String,
    group: String,
    subuid: String,
    subgid: String,
}

fn decide(wanted: &str, files: &Files) -> Result<Option<Remap>, String> {
    let mut parts = wanted.split(':');
    let (user, group, more) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    if more.is_some() || user.is_empty() || group == Some("") {
        return Err(format!(
            "invalid user/group specification in --userns-remap: {wanted:?}"
        ));
    }
    let user_name = name_in(&files.passwd, user).ok_or_else(|| match user.parse::<u32>() {
        Ok(uid) => format!("uid {uid} has no entry in /etc/passwd"),
        Err(_) => format!("error during uid lookup for {user:?}: no matching entries in passwd file"),
    })?;
    let group = group.unwrap_or(user);
    let group_name = name_in(&files.group, group).ok_or_else(|| match group.parse::<u32>() {
        Ok(gid) => format!("gid {gid} has no entry in /etc/group"),
        Err(_) => format!("error during gid lookup for {group:?}: no matching entries in group file"),
    })?;
    if user_name == "root" {
        return Ok(None);
    }
    let uids = ranges(&files.subuid, &user_name, user).ok_or_else(|| none("uid", &user_name))?;
    // A group's ranges are those of its name, or of the user's.
    let gids = ranges(&files.subgid, &group_name, group)
        .or_else(|| ranges(&files.subgid, &user_name, user))
        .ok_or_else(|| none("gid", &group_name))?;
    let mapping = Mapping { uids, gids, own: false };
    let (uid, gid) = mapping.root();
    Ok(Some(Remap {
        directory: format!("{uid}.{gid}"),
        mapping,
    }))
}

fn none(what: &str, name: &str) -> String {
    format!("no sub{what} ranges found for user {name:?}: add a line `{name}:100000:65536` to /etc/sub{what}")
}

/// The name of an entry of passwd(5) or group(5), by its name or number.
fn name_in(file: &str, wanted: &str) -> Option<String> {
    let mut entries = file.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let number = wanted.parse::<u32>().is_ok();
    let entry = entries.find(|fields| match number {
        true => fields.get(2) == Some(&wanted),
        false => fields.first() == Some(&wanted),
    })?;
    entry.first().map(|&name| name.to_owned())
}

/// The ranges of subuid(5), one after the other from id 0 on.
fn ranges(file: &str, name: &str, number: &str) -> Option<Vec<IdRange>> {
    let mut found = Vec::new();
    let mut inside = 0_u32;
    for line in file.lines() {
        let fields: Vec<&str> = line.trim().split(':').collect();
        let [owner, first, count] = fields.as_slice() else {
            continue;
        };
        if *owner != name && *owner != number {
            continue;
        }
        let (Ok(host), Ok(count)) = (first.parse::<u32>(), count.parse::<u32>()) else {
            continue;
        };
        if count == 0 || host == 0 || host.checked_add(count).is_none() {
            continue;
        }
        found.push(IdRange { inside, host, count });
        inside = inside.checked_add(count)?;
    }
    (!found.is_empty()).then_some(found)
}

/// Makes user, group and ranges of `default`, each only where it is missing.
fn make_default_user() -> Result<(), String> {
    let failed = |step: &str, why: &dyn std::fmt::Display| format!("make the user {DEFAULT_USER}: {step}: {why}");
    let passwd = fs::read_to_string("/etc/passwd").map_err(|error| failed("read /etc/passwd", &error))?;
    if name_in(&passwd, DEFAULT_USER).is_none() {
        let arguments = [
            "--system",
            "--no-create-home",
            "--user-group",
            "--shell",
            "/bin/false",
            DEFAULT_USER,
        ];
        let made = Command::new("useradd").args(arguments).output();
        let made = made.map_err(|error| failed("useradd", &error))?;
        if !made.status.success() {
            return Err(failed("useradd", &String::from_utf8_lossy(&made.stderr).trim()));
        }
    }
    for path in ["/etc/subuid", "/etc/subgid"] {
        let text = fs::read_to_string(path).unwrap_or_default();
        if ranges(&text, DEFAULT_USER, DEFAULT_USER).is_none() {
            let line = format!("{DEFAULT_USER}:{}:{DEFAULT_COUNT}\n", first_free(&text));
            let file = fs::OpenOptions::new().append(true).create(true).open(path);
            let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
            written.map_err(|error| failed(path, &error))?;
        }
    }
    Ok(())
}

/// The first id that no line reaches.
fn first_free(file: &str) -> u32 {
    let end = |line: &str| {
        let mut fields = line.trim().split(':').skip(1).map(str::parse::<u32>);
        match (fields.next(), fields.next()) {
            (Some(Ok(first)), Some(Ok(count))) => first.checked_add(count),
            _ => None,
        }
    };
    file.lines()
        .filter_map(end)
        .max()
        .map_or(DEFAULT_FIRST, |end| end.max(DEFAULT_FIRST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        Files {
            passwd: "root:x:0:0::/:/\nweb:x:33:34::/:/\nlone:x:40:41::/:/\n".into(),
            group: "root:x:0:\nwebs:x:34:\nweb:x:33:\nlone:x:41:\n".into(),
            subuid: "web:200000:1000\nweb:300000:10\n".into(),
            subgid: "webs:500000:65536\nweb:400000:65536\n".into(),
        }
    }

    #[test]
    fn forms() {
        let directory = |wanted: &str| decide(wanted, &files()).map(|remap| remap.map(|remap| remap.directory));
        let table = [
            ("web", "200000.400000"),
            ("web:webs", "200000.500000"),
            ("33", "200000.400000"),
            ("33:34", "200000.500000"),
        ];
        for (wanted, want) in table {
            assert_eq!(directory(wanted), Ok(Some(want.to_owned())), "{wanted}");
        }
        assert_eq!(directory("root"), Ok(None));
        let remap = decide("web", &files()).unwrap().unwrap();
        assert_eq!(remap.mapping.uid(1000), Some(300_000));
    }

    #[test]
    fn refusals() {
        let table = [
            ("a:b:c", "invalid user/group specification in --userns-remap: \"a:b:c\""),
            ("nobody", "error during uid lookup for \"nobody\""),
            ("99", "uid 99 has no entry in /etc/passwd"),
            ("web:99", "gid 99 has no entry in /etc/group"),
            ("lone", "no subuid ranges found for user \"lone\""),
        ];
        for (wanted, want) in table {
            let error = decide(wanted, &files()).unwrap_err();
            assert!(error.starts_with(want), "{wanted}: {error}");
        }
    }

    #[test]
    fn what_others_have_is_left_to_them() {
        assert_eq!(first_free(""), 100_000);
        assert_eq!(first_free("a:100000:65536\nb:165536:65536\n"), 231_072);
        assert_eq!(first_free("a:5:6\nbroken\n"), 100_000);
    }
}
