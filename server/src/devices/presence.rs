//! Whether a device can be reached. In memory only, and pure: the time is an argument.

use api::{DeviceState, Timestamp};

/// How long a device that lost its tunnel is expected back.
const EXPECTED_FOR_S: i64 = 20;

/// A device's presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    NeverSeen,
    Online {
        epoch: u64,
        since: Timestamp,
        alive: Timestamp,
        rtt_ms: Option<u32>,
    },
    /// The tunnel has lost its connection and is kept for the next.
    Suspended {
        epoch: u64,
        at: Timestamp,
    },
    /// No tunnel; expected back until `expected_until`.
    Lost {
        epoch: u64,
        at: Timestamp,
        expected_until: Timestamp,
    },
}

impl Presence {
    /// At the server's start, of a device last seen at this time.
    pub(super) fn at_start(
        last_seen: Option<Timestamp>,
        expected_until: Option<Timestamp>,
    ) -> Self {
        match last_seen {
            None => Self::NeverSeen,
            Some(at) => Self::Lost {
                epoch: 0,
                at,
                expected_until: expected_until.unwrap_or(at),
            },
        }
    }

    /// A tunnel is up. Whether this is news: one of an older epoch is none.
    pub(super) fn connected(&mut self, epoch: u64, now: Timestamp) -> bool {
        let news = epoch > self.epoch();
        if news {
            *self = Self::Online {
                epoch,
                since: now,
                alive: now,
                rtt_ms: None,
            };
        }
        news
    }

    /// The tunnel of this epoch answered in this time. Whether people should see it: small
    /// changes are kept to ourselves.
    pub(super) fn measured(&mut self, epoch: u64, measured_ms: u32, now: Timestamp) -> bool {
        match self {
            Self::Online {
                epoch: current,
                alive,
                rtt_ms,
                ..
            } if *current == epoch => {
                *alive = now;
                let news = rtt_ms.is_none_or(|shown| {
                    let change = shown.abs_diff(measured_ms);
                    change >= 20 && change >= shown / 2
                });
                if news {
                    *rtt_ms = Some(measured_ms);
                }
                news
            }
            _ => false,
        }
    }

    /// The tunnel of this epoch is connected.
    pub(super) fn alive(&mut self, epoch: u64, now: Timestamp) {
        if let Self::Online {
            epoch: current,
            alive,
            ..
        } = self
            && *current == epoch
        {
            *alive = now;
        }
    }

    /// The tunnel of this epoch has lost its connection and is kept. Whether this is news.
    pub(super) fn suspended(&mut self, epoch: u64, now: Timestamp) -> bool {
        let news = matches!(self, Self::Online { epoch: current, .. } if *current == epoch);
        if news {
            *self = Self::Suspended { epoch, at: now };
        }
        news
    }

    /// The kept tunnel of this epoch goes on. Whether this is news.
    pub(super) fn resumed(&mut self, epoch: u64, now: Timestamp) -> bool {
        let news = matches!(self, Self::Suspended { epoch: current, .. } if *current == epoch);
        if news {
            *self = Self::Online {
                epoch,
                since: now,
                alive: now,
                rtt_ms: None,
            };
        }
        news
    }

    /// The tunnel of this epoch has ended. Whether this is news, and until when the device is
    /// expected back.
    pub(super) fn disconnected(&mut self, epoch: u64, now: Timestamp) -> Option<Timestamp> {
        let at = match self {
            Self::Online { epoch: current, .. } if *current == epoch => now,
            Self::Suspended { epoch: current, at } if *current == epoch => *at,
            _ => return None,
        };
        let expected_until = at.plus_seconds(EXPECTED_FOR_S);
        *self = Self::Lost {
            epoch,
            at,
            expected_until,
        };
        Some(expected_until)
    }

    /// The epoch of the present or last tunnel.
    pub(super) const fn epoch(&self) -> u64 {
        match self {
            Self::NeverSeen => 0,
            Self::Online { epoch, .. }
            | Self::Suspended { epoch, .. }
            | Self::Lost { epoch, .. } => *epoch,
        }
    }

    pub(super) fn state(&self, now: Timestamp) -> DeviceState {
        match self {
            Self::NeverSeen => DeviceState::NeverSeen,
            Self::Online { .. } => DeviceState::Online,
            Self::Suspended { .. } => DeviceState::Reconnecting,
            Self::Lost { expected_until, .. } if now < *expected_until => DeviceState::Reconnecting,
            Self::Lost { .. } => DeviceState::Offline,
        }
    }

    /// When the present state began.
    pub(super) const fn since(&self) -> Option<Timestamp> {
        match self {
            Self::NeverSeen => None,
            Self::Online { since, .. } => Some(*since),
            Self::Suspended { at, .. } | Self::Lost { at, .. } => Some(*at),
        }
    }

    pub(super) const fn last_seen(&self) -> Option<Timestamp> {
        match self {
            Self::NeverSeen => None,
            Self::Online { alive, .. } => Some(*alive),
            Self::Suspended { at, .. } | Self::Lost { at, .. } => Some(*at),
        }
    }

    pub(super) const fn rtt_ms(&self) -> Option<u32> {
        match self {
            Self::Online { rtt_ms, .. } => *rtt_ms,
            Self::NeverSeen | Self::Suspended { .. } | Self::Lost { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp(1_700_000_000_000_000);

    #[test]
    fn from_never_seen_to_offline() {
        let mut presence = Presence::at_start(None, Some(T));
        assert_eq!(presence.state(T), DeviceState::NeverSeen);
        assert!(presence.connected(5, T));
        assert_eq!(presence.state(T), DeviceState::Online);
        assert_eq!(presence.disconnected(5, T), Some(T.plus_seconds(20)));
        assert_eq!(
            presence.state(T.plus_seconds(19)),
            DeviceState::Reconnecting
        );
        assert_eq!(presence.state(T.plus_seconds(20)), DeviceState::Offline);
        assert_eq!(presence.since(), Some(T));
    }

    #[test]
    fn one_that_cannot_be_measured_is_seen_all_the_same() {
        let mut presence = Presence::NeverSeen;
        assert!(presence.connected(7, T));
        presence.alive(7, T.plus_seconds(15));
        assert_eq!(presence.last_seen(), Some(T.plus_seconds(15)));
        presence.alive(6, T.plus_seconds(30));
        assert_eq!(presence.last_seen(), Some(T.plus_seconds(15)));
        assert_eq!(presence.since(), Some(T));
    }

    #[test]
    fn what_an_older_tunnel_says_is_ignored() {
        let mut presence = Presence::NeverSeen;
        assert!(presence.connected(7, T));
        assert!(!presence.connected(6, T));
        assert!(!presence.connected(7, T));
        assert!(!presence.measured(6, 10, T));
        assert_eq!(presence.disconnected(6, T), None);
        assert_eq!(presence.state(T), DeviceState::Online);
        assert!(presence.connected(8, T));
        assert_eq!(presence.disconnected(7, T), None);
        assert_eq!(presence.disconnected(8, T), Some(T.plus_seconds(20)));
        assert!(
            !presence.connected(8, T),
            "a tunnel does not come back after its end"
        );
    }

    #[test]
    fn a_kept_tunnel_is_reconnecting_until_it_goes_on_or_ends() {
        let mut presence = Presence::NeverSeen;
        presence.connected(5, T);
        assert!(!presence.suspended(4, T));
        assert!(presence.suspended(5, T));
        assert!(!presence.suspended(5, T));
        let later = T.plus_seconds(170);
        assert_eq!(presence.state(later), DeviceState::Reconnecting);
        assert_eq!(presence.last_seen(), Some(T));
        assert!(!presence.measured(5, 10, later));
        assert!(presence.resumed(5, later));
        assert_eq!(presence.state(later), DeviceState::Online);
        assert!(!presence.resumed(5, later));
        presence.suspended(5, later);
        let ended = later.plus_seconds(180);
        assert_eq!(
            presence.disconnected(5, ended),
            Some(later.plus_seconds(20))
        );
        assert_eq!(presence.state(ended), DeviceState::Offline);
        assert!(!presence.resumed(5, ended), "it has ended");
    }

    #[test]
    fn only_telling_changes_of_the_round_trip_are_news() {
        let mut presence = Presence::NeverSeen;
        presence.connected(1, T);
        for (rtt, news) in [(40, true), (50, false), (61, true), (70, false), (20, true)] {
            assert_eq!(presence.measured(1, rtt, T), news, "{rtt}");
        }
    }

    #[test]
    fn after_a_start_devices_are_expected_for_a_while() {
        let seen = T.plus_seconds(-100);
        let presence = Presence::at_start(Some(seen), Some(T.plus_seconds(60)));
        assert_eq!(
            presence.state(T.plus_seconds(59)),
            DeviceState::Reconnecting
        );
        assert_eq!(presence.state(T.plus_seconds(60)), DeviceState::Offline);
        assert_eq!(
            Presence::at_start(Some(seen), None).state(T),
            DeviceState::Offline
        );
    }
}
