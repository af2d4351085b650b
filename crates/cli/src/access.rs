//! Who may use an engine's socket: advice for those who may not.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

/// What somebody whom a socket refuses can do. `host` as it is shown: `unix:///run/corten/corten.sock`.
pub(crate) fn advice(host: &str) -> String {
    let socket = host
        .strip_prefix("unix://")
        .and_then(|path| std::fs::metadata(path).ok());
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let group = socket.and_then(|socket| {
        let is_open = socket.permissions().mode() & 0o060 == 0o060;
        (is_open && socket.gid() != 0).then(|| name(&groups, socket.gid()).map(str::to_owned))?
    });
    match group {
        Some(group) => {
            format!("run this as root, or join the group {group}: `sudo usermod -aG {group} $USER`, then log in again")
        }
        None => "run this as root: the socket is open to no other user".to_owned(),
    }
}

/// The name of a group, out of group(5).
fn name(groups: &str, gid: u32) -> Option<&str> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(gid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_the_socket_s() {
        let groups = "root:x:0:\ndocker:x:998:me\ncut\n";
        assert_eq!(name(groups, 998), Some("docker"));
        assert_eq!(name(groups, 7), None);
    }

    #[test]
    fn nobody_is_sent_into_a_group_that_does_not_help() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        std::fs::write(&path, "").unwrap();
        let advised = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            advice(&format!("unix://{}", path.display()))
        };
        assert!(advised(0o600).starts_with("run this as root: "));
        assert!(advice("unix:///nowhere/socket").starts_with("run this as root: "));
        if rustix::process::geteuid().is_root() {
            assert!(advised(0o660).starts_with("run this as root: "), "the group is root's");
            std::os::unix::fs::chown(&path, None, Some(1)).unwrap();
            let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
            if let Some(group) = name(&groups, 1) {
                assert!(advised(0o660).contains(&format!("usermod -aG {group} ")));
            }
        }
    }
}
