//! Opens that wait for room.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tunnel::wire::{Code, Windows};

use super::agent::{Agent, Scene, soon, spawn, until};
use crate::access::Cause;
use crate::relay::line::{WAIT_MAX, WAITING_MAX};
use crate::relay::registry::Whereabouts;
use crate::relay::{OpenError, RelayStream};

fn windows(max_streams: u32, max_pending: u32) -> Windows {
    Windows {
        // Small, so that the tunnel's budget has room for many streams.
        initial: 16 << 10,
        max_streams,
        max_pending,
        ..Windows::default()
    }
}

async fn scene(max_streams: u32, max_pending: u32) -> (Scene, Agent) {
    let scene = Scene::new().await;
    let windows = windows(max_streams, max_pending);
    let agent = soon("the tunnel", scene.connect(1, windows)).await;
    (scene, agent.unwrap())
}

impl Scene {
    pub(super) fn waiting(&self) -> usize {
        match self
            .server
            .state
            .relay
            .0
            .registry
            .find(self.device, Instant::now())
        {
            Whereabouts::Here(line) => line.waiting(),
            _ => panic!("no tunnel"),
        }
    }
}

async fn reads(opened: Result<RelayStream, OpenError>, expected: u8) {
    let mut stream = opened.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), expected);
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn five_hundred_opens_at_once_find_room_for_all() {
    let (scene, mut agent) = scene(256, 64).await;
    agent.answer_with(7);
    let opens = (0..500).map(|_| async { reads(scene.open().await, 7).await });
    soon("all of them", join_all(opens)).await;
    assert_eq!(scene.waiting(), 0);
}

#[tokio::test]
async fn an_agent_that_says_busy_is_asked_again() {
    let (scene, mut agent) = scene(256, 64).await;
    let mut incoming = agent.incoming.take().unwrap();
    let opened = spawn(async move { scene.open().await.map(drop) });
    let asked = soon("the first OPEN", incoming.next()).await.unwrap();
    asked.reject(Code::Busy, "");
    let asked = soon("the second OPEN", incoming.next()).await.unwrap();
    let _stream = asked.accept();
    assert_eq!(soon("an answer", opened).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn those_who_wait_are_served_in_the_order_they_came() {
    let (scene, mut agent) = scene(256, 1).await;
    let mut incoming = agent.incoming.take().unwrap();
    let scene = std::sync::Arc::new(scene);
    let (sender, mut opened) = tokio::sync::mpsc::channel(8);
    for number in 0..8 {
        let (own, sender) = (std::sync::Arc::clone(&scene), sender.clone());
        spawn(async move {
            let stream = own.open().await;
            sender.send((number, stream)).await.unwrap();
        });
        // The first has an OPEN under way, the others wait.
        until("its place", || scene.waiting() == number).await;
        if number == 0 {
            until("its OPEN", || agent.tunnel.stats().streams == 1).await;
        }
    }
    for number in 0..8 {
        let stream = soon("an OPEN", incoming.next()).await.unwrap().accept();
        let (first, result) = soon("its turn", opened.recv()).await.unwrap();
        assert_eq!((first, result.is_ok()), (number, true));
        drop(stream);
    }
}

#[tokio::test]
async fn a_stuck_tunnel_is_busy_after_the_time_said() {
    let (scene, agent) = scene(256, 1).await;
    // Until the test's end.
    let mut stuck = std::pin::pin!(scene.open());
    tokio::select! {
        biased;
        _ = &mut stuck => panic!("nobody answers"),
        () = until("an OPEN", || agent.tunnel.stats().streams == 1) => {}
    }
    let started = Instant::now();
    assert_eq!(scene.open().await.err(), Some(OpenError::Busy));
    let waited = started.elapsed();
    let late = WAIT_MAX + Duration::from_secs(3);
    assert!(waited >= WAIT_MAX && waited < late, "{waited:?}");
}

#[tokio::test]
async fn the_queue_is_bounded_and_left_by_those_who_give_up() {
    let (scene, agent) = scene(256, 1).await;
    let scene = std::sync::Arc::new(scene);
    let mut tasks: Vec<_> = Vec::new();
    let open = || {
        let scene = std::sync::Arc::clone(&scene);
        spawn(async move { scene.open().await.map(drop) })
    };
    tasks.push(open());
    until("an OPEN", || agent.tunnel.stats().streams == 1).await;
    tasks.extend((0..WAITING_MAX).map(|_| open()));
    until("all places taken", || scene.waiting() == WAITING_MAX).await;
    let started = Instant::now();
    assert_eq!(scene.open().await.err(), Some(OpenError::Busy));
    assert!(started.elapsed() < WAIT_MAX / 2, "at once");
    for task in &tasks[1..] {
        task.abort();
    }
    until("all places free", || scene.waiting() == 0).await;
}

#[tokio::test]
async fn s34_the_end_of_a_lease_ends_the_wait() {
    let (scene, agent) = scene(256, 1).await;
    let scene = std::sync::Arc::new(scene);
    let open = || {
        let scene = std::sync::Arc::clone(&scene);
        spawn(async move { scene.open().await.err() })
    };
    let first = open();
    until("an OPEN", || agent.tunnel.stats().streams == 1).await;
    let second = open();
    until("one waits", || scene.waiting() == 1).await;
    let ended = Instant::now();
    scene
        .server
        .state
        .leases
        .revoke(Cause::DeviceDeleted(scene.device));
    for task in [first, second] {
        assert_eq!(
            soon("an answer", task).await.unwrap(),
            Some(OpenError::Revoked)
        );
    }
    assert!(ended.elapsed() < Duration::from_secs(1));
    assert_eq!(scene.waiting(), 0);
}

#[tokio::test]
async fn the_end_of_the_tunnel_ends_the_wait() {
    let (scene, agent) = scene(256, 1).await;
    let scene = std::sync::Arc::new(scene);
    let open = || {
        let scene = std::sync::Arc::clone(&scene);
        spawn(async move { scene.open().await.err() })
    };
    let first = open();
    until("an OPEN", || agent.tunnel.stats().streams == 1).await;
    let second = open();
    until("one waits", || scene.waiting() == 1).await;
    agent.tunnel.close();
    for task in [first, second] {
        assert_eq!(
            soon("an answer", task).await.unwrap(),
            Some(OpenError::Reconnecting)
        );
    }
}
