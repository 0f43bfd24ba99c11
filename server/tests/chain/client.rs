//! A client of `adit.stream.v1`, as `adit` will be one.

use std::net::Ipv4Addr;

use api::DeviceId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tunnel::driver::{Closed, Config, OpenError, Stream, stream_handshake};
use tunnel::wire::{Code, StreamHello};

use crate::harness::{soon, spawn};
use crate::place::Place;

/// A stream whose driver runs.
pub(crate) struct Client {
    pub(crate) stream: Stream,
    pub(crate) driver: JoinHandle<Closed>,
}

impl Place {
    /// Asks for a stream with these header lines, each with its line end; the status line and, if
    /// it is a 101, the connection.
    pub(crate) async fn ask_for_stream(
        &self,
        device: DeviceId,
        service: &str,
        lines: &str,
    ) -> (String, TcpStream) {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .unwrap();
        let host = format!("adit.localhost:{}", self.port);
        let request = format!(
            "GET /api/v1/devices/{device}/services/{service}/stream HTTP/1.1\r\nHost: {host}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: adit.stream.v1\r\n{}\r\n",
            lines.replace("HOST", &host)
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        soon("the answer's head", async {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(connection.read_u8().await.unwrap());
            }
        })
        .await;
        (String::from_utf8(head).unwrap(), connection)
    }

    /// A stream that the server lets begin; the device may still refuse it.
    pub(crate) async fn client(&self, device: DeviceId, service: &str, lines: &str) -> Client {
        let (head, connection) = self.ask_for_stream(device, service, lines).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("sec-websocket-protocol: adit.stream.v1"));
        let handshake = stream_handshake(connection, StreamHello::default(), Config::default());
        let (_, opened) = soon("HELLO", handshake).await.unwrap();
        Client {
            stream: opened.stream,
            driver: spawn(opened.driver.run()),
        }
    }

    /// A stream that the device has accepted, as soon as it is there.
    pub(crate) async fn client_when_up(
        &self,
        device: DeviceId,
        service: &str,
        lines: &str,
    ) -> Client {
        soon("the device", async {
            loop {
                let (head, _) = self.ask_for_stream(device, service, lines).await;
                if head.starts_with("HTTP/1.1 404 ") {
                    // Its services are not known before its first HELLO.
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    continue;
                }
                let mut client = self.client(device, service, lines).await;
                match client.stream.accepted().await {
                    Ok(()) => return client,
                    Err(OpenError::Rejected {
                        code: Code::Offline | Code::Reconnecting,
                        ..
                    }) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
                    Err(error) => panic!("{error}"),
                }
            }
        })
        .await
    }
}
