//! The panel answered without a socket.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

fn panel() -> Router {
    let character = Character::Pump;
    routes(Panel(Arc::new(Parts {
        character,
        name: "Pump <7>".to_owned(),
        access: Access::for_tests(),
        history: History::of("Pump 7"),
        settings: Mutex::new(Settings::of(character)),
    })))
}

async fn answer(panel: &Router, request: Request<Body>) -> Response<Body> {
    panel.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn the_page_is_filled_in_and_counts_visits() {
    let panel = panel();
    let mut request = get("/");
    request
        .headers_mut()
        .insert(COOKIE, "visits=4".parse().unwrap());
    let response = answer(&panel, request).await;
    let cookies: Vec<_> = response.headers().get_all(SET_COOKIE).iter().collect();
    assert_eq!(cookies.len(), 2);
    assert!(cookies[0].to_str().unwrap().starts_with("visits=5;"));
    let page = text(response).await;
    assert!(page.contains("<h1>Pump &lt;7&gt;</h1>"));
    assert!(!page.contains("{{"), "a place is not filled in");
}

#[tokio::test]
async fn what_the_form_sends_comes_back_as_text() {
    let panel = panel();
    let form = Request::post("/settings")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("set_point=5.1&note=%3Cb%3E"))
        .unwrap();
    assert_eq!(answer(&panel, form).await.status(), StatusCode::SEE_OTHER);
    let page = text(answer(&panel, get("/")).await).await;
    assert!(page.contains("aria-label=\"Set point\">5.1<"));
    assert!(page.contains("aria-label=\"Note now\">&lt;b&gt;<"));
}

#[tokio::test]
async fn an_upload_is_counted_and_hashed() {
    let body = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\nabc\r\n--x--\r\n";
    let upload = Request::post("/upload")
        .header(CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::from(body))
        .unwrap();
    let told = text(answer(&panel(), upload).await).await;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["name"], "a.bin");
    assert_eq!(told["size_bytes"], 3);
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(told["sha256"], sha256);
}

#[tokio::test]
async fn the_history_is_what_its_digest_says() {
    let panel = panel();
    let told = text(answer(&panel, get("/history.sha256")).await).await;
    let mut body = answer(&panel, get("/history.bin")).await.into_body();
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    while let Some(frame) = body.frame().await {
        digest.update(frame.unwrap().data_ref().unwrap());
    }
    assert_eq!(
        data_encoding::HEXLOWER.encode(digest.finish().as_ref()),
        told
    );
}

#[tokio::test]
async fn breaking_off_is_an_error_and_no_end() {
    let body = answer(&panel(), get("/break")).await.into_body();
    assert!(body.collect().await.is_err());
}
