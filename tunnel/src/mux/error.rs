//! Why streams do not open, why they end, why a tunnel ends.

use crate::wire::{Code, WireError};

/// Why a stream could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The peer refused.
    #[error("refused by the other end ({code}): {text}")]
    Rejected {
        /// Why, for programs.
        code: Code,
        /// Why, for people; untrusted.
        text: String,
    },
    /// No more streams fit, or budgets are used up.
    #[error("the tunnel carries all it can")]
    Busy,
    /// One of the ends is going away.
    #[error("the tunnel opens nothing new")]
    Draining,
    /// The tunnel has ended.
    #[error("the tunnel has ended")]
    Closed,
    /// The target has a text that no target may have.
    #[error("the target cannot be asked for")]
    BadTarget,
}

/// Why a stream's bytes ended other than by a clean end; inside the [`std::io::Error`] of reads
/// and writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// It was never accepted.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// One end cut it.
    #[error("cut ({code}): {text}")]
    Reset {
        /// Why, for programs.
        code: Code,
        /// Why, for people; untrusted.
        text: String,
    },
    /// The tunnel under it ended.
    #[error("the tunnel was lost")]
    TunnelLost,
    /// This end had already said that it writes no more.
    #[error("written after the end")]
    Finished,
}

/// How the peer broke the protocol. The text is fit to be the reason of a WebSocket close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The bytes are wrong.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// HELLO comes first and only once.
    #[error("a HELLO in the middle of a tunnel")]
    LateHello,
    /// An OPEN whose id is not above all before it, or is not the peer's to use.
    #[error("an OPEN with a wrong id")]
    OpenId,
    /// A frame for a stream that never was.
    #[error("a frame for a stream that never was")]
    NoSuchStream,
    /// An answer to a stream that waits for none.
    #[error("an answer nobody waits for")]
    UnexpectedAnswer,
    /// More than was granted.
    #[error("data beyond the window")]
    BeyondWindow,
    /// DATA or FIN after FIN.
    #[error("a frame after FIN")]
    AfterFin,
    /// An ACK of what was never sent, or of less than one before it.
    #[error("an ACK that cannot be")]
    Acknowledged,
    /// The peer has much sent to it and acknowledges none of it.
    #[error("too much is not acknowledged")]
    Unacknowledged,
    /// A kind of frame came more often than any honest peer sends it.
    #[error("too many {0} frames")]
    Flood(&'static str),
}

/// Why a lost tunnel cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The tunnel has ended, or one of its ends never kept anything.
    #[error("there is nothing to go on with")]
    Ended,
    /// The peer claims to have received more than was sent.
    #[error("more was received than was sent")]
    AboveSent,
    /// The peer claims to have received less than it acknowledged.
    #[error("less was received than was acknowledged")]
    BelowAcknowledged,
}
