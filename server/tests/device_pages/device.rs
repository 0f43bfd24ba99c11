//! A device's web server, well-behaved or not, by path.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::harness::spawn;

/// What the download and upload tests carry.
pub(crate) fn pattern(offset: u64, length: usize) -> Vec<u8> {
    (offset..offset + length as u64)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

/// What the web server saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A connection ended before its answer did.
    Left,
}

pub(crate) struct WebServer {
    pub(crate) port: u16,
    pub(crate) requests: Arc<AtomicUsize>,
    /// Bytes of large bodies that the network has taken.
    pub(crate) sent: Arc<AtomicU64>,
    pub(crate) seen: mpsc::Receiver<Seen>,
}

impl WebServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let sent = Arc::new(AtomicU64::new(0));
        let bytes = Arc::clone(&sent);
        let (sender, seen) = mpsc::channel(256);
        spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (counter, bytes, sender) =
                    (Arc::clone(&counter), Arc::clone(&bytes), sender.clone());
                spawn(async move {
                    let _ = serve(connection, &counter, &bytes, &sender).await;
                });
            }
        });
        Self {
            port,
            requests,
            sent,
            seen,
        }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// One request's head, as it came.
struct Head {
    text: String,
    path: String,
    rest: Vec<u8>,
}

impl Head {
    async fn read(connection: &mut TcpStream) -> std::io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
                let rest = bytes.split_off(end + 4);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let path = text.split(' ').nth(1).unwrap_or("").to_owned();
                return Ok(Some(Self { text, path, rest }));
            }
            if connection.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

async fn serve(
    mut connection: TcpStream,
    requests: &AtomicUsize,
    sent: &AtomicU64,
    seen: &mpsc::Sender<Seen>,
) -> std::io::Result<()> {
    let Some(head) = Head::read(&mut connection).await? else {
        return Ok(());
    };
    requests.fetch_add(1, Ordering::SeqCst);
    let (path, query) = head.path.split_once('?').unwrap_or((&head.path, ""));
    match path {
        "/big" => {
            let ended = big(&mut connection, query.parse().unwrap(), sent).await;
            if ended.is_err() {
                let _ = seen.try_send(Seen::Left);
            }
        }
        "/upload" => upload(&mut connection, &head, query == "slow", seen).await?,
        "/range" => {
            let range = head.field("range").unwrap().strip_prefix("bytes=").unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
            let body = pattern(from, (to - from + 1) as usize);
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {range}/1000000\r\n\
                 Content-Length: {}\r\n\r\n",
                body.len()
            );
            connection.write_all(head.as_bytes()).await?;
            connection.write_all(&body).await?;
        }
        "/sse" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
            connection.write_all(head.as_bytes()).await?;
            hold(&mut connection, seen).await;
        }
        "/hang" => hold(&mut connection, seen).await,
        "/ws" => websocket(connection, &head, seen).await?,
        "/ws-wrong" => {
            let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
            connection.write_all(answer.as_bytes()).await?;
            hold(&mut connection, seen).await;
        }
        "/cut-length" => {
            connection
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
                .await?;
        }
        "/cut-chunked" => {
            let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n";
            connection.write_all(answer).await?;
        }
        "/cut-reset" => {
            connection
                .write_all(b"HTTP/1.1 200 OK\r\n\r\nshort")
                .await?;
            connection.flush().await?;
            // Until the bytes are through: a reset would throw them away.
            tokio::time::sleep(Duration::from_millis(200)).await;
            connection.set_zero_linger()?;
        }
        "/no-http" => connection.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await?,
        "/trailers" => {
            let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n\
                  2\r\nok\r\n0\r\nX-T: t\r\n\r\n";
            connection.write_all(answer).await?;
        }
        "/early" => {
            let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\
                  Link: </a>\r\n\r\nHTTP/1.1 200 Weird <b>Phrase</b>\r\nContent-Length: 2\r\n\r\nok";
            connection.write_all(answer).await?;
        }
        "/nothing" => {
            connection
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .await?
        }
        "/unchanged" => {
            connection
                .write_all(b"HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nContent-Length: 9\r\n\r\n")
                .await?;
        }
        "/binding" => {
            let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Domain=adit.localhost; Path=/\r\n\
                 Set-Cookie: __Host-adit_device=evil; Secure; Path=/\r\n\
                 Set-Cookie: =__Host-adit_session=evil\r\n\
                 Strict-Transport-Security: max-age=0; includeSubDomains\r\n\
                 Alt-Svc: h3=\":1\"\r\nClear-Site-Data: \"*\"\r\nContent-Length: 2\r\n\r\nok";
            connection.write_all(answer.as_bytes()).await?;
        }
        "/away" => {
            let host = head.field("host").unwrap();
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: http://{host}/echo\r\nContent-Length: 0\r\n\r\n"
            );
            connection.write_all(answer.as_bytes()).await?;
        }
        _ => {
            let is_head = head.text.starts_with("HEAD ");
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}",
                head.text.len(),
                if is_head { "" } else { &head.text },
            );
            connection.write_all(answer.as_bytes()).await?;
        }
    }
    Ok(())
}

/// Waits for the other side to leave.
async fn hold(connection: &mut TcpStream, seen: &mpsc::Sender<Seen>) {
    let mut byte = [0];
    while matches!(connection.read(&mut byte).await, Ok(read) if read > 0) {}
    let _ = seen.try_send(Seen::Left);
}

async fn big(connection: &mut TcpStream, length: u64, sent: &AtomicU64) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    connection.write_all(head.as_bytes()).await?;
    let mut at = 0;
    while at < length {
        let piece = pattern(at, (length - at).min(65_536) as usize);
        connection.write_all(&piece).await?;
        at += piece.len() as u64;
        sent.store(at, Ordering::SeqCst);
    }
    Ok(())
}

/// Answers with length and SHA-256 of what came.
async fn upload(
    connection: &mut TcpStream,
    head: &Head,
    is_slow: bool,
    seen: &mpsc::Sender<Seen>,
) -> std::io::Result<()> {
    let length: usize = head.field("content-length").unwrap().parse().unwrap();
    let mut hash = Context::new(&SHA256);
    hash.update(&head.rest);
    let mut got = head.rest.len();
    let mut buffer = vec![0; 65_536];
    while got < length {
        if is_slow {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let read = connection.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            let _ = seen.try_send(Seen::Left);
            return Ok(());
        }
        hash.update(&buffer[..read]);
        got += read;
    }
    let body = format!(
        "{got} {}",
        data_encoding::HEXLOWER.encode(hash.finish().as_ref())
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(answer.as_bytes()).await
}

/// Echoes messages until the other side closes.
async fn websocket(
    mut connection: TcpStream,
    head: &Head,
    seen: &mpsc::Sender<Seen>,
) -> std::io::Result<()> {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(head.field("sec-websocket-key").unwrap().as_bytes());
    context.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = data_encoding::BASE64.encode(context.finish().as_ref());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         X-Origin: {}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
        head.field("origin").unwrap_or("none"),
    );
    connection.write_all(answer.as_bytes()).await?;
    let mut socket = WebSocketStream::from_raw_socket(connection, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        let is_data = message.is_text() || message.is_binary();
        if is_data && socket.send(message).await.is_err() {
            break;
        }
    }
    let _ = seen.try_send(Seen::Left);
    Ok(())
}
