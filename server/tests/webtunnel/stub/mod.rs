//! An agent as the public one behaves, SDK 2.5, down to what it gets wrong.

mod channel;
mod frames;
mod request;
mod tool;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tunnel::webtunnel::{AGENT_PROTOCOL, Property};

use crate::waiting::{soon, spawn};

use self::channel::{Channel, Event};
pub(crate) use self::frames::{BINARY, PING};
use self::frames::{CLOSE, Frame, PONG, Reader};
pub(crate) use self::request::{Answer, Settings};
pub(crate) use self::tool::{Tool, ToolSettings};

/// The agent's own 300 s, for who is told nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(300);
/// After its device's end a channel is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(2);
const MAX_MESSAGE_BYTES: usize = 2052;

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By an empty CLOSE.
    Gracefully,
    /// By the end of the socket.
    WithError,
    /// The server answered no PING.
    Timeout,
    /// The server sent what kills the agent.
    Hung(String),
}

/// What an agent saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) pings: AtomicUsize,
    pub(crate) pongs: AtomicUsize,
    pub(crate) opens: AtomicUsize,
    pub(crate) errors: AtomicUsize,
    pub(crate) largest_message: AtomicUsize,
    /// CLOSE, ERROR and DATA for channels that it does not know.
    pub(crate) unknown: AtomicUsize,
    /// The first frame came with the 101, and waited for more bytes.
    pub(crate) held: AtomicBool,
}

impl Seen {
    pub(crate) fn count(&self, what: &AtomicUsize) -> usize {
        what.load(Ordering::SeqCst)
    }
}

/// An agent that is connected.
pub(crate) struct Stub {
    pub(crate) answer: Answer,
    pub(crate) seen: Arc<Seen>,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<Ended>,
}

enum Command {
    Send(Frame),
}

impl Stub {
    /// Connects once.
    ///
    /// # Errors
    /// Whatever the server answers instead of 101.
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, Answer> {
        Self::try_connect(settings).await.unwrap()
    }

    /// The same of one whose server may not be there.
    ///
    /// # Errors
    /// When nothing listens.
    pub(crate) async fn try_connect(settings: &Settings) -> io::Result<Result<Self, Answer>> {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port));
        let mut socket = TcpStream::connect(server).await?;
        let (answer, rest) = soon("an answer", request::exchange(&mut socket, settings)).await;
        if answer.status != 101 {
            return Ok(Err(answer));
        }
        answer.check_101(AGENT_PROTOCOL);
        let seen = Arc::new(Seen::default());
        let keep_alive = answer.field("x-webtunnel-keepalive");
        let keep_alive = keep_alive.map_or(KEEP_ALIVE, |seconds| {
            Duration::from_secs(seconds.parse().unwrap())
        });
        let (commands, receiver) = mpsc::channel(16);
        let (from, to) = socket.into_split();
        let agent = Agent {
            settings: settings.clone(),
            reader: Reader::new(from, rest, &seen),
            writer: frames::writer(to),
            channels: HashMap::new(),
            seen: Arc::clone(&seen),
            keep_alive,
            heard_at: Instant::now(),
            asked: false,
        };
        Ok(Ok(Self {
            answer,
            seen,
            commands,
            task: spawn(agent.run(receiver)),
        }))
    }

    /// Sends any frame, if there is still somebody to send it to.
    pub(crate) async fn try_send(&self, opcode: u8, payload: &[u8]) -> bool {
        let payload = payload.to_vec();
        let command = Command::Send(Frame { opcode, payload });
        self.commands.send(command).await.is_ok()
    }

    /// Sends any frame.
    pub(crate) async fn send(&self, opcode: u8, payload: &[u8]) {
        let frame = Frame {
            opcode,
            payload: payload.to_vec(),
        };
        self.commands.send(Command::Send(frame)).await.unwrap();
    }

    pub(crate) async fn report(&self, properties: &[(&str, &str)]) {
        let properties: Vec<_> = properties
            .iter()
            .map(|(name, value)| Property {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        let message = [&[0x40, 0, 0, 0][..], &Property::write_all(&properties)].concat();
        self.send(BINARY, &message).await;
    }

    pub(crate) async fn ping(&self, payload: &[u8]) {
        self.send(PING, payload).await;
    }

    /// How it ended.
    pub(crate) async fn ended(self) -> Ended {
        soon("the end of an agent", self.task).await.unwrap()
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    /// As by SIGTERM.
    pub(crate) async fn stop(self) -> Ended {
        self.send(CLOSE, &1000_u16.to_be_bytes()).await;
        self.ended().await
    }

    /// As by SIGKILL.
    pub(crate) fn kill(&self) {
        self.task.abort();
    }
}

struct Agent {
    settings: Settings,
    reader: Reader<OwnedReadHalf>,
    writer: mpsc::Sender<Frame>,
    channels: HashMap<u16, Channel>,
    seen: Arc<Seen>,
    keep_alive: Duration,
    heard_at: Instant,
    /// A PING is out.
    asked: bool,
}

impl Agent {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Ended {
        let (events, mut happened) = mpsc::channel(256);
        loop {
            tokio::select! {
                frame = self.reader.next() => {
                    self.heard_at = Instant::now();
                    let Some(frame) = frame else { return Ended::WithError };
                    if let Some(ended) = self.frame(frame, &events).await {
                        return ended;
                    }
                }
                Some(event) = happened.recv() => self.event(event, &events).await,
                Some(Command::Send(frame)) = commands.recv() => self.send(frame).await,
                () = sleep_until(self.heard_at + self.keep_alive) => {
                    if std::mem::replace(&mut self.asked, true) {
                        return Ended::Timeout;
                    }
                    self.heard_at = Instant::now();
                    self.send(Frame { opcode: PING, payload: Vec::new() }).await;
                }
            }
        }
    }

    async fn send(&self, frame: Frame) {
        let _ = self.writer.send(frame).await;
    }

    async fn say(&self, message: &[u8]) {
        let payload = message.to_vec();
        self.send(Frame {
            opcode: BINARY,
            payload,
        })
        .await;
    }

    async fn frame(&mut self, frame: Frame, events: &mpsc::Sender<Event>) -> Option<Ended> {
        match frame.opcode {
            BINARY if frame.payload.len() > MAX_MESSAGE_BYTES => Some(Ended::Hung(format!(
                "a message of {} bytes",
                frame.payload.len()
            ))),
            BINARY => self.message(&frame.payload, events).await,
            // Never answered.
            PING => {
                self.seen.pings.fetch_add(1, Ordering::SeqCst);
                None
            }
            PONG => {
                self.seen.pongs.fetch_add(1, Ordering::SeqCst);
                self.asked = false;
                None
            }
            // One that has a code is not heeded.
            CLOSE if frame.payload.is_empty() => {
                self.send(Frame {
                    opcode: CLOSE,
                    payload: 1000_u16.to_be_bytes().to_vec(),
                })
                .await;
                while self.reader.next().await.is_some() {}
                Some(Ended::Gracefully)
            }
            _ => None,
        }
    }

    async fn message(&mut self, payload: &[u8], events: &mpsc::Sender<Event>) -> Option<Ended> {
        self.seen
            .largest_message
            .fetch_max(payload.len(), Ordering::SeqCst);
        if payload.is_empty() {
            return None;
        }
        let Some(([opcode, _, high, low], rest)) = payload.split_first_chunk() else {
            return Some(Ended::Hung(format!("a message of {} bytes", payload.len())));
        };
        let id = u16::from_be_bytes([*high, *low]);
        let fault = |opcode: u8, number: u8| [opcode, 0, *high, *low, 0, number];
        match (*opcode, self.channels.get_mut(&id)) {
            (0x01, Some(_)) => self.say(&fault(0x81, 7)).await,
            (0x01, None) => {
                self.seen.opens.fetch_add(1, Ordering::SeqCst);
                let port = u16::from_be_bytes([rest[0], rest[1]]);
                if self.settings.ports.contains(&port) {
                    let channel =
                        Channel::open(id, port, &self.settings, events.clone(), &self.writer);
                    self.channels.insert(id, channel);
                } else {
                    self.say(&fault(0x81, 2)).await;
                }
            }
            (0x00, Some(channel)) => channel.data(rest),
            (0x00, None) => {
                self.seen.unknown.fetch_add(1, Ordering::SeqCst);
                self.say(&fault(0x80, 1)).await;
            }
            (0x02, Some(channel)) => {
                if channel.server_ended() {
                    self.channels.remove(&id);
                }
            }
            (0x80, Some(_)) => {
                self.seen.errors.fetch_add(1, Ordering::SeqCst);
                self.channels.remove(&id);
            }
            (0x02 | 0x80, None) => {
                self.seen.unknown.fetch_add(1, Ordering::SeqCst);
            }
            _ => self.say(&fault(0x80, 6)).await,
        }
        None
    }

    async fn event(&mut self, event: Event, events: &mpsc::Sender<Event>) {
        match event {
            Event::Failed(id) => {
                self.channels.remove(&id);
            }
            Event::DeviceEnded(id) => {
                let Some(channel) = self.channels.get_mut(&id) else {
                    return;
                };
                if channel.device_ended() {
                    self.channels.remove(&id);
                    return;
                }
                let events = events.clone();
                spawn(async move {
                    tokio::time::sleep(FORGET_AFTER).await;
                    let _ = events.send(Event::Forget(id)).await;
                });
            }
            // Without a word.
            Event::Forget(id) => {
                if self
                    .channels
                    .get(&id)
                    .is_some_and(Channel::is_half_ended_by_device)
                {
                    self.channels.remove(&id);
                }
            }
        }
    }
}
