//! When a lost connection is dialled anew.

use std::time::Duration;

/// How long a server keeps a stream by default (`limits.resume_s`): later there is nothing left.
const GIVE_UP_AFTER: Duration = Duration::from_secs(180);
/// So long the line is likely to come back any moment: a change of networks, a proxy's restart.
const EAGER_FOR: Duration = Duration::from_secs(15);
const EAGER_S: (f64, f64) = (0.2, 1.0);
const PATIENT_LEAST_S: f64 = 0.5;
const PATIENT_MOST_S: f64 = 30.0;

/// The attempts for one loss.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    attempts: u32,
    patient: i32,
}

impl Retry {
    /// How long to wait before the next attempt, `lost_for` after the loss; `None`: no more.
    /// `random` is in 0..1: many browsers that lost the same server shall not come at once.
    pub(crate) fn next_wait(&mut self, lost_for: Duration, random: f64) -> Option<Duration> {
        let left = GIVE_UP_AFTER.checked_sub(lost_for)?;
        self.attempts = self.attempts.saturating_add(1);
        let (least, most) = if self.attempts == 1 {
            return Some(Duration::ZERO);
        } else if lost_for < EAGER_FOR {
            EAGER_S
        } else {
            self.patient = (self.patient + 1).min(10);
            (
                PATIENT_LEAST_S,
                2_f64.powi(self.patient).min(PATIENT_MOST_S),
            )
        };
        let wait = Duration::from_secs_f64(least + (most - least) * random.clamp(0.0, 1.0));
        (wait < left).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(random: f64) -> Vec<f64> {
        let (mut retry, mut lost_for) = (Retry::default(), Duration::ZERO);
        let mut waits = Vec::new();
        while let Some(wait) = retry.next_wait(lost_for, random) {
            waits.push(wait.as_secs_f64());
            // An attempt takes time too.
            lost_for += wait + Duration::from_millis(100);
        }
        waits
    }

    #[test]
    fn it_is_eager_first_then_patient_then_over() {
        for random in [0.0, 0.5, 1.0] {
            let waits = waits(random);
            assert_eq!(waits[0], 0.0, "the first goes out at once");
            let eager = waits.iter().skip(1).take_while(|wait| **wait <= 1.0);
            assert!(eager.count() >= 13, "{waits:?}");
            assert!(waits.iter().all(|wait| *wait <= 30.0), "{waits:?}");
            let in_all: f64 = waits.iter().map(|wait| wait + 0.1).sum();
            assert!((150.0..=180.1).contains(&in_all), "{in_all}");
        }
        let longest = waits(1.0).into_iter().fold(0.0, f64::max);
        assert_eq!(longest, 30.0);
    }

    #[test]
    fn after_three_minutes_there_is_none() {
        let late = Duration::from_secs(181);
        assert_eq!(Retry::default().next_wait(late, 0.5), None);
    }
}
