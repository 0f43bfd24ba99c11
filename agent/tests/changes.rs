//! A change of network is noticed while the agent tries in vain. As root: in a network of its own.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, Config, DeviceKey, Proxy};
use nix::sched::{CloneFlags, unshare};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.unwrap().success(), "ip {arguments}");
}

/// A server that takes the connection and says nothing is waited for for 20 s, unless the network
/// changes: then that way is given up for a new one.
#[test]
fn an_attempt_without_an_answer_is_begun_anew_in_another_network() {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    ip("link set lo up");
    ip("link add here type veth peer name there");
    ip("link set here up");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let config = Config {
            server: format!("http://{}", listener.local_addr().unwrap())
                .parse()
                .unwrap(),
            key_file: "unused".into(),
            ca_file: None,
            proxy: Proxy::None,
            ssh_host_key_files: None,
            services: Vec::new(),
        };
        let stop = CancellationToken::new();
        let key = Arc::new(DeviceKey::ephemeral().unwrap());
        let run = Agent::new(config, key).unwrap().run(stop.clone());
        let watch = async {
            let (mut first, _) = listener.accept().await.unwrap();
            let began = Instant::now();
            assert_ne!(first.read(&mut [0; 1024]).await.unwrap(), 0);
            ip("addr add 10.9.0.2/24 dev here");
            let _second = listener.accept().await.unwrap();
            let waited = began.elapsed();
            assert!(waited < Duration::from_secs(15), "{waited:?}");
            // It is given up, not left open beside the new one.
            assert_eq!(first.read(&mut [0; 1]).await.unwrap(), 0);
            stop.cancel();
        };
        let both = futures_util::future::join(run, watch);
        timeout(Duration::from_secs(60), both).await.unwrap();
    });
}
