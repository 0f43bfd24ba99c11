//! How a connection ended, for the page.

use std::sync::{Mutex, MutexGuard, PoisonError};

use remote_messages::ssh::Ended;
use russh::Error;
use tunnel::wire::clean;

/// Of what the other end says about an end.
const MAX_TEXT_BYTES: usize = 500;

/// What the SSH session's own task has seen; the first word stays.
#[derive(Default)]
pub(crate) struct Told {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ended: Option<Ended>,
    was_presented: bool,
}

impl Told {
    pub(crate) fn end(&self, ended: Ended) {
        self.lock().ended.get_or_insert(ended);
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        self.lock().ended.clone()
    }

    /// The server has presented its key: from here on people may take their time.
    pub(crate) fn presented(&self) {
        self.lock().was_presented = true;
    }

    pub(crate) fn was_presented(&self) -> bool {
        self.lock().was_presented
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server's own last words.
pub(crate) fn disconnected(text: &str) -> Ended {
    Ended::Disconnected {
        text: clean(text, MAX_TEXT_BYTES),
    }
}

/// What an error of the protocol means. A connection that merely closed is `Disconnected`.
pub(crate) fn of_error(error: &Error) -> Ended {
    let text = match error {
        Error::NoCommonAlgo { kind, theirs, .. } => {
            format!("it offers no {kind:?} that is safe: {}", theirs.join(", "))
        }
        Error::NoAuthMethod => return Ended::SignInRefused,
        Error::Version
        | Error::KexInit
        | Error::Kex
        | Error::UnknownAlgo
        | Error::PacketAuth
        | Error::PacketSize(_)
        | Error::Inconsistent
        | Error::WrongServerSig
        | Error::WrongChannel
        | Error::DecryptionError
        | Error::Pending
        | Error::IndexOutOfBounds
        | Error::StrictKeyExchangeViolation { .. }
        | Error::Signature(_)
        | Error::SshKey(_)
        | Error::SshEncoding(_)
        | Error::Keys(_)
        | Error::Utf8(_)
        | Error::InvalidConfig(_) => error.to_string(),
        _ => return disconnected(""),
    };
    Ended::NotSpoken {
        text: clean(&text, MAX_TEXT_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_stays() {
        let told = Told::default();
        told.end(disconnected("bye\u{202e}\u{7}"));
        told.end(Ended::Closed);
        assert_eq!(told.ended(), Some(disconnected("bye")));
    }

    #[test]
    fn a_broken_protocol_is_no_disconnection() {
        let spoken = of_error(&Error::Version);
        assert!(matches!(spoken, Ended::NotSpoken { .. }), "{spoken:?}");
        assert_eq!(of_error(&Error::Disconnect), disconnected(""));
        assert_eq!(of_error(&Error::NoAuthMethod), Ended::SignInRefused);
    }
}
