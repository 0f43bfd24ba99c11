//! Stories of the event stream, through the router.

use std::time::Duration;

use ::http::{Method, Response, StatusCode};
use api::{DeviceId, TokenScope};
use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use super::*;
use crate::access::{Records, recheck};
use crate::testing::{TestServer, bearer, cookie, request};

/// Generous: nothing here waits longer than the coalescing.
const SOON: Duration = Duration::from_secs(5);

fn removed(device: u128) -> Event {
    Event::DeviceRemoved {
        device_id: DeviceId(Uuid::from_u128(device)),
    }
}

async fn open(
    server: &TestServer,
    credential: (&'static str, &str),
    last: Option<&str>,
) -> Response<Body> {
    let mut request = request(Method::GET, "/api/v1/events", credential, Value::Null);
    if let Some(last) = last {
        request
            .headers_mut()
            .insert("last-event-id", last.parse().unwrap());
    }
    server.router().oneshot(request).await.unwrap()
}

/// The next chunk; empty at the end.
async fn chunk(body: &mut BodyDataStream) -> String {
    let next = tokio::time::timeout(SOON, body.next())
        .await
        .expect("a chunk or the end in time");
    next.map_or(String::new(), |bytes| {
        String::from_utf8(bytes.unwrap().to_vec()).unwrap()
    })
}

#[tokio::test]
async fn events_come_as_they_happen_and_a_known_id_goes_on() {
    let server = TestServer::new().await;
    server.user("ada").await;
    let organization = server.organization().await;
    let token = server.token("ada", TokenScope::Read, None).await;

    let response = open(&server, bearer(&token), None).await;
    assert_eq!(
        response.headers()["cache-control"],
        "no-cache, no-transform"
    );
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    assert!(
        chunk(&mut body).await.starts_with(':'),
        "the head is sent at once"
    );
    server.state.events.publish(organization, removed(1));
    let event = chunk(&mut body).await;
    assert!(event.contains("event: device_removed\n"), "{event}");
    let data = event
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap();
    assert_eq!(serde_json::from_str::<Event>(data).unwrap(), removed(1));
    let id = event
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned();
    drop(body);

    // Nothing was missed.
    let mut body = open(&server, bearer(&token), Some(&id))
        .await
        .into_body()
        .into_data_stream();
    chunk(&mut body).await;
    server.state.events.publish(organization, removed(2));
    assert!(chunk(&mut body).await.contains("device_removed"));
    drop(body);

    // Something was, or the id is of another run.
    for last in [id.as_str(), "0000-1", "", "x"] {
        let response = open(&server, bearer(&token), Some(last)).await;
        let mut body = response.into_body().into_data_stream();
        chunk(&mut body).await;
        assert!(chunk(&mut body).await.contains("event: resync\n"), "{last}");
    }
}

#[tokio::test]
async fn s34_the_stream_ends_at_sign_out_token_deletion_and_stop() {
    let server = TestServer::new().await;
    server.user("ada").await;
    let signed_in = server.cookie("ada").await;
    let other = server.cookie("ada").await;
    let mut ending = open(&server, cookie(&signed_in), None)
        .await
        .into_body()
        .into_data_stream();
    let mut staying = open(&server, cookie(&other), None)
        .await
        .into_body()
        .into_data_stream();
    chunk(&mut ending).await;
    chunk(&mut staying).await;
    let out = server
        .call(
            Method::POST,
            "/api/v1/sign-out",
            cookie(&signed_in),
            Value::Null,
        )
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(chunk(&mut ending).await, "");
    server
        .state
        .events
        .publish(server.organization().await, removed(1));
    assert!(
        chunk(&mut staying).await.contains("device_removed"),
        "the other goes on"
    );

    server.state.lifecycle.soft().cancel();
    assert_eq!(chunk(&mut staying).await, "");
    assert!(
        server.state.events.places().is_empty(),
        "places are given back"
    );
}

#[tokio::test]
async fn s34_the_stream_ends_when_its_user_is_gone_from_the_database() {
    let server = TestServer::new().await;
    server.user("ada").await;
    let signed_in = server.cookie("ada").await;
    let response = open(&server, cookie(&signed_in), None).await;
    let mut body = response.into_body().into_data_stream();
    chunk(&mut body).await;
    let mut write = server.db.write().await.unwrap();
    let delete = sqlx::raw_sql("DELETE FROM users");
    delete.execute(&mut *write).await.unwrap();
    write.commit().await.unwrap();
    let state = &server.state;
    let records = Records::new(state.accounts.clone(), state.devices.clone());
    assert!(recheck(&state.leases, &records, tokio::time::Instant::now()).await);
    assert_eq!(chunk(&mut body).await, "");
}

#[tokio::test]
async fn feeds_of_one_user_are_bounded() {
    let server = TestServer::new().await;
    server.user("ada").await;
    let token = server.token("ada", TokenScope::Read, None).await;
    let mut open_feeds = Vec::new();
    for _ in 0..FEEDS_OF_USER_MAX {
        let response = open(&server, bearer(&token), None).await;
        assert_eq!(response.status(), StatusCode::OK);
        open_feeds.push(response);
    }
    let refused = open(&server, bearer(&token), None).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    open_feeds.pop();
    assert_eq!(
        open(&server, bearer(&token), None).await.status(),
        StatusCode::OK
    );
}
