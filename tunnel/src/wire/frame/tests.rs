//! Frames as they should be, and as they should not.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::wire::GoAwayReason;

fn frame() -> impl Strategy<Value = Frame> {
    let stream = 1..u32::MAX;
    let bytes = |max| proptest::collection::vec(any::<u8>(), 0..max).prop_map(Bytes::from);
    let reason = (
        stream.clone(),
        any::<u16>().prop_map(Code::from_wire),
        "[a-z ]{0,40}",
    );
    prop_oneof![
        bytes(100).prop_map(Frame::Hello),
        any::<[u8; 8]>().prop_map(Frame::Ping),
        any::<[u8; 8]>().prop_map(Frame::Pong),
        (
            any::<u16>(),
            any::<u32>(),
            proptest::option::of("https://[a-z]{1,20}")
        )
            .prop_map(|(reason, ms, url)| Frame::GoAway(GoAway {
                reason: GoAwayReason::from_wire(reason),
                reconnect_after: Duration::from_millis(ms.into()),
                url,
            })),
        any::<u64>().prop_map(Frame::Ack),
        (stream.clone(), bytes(100)).prop_map(|(stream, target)| Frame::Open { stream, target }),
        stream.clone().prop_map(|stream| Frame::Accept { stream }),
        reason
            .clone()
            .prop_map(|(stream, code, text)| Frame::Reject { stream, code, text }),
        (stream.clone(), bytes(2000)).prop_map(|(stream, bytes)| Frame::Data { stream, bytes }),
        (stream.clone(), any::<u64>()).prop_map(|(stream, limit)| Frame::Credit { stream, limit }),
        stream.prop_map(|stream| Frame::Fin { stream }),
        reason.prop_map(|(stream, code, text)| Frame::Reset { stream, code, text }),
    ]
}

fn encoded(frames: &[Frame]) -> BytesMut {
    let mut message = BytesMut::new();
    for frame in frames {
        frame.encode(&mut message);
    }
    message
}

fn decode_all(bytes: Bytes) -> Result<Vec<Frame>, WireError> {
    let mut rest = bytes;
    let mut frames = Vec::new();
    while let Some(frame) = Frame::decode(&mut rest)? {
        frames.push(frame);
    }
    Ok(frames)
}

proptest! {
    #[test]
    fn what_was_encoded_decodes(frames in proptest::collection::vec(frame(), 0..8)) {
        prop_assert_eq!(decode_all(encoded(&frames).freeze()), Ok(frames));
    }

    #[test]
    fn s37_random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        let _ = decode_all(bytes.into());
    }

    #[test]
    fn s37_flipped_bits_and_cuts_never_panic_nor_grow(
        frames in proptest::collection::vec(frame(), 1..5),
        flips in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let mut message = encoded(&frames);
        for flip in flips {
            let bit = flip.index(message.len() * 8);
            message[bit / 8] ^= 1 << (bit % 8);
        }
        let (from, to) = (from.index(message.len()), to.index(message.len() + 1));
        let cut = message.freeze().slice(from.min(to)..from.max(to));
        let size = cut.len();
        if let Ok(frames) = decode_all(cut) {
            // Text may grow by the replacement character, three bytes for one.
            prop_assert!(encoded(&frames).len() <= size * 3);
        }
    }
}

fn raw(kind: u8, flags: u8, length: u16, stream: u32, payload: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(kind);
    bytes.put_u8(flags);
    bytes.put_u16(length);
    bytes.put_u32(stream);
    bytes.put_slice(payload);
    bytes.freeze()
}

#[test]
fn data_is_a_part_of_the_message_and_no_copy() {
    let message = raw(DATA, 0, 3, 7, b"abc");
    let Ok(Some(Frame::Data { bytes, .. })) = Frame::decode(&mut message.clone()) else {
        panic!("a valid DATA frame");
    };
    assert_eq!(bytes.as_ptr(), message[HEADER_BYTES..].as_ptr());
}

#[test]
fn s37_a_length_beyond_the_message_or_the_type_is_refused() {
    assert_eq!(
        decode_all(raw(DATA, 0, 100, 1, b"abc")),
        Err(WireError::Truncated)
    );
    assert_eq!(
        decode_all(raw(DATA, 0, 0x8001, 1, b"")),
        Err(WireError::TooLarge(DATA))
    );
    assert_eq!(
        decode_all(raw(OPEN, 0, 4097, 1, b"")),
        Err(WireError::TooLarge(OPEN))
    );
    assert_eq!(
        decode_all(raw(HELLO, 0, 16385, 0, b"")),
        Err(WireError::TooLarge(HELLO))
    );
    assert_eq!(
        decode_all(raw(RESET, 0, 1027, 1, b"")),
        Err(WireError::TooLarge(RESET))
    );
    assert_eq!(
        decode_all(Bytes::from_static(b"\x13\0\0")),
        Err(WireError::Truncated)
    );
}

#[test]
fn an_unknown_type_is_skipped_only_if_marked() {
    for kind in [0x00, 0x06, 0x17, 0x1f, 0x20, 0xff] {
        assert_eq!(
            decode_all(raw(kind, 0, 0, 0, b"")),
            Err(WireError::UnknownType(kind))
        );
        let mut message = BytesMut::from(raw(kind, 0x80, 2, 9, b"xx").as_ref());
        Frame::Fin { stream: 3 }.encode(&mut message);
        assert_eq!(
            decode_all(message.freeze()),
            Ok(vec![Frame::Fin { stream: 3 }])
        );
    }
}

#[test]
fn the_stream_id_must_fit_the_type() {
    assert_eq!(
        decode_all(raw(PING, 0, 8, 1, &[0; 8])),
        Err(WireError::WrongStream(PING))
    );
    assert_eq!(
        decode_all(raw(DATA, 0, 0, 0, b"")),
        Err(WireError::WrongStream(DATA))
    );
}

#[test]
fn a_fixed_payload_must_have_its_length() {
    assert_eq!(
        decode_all(raw(PING, 0, 7, 0, &[0; 7])),
        Err(WireError::BadLength(PING))
    );
    assert_eq!(
        decode_all(raw(CREDIT, 0, 4, 1, &[0; 4])),
        Err(WireError::BadLength(CREDIT))
    );
    assert_eq!(
        decode_all(raw(FIN, 0, 1, 1, &[0])),
        Err(WireError::BadLength(FIN))
    );
    assert_eq!(
        decode_all(raw(RESET, 0, 1, 1, &[0])),
        Err(WireError::BadLength(RESET))
    );
}

#[test]
fn s10_texts_are_cleaned_on_receipt() {
    let text = decode_all(raw(RESET, 0, 10, 1, b"\0\x01a\x1b\0b\xe2\x80\xaec"));
    assert_eq!(
        text,
        Ok(vec![Frame::Reset {
            stream: 1,
            code: Code::Cancelled,
            text: "abc".into()
        }])
    );
}

#[test]
fn a_goaway_url_must_be_https() {
    let url = |url: &[u8]| {
        let payload = [&[0, 2, 0, 0, 0, 0], url].concat();
        match decode_all(raw(GOAWAY, 0, payload.len() as u16, 0, &payload)).as_deref() {
            Ok([Frame::GoAway(goaway)]) => goaway.url.clone(),
            other => panic!("a GOAWAY: {other:?}"),
        }
    };
    assert_eq!(url(b"https://a.example"), Some("https://a.example".into()));
    assert_eq!(url(b"http://a.example"), None);
    assert_eq!(url(b""), None);
}

#[test]
fn exactly_the_types_of_the_range_are_counted_known_or_skipped() {
    for kind in 0..=u8::MAX {
        let message = [kind, SKIP_IF_UNKNOWN, 0, 0, 0, 0, 0, 1];
        if let Ok(Some(taken)) = Frame::take(&mut Bytes::copy_from_slice(&message)) {
            assert_eq!(
                taken.is_counted,
                (0x10..0x20).contains(&kind),
                "{kind:#04x}"
            );
            assert_eq!(taken.bytes, HEADER_BYTES);
        }
    }
    let skipped = Frame::take(&mut Bytes::from_static(b"\x1f\x80\0\x02\0\0\0\x01ab\x15"));
    let taken = skipped.expect("it may be skipped").expect("a frame");
    assert_eq!(
        (taken.frame, taken.is_counted, taken.bytes),
        (None, true, 10)
    );
}
