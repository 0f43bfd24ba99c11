//! S28: two processes with one key.

use std::time::Duration;

use api::Attention;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::AsyncReadExt;
use tunnel::driver::{Closed, GoAwayReason};
use tunnel::wire::Windows;

use super::agent::{Agent, Scene, soon, until};
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
