//! The default network against the real kernel, in fresh network namespaces.

mod paths;
mod world;
