use super::super::NewAgent;
use super::super::proven::REGISTRATIONS;
use super::*;
use crate::access::{Class, Secret};
use crate::testing::TestServer;

fn agent(agent_id: &str, password: Option<&str>) -> NewAgent {
    NewAgent {
        agent_id: agent_id.to_owned(),
        domain: None,
        name: None,
        password: password.map(|password| password.to_owned().into()),
    }
}

/// A server, and its organization's domain: whether it has a secret, and the switch.
async fn server(
    password: Option<Option<&str>>,
    is_on: bool,
) -> (TestServer, Scope, Option<Secret>) {
    let server = TestServer::new().await;
    let scope = Scope::of(server.organization().await);
    let domain = scope.organization().0;
    let webtunnel = &server.state.webtunnel;
    let mut secret = None;
    if let Some(password) = password {
        let password = password.map(|password| password.to_owned().into());
        secret = webtunnel
            .set_domain_secret(scope, domain, password)
            .await
            .unwrap();
    }
    let input = api::UpdateWebTunnelDomain {
        self_registration: Some(is_on),
    };
    webtunnel.update_domain(scope, domain, input).await.unwrap();
    (server, scope, secret)
}

/// What becomes of this, and what it costs.
async fn check(
    webtunnel: &WebTunnel,
    agent_id: &str,
    domain: Uuid,
    password: &str,
) -> (Verdict, usize) {
    let hashes = || webtunnel.0.passwords.verified() + webtunnel.0.decoys.verified();
    let before = hashes();
    let credential = Credential {
        agent_id: agent_id.to_owned(),
        domain: Some(domain),
        password: password.to_owned().into(),
    };
    let verdict = webtunnel.check(&credential).await.unwrap();
    (verdict, hashes() - before)
}

/// Proven by what is done, not by a clock: each wrong password costs one slow hash.
#[tokio::test]
async fn s39_a_wrong_password_costs_the_same_for_every_id() {
    for (domains_secret, is_on) in [
        (None, false),
        (Some(None), false),
        (Some(None), true),
        (Some(Some("fleet-wide")), true),
    ] {
        let (server, scope, _) = server(domains_secret, is_on).await;
        let webtunnel = &server.state.webtunnel;
        let domain = scope.organization().0;
        let made = webtunnel.create_agent(scope, agent("made", None)).await;
        let made = made.unwrap();
        let brought = agent("brought", Some("s3cret"));
        webtunnel.create_agent(scope, brought).await.unwrap();
        let own_secret = Secret::generate(Class::WebTunnelAgent);
        for password in ["wrong", "", own_secret.reveal()] {
            for agent_id in ["made", "brought", "nobody", "No-Agent"] {
                let (verdict, hashes) = check(webtunnel, agent_id, domain, password).await;
                assert!(matches!(verdict, Verdict::Wrong), "{agent_id}");
                assert_eq!(hashes, 1, "{agent_id} {domains_secret:?} {is_on}");
            }
        }
        // And so many of each in a minute; then they are all told the same, too.
        for agent_id in ["made", "brought", "nobody"] {
            let mut busy = 0;
            for _ in 0..10 {
                let (verdict, _) = check(webtunnel, agent_id, domain, "wrong").await;
                busy += usize::from(matches!(verdict, Verdict::Busy));
            }
            assert_eq!(busy, 3, "{agent_id}");
        }
        // The right one is never in its own way.
        let right = made.secret.unwrap();
        let (verdict, hashes) = check(webtunnel, "made", domain, right.reveal()).await;
        assert!(matches!(verdict, Verdict::Device(device) if device == made.device));
        assert_eq!(hashes, 0);
    }
}

#[tokio::test]
async fn s27_a_domains_secret_opens_no_device_that_has_its_own() {
    let (server, scope, secret) = server(Some(None), true).await;
    let webtunnel = &server.state.webtunnel;
    let domain = scope.organization().0;
    let secret = secret.unwrap();
    let made = webtunnel.create_agent(scope, agent("pump-1", None)).await;
    let own = made.unwrap();
    let (verdict, _) = check(webtunnel, "pump-1", domain, secret.reveal()).await;
    assert!(matches!(verdict, Verdict::Wrong));

    // One that registered itself is opened by it until it gets a secret of its own.
    let (verdict, _) = check(webtunnel, "pump-2", domain, secret.reveal()).await;
    let Verdict::Device(device) = verdict else {
        panic!("not registered")
    };
    assert_ne!(device, own.device);
    let (verdict, hashes) = check(webtunnel, "pump-2", domain, secret.reveal()).await;
    assert!(matches!(verdict, Verdict::Device(again) if again == device));
    assert_eq!(hashes, 0);
    let set = webtunnel.set_agent_secret(scope, device, None).await;
    let set = set.unwrap().unwrap();
    let (verdict, _) = check(webtunnel, "pump-2", domain, secret.reveal()).await;
    assert!(matches!(verdict, Verdict::Wrong));
    let (verdict, _) = check(webtunnel, "pump-2", domain, set.reveal()).await;
    assert!(matches!(verdict, Verdict::Device(again) if again == device));
}

#[tokio::test]
async fn nobody_registers_without_switch_secret_and_an_id_that_can_be() {
    for (password, is_on, agent_id) in [
        (None, true, "pump-2"),
        (Some(Some("fleet-wide")), false, "pump-2"),
        (Some(Some("fleet-wide")), true, "Pump 2"),
        (Some(Some("fleet-wide")), true, ""),
    ] {
        let (server, scope, _) = server(password, is_on).await;
        let domain = scope.organization().0;
        for _ in 0..2 {
            let webtunnel = &server.state.webtunnel;
            let (verdict, hashes) = check(webtunnel, agent_id, domain, "fleet-wide").await;
            assert!(matches!(verdict, Verdict::Wrong), "{agent_id}");
            assert_eq!(hashes, 1);
        }
    }
}

#[tokio::test]
async fn a_fleets_own_password_costs_one_slow_hash_for_all_of_it() {
    let (server, scope, _) = server(Some(Some("fleet-wide")), true).await;
    let webtunnel = &server.state.webtunnel;
    let domain = scope.organization().0;
    for number in 0..5 {
        let id = format!("pump-{number}");
        let (verdict, hashes) = check(webtunnel, &id, domain, "fleet-wide").await;
        assert!(matches!(verdict, Verdict::Device(_)));
        assert_eq!(hashes, usize::from(number == 0));
    }
    // Another secret ends that at once.
    webtunnel
        .set_domain_secret(scope, domain, Some("another".to_owned().into()))
        .await
        .unwrap();
    for (password, is_let_in) in [("fleet-wide", false), ("another", true)] {
        let (verdict, _) = check(webtunnel, "pump-0", domain, password).await;
        assert_eq!(matches!(verdict, Verdict::Device(_)), is_let_in);
    }
    webtunnel.remove_domain_secret(scope, domain).await.unwrap();
    let (verdict, _) = check(webtunnel, "pump-0", domain, "another").await;
    assert!(matches!(verdict, Verdict::Wrong));
}

#[tokio::test]
async fn s39_so_many_register_in_a_minute() {
    let (server, scope, secret) = server(Some(None), true).await;
    let webtunnel = &server.state.webtunnel;
    let domain = scope.organization().0;
    let secret = secret.unwrap();
    let register = async |number: u32| {
        let id = format!("pump-{number}");
        check(webtunnel, &id, domain, secret.reveal()).await.0
    };
    for number in 0..REGISTRATIONS {
        assert!(matches!(register(number).await, Verdict::Device(_)));
    }
    assert!(matches!(register(REGISTRATIONS).await, Verdict::Crowded));
    // Those that there are come back as they like.
    assert!(matches!(register(0).await, Verdict::Device(_)));
    server.state.clock.advance(60);
    assert!(matches!(register(REGISTRATIONS).await, Verdict::Device(_)));
}
