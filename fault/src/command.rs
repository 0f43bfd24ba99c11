//! What the proxy can be told, and how it is written on a line.

use std::str::FromStr;
use std::time::Duration;

use crate::Direction;

/// A change of the weather. Those with a duration or a rate add up; [`Command::Normal`] ends all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `delay MS`: each byte comes so much later, each way.
    Delay(Duration),
    /// `jitter MS`: on top of the delay, between nothing and this. The order stays.
    Jitter(Duration),
    /// `rate BYTES_PER_S`: of each connection, each way.
    Rate {
        /// At least 1.
        bytes_per_s: u64,
    },
    /// `buffer MS`: holds all back and lets it go at once, so often, as a buffering proxy does.
    Buffer(Duration),
    /// `stall`: takes connections and carries nothing, without a word. Until `normal`.
    Stall,
    /// `lose`: those that are carried now are never carried on, and nobody is told; new ones work.
    /// What a router does that forgot its connections.
    Lose,
    /// `cut`: RST for all that are carried now.
    Cut,
    /// `half-close [up|down]`: FIN to one end of all that are carried now; the other way goes on.
    HalfClose(Direction),
    /// `cut-after BYTES`: RST for each connection after so many more bytes one way. Until `normal`.
    CutAfter {
        /// 0: before the next byte.
        bytes: u64,
    },
    /// `fin-after BYTES`: as `cut-after`, with FIN to both ends.
    FinAfter {
        /// 0: before the next byte.
        bytes: u64,
    },
    /// `refuse`: new connections get RST. Until `normal`.
    Refuse,
    /// `normal`: carries on as if nothing were. What is cut or lost stays so.
    Normal,
}

/// A line that is no command.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such word.
    #[error("no such command: {0}")]
    Unknown(String),
    /// A number is missing, or is none.
    #[error("{0} wants a whole number")]
    Number(String),
}

impl FromStr for Command {
    type Err = CommandError;

    fn from_str(line: &str) -> Result<Self, CommandError> {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let argument = words.next();
        let number = || {
            argument
                .and_then(|word| word.parse::<u64>().ok())
                .ok_or_else(|| CommandError::Number(name.to_owned()))
        };
        let milliseconds = || number().map(Duration::from_millis);
        Ok(match name {
            "delay" => Self::Delay(milliseconds()?),
            "jitter" => Self::Jitter(milliseconds()?),
            "rate" => Self::Rate {
                bytes_per_s: number()?,
            },
            "buffer" => Self::Buffer(milliseconds()?),
            "stall" => Self::Stall,
            "lose" => Self::Lose,
            "cut" => Self::Cut,
            "half-close" if argument == Some("down") => Self::HalfClose(Direction::Down),
            "half-close" => Self::HalfClose(Direction::Up),
            "cut-after" => Self::CutAfter { bytes: number()? },
            "fin-after" => Self::FinAfter { bytes: number()? },
            "refuse" => Self::Refuse,
            "normal" => Self::Normal,
            _ => return Err(CommandError::Unknown(line.trim().to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let delay = Command::Delay(Duration::from_millis(50));
        assert_eq!("delay 50".parse(), Ok(delay));
        assert_eq!(
            "half-close down".parse(),
            Ok(Command::HalfClose(Direction::Down))
        );
        assert_eq!(" cut-after 7 ".parse(), Ok(Command::CutAfter { bytes: 7 }));
        assert_eq!(
            "rate".parse::<Command>(),
            Err(CommandError::Number("rate".into()))
        );
        assert!("storm".parse::<Command>().is_err());
        assert!("".parse::<Command>().is_err());
    }
}
