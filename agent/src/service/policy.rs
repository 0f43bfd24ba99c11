//! Which addresses may be connected to, after names have become addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::host::Host;

/// Of `addresses`, to which `host` was resolved, those that may be dialled. An address that the
/// configuration itself writes out is the administrator's own choice; what a resolver answers is
/// not, and may be somebody's attempt to reach the cloud's metadata or a neighbour (S31).
pub(super) fn allowed(host: &Host, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    if matches!(host, Host::Address(_)) {
        return addresses;
    }
    addresses
        .into_iter()
        .filter(|address| !is_denied(address.ip()))
        .collect()
}

fn is_denied(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_denied_v4(address),
        IpAddr::V6(address) => {
            address.is_unspecified()
                || address.is_multicast()
                || address.is_unicast_link_local()
                || embedded_v4(address).is_some_and(is_denied_v4)
        }
    }
}

fn is_denied_v4(address: Ipv4Addr) -> bool {
    // All of 0.0.0.0/8 is "this network": Linux connects some of it to the machine itself.
    address.octets()[0] == 0
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, NAT64, 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        // `::1` is loopback, not 0.0.0.1.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s31_table_of_addresses() {
        for denied in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.0.1",
            "169.254.169.254",
            "169.254.255.255",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "::",
            "fe80::1",
            "fe80::a9fe:a9fe",
            "febf::1",
            "ff02::1",
            "ff05::2",
            "ff0e::1",
            "::ffff:169.254.169.254",
            "::ffff:a9fe:a9fe",
            "::ffff:0.0.0.0",
            "::ffff:224.0.0.1",
            "::ffff:255.255.255.255",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::224.0.0.1",
            "2002:a9fe:a9fe::1",
            "2002:e000:1::",
            "2002:a9fe:a9fe:1:2:3:4:5",
        ] {
            assert!(is_denied(denied.parse().unwrap()), "{denied}");
        }
        for fine in [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "8.8.8.8",
            "169.253.255.255",
            "169.255.0.0",
            "223.255.255.255",
            "240.0.0.1",
            "::1",
            "fd00::1",
            "fc00::1",
            "2001:db8::1",
            "fec0::1",
            "fe00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::1",
        ] {
            assert!(!is_denied(fine.parse().unwrap()), "{fine}");
        }
    }

    #[test]
    fn s31_a_name_is_held_to_the_rule_and_a_written_address_is_not() {
        let metadata: SocketAddr = "169.254.169.254:80".parse().unwrap();
        let fine: SocketAddr = "10.0.0.1:80".parse().unwrap();
        let name = "camera.lan".parse().unwrap();
        assert_eq!(allowed(&name, vec![metadata, fine]), [fine]);
        assert!(allowed(&name, vec![metadata]).is_empty());
        assert_eq!(
            allowed(&Host::Address(metadata.ip()), vec![metadata]),
            [metadata]
        );
    }
}
