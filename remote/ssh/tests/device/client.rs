//! A page in a test.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use remote_messages::StreamFault;
use remote_messages::ssh::{Ended, Open, Size, ToPage, ToWorker};
use remote_ssh::{Inbox, Page, Surroundings, run};
use remote_stream::Stats;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// For everything that must happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// What the client has said to the page.
#[derive(Default)]
pub(crate) struct Screen {
    messages: Mutex<VecDeque<ToPage>>,
    output: Mutex<Vec<u8>>,
    /// Output that was handed over and not reported as drawn.
    pub(crate) undrawn_bytes: AtomicUsize,
    changed: Notify,
}

impl Page for Screen {
    fn tell(&self, message: ToPage) {
        if matches!(message, ToPage::Traffic { .. }) {
            return;
        }
        self.messages.lock().unwrap().push_back(message);
        self.changed.notify_waiters();
    }

    fn write(&self, bytes: Bytes) {
        // First the bytes: whoever counts them must find them.
        self.output.lock().unwrap().extend_from_slice(&bytes);
        self.undrawn_bytes.fetch_add(bytes.len(), Ordering::SeqCst);
        self.changed.notify_waiters();
    }
}

struct Native;

impl Surroundings for Native {
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn fault(&self) -> Option<StreamFault> {
        None
    }

    fn stats(&self) -> Stats {
        Stats::default()
    }
}

pub(crate) struct Client {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) screen: Arc<Screen>,
    session: JoinHandle<Ended>,
}

impl Client {
    pub(crate) async fn connect(port: u16, user: &str, host_keys: &[String]) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream, user, host_keys)
    }

    pub(crate) fn over<S>(stream: S, user: &str, host_keys: &[String]) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let open = Open {
            url: String::new(),
            user: user.to_owned(),
            size: Size {
                columns: 100,
                rows: 30,
            },
            host_keys: host_keys.to_vec(),
        };
        let (inbox, screen) = (Arc::new(Inbox::default()), Arc::new(Screen::default()));
        let session = {
            let (inbox, screen) = (Arc::clone(&inbox), Arc::clone(&screen));
            tokio::spawn(async move { run(stream, &open, inbox, screen, &Native).await })
        };
        Self {
            inbox,
            screen,
            session,
        }
    }

    pub(crate) fn say(&self, message: ToWorker) {
        self.inbox.say(message).unwrap();
    }

    pub(crate) fn key(&self, text: &str, passphrase: Option<&str>) {
        self.say(ToWorker::PrivateKey {
            text: text.to_owned(),
            passphrase: passphrase.map(str::to_owned),
        });
    }

    pub(crate) fn type_text(&self, text: &str) {
        self.inbox.type_bytes(text.as_bytes()).unwrap();
    }

    /// All that is on the screen is drawn.
    pub(crate) fn draw(&self) -> usize {
        let bytes = self.screen.undrawn_bytes.swap(0, Ordering::SeqCst);
        self.say(ToWorker::Drawn {
            bytes: bytes.try_into().unwrap(),
        });
        bytes
    }

    /// All that is there; called after [`Self::draw`], or what comes in between is never counted.
    pub(crate) fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut *self.screen.output.lock().unwrap())
    }

    /// The next message, which must come soon.
    pub(crate) async fn told(&self) -> ToPage {
        self.wait("a message", |screen| {
            screen.messages.lock().unwrap().pop_front()
        })
        .await
    }

    /// Everything the shell has written until `text` is in it, drawn as it comes.
    pub(crate) async fn see(&self, text: &str) -> String {
        self.wait(text, |screen| {
            let bytes = screen.undrawn_bytes.swap(0, Ordering::SeqCst);
            self.say(ToWorker::Drawn {
                bytes: bytes.try_into().unwrap(),
            });
            let mut output = screen.output.lock().unwrap();
            let seen = String::from_utf8_lossy(&output).into_owned();
            let end = seen.find(text)? + text.len();
            *output = seen.as_bytes()[end..].to_vec();
            Some(seen[..end].to_owned())
        })
        .await
    }

    pub(crate) async fn wait<T>(
        &self,
        what: &str,
        mut check: impl FnMut(&Screen) -> Option<T>,
    ) -> T {
        let waiting = async {
            loop {
                let mut notified = pin!(self.screen.changed.notified());
                notified.as_mut().enable();
                if let Some(found) = check(&self.screen) {
                    return found;
                }
                notified.await;
            }
        };
        match timeout(SOON, waiting).await {
            Ok(found) => found,
            Err(_) => panic!(
                "waited in vain for {what:?}; told {:?}, on the screen: {}",
                self.screen.messages.lock().unwrap(),
                String::from_utf8_lossy(&self.screen.output.lock().unwrap()),
            ),
        }
    }

    /// How it ended.
    pub(crate) async fn ended(self) -> Ended {
        let ended = timeout(SOON, self.session).await;
        ended
            .unwrap_or_else(|_| panic!("it has not ended; told {:?}", self.screen.messages))
            .unwrap()
    }
}
