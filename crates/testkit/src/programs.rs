//! Where the programs under test and the test images are: beside the running test binary in cargo's
//! target directory, and in its `test-images`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// The directory that holds `cortend` and its sisters, built with the same profile as the test.
pub fn directory() -> Result<PathBuf> {
    if let Some(directory) = std::env::var_os("CORTEN_TEST_PROGRAMS") {
        return Ok(directory.into());
    }
    let test = std::env::current_exe().context("find the test binary")?;
    let deps = test.parent().context("a test binary lies in a directory")?;
    Ok(if deps.ends_with("deps") {
        deps.parent().unwrap_or(deps)
    } else {
        deps
    }
    .to_owned())
}

/// The program of that name.
pub fn find(name: &str) -> Result<PathBuf> {
    let path = directory()?.join(name);
    ensure!(
        path.is_file(),
        "{} is not built: `make test` builds the programs first",
        path.display()
    );
    Ok(path)
}

/// The docker-archive of a test image: `busybox`, `debian`, `nginx` or `redis`.
pub fn image(name: &str) -> Result<PathBuf> {
    let target = target_directory()?;
    let path = target.join("test-images").join(format!("{name}.tar"));
    ensure!(path.is_file(), "{} is missing: run scripts/test-images", path.display());
    Ok(path)
}

/// Cargo's target directory, as scripts/test-images and scripts/vm find it.
pub fn target_directory() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root.join(target).canonicalize().context("find the target directory")
}
