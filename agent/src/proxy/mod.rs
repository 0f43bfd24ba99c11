//! Which HTTP proxy leads to the server: the configuration's, else the environment's.

mod exceptions;
mod url;

use crate::host::Host;
use crate::server::ServerUrl;

use self::exceptions::is_excepted;
pub use self::url::{ProxyUrl, ProxyUrlError};

/// `proxy` in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Not given: as `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Environment,
    /// `""`: none, whatever the environment says.
    None,
    /// This one, without exceptions.
    At(ProxyUrl),
}

/// A variable of the environment names no proxy that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the environment variable {variable}: {source}. Set it right, or proxy in the agent's \
     configuration (\"\" for none)"
)]
pub struct ProxyVariableError {
    variable: &'static str,
    source: ProxyUrlError,
}

/// In this order; lower case first, as curl and wget read them. `http_proxy` is not among them:
/// plain http is for servers on the machine itself, and no proxy leads there.
const VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

impl Proxy {
    /// The proxy for `server`. `variable` reads the environment.
    pub(crate) fn towards(
        &self,
        server: &ServerUrl,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<ProxyUrl>, ProxyVariableError> {
        match self {
            Self::None => return Ok(None),
            Self::At(proxy) => return Ok(Some(proxy.clone())),
            Self::Environment => {}
        }
        let first_of = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = variable(name)?;
                let value = value.trim();
                (!value.is_empty()).then(|| (*name, value.to_owned()))
            })
        };
        let on_this_machine = match server.host() {
            Host::Address(address) => address.is_loopback(),
            name @ Host::Name(_) => name.is_localhost(),
        };
        let exceptions = first_of(&EXCEPTIONS).map(|(_, text)| text);
        if on_this_machine
            || exceptions.is_some_and(|text| is_excepted(&text, server.host(), server.port()))
        {
            return Ok(None);
        }
        let Some((variable, text)) = first_of(&VARIABLES) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(proxy) => Ok(Some(proxy)),
            Err(source) => Err(ProxyVariableError { variable, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(setting: &Proxy, server: &str, variables: &[(&str, &str)]) -> Option<String> {
        let server = server.parse().unwrap();
        let proxy = setting.towards(&server, |name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        proxy.unwrap().map(|proxy| proxy.to_string())
    }

    #[test]
    fn the_environment_is_read_as_others_read_it() {
        let server = "https://adit.example";
        for (variables, proxy) in [
            (&[("HTTPS_PROXY", "http://a:1")][..], Some("http://a:1")),
            (&[("https_proxy", "a:1")], Some("http://a:1")),
            (
                &[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://b:2")],
                Some("http://b:2"),
            ),
            (
                &[("https_proxy", " "), ("ALL_PROXY", "http://c:3")],
                Some("http://c:3"),
            ),
            (&[("http_proxy", "a:1"), ("HTTP_PROXY", "b:1")], None),
            (&[("HTTPS_PROXY", "a:1"), ("NO_PROXY", ".example")], None),
            (
                &[("HTTPS_PROXY", "a:1"), ("NO_PROXY", "adit.example:8443")],
                Some("http://a:1"),
            ),
            (&[], None),
        ] {
            let found = chosen(&Proxy::Environment, server, variables);
            assert_eq!(found.as_deref(), proxy, "{variables:?}");
        }
    }

    #[test]
    fn the_configuration_rules_over_the_environment() {
        let variables = [("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "*")];
        let server = "https://adit.example";
        assert_eq!(chosen(&Proxy::None, server, &variables[..1]), None);
        let at = Proxy::At("https://p.example".parse().unwrap());
        assert_eq!(
            chosen(&at, server, &variables).as_deref(),
            Some("https://p.example:443")
        );
    }

    #[test]
    fn no_variable_sends_a_server_on_this_machine_through_a_proxy() {
        for server in [
            "http://localhost",
            "https://adit.localhost:8443",
            "https://127.0.0.1",
            "https://[::1]:8443",
        ] {
            let variables = [("ALL_PROXY", "http://a:1")];
            assert_eq!(chosen(&Proxy::Environment, server, &variables), None);
        }
    }

    #[test]
    fn a_bad_variable_is_named_and_its_password_is_not() {
        let server = "https://adit.example".parse().unwrap();
        let error = Proxy::Environment
            .towards(&server, |name| {
                (name == "ALL_PROXY").then(|| "socks5://me:secret@a:1".to_owned())
            })
            .unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("ALL_PROXY") && text.contains("SOCKS"),
            "{text}"
        );
        assert!(!text.contains("secret"), "{text}");
    }
}
