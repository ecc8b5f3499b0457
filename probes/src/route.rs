//! The way to an address: which interface its packets leave by, asked of the Linux kernel.
//!
//! Netlink and not `/proc/net/route`, because VPNs route by rules that the main table knows nothing of, and because it names
//! the kind of an interface too. Other systems don't tell.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The interface that packets to an address leave by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its name, such as `eth0`.
    pub interface: String,
    /// The largest packet that it carries, in bytes.
    pub mtu: u32,
    /// What the driver calls its kind, such as `tun` or `wireguard`; `None` for hardware.
    pub kind: Option<String>,
    /// The type of its hardware (`ARPHRD_…` of `linux/if_arp.h`).
    pub hardware: u16,
    /// How many bits of the address the routing table knows; 0 for the default route.
    #[serde(default)]
    pub prefix: u8,
    /// The address that packets leave with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
}

impl Route {
    /// Whether the interface wraps packets into others.
    pub fn is_tunnel(&self) -> bool {
        let by_hardware = HARDWARE.contains(&self.hardware);
        let by_kind = self.kind.as_deref().is_some_and(|kind| KINDS.contains(&kind));
        let name = self.interface.as_str();
        let by_name = NAMES.iter().any(|prefix| {
            name.strip_prefix(prefix)
                .is_some_and(|rest| rest.chars().all(|char| char.is_ascii_digit()))
        });
        by_hardware || by_kind || by_name
    }
}

/// The way that the kernel would send a packet to `address` now.
#[cfg(target_os = "linux")]
pub fn to(address: IpAddr) -> Option<Route> {
    let route = linux::to(address).ok().flatten()?;
    Some(Route {
        source: source(address).ok(),
        ..route
    })
}

/// Connecting a UDP socket sends nothing, and chooses the address to send from.
#[cfg(target_os = "linux")]
fn source(address: IpAddr) -> std::io::Result<IpAddr> {
    let any: IpAddr = match address {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    // Any port but 0 will do.
    socket.connect((address, 443))?;
    Ok(socket.local_addr()?.ip())
}

/// Nothing is known of it here.
#[cfg(not(target_os = "linux"))]
pub fn to(_: IpAddr) -> Option<Route> {
    None
}

/// PPP, the IP and GRE tunnels. `NONE` is that of WireGuard and of a TUN device, but of others too.
const HARDWARE: [u16; 6] = [512, 768, 769, 776, 778, 823];
/// `IFLA_INFO_KIND`.
const KINDS: [&str; 16] = [
    "amneziawg",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "ip6gre",
    "ip6tnl",
    "ipip",
    "ovpn",
    "ppp",
    "sit",
    "tun",
    "vti",
    "vti6",
    "wireguard",
    "xfrm",
];
/// What VPN programs call their interfaces, before a number.
const NAMES: [&str; 10] = [
    "tun",
    "tap",
    "wg",
    "utun",
    "ppp",
    "ipsec",
    "tailscale",
    "nordlynx",
    "cscotun",
    "gpd",
];

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, Read, Write};
    use std::net::IpAddr;

    use socket2::{Domain, Protocol, Socket, Type};

    use super::Route;

    /// Asks by rtnetlink (RFC 3549), whose answers are there as soon as the question is.
    pub(super) fn to(address: IpAddr) -> io::Result<Option<Route>> {
        let mut socket = Socket::new(
            Domain::from(AF_NETLINK),
            Type::DGRAM,
            Some(Protocol::from(NETLINK_ROUTE)),
        )?;
        socket.set_nonblocking(true)?;
        let (family, octets) = match address {
            IpAddr::V4(v4) => (AF_INET, v4.octets().to_vec()),
            IpAddr::V6(v6) => (AF_INET6, v6.octets().to_vec()),
        };
        let bits = u8::try_from(octets.len() * 8).unwrap_or(u8::MAX);
        // struct rtmsg: family, length of the destination, what the kernel is to say, flags.
        let mut route = vec![family, bits, 0, 0, 0, 0, 0, 0];
        route.extend(RTM_F_FIB_MATCH.to_ne_bytes());
        push_attribute(&mut route, RTA_DST, &octets);
        let Some(answer) = ask(&mut socket, RTM_GETROUTE, RTM_NEWROUTE, &route)? else {
            return Ok(None);
        };
        let prefix = answer.get(1).copied().unwrap_or_default();
        let index = answer.get(ROUTE_HEAD..).and_then(|rest| attribute(rest, RTA_OIF));
        let Some(index) = index else {
            return Ok(None);
        };
        // struct ifinfomsg: family, padding, type, index, flags, change.
        let link = [&[0; 4], index, &[0; 8]].concat();
        let answer = ask(&mut socket, RTM_GETLINK, RTM_NEWLINK, &link)?;
        let route = answer.as_deref().and_then(read_link);
        Ok(route.map(|route| Route { prefix, ..route }))
    }

    fn read_link(answer: &[u8]) -> Option<Route> {
        let hardware = answer.get(2..4)?.try_into().ok().map(u16::from_ne_bytes)?;
        let attributes = answer.get(LINK_HEAD..)?;
        let mtu = attribute(attributes, IFLA_MTU)?
            .try_into()
            .ok()
            .map(u32::from_ne_bytes)?;
        let kind = attribute(attributes, IFLA_LINKINFO).and_then(|nested| attribute(nested, IFLA_INFO_KIND));
        Some(Route {
            interface: text(attribute(attributes, IFLA_IFNAME)?),
            mtu,
            kind: kind.map(text),
            hardware,
            prefix: 0,
            source: None,
        })
    }

    /// One question, and the body of its answer; `None` where it is another one, such as an error.
    fn ask(socket: &mut Socket, question: u16, expected: u16, body: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let length = u32::try_from(MESSAGE_HEAD + body.len()).map_err(io::Error::other)?;
        // struct nlmsghdr: length, type, flags, sequence, port.
        let message = [
            &length.to_ne_bytes()[..],
            &question.to_ne_bytes(),
            &NLM_F_REQUEST.to_ne_bytes(),
            &[0; 8],
            body,
        ]
        .concat();
        socket.write_all(&message)?;
        let mut answer = vec![0; ANSWER];
        let count = socket.read(&mut answer)?;
        answer.truncate(count);
        let said = answer.get(4..6).and_then(|said| said.try_into().ok());
        if said.map(u16::from_ne_bytes) != Some(expected) {
            return Ok(None);
        }
        Ok(answer.get(MESSAGE_HEAD..).map(<[u8]>::to_vec))
    }

    /// struct rtattr: length, type, value, padded to four bytes.
    fn push_attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
        let length = u16::try_from(ATTRIBUTE_HEAD + value.len()).unwrap_or(u16::MAX);
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(value);
        message.resize(message.len().next_multiple_of(4), 0);
    }

    /// The value of the first attribute of that type.
    fn attribute(mut rest: &[u8], wanted: u16) -> Option<&[u8]> {
        loop {
            let length = usize::from(rest.get(..2)?.try_into().ok().map(u16::from_ne_bytes)?);
            let kind = rest.get(2..4)?.try_into().ok().map(u16::from_ne_bytes)?;
            let value = rest.get(ATTRIBUTE_HEAD..length)?;
            if kind & TYPE == wanted {
                return Some(value);
            }
            rest = rest.get(length.next_multiple_of(4)..)?;
        }
    }

    fn text(value: &[u8]) -> String {
        let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
        String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
    }

    // linux/socket.h, linux/netlink.h, linux/rtnetlink.h and linux/if_link.h.
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    const AF_NETLINK: i32 = 16;
    const NETLINK_ROUTE: i32 = 0;
    const NLM_F_REQUEST: u16 = 1;
    const RTM_NEWLINK: u16 = 16;
    const RTM_GETLINK: u16 = 18;
    const RTM_NEWROUTE: u16 = 24;
    const RTM_GETROUTE: u16 = 26;
    /// The entry of the table, not a route made from it.
    const RTM_F_FIB_MATCH: u32 = 0x2000;
    const RTA_DST: u16 = 1;
    const RTA_OIF: u16 = 4;
    const IFLA_IFNAME: u16 = 3;
    const IFLA_MTU: u16 = 4;
    const IFLA_LINKINFO: u16 = 18;
    const IFLA_INFO_KIND: u16 = 1;
    /// The part of a type that isn't a flag (`NLA_TYPE_MASK`).
    const TYPE: u16 = 0x3fff;
    const MESSAGE_HEAD: usize = 16;
    const ATTRIBUTE_HEAD: usize = 4;
    const ROUTE_HEAD: usize = 12;
    const LINK_HEAD: usize = 16;
    /// More than the kernel says of an interface, in bytes.
    const ANSWER: usize = 16 * 1024;

    #[cfg(test)]
    mod tests {
        use std::net::Ipv4Addr;

        use proptest::prelude::{any, proptest};

        use super::super::to;
        use super::{attribute, read_link};

        #[test]
        fn the_way_to_this_machine_is_its_loopback() {
            let route = to(Ipv4Addr::LOCALHOST.into()).expect("there is a way to loopback");
            assert_eq!((route.interface.as_str(), route.hardware), ("lo", 772));
            assert!(!route.is_tunnel());
            assert_eq!((route.prefix, route.source), (32, Some(Ipv4Addr::LOCALHOST.into())));
        }

        proptest! {
            #[test]
            fn any_bytes_are_read_or_refused(bytes: Vec<u8>, wanted in any::<u16>()) {
                read_link(&bytes);
                attribute(&bytes, wanted);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Route;

    fn check(interface: &str, kind: Option<&str>, hardware: u16) -> bool {
        let route = Route {
            interface: interface.to_owned(),
            mtu: 1500,
            kind: kind.map(str::to_owned),
            hardware,
            prefix: 0,
            source: None,
        };
        route.is_tunnel()
    }

    #[test]
    fn a_tunnel_is_known_by_kind_hardware_or_name() {
        assert!(check("corp", Some("wireguard"), 65_534));
        assert!(check("corp", Some("tun"), 65_534));
        assert!(check("corp", None, 512));
        assert!(check("tun0", Some("dummy"), 1));
    }

    #[test]
    fn hardware_and_containers_are_none() {
        assert!(!check("eth0", Some("veth"), 1));
        assert!(!check("wlan0", None, 1));
        assert!(!check("lo", None, 772));
        assert!(!check("tunnelbear", Some("dummy"), 1));
    }
}
