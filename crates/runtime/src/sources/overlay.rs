//! Overlays, of a root and of the layers of an image: by the new mount interface, on older kernels by mount(2).
//!
//! `lowerdir+` (Linux 6.7) takes one layer at a time. Before that all layers are one string, of which
//! fsconfig takes 255 bytes and mount(2) a page: there the layers are named relative to the
//! directory that all of them share, and the process stands in it.
//!
//! For a user namespace each layer is cloned and its identities are mapped: the files of the image then belong to
//! the container's users without being touched. What it writes is its own from the start. Linux 6.13 takes such
//! layers as descriptors; older kernels are refused.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use corten_sys::mount::Depth;
use corten_sys::overlay::set_directory;
use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_fd,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, open_tree,
};

use super::{UserNamespace, log};
use crate::failure::{Context, CreateError};
use crate::plan::{Parameter, Rootfs};

/// What is stacked.
struct Layers<'plan> {
    lower: &'plan [PathBuf],
    upper: Option<Writable<'plan>>,
    options: &'plan [Parameter],
}

#[derive(Clone, Copy)]
struct Writable<'plan> {
    upper: &'plan Path,
    work: &'plan Path,
}

/// How the overlay came to be.
pub(crate) enum Mounted {
    /// Detached, still to be attached.
    Detached(OwnedFd),
    /// Already attached on top of its scratch directory, in this mount namespace only.
    Attached(OwnedFd),
}

/// Parameters that hold for every overlay: `trusted.overlay.redirect` of an image must not lead
/// out of its layers, and an index refuses uppers that were copied.
const ALWAYS: [(&str, &str); 2] = [("redirect_dir", "nofollow"), ("index", "off")];

/// Mounts a root for the caller's own user namespace.
pub(crate) fn mount(root: &Rootfs) -> Result<Mounted, CreateError> {
    let layers = Layers::of(root)?;
    if corten_sys::overlay::takes_layers_one_by_one() {
        mount_by_layer(&layers, None).map(Mounted::Detached)
    } else {
        mount_by_string(&layers).map(Mounted::Attached)
    }
}

/// Mounts a root, detached, for a user namespace.
pub(crate) fn root(root: &Rootfs, user: Option<&UserNamespace>) -> Result<OwnedFd, CreateError> {
    mount_by_layer(&Layers::of(root)?, user)
}

/// Mounts the layers of an image, detached.
pub(crate) fn readonly(lower: &[PathBuf], user: Option<&UserNamespace>) -> Result<OwnedFd, CreateError> {
    if !corten_sys::overlay::takes_layers_one_by_one() {
        return Err(CreateError::invalid("mounts of images need Linux 6.7"));
    }
    let layers = Layers {
        lower,
        upper: None,
        options: &[],
    };
    mount_by_layer(&layers, user)
}

impl<'plan> Layers<'plan> {
    fn of(root: &'plan Rootfs) -> Result<Self, CreateError> {
        match root {
            Rootfs::Overlay {
                lower,
                upper,
                work,
                options,
            } => Ok(Self {
                lower,
                upper: Some(Writable { upper, work }),
                options,
            }),
            Rootfs::Directory(_) => Err(CreateError::internal("a directory is no overlay")),
        }
    }
}

/// A layer that was cloned has to be held until the overlay is mounted.
fn add_layer(context: &OwnedFd, layer: &Path, user: Option<&UserNamespace>) -> Result<Option<OwnedFd>, CreateError> {
    let step = || format!("overlay layer {}", layer.display());
    let Some(user) = user else {
        set_directory(context.as_fd(), "lowerdir+", layer).invalid(step)?;
        return Ok(None);
    };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(CWD, layer, flags).invalid(step)?;
    user.apply(tree.as_fd(), Depth::One)
        .invalid(|| format!("{}: map identities for the user namespace", step()))?;
    fsconfig_set_fd(context.as_fd(), "lowerdir+", tree.as_fd())
        .invalid(|| format!("{}: user namespaces need Linux 6.13", step()))?;
    Ok(Some(tree))
}

fn mount_by_layer(layers: &Layers<'_>, user: Option<&UserNamespace>) -> Result<OwnedFd, CreateError> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).internal(|| "open overlay")?;
    // What df and mount show as the device.
    fsconfig_set_string(context.as_fd(), "source", "overlay").internal(|| "overlay source")?;
    let mut held = Vec::new();
    for layer in layers.lower {
        held.extend(add_layer(&context, layer, user)?);
    }
    if let Some(Writable { upper, work }) = layers.upper {
        set_directory(context.as_fd(), "upperdir", upper).invalid(|| format!("overlay upper {}", upper.display()))?;
        set_directory(context.as_fd(), "workdir", work).invalid(|| format!("overlay work {}", work.display()))?;
    }
    for (key, value) in ALWAYS {
        fsconfig_set_string(context.as_fd(), key, value).internal(|| format!("overlay {key}"))?;
    }
    for Parameter { key, value } in layers.options {
        match value {
            Some(value) => fsconfig_set_string(context.as_fd(), key, value),
            None => fsconfig_set_flag(context.as_fd(), key),
        }
        .invalid(|| format!("overlay {key}"))?;
    }
    fsconfig_create(context.as_fd()).internal(|| format!("mount overlay{}", log(&context)))?;
    let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty());
    mount.internal(|| "mount overlay")
}

fn mount_by_string(layers: &Layers<'_>) -> Result<OwnedFd, CreateError> {
    let Some(Writable { upper, work }) = layers.upper else {
        return Err(CreateError::internal("an overlay without a writable directory"));
    };
    let shared = shared_directory(layers.lower);
    rustix::process::chdir(&shared).invalid(|| format!("enter {}", shared.display()))?;
    let data = std::ffi::CString::new(joined_options(layers, Writable { upper, work }, &shared))
        .map_err(|_| CreateError::invalid("overlay layer with a zero byte"))?;
    rustix::mount::mount("overlay", work, "overlay", MountFlags::empty(), Some(data.as_c_str()))
        .internal(|| "mount overlay by mount(2)")?;
    rustix::process::chdir("/").internal(|| "enter /")?;
    open_tree(CWD, work, OpenTreeFlags::OPEN_TREE_CLOEXEC).internal(|| "open the overlay")
}

fn joined_options(layers: &Layers<'_>, writable: Writable<'_>, shared: &Path) -> String {
    let lower: Vec<String> = layers
        .lower
        .iter()
        .map(|layer| escape(&layer.strip_prefix(shared).unwrap_or(layer).to_string_lossy()))
        .collect();
    let mut data = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.join(":"),
        escape(&writable.upper.to_string_lossy()),
        escape(&writable.work.to_string_lossy())
    );
    for (key, value) in ALWAYS {
        data.push_str(&format!(",{key}={value}"));
    }
    for Parameter { key, value } in layers.options {
        match value {
            Some(value) => data.push_str(&format!(",{key}={value}")),
            None => data.push_str(&format!(",{key}")),
        }
    }
    data
}

fn escape(path: &str) -> String {
    path.replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,")
}

/// The longest directory above all layers.
fn shared_directory(layers: &[PathBuf]) -> PathBuf {
    let mut shared = layers
        .first()
        .and_then(|layer| layer.parent())
        .unwrap_or(Path::new("/"))
        .to_path_buf();
    for layer in layers {
        while !layer.starts_with(&shared) && shared.pop() {}
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_named_relative_to_what_they_share() {
        let lower: Vec<PathBuf> = ["/d/l/b/diff", "/d/l/a:x/diff"].iter().map(PathBuf::from).collect();
        assert_eq!(shared_directory(&lower), Path::new("/d/l"));
        let layers = Layers {
            lower: &lower,
            upper: None,
            options: &[],
        };
        let writable = Writable {
            upper: Path::new("/d/u"),
            work: Path::new("/d/w"),
        };
        assert_eq!(
            joined_options(&layers, writable, Path::new("/d/l")),
            "lowerdir=b/diff:a\\:x/diff,upperdir=/d/u,workdir=/d/w,redirect_dir=nofollow,index=off"
        );
    }
}
