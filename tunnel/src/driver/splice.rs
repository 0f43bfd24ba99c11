//! Carries bytes between a stream and another connection, both ways, and tells which end broke.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::poll_proceed;
use tokio::time::timeout;
use tokio_util::io::poll_read_buf;

/// For a keystroke and its echo.
const LEAST_READ_BYTES: usize = 4 * 1024;
/// Under load: large enough that a system call is worth it.
const MOST_READ_BYTES: usize = 64 * 1024;
/// Pieces handed over at once.
const MAX_PIECES: usize = 16;
/// For an end that takes no more to hand over what it has sent before, with its own end.
const LAST_BYTES_TIMEOUT: Duration = Duration::from_secs(5);

/// An end of a splice.
pub trait End: AsyncWrite + Unpin {
    /// Appends what has come to `pieces`, about 64 KiB at most; nothing at the end.
    ///
    /// # Errors
    /// As of reads.
    fn poll_read_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>>;

    /// Takes what there is room for, at least a byte, off the front of `pieces`, which are some.
    ///
    /// # Errors
    /// As of writes.
    fn poll_write_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>>;
}

impl<E: End> End for &mut E {
    fn poll_read_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        (**self).poll_read_pieces(cx, pieces)
    }

    fn poll_write_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        (**self).poll_write_pieces(cx, pieces)
    }
}

/// Whatever else reads and writes, as an end: bytes are read to buffers that follow the traffic,
/// 4 to 64 KiB, none at rest.
#[derive(Debug)]
pub struct Plain<S> {
    inner: S,
    buffer: BytesMut,
    ask_bytes: usize,
}

impl<S> Plain<S> {
    /// An end that has read nothing yet.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            buffer: BytesMut::new(),
            ask_bytes: LEAST_READ_BYTES,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> End for Plain<S> {
    fn poll_read_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        self.buffer.reserve(self.ask_bytes);
        let polled = poll_read_buf(Pin::new(&mut self.inner), cx, &mut self.buffer);
        if polled.is_pending() {
            self.buffer = BytesMut::new();
        }
        let length = ready!(polled)?;
        if length >= self.ask_bytes {
            self.ask_bytes = (self.ask_bytes * 4).min(MOST_READ_BYTES);
        }
        if length > 0 {
            pieces.push(self.buffer.split().freeze());
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        let mut slices = [IoSlice::new(&[]); MAX_PIECES];
        let slices = pieces.slices(&mut slices);
        let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, slices))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        pieces.advance(written);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Plain<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// What is on its way from one end to the other: at most 16 pieces, none of them empty.
#[derive(Debug, Default)]
pub struct Pieces {
    pieces: std::collections::VecDeque<Bytes>,
}

impl Pieces {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The first one first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| &piece[..])
    }

    pub(super) fn is_full(&self) -> bool {
        self.pieces.len() == MAX_PIECES
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        self.pieces.push_back(bytes);
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Bytes> {
        while self.pieces.front().is_some_and(Bytes::is_empty) {
            self.pieces.pop_front();
        }
        self.pieces.front_mut()
    }

    fn slices<'a, 'b>(&'a self, slices: &'b mut [IoSlice<'a>; MAX_PIECES]) -> &'b [IoSlice<'a>] {
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
        }
        &slices[..self.pieces.len()]
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(front) = self.front_mut()
            && written > 0
        {
            let of_front = written.min(front.len());
            front.advance(of_front);
            written -= of_front;
        }
        self.front_mut();
    }
}

/// The end that broke.
#[derive(Debug)]
pub enum Broken {
    /// The first.
    Near(io::Error),
    /// The second.
    Far(io::Error),
}

/// Which half of a way failed.
enum Fault {
    Reading(io::Error),
    Writing(io::Error),
}

/// Returns when both ways have ended cleanly, or when one end broke. An end of one way is passed
/// on as such and leaves the other way open (half-close). An end that takes no more may have
/// ended its own way before: what it has sent is still passed on, for 5 s at most.
///
/// # Errors
/// [`Broken`]: the other end is then still to be told.
pub async fn splice<N: End, F: End>(near: &mut N, far: &mut F) -> Result<(), Broken> {
    join(near, far, None).await
}

/// As [`splice`], for protocols without half-closes: once one way has ended, the other one has
/// only so long.
///
/// # Errors
/// [`Broken`]: the other end is then still to be told.
pub async fn splice_until_one_ends<N: End, F: End>(
    near: &mut N,
    far: &mut F,
    close_timeout: Duration,
) -> Result<(), Broken> {
    join(near, far, Some(close_timeout)).await
}

async fn join<N: End, F: End>(
    near: &mut N,
    far: &mut F,
    close_timeout: Option<Duration>,
) -> Result<(), Broken> {
    let (mut up, mut down) = (Way::default(), Way::default());
    let mut first = Direction::Up;
    let (direction, ended) = poll_fn(|cx| {
        // By turns: a way that never has to wait would leave the other one no time.
        first = first.opposite();
        for direction in [first, first.opposite()] {
            let polled = match direction {
                Direction::Up => up.poll(cx, near, far),
                Direction::Down => down.poll(cx, far, near),
            };
            if let Poll::Ready(ended) = polled {
                return Poll::Ready((direction, ended));
            }
        }
        Poll::Pending
    })
    .await;
    let limit = match ended {
        Ok(()) => close_timeout,
        Err(Fault::Writing(_)) => Some(LAST_BYTES_TIMEOUT),
        Err(fault @ Fault::Reading(_)) => return Err(fault.in_direction(direction)),
    };
    let other = poll_fn(|cx| match direction {
        Direction::Up => down.poll(cx, far, near),
        Direction::Down => up.poll(cx, near, far),
    });
    let other_ended = match limit {
        None => other.await,
        Some(limit) => timeout(limit, other).await.unwrap_or(Ok(())),
    };
    // The first fault is what broke it.
    ended.map_err(|fault| fault.in_direction(direction))?;
    other_ended.map_err(|fault| fault.in_direction(direction.opposite()))
}

impl Fault {
    fn in_direction(self, direction: Direction) -> Broken {
        match (direction, self) {
            (Direction::Up, Self::Reading(error)) | (Direction::Down, Self::Writing(error)) => {
                Broken::Near(error)
            }
            (Direction::Up, Self::Writing(error)) | (Direction::Down, Self::Reading(error)) => {
                Broken::Far(error)
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Direction {
    /// Near to far.
    Up,
    Down,
}

impl Direction {
    const fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// One direction of a splice.
#[derive(Default)]
struct Way {
    pieces: Pieces,
    unflushed: bool,
    /// The reader has ended.
    ended: bool,
    /// The writer knows.
    done: bool,
}

impl Way {
    /// Until the end was passed on.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut impl End,
        to: &mut impl End,
    ) -> Poll<Result<(), Fault>> {
        while !self.done {
            // Two ends that never have to wait must not keep all else waiting.
            let turn = ready!(poll_proceed(cx));
            turn.made_progress();
            if !self.pieces.is_empty() {
                self.unflushed = true;
                ready!(to.poll_write_pieces(cx, &mut self.pieces)).map_err(Fault::Writing)?;
            } else if self.unflushed {
                ready!(Pin::new(&mut *to).poll_flush(cx)).map_err(Fault::Writing)?;
                self.unflushed = false;
            } else if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(Fault::Writing)?;
                self.done = true;
            } else {
                let read = from.poll_read_pieces(cx, &mut self.pieces);
                ready!(read).map_err(Fault::Reading)?;
                self.ended = self.pieces.is_empty();
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use ends::{Breaks, Step};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

    use super::*;

    /// An end that does as it is told.
    mod ends {
        use std::io;
        use std::pin::Pin;
        use std::task::{Context, Poll};

        use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

        pub(super) enum Step {
            Break,
            Silence,
        }

        /// Reads do the step; writes are swallowed.
        pub(super) struct Breaks(pub(super) Step);

        impl AsyncRead for Breaks {
            fn poll_read(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
                _: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.0 {
                    Step::Break => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                    Step::Silence => Poll::Pending,
                }
            }
        }

        impl AsyncWrite for Breaks {
            fn poll_write(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                Poll::Ready(Ok(buf.len()))
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
        }
    }

    #[tokio::test]
    async fn a_half_close_leaves_the_other_way_open() {
        let (mut user, stream) = duplex(64);
        let (mut service, connection) = duplex(64);
        let (mut stream, mut connection) = (Plain::new(stream), Plain::new(connection));
        let spliced = splice(&mut stream, &mut connection);
        let talk = async {
            user.write_all(b"question").await.unwrap();
            user.shutdown().await.unwrap();
            let mut question = String::new();
            service.read_to_string(&mut question).await.unwrap();
            assert_eq!(question, "question");
            service.write_all(b"answer").await.unwrap();
            service.shutdown().await.unwrap();
            let mut answer = String::new();
            user.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "answer");
        };
        let (outcome, ()) = tokio::join!(spliced, talk);
        assert!(outcome.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn without_half_closes_the_other_way_has_only_so_long() {
        let (mut user, stream) = duplex(64);
        let (service, connection) = duplex(64);
        let (mut stream, mut connection) = (Plain::new(stream), Plain::new(connection));
        user.shutdown().await.unwrap();
        let started = tokio::time::Instant::now();
        let limit = Duration::from_secs(3);
        let ended = splice_until_one_ends(&mut stream, &mut connection, limit).await;
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(started.elapsed(), limit);
        drop(service);
    }

    /// Sends for ever, and takes everything.
    struct Endless {
        taken: Vec<u8>,
    }

    impl AsyncRead for Endless {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            buffer.put_slice(&[7; 1000]);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Endless {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.taken.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_way_that_never_waits_leaves_the_other_one_its_turns() {
        let mut near = Plain::new(Endless { taken: Vec::new() });
        let (mut service, connection) = duplex(1 << 20);
        let mut far = Plain::new(connection);
        let talk = async {
            let mut received = vec![0; 100_000];
            service.read_exact(&mut received).await.unwrap();
            service.write_all(b"answer").await.unwrap();
            for _ in 0..100 {
                service.read_exact(&mut received).await.unwrap();
            }
        };
        tokio::select! {
            _ = splice(&mut near, &mut far) => panic!("nobody has ended"),
            () = talk => {}
        }
        assert_eq!(near.inner.taken, b"answer");
    }

    #[tokio::test]
    async fn the_end_that_broke_is_named() {
        let mut service = Plain::new(Breaks(Step::Silence));
        let outcome = splice(&mut Plain::new(Breaks(Step::Break)), &mut service).await;
        assert!(matches!(outcome, Err(Broken::Near(_))), "{outcome:?}");
        let mut service = Plain::new(Breaks(Step::Break));
        let outcome = splice(&mut Plain::new(Breaks(Step::Silence)), &mut service).await;
        assert!(matches!(outcome, Err(Broken::Far(_))), "{outcome:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_before_an_end_is_passed_on_though_its_sender_takes_no_more() {
        let (user, stream) = duplex(64);
        let (mut service, connection) = duplex(1024);
        let (mut stream, mut connection) = (Plain::new(stream), Plain::new(connection));
        // The service answers, ends, and is gone while the user still sends.
        service.write_all(&[7; 500]).await.unwrap();
        drop(service);
        let spliced = splice(&mut stream, &mut connection);
        let talk = async move {
            let (mut from, mut to) = split(user);
            to.write_all(b"more").await.unwrap();
            let mut answer = Vec::new();
            from.read_to_end(&mut answer).await.unwrap();
            answer.len()
        };
        let (outcome, answered) = tokio::join!(spliced, talk);
        assert!(matches!(outcome, Err(Broken::Far(_))), "{outcome:?}");
        assert_eq!(answered, 500);
    }
}
