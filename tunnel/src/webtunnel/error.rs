//! Error codes on the wire, and messages that are none.

use crate::wire::Code;

/// Why an agent refused or cut a channel, or is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The channel is not known there.
    BadChannel,
    /// The port is not one that the agent forwards.
    NotForwarded,
    /// The device refused the connection.
    Refused,
    /// The device did not answer, or said nothing for too long.
    TimedOut,
    /// The connection to the device could not be made, or broke.
    Socket,
    /// An opcode that makes no sense there.
    Protocol,
    /// The channel is still known there; the one that is, stays.
    ChannelInUse,
    /// A number that is not in the list.
    Other(u16),
}

impl Fault {
    const NUMBERED: [(u16, Self); 7] = [
        (1, Self::BadChannel),
        (2, Self::NotForwarded),
        (3, Self::Refused),
        (4, Self::TimedOut),
        (5, Self::Socket),
        (6, Self::Protocol),
        (7, Self::ChannelInUse),
    ];

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Other(number) => number,
            named => Self::NUMBERED
                .iter()
                .find(|(_, fault)| *fault == named)
                .map_or(0, |(number, _)| *number),
        }
    }

    /// The fault of a number on the wire.
    #[must_use]
    pub fn from_number(number: u16) -> Self {
        Self::NUMBERED
            .iter()
            .find(|(known, _)| *known == number)
            .map_or(Self::Other(number), |(_, fault)| *fault)
    }

    /// What it means as the answer to an open.
    pub(super) const fn of_open(self) -> (Code, &'static str) {
        match self {
            Self::NotForwarded => (Code::NotOffered, "the agent does not forward this port"),
            Self::Refused => (Code::Refused, "the device refused the connection"),
            Self::TimedOut => (Code::TimedOut, "the device did not answer"),
            Self::Socket => (Code::Unreachable, "the agent cannot reach the device"),
            Self::BadChannel | Self::Protocol | Self::ChannelInUse | Self::Other(_) => {
                (Code::Internal, "the agent could not open a channel")
            }
        }
    }

    /// What it means in the middle of a channel.
    pub(super) const fn of_channel(self) -> (Code, &'static str) {
        match self {
            Self::TimedOut => (Code::TimedOut, "the device said nothing for too long"),
            Self::BadChannel => (Code::Broken, "the agent has forgotten the channel"),
            _ => (Code::Broken, "the connection to the device broke"),
        }
    }
}

/// How an agent broke the protocol; the tunnel must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Shorter than what its opcode says.
    #[error("a message is too short")]
    TooShort,
    /// More than 2048 bytes of DATA.
    #[error("a DATA message is too long")]
    TooLong,
    /// Properties that end in the middle.
    #[error("properties that end in the middle")]
    BadProperties,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        for number in 0..=300 {
            assert_eq!(Fault::from_number(number).number(), number);
        }
        assert_eq!(Fault::from_number(7), Fault::ChannelInUse);
    }
}
