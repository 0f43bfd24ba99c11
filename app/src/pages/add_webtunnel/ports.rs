//! Ports, as people type them.

use api::WebTunnelPorts;

/// What stands in the fields.
pub(super) struct Typed<'a> {
    pub(super) http: &'a str,
    pub(super) ssh: &'a str,
    pub(super) vnc: &'a str,
    pub(super) others: &'a str,
}

impl Typed<'_> {
    /// The ports; an error says what is wrong.
    pub(super) fn read(&self) -> Result<WebTunnelPorts, &'static str> {
        let others = self.others.split([',', ';', ' ']).map(str::trim);
        let others = others.filter(|text| !text.is_empty()).map(port);
        let ports = WebTunnelPorts {
            http: optional(self.http)?,
            ssh: optional(self.ssh)?,
            vnc: optional(self.vnc)?,
            rdp: None,
            others: others.collect::<Result<_, _>>()?,
        };
        if ports == WebTunnelPorts::default() {
            return Err("Name one port at least: an agent without any does not start.");
        }
        Ok(ports)
    }
}

fn optional(text: &str) -> Result<Option<u16>, &'static str> {
    let text = text.trim();
    (!text.is_empty()).then(|| port(text)).transpose()
}

fn port(text: &str) -> Result<u16, &'static str> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or("Ports are numbers from 1 to 65535.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        let typed = |http, others| Typed {
            http,
            ssh: "",
            vnc: " ",
            others,
        };
        let ports = typed(" 80 ", "8080, 9000;9001 9002").read().unwrap();
        assert_eq!(ports.http, Some(80));
        assert_eq!(ports.others, [8080, 9000, 9001, 9002]);
        assert_eq!(ports.vnc, None);
        for (http, others) in [("", ""), ("x", ""), ("0", ""), ("80", "70000"), ("-1", "")] {
            assert!(typed(http, others).read().is_err(), "{http} {others}");
        }
    }
}
