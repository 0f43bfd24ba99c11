use std::sync::{Arc, Mutex};

use api::{CreateApiToken, DeviceId, OrganizationId, SignInId, TokenScope, UserId};
use http::HeaderMap;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;
use crate::access::{Lease, Principal, Records, Via};
use crate::testing::TestServer;

const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// What the authority does when it is asked.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Agrees,
    Denies,
    Fails,
    Hangs,
}

#[derive(Clone)]
struct Moody(Arc<Mutex<Mood>>);

impl Moody {
    fn new(mood: Mood) -> Self {
        Self(Arc::new(Mutex::new(mood)))
    }

    fn becomes(&self, mood: Mood) {
        *self.0.lock().unwrap() = mood;
    }
}

impl Authority for Moody {
    type Error = &'static str;

    async fn ended(&self, held: &HashSet<Subject>) -> Result<HashSet<Subject>, &'static str> {
        let mood = *self.0.lock().unwrap();
        match mood {
            Mood::Agrees => Ok(HashSet::new()),
            Mood::Denies => Ok(held.clone()),
            Mood::Fails => Err("no database"),
            Mood::Hangs => std::future::pending().await,
        }
    }
}

fn subject() -> Subject {
    Subject {
        user: UserId(Uuid::nil()),
        organization: OrganizationId(Uuid::nil()),
        via: Via::SignIn(SignInId(Uuid::nil())),
        device: None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]
fn watched(authority: &Moody) -> (Leases, JoinHandle<()>, CancellationToken) {
    let (leases, stop) = (Leases::default(), CancellationToken::new());
    let watch = watch(leases.clone(), authority.clone(), LONGEST, stop.clone());
    (leases, tokio::spawn(watch), stop)
}

/// How long the lease lives from now, which is paused time.
async fn life(lease: &Lease) -> Duration {
    let started = Instant::now();
    lease.cancelled().await;
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn s34_a_denied_right_ends_within_30_s() {
    let authority = Moody::new(Mood::Denies);
    let (leases, _watch, _stop) = watched(&authority);
    let lease = leases.issue(subject());
    assert!(life(&lease).await <= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn s34_without_the_authority_rights_end_after_60_s() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let authority = Moody::new(mood);
        let (leases, _watch, _stop) = watched(&authority);
        let lived = life(&leases.issue(subject())).await;
        assert!((60..=62).contains(&lived.as_secs()), "{lived:?}");

        authority.becomes(Mood::Agrees);
        let lease = leases.issue(subject());
        sleep(Duration::from_secs(300)).await;
        authority.becomes(mood);
        let lived = life(&lease).await;
        assert!((30..=62).contains(&lived.as_secs()), "{lived:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s34_a_short_outage_ends_nothing() {
    let authority = Moody::new(Mood::Agrees);
    let (leases, _watch, _stop) = watched(&authority);
    let lease = leases.issue(subject());
    for _ in 0..20 {
        sleep(Duration::from_secs(60)).await;
        authority.becomes(Mood::Fails);
        // Asked anew soon after the end of the outage, not half a minute later.
        sleep(Duration::from_secs(29)).await;
        authority.becomes(Mood::Agrees);
    }
    assert!(!lease.token().is_cancelled());
}

/// SIGSTOP for 90 s: rights are older than 60 s then, and were not asked for.
#[tokio::test(start_paused = true)]
async fn s34_after_a_standstill_rights_are_asked_for_before_they_end() {
    const ANSWERED_S: u64 = 1;
    for (mood, ends_within_s) in [
        (Mood::Agrees, None),
        (Mood::Denies, Some(ANSWERED_S)),
        (Mood::Fails, Some(ANSWERED_S)),
        (Mood::Hangs, Some(ANSWER_TIMEOUT.as_secs() + ANSWERED_S)),
    ] {
        let authority = Moody::new(Mood::Agrees);
        let (leases, _watch, _stop) = watched(&authority);
        let lease = leases.issue(subject());
        sleep(Duration::from_secs(45)).await;
        authority.becomes(mood);
        tokio::time::advance(Duration::from_secs(90)).await;
        let lived = timeout(Duration::from_secs(25), life(&lease)).await.ok();
        match (lived, ends_within_s) {
            (None, None) => {}
            (Some(lived), Some(most_s)) => assert!(lived.as_secs() <= most_s, "{lived:?}"),
            (lived, _) => panic!("{lived:?}, not {ends_within_s:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s34_no_stream_lives_longer_than_12_h() {
    let authority = Moody::new(Mood::Agrees);
    let (leases, _watch, _stop) = watched(&authority);
    let lease = leases.issue(subject());
    let younger = {
        sleep(Duration::from_secs(3600)).await;
        leases.issue(subject())
    };
    let lived = Duration::from_secs(3600) + life(&lease).await;
    assert!(
        lived >= LONGEST && lived <= LONGEST + Duration::from_secs(2),
        "{lived:?}"
    );
    assert!(!younger.token().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn the_watch_ends_with_the_last_lease_of_a_stopping_server() {
    let authority = Moody::new(Mood::Agrees);
    let (leases, watch, stop) = watched(&authority);
    let leases = [leases.issue(subject()), leases.issue(subject())];
    stop.cancel();
    sleep(Duration::from_secs(1)).await;
    assert!(!watch.is_finished(), "rights are checked while streams end");
    authority.becomes(Mood::Denies);
    life(&leases[1]).await;
    drop(leases);
    watch.await.unwrap();
}

/// Rights of three callers to one device, by the real records.
struct Scene {
    server: TestServer,
    device: DeviceId,
    ada: Lease,
    ada_events: Lease,
    ada_token: Lease,
    bob: Lease,
}

async fn scene() -> Scene {
    let server = TestServer::new().await;
    let organization = server.organization().await;
    let device = server.enrol(organization, [1; 32], "bench").await.device_id;
    server.user("ada").await;
    server.user("bob").await;
    let ada = signed_in(&server, "ada").await;
    let bob = signed_in(&server, "bob").await;
    let input = CreateApiToken {
        name: "test".into(),
        scope: TokenScope::Full,
        expires_in_s: None,
    };
    let created = server.state.accounts.create_api_token_for("ada", input);
    let token = created.await.unwrap().token;
    let by_token = Principal {
        via: Via::ApiToken(token.id, token.scope),
        ..ada.clone()
    };
    let issue =
        |principal: &Principal, device| server.state.leases.issue(Subject::new(principal, device));
    Scene {
        ada: issue(&ada, Some(device)),
        ada_events: issue(&ada, None),
        ada_token: issue(&by_token, Some(device)),
        bob: issue(&bob, Some(device)),
        device,
        server,
    }
}

async fn signed_in(server: &TestServer, username: &str) -> Principal {
    let mut headers = HeaderMap::new();
    let cookie = server.cookie(username).await;
    headers.insert("cookie", cookie.parse().unwrap());
    server
        .state
        .accounts
        .signed_in(&headers)
        .await
        .unwrap()
        .unwrap()
}

impl Scene {
    /// Which have ended: the sign-in's to the device, its event stream, the token's, the other's.
    fn ended(&self) -> [bool; 4] {
        [&self.ada, &self.ada_events, &self.ada_token, &self.bob]
            .map(|lease| lease.token().is_cancelled())
    }

    async fn recheck(&self, now: Instant) -> bool {
        let state = &self.server.state;
        let records = Records::new(state.accounts.clone(), state.devices.clone());
        recheck(&state.leases, &records, now).await
    }
}

#[tokio::test]
async fn s34_what_is_gone_from_the_database_ends_its_streams() {
    for (change, expected) in [
        (
            "UPDATE users SET username = 'ada lovelace' WHERE username = 'ada'",
            [false; 4],
        ),
        (
            "DELETE FROM users WHERE username = 'ada'",
            [true, true, true, false],
        ),
        (
            "DELETE FROM members WHERE user_id = (SELECT id FROM users WHERE username = 'ada')",
            [true, true, true, false],
        ),
        (
            "DELETE FROM sign_ins WHERE user_id = (SELECT id FROM users WHERE username = 'ada')",
            [true, true, false, false],
        ),
        (
            "UPDATE sign_ins SET created_at = 0",
            [true, true, false, true],
        ),
        ("DELETE FROM api_tokens", [false, false, true, false]),
        (
            "UPDATE api_tokens SET expires_at = 1",
            [false, false, true, false],
        ),
        (
            "UPDATE api_tokens SET scope = 'read'",
            [false, false, true, false],
        ),
        ("DELETE FROM devices", [true, false, true, true]),
        (
            "INSERT INTO organizations VALUES (x'00000000000000000000000000000001', 'Other', 1);
             UPDATE devices SET organization_id = x'00000000000000000000000000000001'",
            [true, false, true, true],
        ),
    ] {
        let scene = scene().await;
        assert!(scene.recheck(Instant::now()).await);
        assert_eq!(scene.ended(), [false; 4], "before: {change}");
        let mut write = scene.server.db.write().await.unwrap();
        sqlx::raw_sql(change).execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
        assert!(scene.recheck(Instant::now()).await);
        assert_eq!(scene.ended(), expected, "{change}");
        assert!(
            scene.server.state.devices.state(scene.device).is_some(),
            "nobody told it"
        );
    }
}

#[tokio::test]
async fn s34_without_the_database_every_right_ends_after_60_s() {
    let scene = scene().await;
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    assert!(scene.recheck(after(30)).await);
    scene.server.db.close().await;
    assert!(!scene.recheck(after(60)).await);
    end_by_time(&scene.server.state.leases, LONGEST, after(90));
    assert_eq!(scene.ended(), [false; 4], "answered for 60 s ago");
    end_by_time(&scene.server.state.leases, LONGEST, after(91));
    assert_eq!(scene.ended(), [true; 4]);
}
