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

proptest! {
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
