//! Things that the unit tests share.

use api::{AgentKind, Device, DeviceId, DeviceState, Service, ServiceKind, Timestamp};

/// An online device of this name with one web service; its id follows from the name.
pub(crate) fn device(name: &str) -> Device {
    let mut bytes = [0; 16];
    for (at, byte) in name.bytes().enumerate() {
        bytes[at % 16] ^= byte.wrapping_mul(31).wrapping_add(at as u8);
    }
    Device {
        id: DeviceId(uuid::Uuid::from_bytes(bytes)),
        name: name.to_owned(),
        label: name.to_lowercase(),
        state: DeviceState::Online,
        state_since: None,
        last_seen: Some(Timestamp(0)),
        rtt_ms: Some(2),
        address: Some("203.0.113.7".to_owned()),
        agent_version: None,
        os: None,
        host_name: None,
        enrolled_at: Timestamp(0),
        services: vec![service("web", ServiceKind::Web)],
        agent: AgentKind::Adit,
        disabled_at: None,
        certificates_changed_at: None,
        attention: None,
    }
}

/// A service of this name and kind.
pub(crate) fn service(name: &str, kind: ServiceKind) -> Service {
    Service {
        name: name.to_owned(),
        kind,
        title: name.to_owned(),
        port: 80,
        tls: false,
        hidden: false,
        url: None,
        host_keys: Vec::new(),
    }
}
