//! The default network against the real kernel, in fresh network namespaces.

mod life;
mod others;
mod paths;
mod restart;
mod six;
mod world;
