//! Who is at the other end, as far as that can be believed.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

/// The address a request comes from: the socket's, or what a trusted proxy says. A request
/// extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

impl PeerAddr {
    /// Of a request with `headers` on a socket from `socket` (SECURITY S19).
    pub(super) fn of(socket: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let is_trusted = |address: IpAddr| {
            let address = address.to_canonical();
            trusted.iter().any(|network| network.contains(&address))
        };
        if !is_trusted(socket.ip()) {
            return Self(socket);
        }
        // Proxies append, so what the last one saw stands last. The first that is none of ours,
        // from there, is the peer; what stands before it, the peer may have made up.
        let mut peer = socket;
        for value in headers.get_all("x-forwarded-for").iter().rev() {
            for entry in value.to_str().unwrap_or_default().rsplit(',') {
                let Ok(address) = entry.trim().parse::<IpAddr>() else {
                    return Self(peer);
                };
                peer = SocketAddr::new(address.to_canonical(), 0);
                if !is_trusted(address) {
                    return Self(peer);
                }
            }
        }
        Self(peer)
    }
}

/// Takes away what says who the client is, now that it was read: nobody further in shall believe
/// it. Aliases count, since gateways of devices read `X_Forwarded_For` as the name it resembles.
pub(super) fn strip_forwarded(headers: &mut HeaderMap) {
    remove_where(headers, |name| {
        let name = name.as_str().replace(['_', '.'], "-");
        name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded")
    });
}

/// Takes away what `Connection` names (SECURITY S18), but for what frames the request and says
/// whom it is for: that has been judged, and is not the client's to take back.
pub(super) fn strip_connection_named(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|option| option.trim().to_ascii_lowercase())
        .filter(|option| !KEPT.contains(&option.as_str()))
        .collect();
    for name in named {
        headers.remove(name.as_str());
    }
}

const KEPT: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "origin",
];

fn remove_where(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    let unwanted: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_unwanted(name))
        .cloned()
        .collect();
    for name in unwanted {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        headers
    }

    #[test]
    fn s19_only_a_named_proxy_is_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let far = "198.51.100.7";
        for (socket, forwarded, expected) in [
            ("203.0.113.1:5", vec![far], "203.0.113.1"),
            ("10.0.0.1:5", vec![], "10.0.0.1"),
            ("10.0.0.1:5", vec![far], far),
            ("[::ffff:10.0.0.1]:5", vec![far], far),
            ("10.0.0.1:5", vec!["1.2.3.4, 198.51.100.7"], far),
            ("10.0.0.1:5", vec!["1.2.3.4", "198.51.100.7, 10.9.9.9"], far),
            ("10.0.0.1:5", vec!["198.51.100.7", "nonsense"], "10.0.0.1"),
            ("10.0.0.1:5", vec!["10.0.0.2"], "10.0.0.2"),
        ] {
            let fields: Vec<(&str, &str)> = forwarded
                .iter()
                .map(|value| ("x-forwarded-for", *value))
                .collect();
            let peer = PeerAddr::of(socket.parse().unwrap(), &headers(&fields), &trusted);
            assert_eq!(
                peer.0.ip(),
                expected.parse::<IpAddr>().unwrap(),
                "{socket} {forwarded:?}"
            );
            let peer = PeerAddr::of(socket.parse().unwrap(), &headers(&fields), &[]);
            assert_eq!(peer.0, socket.parse().unwrap());
        }
    }

    #[test]
    fn s19_what_names_the_client_goes_no_further() {
        let mut map = headers(&[
            ("forwarded", "for=x"),
            ("x-forwarded-for", "x"),
            ("x-forwarded-host", "evil"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "x"),
            ("x_forwarded_for", "x"),
            ("x.forwarded.for", "x"),
            ("x_real.ip", "x"),
            ("x-forwarded", "x"),
            ("accept", "y"),
        ]);
        strip_forwarded(&mut map);
        assert_eq!(map, headers(&[("accept", "y")]));
    }

    #[test]
    fn s18_connection_takes_its_fields_with_it() {
        let mut map = headers(&[
            ("connection", "close, Cookie"),
            ("connection", "x-a,upgrade , host, origin"),
            ("cookie", "c"),
            ("x-a", "a"),
            ("x-b", "b"),
            ("host", "h"),
            ("upgrade", "websocket"),
            ("origin", "o"),
        ]);
        strip_connection_named(&mut map);
        for (name, stays) in [
            ("cookie", false),
            ("x-a", false),
            ("x-b", true),
            ("host", true),
            ("upgrade", true),
            ("origin", true),
        ] {
            assert_eq!(map.contains_key(name), stays, "{name}");
        }
    }

    proptest! {
        #[test]
        fn s18_no_options_panic(options in "[ -~]{0,60}") {
            let mut map = headers(&[("connection", &options), ("x-a", "a")]);
            strip_connection_named(&mut map);
            prop_assert!(map.contains_key("connection"));
        }
    }
}
