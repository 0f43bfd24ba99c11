//! What a device offers: an echo and a source without end.

use anyhow::Result;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Prints the ports of the echo and of the flood, and serves them for ever.
///
/// # Errors
/// No port could be had.
pub(crate) async fn serve() -> Result<()> {
    let echo = TcpListener::bind("127.0.0.1:0").await?;
    let flood = TcpListener::bind("127.0.0.1:0").await?;
    println!(
        "{} {}",
        echo.local_addr()?.port(),
        flood.local_addr()?.port()
    );
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = echo.accept() => { connections.spawn(send_back(accepted?.0)); }
            accepted = flood.accept() => { connections.spawn(send_for_ever(accepted?.0)); }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn send_back(mut connection: TcpStream) {
    let (mut reader, mut writer) = connection.split();
    let _ = tokio::io::copy(&mut reader, &mut writer).await;
    let _ = writer.shutdown().await;
}

async fn send_for_ever(mut connection: TcpStream) {
    let chunk = vec![0; 64 << 10];
    while connection.write_all(&chunk).await.is_ok() {}
}
