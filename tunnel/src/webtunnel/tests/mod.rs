//! The multiplexer against an agent that is a script.

mod hostile;
mod life;
mod pausing;

use std::time::Duration;

use bytes::Bytes;

use super::{Config, Message, Mux, Outgoing};
use crate::mux::{Budget, Read, StreamId, Time};
use crate::wire::Target;

const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// A multiplexer and its clock.
struct Scene {
    mux: Mux,
    now: Time,
}

impl Scene {
    /// Past the gap after the 101.
    fn new() -> Self {
        let config = Config::new(KEEP_ALIVE, Budget::new(64 << 20));
        let mut scene = Self {
            mux: Mux::new(&config, Time::START),
            now: Time::START,
        };
        scene.pass(Duration::from_millis(20));
        scene
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.mux.next_timeout()
            && at <= end
        {
            self.now = self.now.max(at);
            self.mux.handle_timeout(self.now);
        }
        self.now = end;
    }

    fn pass_ms(&mut self, ms: u64) {
        self.pass(Duration::from_millis(ms));
    }

    fn open(&mut self, port: u16) -> StreamId {
        let host = "127.0.0.1".into();
        let target = Target::Tcp { host, port };
        self.mux.open(self.now, &target).unwrap()
    }

    /// Opened and confirmed; the channel's id beside it.
    fn opened(&mut self) -> (StreamId, u16) {
        let stream = self.open(80);
        let id = self.open_request();
        self.hear(&Message::OpenConfirm(id));
        assert_eq!(self.mux.accepted(stream), Some(Ok(())));
        (stream, id)
    }

    fn open_request(&mut self) -> u16 {
        match self.sent().as_slice() {
            [Message::OpenRequest(id, _)] => *id,
            other => panic!("{other:?}"),
        }
    }

    fn hear(&mut self, message: &Message) {
        self.mux
            .handle_message(self.now, &message.encode())
            .unwrap();
    }

    fn data(&mut self, id: u16, bytes: usize) {
        let mut left = bytes;
        while left > 0 {
            let part = left.min(2048);
            self.hear(&Message::Data(id, vec![7; part].into()));
            left -= part;
        }
    }

    /// Everything that is sent now, PINGs left out.
    fn sent(&mut self) -> Vec<Message> {
        let frames = self.frames();
        let message = |frame| match frame {
            Outgoing::Message(bytes) => Some(Message::decode(&bytes).unwrap()),
            Outgoing::Ping(_) => None,
        };
        frames.into_iter().filter_map(message).collect()
    }

    fn frames(&mut self) -> Vec<Outgoing> {
        let mut frames = Vec::new();
        while let Some(frame) = self.mux.poll_transmit(self.now) {
            check_length(&frame);
            frames.push(frame);
        }
        frames
    }

    fn read(&mut self, stream: StreamId) -> Result<Read, crate::mux::StreamError> {
        self.mux.read(stream, usize::MAX)
    }

    fn read_bytes(&mut self, stream: StreamId, bytes: usize) {
        let mut left = bytes;
        while left > 0 {
            match self.mux.read(stream, left).unwrap() {
                Read::Bytes(read) => left -= read.len(),
                other => panic!("{other:?} with {left} to go"),
            }
        }
    }
}

/// What agents live with, and nothing else.
fn check_length(frame: &Outgoing) {
    match frame {
        Outgoing::Message(bytes) => {
            assert!((4..=2052).contains(&bytes.len()), "{} bytes", bytes.len());
            assert_ne!(bytes[2..4], [0, 0], "channel 0");
            let is_data = bytes[0] == 0;
            assert!(!is_data || bytes.len() > 4, "DATA without bytes");
        }
        Outgoing::Ping(payload) => assert_eq!(payload, &Bytes::from_static(&[0])),
    }
}
