//! URLs of the device's own become URLs of its page; all others are the device's to give.

use http::HeaderValue;

use super::Crossing;

/// A `Location` as the browser must see it.
pub(super) fn at_page(value: &HeaderValue, crossing: &Crossing) -> HeaderValue {
    value
        .to_str()
        .ok()
        .and_then(|url| page_url(url.trim(), crossing))
        .and_then(|url| HeaderValue::try_from(url).ok())
        .unwrap_or_else(|| value.clone())
}

/// The same for `Refresh: 5; url=…`.
pub(super) fn refresh_at_page(value: &HeaderValue, crossing: &Crossing) -> HeaderValue {
    let rewritten = || {
        let text = value.to_str().ok()?;
        let (delay, target) = text.split_once([';', ','])?;
        let (name, url) = target.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("url") {
            return None;
        }
        let url = page_url(url.trim().trim_matches(['"', '\'']), crossing)?;
        HeaderValue::try_from(format!("{delay};url={url}")).ok()
    };
    rewritten().unwrap_or_else(|| value.clone())
}

/// `None`: not the device's own, or relative; it stays as it is.
fn page_url(url: &str, crossing: &Crossing) -> Option<String> {
    let (scheme, rest) = if let Some(rest) = url.strip_prefix("//") {
        (crossing.device_scheme(), rest)
    } else {
        let (scheme, rest) = url.split_once("://")?;
        if scheme.eq_ignore_ascii_case("http") {
            ("http", rest)
        } else if scheme.eq_ignore_ascii_case("https") {
            ("https", rest)
        } else {
            return None;
        }
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if !is_own(scheme, authority, crossing) {
        return None;
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some(format!("{}{slash}{path}", crossing.page_origin))
}

/// The device's host and port by any of its names, or the page's own, which devices learn from
/// `X-Forwarded-Host`.
fn is_own(scheme: &str, authority: &str, crossing: &Crossing) -> bool {
    let (host, port) = split(authority);
    let port = port.unwrap_or(default_port(scheme));
    let (device_host, device_port) = split(&crossing.authority);
    let is_device = port == device_port.unwrap_or(default_port(crossing.device_scheme()))
        && (host.eq_ignore_ascii_case(device_host)
            || is_loopback(host) && is_loopback(device_host));
    let (page_host, _) = split(crossing.page_authority());
    is_device
        || authority.eq_ignore_ascii_case(crossing.page_authority())
        || authority.eq_ignore_ascii_case(page_host)
}

fn split(authority: &str) -> (&str, Option<u16>) {
    let name_end = authority.find(']').map_or(0, |at| at + 1);
    match authority[name_end..].find(':') {
        None => (authority, None),
        Some(colon) => {
            let (host, port) = authority.split_at(name_end + colon);
            // A port that is none makes the whole no authority of the device.
            (host, Some(port[1..].parse().unwrap_or(0)))
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}
