//! Reserved host ports. NAT forwards most; those that it cannot serve are spliced here.

use std::os::fd::OwnedFd;

use super::Keeper;
use super::request::invalid;
use crate::protocol::{Failure, PortSocket};

/// All reserved ports.
#[derive(Debug, Default)]
pub(super) struct Ports {
    /// Bound, so that nobody else can take them.
    held: Vec<OwnedFd>,
}

impl Keeper {
    /// Takes over one descriptor per port.
    pub(super) fn hold_ports(&mut self, ports: &[PortSocket], descriptors: Vec<OwnedFd>) -> Result<(), Failure> {
        if ports.len() != descriptors.len() {
            return Err(invalid(format!(
                "{} ports came with {} sockets",
                ports.len(),
                descriptors.len()
            )));
        }
        self.ports.held.extend(descriptors);
        Ok(())
    }

    /// Gives all ports back to the host.
    pub(super) fn close_ports(&mut self) {
        self.ports = Ports::default();
    }
}
