//! Requests that are refused by their head alone, before anybody reads them.

use http::StatusCode;

/// Why a head is refused. The connection is closed after the answer: what follows a head that was
/// not understood cannot be told from another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Something is not as the grammar wants it; the word is for the log.
    Malformed(&'static str),
    /// The parts of the request do not agree on whom it is for.
    Misdirected(&'static str),
    /// More than 100 fields (of an agent of WebTunnel 512) or 32 KiB.
    HeadTooLarge,
    /// More than 8 KiB.
    TargetTooLong,
    /// TRACE and CONNECT.
    MethodRefused,
    /// Another `Expect` than `100-continue`.
    ExpectationRefused,
    /// HTTP/2 without having been asked, HTTP/1.2, and such.
    VersionRefused,
    /// The head began but did not come to its end.
    TooSlow,
}

impl Refusal {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Misdirected(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::MethodRefused => StatusCode::METHOD_NOT_ALLOWED,
            Self::ExpectationRefused => StatusCode::EXPECTATION_FAILED,
            Self::VersionRefused => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// For the log.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Malformed(reason) | Self::Misdirected(reason) => reason,
            Self::HeadTooLarge => "head too large",
            Self::TargetTooLong => "target too long",
            Self::MethodRefused => "method refused",
            Self::ExpectationRefused => "expectation refused",
            Self::VersionRefused => "version refused",
            Self::TooSlow => "head too slow",
        }
    }
}
