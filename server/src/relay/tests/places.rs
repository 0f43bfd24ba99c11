//! S35: places for handshakes are for those who have proven a key.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use tokio::time::timeout;

use crate::relay::admission::RUNNING;
use crate::testing::{NOBODY, TestServer, request};

#[tokio::test]
async fn s35_an_enrolment_without_proof_takes_no_place() {
    let server = TestServer::new().await;
    let admission = &server.state.relay.0.admission;
    let mut places = Vec::new();
    for _ in 0..RUNNING {
        places.push(admission.enter().await.unwrap());
    }
    let body = json!({ "install_key": "none", "name": "nobody" });
    let enrolment = request(Method::POST, "/api/v1/enrolments", NOBODY, body);
    let routes = crate::relay::routes().split_for_parts().0;
    let router = routes.with_state(server.state.clone());
    let answer = tower::ServiceExt::oneshot(router, enrolment);
    // Who waited for a place would wait for 10 s.
    let answer = timeout(Duration::from_secs(5), answer).await;
    assert_eq!(answer.unwrap().unwrap().status(), StatusCode::UNAUTHORIZED);
    drop(places);
}
