//! SECURITY S25: one run of everything that knows a secret, then a search for all of them.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use data_encoding::BASE64URL_NOPAD;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use server::log::Escaping;

use crate::harness::{Browser, PASSWORD, Place, between, fetch, text};

/// All that this process has logged.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The secrets there are, and the places they may have got to.
#[derive(Default)]
struct Search {
    secrets: BTreeSet<String>,
    /// A name, and what is there.
    places: Vec<(String, Vec<u8>)>,
}

impl Search {
    fn secret(&mut self, secret: impl Into<String>) -> String {
        let secret = secret.into();
        self.secrets.insert(secret.clone());
        secret
    }

    /// Everything in the browser's jars.
    fn cookies(&mut self, browser: &Browser) {
        for value in browser.cookies.values().flat_map(|jar| jar.values()) {
            self.secrets.insert(value.clone());
        }
    }

    /// A problem tells nothing of what was sent.
    async fn problem(&mut self, browser: &mut Browser, request: Request<Full<bytes::Bytes>>) {
        let what = format!("{} {}", request.method(), request.uri().path());
        let answer = browser.send(request).await;
        let status = answer.status();
        assert!(status.is_client_error(), "{what}: {status}");
        let headers = format!("{:?}", answer.headers());
        let told = headers + &text(answer).await;
        self.places
            .push((format!("the answer to {what}"), told.into_bytes()));
    }

    /// Fails when a secret is found: as it is, without its prefix, or as the bytes it stands for.
    fn nothing_is_found(&self) {
        for secret in &self.secrets {
            let tail = secret.rsplit(['.', '_']).next().unwrap();
            let mut forms = vec![secret.as_bytes().to_vec()];
            if tail.len() >= 16 {
                forms.push(tail.as_bytes().to_vec());
            }
            if let Ok(bytes) = BASE64URL_NOPAD.decode(tail.as_bytes())
                && bytes.len() >= 16
            {
                forms.push(bytes);
            }
            for (name, content) in &self.places {
                for form in &forms {
                    let found = content
                        .windows(form.len())
                        .position(|window| window == form.as_slice());
                    if let Some(at) = found {
                        let near = &content[at.saturating_sub(200)..content.len().min(at + 200)];
                        panic!("{secret} in {name}: {}", String::from_utf8_lossy(near));
                    }
                }
            }
        }
    }
}

fn json(method: Method, url: &str, body: impl Into<String>) -> Request<Full<bytes::Bytes>> {
    fetch(method, url)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body.into()))
        .unwrap()
}

#[tokio::test]
async fn s25_no_secret_is_left_anywhere() {
    let sink = Sink::default();
    let copy = sink.clone();
    // Of the process, so that also what other threads say is seen.
    tracing_subscriber::fmt()
        .with_env_filter("server=trace,agent=trace,tunnel=trace,api=trace,info")
        .with_ansi(false)
        .with_writer(Escaping(move || copy.clone()))
        .init();
    tracing::trace!(target: "server", "every level is logged");
    let mut search = Search::default();
    search.secret(PASSWORD);

    let place = Place::start().await;
    let device = place.device().await;
    search.secret(&device.install_key);
    let (manager, page) = (place.manager(), place.page(&device));

    // A person: signs in, is handed over to the page, uses it.
    let mut ada = place.signed_in().await;
    let code = ada.obtain_code(&page).await;
    search.cookies(&ada);
    search.secret(&code.code);
    search.secret(&code.state);
    assert_eq!(ada.redeem(&code).await.status(), StatusCode::OK);
    search.cookies(&ada);
    let query = search.secret("canary-in-the-query");
    let own = search.secret("canary-of-the-page");
    let body = search.secret("canary-in-the-body");
    let cookies = ada.cookie_line(
        page.trim_start_matches("http://")
            .split(':')
            .next()
            .unwrap(),
    );
    let request = fetch(Method::POST, &format!("{page}/echo?token={query}"))
        .header(header::ORIGIN, &page)
        .header(header::AUTHORIZATION, format!("Bearer {own}"))
        .header(header::REFERER, format!("{page}/?{query}"))
        .header(header::COOKIE, format!("{}; sid={own}", cookies.unwrap()))
        .body(Full::from(body.clone()))
        .unwrap();
    let answer = ada.send(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(text(answer).await.contains(&own), "the device got its own");

    // A program: a token, made and used.
    let tokens = format!("{manager}/api/v1/api-tokens");
    let made = json(Method::POST, &tokens, r#"{"name":"robot","scope":"full"}"#);
    let answer = ada.send(made).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let answer = text(answer).await;
    let token = search.secret(between(&answer, "\"secret\":\"", "\""));
    let mut robot = place.browser();
    let keys = format!("{manager}/api/v1/install-keys");
    let request = fetch(Method::POST, &keys)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(r#"{"name":"more"}"#))
        .unwrap();
    let answer = robot.send(request).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    search.secret(between(&text(answer).await, "\"secret\":\"", "\""));

    // Everything that can be wrong with a secret.
    let wrong = search.secret("canary-that-is-wrong");
    let number = search.secret("80218021802180218021");
    let sign_in = format!("{manager}/api/v1/sign-in");
    for body in [
        format!(r#"{{"username":"ada","password":"{wrong}"}}"#),
        format!(r#"{{"username":"ada","password":{number}}}"#),
        format!(r#"{{"username":"ada","password":["{wrong}"]}}"#),
        format!(r#"{{"username":"ada","password":"{wrong}","more":"{wrong}"}}"#),
        format!(r#"{{"username":"ada","password":"{wrong}"#),
        format!(r#"{{"username":"ada","password":{wrong}}}"#),
        format!(r#""{wrong}""#),
        wrong.clone(),
    ] {
        let request = json(Method::POST, &sign_in, body);
        search.problem(&mut place.browser(), request).await;
    }
    for body in [
        format!(r#"{{"name":"x","scope":"{wrong}"}}"#),
        format!(r#"{{"name":"x","scope":"full","expires_in_s":"{wrong}"}}"#),
        format!(r#"{{"name":"x","scope":"full","expires_in_s":-{number}}}"#),
    ] {
        search
            .problem(&mut ada, json(Method::POST, &tokens, body))
            .await;
    }
    for (name, value) in [
        ("authorization", format!("Bearer {wrong}")),
        ("authorization", format!("Basic {wrong}")),
        ("authorization", format!("Adit-Device key=\"{wrong}\"")),
        ("cookie", format!("__Host-adit_session={wrong}")),
        (
            "cookie",
            format!("adit_session={wrong}; adit_session={wrong}"),
        ),
        ("x-long", wrong.repeat(2_000)),
    ] {
        for url in [&tokens, &format!("{page}/?{wrong}")] {
            let request = fetch(Method::GET, url).header(name, &value);
            let request = request.body(Full::default()).unwrap();
            search.problem(&mut place.browser(), request).await;
        }
    }
    let request = json(
        Method::POST,
        &format!("{page}/.adit/auth"),
        format!(r#"{{"state":"{wrong}","code":"{wrong}"}}"#),
    );
    search.problem(&mut place.browser(), request).await;
    let config = agent::Config {
        server: manager.parse().unwrap(),
        key_file: "unused".into(),
        ca_file: None,
        proxy: agent::Proxy::Environment,
        services: Vec::new(),
        client_certificate: None,
        ssh_host_key_files: None,
    };
    let key = Arc::new(agent::DeviceKey::ephemeral().unwrap());
    let request = api::Enrol {
        install_key: wrong.clone(),
        name: "impostor".to_owned(),
    };
    let refused = agent::enroll(&config, key, &request).await.unwrap_err();
    let told = format!("{refused} {refused:?}");
    search
        .places
        .push(("what the agent says".into(), told.into_bytes()));

    let answer = ada
        .post(&format!("{manager}/api/v1/sign-out"), "", "")
        .await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);

    // With the write-ahead log, as it is while the server runs.
    let mut files = 0;
    for file in std::fs::read_dir(place.folder.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        files += usize::from(bytes.windows(5).any(|part| part == b"robot"));
        search.places.push((path.display().to_string(), bytes));
    }
    assert!(files > 0, "the records are in the files");
    let log = sink.0.lock().unwrap().clone();
    let text = String::from_utf8_lossy(&log);
    for word in ["every level", "request_id=", "/.adit/auth", "agent::agent"] {
        assert!(text.contains(word), "a log without {word} proves nothing");
    }
    search.places.push(("the log".into(), log.clone()));
    search.nothing_is_found();
}
