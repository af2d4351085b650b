//! Unix sockets: made with mode 0660 and their group; a stale file is replaced, a live one refused.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use tokio::net::UnixListener;

use super::group;

/// Read and write for owner and group.
const MODE: u32 = 0o660;

/// The group that may use the socket, if it exists and no other is named.
const DEFAULT_GROUP: &str = "docker";

/// A daemon that has not answered a ping for this long lives all the same.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// The path cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody answers there.
    #[error("cannot listen on unix://{}: another daemon is listening there", .0.display())]
    Live(PathBuf),
    /// Something else is there.
    #[error("cannot listen on unix://{}: it exists and is not a socket", .0.display())]
    NotSocket(PathBuf),
    /// No such group.
    #[error("group {0} not found")]
    Group(String),
    /// A step failed.
    #[error("cannot {act} unix://{}", path.display())]
    Step {
        /// Which.
        act: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The file of a listening socket; removed when dropped, unless another has taken its place.
#[derive(Debug)]
pub struct UnixSocketFile {
    path: PathBuf,
    identity: Option<Identity>,
}

/// Inode and time of the last change: inodes alone are used again at once.
#[derive(Debug, PartialEq, Eq)]
struct Identity(u64, i64, i64);

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        std::fs::symlink_metadata(path).map(|found| Self(found.ino(), found.ctime(), found.ctime_nsec()))
    }
}

impl Drop for UnixSocketFile {
    fn drop(&mut self) {
        let is_ours = Identity::of(&self.path)
            .is_ok_and(|found| self.identity.as_ref().is_none_or(|identity| *identity == found));
        if is_ours && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Listens on `path`, making its directory. `group` is a name or number; without it `docker` if that
/// exists. Must be called inside the async runtime.
///
/// # Errors
/// Somebody listens there already, or a step fails; nothing is left then.
pub fn listen_unix(path: &Path, group: Option<&str>) -> Result<(UnixListener, UnixSocketFile), ListenError> {
    let step = |act| {
        move |source| ListenError::Step {
            act,
            path: path.to_owned(),
            source,
        }
    };
    clear(path)?;
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(step("make the directory of"))?;
    }
    // Until its mode is set others lack write permission by the usual umask, and so cannot connect.
    let listener = UnixListener::bind(path).map_err(step("listen on"))?;
    let mut file = UnixSocketFile {
        path: path.to_owned(),
        identity: None,
    };
    if let Some(group) = socket_group(group)? {
        std::os::unix::fs::chown(path, None, Some(group)).map_err(step("set the group of"))?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(step("set the mode of"))?;
    file.identity = Some(Identity::of(path).map_err(step("examine"))?);
    Ok((listener, file))
}

/// Removes what an earlier daemon left there.
fn clear(path: &Path) -> Result<(), ListenError> {
    let step = |act| {
        move |source| ListenError::Step {
            act,
            path: path.to_owned(),
            source,
        }
    };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(step("examine")(error)),
        Ok(found) if !std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()) => {
            Err(ListenError::NotSocket(path.to_owned()))
        }
        Ok(_) if is_answered(path) => Err(ListenError::Live(path.to_owned())),
        Ok(_) => std::fs::remove_file(path).map_err(step("replace the stale")),
    }
}

/// Whether a daemon lives behind a path. One that is silent or too busy to take a connection lives.
///
/// Being able to connect is not enough: a daemon that is killed while it starts a program leaves its
/// listening socket to the new process until that executes, a moment later. What connects meanwhile is
/// cut off then, and the next attempt finds nobody.
#[must_use]
pub fn is_answered(path: &Path) -> bool {
    let deadline = Instant::now() + ANSWER_LIMIT;
    loop {
        let mut stream = match connect(path) {
            Ok(stream) => stream,
            Err(Errno::AGAIN) => return true,
            Err(_) => return false,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        match ask(&mut stream, left) {
            Ok(0) => {}
            Ok(_) => return true,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => return true,
            Err(_) => {}
        }
    }
}

/// Connects without waiting for a place in the queue: `AGAIN` where there is none.
fn connect(path: &Path) -> Result<UnixStream, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}

/// How many bytes of an answer came.
fn ask(stream: &mut UnixStream, limit: Duration) -> io::Result<usize> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(b"HEAD /_ping HTTP/1.1\r\nHost: corten\r\nConnection: close\r\n\r\n")?;
    stream.read(&mut [0; 64])
}

fn socket_group(given: Option<&str>) -> Result<Option<u32>, ListenError> {
    let file = Path::new("/etc/group");
    match given {
        Some("") => Ok(None),
        Some(name) => group::find(file, name)
            .map(Some)
            .ok_or_else(|| ListenError::Group(name.to_owned())),
        None => Ok(group::find(file, DEFAULT_GROUP)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stale_is_replaced_live_is_refused_and_ours_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/d.sock");
        let (listener, file) = listen_unix(&path, Some("")).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        assert!(matches!(listen_unix(&path, Some("")), Err(ListenError::Live(_))));
        drop(listener);
        assert!(path.exists() && !is_answered(&path));
        let (_second, second_file) = listen_unix(&path, Some("")).unwrap();
        drop(file);
        assert!(path.exists(), "the first daemon removed the second one's socket");
        drop(second_file);
        assert!(!path.exists());
        std::fs::write(&path, "").unwrap();
        assert!(matches!(listen_unix(&path, Some("")), Err(ListenError::NotSocket(_))));
        assert!(matches!(
            listen_unix(&directory.path().join("g"), Some("no-such-group")),
            Err(ListenError::Group(_))
        ));
    }

    #[test]
    fn a_listener_that_goes_is_no_daemon() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        // Takes the connection, and with it the question, and ends.
        let going = std::thread::spawn(move || drop(listener.accept()));
        assert!(!is_answered(&path));
        going.join().unwrap();

        std::fs::remove_file(&path).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        });
        assert!(is_answered(&path));
        answering.join().unwrap();
    }
}
