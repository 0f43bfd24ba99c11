//! The gate with a pipe for a socket and time that only moves when nothing else does.

use std::future::poll_fn;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

impl Socket for DuplexStream {
    fn reset_on_drop(&self) {}

    fn carries_messages(&self) {}
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

struct Fixture {
    gate: Gate<DuplexStream>,
    link: Arc<Link>,
    peer: DuplexStream,
}

fn fixture(pipe_bytes: usize) -> Fixture {
    let (peer, socket) = duplex(pipe_bytes);
    let link = Link::new(None);
    let gate = Gate::new(socket, Arc::clone(&link), Arc::new(Timers::default()));
    Fixture { gate, link, peer }
}

impl Fixture {
    async fn send(&mut self, text: &str) {
        self.peer.write_all(text.as_bytes()).await.unwrap();
    }

    /// What passes now, or nothing.
    async fn passed(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        poll_fn(|cx| {
            let mut space = [0; 1000];
            loop {
                let mut out = ReadBuf::new(&mut space);
                match Pin::new(&mut self.gate).poll_read(cx, &mut out) {
                    Poll::Ready(Ok(())) if out.filled().is_empty() => return Poll::Ready(Ok(())),
                    Poll::Ready(Ok(())) => bytes.extend_from_slice(out.filled()),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Ready(Ok(())),
                }
            }
        })
        .await?;
        Ok(String::from_utf8(bytes).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn s15_requests_pass_one_at_a_time() {
    let mut fixture = fixture(65536);
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    fixture.send(&format!("{post}{GET}")).await;
    assert_eq!(fixture.passed().await.unwrap(), post);
    let answering = fixture.link.answer();
    assert_eq!(fixture.passed().await.unwrap(), "");
    drop(answering);
    assert_eq!(fixture.passed().await.unwrap(), GET);
}

#[tokio::test(start_paused = true)]
async fn s15_a_refused_head_waits_for_its_turn_and_is_the_last() {
    let mut fixture = fixture(65536);
    fixture
        .send(&format!("{GET}GET / HTTP/1.1\nHost: a\n\n{GET}"))
        .await;
    assert_eq!(fixture.passed().await.unwrap(), GET);
    drop(fixture.link.answer());
    assert_eq!(fixture.passed().await.unwrap().as_bytes(), REFUSED_HEAD);
    let (answering, refusal) = fixture.link.answer();
    assert_eq!(refusal, Some(Refusal::Malformed("bare LF")));
    drop(answering);
    assert_eq!(fixture.passed().await.unwrap(), "");
}

#[tokio::test(start_paused = true)]
async fn s15_a_malformed_chunk_is_an_error_and_no_end() {
    let mut fixture = fixture(65536);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    fixture.send(&format!("{head}3\r\nabc\r\n")).await;
    assert_eq!(
        fixture.passed().await.unwrap(),
        format!("{head}3\r\nabc\r\n")
    );
    fixture.send("4\nabcd\n").await;
    assert_eq!(
        fixture.passed().await.unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
}

#[tokio::test(start_paused = true)]
async fn s17_nothing_passes_while_an_upgrade_is_undecided() {
    for switched in [false, true] {
        let mut fixture = fixture(65536);
        fixture.send(&format!("{UPGRADE}{GET}")).await;
        assert_eq!(fixture.passed().await.unwrap(), UPGRADE);
        let (answering, _) = fixture.link.answer();
        assert_eq!(fixture.passed().await.unwrap(), "");
        if switched {
            assert!(fixture.link.switch());
            fixture.send("\0raw\n").await;
            assert_eq!(fixture.passed().await.unwrap(), format!("{GET}\0raw\n"));
        } else {
            drop(answering);
            fixture.send("\0raw\n").await;
            assert_eq!(fixture.passed().await.unwrap(), GET);
            drop(fixture.link.answer());
            assert_eq!(fixture.passed().await.unwrap().as_bytes(), REFUSED_HEAD);
        }
    }
}

/// How long until the reader gets an end, an error or a head that stands for a refusal.
async fn time_to_end(fixture: &mut Fixture) -> (u64, io::Result<usize>) {
    let began = Instant::now();
    let ended = fixture.gate.read(&mut [0; 1000]).await;
    (began.elapsed().as_secs(), ended)
}

#[tokio::test(start_paused = true)]
async fn s35_a_peer_that_says_nothing_is_let_go() {
    let mut fixture = fixture(65536);
    let (seconds, ended) = time_to_end(&mut fixture).await;
    assert_eq!((seconds, ended.unwrap()), (10, 0));
}

#[tokio::test(start_paused = true)]
async fn s35_a_head_must_end_in_time_however_it_drips() {
    let Fixture {
        mut gate,
        link,
        mut peer,
    } = fixture(65536);
    let began = Instant::now();
    let drip = async {
        for byte in GET.bytes().cycle() {
            if peer.write_all(&[byte.max(b' ')]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let mut out = [0; 1000];
    let read = tokio::select! {
        read = gate.read(&mut out) => read.unwrap(),
        () = drip => unreachable!("the pipe stays open"),
    };
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!(&out[..read], REFUSED_HEAD);
    assert_eq!(link.answer().1, Some(Refusal::TooSlow));
}

#[tokio::test(start_paused = true)]
async fn s35_idle_time_begins_when_the_answer_is_over() {
    let mut fixture = fixture(65536);
    fixture.send(GET).await;
    assert_eq!(fixture.passed().await.unwrap(), GET);
    let (answering, _) = fixture.link.answer();
    let link = Arc::clone(&fixture.link);
    let long_answer = async move {
        tokio::time::sleep(Duration::from_secs(1000)).await;
        drop((answering, link));
        std::future::pending::<()>().await;
    };
    let (seconds, ended) = tokio::select! {
        ended = time_to_end(&mut fixture) => ended,
        () = long_answer => unreachable!(),
    };
    assert_eq!((seconds, ended.unwrap()), (1060, 0));
}

#[tokio::test(start_paused = true)]
async fn s35_a_body_may_be_slow_but_not_stand_still() {
    let mut fixture = fixture(65536);
    fixture
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
        .await;
    fixture.passed().await.unwrap();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(50)).await;
        fixture.send("x").await;
        assert_eq!(fixture.passed().await.unwrap(), "x");
    }
    let (seconds, ended) = time_to_end(&mut fixture).await;
    assert_eq!(
        (seconds, ended.unwrap_err().kind()),
        (60, io::ErrorKind::TimedOut)
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_let_go() {
    let mut fixture = fixture(16);
    let began = Instant::now();
    let error = fixture.gate.write_all(&[0; 100]).await.unwrap_err();
    assert_eq!(
        (began.elapsed().as_secs(), error.kind()),
        (120, io::ErrorKind::TimedOut)
    );
}

#[tokio::test(start_paused = true)]
async fn a_cut_wakes_reader_and_writer_also_after_an_upgrade() {
    let mut fixture = fixture(16);
    let peer = async { fixture.peer.write_all(UPGRADE.as_bytes()).await.unwrap() };
    let read = async { fixture.gate.read(&mut [0; 1000]).await.unwrap() };
    tokio::join!(peer, read);
    let _answering = fixture.link.answer();
    assert!(fixture.link.switch());
    let link = Arc::clone(&fixture.link);
    let (mut reader, mut writer) = tokio::io::split(fixture.gate);
    let began = Instant::now();
    let cutter = async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        link.cut();
    };
    let mut space = [0; 10];
    let (read, written, ()) =
        tokio::join!(reader.read(&mut space), writer.write_all(&[0; 100]), cutter);
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    assert_eq!(
        written.unwrap_err().kind(),
        io::ErrorKind::ConnectionAborted
    );
    assert_eq!(began.elapsed().as_secs(), 3);
}

fn requests() -> impl Strategy<Value = Vec<String>> {
    let body = "[ -~\r\n]{0,60}";
    let one = prop_oneof![
        Just(GET.to_owned()),
        body.prop_map(|body| {
            format!(
                "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        }),
        proptest::collection::vec("[ -~\r\n]{1,40}", 0..4).prop_map(|chunks| {
            let chunks: String = chunks
                .iter()
                .map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len()))
                .collect();
            format!(
                "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
            )
        }),
    ];
    proptest::collection::vec(one, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the bytes arrive, each request passes whole and only in its turn.
    #[test]
    fn s15_the_gate_finds_every_border(requests in requests(), piece in 1_usize..70) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut fixture = fixture(65536);
            let all = requests.concat();
            let mut pieces = all.as_bytes().chunks(piece);
            for request in &requests {
                let mut passed = String::new();
                loop {
                    passed += &fixture.passed().await.unwrap();
                    if passed.len() >= request.len() {
                        break;
                    }
                    let Some(piece) = pieces.next() else { break };
                    fixture.peer.write_all(piece).await.unwrap();
                }
                assert_eq!(&passed, request);
                drop(fixture.link.answer());
            }
        });
    }
}
