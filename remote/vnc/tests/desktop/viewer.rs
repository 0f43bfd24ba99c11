//! Moves bytes between a client and a server.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use remote_vnc::rfb::{Client, Error, Event};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::desktop::SOON;

/// How long a read waits for more.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) trait Socket: Read + Write {
    fn pause(&self, time: Duration);
}

impl Socket for std::os::unix::net::UnixStream {
    fn pause(&self, time: Duration) {
        self.set_read_timeout(Some(time)).unwrap();
    }
}

impl Socket for std::net::TcpStream {
    fn pause(&self, time: Duration) {
        self.set_read_timeout(Some(time)).unwrap();
    }
}

pub(crate) struct Viewer {
    pub(crate) client: Client,
    socket: Box<dyn Socket>,
    /// Everything that happened so far.
    pub(crate) events: Vec<Event>,
    pub(crate) sent_bytes: usize,
    pub(crate) received_bytes: usize,
    /// Asks for the next update as soon as one is complete, as a page does that has drawn it.
    pub(crate) draws: bool,
}

impl Viewer {
    pub(crate) fn new(socket: impl Socket + 'static) -> Self {
        Self::with(socket, |_| {})
    }

    pub(crate) fn with(socket: impl Socket + 'static, prepare: impl FnOnce(&mut Client)) -> Self {
        socket.pause(PAUSE);
        let mut client = Client::new();
        prepare(&mut client);
        Self {
            client,
            socket: Box::new(socket),
            events: Vec::new(),
            sent_bytes: 0,
            received_bytes: 0,
            draws: true,
        }
    }

    /// One step; an error is the end.
    pub(crate) fn step(&mut self) -> Result<(), Error> {
        let output = self.client.take_output();
        self.sent_bytes += output.len();
        let _ = self.socket.write_all(&output);
        let mut bytes = [0; 16 * 1024];
        let outcome = match self.socket.read(&mut bytes) {
            Ok(0) => self.client.end(),
            Ok(length) => {
                self.received_bytes += length;
                self.client.feed(&bytes[..length])
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(())
            }
            Err(_) => self.client.end(),
        };
        let outcome = outcome.and_then(|()| self.decode());
        while let Some(event) = self.client.poll_event() {
            if event == Event::UpdateEnd && self.draws {
                self.client.request_update();
            }
            self.events.push(event);
        }
        outcome
    }

    /// What a browser does for the Worker.
    fn decode(&mut self) -> Result<(), Error> {
        loop {
            let jpegs = self.client.take_jpegs();
            if jpegs.is_empty() {
                return Ok(());
            }
            for jpeg in jpegs {
                let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGBA);
                let bytes = ZCursor::new(&jpeg.bytes);
                let pixels = JpegDecoder::new_with_options(bytes, options).decode().ok();
                self.client.put_jpeg(jpeg.number, pixels.as_deref())?;
            }
        }
    }

    pub(crate) fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < SOON, "waited in vain: {what}");
            self.step().unwrap();
        }
    }

    /// The error that ends it.
    pub(crate) fn until_ended(&mut self) -> Error {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < SOON, "it does not end");
            if let Err(error) = self.step() {
                return error;
            }
        }
    }

    pub(crate) fn for_a_while(&mut self, time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time {
            self.step().unwrap();
        }
    }

    pub(crate) fn saw(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    pub(crate) fn pixels(&mut self) -> Vec<u8> {
        self.client.with_screen(|screen| screen.pixels().to_vec())
    }
}
