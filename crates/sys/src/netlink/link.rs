//! Links: bridges, veth pairs, what there is.

mod stacked;

use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::thread;
use std::time::Duration;

use super::message::{self, CREATE, EXCLUSIVE, Messages, REQUEST};
use super::{Error, Route};
use crate::sysctl::{self, Family};

pub use stacked::{Ipvlan, IpvlanFlag, IpvlanMode};

/// Longest name of a link in bytes.
pub const NAME_LIMIT_BYTES: usize = 15;

const UP: u32 = libc::IFF_UP as u32;

/// BR_STATE_DISABLED
const PORT_DISABLED: u8 = 0;
/// BR_STATE_FORWARDING
const PORT_FORWARDING: u8 = 3;
/// IF_OPER_UP
const OPERATIONAL: u8 = 6;

/// How long a link may take to carry packets once both its ends are on, and how often it is looked at.
const SETTLE_ATTEMPTS: u32 = 200;
const SETTLE_PAUSE: Duration = Duration::from_micros(250);

const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;
const INFO_SLAVE_KIND: u16 = 4;
const INFO_SLAVE_DATA: u16 = 5;
const VETH_PEER: u16 = 1;
const BRIDGE_SNOOPING: u16 = 23;
const MACVLAN_MODE: u16 = 1;
const PORT_STATE: u16 = 1;
const PORT_HAIRPIN: u16 = 4;
const PORT_FLUSH: u16 = 24;
const PORT_ISOLATED: u16 = 33;

/// A link as the kernel tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number in the namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// `bridge`, `veth`, ...; empty for hardware and loopback.
    pub kind: String,
    /// Hardware address; empty where there is none.
    pub mac: Vec<u8>,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// Its group; zero by default.
    pub group: u32,
    /// Number of the bridge it is a port of; zero if none.
    pub master: u32,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it carries packets, and if it is a bridge's port, whether the bridge forwards over it.
    pub running: bool,
}

/// A bridge to make.
#[derive(Debug, Clone, Copy)]
pub struct BridgeRequest<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its hardware address; set, so that it does not follow its ports'.
    pub mac: [u8; 6],
    /// Its group.
    pub group: u32,
    /// Largest packet in bytes; zero: the default.
    pub mtu: u32,
}

/// A veth pair to make, one end in another namespace.
#[derive(Debug, Clone, Copy)]
pub struct VethRequest<'a, F: AsFd> {
    /// Name of the end that stays.
    pub name: &'a str,
    /// Number of the bridge that the end that stays becomes a port of, if any.
    pub bridge: Option<u32>,
    /// Name of the end that goes.
    pub peer_name: &'a str,
    /// Hardware address of the end that goes.
    pub peer_mac: [u8; 6],
    /// Namespace of the end that goes.
    pub peer_namespace: F,
    /// Largest packet in bytes; zero: the default.
    pub mtu: u32,
}

/// A link to make over another one, in another namespace.
#[derive(Debug, Clone, Copy)]
pub struct MacvlanRequest<'a, F: AsFd> {
    /// Number of the link below.
    pub parent: u32,
    /// How those over one link see each other.
    pub mode: MacvlanMode,
    /// Name in the other namespace.
    pub name: &'a str,
    /// Hardware address.
    pub mac: [u8; 6],
    /// The other namespace.
    pub namespace: F,
    /// Largest packet in bytes; zero: the parent's.
    pub mtu: u32,
}

/// How the macvlans of one link see each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MacvlanMode {
    /// Not at all.
    Private,
    /// By way of a switch outside.
    Vepa,
    /// Directly.
    #[default]
    Bridge,
    /// There is one, which has the whole link.
    Passthru,
}

impl MacvlanMode {
    fn number(self) -> u32 {
        match self {
            Self::Private => 1,
            Self::Vepa => 2,
            Self::Bridge => 4,
            Self::Passthru => 8,
        }
    }
}

/// How a bridge treats a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PortMode {
    /// Frames may leave through the port they came in by.
    pub hairpin: bool,
    /// No frames to or from other isolated ports.
    pub isolated: bool,
}

impl Route {
    /// Makes a bridge, switched on. It does not snoop on multicast memberships, so that such frames go to all
    /// ports, as they do without a querier: snooping sets timers of all ports anew whenever one joins.
    ///
    /// # Errors
    /// `EEXIST` if a link has the name.
    pub fn create_bridge(&mut self, request: &BridgeRequest<'_>) -> Result<(), Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST | CREATE | EXCLUSIVE)
            .put(&header(0, UP, UP));
        messages
            .text(libc::IFLA_IFNAME, request.name)
            .attribute(libc::IFLA_ADDRESS, &request.mac);
        messages.number(libc::IFLA_GROUP, request.group);
        if request.mtu != 0 {
            messages.number(libc::IFLA_MTU, request.mtu);
        }
        messages.nest(libc::IFLA_LINKINFO, |info| {
            info.text(INFO_KIND, "bridge").nest(INFO_DATA, |data| {
                data.attribute(BRIDGE_SNOOPING, &[0]);
            });
        });
        self.socket.execute(messages)
    }

    /// Makes a veth pair: its far end in the other namespace (down, for the owner there to configure), its near
    /// end switched on, and a port of the bridge if one is given. A port has no IPv6 of its own: its bridge
    /// has, and addresses, routes and groups of each port would make the next one slower.
    ///
    /// # Errors
    /// `EEXIST` if a link has one of the names, `ENODEV` if the bridge is gone, `EXFULL` if it has 1,023 ports.
    pub fn create_veth<F: AsFd>(&mut self, request: &VethRequest<'_, F>) -> Result<(), Error> {
        self.socket.execute(veth_message(request))?;
        let Some(bridge) = request.bridge else {
            return Ok(());
        };
        // where it cannot be switched off, or there is none, it is only slower
        sysctl::set_for_link(Family::V6, request.name, "disable_ipv6", "1").unwrap_or_default();
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST)
            .put(&header(0, UP, UP))
            .text(libc::IFLA_IFNAME, request.name)
            .number(libc::IFLA_MASTER, bridge);
        let joined = self.socket.execute(messages);
        joined.inspect_err(|_| drop(self.delete_link(request.name)))
    }

    /// Makes a macvlan link over another one, in a namespace; down, for the owner there to configure.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the kernel has no such links, `ENODEV` if the parent is gone, `EBUSY` if something else has it.
    pub fn create_macvlan<F: AsFd>(&mut self, request: &MacvlanRequest<'_, F>) -> Result<(), Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST | CREATE | EXCLUSIVE)
            .put(&header(0, 0, 0));
        messages.text(libc::IFLA_IFNAME, request.name);
        messages.attribute(libc::IFLA_ADDRESS, &request.mac);
        messages.number(libc::IFLA_LINK, request.parent);
        let namespace = request.namespace.as_fd().as_raw_fd().cast_unsigned();
        messages.number(libc::IFLA_NET_NS_FD, namespace);
        if request.mtu != 0 {
            messages.number(libc::IFLA_MTU, request.mtu);
        }
        messages.nest(libc::IFLA_LINKINFO, |info| {
            info.text(INFO_KIND, "macvlan").nest(INFO_DATA, |data| {
                data.number(MACVLAN_MODE, request.mode.number());
            });
        });
        self.socket.execute(messages)
    }

    /// Makes a link that leads nowhere, switched on.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the kernel has no such links, `EEXIST` if a link has the name.
    pub fn create_dummy(&mut self, name: &str) -> Result<(), Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST | CREATE | EXCLUSIVE)
            .put(&header(0, UP, UP));
        messages.text(libc::IFLA_IFNAME, name);
        messages.nest(libc::IFLA_LINKINFO, |info| {
            info.text(INFO_KIND, "dummy");
        });
        self.socket.execute(messages)
    }

    /// The link of a name.
    ///
    /// # Errors
    /// The kernel refuses; that there is none is not an error.
    pub fn link(&mut self, name: &str) -> Result<Option<Link>, Error> {
        if name.is_empty() || name.len() > NAME_LIMIT_BYTES {
            return Ok(None);
        }
        let mut request = Messages::new();
        request
            .begin(libc::RTM_GETLINK, REQUEST)
            .put(&header(0, 0, 0))
            .text(libc::IFLA_IFNAME, name);
        match self.socket.get(request) {
            Ok((_, body)) => Ok(decode(&body)),
            Err(error) if error.is(libc::ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All links of the namespace.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn links(&mut self) -> Result<Vec<Link>, Error> {
        let mut request = Messages::new();
        request.begin(libc::RTM_GETLINK, REQUEST).put(&header(0, 0, 0));
        Ok(self
            .socket
            .dump(&request)?
            .iter()
            .filter_map(|(_, body)| decode(body))
            .collect())
    }

    /// Deletes a link by name. Returns whether there was one.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn delete_link(&mut self, name: &str) -> Result<bool, Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_DELLINK, REQUEST)
            .put(&header(0, 0, 0))
            .text(libc::IFLA_IFNAME, name);
        match self.socket.execute(messages) {
            Ok(()) => Ok(true),
            Err(error) if error.is(libc::ENODEV) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes a bridge's port out of service, in microseconds: it moves no more frames, the bridge forgets what
    /// it learnt there, and the link joins `group`, to be deleted with the others of it. A link that is no port
    /// is deleted at once. Returns whether there was such a link.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn retire_port(&mut self, name: &str, group: u32) -> Result<bool, Error> {
        let Some(link) = self.link(name)? else { return Ok(false) };
        let mut messages = Messages::new();
        // In this order: a changed group makes the bridge look at the port again and put it into service.
        messages
            .begin(libc::RTM_NEWLINK, REQUEST)
            .put(&header(link.index, 0, 0))
            .number(libc::IFLA_GROUP, group);
        let mut port = header(link.index, 0, 0);
        port[0] = u8::try_from(libc::AF_BRIDGE).expect("families are small");
        messages
            .begin(libc::RTM_SETLINK, REQUEST)
            .put(&port)
            .nest(libc::IFLA_PROTINFO, |data| {
                data.attribute(PORT_STATE, &[PORT_DISABLED]).attribute(PORT_FLUSH, &[]);
            });
        match self.socket.execute(messages) {
            Ok(()) => Ok(true),
            Err(error) if error.is(libc::ENODEV) => Ok(false),
            // It never became a port.
            Err(error) if error.is(libc::EOPNOTSUPP) => self.delete_link(name),
            Err(error) => Err(error),
        }
    }

    /// Deletes all links of a group at once: the kernel waits some 20 ms for any number of them. Returns
    /// whether there were any.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn delete_group(&mut self, group: u32) -> Result<bool, Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_DELLINK, REQUEST)
            .put(&header(0, 0, 0))
            .number(libc::IFLA_GROUP, group);
        match self.socket.execute(messages) {
            Ok(()) => Ok(true),
            Err(error) if error.is(libc::ENODEV) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until a link, on at both ends, carries packets. The kernel tells bridges and queues about a
    /// carrier only a little later, and packets until then are lost; since Linux 6.14 asking for the link
    /// makes it do so at once, before that it takes a moment. Waits 50 ms at most.
    ///
    /// # Errors
    /// `ENODEV` if the link is gone; `ETIMEDOUT` if its far end is not on.
    pub fn settle(&mut self, name: &str) -> Result<(), Error> {
        for _ in 0..SETTLE_ATTEMPTS {
            match self.link(name)? {
                None => return Err(io::Error::from_raw_os_error(libc::ENODEV).into()),
                Some(link) if link.running => return Ok(()),
                Some(_) => thread::sleep(SETTLE_PAUSE),
            }
        }
        Err(io::Error::from_raw_os_error(libc::ETIMEDOUT).into())
    }

    /// Switches a link on.
    ///
    /// # Errors
    /// `ENODEV` if it is gone.
    pub fn set_up(&mut self, index: u32) -> Result<(), Error> {
        let mut messages = Messages::new();
        push_up(&mut messages, index);
        self.socket.execute(messages)
    }

    /// Sets a link's group, so that firewalls can tell it by.
    ///
    /// # Errors
    /// `ENODEV` if it is gone.
    pub fn set_group(&mut self, index: u32, group: u32) -> Result<(), Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST)
            .put(&header(index, 0, 0))
            .number(libc::IFLA_GROUP, group);
        self.socket.execute(messages)
    }

    /// Isolates the port of a name from the bridge's other isolated ports, or lets it go; how else it is treated stays.
    ///
    /// # Errors
    /// `ENODEV` if it is gone.
    pub fn isolate_port(&mut self, name: &str, isolated: bool) -> Result<(), Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST)
            .put(&header(0, 0, 0))
            .text(libc::IFLA_IFNAME, name);
        messages.nest(libc::IFLA_LINKINFO, |info| {
            info.text(INFO_SLAVE_KIND, "bridge").nest(INFO_SLAVE_DATA, |data| {
                data.attribute(PORT_ISOLATED, &[isolated.into()]);
            });
        });
        self.socket.execute(messages)
    }

    /// Sets how the bridge treats the port of a name.
    ///
    /// # Errors
    /// `ENODEV` if it is gone.
    pub fn set_port_mode(&mut self, name: &str, mode: PortMode) -> Result<(), Error> {
        let mut messages = Messages::new();
        messages
            .begin(libc::RTM_NEWLINK, REQUEST)
            .put(&header(0, 0, 0))
            .text(libc::IFLA_IFNAME, name);
        messages.nest(libc::IFLA_LINKINFO, |info| {
            info.text(INFO_SLAVE_KIND, "bridge").nest(INFO_SLAVE_DATA, |data| {
                data.attribute(PORT_HAIRPIN, &[mode.hairpin.into()]);
                data.attribute(PORT_ISOLATED, &[mode.isolated.into()]);
            });
        });
        self.socket.execute(messages)
    }
}

fn veth_message<F: AsFd>(request: &VethRequest<'_, F>) -> Messages {
    let mut messages = Messages::new();
    // A port is switched on when it has joined its bridge.
    let flags = if request.bridge.is_none() { UP } else { 0 };
    messages
        .begin(libc::RTM_NEWLINK, REQUEST | CREATE | EXCLUSIVE)
        .put(&header(0, flags, flags));
    messages.text(libc::IFLA_IFNAME, request.name);
    if request.mtu != 0 {
        messages.number(libc::IFLA_MTU, request.mtu);
    }
    let namespace = request.peer_namespace.as_fd().as_raw_fd().cast_unsigned();
    messages.nest(libc::IFLA_LINKINFO, |info| {
        info.text(INFO_KIND, "veth").nest(INFO_DATA, |data| {
            data.nest(VETH_PEER, |peer| {
                peer.put(&header(0, 0, 0)).text(libc::IFLA_IFNAME, request.peer_name);
                peer.attribute(libc::IFLA_ADDRESS, &request.peer_mac)
                    .number(libc::IFLA_NET_NS_FD, namespace);
                if request.mtu != 0 {
                    peer.number(libc::IFLA_MTU, request.mtu);
                }
            });
        });
    });
    messages
}

/// Appends the message that switches a link on.
pub(super) fn push_up(messages: &mut Messages, index: u32) {
    messages.begin(libc::RTM_NEWLINK, REQUEST).put(&header(index, UP, UP));
}

/// `struct ifinfomsg`.
fn header(index: u32, flags: u32, change: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..16].copy_from_slice(&change.to_ne_bytes());
    bytes
}

fn decode(body: &[u8]) -> Option<Link> {
    let attributes = body.get(16..)?;
    let value = |kind| message::find(attributes, kind);
    let kind = value(libc::IFLA_LINKINFO).and_then(|info| message::find(info, INFO_KIND));
    Some(Link {
        index: message::number(&body[4..]),
        name: message::text(value(libc::IFLA_IFNAME)?),
        kind: kind.map(message::text).unwrap_or_default(),
        mac: value(libc::IFLA_ADDRESS).unwrap_or(&[]).to_vec(),
        mtu: value(libc::IFLA_MTU).map_or(0, message::number),
        group: value(libc::IFLA_GROUP).map_or(0, message::number),
        master: value(libc::IFLA_MASTER).map_or(0, message::number),
        up: message::number(&body[8..]) & UP != 0,
        running: value(libc::IFLA_OPERSTATE).is_some_and(|state| state == [OPERATIONAL])
            && value(libc::IFLA_LINKINFO)
                .and_then(port_state)
                .is_none_or(|state| state == [PORT_FORWARDING]),
    })
}

/// The state of a bridge's port, out of a link's IFLA_LINKINFO; `None` for links that are none.
fn port_state(info: &[u8]) -> Option<&[u8]> {
    let kind = message::find(info, INFO_SLAVE_KIND).map(message::text);
    let data = message::find(info, INFO_SLAVE_DATA).filter(|_| kind.as_deref() == Some("bridge"))?;
    message::find(data, PORT_STATE)
}
