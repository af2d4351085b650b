//! The store against the real kernel and a real file system. Needs root: owners, devices, trusted attributes, overlay.

mod archive;
mod commit;
mod crash;
mod hostile;
mod load;
mod remove;
mod snapshot;

/// How many entries `directory` has, without the one that images without layers stand on, which is always there.
fn entries(directory: &std::path::Path) -> usize {
    let names = std::fs::read_dir(directory).expect("list");
    names
        .filter(|entry| entry.as_ref().expect("an entry").file_name() != "empty")
        .count()
}
