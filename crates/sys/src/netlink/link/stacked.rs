//! Links over other links that share their hardware address (ipvlan) or their cable (VLAN).

use std::os::fd::{AsFd, AsRawFd as _};

use super::{CREATE, EXCLUSIVE, Error, INFO_DATA, INFO_KIND, MacvlanRequest, Messages, REQUEST, Route, UP, header};

/// `IFLA_IPVLAN_MODE`, `IFLA_IPVLAN_FLAGS`, `IFLA_VLAN_ID`.
const IPVLAN_MODE: u16 = 1;
const IPVLAN_FLAGS: u16 = 2;
const VLAN_ID: u16 = 1;

/// What an ipvlan's links share of the link below: they have its hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipvlan {
    /// On which layer packets are passed on.
    pub mode: IpvlanMode,
    /// How those over one link see each other.
    pub flag: IpvlanFlag,
}

/// On which layer an ipvlan passes packets on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpvlanMode {
    /// As a switch.
    L2,
    /// As a router.
    L3,
    /// As a router, past the host's netfilter.
    L3s,
}

/// How the ipvlans of one link see each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpvlanFlag {
    /// Directly.
    Bridge,
    /// Not at all.
    Private,
    /// By way of a switch outside.
    Vepa,
}

impl Route {
    /// As [`Self::create_macvlan`], of the kind ipvlan; the request's mode and hardware address do not count.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the kernel has no such links, `ENODEV` if the parent is gone.
    pub fn create_ipvlan<F: AsFd>(&mut self, request: &MacvlanRequest<'_, F>, ipvlan: Ipvlan) -> Result<(), Error> {
        let mode: u16 = match ipvlan.mode {
            IpvlanMode::L2 => 0,
            IpvlanMode::L3 => 1,
            IpvlanMode::L3s => 2,
        };
        let flag: u16 = match ipvlan.flag {
            IpvlanFlag::Bridge => 0,
            IpvlanFlag::Private => 1,
            IpvlanFlag::Vepa => 2,
        };
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST | CREATE | EXCLUSIVE)
            .put(&header(0, 0, 0));
        messages.text(libc::IFLA_IFNAME, request.name);
        messages.number(libc::IFLA_LINK, request.parent);
        let namespace = request.namespace.as_fd().as_raw_fd().cast_unsigned();
        messages.number(libc::IFLA_NET_NS_FD, namespace);
        if request.mtu != 0 {
            messages.number(libc::IFLA_MTU, request.mtu);
        }
        messages.nest(libc::IFLA_LINKINFO, |info| {
            info.text(INFO_KIND, "ipvlan").nest(INFO_DATA, |data| {
                data.attribute(IPVLAN_MODE, &mode.to_ne_bytes())
                    .attribute(IPVLAN_FLAGS, &flag.to_ne_bytes());
            });
        });
        self.socket.execute(messages)
    }

    /// Makes a link for one VLAN of another link, switched on.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the kernel has no such links, `EEXIST` if a link has the name.
    pub fn create_vlan(&mut self, name: &str, (below, number): (u32, u16), group: u32) -> Result<(), Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST | CREATE | EXCLUSIVE)
            .put(&header(0, UP, UP));
        messages.text(libc::IFLA_IFNAME, name);
        messages.number(libc::IFLA_LINK, below);
        messages.number(libc::IFLA_GROUP, group);
        messages.nest(libc::IFLA_LINKINFO, |info| {
            info.text(INFO_KIND, "vlan").nest(INFO_DATA, |data| {
                data.attribute(VLAN_ID, &number.to_ne_bytes());
            });
        });
        self.socket.execute(messages)
    }

    /// Whether the kernel has links of the kind `macvlan` or `ipvlan`, its module loaded if there is one: one over no
    /// link at all is refused for another reason than one of an unknown kind.
    ///
    /// # Errors
    /// The kernel cannot be asked.
    pub fn has_kind(&mut self, kind: &str) -> Result<bool, Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST | CREATE | EXCLUSIVE)
            .put(&header(0, 0, 0));
        messages.nest(libc::IFLA_LINKINFO, |info| {
            info.text(INFO_KIND, kind);
        });
        match self.socket.execute(messages) {
            Err(error) if error.is(libc::EOPNOTSUPP) => Ok(false),
            Err(error) if error.is(libc::EINVAL) => Ok(true),
            other => other.map(|()| true),
        }
    }
}
