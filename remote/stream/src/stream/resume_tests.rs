//! The stream over one connection after the other.

use super::*;
use crate::link::LinkState;

const REPLAY_BYTES: u32 = 1 << 20;
const TUNNEL: [u8; 16] = [1; 16];

fn answer(tunnel: [u8; 16], received: Option<u64>) -> Bytes {
    let hello = ServerHello {
        tunnel,
        epoch: 1,
        resumed: received.is_some(),
        received,
        features: vec![],
        windows: Windows::default(),
        keepalive_s: 20,
    };
    let mut message = BytesMut::new();
    Frame::Hello(hello.to_bytes().unwrap()).encode(&mut message);
    message.freeze()
}

impl Server {
    fn time(&self) -> Time {
        *self.now.lock().unwrap()
    }

    fn pass(&self, time: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = *now + time;
    }

    /// What the client's HELLO says it received.
    fn asked_to_resume(&self) -> u64 {
        let mut said = self.link.hello().unwrap();
        let Ok(Some(Frame::Hello(cbor))) = Frame::decode(&mut said) else {
            panic!("the first frame is a HELLO");
        };
        let resume = StreamHello::from_bytes(&cbor).unwrap().resume;
        let resume = resume.expect("it has something to go on with");
        assert_eq!(resume.tunnel, TUNNEL);
        resume.received
    }

    fn cut_both(&mut self) {
        self.link.lose();
        self.mux.suspend(self.time());
    }

    fn resume(&mut self) {
        let theirs = self.asked_to_resume();
        let ours = self.mux.received();
        self.mux.resume(self.time(), theirs).expect("it fits");
        self.link.receive(answer(TUNNEL, Some(ours)));
    }

    /// Carries some messages; of each the network loses what `random` says, with all after it.
    fn exchange_lossy(&mut self, mut random: impl FnMut() -> u64) -> bool {
        loop {
            let now = self.time();
            let (up, down) = (self.link.transmit(), self.mux.poll_transmit(now));
            if up.is_none() && down.is_none() {
                return false;
            }
            let is_cut = random().is_multiple_of(6);
            let (up_arrives, down_arrives) = (!is_cut || random() & 1 == 0, !is_cut);
            if let Some(up) = up {
                self.link.sent(up.len() as u64);
                if up_arrives {
                    self.mux.handle_message(now, up).expect("the client errs");
                }
            }
            if let Some(down) = down {
                self.mux.handle_sent(now, down.len() as u64);
                if down_arrives {
                    self.link.receive(down);
                }
            }
            if is_cut {
                return true;
            }
        }
    }
}

fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    });
    next.take(length).collect()
}

#[tokio::test]
async fn cut_at_random_nothing_is_lost_or_doubled() {
    let mut all_cuts = 0;
    for seed in 1..=40_u64 {
        let (mut stream, mut server) = asked_of(REPLAY_BYTES);
        server.accept();
        let mut state = seed;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let (up, down) = (pattern(seed, 300_000), pattern(seed + 99, 400_000));
        let (mut up_sent, mut down_sent, mut cuts) = (0, 0, 0);
        let (mut up_came, mut down_came) = (Vec::new(), Vec::new());
        let mut buffer = vec![0; 64 << 10];
        while up_came.len() < up.len() || down_came.len() < down.len() {
            server.pass(Duration::from_millis(30));
            let piece = &up[up_sent..up.len().min(up_sent + 9_000)];
            tokio::select! {
                biased;
                sent = stream.write(piece), if !piece.is_empty() => up_sent += sent.unwrap(),
                () = std::future::ready(()) => {}
            }
            let piece = &down[down_sent..down.len().min(down_sent + 9_000)];
            down_sent += server.mux.write(StreamId::ONLY, piece).unwrap();
            if server.exchange_lossy(&mut random) {
                server.cut_both();
                cuts += 1;
                server.pass(Duration::from_millis(random() % 20_000));
                server.link.tick();
                server.resume();
            }
            let now = server.time();
            while let Ok(Read::Bytes(bytes)) = server.mux.read(now, StreamId::ONLY, usize::MAX) {
                up_came.extend_from_slice(&bytes);
            }
            tokio::select! {
                biased;
                read = stream.read(&mut buffer) => {
                    down_came.extend_from_slice(&buffer[..read.unwrap()]);
                }
                () = std::future::ready(()) => {}
            }
        }
        all_cuts += cuts;
        assert!(up_came == up && down_came == down, "seed {seed}");
        assert_eq!(stream.fault(), None);
    }
    assert!(all_cuts > 200, "hardly cut: {all_cuts}");
}

#[tokio::test]
async fn a_watch_tells_of_it_and_what_is_written_waits() {
    let (mut stream, mut server) = asked_of(REPLAY_BYTES);
    server.accept();
    let watch = stream.watch();
    let telling = {
        let watch = watch.clone();
        tokio::spawn(async move { watch.link_changed(LinkState::Connected).await })
    };
    tokio::task::yield_now().await;
    server.cut_both();
    let since = server.time();
    let told = timeout(Duration::from_secs(5), telling).await;
    assert_eq!(
        told.expect("woken").unwrap(),
        LinkState::Reconnecting { since }
    );
    server.pass(Duration::from_secs(7));
    assert_eq!(server.link.lost_for(), Some(Duration::from_secs(7)));

    stream.write_all(b"typed in the dark").await.unwrap();
    assert_eq!(server.link.transmit(), None);
    server.resume();
    assert_eq!(watch.link(), LinkState::Connected);
    server.exchange();
    assert_eq!(server.read(), b"typed in the dark");
}

#[tokio::test]
async fn a_silent_server_is_dialled_anew() {
    let (stream, mut server) = asked_of(REPLAY_BYTES);
    server.accept();
    while let Some(wait) = server.link.next_tick() {
        server.pass(wait);
        assert!(server.time().elapsed() <= Duration::from_secs(60));
        server.link.tick();
        while server.link.transmit().is_some() {}
    }
    assert!(matches!(
        stream.watch().link(),
        LinkState::Reconnecting { .. }
    ));
    server.mux.suspend(server.time());
    server.resume();
    assert_eq!(stream.watch().link(), LinkState::Connected);
    assert_eq!(stream.fault(), None);
}

/// Loses the connection, has the server say `hello`, and tells the fault.
async fn lost_and_told(hello: impl FnOnce(&Server) -> Bytes) -> Option<StreamFault> {
    let (mut stream, mut server) = asked_of(REPLAY_BYTES);
    server.accept();
    server.cut_both();
    let hello = hello(&server);
    server.link.receive(hello);
    stream.read_u8().await.expect_err("it is over");
    assert_eq!(
        stream.watch().link(),
        LinkState::Connected,
        "none is waited for"
    );
    assert!(server.link.is_over());
    stream.fault()
}

#[tokio::test]
async fn a_server_that_does_not_go_on_ends_it() {
    let too_late = lost_and_told(|_| answer([2; 16], None)).await;
    assert_eq!(too_late, Some(StreamFault::Lost));
    let another = lost_and_told(|server| answer([2; 16], Some(server.mux.received()))).await;
    assert_eq!(another, Some(StreamFault::Internal));
    let impossible = lost_and_told(|_| answer(TUNNEL, Some(1 << 40))).await;
    assert_eq!(impossible, Some(StreamFault::Internal));
    let nonsense = lost_and_told(|_| Bytes::from_static(b"nonsense")).await;
    assert_eq!(nonsense, Some(StreamFault::Internal));
}

#[tokio::test]
async fn a_refusal_while_it_waits_ends_it() {
    let (mut stream, mut server) = asked_of(REPLAY_BYTES);
    server.accept();
    server.cut_both();
    server.link.close(StreamFault::NotSignedIn);
    stream.read_u8().await.expect_err("it is over");
    assert_eq!(stream.fault(), Some(StreamFault::NotSignedIn));
}

#[tokio::test]
async fn of_a_stream_that_nobody_wants_no_connection_is_made() {
    let (stream, mut server) = asked_of(REPLAY_BYTES);
    server.accept();
    server.cut_both();
    drop(stream);
    assert!(server.link.is_over());
}
