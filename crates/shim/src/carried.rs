//! How values that are more than data are written down when a shim executes another version of itself in its own
//! place, for `#[serde(with = "...")]`.
//!
//! A descriptor is written as its number. Writing it also clears its close-on-exec flag, so that exactly what was
//! written down is open in the program that reads it. A deadline is written as the time that is left.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::FdFlags;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

fn keep(descriptor: &OwnedFd) -> std::io::Result<i32> {
    rustix::io::fcntl_setfd(descriptor, FdFlags::empty())?;
    Ok(std::os::fd::AsRawFd::as_raw_fd(descriptor))
}

/// One descriptor.
pub(crate) mod descriptor {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(descriptor: &OwnedFd, to: S) -> Result<S::Ok, S::Error> {
        keep(descriptor).map_err(S::Error::custom)?.serialize(to)
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<OwnedFd, D::Error> {
        corten_sys::spawn::inherited(i32::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// Any number of descriptors: an option, a vector or a queue.
pub(crate) mod descriptors {
    use super::*;

    pub(crate) fn serialize<'v, S: Serializer, C>(descriptors: &'v C, to: S) -> Result<S::Ok, S::Error>
    where
        &'v C: IntoIterator<Item = &'v OwnedFd>,
    {
        let numbers: std::io::Result<Vec<i32>> = descriptors.into_iter().map(keep).collect();
        numbers.map_err(S::Error::custom)?.serialize(to)
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>, C: Default + Extend<OwnedFd>>(from: D) -> Result<C, D::Error> {
        let mut descriptors = C::default();
        for number in Vec::<i32>::deserialize(from)? {
            descriptors.extend([corten_sys::spawn::inherited(number).map_err(D::Error::custom)?]);
        }
        Ok(descriptors)
    }
}

/// At most one descriptor.
pub(crate) mod optional_descriptor {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(descriptor: &Option<OwnedFd>, to: S) -> Result<S::Ok, S::Error> {
        descriptor
            .as_ref()
            .map(keep)
            .transpose()
            .map_err(S::Error::custom)?
            .serialize(to)
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<OwnedFd>, D::Error> {
        let number = Option::<i32>::deserialize(from)?;
        number
            .map(corten_sys::spawn::inherited)
            .transpose()
            .map_err(D::Error::custom)
    }
}

/// An optional point in time that is yet to come.
pub(crate) mod deadline {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(deadline: &Option<Instant>, to: S) -> Result<S::Ok, S::Error> {
        deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
            .serialize(to)
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<Instant>, D::Error> {
        Ok(Option::<Duration>::deserialize(from)?.map(|left| Instant::now() + left))
    }
}
