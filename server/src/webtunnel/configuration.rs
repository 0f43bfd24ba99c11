//! What an agent's configuration needs: lines of `WebTunnelAgent.properties`, or the whole file
//! (WEBTUNNEL section 11).
//!
//! `${` begins a reference in such a file, and nothing takes that away; a backslash begins an
//! escape. A secret that we make has neither.

use std::collections::BTreeSet;
use std::fmt::Write;

use api::WebTunnelPorts;

use crate::access::Secret;
use crate::config::Config;

use super::{AgentMade, WebTunnelError};

/// More than the agent has channels for.
const OTHERS_MAX: usize = 64;

/// The lines by which the agent finds the server and says who it is. The secret is in them where it
/// was made just now.
#[must_use]
pub fn agent_lines(made: &AgentMade, config: &Config) -> String {
    let mut lines = String::new();
    line(
        &mut lines,
        "webtunnel.reflectorURI",
        &config.webtunnel_url(),
    );
    line(&mut lines, "webtunnel.domain", &made.domain.to_string());
    line(&mut lines, "webtunnel.deviceId", &made.agent_id);
    let username = "${webtunnel.deviceId}@${webtunnel.domain}";
    line(&mut lines, "webtunnel.username", username);
    if let Some(secret) = &made.secret {
        line(&mut lines, "webtunnel.password", Secret::reveal(secret));
    }
    lines
}

/// A whole file. The ports have passed [`check_ports`].
pub(super) fn agent_file(
    made: &AgentMade,
    name: Option<&str>,
    ports: &WebTunnelPorts,
    config: &Config,
) -> String {
    let mut file = String::from("# Configuration of a device's WebTunnel agent.\n");
    file.push_str(match made.secret {
        Some(_) => "# It holds the device's secret: let nobody but the agent read it.\n\n",
        None => "# The line webtunnel.password is for you to add.\n\n",
    });
    file.push_str(&agent_lines(made, config));
    if let Some(name) = name.filter(|name| !name.contains(['$', '\\'])) {
        line(&mut file, "webtunnel.deviceName", name);
    }
    file.push('\n');
    line(&mut file, "webtunnel.host", "localhost");
    let all: Vec<String> = all(ports).iter().map(u16::to_string).collect();
    line(&mut file, "webtunnel.ports", &all.join(", "));
    for (key, port) in [
        ("webtunnel.httpPort", ports.http),
        ("webtunnel.sshPort", ports.ssh),
        ("webtunnel.vncPort", ports.vnc),
        ("webtunnel.rdpPort", ports.rdp),
    ] {
        if let Some(port) = port {
            line(&mut file, key, &port.to_string());
        }
    }
    if config.public_url.is_https() {
        file.push_str(
            "\n# The agent's own defaults let anybody stand in for the server. Where its certificate\n\
             # is of an authority of your own, name that in tls.caLocation.\n",
        );
        line(&mut file, "tls.acceptUnknownCertificate", "false");
        line(&mut file, "tls.extendedCertificateVerification", "true");
    }
    file
}

/// Each once.
fn all(ports: &WebTunnelPorts) -> BTreeSet<u16> {
    let known = [ports.http, ports.ssh, ports.vnc, ports.rdp];
    let others = ports.others.iter().copied();
    known.into_iter().flatten().chain(others).collect()
}

/// # Errors
/// When there is no port, too many, or one that cannot be.
pub(super) fn check_ports(ports: &WebTunnelPorts) -> Result<(), WebTunnelError> {
    let invalid = |detail| WebTunnelError::Invalid {
        field: "ports",
        detail,
    };
    let all = all(ports);
    if all.is_empty() {
        return Err(invalid("It needs one at least."));
    }
    if all.contains(&0) {
        return Err(invalid("Ports are from 1 to 65535."));
    }
    if ports.others.len() > OTHERS_MAX {
        return Err(invalid("There may be 64 others at most."));
    }
    Ok(())
}

fn line(file: &mut String, key: &str, value: &str) {
    // A `String` takes all that is written.
    let _ = writeln!(file, "{key} = {value}");
}

#[cfg(test)]
mod tests {
    use api::DeviceId;
    use uuid::Uuid;

    use super::*;
    use crate::access::Class;

    fn made(secret: Option<Secret>) -> AgentMade {
        AgentMade {
            device: DeviceId(Uuid::nil()),
            agent_id: "pump-7".to_owned(),
            domain: Uuid::from_u128(1),
            label: "pump-7".to_owned(),
            secret,
        }
    }

    fn file(name: Option<&str>, ports: &WebTunnelPorts, url: &str) -> String {
        let config = Config::new(url, "devices.example").unwrap();
        let secret = Secret::generate(Class::WebTunnelAgent);
        let secret_text = secret.reveal().to_owned();
        let file = agent_file(&made(Some(secret)), name, ports, &config);
        file.replace(&secret_text, "SECRET")
    }

    #[test]
    fn a_whole_file() {
        let ports = WebTunnelPorts {
            http: Some(8080),
            ssh: Some(22),
            others: vec![8080, 9000],
            ..WebTunnelPorts::default()
        };
        assert_eq!(
            file(Some("Pump 7"), &ports, "https://adit.example"),
            "# Configuration of a device's WebTunnel agent.\n\
             # It holds the device's secret: let nobody but the agent read it.\n\n\
             webtunnel.reflectorURI = https://devices.example\n\
             webtunnel.domain = 00000000-0000-0000-0000-000000000001\n\
             webtunnel.deviceId = pump-7\n\
             webtunnel.username = ${webtunnel.deviceId}@${webtunnel.domain}\n\
             webtunnel.password = SECRET\n\
             webtunnel.deviceName = Pump 7\n\n\
             webtunnel.host = localhost\n\
             webtunnel.ports = 22, 8080, 9000\n\
             webtunnel.httpPort = 8080\n\
             webtunnel.sshPort = 22\n\n\
             # The agent's own defaults let anybody stand in for the server. Where its certificate\n\
             # is of an authority of your own, name that in tls.caLocation.\n\
             tls.acceptUnknownCertificate = false\n\
             tls.extendedCertificateVerification = true\n"
        );
    }

    #[test]
    fn what_would_be_read_as_something_else_is_left_out() {
        let ports = WebTunnelPorts {
            http: Some(80),
            ..WebTunnelPorts::default()
        };
        for name in ["${system.env.HOME}", "a\\nb"] {
            let file = file(Some(name), &ports, "http://adit.localhost");
            assert!(
                !file.contains("deviceName") && !file.contains("tls."),
                "{file}"
            );
        }
    }

    #[test]
    fn an_agent_without_ports_would_not_start() {
        let zero = WebTunnelPorts {
            others: vec![0],
            ..WebTunnelPorts::default()
        };
        let many = WebTunnelPorts {
            others: (1..=65).collect(),
            ..WebTunnelPorts::default()
        };
        for ports in [WebTunnelPorts::default(), zero, many] {
            assert!(check_ports(&ports).is_err());
        }
    }

    #[test]
    fn a_made_secret_means_what_it_is() {
        for _ in 0..1000 {
            let secret = Secret::generate(Class::WebTunnelAgent);
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            assert!(secret.reveal().bytes().all(is_plain));
        }
    }
}
