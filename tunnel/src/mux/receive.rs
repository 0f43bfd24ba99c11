//! What comes: each frame and what it does.

use bytes::Bytes;

use super::error::{OpenError, ProtocolError, StreamError};
use super::flow::Window;
use super::scheduler::Control;
use super::stream::{Half, Origin, Stream};
use super::time::Time;
use super::{Event, Mux, StreamId};
use crate::wire::{Code, Frame, Target};

impl Mux {
    pub(super) fn handle_frame(&mut self, now: Time, frame: Frame) -> Result<(), ProtocolError> {
        match frame {
            Frame::Hello(_) => return Err(ProtocolError::LateHello),
            Frame::Ping(opaque) => {
                self.caps.ping(now)?;
                self.scheduler.push(Control::Pong(opaque));
            }
            Frame::Pong(opaque) => {
                self.caps.ping(now)?;
                self.liveness.pong(opaque, now);
            }
            Frame::GoAway(goaway) => {
                self.peer_draining = true;
                self.events.push_back(Event::GoAway(goaway));
            }
            Frame::Ack(received) => self.handle_ack(now, received)?,
            Frame::Open { stream, target } => self.handle_open(now, stream, &target)?,
            Frame::Accept { stream } => self.handle_accept(stream)?,
            Frame::Reject { stream, code, text } => self.handle_reject(stream, code, text)?,
            Frame::Data { stream, bytes } => self.handle_data(now, stream, bytes)?,
            Frame::Credit { stream, limit } => self.handle_credit(now, stream, limit)?,
            Frame::Fin { stream } => self.handle_fin(stream)?,
            Frame::Reset { stream, code, text } => {
                self.caps.reset(now)?;
                if let Some(state) = self.table.live(stream)? {
                    state.cut(StreamError::Reset { code, text });
                    self.settle(stream);
                }
            }
        }
        Ok(())
    }

    fn handle_ack(&mut self, now: Time, received: u64) -> Result<(), ProtocolError> {
        if !self.replay.acknowledge(received, &mut self.ledger)? {
            return self.caps.idle_ack(now);
        }
        self.liveness.acknowledged(self.replay.is_empty(), now);
        Ok(())
    }

    fn handle_open(&mut self, now: Time, id: u32, target: &[u8]) -> Result<(), ProtocolError> {
        self.table.note_remote(id)?;
        let refusal = if !self.caps.open(now)? {
            Some((Code::Busy, "too many at once"))
        } else if self.draining {
            Some((Code::Draining, ""))
        } else if !self
            .table
            .remote_fits(self.local.max_streams, self.local.max_pending)
        {
            Some((Code::Busy, "too many streams"))
        } else {
            None
        };
        if let Some((code, text)) = refusal {
            self.scheduler.push(Control::Reject(id, code, text.into()));
            return Ok(());
        }
        let Ok(target) = Target::from_bytes(target) else {
            let text = "the target is not understood".into();
            self.scheduler
                .push(Control::Reject(id, Code::NotOffered, text));
            return Ok(());
        };
        let initial = u64::from(self.local.initial);
        if !self.ledger.charge(initial) {
            self.scheduler
                .push(Control::Reject(id, Code::Busy, "out of buffers".into()));
            return Ok(());
        }
        let window = Window::new(initial, now);
        let stream = Stream::new(Origin::Remote, self.peer.initial.into(), window);
        self.table.insert(id, stream);
        self.settle(id);
        self.events.push_back(Event::Incoming(StreamId(id), target));
        Ok(())
    }

    fn handle_accept(&mut self, id: u32) -> Result<(), ProtocolError> {
        if let Some(stream) = self.table.live(id)? {
            if stream.origin != Origin::Local || stream.accepted {
                return Err(ProtocolError::UnexpectedAnswer);
            }
            stream.accepted = true;
            self.settle(id);
            self.events.push_back(Event::Accepted(StreamId(id)));
        }
        Ok(())
    }

    fn handle_reject(&mut self, id: u32, code: Code, text: String) -> Result<(), ProtocolError> {
        if let Some(stream) = self.table.live(id)? {
            if stream.origin != Origin::Local || stream.accepted {
                return Err(ProtocolError::UnexpectedAnswer);
            }
            stream.cut(StreamError::Open(OpenError::Rejected { code, text }));
            self.settle(id);
        }
        Ok(())
    }

    fn handle_data(&mut self, now: Time, id: u32, bytes: Bytes) -> Result<(), ProtocolError> {
        if bytes.is_empty() {
            self.caps.empty_data(now)?;
        } else if let Some(ping) = self.liveness.probe(now) {
            self.scheduler.push_first(Control::Ping(ping));
        }
        if let Some(stream) = self.table.live(id)? {
            if stream.receiver.half != Half::Open {
                return Err(ProtocolError::AfterFin);
            }
            stream.receiver.window.receive(bytes.len() as u64)?;
            if !bytes.is_empty() {
                stream.receiver.chunks.push(bytes);
                self.readable(id);
            }
        }
        Ok(())
    }

    fn handle_credit(&mut self, now: Time, id: u32, limit: u64) -> Result<(), ProtocolError> {
        let mut raised = false;
        if let Some(stream) = self.table.live(id)? {
            raised = limit > stream.sender.limit;
            if raised {
                stream.sender.limit = limit;
                self.scheduler.ready(id, &mut stream.sender);
            }
        }
        if raised {
            Ok(())
        } else {
            self.caps.idle_credit(now)
        }
    }

    fn handle_fin(&mut self, id: u32) -> Result<(), ProtocolError> {
        if let Some(stream) = self.table.live(id)? {
            if stream.receiver.half != Half::Open {
                return Err(ProtocolError::AfterFin);
            }
            stream.receiver.half = Half::Finished;
            self.settle(id);
            self.readable(id);
        }
        Ok(())
    }
}
