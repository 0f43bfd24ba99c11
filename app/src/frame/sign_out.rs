//! Signing out.

use leptos::prelude::Set;
use leptos::task::spawn_local;

use crate::api_client::ApiClient;
use crate::state::{Session, SignedIn, Toasts};

/// Ends the sign-in on the server, then here: never only here, where it would merely look ended.
pub(crate) fn sign_out(api: ApiClient, session: Session, toasts: Toasts) {
    spawn_local(async move {
        match api.sign_out().await {
            Ok(()) => session.set(SignedIn::No),
            Err(error) => toasts.failed(&error),
        }
    });
}
