//! A real server, a real agent, a device's web server, and a browser that keeps cookies.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, DeviceKey, Service};
use api::{CreateInstallKey, Enrol, Enrolled, ServiceKind};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use server::access::Scope;
use server::clock::Clock;
use server::config::Config;
use server::{Handle, Server};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::device::WebServer;

pub(crate) use crate::waiting::{soon, spawn};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A server that serves.
pub(crate) struct Place {
    pub(crate) port: u16,
    pub(crate) handle: Handle,
    /// Where its files are.
    pub(crate) folder: TempDir,
}

/// A device with its agent and its web server behind service `web`.
pub(crate) struct Device {
    pub(crate) enrolled: Enrolled,
    pub(crate) web: WebServer,
    pub(crate) install_key: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Place {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let public_url = format!("http://adit.localhost:{}", address.port());
        let mut config = Config::new(&public_url, "adit.localhost").unwrap();
        config.listen.address = address;
        config.database.path = folder.path().join("adit.db");
        let server = Server::build(config, Clock::system()).await.unwrap();
        let handle = server.handle();
        let password = Zeroizing::new(PASSWORD.to_owned());
        handle.accounts.create_admin("ada", password).await.unwrap();
        spawn(async move {
            let _ = server.serve(listener).await;
        });
        Self {
            port: address.port(),
            handle,
            folder,
        }
    }

    pub(crate) async fn device(&self) -> Device {
        let web = WebServer::start().await;
        let closed = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            listener.local_addr().unwrap().port()
        };
        let service = |name: &str, port| Service {
            name: name.to_owned(),
            kind: ServiceKind::Web,
            host: "127.0.0.1".parse().unwrap(),
            port,
            tls: false,
        };
        let config = agent::Config {
            server: format!("http://adit.localhost:{}", self.port)
                .parse()
                .unwrap(),
            key_file: "unused".into(),
            ca_file: None,
            proxy: agent::Proxy::Environment,
            client_certificate: None,
            ssh_host_key_files: None,
            services: vec![service("web", web.port), service("closed", closed)],
        };
        let organization = self.handle.accounts.default_organization().await.unwrap();
        let input = CreateInstallKey {
            name: "test".to_owned(),
            ..CreateInstallKey::default()
        };
        let install_key = self
            .handle
            .devices
            .create_install_key(Scope::of(organization), input)
            .await
            .unwrap()
            .secret;
        let key = Arc::new(DeviceKey::ephemeral().unwrap());
        let request = Enrol {
            install_key: install_key.clone(),
            name: "pump <07>".to_owned(),
        };
        let enrolled = agent::enroll(&config, Arc::clone(&key), &request)
            .await
            .unwrap();
        let stop = CancellationToken::new();
        let task = spawn(Agent::new(config, key).unwrap().run(stop.clone()));
        let device = Device {
            enrolled,
            web,
            install_key,
            stop,
            task,
        };
        soon("the device's services", async {
            while self
                .handle
                .devices
                .web_service(&device.enrolled.label, None)
                .is_none()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        device
    }

    pub(crate) fn manager(&self) -> String {
        format!("http://adit.localhost:{}", self.port)
    }

    pub(crate) fn page(&self, device: &Device) -> String {
        format!(
            "http://{}.adit.localhost:{}",
            device.enrolled.label, self.port
        )
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser {
            port: self.port,
            cookies: BTreeMap::new(),
        }
    }

    /// A browser that is signed in.
    pub(crate) async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let body = format!("{{\"username\":\"ada\",\"password\":\"{PASSWORD}\"}}");
        let url = format!("{}/api/v1/sign-in", self.manager());
        let answer = browser.post(&url, "application/json", body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        browser
    }

    /// A browser that has the device's page open.
    pub(crate) async fn visiting(&self, device: &Device) -> Browser {
        let mut browser = self.signed_in().await;
        browser.open(self, device, "/").await;
        browser
    }
}

impl Device {
    /// As by SIGKILL.
    pub(crate) async fn kill(&self) {
        self.task.abort();
        self.stop.cancel();
    }
}

/// Cookies by host, and what a browser sends of itself.
#[derive(Clone)]
pub(crate) struct Browser {
    port: u16,
    pub(crate) cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// Where a hand-off ended.
pub(crate) struct Code {
    pub(crate) host: String,
    pub(crate) state: String,
    pub(crate) code: String,
}

impl Browser {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .unwrap()
    }

    pub(crate) fn cookie_line(&self, host: &str) -> Option<String> {
        let cookies = self.cookies.get(host)?;
        let pairs: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn keep(&mut self, host: &str, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let jar = self.cookies.entry(host.to_owned()).or_default();
            if line.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Sends a request to whatever host its URL names; the connection lives with the answer.
    pub(crate) async fn send<B>(&mut self, mut request: Request<B>) -> Response<Incoming>
    where
        B: hyper::body::Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + 'static,
    {
        let host = request.uri().host().unwrap().to_owned();
        let authority = request.uri().authority().unwrap().to_string();
        let path = request.uri().path_and_query().cloned().unwrap();
        *request.uri_mut() = http::Uri::from(path);
        let headers = request.headers_mut();
        headers.insert(header::HOST, authority.parse().unwrap());
        if !headers.contains_key(header::COOKIE)
            && let Some(line) = self.cookie_line(&host)
        {
            headers.insert(header::COOKIE, line.parse().unwrap());
        }
        let stream = self.connect().await;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let task = spawn(connection);
        let answer = soon("an answer", sender.send_request(request)).await;
        let mut answer = answer.unwrap();
        answer.extensions_mut().insert(Arc::new(Connection(task)));
        self.keep(&host, answer.headers());
        answer
    }

    /// Follows a link, as a person does.
    pub(crate) async fn navigate(&mut self, url: &str) -> Response<Incoming> {
        self.send(navigation(url)).await
    }

    /// As a page's own script.
    pub(crate) async fn fetch(&mut self, url: &str) -> Response<Incoming> {
        self.send(fetch(Method::GET, url).body(Full::default()).unwrap())
            .await
    }

    pub(crate) async fn post(
        &mut self,
        url: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Response<Incoming> {
        let request = fetch(Method::POST, url).header(header::CONTENT_TYPE, content_type);
        self.send(request.body(Full::new(body.into())).unwrap())
            .await
    }

    /// From a link to the code, through the click-through page if there is one.
    pub(crate) async fn obtain_code(&mut self, url: &str) -> Code {
        let mut url = url.to_owned();
        for _ in 0..5 {
            let answer = self.navigate(&url).await;
            let next = if answer.status() == StatusCode::SEE_OTHER {
                location(&answer)
            } else {
                assert_eq!(answer.status(), StatusCode::OK, "{url}");
                let page = text(answer).await;
                let ask = between(&page, "name=\"ask\" value=\"", "\"");
                let action = between(&page, "action=\"", "\"");
                let manager = url.split("/launch/").next().unwrap();
                let form = "application/x-www-form-urlencoded";
                let answer = self
                    .post(&format!("{manager}{action}"), form, format!("ask={ask}"))
                    .await;
                assert_eq!(answer.status(), StatusCode::SEE_OTHER);
                location(&answer)
            };
            if let Some((page, code)) = next.split_once("#code=") {
                let uri: http::Uri = page.parse().unwrap();
                return Code {
                    host: format!("http://{}", uri.authority().unwrap()),
                    state: uri
                        .query()
                        .unwrap()
                        .strip_prefix("state=")
                        .unwrap()
                        .to_owned(),
                    code: code.to_owned(),
                };
            }
            url = next;
        }
        panic!("no code");
    }

    pub(crate) async fn redeem(&mut self, code: &Code) -> Response<Incoming> {
        let body = format!(
            "{{\"state\":\"{}\",\"code\":\"{}\"}}",
            code.state, code.code
        );
        self.post(
            &format!("{}/.adit/auth", code.host),
            "application/json",
            body,
        )
        .await
    }

    /// The whole way to a device's page. Where it leads.
    pub(crate) async fn open(&mut self, place: &Place, device: &Device, path: &str) -> String {
        let code = self
            .obtain_code(&format!("{}{path}", place.page(device)))
            .await;
        let answer = self.redeem(&code).await;
        assert_eq!(answer.status(), StatusCode::OK);
        between(&text(answer).await, "\"location\":\"", "\"").to_owned()
    }
}

/// Ends with the answer it was made for.
struct Connection(JoinHandle<hyper::Result<()>>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) fn navigation(url: &str) -> Request<Full<Bytes>> {
    Request::get(url)
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-dest", "document")
        .header("sec-fetch-site", "none")
        .header("accept", "text/html")
        .body(Full::default())
        .unwrap()
}

pub(crate) fn fetch(method: Method, url: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(url)
        .header("sec-fetch-mode", "cors")
        .header("sec-fetch-dest", "empty")
        .header("sec-fetch-site", "same-origin")
}

pub(crate) fn location(answer: &Response<Incoming>) -> String {
    answer.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned()
}

pub(crate) async fn text(answer: Response<Incoming>) -> String {
    // Keeps the connection until the body is there.
    let (parts, body) = answer.into_parts();
    let bytes = soon("a body", body.collect()).await.unwrap().to_bytes();
    drop(parts);
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let start = text
        .find(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"))
        + before.len();
    &text[start..start + text[start..].find(after).unwrap()]
}
