//! One channel of the agent: a connection to its device.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::Settings;
use super::frames::{BINARY, Frame};
use crate::waiting::spawn;

/// The agent reads so much of its device for one message.
const READ_BYTES: usize = 2048;

pub(super) enum Event {
    /// The connection was not made, or broke.
    Failed(u16),
    /// The device has said all it has.
    DeviceEnded(u16),
    /// It is time to forget the channel.
    Forget(u16),
}

/// Dropped, its connection is, too.
pub(super) struct Channel {
    /// Unbounded, as the agent's. `None`: no more comes.
    to_device: mpsc::UnboundedSender<Option<Vec<u8>>>,
    task: JoinHandle<()>,
    device_ended: bool,
    server_ended: bool,
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Channel {
    pub(super) fn open(
        id: u16,
        port: u16,
        settings: &Settings,
        events: mpsc::Sender<Event>,
        writer: &mpsc::Sender<Frame>,
    ) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the agent's queue towards its device has no end either"
        )]
        let (to_device, from_server) = mpsc::unbounded_channel();
        let line = Line {
            id,
            writer: writer.clone(),
            events,
        };
        let confirms = !settings.confirms_late;
        Self {
            to_device,
            task: spawn(line.run(port, confirms, from_server)),
            device_ended: false,
            server_ended: false,
        }
    }

    pub(super) fn data(&self, bytes: &[u8]) {
        let _ = self.to_device.send(Some(bytes.to_vec()));
    }

    /// Whether both sides have ended now.
    pub(super) fn server_ended(&mut self) -> bool {
        let _ = self.to_device.send(None);
        self.server_ended = true;
        self.device_ended
    }

    /// Whether both sides have ended now.
    pub(super) fn device_ended(&mut self) -> bool {
        self.device_ended = true;
        self.server_ended
    }

    pub(super) fn is_half_ended_by_device(&self) -> bool {
        self.device_ended && !self.server_ended
    }
}

struct Line {
    id: u16,
    writer: mpsc::Sender<Frame>,
    events: mpsc::Sender<Event>,
}

impl Line {
    async fn run(
        self,
        port: u16,
        confirms: bool,
        from_server: mpsc::UnboundedReceiver<Option<Vec<u8>>>,
    ) {
        let Ok(device) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
            self.say(0x81, &[0, 3]).await;
            let _ = self.events.send(Event::Failed(self.id)).await;
            return;
        };
        if confirms {
            self.say(0x11, &[]).await;
        }
        let (from, to) = device.into_split();
        let ended = Arc::new(Notify::new());
        tokio::join!(
            self.tell_device(from_server, to, Arc::clone(&ended)),
            self.hear_device(from, ended)
        );
    }

    async fn say(&self, opcode: u8, body: &[u8]) {
        let [high, low] = self.id.to_be_bytes();
        let payload = [&[opcode, 0, high, low][..], body].concat();
        let frame = Frame {
            opcode: BINARY,
            payload,
        };
        let _ = self.writer.send(frame).await;
    }

    async fn tell_device(
        &self,
        mut from_server: mpsc::UnboundedReceiver<Option<Vec<u8>>>,
        mut to: OwnedWriteHalf,
        broken: Arc<Notify>,
    ) {
        while let Some(Some(bytes)) = from_server.recv().await {
            if to.write_all(&bytes).await.is_err() {
                broken.notify_one();
                return;
            }
        }
        let _ = to.shutdown().await;
    }

    async fn hear_device(&self, mut from: OwnedReadHalf, broken: Arc<Notify>) {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = tokio::select! {
                read = from.read(&mut buffer) => read.ok(),
                () = broken.notified() => None,
            };
            match read {
                Some(0) => {
                    self.say(0x02, &[]).await;
                    let _ = self.events.send(Event::DeviceEnded(self.id)).await;
                    return;
                }
                Some(read) => self.say(0x00, &buffer[..read]).await,
                None => {
                    self.say(0x80, &[0, 5]).await;
                    let _ = self.events.send(Event::Failed(self.id)).await;
                    return;
                }
            }
        }
    }
}
