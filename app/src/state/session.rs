//! Who is signed in.

use api::Me;
use leptos::prelude::{RwSignal, expect_context, provide_context};

/// What is known about the sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignedIn {
    /// The server has not been asked yet.
    Unknown,
    Yes(Me),
    No,
}

/// The session of this tab.
pub(crate) type Session = RwSignal<SignedIn>;

/// Makes the session known to all components below.
pub(crate) fn provide_session() -> Session {
    let session = Session::new(SignedIn::Unknown);
    provide_context(session);
    session
}

/// The session of this app.
pub(crate) fn expect_session() -> Session {
    expect_context()
}
