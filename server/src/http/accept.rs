//! The accept loop of the public port.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::caps::Full;
use super::connection;
use super::front::Front;

/// After an error that another try will not mend at once: no descriptors, no memory.
const PAUSE: Duration = Duration::from_millis(100);

/// Where connections come from; a trait so that tests can let it fail.
trait Listener {
    fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        Self::accept(self).await
    }
}

/// Accepts until the soft stop. Everything about a connection happens in a task of its own.
pub(super) async fn run(front: Arc<Front>, listener: TcpListener) {
    loop {
        let (socket, peer) = tokio::select! {
            biased;
            () = front.lifecycle().soft().cancelled() => return,
            accepted = next(&listener) => accepted,
        };
        match front.caps().admit(peer.ip()) {
            Ok(permit) => {
                let served = connection::serve(Arc::clone(&front), socket, peer, permit);
                front.lifecycle().spawn("connection", served);
            }
            // Dropping it closes it. At debug: the flood shall not fill the log as well.
            Err(Full::Everything) => {
                front.counts().refused_connection("all");
                tracing::debug!(%peer, "refused: too many connections");
            }
            Err(Full::Source) => {
                front.counts().refused_connection("address");
                tracing::debug!(%peer, "refused: too many from its address");
            }
        }
    }
}

async fn next(listener: &impl Listener) -> (TcpStream, SocketAddr) {
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => {
                if failing {
                    tracing::info!("accepting again");
                }
                return accepted;
            }
            Err(error) if is_the_peers(&error) => tracing::debug!(%error, "a connection was lost"),
            Err(error) => {
                if !failing {
                    tracing::error!(%error, "cannot accept connections; trying on");
                }
                failing = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The connection was gone before it was accepted: the next one is none the worse for it.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;

    /// Fails with these errors (last first), then accepts.
    struct Failing(TcpListener, Mutex<Vec<io::Error>>);

    impl Listener for Failing {
        async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
            if let Some(error) = self.1.lock().unwrap().pop() {
                return Err(error);
            }
            TcpListener::accept(&self.0).await
        }
    }

    #[tokio::test]
    async fn s35_accepting_pauses_when_descriptors_run_out_and_goes_on() {
        const EMFILE: i32 = 24;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let errors = vec![
            io::Error::from_raw_os_error(EMFILE),
            io::ErrorKind::ConnectionAborted.into(),
            io::Error::from_raw_os_error(EMFILE),
        ];
        let failing = Failing(listener, Mutex::new(errors));
        let _client = TcpStream::connect(address).await.unwrap();
        let started = Instant::now();
        next(&failing).await;
        // Two pauses, none for the connection that was lost.
        assert!(started.elapsed() >= 2 * PAUSE);
        assert!(failing.1.lock().unwrap().is_empty());
    }
}
