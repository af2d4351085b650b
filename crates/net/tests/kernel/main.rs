//! The default network against the real kernel, in fresh network namespaces.

mod hostile;
mod life;
mod others;
mod paths;
mod restart;
mod several;
mod six;
mod world;
