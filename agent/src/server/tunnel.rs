//! `GET /tunnel`: proves the key, upgrades, says HELLO.

use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rand::RngExt;
use rand::rngs::StdRng;
use ring::digest;
use tunnel::TUNNEL_PROTOCOL;
use tunnel::driver::{Config, Established, Resumer, Welcome, agent_handshake_resuming};
use tunnel::proof::Purpose;
use tunnel::wire::{AgentHello, ServerHello};

use super::proof::Provable;
use super::{Server, ServerError};

/// What the tunnel runs over.
pub(crate) type Socket = TokioIo<Upgraded>;

impl Server {
    /// One attempt to get a tunnel; every wait in it has a timeout. Cancel-safe: dropped, it
    /// leaves nothing behind. Goes on with the tunnel of `lost`, where the server does too.
    pub(crate) async fn connect(
        &self,
        hello: AgentHello,
        settings: Config,
        lost: Option<&Resumer<Socket>>,
        rng: &mut StdRng,
    ) -> Result<(ServerHello, Welcome<Established<Socket>>), ServerError> {
        let key = BASE64.encode(&rng.random::<[u8; 16]>());
        let request = Provable {
            purpose: Purpose::Tunnel,
            method: Method::GET,
            path: "/tunnel",
            protocols: TUNNEL_PROTOCOL,
            headers: upgrade_headers(&key)?,
            body: Bytes::new(),
        };
        let (connection, answer) = self.prove(&request).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(ServerError::Answer("it did not switch to the tunnel"));
        }
        check_upgrade(answer.headers(), &key)?;
        let socket = connection.upgrade(answer).await?;
        Ok(agent_handshake_resuming(socket, hello, settings, lost).await?)
    }
}

fn upgrade_headers(key: &str) -> Result<HeaderMap, ServerError> {
    let key = HeaderValue::from_str(key).map_err(|_| ServerError::Answer("unreachable key"))?;
    Ok(HeaderMap::from_iter([
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        ),
        (header::SEC_WEBSOCKET_KEY, key),
        (
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(TUNNEL_PROTOCOL),
        ),
    ]))
}

/// RFC 6455 section 4.1: a server that did not read the key, or chose what was not offered, is
/// none of ours.
fn check_upgrade(headers: &HeaderMap, key: &str) -> Result<(), ServerError> {
    let is = |name, expected: &str| {
        headers
            .get(name)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(expected.as_bytes()))
    };
    let accepts_key = headers
        .get(header::SEC_WEBSOCKET_ACCEPT)
        .is_some_and(|value| value.as_bytes() == accept_of(key).as_bytes());
    if !accepts_key || !is(header::UPGRADE, "websocket") {
        return Err(ServerError::Answer("its WebSocket handshake is wrong"));
    }
    if !is(header::SEC_WEBSOCKET_PROTOCOL, TUNNEL_PROTOCOL) {
        return Err(ServerError::Answer(
            "it chose a protocol that was not offered",
        ));
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err(ServerError::Answer(
            "it chose an extension that was not offered",
        ));
    }
    Ok(())
}

fn accept_of(key: &str) -> String {
    let mut sha1 = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(key.as_bytes());
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64.encode(sha1.finish().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_value_is_that_of_the_standard() {
        assert_eq!(
            accept_of("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn s38_an_extension_nobody_offered_is_refused() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let mut headers = HeaderMap::from_iter([
            (header::UPGRADE, HeaderValue::from_static("WebSocket")),
            (
                header::SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(TUNNEL_PROTOCOL),
            ),
            (
                header::SEC_WEBSOCKET_ACCEPT,
                HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
        ]);
        assert!(check_upgrade(&headers, key).is_ok());
        headers.insert(
            header::SEC_WEBSOCKET_EXTENSIONS,
            HeaderValue::from_static("permessage-deflate"),
        );
        assert!(check_upgrade(&headers, key).is_err());
    }
}
