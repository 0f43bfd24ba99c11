//! What an end means to the page.

use remote_messages::vnc::{Ended, Security};

use crate::rfb::Error;

pub(crate) fn of(error: Error) -> Ended {
    match error {
        Error::NotRfb => Ended::NotSpoken,
        Error::Refused(text) => Ended::Refused { text },
        Error::NoSecurity(offered) => Ended::NoSecurity {
            offered: offered
                .into_iter()
                .map(|security| Security {
                    name: security.name().to_owned(),
                    advice: security.advice().to_owned(),
                })
                .collect(),
        },
        Error::WrongPassword(text) => Ended::WrongPassword { text },
        broken @ (Error::Malformed(_) | Error::TooLarge(_)) => Ended::Broken {
            text: broken.to_string(),
        },
        Error::Ended => Ended::Disconnected,
    }
}
