//! What std lacks and every other crate needs: identifiers, digests, image references, time as Go
//! writes it, atomic files. Pure apart from [`file`] and [`zone`]; clock and randomness come in as arguments.

pub mod digest;
pub mod duration;
pub mod elapsed;
pub mod errno;
pub mod file;
pub mod id;
pub mod moment;
pub mod mountinfo;
pub mod pattern;
pub mod platform;
pub mod reference;
pub mod size;
pub mod time;
pub mod zone;

pub use digest::Digest;
pub use id::{ContainerId, ExecId, NetworkId};
pub use platform::Platform;
pub use reference::{AnyReference, Reference};
pub use time::Timestamp;
