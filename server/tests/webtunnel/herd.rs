//! A fleet that comes back after a restart of the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api::DeviceState;
use server::Server;
use server::access::Scope;
use server::clock::Clock;
use server::config::Config;
use server::webtunnel::NewAgent;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::place::Scene;
use crate::stub::{Settings, Stub};
use crate::waiting::{soon, spawn};

const AGENTS: usize = 1000;
/// A hundredth of the agent's own back-off: 1 s becomes 10 ms, its ceiling of 32 s 320 ms.
const BASE: Duration = Duration::from_millis(10);
const CEILING: Duration = Duration::from_millis(320);
const IN_TIME: Duration = Duration::from_secs(60);

/// Tries as section 2.3 of WebTunnel says, all of the fleet without jitter: the worst case.
async fn come_back(settings: Settings, refused: Arc<AtomicUsize>) -> Stub {
    let mut delay = BASE;
    loop {
        match Stub::try_connect(&settings).await {
            Ok(Ok(stub)) => return stub,
            Ok(Err(answer)) => {
                // It asks the person who reads its log, and a balancer, for patience.
                assert_eq!(answer.status, 503, "{answer:?}");
                assert!(answer.field("x-ptth-error").is_some());
                let seconds = answer.field("retry-after").unwrap();
                assert!(seconds.parse::<u32>().unwrap() > 0);
                refused.fetch_add(1, Ordering::SeqCst);
            }
            // Nothing listens yet.
            Err(_) => {}
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(CEILING);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w09_a_thousand_agents_are_back_after_a_restart() {
    let scene = Scene::with("devices.localhost", |config| {
        config.limits.connections_per_address = 4096;
    })
    .await;
    let handle = &scene.place.handle;
    let organization = handle.accounts.default_organization().await.unwrap();
    let mut fleet = Vec::new();
    for number in 0..AGENTS {
        let input = NewAgent {
            agent_id: format!("herd-{number}"),
            domain: None,
            name: None,
            password: None,
        };
        let made = handle
            .webtunnel
            .create_agent(Scope::of(organization), input);
        let made = made.await.unwrap();
        let settings = Settings {
            user: format!("{}@{}", made.agent_id, made.domain),
            password: made.secret.unwrap().reveal().to_owned(),
            ..scene.settings.clone()
        };
        fleet.push((made.device, settings));
    }
    handle.shutdown();
    let port = scene.place.port;
    let listener = soon("the port", async {
        loop {
            match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(listener) => return listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await;
    // All of them in one moment.
    let refused = Arc::<AtomicUsize>::default();
    let coming: Vec<_> = fleet
        .iter()
        .map(|(_, settings)| spawn(come_back(settings.clone(), Arc::clone(&refused))))
        .collect();
    let started = Instant::now();
    let public_url = format!("http://adit.localhost:{port}");
    let mut config = Config::new(&public_url, scene.domain).unwrap();
    config.listen.address = listener.local_addr().unwrap();
    config.limits.connections_per_address = 4096;
    // So slow that some wait for longer than the queue lets them, and are refused.
    config.limits.tunnel_handshakes_per_s = Some(70);
    config.database.path = scene.place.folder.path().join("adit.db");
    let server = Server::build(config, Clock::system()).await.unwrap();
    let handle = server.handle();
    spawn(async move {
        let _ = server.serve(listener).await;
    });
    let mut stubs = Vec::new();
    for one in coming {
        let back = tokio::time::timeout(IN_TIME, one).await;
        stubs.push(back.unwrap().unwrap());
    }
    tokio::time::timeout(IN_TIME, async {
        for (device, _) in &fleet {
            while handle.devices.state(*device) != Some(DeviceState::Online) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    })
    .await
    .unwrap();
    let took = started.elapsed();
    // At this rate they cannot have come all at once.
    assert!(took >= Duration::from_secs(3), "{took:?}: nobody waited");
    assert!(stubs.iter().all(Stub::is_running));
    assert!(
        refused.load(Ordering::SeqCst) > 0,
        "{took:?}: nobody was asked for patience"
    );
}
