//! The agent's request, field by field in its order, and what it makes of the answer.

use std::time::Duration;

use data_encoding::BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tunnel::webtunnel::AGENT_PROTOCOL;

pub(super) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// An agent's configuration.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    /// Host and port of `webtunnel.reflectorURI`.
    pub(crate) authority: String,
    /// Path, or the whole URL through a proxy.
    pub(crate) target: String,
    pub(crate) user: String,
    pub(crate) password: String,
    /// What it forwards.
    pub(crate) ports: Vec<u16>,
    /// `name=value`, as they stand in the field.
    pub(crate) properties: Vec<String>,
    pub(crate) keep_alive: bool,
    /// An agent before 1.15: DATA comes first, and here no confirmation at all.
    pub(crate) confirms_late: bool,
    /// It reads nothing of the answer for so long.
    pub(crate) dozes: Duration,
    /// More fields, each with its line end.
    pub(crate) more: String,
}

impl Settings {
    pub(crate) fn head(&self) -> String {
        let ports: Vec<_> = self.ports.iter().map(u16::to_string).collect();
        let mut properties = vec![
            "targetHost=127.0.0.1".to_owned(),
            format!("targetPorts={}", ports.join(", ")),
        ];
        properties.extend(self.properties.iter().cloned());
        let properties: String = properties
            .iter()
            .map(|property| format!("X-PTTH-Set-Property: device;{property}\r\n"))
            .collect();
        let keep_alive = if self.keep_alive {
            "X-WebTunnel-KeepAlive: 300\r\n"
        } else {
            ""
        };
        let credential = format!("{}:{}", self.user, self.password);
        let credential = BASE64.encode(credential.as_bytes());
        format!(
            "POST {} HTTP/1.1\r\nSec-WebSocket-Protocol: {AGENT_PROTOCOL}\r\n{properties}\
             User-Agent: WebTunnelAgent/2.5.0 (Linux/6.18; x86_64) POCO/1.11.10\r\n{keep_alive}\
             Authorization: Basic {credential}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{}Host: {}\r\n\r\n",
            self.target, self.more, self.authority
        )
    }
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    fields: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(found, _)| found == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "two of {name}");
        value
    }

    /// As the agent wants it, or it would go away.
    pub(super) fn check_101(&self, protocol: &str) {
        assert!(
            self.field("connection")
                .unwrap()
                .eq_ignore_ascii_case("upgrade")
        );
        assert!(
            self.field("upgrade")
                .unwrap()
                .eq_ignore_ascii_case("websocket")
        );
        assert_eq!(self.field("sec-websocket-accept"), Some(ACCEPT));
        assert_eq!(self.field("sec-websocket-protocol"), Some(protocol));
        assert_eq!(self.field("sec-websocket-extensions"), None);
        assert_ne!(self.field("x-webtunnel-keepalive"), Some("0"));
    }
}

/// The answer, and what came in one read with its end.
pub(super) async fn exchange(socket: &mut TcpStream, settings: &Settings) -> (Answer, Vec<u8>) {
    socket.write_all(settings.head().as_bytes()).await.unwrap();
    tokio::time::sleep(settings.dozes).await;
    read_head(socket).await
}

/// The head of an answer, and what came in one read with its end.
pub(super) async fn read_head(socket: &mut TcpStream) -> (Answer, Vec<u8>) {
    let mut bytes = Vec::with_capacity(16 << 10);
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            break end + 4;
        }
        let read = socket.read_buf(&mut bytes).await.unwrap();
        assert!(
            read > 0,
            "the server hung up: {}",
            String::from_utf8_lossy(&bytes)
        );
    };
    let rest = bytes.split_off(end);
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let mut line = lines.next().unwrap().splitn(3, ' ');
    let status = line.nth(1).unwrap();
    let reason = line.next().unwrap_or_default().to_owned();
    let fields = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let answer = Answer {
        status: status.parse().unwrap(),
        reason,
        fields,
    };
    (answer, rest)
}
