//! Whatever an agent sends, and whatever owners do: no panic, no wrong frame, nothing left over.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Scene, check_length};
use crate::mux::{Read, StreamId};
use crate::webtunnel::{Fault, Message};
use crate::wire::{Code, Target};

#[derive(Clone, Debug)]
enum Step {
    Raw(Vec<u8>),
    Say(u8, u8, usize),
    Open,
    Write(u8, usize),
    Read(u8, usize),
    Finish(u8),
    Reset(u8),
    Release(u8),
    Pass(u64),
    Transmit(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let channel = 0..12_u8;
    prop_oneof![
        1 => proptest::collection::vec(any::<u8>(), 0..12).prop_map(Step::Raw),
        6 => (0..7_u8, channel.clone(), 0..2049_usize).prop_map(|(a, b, c)| Step::Say(a, b, c)),
        3 => Just(Step::Open),
        3 => (channel.clone(), 0..300_000_usize).prop_map(|(a, b)| Step::Write(a, b)),
        3 => (channel.clone(), 1..300_000_usize).prop_map(|(a, b)| Step::Read(a, b)),
        1 => channel.clone().prop_map(Step::Finish),
        1 => channel.clone().prop_map(Step::Reset),
        1 => channel.prop_map(Step::Release),
        2 => (0..4000_u64).prop_map(Step::Pass),
        4 => any::<u8>().prop_map(Step::Transmit),
    ]
}

fn said(kind: u8, id: u16, bytes: usize) -> Message {
    match kind {
        0 | 1 => Message::Data(id, vec![1; bytes].into()),
        2 => Message::OpenConfirm(id),
        3 => Message::OpenFault(id, Fault::from_number((bytes % 9) as u16)),
        4 => Message::Close(id),
        5 => Message::Error(id, Fault::Socket),
        _ => Message::OpenRequest(id, 1),
    }
}

/// A session as an honest agent has it: every message it would say, and to which channel.
fn session(channels: &[u16]) -> Vec<Message> {
    let mut said = Vec::new();
    for id in channels {
        said.push(Message::OpenConfirm(*id));
        said.push(Message::Data(*id, vec![7; 2048].into()));
        said.push(Message::Data(*id, vec![8; 1].into()));
    }
    for id in channels {
        said.push(Message::Close(*id));
    }
    said
}

/// What happens to an honest message on its way.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(usize, u8),
    Cut(usize),
    Grow(Vec<u8>),
    Twice,
    Drop,
    Swap(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => (0..8_usize, 1..=255_u8).prop_map(|(at, bits)| Mutation::Flip(at, bits)),
        2 => (0..8_usize).prop_map(Mutation::Cut),
        1 => proptest::collection::vec(any::<u8>(), 1..4096).prop_map(Mutation::Grow),
        1 => Just(Mutation::Twice),
        1 => Just(Mutation::Drop),
        1 => any::<usize>().prop_map(Mutation::Swap),
    ]
}

fn mutate(messages: &mut Vec<Vec<u8>>, at: usize, mutation: Mutation) {
    let at = at % messages.len().max(1);
    let Some(message) = messages.get_mut(at) else {
        return;
    };
    match mutation {
        Mutation::Flip(byte, bits) => {
            if let Some(byte) = message.get_mut(byte) {
                *byte ^= bits;
            }
        }
        Mutation::Cut(length) => message.truncate(length),
        Mutation::Grow(more) => message.extend(more),
        Mutation::Twice => {
            let again = message.clone();
            messages.insert(at, again);
        }
        Mutation::Drop => drop(messages.remove(at)),
        Mutation::Swap(with) => {
            let with = with % messages.len();
            messages.swap(at, with);
        }
    }
}

proptest! {
    /// An honest session that was tampered with: only frames that agents live with come of it,
    /// what is held is bounded, and of other channels nothing is lost by it.
    #[test]
    fn a_mutated_session_harms_nobody(
        channels in 1..5_usize,
        mutations in proptest::collection::vec((any::<usize>(), mutation()), 0..12),
    ) {
        let mut scene = Scene::new();
        let streams: Vec<_> = (0..channels).map(|_| scene.open(80)).collect();
        let opened = scene.sent();
        let ids: Vec<u16> = opened
            .iter()
            .map(|message| match message {
                Message::OpenRequest(id, 80) => *id,
                other => panic!("{other:?}"),
            })
            .collect();
        prop_assert_eq!(ids.len(), channels);
        let is_honest = mutations.is_empty();
        let mut said: Vec<Vec<u8>> = session(&ids)
            .iter()
            .map(|message| message.encode().to_vec())
            .collect();
        for (at, mutation) in mutations {
            mutate(&mut said, at, mutation);
        }
        let mut heard_bytes = 0;
        let channels_bytes = scene.mux.budget_used_bytes();
        for message in said {
            heard_bytes += message.len() as u64;
            // What cannot be understood ends the connection, or nothing.
            if scene.mux.handle_message(scene.now, &Bytes::from(message)).is_err() {
                break;
            }
            while scene.mux.poll_event().is_some() {}
            while scene.mux.poll_properties().is_some() {}
            scene.frames();
            // Nothing that is said makes more of itself.
            prop_assert!(scene.mux.budget_used_bytes() <= channels_bytes + heard_bytes);
            prop_assert!(scene.mux.live_streams() as usize <= streams.len());
        }
        if is_honest {
            for stream in &streams {
                scene.read_bytes(*stream, 2049);
                prop_assert!(matches!(scene.read(*stream), Ok(Read::End)));
            }
        }
        scene.pass_ms(40_000);
        scene.frames();
        for stream in streams {
            scene.mux.release(stream);
        }
        prop_assert_eq!(scene.mux.live_streams(), 0);
        prop_assert_eq!(scene.mux.budget_used_bytes(), 0);
        scene.frames();
    }

    /// Bytes of no sense at all, many at once.
    #[test]
    fn noise_holds_no_memory(
        noise in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3000), 0..60),
    ) {
        let mut scene = Scene::new();
        let (stream, _) = scene.opened();
        let mut heard_bytes = 0;
        let channels_bytes = scene.mux.budget_used_bytes();
        for bytes in noise {
            heard_bytes += bytes.len() as u64;
            let _ = scene.mux.handle_message(scene.now, &Bytes::from(bytes));
            prop_assert!(scene.mux.budget_used_bytes() <= channels_bytes + heard_bytes);
        }
        scene.frames();
        scene.mux.release(stream);
        prop_assert_eq!(scene.mux.budget_used_bytes(), 0);
    }

    #[test]
    fn nothing_goes_wrong(steps in proptest::collection::vec(step(), 1..200)) {
        let mut scene = Scene::new();
        let mut streams: Vec<StreamId> = Vec::new();
        let pick = |streams: &[StreamId], n: u8| streams.get(usize::from(n)).copied();
        for step in steps {
            match step {
                Step::Raw(bytes) => {
                    let _ = scene.mux.handle_message(scene.now, &Bytes::from(bytes));
                }
                Step::Say(kind, id, bytes) => scene.hear(&said(kind, id.into(), bytes)),
                Step::Open => {
                    let target = Target::Tcp { host: "h".into(), port: 80 };
                    streams.extend(scene.mux.open(scene.now, &target));
                }
                Step::Write(n, bytes) => {
                    if let Some(stream) = pick(&streams, n) {
                        let _ = scene.mux.write(stream, &vec![0; bytes]);
                    }
                }
                Step::Read(n, bytes) => {
                    if let Some(stream) = pick(&streams, n)
                        && let Ok(Read::Bytes(read)) = scene.mux.read(stream, bytes)
                    {
                        prop_assert!((1..=bytes).contains(&read.len()));
                    }
                }
                Step::Finish(n) => {
                    if let Some(stream) = pick(&streams, n) {
                        let _ = scene.mux.finish(stream);
                    }
                }
                Step::Reset(n) => {
                    if let Some(stream) = pick(&streams, n) {
                        scene.mux.reset(stream, Code::Cancelled, "");
                        prop_assert!(scene.mux.has_ended(stream));
                    }
                }
                Step::Release(n) => {
                    if let Some(stream) = pick(&streams, n) {
                        streams.remove(n.into());
                        scene.mux.release(stream);
                        prop_assert_eq!(scene.mux.transferred(stream), None);
                    }
                }
                Step::Pass(ms) => scene.pass_ms(ms),
                Step::Transmit(frames) => {
                    for _ in 0..frames {
                        let Some(frame) = scene.mux.poll_transmit(scene.now) else {
                            break;
                        };
                        check_length(&frame);
                    }
                }
            }
            while scene.mux.poll_event().is_some() {}
            prop_assert!(scene.mux.live_streams() as usize <= streams.len());
        }
        for stream in streams {
            scene.mux.release(stream);
        }
        prop_assert_eq!(scene.mux.live_streams(), 0);
        prop_assert_eq!(scene.mux.budget_used_bytes(), 0);
        prop_assert!(!scene.mux.is_paused());
        scene.frames();
    }
}
