//! Words for devices and their services.

use api::{AgentKind, Attention, Device, DeviceState, Service, Timestamp};

use super::{duration, relative};

/// A device's state: one word for a list, a sentence for its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateWords {
    pub(crate) word: &'static str,
    pub(crate) sentence: String,
}

/// How a device's state is put into words.
pub(crate) fn state_words(device: &Device, now: Timestamp) -> StateWords {
    if let Some(at) = device.disabled_at {
        return StateWords {
            word: "Disabled",
            sentence: format!("Disabled {}", relative(at, now)),
        };
    }
    let (word, sentence) = match (device.state, device.state_since.or(device.last_seen)) {
        (DeviceState::Online, Some(since)) => {
            ("Online", format!("Online for {}", duration(since, now)))
        }
        (DeviceState::Online, None) => ("Online", "Online".to_owned()),
        (DeviceState::Reconnecting, _) => (
            "Reconnecting",
            "Reconnecting: its connection was lost a moment ago".to_owned(),
        ),
        (DeviceState::Offline, Some(since)) => {
            let ago = relative(since, now);
            ("Offline", format!("Offline, last seen {ago}"))
        }
        (DeviceState::Offline, None) => ("Offline", "Offline".to_owned()),
        (DeviceState::NeverSeen, _) => ("Not yet seen", "Has not connected yet".to_owned()),
    };
    StateWords { word, sentence }
}

/// What somebody should look at: what it is, what it means, what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttentionWords {
    pub(crate) what: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) advice: &'static str,
}

/// How something that wants attention is put into words.
pub(crate) const fn attention_words(attention: Attention) -> AttentionWords {
    match attention {
        Attention::DuplicateKey => AttentionWords {
            what: "Two agents use this device's key",
            meaning: "They kept replacing each other. For ten minutes the newest one stays \
                      connected, and the other is kept out.",
            advice: "Was the device's disk or its agent's folder copied? Stop the agent on the \
                     copy, delete its key and enroll it as a device of its own. If nobody copied \
                     it, somebody may have stolen the key: delete this device and its key, and \
                     enroll it anew.",
        },
        _ => AttentionWords {
            what: "This device needs attention",
            meaning: "The server reports something that this page does not know yet.",
            advice: "Reload the page to get its newest version.",
        },
    }
}

/// What to try when a device cannot be reached, the likeliest first; empty when it can.
pub(crate) fn offline_advice(device: &Device) -> &'static [&'static str] {
    let is_adit = device.agent == AgentKind::Adit;
    match device.state {
        DeviceState::Online => &[],
        _ if device.disabled_at.is_some() => &[],
        DeviceState::Reconnecting => {
            &["Wait a minute: the agent reconnects by itself and this page follows."]
        }
        DeviceState::Offline if is_adit => &[
            "Check that the device has power and a network.",
            "Look whether the agent runs: systemctl status adit-agent.",
            "Make sure that its network lets it reach this server over HTTPS.",
        ],
        DeviceState::Offline => &[
            "Check that the device has power and a network.",
            "Look whether its WebTunnel agent runs, and what it logs.",
            "Make sure that its network lets it reach this server over HTTPS.",
        ],
        DeviceState::NeverSeen if !is_adit => &[
            "Start its agent with the configuration that was made for it, and see what it logs.",
            "Make sure that its network lets it reach this server over HTTPS.",
        ],
        DeviceState::NeverSeen => &[
            "Start the agent on the device: adit-agent run.",
            "Make sure that its network lets it reach this server over HTTPS.",
        ],
    }
}

/// The services to show: the hidden ones left out, in the server's order.
pub(crate) fn services_in_order(device: &Device) -> Vec<Service> {
    let shown = device.services.iter().filter(|service| !service.hidden);
    shown.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::device;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    #[test]
    fn a_state_says_since_when() {
        let mut one = device("pump-07");
        one.state = DeviceState::Online;
        one.state_since = Some(NOW.plus_seconds(-3 * 86_400));
        assert_eq!(state_words(&one, NOW).sentence, "Online for 3 days");
        one.state = DeviceState::Offline;
        assert_eq!(
            state_words(&one, NOW).sentence,
            "Offline, last seen 3 days ago"
        );
        one.state_since = None;
        one.last_seen = Some(NOW.plus_seconds(-7200));
        assert_eq!(
            state_words(&one, NOW).sentence,
            "Offline, last seen 2 h ago"
        );
    }

    #[test]
    fn whoever_cannot_be_reached_gets_advice() {
        let mut one = device("pump-07");
        assert!(offline_advice(&one).is_empty());
        for state in [
            DeviceState::Reconnecting,
            DeviceState::Offline,
            DeviceState::NeverSeen,
        ] {
            for agent in [AgentKind::Adit, AgentKind::WebTunnel] {
                (one.state, one.agent) = (state, agent);
                assert!(!offline_advice(&one).is_empty());
            }
        }
        one.disabled_at = Some(NOW);
        assert!(offline_advice(&one).is_empty());
        assert_eq!(state_words(&one, NOW).word, "Disabled");
    }

    #[test]
    fn hidden_services_are_not_shown() {
        let mut one = device("pump-07");
        one.services[0].hidden = true;
        assert!(services_in_order(&one).is_empty());
    }
}
