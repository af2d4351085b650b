//! Which addresses of a subnet are taken: a pure table.

/// An address cannot be leased.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// The subnet is full.
    #[error(
        "failed to set up container networking: no available IPv4 addresses on this network's address pools: bridge"
    )]
    Exhausted,
}
