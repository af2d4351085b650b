//! The rules that open containers' own addresses to others. Pure.

use corten_sys::nftables::expression::{Header, Meta};
use corten_sys::nftables::{Expression, Verdict};

use super::super::publication::{DIRECT4, DIRECT6};
use super::super::rule::{DESTINATION4, DESTINATION6, IPV4, IPV6, R0, R1, R2, R4, R5, end, family, load, rule};
use super::Open;
use crate::Subnet;

/// Protocol numbers of ICMP.
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// Those of one family.
pub(super) fn opened(subnet: Subnet, open: Open) -> Vec<Vec<Expression>> {
    let (number, set, echo) = if subnet.address().is_ipv4() {
        (IPV4, DIRECT4, ICMP)
    } else {
        (IPV6, DIRECT6, ICMPV6)
    };
    let (offset, length, protocol, port) = match number {
        IPV4 => (DESTINATION4, 4, R1, R2),
        _ => (DESTINATION6, 16, R4, R5),
    };
    let published = rule([
        family(number),
        vec![
            load(offset, length),
            Expression::Meta(Meta::Protocol, protocol),
            Expression::Payload {
                header: Header::Transport,
                offset: 2,
                length: 2,
                to: port,
            },
            Expression::InSet(set.to_owned(), R0),
        ],
        end(Verdict::Accept),
    ]);
    let ping = rule([
        family(number),
        vec![Expression::Meta(Meta::Protocol, R0), Expression::Equal(R0, vec![echo])],
        end(Verdict::Accept),
    ]);
    match open {
        Open::Nothing => Vec::new(),
        Open::Published => vec![published],
        Open::Routed => vec![published, ping],
        Open::Everything => vec![rule([family(number), end(Verdict::Accept)])],
    }
}
