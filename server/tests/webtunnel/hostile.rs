//! An agent that has its password, and nothing good to say.

use std::net::Ipv4Addr;
use std::time::Duration;

use api::DeviceState;
use server::access::Scope;
use server::webtunnel::NewAgent;

use crate::place::{Scene, banner};
use crate::stub::{BINARY, Settings, Stub, Tool};
use crate::tools::settings;

/// Numbers that look like none, and are the same each time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// What an agent may say, and what none would.
fn message(noise: &mut Noise) -> Vec<u8> {
    const KINDS: [u8; 8] = [0x00, 0x01, 0x02, 0x11, 0x40, 0x80, 0x81, 0x7f];
    let length = noise.next() % 64;
    let mut bytes = noise.bytes(length);
    if let Some(first) = bytes.first_mut()
        && !noise.next().is_multiple_of(4)
    {
        *first = KINDS[(noise.next() % 8) as usize];
    }
    // Of channels that there may be.
    if bytes.len() > 3 && !noise.next().is_multiple_of(4) {
        (bytes[2], bytes[3]) = (0, (noise.next() % 4) as u8);
    }
    bytes
}

#[tokio::test]
async fn an_agent_that_says_nonsense_disturbs_no_other() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    let honest = scene.connect().await;
    let mut tool = Tool::connect(&settings(&scene, port)).await.ok().unwrap();
    assert_eq!(tool.read(11).await, b"SSH-2.0-x\r\n");

    let accounts = &scene.place.handle.accounts;
    let organization = accounts.default_organization().await.unwrap();
    let input = NewAgent {
        agent_id: "dev-0666".to_owned(),
        domain: None,
        name: None,
        password: None,
    };
    let webtunnel = &scene.place.handle.webtunnel;
    let made = webtunnel.create_agent(Scope::of(organization), input).await;
    let made = made.unwrap();
    let bad = Settings {
        user: format!("dev-0666@{}", made.domain),
        password: made.secret.unwrap().reveal().to_owned(),
        ..scene.settings.clone()
    };
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for round in 0..40 {
        let Ok(stub) = Stub::connect(&bad).await else {
            // Quarantined: it came too often.
            break;
        };
        for _ in 0..50 {
            let opcode = match noise.next() % 8 {
                0 => (noise.next() % 16) as u8,
                _ => BINARY,
            };
            let message = message(&mut noise);
            if !stub.try_send(opcode, &message).await {
                break;
            }
        }
        stub.kill();
        // The other one goes on, in the middle of a connection.
        let line = format!("line {round}\n");
        tool.write(line.as_bytes()).await;
        assert_eq!(tool.read(line.len()).await, line.as_bytes());
    }
    // Bytes that are no frames at all.
    for _ in 0..10 {
        let bytes = noise.bytes(4096);
        raw(&bad, &bytes).await;
    }
    tool.write(b"still here").await;
    assert_eq!(tool.read(10).await, b"still here");
    assert!(honest.is_running());
    assert_eq!(scene.view().await.state, DeviceState::Online);
}

/// Connects, sends these bytes after the 101, or whatever came instead, and hangs up.
async fn raw(settings: &Settings, bytes: &[u8]) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let socket = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, settings.port));
    let mut socket = socket.await.unwrap();
    socket.write_all(settings.head().as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    let read = tokio::time::timeout(Duration::from_secs(10), socket.read(&mut answer));
    assert!(read.await.unwrap().unwrap() > 0);
    let _ = socket.write_all(bytes).await;
}
