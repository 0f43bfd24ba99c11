//! Agents that are sent elsewhere, and follow as section 2.2 of WebTunnel says.

use crate::place::Scene;
use crate::stub::{Answer, Settings, Stub};

/// An agent's view of where its server is.
struct Follower {
    configured: Settings,
    current: Settings,
}

impl Follower {
    fn new(configured: &Settings) -> Self {
        Self {
            configured: configured.clone(),
            current: configured.clone(),
        }
    }

    /// One try. A 302 sticks for the tries after it, until one fails there.
    async fn connect(&mut self) -> Result<Stub, Answer> {
        let tried = Stub::connect(&self.current).await;
        match &tried {
            Ok(_) => {}
            Err(answer) if answer.status == 302 => {
                let location = answer.field("location").unwrap();
                self.current = moved(&self.configured, location);
            }
            Err(_) => self.current = self.configured.clone(),
        }
        tried
    }

    async fn is_sent(&mut self, location: &str) {
        let answer = self.connect().await.err().unwrap();
        assert_eq!(answer.status, 302);
        assert_eq!(answer.field("location"), Some(location));
    }
}

/// Relative places are resolved against the configured URL.
fn moved(configured: &Settings, location: &str) -> Settings {
    let mut moved = configured.clone();
    let Some(rest) = location.strip_prefix("http://") else {
        location.clone_into(&mut moved.target);
        return moved;
    };
    let (authority, path) = rest.split_once('/').unwrap();
    moved.port = authority.rsplit_once(':').unwrap().1.parse().unwrap();
    authority.clone_into(&mut moved.authority);
    moved.target = format!("/{path}");
    moved
}

#[tokio::test]
async fn w03_a_relative_place_is_followed_and_there_is_no_loop() {
    let scene = Scene::with("devices.localhost", |config| {
        config.webtunnel.redirect = Some("/eu?a=1".parse().unwrap());
    })
    .await;
    let mut agent = Follower::new(&scene.settings);
    agent.is_sent("/eu?a=1").await;
    let stub = agent.connect().await.unwrap();
    stub.kill();
    // It sticks.
    let stub = agent.connect().await.unwrap();
    assert!(stub.is_running());
    let mut at_another = scene.settings.clone();
    at_another.target = "/us".to_owned();
    Follower::new(&at_another).is_sent("/eu?a=1").await;
    // Through a proxy the target is the whole URL.
    let mut by_proxy = scene.settings.clone();
    by_proxy.target = format!("http://{}/eu?a=1", by_proxy.authority);
    assert!(Stub::connect(&by_proxy).await.is_ok());
}

#[tokio::test]
async fn w03_another_server_is_followed_until_a_connect_there_fails() {
    let there = Scene::new().await;
    let location = format!("http://{}/moved", there.settings.authority);
    let redirect = location.parse().unwrap();
    let here = Scene::with("devices.localhost", |config| {
        config.webtunnel.redirect = Some(redirect);
    })
    .await;
    // Only the other server knows the agent.
    let configured = Settings {
        port: here.settings.port,
        authority: here.settings.authority.clone(),
        ..there.settings.clone()
    };
    let mut agent = Follower::new(&configured);
    agent.is_sent(&location).await;
    let stub = agent.connect().await.unwrap();
    stub.kill();
    let stub = agent.connect().await.unwrap();
    assert!(stub.is_running());
    agent.current.password = "wrong".to_owned();
    assert_eq!(agent.connect().await.err().unwrap().status, 401);
    agent.is_sent(&location).await;
    assert!(agent.connect().await.is_ok());
}

/// The whole name of this server, with its path, is no other place.
#[tokio::test]
async fn w03_a_server_that_sends_to_itself_serves_there() {
    let scene = Scene::with("devices.localhost", |config| {
        let port = config.listen.address.port();
        let redirect = format!("http://devices.localhost:{port}/here");
        config.webtunnel.redirect = Some(redirect.parse().unwrap());
    })
    .await;
    let mut agent = Follower::new(&scene.settings);
    agent
        .is_sent(&format!("http://{}/here", scene.settings.authority))
        .await;
    assert!(agent.connect().await.is_ok());
}
