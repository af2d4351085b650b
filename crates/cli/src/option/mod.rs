//! The small languages of Docker's options, each read by a pure function: `-p 8080:80`, `-v a:/b:ro`,
//! `--mount type=..`, `--ulimit nofile=1024`, `-e`, `--restart`, ...

pub(crate) mod address;
pub(crate) mod capability;
pub(crate) mod decimal;
pub(crate) mod device;
pub(crate) mod device_rate;
pub(crate) mod environment;
pub(crate) mod field;
pub(crate) mod gpu;
#[cfg(test)]
mod hostile;
pub(crate) mod logging;
pub(crate) mod mount;
pub(crate) mod network;
pub(crate) mod pair;
pub(crate) mod platform;
pub(crate) mod port;
pub(crate) mod restart;
pub(crate) mod security;
pub(crate) mod string_map;
pub(crate) mod ulimit;
pub(crate) mod volume;
