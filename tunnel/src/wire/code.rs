//! Why a stream was refused or cut.

use std::fmt;

/// The code of REJECT and RESET. An unknown number is kept as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The stream's user no longer wants it.
    Cancelled,
    /// The right to the stream has ended: sign-out, grant ended, device or user deleted.
    Revoked,
    /// The end that answers has all it can carry.
    Busy,
    /// No such service is offered here.
    NotOffered,
    /// The target is outside of what this end allows.
    NotAllowed,
    /// The service's host refused the connection.
    Refused,
    /// The service's host could not be reached or its name not resolved.
    Unreachable,
    /// The service did not answer in time.
    TimedOut,
    /// The connection to the service broke.
    Broken,
    /// This end is going away and opens nothing new.
    Draining,
    /// The tunnel is being resumed; try again.
    Reconnecting,
    /// The tunnel named is not the one that lives now.
    Stale,
    /// A fault of this end.
    Internal,
    /// The device has no tunnel.
    Offline,
    /// A number this version does not know.
    Other(u16),
}

impl Code {
    const NAMED: [(u16, Self, &'static str); 14] = [
        (1, Self::Cancelled, "cancelled"),
        (2, Self::Revoked, "revoked"),
        (3, Self::Busy, "busy"),
        (4, Self::NotOffered, "not offered"),
        (5, Self::NotAllowed, "not allowed"),
        (6, Self::Refused, "refused"),
        (7, Self::Unreachable, "unreachable"),
        (8, Self::TimedOut, "timed out"),
        (9, Self::Broken, "broken"),
        (10, Self::Draining, "draining"),
        (11, Self::Reconnecting, "reconnecting"),
        (12, Self::Stale, "stale"),
        (13, Self::Internal, "internal"),
        (14, Self::Offline, "offline"),
    ];

    /// The number on the wire.
    #[must_use]
    pub fn to_wire(self) -> u16 {
        match self {
            Self::Other(number) => number,
            named => Self::NAMED
                .iter()
                .find(|(_, code, _)| *code == named)
                .map_or(0, |(number, _, _)| *number),
        }
    }

    /// The code of a number on the wire.
    #[must_use]
    pub fn from_wire(number: u16) -> Self {
        Self::NAMED
            .iter()
            .find(|(known, _, _)| *known == number)
            .map_or(Self::Other(number), |(_, code, _)| *code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|(_, code, _)| code == self) {
            Some((_, _, name)) => f.write_str(name),
            None => write!(f, "code {}", self.to_wire()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_the_round_trip() {
        for number in 0..=u16::MAX {
            assert_eq!(Code::from_wire(number).to_wire(), number);
        }
    }
}
