//! A hostile agent, for tests: enrols a new device at a server on loopback and reports about it
//! whatever might be taken for markup, or mislead who reads it (SECURITY S10). It serves nothing,
//! and runs until it is killed.
//!
//! `hostile_agent http://adit.localhost:8080 INSTALL-KEY`

use std::net::Ipv4Addr;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tunnel::TUNNEL_PROTOCOL;
use tunnel::driver::agent_handshake;
use tunnel::proof::{Purpose, Statement};
use tunnel::wire::{AgentHello, Info, ServiceInfo, Windows};

/// Runs in a browser that takes it for markup.
const MARKUP: &str = "<img src=x onerror=\"document.title='owned'\">";
/// Turns the direction of what follows it.
const OVERRIDE: char = '\u{202e}';
const INSTANCE: [u8; 16] = [7; 16];

/// Who asks whom.
struct Agent {
    /// `http://` and this is the origin.
    authority: String,
    key: Ed25519KeyPair,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(origin), Some(install_key)) = (arguments.next(), arguments.next()) else {
        bail!("the server's origin and an install key");
    };
    let random = SystemRandom::new();
    let key = Ed25519KeyPair::generate_pkcs8(&random)
        .ok()
        .context("no key")?;
    let agent = Agent {
        authority: origin
            .strip_prefix("http://")
            .context("plain HTTP only")?
            .to_owned(),
        key: Ed25519KeyPair::from_pkcs8(key.as_ref())
            .ok()
            .context("no key")?,
    };

    let body = serde_json::json!({ "install_key": install_key, "name": lie("name") }).to_string();
    let length = body.len();
    let fields = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    let head = ("POST /api/v1/enrolments", Purpose::Enrolment, "");
    let (_, answer) = agent.prove(head, &fields, &body).await?;
    if !answer.starts_with("HTTP/1.1 201") && !answer.starts_with("HTTP/1.1 200") {
        bail!("not enrolled: {answer}");
    }

    let fields = format!(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {TUNNEL_PROTOCOL}\r\n"
    );
    let head = ("GET /tunnel", Purpose::Tunnel, TUNNEL_PROTOCOL);
    let (socket, answer) = agent.prove(head, &fields, "").await?;
    if !answer.starts_with("HTTP/1.1 101") {
        bail!("no tunnel: {answer}");
    }
    let (_, established) = agent_handshake(socket, hello()).await?;
    let closed = established.driver.run().await;
    bail!("the tunnel ended: {closed:?}");
}

fn lie(what: &str) -> String {
    format!("{MARKUP}{OVERRIDE}{what}")
}

fn hello() -> AgentHello {
    let service = |name: &str, host: &str| ServiceInfo {
        name: name.to_owned(),
        kind: "web".to_owned(),
        host: host.to_owned(),
        port: 80,
        tls: false,
    };
    AgentHello {
        instance: INSTANCE,
        agent: lie("agent"),
        version: lie("version"),
        features: Vec::new(),
        windows: Windows {
            initial: 65536,
            max_streams: 64,
            max_pending: 64,
            replay: 0,
        },
        info: Info {
            host_name: lie("host"),
            os: lie("system"),
            arch: lie("arch"),
            services: vec![
                service(&lie("service"), "127.0.0.1"),
                service("lying-host", &lie("host")),
                service("honest", "127.0.0.1"),
            ],
            ssh_host_keys: vec![lie("key"), format!("ssh-ed25519 AAAA {}", lie("comment"))],
            addresses: vec![lie("address")],
        },
        resume: None,
    }
}

impl Agent {
    /// Sends a request twice, the second time with proof; the connection and the head (and perhaps
    /// more) of the second answer.
    async fn prove(
        &self,
        (target, purpose, protocols): (&str, Purpose, &str),
        fields: &str,
        body: &str,
    ) -> Result<(TcpStream, String)> {
        let ask = async |proof: &str| {
            let port = self.authority.rsplit(':').next().context("no port")?;
            let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
            let authority = &self.authority;
            let request =
                format!("{target} HTTP/1.1\r\nHost: {authority}\r\n{proof}{fields}\r\n{body}");
            socket.write_all(request.as_bytes()).await?;
            // Byte by byte: what is behind the head is the tunnel's.
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await?);
            }
            anyhow::Ok((socket, String::from_utf8(head)?))
        };
        let (_, challenge) = ask("").await?;
        let nonce = challenge
            .split_once("nonce=\"")
            .and_then(|(_, rest)| rest.split('"').next())
            .with_context(|| format!("no challenge: {challenge}"))?;
        let origin = format!("http://{}", self.authority);
        let statement = Statement {
            purpose,
            nonce,
            origin: &origin,
            protocols,
            instance: &INSTANCE,
        };
        let signature = self.key.sign(&statement.to_bytes());
        ask(&format!(
            "Authorization: Adit-Device key=\"{}\", nonce=\"{nonce}\", instance=\"{}\", \
             origin=\"{origin}\", signature=\"{}\"\r\n",
            BASE64URL_NOPAD.encode(self.key.public_key().as_ref()),
            BASE64URL_NOPAD.encode(&INSTANCE),
            BASE64URL_NOPAD.encode(signature.as_ref()),
        ))
        .await
    }
}
