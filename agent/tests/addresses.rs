//! Every address of the server is tried, also after one that takes connections and says nothing.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, Config, DeviceKey};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// `localhost` at one port with two listeners: IPv4, which the agent tries first, and IPv6.
async fn two_listeners() -> (TcpListener, TcpListener) {
    loop {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = v4.local_addr().unwrap().port();
        // The port may be taken there; then another one is not.
        if let Ok(v6) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            return (v4, v6);
        }
    }
}

#[tokio::test]
async fn an_address_that_hangs_up_is_tried_last_the_next_time() {
    let (v4, v6) = two_listeners().await;
    let port = v4.local_addr().unwrap().port();
    let config = Config {
        server: format!("http://adit.localhost:{port}").parse().unwrap(),
        key_file: "unused".into(),
        ca_file: None,
        proxy: agent::Proxy::Environment,
        client_certificate: None,
        ssh_host_key_files: None,
        services: Vec::new(),
    };
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let stop = CancellationToken::new();
    let run = Agent::new(config, key).unwrap().run(stop.clone());
    let watch = async {
        // Reads the request and hangs up, as a proxy does whose server is gone.
        let (mut first, _) = v4.accept().await.unwrap();
        assert_ne!(first.read(&mut [0; 1024]).await.unwrap(), 0);
        drop(first);
        let (mut second, _) = v6.accept().await.unwrap();
        let mut head = [0; 12];
        second.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"GET /tunnel ");
        drop(second);
        // Both have failed; the older failure is the better bet.
        v4.accept().await.unwrap();
        stop.cancel();
    };
    let both = futures_util::future::join(run, watch);
    timeout(Duration::from_secs(20), both)
        .await
        .expect("it went on to the other address");
}

/// As long as a person can wait, in a virtual clock: what was tried in vain ends by itself.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_does_not_hold_the_agent() {
    let (v4, v6) = two_listeners().await;
    let port = v4.local_addr().unwrap().port();
    let config = Config {
        server: format!("http://adit.localhost:{port}").parse().unwrap(),
        key_file: "unused".into(),
        ca_file: None,
        proxy: agent::Proxy::Environment,
        client_certificate: None,
        ssh_host_key_files: None,
        services: Vec::new(),
    };
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let stop = CancellationToken::new();
    let run = Agent::new(config, key).unwrap().run(stop.clone());
    let watch = async {
        let first = v4.accept().await.unwrap();
        let second = v6.accept().await.unwrap();
        stop.cancel();
        (first, second)
    };
    let both = futures_util::future::join(run, watch);
    timeout(Duration::from_secs(60), both)
        .await
        .expect("it gave up and went on");
}
