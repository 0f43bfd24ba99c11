//! Each weather, seen from both ends of a connection.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fault::{Command, Direction, FaultProxy, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Long enough to see that nothing comes.
const A_WHILE: Duration = Duration::from_millis(100);

struct Scene {
    proxy: FaultProxy,
    listener: TcpListener,
}

async fn soon<T>(event: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), event).await.unwrap()
}

impl Scene {
    async fn new() -> Self {
        let listener = TcpListener::bind(NOWHERE).await.unwrap();
        let to = listener.local_addr().unwrap().to_string();
        let proxy = FaultProxy::bind(NOWHERE, to, Settings::default()).unwrap();
        Self { proxy, listener }
    }

    async fn connect(&self) -> (TcpStream, TcpStream) {
        let near = TcpStream::connect(self.proxy.address()).await.unwrap();
        let (far, _) = soon(self.listener.accept()).await.unwrap();
        (near, far)
    }
}

async fn arrives(to: &mut TcpStream, text: &[u8]) {
    let mut read = vec![0; text.len()];
    soon(to.read_exact(&mut read)).await.unwrap();
    assert_eq!(read, text);
}

async fn is_reset(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let error = soon(stream.read_to_end(&mut rest)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn bytes_arrive_in_order_in_any_weather() {
    let scene = Scene::new().await;
    scene.proxy.apply(Command::Delay(Duration::from_millis(5)));
    scene
        .proxy
        .apply(Command::Jitter(Duration::from_millis(20)));
    scene
        .proxy
        .apply(Command::Buffer(Duration::from_millis(30)));
    let (mut near, mut far) = scene.connect().await;
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n ^ (n >> 8)) as u8).collect();
    let received = async {
        let mut received = Vec::new();
        far.read_to_end(&mut received).await.unwrap();
        far.write_all(b"got it").await.unwrap();
        received
    };
    let writing = async {
        near.write_all(&sent).await.unwrap();
        near.shutdown().await.unwrap();
        arrives(&mut near, b"got it").await;
    };
    let (received, ()) = soon(async { tokio::join!(received, writing) }).await;
    assert!(received == sent);
    assert_eq!(scene.proxy.counts().up_bytes, 3_000_000);
}

#[tokio::test]
async fn it_is_late() {
    let scene = Scene::new().await;
    scene.proxy.apply(Command::Delay(Duration::from_millis(80)));
    let (mut near, mut far) = scene.connect().await;
    let began = Instant::now();
    near.write_all(b"a").await.unwrap();
    arrives(&mut far, b"a").await;
    assert!(began.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn it_is_thin() {
    let scene = Scene::new().await;
    let rate = Command::Rate {
        bytes_per_s: 100_000,
    };
    scene.proxy.apply(rate);
    let (mut near, mut far) = scene.connect().await;
    let began = Instant::now();
    let bytes = vec![1; 50_000];
    near.write_all(&bytes).await.unwrap();
    arrives(&mut far, &bytes).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(400), "{took:?}");
}

#[tokio::test]
async fn a_cut_comes_in_the_middle() {
    let scene = Scene::new().await;
    let (mut near, mut far) = scene.connect().await;
    near.write_all(b"before").await.unwrap();
    arrives(&mut far, b"before").await;
    scene.proxy.apply(Command::CutAfter { bytes: 4 });
    near.write_all(b"after").await.unwrap();
    arrives(&mut far, b"afte").await;
    is_reset(&mut far).await;
    is_reset(&mut near).await;
    scene.proxy.apply(Command::Normal);
    let (mut near, mut far) = scene.connect().await;
    near.write_all(b"again").await.unwrap();
    arrives(&mut far, b"again").await;
    scene.proxy.apply(Command::Cut);
    is_reset(&mut far).await;
    is_reset(&mut near).await;
    assert_eq!(scene.proxy.counts().cut, 2);
}

#[tokio::test]
async fn fin_comes_to_both_ends_or_to_one() {
    let scene = Scene::new().await;
    let (mut near, mut far) = scene.connect().await;
    scene.proxy.apply(Command::HalfClose(Direction::Up));
    assert_eq!(soon(far.read(&mut [0; 1])).await.unwrap(), 0);
    far.write_all(b"still").await.unwrap();
    arrives(&mut near, b"still").await;
    let (mut near, mut far) = scene.connect().await;
    scene.proxy.apply(Command::FinAfter { bytes: 3 });
    near.write_all(b"abcdef").await.unwrap();
    arrives(&mut far, b"abc").await;
    assert_eq!(soon(far.read(&mut [0; 1])).await.unwrap(), 0);
    assert_eq!(soon(near.read(&mut [0; 1])).await.unwrap(), 0);
}

#[tokio::test]
async fn in_the_dark_nothing_is_lost_and_little_is_held() {
    let scene = Scene::new().await;
    let (mut near, mut far) = scene.connect().await;
    scene.proxy.apply(Command::Stall);
    let chunk = vec![5; 1 << 20];
    let mut sent = 0;
    // The kernel takes some; the proxy nothing.
    while let Ok(written) = timeout(A_WHILE, near.write(&chunk)).await {
        sent += written.unwrap();
        assert!(sent < 64 << 20);
    }
    assert!(timeout(A_WHILE, far.read(&mut [0; 1])).await.is_err());
    let late = TcpStream::connect(scene.proxy.address()).await.unwrap();
    assert!(timeout(A_WHILE, scene.listener.accept()).await.is_err());
    scene.proxy.apply(Command::Normal);
    arrives(&mut far, &vec![5; sent]).await;
    soon(scene.listener.accept()).await.unwrap();
    drop(late);
}

#[tokio::test]
async fn what_is_lost_stays_so_and_new_ones_work() {
    let scene = Scene::new().await;
    let (mut near, mut far) = scene.connect().await;
    scene.proxy.apply(Command::Lose);
    near.write_all(b"gone").await.unwrap();
    let (mut new_near, mut new_far) = scene.connect().await;
    new_near.write_all(b"new").await.unwrap();
    arrives(&mut new_far, b"new").await;
    assert!(timeout(A_WHILE, far.read(&mut [0; 1])).await.is_err());
    scene.proxy.apply(Command::Refuse);
    let mut refused = TcpStream::connect(scene.proxy.address()).await.unwrap();
    is_reset(&mut refused).await;
}
