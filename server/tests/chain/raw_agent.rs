//! A proven device that speaks WebSocket byte by byte: no layer keeps it from being hostile.

use std::net::Ipv4Addr;

use api::DeviceId;
use bytes::{Buf, BytesMut};
use data_encoding::BASE64URL_NOPAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tunnel::TUNNEL_PROTOCOL;
use tunnel::proof::{Purpose, Statement};
use tunnel::wire::{AgentHello, Frame, Info, ServerHello, Windows};

use crate::harness::soon;
use crate::place::Place;

const INSTANCE: [u8; 16] = [5; 16];
/// FIN and the opcode of a binary message.
pub(crate) const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
/// Any will do: the server only has to take it away.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) struct RawAgent {
    pub(crate) device: DeviceId,
    pub(crate) socket: TcpStream,
}

/// How the server ended a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a close frame of this code and reason.
    Close(u16, String),
    /// Without one.
    Silent,
}

pub(crate) fn hello() -> AgentHello {
    AgentHello {
        instance: INSTANCE,
        agent: "raw".to_owned(),
        version: "0".to_owned(),
        features: Vec::new(),
        windows: Windows::default(),
        info: Info::default(),
        resume: None,
    }
}

/// A masked frame with this first byte, its length in as few bytes as it takes.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b));
    bytes
}

/// Frames of the tunnel as one binary message.
pub(crate) fn message(frames: &[Frame]) -> Vec<u8> {
    let mut payload = BytesMut::new();
    for each in frames {
        each.encode(&mut payload);
    }
    frame(BINARY, &payload)
}

impl RawAgent {
    /// Proven and upgraded, with nothing said yet.
    pub(crate) async fn upgrade(place: &Place) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let public: [u8; 32] = key.public_key().as_ref().try_into().unwrap();
        let device = place.enrol_key(public).await;
        let mut agent = Self {
            device,
            socket: TcpStream::connect((Ipv4Addr::LOCALHOST, place.port))
                .await
                .unwrap(),
        };
        let host = format!("adit.localhost:{}", place.port);
        let challenge = agent.ask(&host, "").await;
        let nonce = challenge
            .split("nonce=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let nonce = nonce.unwrap_or_else(|| panic!("{challenge}"));
        let origin = format!("http://{host}");
        let statement = Statement {
            purpose: Purpose::Tunnel,
            nonce,
            origin: &origin,
            protocols: TUNNEL_PROTOCOL,
            instance: &INSTANCE,
        };
        let signature = key.sign(&statement.to_bytes());
        let [key, instance, signature] =
            [&public[..], &INSTANCE, signature.as_ref()].map(|bytes| BASE64URL_NOPAD.encode(bytes));
        // The body of the 401 is in the way.
        agent.socket = TcpStream::connect((Ipv4Addr::LOCALHOST, place.port))
            .await
            .unwrap();
        let proof = format!(
            "Authorization: Adit-Device key=\"{key}\", nonce=\"{nonce}\", instance=\"{instance}\", \
             origin=\"{origin}\", signature=\"{signature}\"\r\n"
        );
        let answer = agent.ask(&host, &proof).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        agent
    }

    /// A tunnel after its HELLOs.
    pub(crate) async fn connect(place: &Place) -> Self {
        let mut agent = Self::upgrade(place).await;
        agent.say_hello(hello()).await;
        agent
    }

    pub(crate) async fn say_hello(&mut self, hello: AgentHello) -> ServerHello {
        let hello = Frame::Hello(hello.to_bytes().unwrap());
        self.socket.write_all(&message(&[hello])).await.unwrap();
        let (first, payload) = self.read_message().await.unwrap();
        assert_eq!(first, BINARY);
        match Frame::decode(&mut payload.into()).unwrap() {
            Some(Frame::Hello(cbor)) => ServerHello::from_bytes(&cbor).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn ask(&mut self, host: &str, proof: &str) -> String {
        let request = format!(
            "GET /tunnel HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {TUNNEL_PROTOCOL}\r\n{proof}\r\n"
        );
        self.socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        soon("a head", async {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.socket.read_u8().await.unwrap());
            }
        })
        .await;
        String::from_utf8(head).unwrap()
    }

    /// The next message of the server: its first byte and its payload.
    async fn read_message(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        soon("a message", async {
            let first = self.socket.read_u8().await?;
            let length = match self.socket.read_u8().await? {
                126 => usize::from(self.socket.read_u16().await?),
                127 => self.socket.read_u64().await? as usize,
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.socket.read_exact(&mut payload).await?;
            Ok((first, payload))
        })
        .await
    }

    /// Every frame that the server says, until this is one.
    pub(crate) async fn frame_where(&mut self, mut is_it: impl FnMut(&Frame) -> bool) -> Frame {
        loop {
            let (first, payload) = self.read_message().await.unwrap();
            assert_eq!(first, BINARY);
            let mut payload = payload.into();
            while let Some(each) = Frame::decode(&mut payload).unwrap() {
                if is_it(&each) {
                    return each;
                }
            }
        }
    }

    /// Reads until the server ends it.
    pub(crate) async fn ending(&mut self) -> Ending {
        loop {
            match self.read_message().await {
                Ok((CLOSE, payload)) => {
                    let mut payload = &payload[..];
                    if payload.len() < 2 {
                        return Ending::Close(0, String::new());
                    }
                    let code = payload.get_u16();
                    return Ending::Close(code, String::from_utf8_lossy(payload).into_owned());
                }
                Ok(_) => {}
                Err(_) => return Ending::Silent,
            }
        }
    }
}
