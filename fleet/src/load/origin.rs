//! What the devices' service answers: 1 KiB for each 16 bytes asked.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a request is.
pub(crate) const ASKED_BYTES: usize = 16;
/// What its answer is.
pub(crate) const ANSWER_BYTES: usize = 1024;

/// Listens for all devices of this process; the port.
pub(super) async fn start() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                // A peer that went away is the normal end.
                Ok((peer, _)) => drop(tokio::spawn(answer(peer))),
                // Out of descriptors, for a moment.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    });
    Ok(port)
}

async fn answer(mut peer: TcpStream) -> std::io::Result<()> {
    let mut asked = [0; ASKED_BYTES];
    loop {
        peer.read_exact(&mut asked).await?;
        peer.write_all(&[b'x'; ANSWER_BYTES]).await?;
    }
}
