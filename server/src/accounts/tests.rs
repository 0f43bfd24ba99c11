//! Stories of accounts, through the router.

use ::http::{HeaderMap, Method, StatusCode, header};
use api::{SignInId, TokenScope};
use serde_json::{Value, json};

use super::*;
use crate::access::{Subject, Via};
use crate::testing::{Answer, NOBODY, PASSWORD, TestServer, bearer, cookie, request};

const ME: &str = "/api/v1/me";

async fn server() -> TestServer {
    let server = TestServer::new().await;
    server.user("ada").await;
    server
}

async fn get(server: &TestServer, path: &str, credential: (&'static str, &str)) -> Answer {
    server
        .call(Method::GET, path, credential, Value::Null)
        .await
}

async fn principal(server: &TestServer, cookie: &str) -> Option<Principal> {
    let headers = HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())]);
    server.state.accounts.signed_in(&headers).await.unwrap()
}

async fn sign_in_id(server: &TestServer, cookie: &str) -> SignInId {
    match principal(server, cookie).await.unwrap().via {
        Via::SignIn(id) => id,
        via @ Via::ApiToken(..) => panic!("{via:?}"),
    }
}

#[tokio::test]
async fn sign_in_and_out() {
    let server = server().await;
    let input = json!({"username": " ADA ", "password": PASSWORD});
    let answer = server
        .call(Method::POST, "/api/v1/sign-in", NOBODY, input)
        .await;
    assert_eq!(answer.json()["username"], "ada");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let signed_in = format!("{SIGN_IN_COOKIE}={}", answer.sign_in_cookie().unwrap());
    assert_eq!(
        get(&server, ME, cookie(&signed_in)).await.json()["organization"],
        "Default"
    );

    let lease = {
        let principal = principal(&server, &signed_in).await.unwrap();
        server.state.leases.issue(Subject::new(&principal, None))
    };
    let out = server
        .call(
            Method::POST,
            "/api/v1/sign-out",
            cookie(&signed_in),
            Value::Null,
        )
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(out.sign_in_cookie().as_deref(), Some(""));
    assert_eq!(out.headers["clear-site-data"], "\"storage\"");
    assert!(lease.token().is_cancelled());
    let after = get(&server, ME, cookie(&signed_in)).await;
    assert_eq!(
        (after.status, after.code().as_str()),
        (StatusCode::UNAUTHORIZED, "not_signed_in")
    );
    assert_eq!(
        after.sign_in_cookie().as_deref(),
        Some(""),
        "the browser is told to forget it"
    );
}

#[tokio::test]
async fn s01_each_sign_in_has_a_new_secret_and_ends_the_one_before() {
    let server = server().await;
    let first = server.cookie("ada").await;
    let input = json!({"username": "ada", "password": PASSWORD});
    let again = server
        .call(
            Method::POST,
            "/api/v1/sign-in",
            cookie(&first),
            input.clone(),
        )
        .await;
    let second = format!("{SIGN_IN_COOKIE}={}", again.sign_in_cookie().unwrap());
    assert_ne!(first, second);
    assert!(principal(&server, &first).await.is_none());
    assert!(principal(&server, &second).await.is_some());

    // A planted value becomes nobody's sign-in.
    let planted = format!("{SIGN_IN_COOKIE}=s.{}", "A".repeat(43));
    let answer = server
        .call(Method::POST, "/api/v1/sign-in", cookie(&planted), input)
        .await;
    assert_ne!(
        format!("{SIGN_IN_COOKIE}={}", answer.sign_in_cookie().unwrap()),
        planted
    );
    assert!(principal(&server, &planted).await.is_none());

    // Two of the name: none is believed, and the browser is told to forget.
    let doubled = format!("{second}; {second}");
    let refused = get(&server, ME, cookie(&doubled)).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.sign_in_cookie().as_deref(), Some(""));
}

#[tokio::test]
async fn sign_ins_end_by_themselves() {
    const DAY_S: i64 = 24 * 3600;
    let server = server().await;
    let clock = &server.state.clock;
    // Used every 6 days: ends after 30.
    let busy = server.cookie("ada").await;
    for day in [6, 12, 18, 24] {
        clock.advance(6 * DAY_S);
        assert!(principal(&server, &busy).await.is_some(), "day {day}");
    }
    clock.advance(6 * DAY_S);
    assert!(principal(&server, &busy).await.is_none());
    // Not used: ends after 7.
    let idle = server.cookie("ada").await;
    clock.advance(7 * DAY_S - 1);
    let idle_via = Via::SignIn(sign_in_id(&server, &idle).await);
    clock.advance(7 * DAY_S);
    assert!(principal(&server, &idle).await.is_none());
    assert!(!server.state.accounts.is_living(idle_via).await.unwrap());
}

#[tokio::test]
async fn last_used_is_written_every_few_minutes_only() {
    let server = server().await;
    let signed_in = server.cookie("ada").await;
    let token = server.token("ada", TokenScope::Full, None).await;
    get(&server, ME, bearer(&token)).await;
    let before = server.db.write_count();
    for _ in 0..20 {
        get(&server, ME, cookie(&signed_in)).await;
        get(&server, ME, bearer(&token)).await;
    }
    assert_eq!(server.db.write_count(), before);
    server.state.clock.advance(sign_ins::TOUCH_EVERY_S);
    for _ in 0..20 {
        get(&server, ME, cookie(&signed_in)).await;
        get(&server, ME, bearer(&token)).await;
    }
    assert_eq!(server.db.write_count(), before + 2);
}

#[tokio::test]
async fn s39_unknown_user_and_wrong_password_get_the_same_answer() {
    let server = server().await;
    let mut answers = Vec::new();
    for username in ["ada", "nobody", "", "' OR 1=1 --"] {
        let input = json!({"username": username, "password": "not this one"});
        let answer = server
            .call(Method::POST, "/api/v1/sign-in", NOBODY, input)
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.sign_in_cookie().is_none());
        answers.push(answer.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn s39_guessing_is_slowed_down_for_known_and_unknown_names_alike() {
    let server = server().await;
    let mut by_name = Vec::new();
    for (n, username) in ["ada", "nobody"].into_iter().enumerate() {
        let mut statuses = Vec::new();
        let mut retry_after = None;
        for _ in 0..7 {
            let input = json!({"username": username, "password": "not this one"});
            let mut request = request(Method::POST, "/api/v1/sign-in", NOBODY, input);
            let address = std::net::SocketAddr::from(([192, 0, 2, n as u8], 1));
            request
                .extensions_mut()
                .insert(crate::http::PeerAddr(address));
            let answer = server.send(request).await;
            statuses.push(answer.status.as_u16());
            retry_after = answer.headers.get("retry-after").cloned();
        }
        by_name.push((statuses, retry_after));
    }
    assert_eq!(by_name[0], by_name[1]);
    assert_eq!(by_name[0].0, [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(by_name[0].1.as_ref().unwrap(), "1");
    // The owner elsewhere is not kept out, and here only for a moment.
    server.cookie("ada").await;
}

#[tokio::test]
async fn s09_no_origin_is_given_access() {
    let server = server().await;
    let signed_in = server.cookie("ada").await;
    for origin in [
        "null",
        "https://m.example",
        "https://m.example.evil",
        "https://evilm.example",
        "https://one.devices.example",
    ] {
        for method in [Method::GET, Method::OPTIONS] {
            let mut request = request(method, ME, cookie(&signed_in), Value::Null);
            request
                .headers_mut()
                .insert(header::ORIGIN, origin.parse().unwrap());
            let answer = server.send(request).await;
            let granted = answer
                .headers
                .keys()
                .any(|name| name.as_str().starts_with("access-"));
            assert!(!granted, "{origin}: {:?}", answer.headers);
        }
    }
}

#[tokio::test]
async fn s33_unknown_fields_are_refused() {
    let server = server().await;
    let token = server.token("ada", TokenScope::Full, None).await;
    for (method, path, body) in [
        (
            Method::POST,
            "/api/v1/sign-in",
            json!({"username": "a", "password": "b", "admin": true}),
        ),
        (
            Method::POST,
            "/api/v1/api-tokens",
            json!({"name": "t", "scope": "read", "user_id": "x"}),
        ),
        (
            Method::POST,
            "/api/v1/install-keys",
            json!({"name": "k", "organization_id": "x"}),
        ),
    ] {
        let answer = server.call(method, path, bearer(&token), body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(answer.code(), "invalid_field", "{path}");
    }
}

#[tokio::test]
async fn inputs_of_another_form_are_told_what_is_wrong() {
    let server = server().await;
    let send = async |content_type: &str, body: &'static str| {
        let mut request = request(Method::POST, "/api/v1/sign-in", NOBODY, Value::Null);
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        *request.body_mut() = body.into();
        server.send(request).await.code()
    };
    assert_eq!(send("text/plain", "{}").await, "unsupported_media_type");
    assert_eq!(send("application/json", "{").await, "bad_request");
    assert_eq!(send("application/json", "{}").await, "invalid_field");
}

#[tokio::test]
async fn api_tokens_are_made_used_and_deleted() {
    let server = server().await;
    let signed_in = server.cookie("ada").await;
    let auth = cookie(&signed_in);
    let input = json!({"name": "ci", "scope": "full", "expires_in_s": 3600});
    let created = server
        .call(Method::POST, "/api/v1/api-tokens", auth, input)
        .await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(created.headers["cache-control"], "no-store");
    let secret = created.json()["secret"].as_str().unwrap().to_owned();
    let token = format!("Bearer {secret}");
    assert_eq!(
        get(&server, ME, bearer(&token)).await.status,
        StatusCode::OK
    );
    let list = get(&server, "/api/v1/api-tokens", auth).await;
    assert_eq!(list.json()["items"][0]["name"], "ci");
    assert!(list.json()["items"][0]["last_used_at"].is_i64());
    assert!(!list.text.contains(&secret));

    // A token with an end cannot make one that outlives it.
    for (expires_in_s, status) in [
        (Value::Null, StatusCode::FORBIDDEN),
        (json!(3601), StatusCode::FORBIDDEN),
        (json!(3600), StatusCode::CREATED),
    ] {
        let input = json!({"name": "child", "scope": "full", "expires_in_s": expires_in_s});
        let answer = server
            .call(Method::POST, "/api/v1/api-tokens", bearer(&token), input)
            .await;
        assert_eq!(answer.status, status, "{expires_in_s}");
    }

    let id = created.json()["token"]["id"].as_str().unwrap().to_owned();
    let via = Via::ApiToken(api::ApiTokenId(id.parse().unwrap()), TokenScope::Full);
    let mut subject = Subject::new(&principal(&server, &signed_in).await.unwrap(), None);
    subject.via = via;
    let lease = server.state.leases.issue(subject);
    let path = format!("/api/v1/api-tokens/{id}");
    let deleted = server.call(Method::DELETE, &path, auth, Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert!(lease.token().is_cancelled());
    assert_eq!(
        get(&server, ME, bearer(&token)).await.status,
        StatusCode::UNAUTHORIZED
    );
    let again = server.call(Method::DELETE, &path, auth, Value::Null).await;
    assert_eq!(again.code(), "not_found");
}

#[tokio::test]
async fn a_bearer_token_wins_over_a_cookie() {
    let server = server().await;
    let signed_in = server.cookie("ada").await;
    for authorization in [
        "Bearer nonsense",
        "Bearer ",
        "Bearer",
        "Basic YTpi",
        "bearer  x",
    ] {
        let mut request = request(Method::GET, ME, cookie(&signed_in), Value::Null);
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, authorization.parse().unwrap());
        let answer = server.send(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert!(
            answer.headers.contains_key("www-authenticate"),
            "{authorization}"
        );
        assert!(
            answer.sign_in_cookie().is_none(),
            "the cookie is none of its business"
        );
    }
}

#[tokio::test]
async fn s05_every_class_of_secret_opens_its_own_door_alone() {
    let server = server().await;
    let accounts = &server.state.accounts;
    let organization = server.organization().await;
    let one = server.enrol(organization, [1; 32], "one").await.device_id;
    let signed_in = server.cookie("ada").await;
    let parent = sign_in_id(&server, &signed_in).await;
    let device_secret = accounts
        .create_device_sign_in(parent, one, "one.devices.example")
        .await
        .unwrap();
    let token = server.token("ada", TokenScope::Full, None).await;
    let secrets = [
        signed_in.split_once('=').unwrap().1,
        token.strip_prefix("Bearer ").unwrap(),
        &device_secret,
    ];
    for (n, secret) in secrets.into_iter().enumerate() {
        let as_cookie = format!("{SIGN_IN_COOKIE}={secret}");
        assert_eq!(
            principal(&server, &as_cookie).await.is_some(),
            n == 0,
            "{n} as a cookie"
        );
        let as_token = format!("Bearer {secret}");
        let answer = get(&server, ME, bearer(&as_token)).await;
        assert_eq!(answer.status == StatusCode::OK, n == 1, "{n} as a token");
        for (host, right) in [
            ("one.devices.example", true),
            ("one--admin.devices.example", false),
            ("two.devices.example", false),
            ("m.example", false),
            ("", false),
        ] {
            let found = accounts.device_sign_in(secret, host).await.unwrap();
            assert_eq!(found.is_some(), n == 2 && right, "{n} at {host}");
        }
        // In a cookie of a device origin it opens nothing at the manager.
        let stray = format!("{DEVICE_COOKIE}={secret}");
        assert_eq!(
            get(&server, ME, cookie(&stray)).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    let found = accounts
        .device_sign_in(&device_secret, "one.devices.example")
        .await
        .unwrap();
    assert_eq!(found.unwrap().device, one);
}

#[tokio::test]
async fn s34_device_sign_ins_die_with_their_parent_and_their_device() {
    let server = server().await;
    let accounts = &server.state.accounts;
    let organization = server.organization().await;
    let device = server.enrol(organization, [1; 32], "one").await.device_id;
    let host = "one.devices.example";
    let signed_in = server.cookie("ada").await;
    let parent = sign_in_id(&server, &signed_in).await;
    let lives = async |secret: &str| {
        accounts
            .device_sign_in(secret, host)
            .await
            .unwrap()
            .is_some()
    };

    // A code came twice.
    let secret = accounts
        .create_device_sign_in(parent, device, host)
        .await
        .unwrap();
    assert!(lives(&secret).await);
    let principal_now = principal(&server, &signed_in).await.unwrap();
    let lease = server
        .state
        .leases
        .issue(Subject::new(&principal_now, Some(device)));
    let others = server
        .state
        .leases
        .issue(Subject::new(&principal_now, None));
    accounts.end_device_sign_ins(parent, host).await.unwrap();
    assert!(!lives(&secret).await);
    assert!(lease.token().is_cancelled() && !others.token().is_cancelled());
    assert!(
        principal(&server, &signed_in).await.is_some(),
        "the sign-in itself goes on"
    );

    // Sign-out.
    let secret = accounts
        .create_device_sign_in(parent, device, host)
        .await
        .unwrap();
    assert!(lives(&secret).await);
    server
        .call(
            Method::POST,
            "/api/v1/sign-out",
            cookie(&signed_in),
            Value::Null,
        )
        .await;
    assert!(!lives(&secret).await);
    assert!(
        accounts
            .create_device_sign_in(parent, device, host)
            .await
            .is_err()
    );

    // Deletion of the device.
    let signed_in = server.cookie("ada").await;
    let parent = sign_in_id(&server, &signed_in).await;
    let secret = accounts
        .create_device_sign_in(parent, device, host)
        .await
        .unwrap();
    assert!(lives(&secret).await);
    let path = format!("/api/v1/devices/{device}");
    server
        .call(Method::DELETE, &path, cookie(&signed_in), Value::Null)
        .await;
    assert!(!lives(&secret).await);
    assert!(
        accounts
            .create_device_sign_in(parent, device, host)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn users_are_made_with_care() {
    let server = server().await;
    let create = async |username: &str, password: &str| {
        server
            .state
            .accounts
            .create_admin(username, password.to_owned().into())
            .await
    };
    assert!(matches!(
        create("Ada", PASSWORD).await,
        Err(AccountsError::UserExists)
    ));
    for (username, password) in [
        ("bob", "short"),
        ("", PASSWORD),
        ("b o b", PASSWORD),
        ("b\u{202e}ob", PASSWORD),
    ] {
        let refused = create(username, password).await;
        assert!(
            matches!(refused, Err(AccountsError::Invalid { .. })),
            "{username} {password}"
        );
    }
    create("bob@example.com", PASSWORD).await.unwrap();
}

/// S25: of secrets the database has nothing that opens anything.
#[tokio::test]
async fn s25_no_secret_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adit.db");
    let config = toml::from_str(&format!("path = {:?}", path.to_str().unwrap())).unwrap();
    let db = Db::open(&config).await.unwrap();
    let server = TestServer::with_db(db, Clock::manual(crate::testing::START)).await;
    server.user("ada").await;
    let signed_in = server.cookie("ada").await;
    let token = server.token("ada", TokenScope::Full, None).await;
    let organization = server.organization().await;
    let device = server.enrol(organization, [1; 32], "one").await.device_id;
    let parent = sign_in_id(&server, &signed_in).await;
    let device_secret = server
        .state
        .accounts
        .create_device_sign_in(parent, device, "h")
        .await
        .unwrap();
    server.db.close().await;
    let bytes = std::fs::read(&path).unwrap();
    assert!(
        bytes.windows(3).any(|window| window == b"ada"),
        "the records are in the file"
    );
    for canary in [
        signed_in.split_once('=').unwrap().1,
        &token[7..],
        &device_secret,
        PASSWORD,
    ] {
        let found = bytes
            .windows(canary.len())
            .any(|window| window == canary.as_bytes());
        assert!(!found, "a secret is stored");
    }
}
