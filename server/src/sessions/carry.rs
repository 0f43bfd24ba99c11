//! From the upgrade to the last byte.

use std::io;
use std::time::Duration;

use api::DeviceId;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{
    AskedStream, Broken, Detached, HandshakeError, IncomingStream, Stream, StreamControl,
    StreamError, Tunnel, splice, stream_asked,
};
use tunnel::wire::{Code, ServerHello, StreamHello, Target};

use crate::access::{Lease, Principal, Subject};
use crate::relay::RelayStream;
use crate::state::AppState;

use super::kept::Connection;
use super::refusal::{REVOKED, refusal};

const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// For an end to take the last bytes of a stream that was cut after they had arrived.
const LAST_BYTES_TIMEOUT: Duration = Duration::from_secs(5);
const KEEPALIVE_S: u32 = 45;

/// A session that somebody who may has asked for.
pub(super) struct Asked {
    pub(super) principal: Principal,
    pub(super) device: DeviceId,
    pub(super) service: String,
    pub(super) upgrade: OnUpgrade,
    pub(super) request_id: String,
}

impl Asked {
    /// Serves it to its end.
    pub(super) async fn serve(mut self, state: AppState) {
        let upgrade = timeout(UPGRADE_TIMEOUT, &mut self.upgrade).await;
        let Ok(Ok(connection)) = upgrade else {
            return tracing::debug!(request_id = self.request_id, "no upgrade came about");
        };
        let config = state.relay.tunnel_config();
        let windows = config.windows();
        let (hello, pending) = match stream_asked(TokioIo::new(connection), config).await {
            Ok(asked) => asked,
            Err(error) => return self.log_no_stream(&error),
        };
        let id = match random_id() {
            Ok(id) => id,
            Err(error) => return self.log_no_stream(&error.into()),
        };
        let answer = ServerHello {
            tunnel: id,
            epoch: 0,
            resumed: false,
            received: None,
            features: Vec::new(),
            windows,
            keepalive_s: KEEPALIVE_S,
        };
        if let Some(detached) = self.lost(&state, &hello).await {
            match pending.resume(detached, answer).await {
                Ok(()) => tracing::info!(request_id = self.request_id, "session resumed"),
                Err(error) => self.log_no_stream(&error),
            }
            return;
        }
        let target = Target::Service(self.service.clone());
        match pending.answer(answer, target).await {
            Ok(asked) => self.run(&state, id, asked).await,
            Err(error) => self.log_no_stream(&error),
        }
    }

    fn log_no_stream(&self, error: &HandshakeError) {
        tracing::debug!(request_id = self.request_id, %error, "no stream");
    }

    /// The session that this client lost and may go on with.
    async fn lost(&self, state: &AppState, hello: &StreamHello) -> Option<Detached<Connection>> {
        let asked = hello.resume.as_ref()?;
        // Asked anew: the sign-in may have ended since the request was let in.
        if !matches!(state.accounts.is_living(self.principal.via).await, Ok(true)) {
            return None;
        }
        state
            .sessions
            .detach(asked, &self.principal, self.device, &self.service)
    }

    async fn run(&self, state: &AppState, id: [u8; 16], mut asked: AskedStream<Connection>) {
        let _kept = state.relay.resume_for().map(|resume_for| {
            let resumer = asked.driver.resumable(id, resume_for);
            state
                .sessions
                .keep(&self.principal, self.device, &self.service, resumer)
        });
        let (near, tunnel) = (asked.stream, asked.tunnel);
        let session = async {
            self.carry(state, near, &tunnel).await;
            if let Some(resume_for) = state.relay.resume_for() {
                // Lost in this very moment, the last bytes are sent again.
                let _ = timeout(resume_for, tunnel.settled()).await;
            }
            // What is on its way goes first; the driver says goodbye after it.
            tunnel.close();
        };
        let both = async { tokio::join!(asked.driver.run(), session) };
        let watch = state.relay.watch(&tunnel, |suspended| {
            tracing::info!(request_id = self.request_id, suspended, "session's client");
        });
        tokio::select! {
            _ = both => {}
            () = watch => {}
        }
    }

    async fn carry(&self, state: &AppState, near: IncomingStream, tunnel: &Tunnel) {
        let lease = match self.lease(state).await {
            Ok(lease) => lease,
            Err((code, text)) => return near.reject(code, text),
        };
        let target = near.target().clone();
        let opened = tokio::select! {
            opened = state.relay.open(self.device, target, lease) => opened,
            () = near.cancelled() => return,
        };
        let far = match opened {
            Ok(far) => far,
            Err(error) => {
                tracing::info!(
                    request_id = self.request_id, device = %self.device, service = self.service,
                    %error, "session refused"
                );
                let (code, text) = refusal(&error);
                return near.reject(code, text);
            }
        };
        tracing::info!(
            request_id = self.request_id, user = %self.principal.user, device = %self.device,
            service = self.service, "session opened"
        );
        let ended = join(near.accept(), far).await;
        let stats = tunnel.stats();
        tracing::info!(
            request_id = self.request_id, device = %self.device, service = self.service,
            %ended, sent_bytes = stats.bytes_sent, received_bytes = stats.bytes_received,
            "session closed"
        );
    }

    /// A lease, and proof that the right to it did not end while it was issued: a sign-out
    /// between the two would have found nothing to take back.
    async fn lease(&self, state: &AppState) -> Result<Lease, (Code, &'static str)> {
        let subject = Subject::new(&self.principal, Some(self.device));
        let lease = state.leases.issue(subject);
        match state.accounts.is_living(self.principal.via).await {
            Ok(true) => Ok(lease),
            Ok(false) => Err(REVOKED),
            Err(error) => {
                tracing::error!(request_id = self.request_id, %error, "session not checked");
                Err((Code::Internal, ""))
            }
        }
    }
}

/// How a session ended, for the log.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("both ways have ended")]
    Clean,
    #[error("the right has ended")]
    Revoked,
    #[error("the client broke off: {0}")]
    Client(io::Error),
    #[error("the device broke off: {0}")]
    Device(io::Error),
}

/// Joins both ends until both ways have ended; a cut of one is a cut of the other.
async fn join(mut near: Stream, mut far: RelayStream) -> End {
    let (near_control, far_control) = (near.control(), far.control());
    let revoked = far.revoked();
    let end = {
        let (near, far) = tapped(&mut near, &mut far);
        tokio::select! {
            end = until_broken(near, far, &near_control, &far_control) => end,
            () = revoked.cancelled() => End::Revoked,
        }
    };
    tell(&end, &revoked, &near_control, &far_control);
    end
}

/// A cut shows in reads and writes at once, but not while the other end takes nothing of what
/// was read before.
async fn until_broken<N, F>(
    mut near: N,
    mut far: F,
    near_control: &StreamControl,
    far_control: &StreamControl,
) -> End
where
    N: tunnel::driver::End,
    F: tunnel::driver::End,
{
    let cut = async |control: &StreamControl| {
        let error = control.cut().await;
        sleep(LAST_BYTES_TIMEOUT).await;
        io::Error::from(error)
    };
    tokio::select! {
        spliced = splice(&mut near, &mut far) => match spliced {
            Ok(()) => End::Clean,
            Err(Broken::Near(error)) => End::Client(error),
            Err(Broken::Far(error)) => End::Device(error),
        },
        error = cut(near_control) => End::Client(error),
        error = cut(far_control) => End::Device(error),
    }
}

/// Tells each end what ended the other.
fn tell(end: &End, revoked: &CancellationToken, near: &StreamControl, far: &StreamControl) {
    match end {
        End::Clean => {}
        // The relay has told the device, and the device may have answered before we looked.
        _ if revoked.is_cancelled() => near.reset(REVOKED.0, REVOKED.1),
        End::Revoked => near.reset(REVOKED.0, REVOKED.1),
        End::Device(error) => {
            let (code, text) = reason(error);
            near.reset(code, text);
        }
        End::Client(error) => {
            let (code, text) = match stream_error(error) {
                Some(StreamError::Reset { code, text }) => (*code, text.as_str()),
                _ => (Code::Cancelled, "the client is gone"),
            };
            far.reset(code, text);
        }
    }
}

fn reason(error: &io::Error) -> (Code, &str) {
    match stream_error(error) {
        Some(StreamError::Reset { code, text }) => (*code, text),
        Some(StreamError::TunnelLost) => (Code::Reconnecting, "the device's tunnel was lost"),
        _ => (Code::Broken, ""),
    }
}

fn stream_error(error: &io::Error) -> Option<&StreamError> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

#[cfg(not(test))]
fn tapped<'a>(
    near: &'a mut Stream,
    far: &'a mut RelayStream,
) -> (&'a mut Stream, &'a mut RelayStream) {
    (near, far)
}

#[cfg(test)]
use super::tap::tapped;

/// Tells connections apart in HELLO; grants nothing.
fn random_id() -> io::Result<[u8; 16]> {
    let mut id = [0; 16];
    SystemRandom::new()
        .fill(&mut id)
        .map_err(|_| io::Error::other("no random numbers for a stream's id"))?;
    Ok(id)
}
