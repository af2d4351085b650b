//! A terminal of the container's own devpts.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, fstatfs, openat2};
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::descriptors::Streams;
use super::{mount, target};
use crate::failure::{Context, CreateError};

/// Both ends of a terminal.
pub(super) struct Terminal {
    /// For the creator.
    pub(super) controlling: OwnedFd,
    /// For the process.
    pub(super) process: OwnedFd,
}

const DEVPTS_SUPER_MAGIC: u64 = 0x1cd1;

/// Opens a new terminal of the devpts mounted inside the root, so that `ttyname(3)` works there.
pub(super) fn open(root: BorrowedFd<'_>, rows: u16, columns: u16) -> Result<Terminal, CreateError> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let controlling = openat2(root, "dev/pts/ptmx", flags, Mode::empty(), ResolveFlags::IN_ROOT)
        .internal(|| "open /dev/pts/ptmx of the container")?;
    // An image could have put something else there.
    let filesystem = fstatfs(&controlling).internal(|| "statfs of ptmx")?.f_type as u64;
    if filesystem != DEVPTS_SUPER_MAGIC {
        return Err(CreateError::invalid(
            "/dev/pts/ptmx of the container is not on a devpts",
        ));
    }
    unlockpt(&controlling).internal(|| "unlock the terminal")?;
    let peer = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let process = ioctl_tiocgptpeer(&controlling, peer).internal(|| "open the terminal's other end")?;
    if (rows, columns) != (0, 0) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&controlling, size).internal(|| "set the terminal's size")?;
    }
    Ok(Terminal { controlling, process })
}

/// Binds the first process's terminal to `/dev/console`.
pub(super) fn place_console(root: BorrowedFd<'_>, streams: &Streams) -> Result<(), CreateError> {
    let Some(terminal) = &streams.terminal else {
        return Ok(());
    };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let tree = open_tree(terminal.process.as_fd(), "", flags).internal(|| "clone the terminal")?;
    let at = target::file(root, Path::new("/dev/console"))?;
    // A link of the image could lead to a file of the kernel's.
    if mount::is_on_proc(at.as_fd()).internal(|| "statfs of /dev/console")? {
        return Err(CreateError::invalid("/dev/console of the container leads into /proc"));
    }
    mount::attach(tree.as_fd(), at.as_fd()).internal(|| "bind /dev/console")
}
