//! Files into a container (`PUT /containers/{id}/archive`) or a volume out of a tar.

use std::io::{BufRead, Read};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use corten_image::unpack::{Owners, UnpackError, UnpackOptions, open_in, unpack_stream};
use corten_sys::fault::boundary;
use rustix::fs::{AtFlags, OFlags, StatVfsMountFlags, StatxFlags};
use rustix::io::Errno;

use super::gate::{Checked, Opened};
use super::view::Scope;
use super::whose::{FilesOf, Found, Whose};
use super::{absolute, stat, user};
use crate::core::{Core, transferring};
use crate::error::{Error, Result};
use crate::request::ExtractOptions;

/// How much of an archive is taken in after its refusal, so that its client reads the answer.
const UNREAD_LIMIT_BYTES: u64 = 64 << 20;

/// Unpacks what `reader` gives.
pub(crate) async fn write<R>(core: &Arc<Core>, of: FilesOf<'_>, reader: R, options: ExtractOptions) -> Result<()>
where
    R: BufRead + Send + 'static,
{
    let found = Found::find(core, of).await?;
    let shared = Arc::clone(core);
    transferring(core, move |core| {
        let mut reader = Checked {
            pass: found.pass(),
            inner: reader,
        };
        let opened = found.open(&shared, Scope::Everything);
        let written = opened.and_then(|opened| place(core, &opened, &found, &mut reader, &options));
        if written.is_err() {
            take_in(&mut reader.inner);
        } else {
            found.publish(core, "extract-to-dir");
        }
        written
    })
    .await
}

/// The rest of an archive that was refused: a client that still sends sees a broken pipe instead of the answer.
pub(crate) fn take_in(reader: &mut dyn Read) {
    drop(std::io::copy(
        &mut reader.take(UNREAD_LIMIT_BYTES),
        &mut std::io::sink(),
    ));
}

fn place(
    core: &Core,
    opened: &Opened,
    found: &Found,
    reader: &mut dyn BufRead,
    options: &ExtractOptions,
) -> Result<()> {
    let root = opened.root();
    let path = absolute(&options.path);
    check(root, &path, found)?;
    let named = match &found.whose {
        Whose::Container(container) => container.effective.config.user.as_str(),
        Whose::Volume(_) => "",
    };
    let owner = if options.own && !named.is_empty() {
        Some(user::find(root, named)?)
    } else {
        None
    };
    let identity = found.identity(core);
    let own = UnpackOptions {
        destination: path.clone().into_bytes(),
        keep_kinds: options.keep_kinds,
        owner,
        owners: identity.as_ref().map(|identity| identity as &dyn Owners),
        whole: false,
    };
    boundary("files.unpack");
    let unpacked = unpack_stream(reader, root, &own);
    boundary("files.unpacked");
    unpacked.map_err(|error| match &error {
        UnpackError::Tar(corten_image::tar::TarError::Read(cause)) => Error::internal(cause.to_string()),
        _ => Error::internal(error.to_string()),
    })
}

/// The destination must be a directory that can be written to.
fn check(root: BorrowedFd<'_>, path: &str, of: &Found) -> Result<()> {
    let found = open_in(root, path.as_bytes(), OFlags::PATH);
    let found = found.map_err(|error| stat::missing(error, path, &of.named))?;
    let directory = match open_in(root, path.as_bytes(), OFlags::PATH | OFlags::DIRECTORY) {
        Err(Errno::NOTDIR) => return Err(Error::invalid("extraction point is not a directory")),
        directory => directory.map_err(|error| stat::missing(error, path, &of.named))?,
    };
    drop(found);
    let failed = |error: Errno| Error::caused(format!("look at {path}"), error);
    let flags = rustix::fs::fstatvfs(&directory).map_err(failed)?.f_flag;
    if !flags.contains(StatVfsMountFlags::RDONLY) {
        return Ok(());
    }
    let mount = |of: BorrowedFd<'_>| {
        rustix::fs::statx(of, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).map(|found| found.stx_mnt_id)
    };
    let is_root = mount(root).map_err(failed)? == mount(directory.as_fd()).map_err(failed)?;
    Err(Error::invalid(if is_root && matches!(of.whose, Whose::Container(_)) {
        "container rootfs is marked read-only"
    } else {
        "mounted volume is marked read-only"
    }))
}
