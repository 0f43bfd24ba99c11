//! S28: two processes with one key.

use std::sync::Arc;
use std::time::Duration;

use api::Attention;
use axum::body::Body;
use data_encoding::BASE64URL_NOPAD;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::AsyncReadExt;
use tower::ServiceExt;
use tunnel::TUNNEL_PROTOCOL;
use tunnel::driver::{Closed, GoAwayReason};
use tunnel::proof::{Purpose, Statement};
use tunnel::wire::{Code, Target, Windows};

use super::agent::{Agent, Scene, key_of, soon, spawn, until};
use crate::access::Scope;
use crate::relay::OpenError;
use crate::relay::registry::QUARANTINE;

impl Scene {
    /// Connects and answers every stream with the number of the process; `None`: sent away.
    async fn process(&self, instance: u8) -> Option<Agent> {
        let mut agent = self.connect(instance, Windows::default()).await?;
        agent.answer_with(instance);
        Some(agent)
    }

    /// Which process answers now.
    async fn owner(&self) -> Option<u8> {
        match self.open().await {
            Ok(mut stream) => Some(stream.read_u8().await.unwrap()),
            Err(OpenError::Offline | OpenError::Reconnecting) => None,
            Err(error) => panic!("{error}"),
        }
    }

    async fn attention(&self) -> Option<Attention> {
        let scope = Scope::of(self.server.organization().await);
        let device = self.server.state.devices.device(scope, self.device);
        device.unwrap().attention
    }

    fn is_quarantined(&self, instance: u8) -> bool {
        self.server
            .state
            .relay
            .refuses(self.device, &[instance; 16])
    }
}

/// It was told that it was replaced, and its connection has ended.
async fn is_sent_away(agent: Agent) {
    match soon("its end", agent.driver).await.unwrap() {
        Closed::GoAway(goaway) => assert_eq!(goaway.reason, GoAwayReason::Replaced),
        closed => panic!("{closed:?}"),
    }
}

/// Two living processes replace each other until one time too many; the last one holds.
async fn quarrel(scene: &Scene) -> Agent {
    let mut holder = scene.process(1).await.unwrap();
    for swap in 1..=6 {
        assert_eq!(scene.attention().await, None, "before swap {swap}");
        let newcomer = scene.process(1 + swap % 2).await.unwrap();
        is_sent_away(std::mem::replace(&mut holder, newcomer)).await;
        assert_eq!(scene.owner().await, Some(1 + swap % 2));
    }
    holder
}

#[tokio::test]
async fn s28_an_alert_fires_and_the_tunnel_that_holds_stays() {
    let scene = Scene::new().await;
    let holder = quarrel(&scene).await;
    assert_eq!(scene.attention().await, Some(Attention::DuplicateKey));
    for _ in 0..3 {
        assert!(scene.is_quarantined(2));
        // One whose proof was already accepted finds out at the registration.
        if let Some(newcomer) = scene.process(2).await {
            is_sent_away(newcomer).await;
        }
        assert_eq!(scene.owner().await, Some(1), "undisturbed");
    }
    assert!(!holder.driver.is_finished());
    // Its own new connection is welcome.
    assert!(!scene.is_quarantined(1));
    let again = scene.process(1).await.unwrap();
    is_sent_away(holder).await;
    assert_eq!(scene.owner().await, Some(1));
    drop(again);
}

/// The answer to a proven `GET /tunnel` of this process.
async fn asked(scene: &Scene, instance: u8) -> (StatusCode, String) {
    let mut authorization = String::new();
    loop {
        let request = Request::get("/tunnel")
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", TUNNEL_PROTOCOL)
            .header("authorization", &authorization);
        let routes = crate::http::manager(scene.server.state.clone());
        let answer = routes
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let challenge = answer.headers().get("www-authenticate").cloned();
        let Some(challenge) = challenge.filter(|_| authorization.is_empty()) else {
            let status = answer.status();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            return (status, String::from_utf8(body.to_vec()).unwrap());
        };
        let nonce = challenge.to_str().unwrap().split('"').nth(1).unwrap();
        let statement = Statement {
            purpose: Purpose::Tunnel,
            nonce,
            origin: "https://m.example",
            protocols: TUNNEL_PROTOCOL,
            instance: &[instance; 16],
        };
        let signature = scene.key_pair.sign(&statement.to_bytes());
        authorization = format!(
            "Adit-Device key=\"{}\", nonce=\"{nonce}\", instance=\"{}\", \
             origin=\"https://m.example\", signature=\"{}\"",
            BASE64URL_NOPAD.encode(&key_of(&scene.key_pair)),
            BASE64URL_NOPAD.encode(&[instance; 16]),
            BASE64URL_NOPAD.encode(signature.as_ref()),
        );
    }
}

#[tokio::test]
async fn s28_who_is_kept_out_is_told_why() {
    let scene = Scene::new().await;
    let _holder = quarrel(&scene).await;
    let (status, body) = asked(&scene, 2).await;
    assert_eq!(status, StatusCode::CONFLICT, "{body}");
    assert!(body.contains("kept replacing each other"), "{body}");
    // The holder's own process gets as far as this test's requests can.
    let (status, body) = asked(&scene, 1).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
}

#[tokio::test]
async fn s28_after_the_quarantine_the_device_can_connect_again() {
    let scene = Scene::new().await;
    let holder = quarrel(&scene).await;
    assert!(scene.is_quarantined(2));
    tokio::time::pause();
    tokio::time::advance(QUARANTINE).await;
    tokio::time::resume();
    scene
        .server
        .state
        .clock
        .advance(QUARANTINE.as_secs().cast_signed());
    assert_eq!(scene.attention().await, None);
    let newcomer = scene.process(2).await.unwrap();
    is_sent_away(holder).await;
    assert_eq!(scene.owner().await, Some(2));
    drop(newcomer);
}

#[tokio::test]
async fn s28_a_quarantined_device_without_a_tunnel_takes_whoever_comes() {
    let scene = Scene::new().await;
    let holder = quarrel(&scene).await;
    holder.driver.abort();
    until("it is gone", || scene.server.state.relay.tunnels() == 0).await;
    let _newcomer = scene.process(2).await.unwrap();
    assert_eq!(scene.owner().await, Some(2));
}

/// Those who found the old tunnel are not served by it, nor is what they opened there.
#[tokio::test]
async fn s28_a_replaced_tunnel_gets_no_stream() {
    let scene = Arc::new(Scene::new().await);
    let windows = Windows {
        max_pending: 1,
        ..Windows::default()
    };
    let mut old = scene.connect(1, windows).await.unwrap();
    let mut incoming = old.incoming.take().unwrap();
    let open = || {
        let scene = Arc::clone(&scene);
        spawn(async move { scene.open().await.err() })
    };
    let first = open();
    let unanswered = soon("an OPEN", incoming.next()).await.unwrap();
    let second = open();
    until("one waits", || scene.waiting() == 1).await;
    let _newest = scene.process(2).await.unwrap();
    for opened in [first, second] {
        let error = soon("an answer", opened).await.unwrap();
        assert_eq!(error, Some(OpenError::Reconnecting));
    }
    drop(unanswered);
    while let Some(stream) = soon("the probe, then the end", incoming.next()).await {
        assert!(
            matches!(stream.target(), Target::Internal(_)),
            "{:?}",
            stream.target()
        );
        stream.reject(Code::NotOffered, "");
    }
}

/// A process that was killed leaves a connection that nobody answers: replacing it is no swap.
#[tokio::test]
async fn s28_restarts_are_no_swaps() {
    let scene = Scene::new().await;
    let mut dead = Vec::new();
    for instance in 1..=8 {
        dead.push(scene.hello(instance, Windows::default()).await.unwrap());
    }
    let _living = scene.process(9).await.unwrap();
    // Long enough for every probe to have been given up.
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(6)).await;
    // Time that runs ahead would let the database seem late.
    tokio::time::resume();
    assert!(!scene.is_quarantined(1));
    assert_eq!(scene.attention().await, None);
}

/// Connections of two processes begin and break in 100 random orders. What the server opens always
/// goes to the newest that lives, and never to one that was replaced.
#[tokio::test]
async fn s28_no_interleaving_of_two_processes_has_two_owners() {
    for seed in 0..100 {
        let mut rng = StdRng::seed_from_u64(seed);
        let scene = Scene::new().await;
        let mut holder: Option<(u8, Agent)> = None;
        for step in 0..rng.random_range(4..16) {
            let instance = rng.random_range(1..=2);
            if rng.random_bool(0.75) {
                let refused = scene.is_quarantined(instance);
                match scene.process(instance).await {
                    Some(agent) if !refused => {
                        if let Some((_, old)) = holder.replace((instance, agent)) {
                            // Not waited for each time: the next may come while it is asked.
                            if rng.random_bool(0.5) {
                                is_sent_away(old).await;
                            }
                        }
                    }
                    Some(agent) => is_sent_away(agent).await,
                    None => assert!(refused, "seed {seed}, step {step}"),
                }
            } else if let Some((_, lost)) = holder.take() {
                lost.driver.abort();
                until("its end", || scene.server.state.relay.tunnels() == 0).await;
            }
            let expected = holder.as_ref().map(|(instance, _)| *instance);
            assert_eq!(scene.owner().await, expected, "seed {seed}, step {step}");
            assert_eq!(
                scene.server.state.relay.tunnels(),
                usize::from(expected.is_some())
            );
        }
    }
}
