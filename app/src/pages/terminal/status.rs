//! The session in a word or two, for the bar, and its steps.

use super::session::{Stage, Step};

/// The connection in words.
pub(super) const fn words(stage: &Stage) -> &'static str {
    match stage {
        Stage::SignIn(_) => "Not connected",
        Stage::Busy(Step::SigningIn) => "Signing in…",
        Stage::Busy(_) => "Connecting…",
        Stage::HostKey(_) | Stage::Prompts { .. } => "Waiting for you",
        Stage::Running => "Connected",
        Stage::Away => "Waiting for the device",
        Stage::Over(_) => "Disconnected",
    }
}

/// The steps to a shell, as they are shown.
pub(super) const STEPS: [(Step, &str); 4] = [
    (Step::Loading, "Load the terminal"),
    (Step::Reaching, "Reach the device"),
    (Step::CheckingKey, "Check its key"),
    (Step::SigningIn, "Sign in"),
];

/// What is being done, for a sentence.
pub(super) const fn doing(step: Step) -> &'static str {
    match step {
        Step::Loading => "loading the terminal",
        Step::Reaching => "reaching the device",
        Step::CheckingKey => "checking the device's key",
        Step::SigningIn => "signing in",
    }
}
