//! From a container or volume to this host.

use std::io;

use corten_client::{Client, FilesOf};

use super::Order;
use super::progress::Progress;
use crate::archive::StreamReader;
use crate::copy::{self, End, Rename};
use crate::failure::Failure;
use crate::output;

/// Copies it.
pub(super) async fn copy(client: &Client, order: &Order) -> Result<(), Failure> {
    let target = match order.target.as_str() {
        "-" => "-".to_owned(),
        path => copy::absolute(path, &super::to_container::here()?),
    };
    if target != "-" {
        copy::check_output(&target).map_err(|error| Failure::new(error.to_string()))?;
    }
    let (path, rebase) = if order.follow {
        followed(client, order).await
    } else {
        (order.source.clone(), String::new())
    };
    let (stat, stream) = client.read_archive(&order.of, &path).await?;
    if target == "-" {
        return output::archive(stream).await;
    }
    let source = End {
        path,
        exists: true,
        is_directory: stat.is_directory(),
        rebase,
    };
    let progress = Progress::start(heading(&order.of), order.quiet);
    let counter = progress.counter();
    let place = target.clone();
    let unpacked = StreamReader::run(stream, counter, move |reader| unpack(&source, &place, reader)).await;
    progress.end(&target).await;
    unpacked
}

fn heading(of: &FilesOf) -> &'static str {
    match of {
        FilesOf::Container(_) => "Copying from container - ",
        FilesOf::Volume(_) => "Copying from volume - ",
    }
}

fn unpack(source: &End, target: &str, stream: impl io::BufRead) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let end = copy::destination(target).map_err(|error| failed(&error))?;
    let (directory, rename) = copy::plan(source, &end).map_err(|error| failed(&error))?;
    // The engine names the entries by the path it was asked for; a link that was followed had another name.
    let own = match source.rebase.as_str() {
        "" => Rename::default(),
        name => Rename::new(&copy::split_entry(&source.path).1, name),
    };
    copy::unpack(stream, &directory, &own.then(rename)).map_err(|error| failed(&error))
}

/// The path that a link in the container leads to, and the link's name. What is no link, or cannot be asked about,
/// stays as it is: the copy itself says what is wrong.
async fn followed(client: &Client, order: &Order) -> (String, String) {
    let path = &order.source;
    match client.stat_path(&order.of, path).await {
        Ok(stat) if stat.is_symlink() => {
            let target = if stat.link_target.starts_with('/') {
                stat.link_target
            } else {
                copy::join(&copy::split_entry(path).0, &stat.link_target)
            };
            copy::rebased(path, target)
        }
        _ => (path.clone(), String::new()),
    }
}
