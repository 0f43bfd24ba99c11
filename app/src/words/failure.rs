//! Words for what went wrong: what happened, and what to do now.

use api::ProblemCode;

use crate::api_client::ApiError;

/// A failure as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailureWords {
    pub(crate) title: String,
    pub(crate) advice: String,
    pub(crate) request_id: Option<String>,
}

/// How a failed request is told to the person who made it.
pub(crate) fn failure_words(error: &ApiError) -> FailureWords {
    match error {
        ApiError::Unreachable => words(
            "The server cannot be reached",
            "Check your connection, then try again.",
        ),
        ApiError::TimedOut => words(
            "The server did not answer in time",
            "It may be busy. Try again in a moment.",
        ),
        ApiError::Unexpected { status } => words(
            "The server gave an answer this page does not understand",
            &format!("Reload the page; it may be older than the server (status {status})."),
        ),
        ApiError::Problem {
            problem,
            retry_after_s,
        } => FailureWords {
            title: sentence(&problem.title),
            advice: match (problem.code, retry_after_s) {
                (ProblemCode::TooManyAttempts, Some(seconds)) => {
                    format!("Try again in {}.", wait(*seconds))
                }
                _ => problem
                    .detail
                    .clone()
                    .unwrap_or_else(|| advice(problem.code).to_owned()),
            },
            request_id: problem.request_id.clone(),
        },
    }
}

fn words(title: &str, advice: &str) -> FailureWords {
    FailureWords {
        title: title.to_owned(),
        advice: advice.to_owned(),
        request_id: None,
    }
}

/// Titles stand alone: a capital first, no full stop.
fn sentence(title: &str) -> String {
    let title = title.trim_end_matches('.');
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn wait(seconds: u32) -> String {
    match seconds {
        ..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// What to do where the server gave no detail.
fn advice(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::WrongCredentials => "Check the user name and the password.",
        ProblemCode::TooManyAttempts => "Wait a little, then try again.",
        ProblemCode::NotAllowed => "Ask an administrator of your organization for access.",
        ProblemCode::NotFound => "It may have been deleted.",
        ProblemCode::Conflict => "Someone may have changed it. Reload, then try again.",
        ProblemCode::DeviceOffline => "It opens as soon as the device is online again.",
        ProblemCode::DeviceDisabled => "Enable it in its settings to reach it again.",
        ProblemCode::DeviceReconnecting => "Wait a moment, then try again.",
        ProblemCode::ServiceNotOffered | ProblemCode::ServiceRefused => {
            "Check on the device that the service runs and that the agent allows it."
        }
        ProblemCode::InvalidField | ProblemCode::BadRequest => "Check what you entered.",
        _ => "Try again in a moment.",
    }
}

#[cfg(test)]
mod tests {
    use api::Problem;

    use super::*;

    fn problem(code: ProblemCode, detail: Option<&str>) -> ApiError {
        ApiError::Problem {
            problem: Box::new(Problem {
                code,
                status: 429,
                title: "too many attempts.".to_owned(),
                detail: detail.map(str::to_owned),
                field: None,
                request_id: Some("r1".to_owned()),
            }),
            retry_after_s: Some(30),
        }
    }

    #[test]
    fn too_many_attempts_says_how_long_to_wait() {
        let words = failure_words(&problem(ProblemCode::TooManyAttempts, Some("x")));
        assert_eq!(words.title, "Too many attempts");
        assert_eq!(words.advice, "Try again in 30 seconds.");
        assert_eq!(words.request_id.as_deref(), Some("r1"));
    }

    #[test]
    fn the_servers_own_detail_comes_first() {
        let words = failure_words(&problem(ProblemCode::Conflict, Some("The name is taken.")));
        assert_eq!(words.advice, "The name is taken.");
        let words = failure_words(&problem(ProblemCode::NotFound, None));
        assert_eq!(words.advice, "It may have been deleted.");
    }

    #[test]
    fn waits_read_well() {
        assert_eq!(wait(1), "a second");
        assert_eq!(wait(61), "61 seconds");
        assert_eq!(wait(121), "3 minutes");
    }
}
