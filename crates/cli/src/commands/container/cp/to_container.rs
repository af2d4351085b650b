//! From this host to a container or volume.

use std::env;

use corten_api::container::PathStat;
use corten_client::{Client, FilesOf};

use super::Order;
use super::progress::Progress;
use crate::archive::{Source, upload_written};
use crate::copy::{self, End};
use crate::failure::Failure;

/// Copies it.
pub(super) async fn copy(client: &Client, order: &Order) -> Result<(), Failure> {
    let source = match order.source.as_str() {
        "-" => "-".to_owned(),
        path => copy::absolute(path, &here()?),
    };
    let (target, what) = target(client, order).await;
    if what & DEVICE != 0 {
        return Err(Failure::new(format!(
            "destination \"{}:{}\" must be a directory or a regular file: got a device",
            order.of.name(),
            order.target
        )));
    }
    if source == "-" {
        return from_stdin(client, order, &target).await;
    }
    let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let found = copy::source(&source, order.follow).map_err(|error| failed(&error))?;
    let (directory, rename) = copy::plan(&found, &target).map_err(|error| failed(&error))?;
    let progress = Progress::start(heading(&order.of), order.quiet);
    let archive = upload_written(progress.counter(), move |out| {
        copy::pack(&found, &rename, out).map_err(|copy::PackError::Write(error)| error)
    });
    let sent = client
        .write_archive(&order.of, &directory, archive, order.keep_owners)
        .await;
    progress.end(&format!("{}:{}", order.of.name(), target.path)).await;
    Ok(sent?)
}

fn heading(of: &FilesOf) -> &'static str {
    match of {
        FilesOf::Container(_) => "Copying to container - ",
        FilesOf::Volume(_) => "Copying to volume - ",
    }
}

/// Go's bit for devices.
const DEVICE: u32 = 1 << 26;

/// The directory in which the user is.
pub(super) fn here() -> Result<String, Failure> {
    let here =
        env::current_dir().map_err(|error| Failure::new(format!("cannot find the current directory: {error}")))?;
    Ok(here.to_string_lossy().into_owned())
}

/// What is at the target, a link there followed, and its mode. A target that cannot be asked about is taken for
/// missing: unpacking says what is wrong.
async fn target(client: &Client, order: &Order) -> (End, u32) {
    let mut path = order.target.clone();
    let mut stat = client.stat_path(&order.of, &path).await;
    if let Ok(link) = stat.as_ref()
        && link.is_symlink()
    {
        path = if link.link_target.starts_with('/') {
            link.link_target.clone()
        } else {
            copy::join(&copy::split_entry(&path).0, &link.link_target)
        };
        stat = client.stat_path(&order.of, &path).await;
    }
    let end = End {
        path,
        exists: stat.is_ok(),
        is_directory: stat.as_ref().is_ok_and(PathStat::is_directory),
        rebase: String::new(),
    };
    (end, stat.map_or(0, |stat| stat.mode))
}

/// The archive comes as it is.
async fn from_stdin(client: &Client, order: &Order, target: &End) -> Result<(), Failure> {
    if !target.is_directory {
        return Err(Failure::new(format!(
            "destination \"{}:{}\" must be a directory",
            order.of.name(),
            order.target
        )));
    }
    let progress = Progress::start(heading(&order.of), order.quiet);
    let archive = Source::Stdin.upload();
    let sent = client
        .write_archive(&order.of, &target.path, archive, order.keep_owners)
        .await;
    progress.end(&format!("{}:{}", order.of.name(), target.path)).await;
    Ok(sent?)
}
