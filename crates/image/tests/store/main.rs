//! The store against the real kernel and a real file system. Needs root: owners, devices, trusted attributes, overlay.

mod archive;
mod crash;
mod hostile;
mod load;
mod remove;
mod snapshot;
