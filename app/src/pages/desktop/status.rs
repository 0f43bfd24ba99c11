//! The session in a word or two, for the bar, and its steps.

use super::session::{Stage, Step};

/// The connection in words.
pub(super) const fn words(stage: &Stage) -> &'static str {
    match stage {
        Stage::Busy(Step::SigningIn) => "Signing in…",
        Stage::Busy(_) => "Connecting…",
        Stage::Password(_) => "Waiting for you",
        Stage::Running => "Connected",
        Stage::Away => "Waiting for the device",
        Stage::Over(_) => "Disconnected",
    }
}

/// The steps to a picture, as they are shown.
pub(super) const STEPS: [(Step, &str); 3] = [
    (Step::Loading, "Load the viewer"),
    (Step::Reaching, "Reach the device"),
    (Step::SigningIn, "Sign in and draw"),
];

/// What is being done, for a sentence.
pub(super) const fn doing(step: Step) -> &'static str {
    match step {
        Step::Loading => "loading the viewer",
        Step::Reaching => "reaching the device",
        Step::SigningIn => "signing in",
    }
}
