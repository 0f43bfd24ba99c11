//! What a configuration must be beyond its types, and what is worth a warning.

use std::fmt;

use super::load::Problem;
use super::{Config, Origin, Redirect, Timers};

/// Something that works but that its owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Device pages and the manager look like one site to browsers.
    OneSite { manager: String, devices: String },
    /// `https` is promised, but nothing says who ends TLS before us.
    NobodyEndsTls,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneSite { manager, devices } => write!(
                f,
                "public_url ({manager}) and device_domain ({devices}) look like one site to \
                 browsers; a registrable domain of its own for devices separates them better"
            ),
            Self::NobodyEndsTls => f.write_str(
                "public_url is https, but there is neither listen.tls nor a listen.trusted_proxies: \
                 a proxy must end TLS, and all requests will seem to come from it",
            ),
        }
    }
}

/// Checks what types cannot say.
///
/// # Errors
/// Every problem found, each naming its key.
pub fn check(config: &Config) -> Result<Vec<Warning>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut refuse = |key: &str, what: String| problems.push(Problem::of_key(key, what));
    let listen = &config.listen;
    let public = &config.public_url;

    let behind_proxy = !listen.trusted_proxies.is_empty();
    if listen.tls.is_none() && !listen.address.ip().is_loopback() && !behind_proxy {
        refuse(
            "listen.address",
            format!(
                "plain HTTP at {} would be open to the network: give listen.tls, listen on \
                 loopback, or name the proxy that ends TLS in listen.trusted_proxies",
                listen.address
            ),
        );
    }
    if !public.is_https() && !public.is_loopback() {
        refuse(
            "public_url",
            format!("{public} is plain HTTP; only localhost may be"),
        );
    }
    if !public.is_https() && listen.tls.is_some() {
        refuse(
            "public_url",
            format!("{public} is plain HTTP, but listen.tls is given"),
        );
    }
    if let Some(devices) = &listen.device_certificates {
        let host = devices.url.host();
        let domain = config.device_domain.as_str();
        let is_below = host
            .strip_suffix(domain)
            .is_some_and(|front| front.is_empty() || front.ends_with('.'));
        let is_taken = host == public.host()
            || is_below
            || config
                .agent_origins
                .iter()
                .any(|other| other.host() == host);
        if is_taken || !devices.url.is_https() {
            refuse(
                "listen.device_certificates.url",
                format!(
                    "{} must be https, at a name that is neither public_url's, nor of agent_origins, \
                     nor at or below device_domain",
                    devices.url
                ),
            );
        }
        if listen.tls.is_none() {
            refuse(
                "listen.device_certificates",
                "needs listen.tls: a certificate that a proxy tells of is not believed".to_owned(),
            );
        }
        if devices.authorities.is_empty() {
            refuse(
                "listen.device_certificates.authorities",
                "name at least one: nobody could connect".to_owned(),
            );
        }
    }
    for origin in &config.agent_origins {
        if !origin.is_https() && !origin.is_loopback() {
            refuse(
                "agent_origins",
                format!("{origin} is plain HTTP; only localhost may be"),
            );
        }
    }
    // Agents send their passwords there.
    let other = config
        .webtunnel
        .redirect
        .as_ref()
        .and_then(Redirect::origin);
    if let Some(origin) = other
        && !origin.is_https()
        && !origin.is_loopback()
    {
        refuse(
            "webtunnel.redirect",
            format!("{origin} is plain HTTP; only localhost may be"),
        );
    }
    let metrics = &config.metrics;
    let may_be_read = metrics.token_file.is_some() || metrics.allow_remote;
    if let Some(address) = metrics.listen
        && !address.ip().is_loopback()
        && !may_be_read
    {
        refuse(
            "metrics.listen",
            format!(
                "the figures at {address} would be open to the network: listen on loopback, give \
                 metrics.token_file, or say metrics.allow_remote"
            ),
        );
    }
    for (key, value) in limits_and_timers(config) {
        if value == 0 {
            refuse(key, "must be greater than 0".to_owned());
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }

    let mut warnings = Vec::new();
    if may_be_one_site(public, config.device_domain.as_str()) {
        warnings.push(Warning::OneSite {
            manager: public.host().to_owned(),
            devices: config.device_domain.to_string(),
        });
    }
    if public.is_https() && listen.tls.is_none() && !behind_proxy {
        warnings.push(Warning::NobodyEndsTls);
    }
    Ok(warnings)
}

/// Two names of one site have their last two labels in common. The reverse does not hold below
/// public suffixes of two labels; one warning too many is the price of needing no suffix list.
fn may_be_one_site(public: &Origin, device_domain: &str) -> bool {
    fn tail(name: &str) -> (Option<&str>, Option<&str>) {
        let mut labels = name.rsplit('.');
        (labels.next(), labels.next())
    }
    tail(public.host()) == tail(device_domain)
}

fn limits_and_timers(config: &Config) -> Vec<(&'static str, u64)> {
    let limits = &config.limits;
    // Named one by one, so that a new timer fails to compile here until it is checked.
    let Timers {
        tls_handshake_ms,
        first_byte_ms,
        head_ms,
        keep_alive_ms,
        body_stall_ms,
        api_body_ms,
        write_stall_ms,
        answer_ms,
        stop_grace_ms: _,
        webtunnel_keep_alive_ms,
    } = config.timers;
    vec![
        ("limits.connections", limits.connections as u64),
        (
            "limits.connections_per_address",
            limits.connections_per_address as u64,
        ),
        ("limits.api_body_bytes", limits.api_body_bytes as u64),
        ("limits.stream_life_s", limits.stream_life_s),
        (
            "limits.tunnel_memory_bytes",
            limits.tunnel_memory_bytes.unwrap_or(u64::MAX),
        ),
        ("limits.tunnels", limits.tunnels.unwrap_or(u64::MAX)),
        (
            "limits.tunnel_handshakes_per_s",
            limits.tunnel_handshakes_per_s.unwrap_or(u32::MAX).into(),
        ),
        ("timers.tls_handshake_ms", tls_handshake_ms),
        ("timers.first_byte_ms", first_byte_ms),
        ("timers.head_ms", head_ms),
        ("timers.keep_alive_ms", keep_alive_ms),
        ("timers.body_stall_ms", body_stall_ms),
        ("timers.api_body_ms", api_body_ms),
        ("timers.write_stall_ms", write_stall_ms),
        ("timers.answer_ms", answer_ms),
        ("timers.webtunnel_keep_alive_ms", webtunnel_keep_alive_ms),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Tls;

    fn keys(config: &Config) -> Vec<String> {
        check(config)
            .unwrap_err()
            .into_iter()
            .map(|problem| problem.key)
            .collect()
    }

    #[test]
    fn plain_http_off_loopback_needs_a_named_proxy() {
        let mut config = Config::new("https://a.example", "devices.test").unwrap();
        assert_eq!(check(&config).unwrap(), [Warning::NobodyEndsTls]);
        config.listen.address = "0.0.0.0:80".parse().unwrap();
        assert_eq!(keys(&config), ["listen.address"]);
        config.listen.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        assert_eq!(check(&config).unwrap(), []);
        config.listen.trusted_proxies.clear();
        config.listen.tls = Some(Tls {
            certificate: "c".into(),
            key: "k".into(),
        });
        assert_eq!(check(&config).unwrap(), []);
    }

    #[test]
    fn agents_are_sent_to_no_plain_http() {
        let mut config = Config::new("http://localhost:8080", "devices.test").unwrap();
        for (redirect, is_good) in [
            ("/eu", true),
            ("https://b.example/eu", true),
            ("http://127.0.0.1:81/", true),
            ("http://b.example/", false),
        ] {
            config.webtunnel.redirect = Some(redirect.parse().unwrap());
            assert_eq!(check(&config).is_ok(), is_good, "{redirect}");
        }
    }

    #[test]
    fn a_plain_public_url_is_for_localhost() {
        let config = Config::new("http://a.example", "devices.test").unwrap();
        assert_eq!(keys(&config), ["public_url"]);
        let config = Config::new("http://localhost:8080", "devices.test").unwrap();
        assert_eq!(check(&config).unwrap(), []);
    }

    #[test]
    fn s44_figures_off_loopback_need_a_token_or_a_word() {
        let mut config = Config::new("http://localhost:8080", "devices.test").unwrap();
        config.metrics.listen = "127.0.0.1:9464".parse().ok();
        assert_eq!(check(&config).unwrap(), []);
        config.metrics.listen = "0.0.0.0:9464".parse().ok();
        assert_eq!(keys(&config), ["metrics.listen"]);
        config.metrics.token_file = Some("token".into());
        assert_eq!(check(&config).unwrap(), []);
        config.metrics.token_file = None;
        config.metrics.allow_remote = true;
        assert_eq!(check(&config).unwrap(), []);
    }

    #[test]
    fn one_site_is_worth_a_warning() {
        for (public, devices, one) in [
            ("https://adit.example.com", "example.com", true),
            ("https://example.com", "devices.example.com", true),
            ("https://adit.test", "adit.test", true),
            ("https://adit.test", "adit-devices.test", false),
            ("https://example.com", "example.net", false),
        ] {
            assert_eq!(
                may_be_one_site(&public.parse().unwrap(), devices),
                one,
                "{public}"
            );
        }
    }

    #[test]
    fn a_timer_of_nothing_is_refused() {
        let mut config = Config::new("http://localhost:8080", "devices.test").unwrap();
        config.timers.head_ms = 0;
        config.limits.connections = 0;
        assert_eq!(keys(&config), ["limits.connections", "timers.head_ms"]);
    }

    #[test]
    fn certificates_of_devices_need_tls_here_and_a_name_of_their_own() {
        let with = |url: &str, has_tls: bool| {
            let mut config = Config::new("https://adit.example", "d.example").unwrap();
            config.listen.tls = has_tls.then(|| Tls {
                certificate: "cert.pem".into(),
                key: "key.pem".into(),
            });
            let authority = crate::config::Authority {
                organization: api::OrganizationId(uuid::Uuid::nil()),
                file: "ca.pem".into(),
            };
            config.listen.device_certificates = Some(crate::config::DeviceCertificates {
                url: url.parse().unwrap(),
                authorities: vec![authority],
            });
            check(&config).is_ok()
        };
        assert!(with("https://tls.example", true));
        assert!(with("https://not-d.example", true));
        for taken in [
            "https://adit.example",
            "https://adit.example:8443",
            "https://d.example",
            "https://pump.d.example",
            "http://localhost",
        ] {
            assert!(!with(taken, true), "{taken}");
        }
        assert!(!with("https://tls.example", false));
    }
}
