//! A container's or a volume's files as clients reach them: `cp`, `export`.
//!
//! [`view`] finds the root: that of a running container through its first process, that of another one through one
//! mount in a namespace of its own, shared by all who look at the same time. A container starts when nobody has its
//! files open ([`Gate`]); who takes too long is shut out instead, because two mounts of one writable layer are
//! undefined. A volume is lent ([`crate::volume::lend`]).

pub(crate) mod export;
mod gate;
pub(crate) mod link;
pub(crate) mod read;
pub(crate) mod stat;
mod user;
pub(crate) mod view;
mod whose;
pub(crate) mod write;

use std::os::fd::AsFd as _;

use corten_sys::fault::boundary;

pub use corten_image::tar::Sink;
pub use export::ExportTicket;
pub(crate) use gate::Gate;
pub use read::ArchiveTicket;
pub use whose::FilesOf;

use crate::container::Container;
use crate::core::Core;
use crate::event::Subject;

/// A path as the API gives it: absolute from the root, without `..`, with the `/` or `/.` at its end that says
/// something.
pub(crate) fn absolute(path: &str) -> String {
    let mut clean = crate::container::mounts::clean(path);
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if last == "." {
        if clean != "/" {
            clean.push('/');
        }
        clean.push('.');
    } else if path.ends_with('/') && clean != "/" {
        clean.push('/');
    }
    clean
}

/// The last part as Go's `filepath.Base` gives it.
fn base(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// Whether the passwd file of the running container has that name. True if that cannot be told: the start will.
pub(crate) fn knows_user(container: &Container, name: &str) -> bool {
    let running = container.look().life.phase.running().map(|running| running.pid);
    let root = running.and_then(|pid| view::running_root(pid, view::Scope::Everything).ok());
    root.is_none_or(|root| user::is_known(root.as_fd(), name))
}

fn publish(core: &Core, container: &Container, action: &str) {
    boundary("files.publish");
    let subject = Subject::Container(container);
    core.events.publish(subject, action, &[], corten_base::Timestamp::now());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (given, meant, name) in [
            ("/d", "/d", "d"),
            ("d", "/d", "d"),
            ("/d/", "/d/", "d"),
            ("/d/.", "/d/.", "."),
            ("/d/./", "/d/.", "."),
            ("/", "/", "/"),
            ("/.", "/.", "."),
            (".", "/.", "."),
            ("../../etc/passwd", "/etc/passwd", "passwd"),
            ("/a/../b//c", "/b/c", "c"),
        ] {
            assert_eq!(absolute(given), meant, "{given}");
            assert_eq!(base(meant), name, "{given}");
        }
    }
}
