//! One connection from its first byte to its end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use remote_messages::StreamFault;
use remote_messages::ssh::{Ended, Open, ToPage};
use remote_stream::Stats;
use russh::client::{Config, Handle};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::ended::{Told, disconnected, of_error};
use crate::flow::Gate;
use crate::handler::Watcher;
use crate::host_key::Known;
use crate::inbox::Inbox;
use crate::shell;
use crate::sign_in::{self, Failed};

/// From the first byte until the server has presented its key.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// For the session to say why it ended.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);
const TRAFFIC_EVERY: Duration = Duration::from_secs(2);
/// What a device may send before it hears that it was read; besides what the page has not drawn,
/// this is what a Ctrl+C waits behind.
const WINDOW_BYTES: u32 = 512 << 10;

/// Who is told.
pub trait Page: Send + Sync + 'static {
    /// A message; never [`ToPage::Connected`] or [`ToPage::Ended`], which are the caller's.
    fn tell(&self, message: ToPage);
    /// Output of the shell. In all, no more than 512 KiB and a packet ahead of
    /// [`Drawn`](remote_messages::ssh::ToWorker::Drawn).
    fn write(&self, bytes: Bytes);
}

/// What differs between a browser and a test.
pub trait Surroundings {
    /// Waits.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()>;
    /// Why the stream failed.
    fn fault(&self) -> Option<StreamFault>;
    /// What the stream measures.
    fn stats(&self) -> Stats;
}

/// Speaks SSH over the stream until it ends.
pub async fn run<S, P, W>(
    stream: S,
    open: &Open,
    inbox: Arc<Inbox>,
    page: Arc<P>,
    around: &W,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Page,
    W: Surroundings,
{
    let client = Client {
        open,
        inbox: Arc::clone(&inbox),
        page,
        told: Arc::default(),
        around,
    };
    let ended = tokio::select! {
        biased;
        () = inbox.closed() => Ended::Closed,
        ended = client.talk(stream) => ended,
        () = client.tell_traffic() => Ended::Closed,
    };
    // The session is a task of its own: this ends it whatever it waits for.
    inbox.flow.cut();
    ended
}

struct Client<'a, P, W> {
    open: &'a Open,
    inbox: Arc<Inbox>,
    page: Arc<P>,
    told: Arc<Told>,
    around: &'a W,
}

impl<P: Page, W: Surroundings> Client<'_, P, W> {
    async fn talk<S>(&self, stream: S) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut handle = match self.connect(stream).await {
            Ok(handle) => handle,
            Err(ended) => return ended,
        };
        let signing_in = sign_in::run(&mut handle, &self.open.user, &self.inbox, &*self.page);
        match signing_in.await {
            Ok(()) => {}
            Err(Failed::Refused) => return Ended::SignInRefused,
            Err(Failed::Session { tried }) => {
                // Servers end a session that has tried too often, some without a word.
                return match self.last_words(&mut handle).await {
                    Ended::Disconnected { .. } if tried => Ended::SignInRefused,
                    ended => ended,
                };
            }
        }
        let shell = shell::run(
            &handle,
            self.open.size,
            &self.inbox,
            &*self.page,
            self.around,
        );
        match shell.await {
            Some(ended) => ended,
            None => self.last_words(&mut handle).await,
        }
    }

    async fn connect<S>(&self, stream: S) -> Result<Handle<Watcher<P>>, Ended>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let known = Known::new(&self.open.host_keys);
        let preferred = known.preferred();
        if preferred.key.is_empty() {
            return Err(Ended::NotSpoken {
                text: "the device's known host keys are of kinds that are not spoken here".into(),
            });
        }
        let config = Config {
            window_size: WINDOW_BYTES,
            preferred,
            // russh's own timers panic in browsers.
            inactivity_timeout: None,
            keepalive_interval: None,
            ..Config::default()
        };
        let watcher = Watcher {
            known,
            inbox: Arc::clone(&self.inbox),
            page: Arc::clone(&self.page),
            told: Arc::clone(&self.told),
        };
        let gate = Gate::new(stream, Arc::clone(&self.inbox.flow));
        let connecting = russh::client::connect_stream(Arc::new(config), gate, watcher);
        let mut connecting = std::pin::pin!(connecting);
        let outcome = tokio::select! {
            outcome = &mut connecting => outcome,
            () = self.around.sleep(CONNECT_TIMEOUT) => {
                if !self.told.was_presented() {
                    return Err(Ended::Stream { fault: StreamFault::TimedOut });
                }
                connecting.await
            }
        };
        outcome.map_err(|error| self.why(of_error(&error)))
    }

    /// Why the session has ended.
    async fn last_words(&self, handle: &mut Handle<Watcher<P>>) -> Ended {
        tokio::select! {
            _ = handle => {}
            () = self.around.sleep(LAST_WORDS_TIMEOUT) => {}
        }
        self.why(disconnected(""))
    }

    /// The most telling reason: `seen` where nobody knows a better one.
    fn why(&self, seen: Ended) -> Ended {
        let told = self.told.ended();
        let says_nothing = match &told {
            None => true,
            Some(Ended::Disconnected { text }) => text.is_empty(),
            Some(_) => false,
        };
        match (told, self.around.fault()) {
            (_, Some(fault)) if says_nothing => Ended::Stream { fault },
            (Some(told), _) => told,
            (None, _) => seen,
        }
    }

    async fn tell_traffic(&self) {
        let mut last = None;
        loop {
            let stats = self.around.stats();
            if last.replace(stats) != Some(stats) {
                self.page.tell(ToPage::Traffic {
                    sent_bytes: stats.sent_bytes,
                    received_bytes: stats.received_bytes,
                    rtt_ms: stats
                        .rtt
                        .and_then(|rtt| u32::try_from(rtt.as_millis()).ok()),
                });
            }
            self.around.sleep(TRAFFIC_EVERY).await;
        }
    }
}
