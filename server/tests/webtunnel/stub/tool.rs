//! A tool (`remote-client`) as the public one behaves: one WebSocket for one connection.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc;
use tunnel::webtunnel::CLIENT_PROTOCOL;

use super::Seen;
use super::frames::{self, BINARY, CLOSE, Frame, PING, PONG, Reader};
use super::request::{Answer, KEY, read_head};
use crate::waiting::soon;

/// A tool's command line.
#[derive(Clone)]
pub(crate) struct ToolSettings {
    pub(crate) port: u16,
    pub(crate) authority: String,
    pub(crate) remote_port: u16,
    pub(crate) authorization: String,
    /// It reads nothing of the answer for so long.
    pub(crate) dozes: Duration,
}

/// A tool that is connected.
pub(crate) struct Tool {
    reader: Reader<OwnedReadHalf>,
    writer: mpsc::Sender<Frame>,
    heard: Vec<u8>,
    ended: bool,
    pub(crate) pongs: Vec<Vec<u8>>,
    pub(crate) seen: Arc<Seen>,
}

impl Tool {
    /// Connects once.
    ///
    /// # Errors
    /// Whatever the server answers instead of 101.
    pub(crate) async fn connect(settings: &ToolSettings) -> Result<Self, Answer> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, settings.port))
            .await
            .unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nSec-WebSocket-Protocol: {CLIENT_PROTOCOL}\r\n\
             X-WebTunnel-RemotePort: {}\r\nX-WebTunnel-KeepAlive: 300\r\nAuthorization: {}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {KEY}\r\nHost: {}\r\n\r\n",
            settings.remote_port, settings.authorization, settings.authority
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(settings.dozes).await;
        let (answer, rest) = soon("an answer", read_head(&mut socket)).await;
        if answer.status != 101 {
            return Err(answer);
        }
        answer.check_101(CLIENT_PROTOCOL);
        let seen = Arc::new(Seen::default());
        let (from, to) = socket.into_split();
        Ok(Self {
            reader: Reader::new(from, rest, &seen),
            writer: frames::writer(to),
            heard: Vec::new(),
            ended: false,
            pongs: Vec::new(),
            seen,
        })
    }

    pub(crate) async fn send(&self, opcode: u8, payload: &[u8]) {
        let payload = payload.to_vec();
        let _ = self.writer.send(Frame { opcode, payload }).await;
    }

    pub(crate) async fn write(&self, bytes: &[u8]) {
        for part in bytes.chunks(2048) {
            self.send(BINARY, part).await;
        }
    }

    pub(crate) async fn ping(&self) {
        self.send(PING, &[]).await;
    }

    /// The local end is over.
    pub(crate) async fn close(&self) {
        self.send(CLOSE, &1000_u16.to_be_bytes()).await;
    }

    /// One frame more; `false`: none will come.
    async fn hear(&mut self) -> bool {
        let Some(frame) = self.reader.next().await else {
            return false;
        };
        match frame.opcode {
            BINARY | PING => assert!(!frame.payload.is_empty(), "it is taken for a close"),
            PONG => self.pongs.push(frame.payload.clone()),
            CLOSE => self.ended = true,
            other => panic!("opcode {other}"),
        }
        if frame.opcode == BINARY {
            assert!(frame.payload.len() <= 2048, "{} bytes", frame.payload.len());
            self.heard.extend_from_slice(&frame.payload);
        }
        true
    }

    pub(crate) async fn read(&mut self, bytes: usize) -> Vec<u8> {
        soon("bytes of the device", async {
            while self.heard.len() < bytes {
                assert!(self.hear().await, "only {} bytes", self.heard.len());
            }
        })
        .await;
        self.heard.drain(..bytes).collect()
    }

    pub(crate) async fn read_to_end(&mut self) -> Vec<u8> {
        soon("the end of the device", async {
            while !self.ended {
                assert!(self.hear().await, "cut");
            }
        })
        .await;
        std::mem::take(&mut self.heard)
    }

    /// Whether the server hangs up, with or without CLOSE.
    pub(crate) async fn until_cut(&mut self) {
        soon("the cut", async { while self.hear().await {} }).await;
    }

    pub(crate) async fn until_pong(&mut self) {
        soon("a PONG", async {
            while self.pongs.is_empty() {
                assert!(self.hear().await, "cut");
            }
        })
        .await;
    }
}
