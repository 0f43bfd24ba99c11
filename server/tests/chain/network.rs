//! A network between the server and everybody else, which can be cut.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::harness::spawn;

/// What happens to the connections that are up.
#[derive(Clone)]
struct Fate {
    /// They break, and both ends see it.
    cut: CancellationToken,
    /// Nothing gets through any more, and neither end sees it.
    frozen: CancellationToken,
}

impl Fate {
    fn new() -> Self {
        Self {
            cut: CancellationToken::new(),
            frozen: CancellationToken::new(),
        }
    }
}

pub(crate) struct Network {
    /// Where the server is reached.
    pub(crate) port: u16,
    fate: Arc<Mutex<Fate>>,
}

impl Network {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fate = Arc::new(Mutex::new(Fate::new()));
        let current = Arc::clone(&fate);
        spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let fate = current.lock().unwrap().clone();
                spawn(carry(near, server, fate));
            }
        });
        Self { port, fate }
    }

    /// All connections of now break.
    pub(crate) fn cut(&self) {
        self.replace().cut.cancel();
    }

    /// All connections of now fall silent.
    pub(crate) fn freeze(&self) {
        self.replace().frozen.cancel();
    }

    fn replace(&self) -> Fate {
        std::mem::replace(&mut *self.fate.lock().unwrap(), Fate::new())
    }
}

async fn carry(mut near: TcpStream, server: SocketAddr, fate: Fate) {
    let Ok(mut far) = TcpStream::connect(server).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        () = fate.cut.cancelled() => {
            let _ = near.set_zero_linger();
            let _ = far.set_zero_linger();
        }
        () = fate.frozen.cancelled() => std::future::pending().await,
    }
}
