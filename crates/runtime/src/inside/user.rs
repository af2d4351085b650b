//! Docker's `USER` against the container's own `/etc/passwd` and `/etc/group`.
//!
//! The files come from the image and are read by a process that is already confined to the
//! container's root; a file that is missing has no entries.

use std::fs::File;
use std::io::Read;

use rustix::fs::{Mode, OFlags, open};

use crate::failure::CreateError;
use crate::plan::User;

/// Who the process becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
    /// Home directory of the user's record; `None`: no record.
    pub(super) home: Option<String>,
}

/// Longest file read in bytes; more is not looked at.
const FILE_LIMIT_BYTES: u64 = 16 * 1024 * 1024;

/// Looks the user up in the current root. `home_wanted`: a numeric user is looked up too, for its home.
pub(super) fn resolve(user: &User, home_wanted: bool) -> Result<Identity, CreateError> {
    match user {
        User::Ids {
            uid,
            gid,
            additional_gids,
        } => {
            let passwd = if home_wanted {
                read("/etc/passwd")
            } else {
                String::new()
            };
            let home = Passwd::all(&passwd)
                .find(|entry| entry.uid == *uid)
                .map(|entry| entry.home.to_owned());
            Ok(Identity {
                uid: *uid,
                gid: *gid,
                groups: additional_gids.clone(),
                home,
            })
        }
        User::Named { user, groups } => resolve_named(
            user,
            groups,
            &Databases {
                passwd: read("/etc/passwd"),
                group: read("/etc/group"),
            },
        ),
    }
}

fn read(path: &str) -> String {
    let mut text = Vec::new();
    // NONBLOCK: a named pipe in its place must not stop the start.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    if let Ok(file) = open(path, flags, Mode::empty()) {
        File::from(file)
            .take(FILE_LIMIT_BYTES)
            .read_to_end(&mut text)
            .unwrap_or_default();
    }
    String::from_utf8_lossy(&text).into_owned()
}

struct Databases {
    passwd: String,
    group: String,
}

/// The rules of `docker run --user`: a name must exist; a number need not. A group given after a colon
/// replaces all groups of the user's record.
fn resolve_named(user: &str, further: &[String], databases: &Databases) -> Result<Identity, CreateError> {
    let (name, group) = match user.split_once(':') {
        Some((name, group)) => (name, group),
        None => (user, ""),
    };
    let mut identity = Identity::default();
    let number: Option<u32> = parse_id(name)?;
    let entry = Passwd::all(&databases.passwd).find(|entry| match number {
        _ if name.is_empty() => entry.uid == 0,
        Some(number) => entry.name == name || entry.uid == number,
        None => entry.name == name,
    });
    match (&entry, number) {
        (Some(entry), _) => {
            (identity.uid, identity.gid) = (in_range(entry.uid)?, in_range(entry.gid)?);
            identity.home = Some(entry.home.to_owned());
        }
        (None, Some(number)) => identity.uid = number,
        (None, None) if name.is_empty() => {}
        (None, None) => {
            return Err(CreateError::invalid(format!(
                "unable to find user {name}: no matching entries in passwd file"
            )));
        }
    }
    if group.is_empty() {
        let name = entry.as_ref().map_or("", |entry| entry.name);
        identity.groups = Group::all(&databases.group)
            .filter(|group| group.has(name))
            .map(|group| in_range(group.gid))
            .collect::<Result<_, _>>()?;
    } else {
        identity.gid = group_number(group, databases)?;
    }
    for group in further {
        identity.groups.push(group_number(group, databases)?);
    }
    // Docker lists the primary group too, so that it is kept when a program changes its own.
    identity.groups.insert(0, identity.gid);
    Ok(identity)
}

fn group_number(name: &str, databases: &Databases) -> Result<u32, CreateError> {
    let number = parse_id(name)?;
    let entry = Group::all(&databases.group).find(|group| group.name == name || Some(group.gid) == number);
    match (entry, number) {
        (Some(entry), _) => in_range(entry.gid),
        (None, Some(number)) => Ok(number),
        (None, None) => Err(CreateError::invalid(format!(
            "unable to find group {name}: no matching entries in group file"
        ))),
    }
}

/// `None`: not a number. Docker refuses numbers that are no valid ids.
fn parse_id(text: &str) -> Result<Option<u32>, CreateError> {
    match text.parse::<i64>() {
        Ok(number) => in_range(u32::try_from(number).unwrap_or(u32::MAX)).map(Some),
        Err(_) => Ok(None),
    }
}

/// The highest number means "as it is" to the kernel: whoever becomes that user stays root.
fn in_range(id: u32) -> Result<u32, CreateError> {
    const HIGHEST: u32 = i32::MAX.cast_unsigned();
    if id <= HIGHEST {
        Ok(id)
    } else {
        Err(CreateError::invalid("uids and gids must be in range 0-2147483647"))
    }
}

struct Passwd<'text> {
    name: &'text str,
    uid: u32,
    gid: u32,
    home: &'text str,
}

impl<'text> Passwd<'text> {
    fn all(text: &'text str) -> impl Iterator<Item = Self> {
        text.lines().filter_map(|line| {
            let mut fields = line.trim().split(':');
            let name = fields.next()?;
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            Some(Self {
                name,
                uid,
                gid,
                home: fields.nth(1).unwrap_or_default(),
            })
        })
    }
}

struct Group<'text> {
    name: &'text str,
    gid: u32,
    members: &'text str,
}

impl<'text> Group<'text> {
    fn all(text: &'text str) -> impl Iterator<Item = Self> {
        text.lines().filter_map(|line| {
            let mut fields = line.trim().split(':');
            let name = fields.next()?;
            let gid = fields.nth(1)?.parse().ok()?;
            Some(Self {
                name,
                gid,
                members: fields.next().unwrap_or_default(),
            })
        })
    }

    fn has(&self, user: &str) -> bool {
        !user.is_empty() && self.members.split(',').any(|member| member == user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(user: &str, further: &[&str]) -> Result<Identity, String> {
        let databases = Databases {
            passwd: "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/var/www:/bin/false\nbroken\n".into(),
            group: "root:x:0:\nwebs:x:34:\nlogs:x:40:root,web\naudio:x:29:web".into(),
        };
        let further: Vec<String> = further.iter().map(|&name| name.to_owned()).collect();
        resolve_named(user, &further, &databases).map_err(|error| error.message)
    }

    fn identity(uid: u32, gid: u32, groups: &[u32], home: Option<&str>) -> Result<Identity, String> {
        Ok(Identity {
            uid,
            gid,
            groups: groups.to_vec(),
            home: home.map(str::to_owned),
        })
    }

    #[test]
    fn names_and_numbers() {
        assert_eq!(resolve("web", &[]), identity(33, 34, &[34, 40, 29], Some("/var/www")));
        assert_eq!(resolve("33", &[]), identity(33, 34, &[34, 40, 29], Some("/var/www")));
        assert_eq!(resolve("web:logs", &[]), identity(33, 40, &[40], Some("/var/www")));
        assert_eq!(
            resolve("web:7", &["audio", "99"]),
            identity(33, 7, &[7, 29, 99], Some("/var/www"))
        );
        assert_eq!(resolve("1234", &[]), identity(1234, 0, &[0], None));
        assert_eq!(resolve("1234:56", &[]), identity(1234, 56, &[56], None));
        assert_eq!(resolve("", &[]), identity(0, 0, &[0, 40], Some("/root")));
    }

    /// The image's own files name numbers that are none.
    #[test]
    fn records_out_of_range_make_nobody_root() {
        let databases = Databases {
            passwd: "low:x:4294967295:5::/:\nhigh:x:5:4294967295::/:\nfine:x:5:5::/:".into(),
            group: "far:x:2147483648:fine".into(),
        };
        for (user, further) in [("low", ""), ("high", ""), ("fine", ""), ("5:far", ""), ("7", "far")] {
            let further: Vec<String> = further.split_whitespace().map(str::to_owned).collect();
            let refused = resolve_named(user, &further, &databases).map_err(|error| error.message);
            assert_eq!(
                refused.unwrap_err(),
                "uids and gids must be in range 0-2147483647",
                "{user}"
            );
        }
        assert!(resolve_named("7", &[], &databases).is_ok());
    }

    #[test]
    fn unknown_names_are_refused_in_dockers_words() {
        assert_eq!(
            resolve("nobody", &[]).unwrap_err(),
            "unable to find user nobody: no matching entries in passwd file"
        );
        assert_eq!(
            resolve("web:no", &[]).unwrap_err(),
            "unable to find group no: no matching entries in group file"
        );
        assert_eq!(
            resolve("4294967296", &[]).unwrap_err(),
            "uids and gids must be in range 0-2147483647"
        );
    }
}
