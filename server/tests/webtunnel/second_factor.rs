//! A password alone must not get round a second factor, whichever way it is shown.

use std::sync::{Arc, Mutex};

use api::{Timestamp, UserId};
use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::future::{BoxFuture, FutureExt};
use http::{Method, Request};
use http_body_util::Full;
use server::accounts::{AccountsError, SecondFactor, Verdict};
use server::clock::Clock;
use totp_rs::{Builder, Totp};

use crate::harness::{PASSWORD, text};
use crate::place::{Scene, banner};
use crate::tools::{refused, remote_connect, settings};

/// RFC 6238, for everybody; a step that was used is used up.
struct OneTimeCodes {
    totp: Totp,
    used: Mutex<u64>,
}

impl OneTimeCodes {
    fn new() -> Arc<Self> {
        let builder = Builder::new().with_secret(b"twenty bytes, secret".to_vec());
        Arc::new(Self {
            totp: builder.build().unwrap(),
            used: Mutex::new(0),
        })
    }

    fn code(&self) -> String {
        self.totp.generate(now_s()).to_string()
    }
}

fn now_s() -> u64 {
    u64::try_from(Clock::system().now().0 / 1_000_000).unwrap()
}

impl SecondFactor for OneTimeCodes {
    fn judge<'a>(
        &'a self,
        _user: UserId,
        code: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Verdict, AccountsError>> {
        let now_s = u64::try_from(now.0 / 1_000_000).unwrap();
        let verdict = match code.map(|code| self.totp.check(code, now_s)) {
            None => Verdict::Wanted,
            Some(Some(step)) if step > *self.used.lock().unwrap() => {
                *self.used.lock().unwrap() = step;
                Verdict::Right
            }
            Some(_) => Verdict::Wrong,
        };
        std::future::ready(Ok(verdict)).boxed()
    }
}

/// Status, `X-Authenticate`, token.
async fn login(
    scene: &Scene,
    method: Method,
    password: &str,
    code: Option<&str>,
) -> (u16, Option<String>, Option<String>) {
    let url = format!(
        "http://{}:{}/my-devices/api/token",
        scene.domain, scene.place.port
    );
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("username", "ada")
        .append_pair("password", password);
    if let Some(code) = code {
        form.append_pair("totp", code);
    }
    let form = form.finish();
    let request = match method {
        Method::GET => Request::get(format!("{url}?{form}")).body(Full::default()),
        method => Request::builder()
            .method(method)
            .uri(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::<Bytes>::from(form)),
    };
    let answer = scene.place.browser().send(request.unwrap()).await;
    let status = answer.status().as_u16();
    let wanted = answer.headers().get("x-authenticate");
    let wanted = wanted.map(|wanted| wanted.to_str().unwrap().to_owned());
    let body: serde_json::Value =
        serde_json::from_str(&text(answer).await).unwrap_or(serde_json::Value::Null);
    let token = body["token"].as_str().map(str::to_owned);
    (status, wanted, token)
}

#[tokio::test]
async fn w12_a_one_time_code_is_asked_for_and_is_good_once() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    let _stub = scene.connect().await;
    let codes = OneTimeCodes::new();
    let accounts = &scene.place.handle.accounts;
    accounts.ask_second_factor(Arc::clone(&codes) as Arc<dyn SecondFactor>);
    let wanted = Some("TOTP".to_owned());
    // Of a wrong password it is not told that a code would be wanted.
    let wrong = login(&scene, Method::POST, "wrong", None).await;
    assert_eq!(wrong, (401, None, None));
    for method in [Method::POST, Method::GET] {
        let asked = login(&scene, method, PASSWORD, None).await;
        assert_eq!(asked, (401, wanted.clone(), None));
    }
    let code = codes.code();
    let (status, _, token) = login(&scene, Method::POST, PASSWORD, Some(&code)).await;
    assert_eq!(status, 200);
    let mut by_token = settings(&scene, port);
    by_token.authorization = format!("Bearer {}", token.unwrap());
    let mut tool = crate::stub::Tool::connect(&by_token).await.ok().unwrap();
    assert_eq!(tool.read(11).await, b"SSH-2.0-x\r\n");
    let again = login(&scene, Method::GET, PASSWORD, Some(&code)).await;
    assert_eq!(again, (401, None, None));
}

#[tokio::test]
async fn w12_a_password_alone_does_not_get_round_it() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    let _stub = scene.connect().await;
    let by_password = settings(&scene, port);
    // It was enough before, and is known.
    assert!(crate::stub::Tool::connect(&by_password).await.is_ok());
    let accounts = &scene.place.handle.accounts;
    accounts.ask_second_factor(OneTimeCodes::new());
    let phrase = "A one-time code is wanted: use remote-login";
    assert_eq!(refused(&by_password).await, (401, phrase.to_owned()));
    let credential = BASE64.encode(format!("ada:{PASSWORD}").as_bytes());
    let credential = format!("Proxy-Authorization: Basic {credential}\r\n");
    let target = format!("{}:{port}", scene.host());
    let (line, _) = remote_connect(&scene, &target, &credential).await;
    assert_eq!(line, format!("HTTP/1.1 401 {phrase}"));
    // And nobody signs in with it.
    let sign_in = serde_json::json!({ "username": "ada", "password": PASSWORD });
    let url = format!("{}/api/v1/sign-in", scene.place.manager());
    let request = Request::post(url).header("content-type", "application/json");
    let request = request.body(Full::<Bytes>::from(sign_in.to_string()));
    let answer = scene.place.browser().send(request.unwrap()).await;
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn w12_wrong_codes_are_counted_as_wrong_passwords_are() {
    let scene = Scene::new().await;
    let codes = OneTimeCodes::new();
    let accounts = &scene.place.handle.accounts;
    accounts.ask_second_factor(Arc::clone(&codes) as Arc<dyn SecondFactor>);
    for code in ["000000x", "1", "2", "3", "4"] {
        let (status, ..) = login(&scene, Method::POST, PASSWORD, Some(code)).await;
        assert_eq!(status, 401);
    }
    // Even the right one waits now.
    let (status, ..) = login(&scene, Method::POST, PASSWORD, Some(&codes.code())).await;
    assert_eq!(status, 429);
}
