//! Which addresses a server may lead us to.
//!
//! A server that names a URL (the target of a redirect, the realm of a challenge, the next page) makes us send requests
//! on its behalf, from where we are. It must not use us to reach what it cannot reach itself: the services of this
//! machine, the neighbours in a private network, the metadata service of a cloud.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From where an address can be reached, from the nearest to the farthest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// From this machine only.
    Loopback,
    /// From the private network only.
    Private,
    /// From everywhere.
    Public,
    /// The address is none of an ordinary server: that of a cloud's metadata service, of a link, of a group.
    Special,
}

/// Metadata services that are in the private ranges: those of AWS over IPv6, of Alibaba, of Oracle.
const METADATA: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

impl Reach {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            _ if METADATA.contains(&address) => Self::Special,
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => {
                inner_v4(address).map_or_else(|| Self::of_v6(address), |inner| Self::of(inner.into()))
            }
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            // "This network", groups, what is reserved; links.
            [0 | 224..=255, ..] | [169, 254, ..] => Self::Special,
            [127, ..] => Self::Loopback,
            // Of RFC 1918, and of RFC 6598 for the customers of a provider.
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments() {
            _ if address.is_loopback() => Self::Loopback,
            _ if address.is_unspecified() => Self::Special,
            // Links, groups.
            [0xfe80..=0xfebf | 0xff00..=0xffff, ..] => Self::Special,
            // Of RFC 4193, their predecessors of RFC 3513, and what RFC 8215 leaves to local translators.
            [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    /// Whether a server that is reached at `self` may lead to a server at `target`.
    pub(super) fn may_lead_to(self, target: Self, is_secure: bool) -> bool {
        match (self, target) {
            (Self::Loopback, Self::Loopback) => true,
            (_, Self::Public) | (Self::Private, Self::Private) => is_secure,
            (_, Self::Special | Self::Loopback | Self::Private) => false,
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped or compatible ([RFC 4291, 2.5.5](
/// https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5)), translated (RFC 6052) or in a tunnel (RFC 3056).
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        // The compatible ones would be those of no network, among them `::1`.
        [0, 0, 0, 0, 0, 0, 0, _] => return None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            (high, low)
        }
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::Reach::{Loopback, Private, Public, Special};
    use super::*;

    #[test]
    fn every_form_of_an_address_is_recognised() {
        let cases = [
            (Loopback, "127.0.0.1 127.255.0.3 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::"),
            (Private, "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.0.1 ::ffff:10.1.2.3 fc00::1"),
            (Private, "fd12::1 fec0::1 64:ff9b:1::1 ::10.0.0.1"),
            (Public, "9.255.255.255 11.0.0.1 172.15.0.1 172.32.0.1 192.167.0.1 100.63.0.1 100.128.0.1 8.8.8.8"),
            (Public, "2606:4700::1 ::ffff:8.8.8.8 64:ff9b::808:808"),
            (
                Special,
                "0.0.0.0 0.1.2.3 169.254.169.254 224.0.0.1 255.255.255.255 240.0.0.1 192.0.0.192 100.100.100.200",
            ),
            (Special, ":: fe80::1 febf::1 ff02::1 fd00:ec2::254 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe"),
            (Special, "::ffff:0.0.0.0 2002:a9fe:a9fe::1 ::ffff:100.100.100.200"),
        ];
        for (reach, addresses) in cases {
            for address in addresses.split(' ') {
                assert_eq!(Reach::of(address.parse().expect("an address")), reach, "{address}");
            }
        }
    }

    #[test]
    fn nobody_leads_to_what_is_nearer() {
        let all = [Loopback, Private, Public, Special];
        let led =
            |from: Reach, is_secure| all.into_iter().filter(|to| from.may_lead_to(*to, is_secure)).collect::<Vec<_>>();
        assert_eq!(led(Loopback, true), [Loopback, Public]);
        assert_eq!(led(Private, true), [Private, Public]);
        assert_eq!(led(Public, true), [Public]);
        assert_eq!(led(Special, true), [Public]);
        assert_eq!(led(Loopback, false), [Loopback]);
        assert_eq!((led(Private, false), led(Public, false)), (vec![], vec![]));
    }
}
