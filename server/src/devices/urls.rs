//! Where devices' pages are, from configuration alone.

use crate::config::Config;

/// What all pages' URLs have in common.
pub(super) struct Urls {
    scheme: String,
    /// `.domain`, and `:port` when it is not the scheme's own.
    rest: String,
}

impl Urls {
    pub(super) fn new(config: &Config) -> Self {
        let public = config.public_url.as_str().trim_end_matches('/');
        let (scheme, host) = public.split_once("://").unwrap_or(("https", public));
        let after_brackets = host.rfind(']').map_or(0, |end| end + 1);
        let port = host[after_brackets..]
            .find(':')
            .map_or("", |at| &host[after_brackets + at..]);
        let domain = config.device_domain.as_str();
        Self {
            scheme: scheme.to_owned(),
            rest: format!(".{domain}{port}"),
        }
    }

    /// The page of a device, or of one of its other services.
    pub(super) fn page(&self, label: &str, service: Option<&str>) -> String {
        let (scheme, rest) = (&self.scheme, &self.rest);
        match service {
            None => format!("{scheme}://{label}{rest}/"),
            Some(service) => format!("{scheme}://{label}--{service}{rest}/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    #[test]
    fn pages() {
        for (public_url, domain, expected) in [
            (
                "http://adit.localhost:8080",
                "adit.localhost",
                "http://l.adit.localhost:8080/",
            ),
            (
                "https://m.example",
                "devices.example",
                "https://l.devices.example/",
            ),
        ] {
            let urls = Urls::new(&config(public_url, domain));
            assert_eq!(urls.page("l", None), expected);
            assert_eq!(urls.page("l", Some("s")), expected.replace("/l.", "/l--s."));
        }
    }
}
