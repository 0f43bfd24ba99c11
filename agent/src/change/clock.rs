//! Wake-ups and set clocks, told by a timer that nobody waits for: the kernel cancels it when the
//! wall clock jumps, which it does after every sleep (`TFD_TIMER_CANCEL_ON_SET`, timerfd_create(2)).

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::{ClockId as Clocks, clock_gettime};
use tokio::io::unix::AsyncFd;

use super::{Change, Source, readable};

/// Far away, and set anew then.
const ALARM: Duration = Duration::from_secs(365 * 24 * 3600);
/// Less is what the two clocks differ in by being read one after the other.
const MIN_SLEEP: Duration = Duration::from_secs(1);

pub(super) struct Clock {
    timer: AsyncFd<OwnedFd>,
    slept: Duration,
}

impl Clock {
    pub(super) fn watch() -> io::Result<Self> {
        Ok(Self {
            timer: timer()?,
            slept: slept()?,
        })
    }
}

impl Source for Clock {
    async fn changed(&mut self) -> io::Result<Change> {
        loop {
            let mut ready = self.timer.readable().await?;
            let read = ready.try_io(|timer| Ok(nix::unistd::read(timer.get_ref(), &mut [0; 8])?));
            let cancelled = match read {
                Err(_would_block) => continue,
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::ECANCELED as i32) => true,
                Ok(read) => {
                    read?;
                    false
                }
            };
            drop(ready);
            self.timer = timer()?;
            if !cancelled {
                continue;
            }
            let before = std::mem::replace(&mut self.slept, slept()?);
            return Ok(judge(before, self.slept));
        }
    }
}

/// What it was, by how long the machine had slept in all before and has now.
fn judge(before: Duration, now: Duration) -> Change {
    let slept = now.saturating_sub(before);
    if slept < MIN_SLEEP {
        Change::ClockSet
    } else {
        Change::Woke(slept)
    }
}

fn timer() -> io::Result<AsyncFd<OwnedFd>> {
    let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
    let timer = TimerFd::new(ClockId::CLOCK_REALTIME, flags)?;
    let alarm = clock_gettime(Clocks::CLOCK_REALTIME)? + TimeSpec::from_duration(ALARM);
    timer.set(
        Expiration::OneShot(alarm),
        TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET,
    )?;
    readable(OwnedFd::from(timer))
}

/// How long the machine has slept since it was started: what one clock counts and the other not.
fn slept() -> io::Result<Duration> {
    let awake = clock_gettime(Clocks::CLOCK_MONOTONIC)?;
    let all = clock_gettime(Clocks::CLOCK_BOOTTIME)?;
    Ok(Duration::from(all).saturating_sub(Duration::from(awake)))
}

#[cfg(test)]
mod tests {
    use nix::time::clock_settime;
    use tokio::time::timeout;

    use super::*;

    /// As root: sets the clock to what it is, which is a jump to the kernel.
    #[tokio::test]
    async fn a_set_clock_is_noticed_each_time() {
        let mut clock = Clock::watch().unwrap();
        let silence = timeout(Duration::from_millis(100), clock.changed()).await;
        assert!(silence.is_err(), "nothing happened: {silence:?}");
        for _ in 0..3 {
            let now = clock_gettime(Clocks::CLOCK_REALTIME).unwrap();
            clock_settime(Clocks::CLOCK_REALTIME, now).unwrap();
            let change = timeout(Duration::from_secs(5), clock.changed()).await;
            assert_eq!(change.unwrap().unwrap(), Change::ClockSet);
        }
    }

    #[test]
    fn a_sleep_is_told_from_a_set_clock() {
        let seconds = Duration::from_secs;
        assert_eq!(judge(seconds(60), seconds(60)), Change::ClockSet);
        // The clocks are read one after the other.
        assert_eq!(
            judge(seconds(60), Duration::from_nanos(60_000_000_900)),
            Change::ClockSet
        );
        assert_eq!(
            judge(Duration::from_nanos(900), Duration::ZERO),
            Change::ClockSet
        );
        assert_eq!(judge(seconds(60), seconds(90)), Change::Woke(seconds(30)));
    }
}
