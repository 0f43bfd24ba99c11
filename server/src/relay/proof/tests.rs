use api::Timestamp;
use http::StatusCode;
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::*;

const ORIGIN: &str = "https://adit.example";

fn prover(clock: &Clock) -> Prover {
    Prover {
        nonces: Nonces::new(&[7; 32]),
        clock: clock.clone(),
        origins: vec![ORIGIN.to_owned(), "https://old.example:8443".to_owned()],
    }
}

fn clock() -> Clock {
    Clock::manual(Timestamp(1_700_000_000_000_000))
}

/// A claim as an honest agent makes it; tests spoil it.
struct Agent {
    key: Ed25519KeyPair,
    purpose: Purpose,
    protocols: &'static str,
    signed_origin: &'static str,
    sent_origin: &'static str,
    nonce: String,
}

impl Agent {
    fn new(prover: &Prover) -> Self {
        Self {
            key: Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap(),
            purpose: Purpose::Tunnel,
            protocols: "adit.tunnel.v1",
            signed_origin: ORIGIN,
            sent_origin: ORIGIN,
            nonce: prover.nonces.issue(prover.clock.now()).unwrap(),
        }
    }

    fn authorization(&self) -> String {
        let statement = Statement {
            purpose: self.purpose,
            nonce: &self.nonce,
            origin: self.signed_origin,
            protocols: self.protocols,
            instance: &[9; 16],
        };
        let signature = self.key.sign(&statement.to_bytes());
        format!(
            "Adit-Device key=\"{}\", nonce=\"{}\", instance=\"{}\", origin=\"{}\", signature=\"{}\"",
            BASE64URL_NOPAD.encode(self.key.public_key().as_ref()),
            self.nonce,
            BASE64URL_NOPAD.encode(&[9; 16]),
            self.sent_origin,
            BASE64URL_NOPAD.encode(signature.as_ref()),
        )
    }
}

fn check(prover: &Prover, authorization: &str) -> Result<Proven, ApiError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::AUTHORIZATION,
        HeaderValue::from_str(authorization).unwrap(),
    );
    prover.check(Purpose::Tunnel, "adit.tunnel.v1", &headers)
}

#[test]
fn s27_the_holder_of_the_key_is_proven() {
    let prover = prover(&clock());
    let agent = Agent::new(&prover);
    let proven = check(&prover, &agent.authorization()).unwrap();
    assert_eq!(proven.key, agent.key.public_key().as_ref());
    assert_eq!(proven.instance, [9; 16]);
    let other_name = "https://old.example:8443";
    let agent = Agent {
        signed_origin: other_name,
        sent_origin: other_name,
        ..agent
    };
    assert!(
        check(&prover, &agent.authorization()).is_ok(),
        "another configured origin"
    );
}

#[test]
fn s27_every_fault_gets_the_same_answer() {
    let clock = clock();
    let prover = prover(&clock);
    let agent = || Agent::new(&prover);
    let evil = "https://evil.example";
    let stranger = Prover {
        nonces: Nonces::new(&[8; 32]),
        ..tests::prover(&clock)
    };
    let stolen = BASE64URL_NOPAD.encode(&[5; 32]);
    let own = BASE64URL_NOPAD.encode(agent().key.public_key().as_ref());
    let honest = agent().authorization();
    let faults = [
        Agent {
            purpose: Purpose::Enrolment,
            ..agent()
        }
        .authorization(),
        Agent {
            protocols: "other.v1",
            ..agent()
        }
        .authorization(),
        Agent {
            signed_origin: evil,
            ..agent()
        }
        .authorization(),
        Agent {
            signed_origin: evil,
            sent_origin: evil,
            ..agent()
        }
        .authorization(),
        Agent {
            nonce: Agent::new(&stranger).nonce,
            ..agent()
        }
        .authorization(),
        honest.replace(&own, &stolen),
        honest.replace("instance=\"C", "instance=\"D"),
        honest.replace("Adit-Device", "Bearer"),
        honest.replace("signature", "sig"),
        honest.replace("key=", "key=\"AA\", key="),
        honest.replace('"', ""),
        format!("{honest}, pad=\"{}\"", "x".repeat(2000)),
        "Adit-Device".to_owned(),
        String::new(),
    ];
    for authorization in faults {
        let error = check(&prover, &authorization).unwrap_err();
        assert_eq!(error.status(), StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(error.code(), ProblemCode::ProofInvalid);
    }
    assert!(check(&prover, &honest).is_ok());
    clock.advance(60);
    assert!(check(&prover, &honest).is_err(), "a nonce too old");
}

#[test]
fn nobody_is_asked_twice_for_the_same_nonce() {
    use axum::response::IntoResponse;
    let prover = prover(&clock());
    let nonce = || {
        let error = prover
            .check(Purpose::Tunnel, "", &HeaderMap::new())
            .unwrap_err();
        error.into_response().headers()[header::WWW_AUTHENTICATE]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert!(nonce().starts_with("Adit-Device nonce=\""));
    assert_ne!(nonce(), nonce());
}
