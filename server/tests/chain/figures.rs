//! Figures for Prometheus, as it would read them.

use std::collections::HashMap;

use api::{DeviceUsage, Transfer, UsageDay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{
    Behaviour, RunningAgent, TestService, closed_port, read_to_end, service, soon, until,
};
use crate::place::Place;

/// Samples by their whole name, labels and all.
type Figures = HashMap<String, f64>;

impl Place {
    /// How many tunnels have gone on over another connection.
    pub(crate) async fn resumes(&self) -> f64 {
        let figures = self.scrape().await;
        of(&figures, r#"adit_tunnel_resumes_total{outcome="resumed"}"#)
    }

    async fn scrape(&self) -> Figures {
        let request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        let answer = Self::ask_at(self.metrics, request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        assert!(head.contains("application/openmetrics-text; version=1.0.0"));
        assert!(body.ends_with("# EOF\n"), "{body}");
        let samples = body.lines().filter(|line| !line.starts_with('#'));
        let samples = samples.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        });
        samples.collect()
    }

    /// Tunnels that ended because their agent broke the protocol.
    pub(crate) async fn tunnels_ended_by_protocol(&self) -> f64 {
        let name = r#"adit_tunnels_ended_total{reason="protocol"}"#;
        of(&self.scrape().await, name)
    }

    /// Agents that were turned away because somebody keeps their device out.
    pub(crate) async fn rejected_as_disabled(&self) -> f64 {
        let name = r#"adit_tunnel_rejects_total{reason="disabled"}"#;
        of(&self.scrape().await, name)
    }

    /// Of the budget of all tunnels.
    pub(crate) async fn tunnel_memory_used_bytes(&self) -> u64 {
        of(&self.scrape().await, "adit_tunnel_memory_used_bytes") as u64
    }
}

fn of(figures: &Figures, name: &str) -> f64 {
    figures.get(name).copied().unwrap_or(0.0)
}

#[tokio::test]
async fn figures_change_with_a_tunnel_and_a_stream() {
    let place = Place::start().await;
    let before = place.scrape().await;
    assert_eq!(of(&before, r#"adit_tunnels{state="connected"}"#), 0.0);
    assert_eq!(before.get("adit_streams_open"), Some(&0.0));
    let busy = r#"adit_tunnel_rejects_total{reason="busy"}"#;
    assert_eq!(before.get(busy), Some(&0.0), "from the start");
    assert!(of(&before, "adit_tunnel_memory_limit_bytes") >= 64.0 * 1024.0 * 1024.0);
    assert!(of(&before, "process_resident_memory_bytes") > 1e6);
    assert!(of(&before, "adit_database_writes_total") > 0.0);

    let echo = TestService::start(Behaviour::Echo).await;
    let services = vec![
        service("echo", echo.port),
        service("closed", closed_port().await),
    ];
    let device = place.device(services).await;
    let mut stream = place.access.open_when_up(device.id, "echo").await;
    assert!(place.access.open(device.id, "closed").await.is_err());
    let during = place.scrape().await;
    assert_eq!(of(&during, r#"adit_tunnels{state="connected"}"#), 1.0);
    assert_eq!(of(&during, "adit_streams_open"), 1.0);
    assert!(of(&during, "adit_tasks") > of(&before, "adit_tasks"));
    let opens = |outcome| format!(r#"adit_stream_opens_total{{outcome="{outcome}"}}"#);
    assert_eq!(of(&during, &opens("opened")), 1.0);
    assert_eq!(of(&during, &opens("refused")), 1.0);
    assert!(of(&during, "adit_tunnel_memory_used_bytes") > 0.0);
    let challenged = r#"adit_http_requests_total{route="tunnel",status="4xx"}"#;
    assert!(of(&during, challenged) >= 1.0);
    let connections = r#"adit_connections{kind="upgraded"}"#;
    assert_eq!(of(&during, connections), 1.0);

    stream.shutdown().await.unwrap();
    read_to_end(&mut stream).await.unwrap();
    drop(stream);
    assert_eq!(of(&place.scrape().await, "adit_streams_open"), 0.0);
    device.agent.stop().await;
    until("the tunnel's end", async || {
        of(&place.scrape().await, r#"adit_tunnels{state="connected"}"#) == 0.0
    })
    .await;
    let ended = place.scrape().await;
    let ends = ended
        .iter()
        .filter(|(name, _)| name.starts_with("adit_tunnels_ended_total"));
    assert_eq!(ends.map(|(_, count)| count).sum::<f64>(), 1.0);
    for name in ended.keys() {
        assert!(!name.contains("bench"), "a device's name: {name}");
        assert!(!name.contains(&device.id.to_string()), "{name}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_counted() {
    let place = Place::start().await;
    let body = r#"{"username":"ada","password":"not this one at all"}"#;
    let request = format!(
        "POST /api/v1/sign-in HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = place.ask(&request).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let failures = r#"adit_sign_in_failures_total{reason="credentials"}"#;
    assert_eq!(of(&place.scrape().await, failures), 1.0);
}

#[tokio::test]
async fn s44_figures_are_not_at_the_public_port() {
    let place = Place::start().await;
    let request = "GET /metrics HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";
    let answer = place.ask(request).await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(!answer.contains("adit_tunnels"));
    // And nothing else is where they are, nor are they for a page that has its name lead here.
    for (path, host, status) in [
        ("/", "127.0.0.1", "404"),
        ("/api/v1/devices", "127.0.0.1", "404"),
        ("/metrics", "evil.example", "421"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = Place::ask_at(place.metrics, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_stream_is_metered_to_the_byte_and_told_at_its_end() {
    const BYTES: usize = 1_000_000;
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    let lines = format!("Authorization: Bearer {}\r\n", place.token().await);
    let client = place.client_when_up(device.id, "echo", &lines).await;
    let (mut reader, mut writer) = tokio::io::split(client.stream);
    let mut back = Vec::new();
    let (sent, received) = soon("the echo", async {
        let send = async {
            writer.write_all(&vec![7; BYTES]).await?;
            writer.shutdown().await
        };
        tokio::join!(send, tokio::io::copy(&mut reader, &mut back))
    })
    .await;
    sent.unwrap();
    assert_eq!(received.unwrap(), BYTES as u64);

    let request = format!(
        "GET /api/v1/devices/{}/usage?days=1 HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
         {lines}\r\n",
        device.id
    );
    let mut day = UsageDay::default();
    until("the stream's end", async || {
        let answer = place.ask(&request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let usage: DeviceUsage = serde_json::from_str(body).unwrap();
        day = usage.days[0];
        day.session.from_device_bytes > 0
    })
    .await;
    let expected = Transfer {
        to_device_bytes: BYTES as u64,
        from_device_bytes: BYTES as u64,
    };
    assert_eq!(day.session, expected);
    assert_eq!(day.management, Transfer::default());

    // The tunnel's own is told at its end: the frames around that, and PING and PONG.
    device.agent.stop().await;
    until("the tunnel's end", async || {
        place.access.relay.tunnels() == 0
    })
    .await;
    let idle = |figures: &Figures, direction| {
        let name = "adit_tunnel_bytes_total";
        let key = format!(r#"{name}{{direction="{direction}",purpose="idle"}}"#);
        of(figures, &key)
    };
    until("what the tunnel used itself", async || {
        idle(&place.scrape().await, "to_device") > 0.0
    })
    .await;
    let figures = place.scrape().await;
    for direction in ["to_device", "from_device"] {
        let own = idle(&figures, direction);
        assert!(
            own > 100.0 && own < BYTES as f64 / 50.0,
            "{direction}: {own}"
        );
        let name = "adit_tunnel_bytes_total";
        let key = format!(r#"{name}{{direction="{direction}",purpose="session"}}"#);
        assert_eq!(of(&figures, &key), BYTES as f64);
    }
}

#[tokio::test]
async fn r03_a_device_beyond_the_memory_is_asked_to_come_back() {
    let place = Place::with(|config| config.limits.tunnels = Some(1)).await;
    let echo = TestService::start(Behaviour::Echo).await;
    let first = place.device(vec![service("echo", echo.port)]).await;
    place.access.assert_echo(first.id).await;
    let second = place.device(Vec::new()).await;
    until("a refusal", async || {
        let figures = place.scrape().await;
        of(&figures, r#"adit_tunnel_rejects_total{reason="memory"}"#) > 0.0
    })
    .await;
    assert_eq!(place.access.relay.tunnels(), 1);
    // Who has a place keeps it: killed and started again, it is let in at once.
    first.agent.kill().await;
    let _agent = RunningAgent::start(first.config, &first.key);
    place.access.assert_echo(first.id).await;
    second.agent.stop().await;
}

#[tokio::test]
async fn what_was_used_is_known_after_a_restart() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    let lines = format!("Authorization: Bearer {}\r\n", place.token().await);
    let mut stream = place.access.open_when_up(device.id, "echo").await;
    stream.write_all(b"twelve bytes").await.unwrap();
    stream.shutdown().await.unwrap();
    read_to_end(&mut stream).await.unwrap();
    drop(stream);
    let place = place.restart().await;
    let request = format!(
        "GET /api/v1/devices/{}/usage?days=2 HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
         {lines}\r\n",
        device.id
    );
    let answer = place.ask(&request).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let usage: DeviceUsage = serde_json::from_str(body).unwrap();
    // Of two days: it may be midnight.
    let days = usage.days.iter();
    let session = days.fold(Transfer::default(), |sum, day| sum.plus(day.session));
    assert_eq!(
        (session.to_device_bytes, session.from_device_bytes),
        (12, 12)
    );
    assert!(usage.days.iter().any(|day| day.idle.sum_bytes() > 0));
}

#[tokio::test]
async fn a_resumed_stream_is_metered_once() {
    static PART: [u8; 100_000] = [7; 100_000];
    let (place, network) = Place::behind(180).await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    let mut stream = place.access.open_when_up(device.id, "echo").await;
    let mut back = vec![0; PART.len()];
    for _ in 0..3 {
        stream.write_all(&PART).await.unwrap();
        // With some of it on its way.
        network.cut();
        soon("the echo", stream.read_exact(&mut back))
            .await
            .unwrap();
    }
    stream.shutdown().await.unwrap();
    read_to_end(&mut stream).await.unwrap();
    drop(stream);
    let figures = place.scrape().await;
    let resumed = of(&figures, r#"adit_tunnel_resumes_total{outcome="resumed"}"#);
    assert!(resumed >= 1.0, "{resumed}");
    for direction in ["to_device", "from_device"] {
        let key =
            format!(r#"adit_tunnel_bytes_total{{direction="{direction}",purpose="session"}}"#);
        assert_eq!(of(&figures, &key), 3.0 * PART.len() as f64);
    }
    network.cut();
    until("a tunnel, with a connection or without", async || {
        let figures = place.scrape().await;
        let state = |state| of(&figures, &format!(r#"adit_tunnels{{state="{state}"}}"#));
        assert!(state("connected") + state("suspended") <= 1.0);
        state("connected") == 1.0
    })
    .await;
}
