//! Hand-offs replayed, swapped, late and raced.

use api::OrganizationId;
use uuid::Uuid;

use super::*;
use crate::access::Via;

const HOST: &str = "pump.devices.example";
const OTHER_HOST: &str = "press.devices.example";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn clock() -> Clock {
    Clock::manual(Timestamp(1_000_000_000))
}

fn sign_in(number: u128) -> SignInId {
    SignInId(Uuid::from_u128(number))
}

fn principal(number: u128) -> Principal {
    Principal {
        user: UserId(Uuid::from_u128(number)),
        username: "ada".into(),
        organization: OrganizationId(Uuid::nil()),
        via: Via::SignIn(sign_in(number)),
    }
}

fn device() -> DeviceId {
    DeviceId(Uuid::from_u128(7))
}

/// State and code of a visit that the manager let through.
fn minted(handoff: &Handoff, user: u128, host: &str) -> (String, String) {
    let begun = handoff.begin(host, PEER, None, "/a?b=c").unwrap();
    let launch = handoff.launch(host, &begun.state, begun.number).unwrap();
    let path = handoff
        .mint(&principal(user), sign_in(user), device(), launch)
        .unwrap();
    let (before, code) = path.split_once("#code=").unwrap();
    assert_eq!(before, format!("/.adit/auth?state={}", begun.state));
    (begun.state, code.to_owned())
}

fn claim<'a>(host: &'a str, state: &'a str, code: &'a str, cookie: Option<&'a str>) -> Claim<'a> {
    Claim {
        host,
        state,
        code,
        cookie,
        signed_in: None,
    }
}

#[test]
fn s24_a_code_is_granted_to_its_browser_once() {
    let handoff = Handoff::new(clock());
    let (state, code) = minted(&handoff, 1, HOST);
    let right = claim(HOST, &state, &code, Some(&state));
    let Redeemed::Granted(grant) = handoff.redeem(&right) else {
        panic!("refused")
    };
    assert_eq!(
        (grant.user, grant.sign_in, grant.device),
        (UserId(Uuid::from_u128(1)), sign_in(1), device())
    );
    assert_eq!((grant.host.as_str(), grant.path.as_str()), (HOST, "/a?b=c"));
    assert!(!handoff.was_replayed(&grant));
    // Whoever brings it again, with or without the cookie, is known.
    assert_eq!(handoff.redeem(&right), Redeemed::Replayed(grant.clone()));
    assert_eq!(
        handoff.redeem(&claim(HOST, &state, &code, None)),
        Redeemed::Replayed(grant.clone())
    );
    assert!(handoff.was_replayed(&grant));
}

#[test]
fn s24_swapped_and_made_up_claims_are_refused() {
    let handoff = Handoff::new(clock());
    let (state, code) = minted(&handoff, 1, HOST);
    let (other_state, other_code) = minted(&handoff, 2, HOST);
    let (far_state, far_code) = minted(&handoff, 1, OTHER_HOST);
    let unknown = "A".repeat(43);
    for (host, state, code, cookie) in [
        // Another user's code, another user's state, another device's.
        (HOST, &state, &other_code, Some(&state)),
        (HOST, &other_state, &code, Some(&other_state)),
        (HOST, &far_state, &far_code, Some(&far_state)),
        (OTHER_HOST, &state, &code, Some(&state)),
        // Another browser: login CSRF.
        (HOST, &state, &code, None),
        (HOST, &state, &code, Some(&other_state)),
        (HOST, &state, &unknown, Some(&state)),
        (HOST, &unknown, &code, Some(&unknown)),
        (HOST, &String::new(), &code, Some(&String::new())),
        (HOST, &state, &String::new(), Some(&state)),
    ] {
        let claim = claim(host, state, code, cookie.map(String::as_str));
        assert_eq!(handoff.redeem(&claim), Redeemed::Refused);
    }
    // None of it burnt the code of whom it belongs to.
    let right = claim(HOST, &state, &code, Some(&state));
    assert!(matches!(handoff.redeem(&right), Redeemed::Granted(_)));
}

#[test]
fn s24_a_code_lives_thirty_seconds() {
    let clock = clock();
    let handoff = Handoff::new(clock.clone());
    let (state, code) = minted(&handoff, 1, HOST);
    let (late_state, late_code) = minted(&handoff, 1, HOST);
    clock.advance(29);
    assert!(matches!(
        handoff.redeem(&claim(HOST, &state, &code, Some(&state))),
        Redeemed::Granted(_)
    ));
    clock.advance(1);
    let late = claim(HOST, &late_state, &late_code, Some(&late_state));
    assert_eq!(handoff.redeem(&late), Redeemed::Refused);
}

#[test]
fn s24_of_fifty_at_once_one_wins() {
    let handoff = Handoff::new(clock());
    let (state, code) = minted(&handoff, 1, HOST);
    let start = std::sync::Barrier::new(50);
    let granted = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..50)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    matches!(
                        handoff.redeem(&claim(HOST, &state, &code, Some(&state))),
                        Redeemed::Granted(_)
                    )
                })
            })
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .filter(|won| *won)
            .count()
    });
    assert_eq!(granted, 1);
}

#[test]
fn tabs_opened_together_share_a_state() {
    let clock = clock();
    let handoff = Handoff::new(clock.clone());
    let first = handoff.begin(HOST, PEER, None, "/one").unwrap();
    let second = handoff
        .begin(HOST, PEER, Some(&first.state), "/two")
        .unwrap();
    let again = handoff
        .begin(HOST, PEER, Some(&first.state), "/one")
        .unwrap();
    assert!(!first.is_known && second.is_known && again.is_known);
    assert_eq!(
        (&second.state, second.number, again.number),
        (&first.state, 1, 0)
    );
    assert_eq!(handoff.launch(HOST, &first.state, 1).unwrap().path, "/two");
    assert_eq!(handoff.launch(HOST, &first.state, 99).unwrap().path, "/");
    assert_eq!(handoff.launch(OTHER_HOST, &first.state, 0), None);
    for number in 0..100 {
        let more = handoff
            .begin(HOST, PEER, Some(&first.state), &format!("/{number}"))
            .unwrap();
        assert!(more.number < PATHS_MAX);
    }
    // At another host, made up, or stale: a new one.
    assert!(
        !handoff
            .begin(OTHER_HOST, PEER, Some(&first.state), "/")
            .unwrap()
            .is_known
    );
    assert!(
        !handoff
            .begin(HOST, PEER, Some("evil"), "/")
            .unwrap()
            .is_known
    );
    clock.advance(STATE_LIFE_S - STATE_FRESH_S + 1);
    assert!(
        !handoff
            .begin(HOST, PEER, Some(&first.state), "/")
            .unwrap()
            .is_known
    );
    clock.advance(STATE_FRESH_S);
    assert_eq!(handoff.launch(HOST, &first.state, 0), None);
}

#[test]
fn the_second_tab_needs_no_state_once_its_user_is_in() {
    let handoff = Handoff::new(clock());
    let (state, code) = minted(&handoff, 1, HOST);
    let known = |user: u128| Claim {
        signed_in: Some(UserId(Uuid::from_u128(user))),
        ..claim(HOST, &state, &code, None)
    };
    assert_eq!(handoff.redeem(&known(2)), Redeemed::Refused);
    assert!(matches!(handoff.redeem(&known(1)), Redeemed::Granted(_)));
}

#[test]
fn an_intent_counts_once_for_its_sign_in_and_service() {
    let clock = clock();
    let handoff = Handoff::new(clock.clone());
    handoff.intend(sign_in(1), device(), "web");
    assert!(!handoff.was_intended(sign_in(2), device(), "web"));
    assert!(!handoff.was_intended(sign_in(1), DeviceId(Uuid::nil()), "web"));
    assert!(!handoff.was_intended(sign_in(1), device(), "admin"));
    assert!(handoff.was_intended(sign_in(1), device(), "web"));
    assert!(!handoff.was_intended(sign_in(1), device(), "web"));
    handoff.intend(sign_in(1), device(), "web");
    clock.advance(INTENT_LIFE_S);
    assert!(!handoff.was_intended(sign_in(1), device(), "web"));
}

#[test]
fn s06_a_click_belongs_to_the_page_that_asked() {
    let handoff = Handoff::new(clock());
    let begun = handoff.begin(HOST, PEER, None, "/").unwrap();
    let launch = handoff.launch(HOST, &begun.state, 0).unwrap();
    let asked = || handoff.ask(sign_in(1), launch.clone()).unwrap();
    assert_eq!(handoff.answered(asked().reveal(), sign_in(2), HOST), None);
    assert_eq!(
        handoff.answered(asked().reveal(), sign_in(1), OTHER_HOST),
        None
    );
    assert_eq!(handoff.answered("made-up", sign_in(1), HOST), None);
    let token = asked();
    assert_eq!(
        handoff.answered(token.reveal(), sign_in(1), HOST),
        Some(launch.clone())
    );
    assert_eq!(handoff.answered(token.reveal(), sign_in(1), HOST), None);
}
