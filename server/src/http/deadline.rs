//! A timer that is moved often and seldom runs out.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline to be polled beside I/O. Moving it later costs nothing: the timer is left where it
/// is and put right when it wakes.
#[derive(Default)]
pub(super) struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    /// Whether `at` is over; if not, wakes the task when it is.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>, at: Instant) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        while let Poll::Ready(()) = sleep.as_mut().poll(cx) {
            if Instant::now() >= at {
                return true;
            }
            sleep.as_mut().reset(at);
        }
        false
    }

    /// Forgets the timer, for what waits without an end.
    pub(super) fn disarm(&mut self) {
        self.0 = None;
    }
}
