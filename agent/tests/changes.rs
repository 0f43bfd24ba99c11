//! A change of network is noticed while the agent tries in vain. As root: in a network of its
//! own.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, Config, DeviceKey, Proxy};
use nix::sched::{CloneFlags, unshare};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.unwrap().success(), "ip {arguments}");
}

/// Runs `test` in a network of its own, with a link to change and an agent whose server is the
/// listener that the test gets.
fn roam<T: Future<Output = ()>>(test: impl FnOnce(Arc<TcpListener>) -> T) {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    ip("link set lo up");
    ip("link add here type veth peer name there");
    ip("link set here up");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let listener = Arc::new(listener);
        let config = Config {
            server: format!("http://{}", listener.local_addr().unwrap())
                .parse()
                .unwrap(),
            key_file: "unused".into(),
            ca_file: None,
            proxy: Proxy::None,
            client_certificate: None,
            ssh_host_key_files: None,
            services: Vec::new(),
        };
        let stop = CancellationToken::new();
        let key = Arc::new(DeviceKey::ephemeral().unwrap());
        let run = Agent::new(config, key).unwrap().run(stop.clone());
        let test = async {
            test(listener).await;
            stop.cancel();
        };
        futures_util::future::join(run, test).await;
    });
}

async fn soon<T>(event: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), event).await.unwrap()
}

/// A server that takes the connection and says nothing is waited for for 20 s, unless the network
/// changes: then that way is given up for a new one.
#[test]
fn an_attempt_without_an_answer_is_begun_anew_in_another_network() {
    roam(async |listener| {
        let (mut first, _) = soon(listener.accept()).await.unwrap();
        let began = Instant::now();
        assert_ne!(soon(first.read(&mut [0; 1024])).await.unwrap(), 0);
        ip("addr add 10.9.0.2/24 dev here");
        let _second = soon(listener.accept()).await.unwrap();
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(15), "{waited:?}");
        // It is given up, not left open beside the new one.
        assert_eq!(soon(first.read(&mut [0; 1])).await.unwrap(), 0);
    });
}

/// After a long outage an agent waits for up to 30 s, unless the network changes.
#[test]
fn a_patient_agent_tries_at_once_in_another_network() {
    roam(async |listener| {
        // The outage, in a virtual clock: each attempt is refused by hanging up.
        tokio::time::pause();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(200) {
            drop(listener.accept().await.unwrap());
        }
        tokio::time::resume();
        let began = Instant::now();
        ip("addr add 10.9.0.2/24 dev here");
        // The first at once, the others in haste again: no patient agent is so quick.
        for _ in 0..8 {
            drop(soon(listener.accept()).await.unwrap());
        }
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(12), "{waited:?}");
    });
}

/// A changed network is no reason to come back before the server wants it.
#[test]
fn what_the_server_asked_for_stays_in_another_network() {
    roam(async |listener| {
        let (mut first, _) = soon(listener.accept()).await.unwrap();
        assert_ne!(soon(first.read(&mut [0; 1024])).await.unwrap(), 0);
        let busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 4\r\nContent-Length: 0\r\n\r\n";
        first.write_all(busy).await.unwrap();
        // The agent has read it when it hangs up.
        assert_eq!(soon(first.read(&mut [0; 1])).await.unwrap(), 0);
        let began = Instant::now();
        ip("addr add 10.9.0.2/24 dev here");
        soon(listener.accept()).await.unwrap();
        let waited = began.elapsed();
        assert!(waited > Duration::from_secs(3), "{waited:?}");
    });
}
