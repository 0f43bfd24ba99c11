//! A reverse proxy in front of the server that cuts what is idle, as nginx does after 60 s and
//! HAProxy after what its file says.

use std::fmt::Display;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Behaviour, TestService, closed_port, service, soon, until};
use crate::place::Place;
use crate::programs::{Running, program};

/// Long before the agent would ask whether it is alive.
const IDLE_S: u32 = 1;
/// So often is it cut while the stream is idle.
const CUTS: f64 = 2.0;

fn nginx(folder: &Path, port: u16, server: impl Display) -> (String, Command) {
    let folder = folder.display();
    let configuration = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log /dev/null;\n\
         events {{}}\n\
         http {{\n\
         access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n\
         map $http_upgrade $connection_field {{ default upgrade; '' ''; }}\n\
         server {{\n\
         listen 127.0.0.1:{port};\n\
         location / {{\n\
         proxy_pass http://{server}; proxy_http_version 1.1; proxy_set_header Host $http_host;\n\
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_field;\n\
         proxy_read_timeout {IDLE_S}s;\n\
         }} }} }}\n"
    );
    let mut command = Command::new(program("nginx"));
    command.args(["-e", "/dev/null", "-c"]);
    (configuration, command)
}

fn haproxy(_folder: &Path, port: u16, server: impl Display) -> (String, Command) {
    let configuration = format!(
        "defaults\n mode http\n timeout connect 5s\n timeout server 5s\n timeout client 5s\n \
         timeout tunnel {IDLE_S}s\n\
         frontend front\n bind 127.0.0.1:{port}\n default_backend adit\n\
         backend adit\n server adit {server}\n"
    );
    let mut command = Command::new(program("haproxy"));
    command.args(["-db", "-q", "-f"]);
    (configuration, command)
}

/// A stream is idle until its tunnel was cut twice under it, and is the same stream afterwards.
async fn goes_on_behind<F>(proxy: F)
where
    F: FnOnce(&Path, u16, std::net::SocketAddr) -> (String, Command),
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = closed_port().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proxy.conf");
    let address = listener.local_addr().unwrap();
    let (configuration, mut command) = proxy(folder.path(), port, address);
    fs::write(&file, configuration).unwrap();
    let place = Place::reached_at(listener, port).await;
    let mut running = Running::start(command.arg(&file));
    until("the proxy listens", async || {
        running.assert_runs();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_ok()
    })
    .await;

    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    let mut stream = place.access.open_when_up(device.id, "echo").await;
    stream.write_all(b"before").await.unwrap();
    let mut back = [0; 6];
    soon("an echo", stream.read_exact(&mut back)).await.unwrap();
    assert_eq!(&back, b"before");

    let before = place.resumes().await;
    until("it was cut", async || {
        place.resumes().await >= before + CUTS
    })
    .await;
    stream.write_all(b"behind").await.unwrap();
    soon("an echo", stream.read_exact(&mut back)).await.unwrap();
    assert_eq!(&back, b"behind");
    place.access.assert_echo(device.id).await;
    device.agent.stop().await;
}

#[tokio::test]
async fn a_stream_goes_on_behind_nginx_that_cuts_what_is_idle() {
    goes_on_behind(nginx).await;
}

#[tokio::test]
async fn a_stream_goes_on_behind_haproxy_that_cuts_what_is_idle() {
    goes_on_behind(haproxy).await;
}
