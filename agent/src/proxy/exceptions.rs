//! `NO_PROXY`: which servers are reached without one.

use ipnet::IpNet;

use crate::host::Host;

/// Whether the list names this server. Entries are apart by commas or blanks: `*`, a host with all
/// below it (a dot or `*.` before it changes nothing), an address, a CIDR range; each with a port
/// or without. Addresses match written addresses only: nothing is resolved for this.
pub(super) fn is_excepted(list: &str, host: &Host, port: u16) -> bool {
    list.split([',', ' ', '\t'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| entry == "*" || names(entry, host, port))
}

fn names(entry: &str, host: &Host, port: u16) -> bool {
    let (entry, wanted_port) = without_port(entry);
    if wanted_port.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let entry = entry
        .strip_prefix('[')
        .and_then(|entry| entry.strip_suffix(']'))
        .unwrap_or(entry);
    match host {
        Host::Address(address) => match entry.parse::<IpNet>() {
            Ok(range) => range.contains(address),
            Err(_) => entry.parse() == Ok(*address),
        },
        Host::Name(name) => {
            let entry = entry.strip_prefix('*').unwrap_or(entry);
            let entry = entry.strip_prefix('.').unwrap_or(entry);
            let entry = entry
                .strip_suffix('.')
                .unwrap_or(entry)
                .to_ascii_lowercase();
            name.strip_suffix(&entry).is_some_and(|before| {
                !entry.is_empty() && (before.is_empty() || before.ends_with('.'))
            })
        }
    }
}

/// An entry with more than one colon outside of brackets is an IPv6 address.
fn without_port(entry: &str) -> (&str, Option<u16>) {
    let split = match entry.rsplit_once(':') {
        Some((before, port)) if before.ends_with(']') || !before.contains(':') => {
            port.parse().ok().map(|port| (before, port))
        }
        _ => None,
    };
    split.map_or((entry, None), |(before, port)| (before, Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_ranges_and_everything() {
        for (list, host, excepted) in [
            ("*", "adit.example", true),
            ("other, *", "10.0.0.1", true),
            ("adit.example", "adit.example", true),
            ("Example", "adit.example", true),
            (".example", "adit.example", true),
            ("*.example", "adit.example", true),
            ("example.", "adit.example", true),
            ("ample", "adit.example", false),
            ("t.example", "adit.example", false),
            ("www.adit.example", "adit.example", false),
            ("a.example b.example,adit.example", "adit.example", true),
            ("adit.example:443", "adit.example", true),
            ("adit.example:444", "adit.example", false),
            (".", "adit.example", false),
            ("", "adit.example", false),
            (",,", "adit.example", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.0/8:443", "10.1.2.3", true),
            ("10.0.0.0/99", "10.1.2.3", false),
            ("192.168.0.9", "192.168.0.9", true),
            ("192.168.0.9:444", "192.168.0.9", false),
            ("168.0.9", "192.168.0.9", false),
            ("2001:db8::/32", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::1", true),
            ("[2001:db8::1]:443", "2001:db8::1", true),
            ("[2001:db8::1]:1", "2001:db8::1", false),
            ("10.0.0.0/8", "adit.example", false),
        ] {
            let host = host.parse().unwrap();
            assert_eq!(is_excepted(list, &host, 443), excepted, "{list:?} {host}");
        }
    }
}
