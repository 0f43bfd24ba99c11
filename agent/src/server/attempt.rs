//! One attempt as a whole: bounded, and judged for the next one.

use std::time::Duration;

use rand::rngs::StdRng;
use tokio::time::timeout;
use tunnel::driver::{Config, Established, Resumer, Welcome};
use tunnel::wire::{AgentHello, ServerHello};

use super::{Server, ServerError, Socket};

/// Each step has a limit of its own; this is for all of them, and for steps that repeat.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(90);

impl Server {
    /// One attempt to get a tunnel, at most 90 s long; goes on with that of `lost`, where the
    /// server does too. Cancel-safe: dropped, it leaves nothing
    /// behind.
    pub(crate) async fn attempt(
        &self,
        hello: AgentHello,
        settings: Config,
        lost: Option<&Resumer<Socket>>,
        rng: &mut StdRng,
    ) -> Result<(ServerHello, Welcome<Established<Socket>>), ServerError> {
        self.peers.begin();
        let attempt = timeout(ATTEMPT_TIMEOUT, self.connect(hello, settings, lost, rng))
            .await
            .unwrap_or(Err(ServerError::TimedOut("all of it")));
        match &attempt {
            Ok(_) => self.peers.succeeded(),
            // Whoever said so is the server, alive.
            Err(ServerError::Refused(_)) => {}
            Err(_) => self.peers.failed(),
        }
        attempt
    }
}
