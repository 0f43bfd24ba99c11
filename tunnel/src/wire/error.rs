//! What can be wrong with bytes.

/// Bytes that are not this protocol. The text is fit to be the reason of a WebSocket close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A frame goes beyond the end of its message.
    #[error("a frame is cut off")]
    Truncated,
    /// A frame is larger than its type may be.
    #[error("a frame of type {0:#04x} is too large")]
    TooLarge(u8),
    /// A frame's payload has the wrong length for its type.
    #[error("a frame of type {0:#04x} has a wrong length")]
    BadLength(u8),
    /// A type that this version does not know and that was not marked as skippable.
    #[error("a frame has the unknown type {0:#04x}")]
    UnknownType(u8),
    /// A frame about the connection names a stream, or one about a stream names none.
    #[error("a frame of type {0:#04x} has a wrong stream id")]
    WrongStream(u8),
    /// A HELLO that does not decode.
    #[error("the HELLO is malformed")]
    BadHello,
    /// The target of an OPEN that does not decode, or is of a kind unknown here.
    #[error("the target is not understood")]
    BadTarget,
}
