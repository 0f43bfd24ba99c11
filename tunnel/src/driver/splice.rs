//! Copies between a stream and another connection, both ways, and tells which end broke.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::timeout;

/// For a keystroke and its echo.
const LEAST_BUFFER_BYTES: usize = 4 * 1024;
/// Under load: large enough that a system call is worth it.
const MOST_BUFFER_BYTES: usize = 64 * 1024;
/// For an end that takes no more to hand over what it has sent before, with its own end.
const LAST_BYTES_TIMEOUT: Duration = Duration::from_secs(5);

/// The end that broke.
#[derive(Debug)]
pub enum Broken {
    /// The first.
    Near(io::Error),
    /// The second.
    Far(io::Error),
}

/// Which half of a copy failed.
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
pub async fn splice<N, F>(near: &mut N, far: &mut F) -> Result<(), Broken>
where
    N: AsyncRead + AsyncWrite + Unpin,
    F: AsyncRead + AsyncWrite + Unpin,
{
    let (mut from_near, mut to_near) = split(near);
    let (mut from_far, mut to_far) = split(far);
    let mut up = std::pin::pin!(copy(&mut from_near, &mut to_far));
    let mut down = std::pin::pin!(copy(&mut from_far, &mut to_near));
    let (up_done, down_done) = tokio::select! {
        done = &mut up => (Some(done), None),
        done = &mut down => (None, Some(done)),
    };
    match (up_done, down_done) {
        (Some(Ok(())), _) => down
            .await
            .map_err(|fault| fault.seen_from(Broken::Far, Broken::Near)),
        (_, Some(Ok(()))) => up
            .await
            .map_err(|fault| fault.seen_from(Broken::Near, Broken::Far)),
        (Some(Err(fault)), _) => {
            if matches!(fault, Fault::Writing(_)) {
                let _ = timeout(LAST_BYTES_TIMEOUT, down).await;
            }
            Err(fault.seen_from(Broken::Near, Broken::Far))
        }
        (_, Some(Err(fault))) => {
            if matches!(fault, Fault::Writing(_)) {
                let _ = timeout(LAST_BYTES_TIMEOUT, up).await;
            }
            Err(fault.seen_from(Broken::Far, Broken::Near))
        }
        (None, None) => Ok(()),
    }
}

impl Fault {
    fn seen_from(self, reader: fn(io::Error) -> Broken, writer: fn(io::Error) -> Broken) -> Broken {
        match self {
            Self::Reading(error) => reader(error),
            Self::Writing(error) => writer(error),
        }
    }
}

async fn copy<R, W>(reader: &mut R, writer: &mut W) -> Result<(), Fault>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; LEAST_BUFFER_BYTES];
    loop {
        let length = reader.read(&mut buffer).await.map_err(Fault::Reading)?;
        if length == 0 {
            return writer.shutdown().await.map_err(Fault::Writing);
        }
        let bytes = &buffer[..length];
        writer.write_all(bytes).await.map_err(Fault::Writing)?;
        writer.flush().await.map_err(Fault::Writing)?;
        if length == buffer.len() && length < MOST_BUFFER_BYTES {
            buffer = vec![0; (length * 4).min(MOST_BUFFER_BYTES)];
        }
    }
}

#[cfg(test)]
mod tests {
    use ends::{Breaks, Step};
    use tokio::io::duplex;

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
        let (mut user, mut stream) = duplex(64);
        let (mut service, mut connection) = duplex(64);
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

    #[tokio::test]
    async fn the_end_that_broke_is_named() {
        let mut service = Breaks(Step::Silence);
        let outcome = splice(&mut Breaks(Step::Break), &mut service).await;
        assert!(matches!(outcome, Err(Broken::Near(_))), "{outcome:?}");
        let mut service = Breaks(Step::Break);
        let outcome = splice(&mut Breaks(Step::Silence), &mut service).await;
        assert!(matches!(outcome, Err(Broken::Far(_))), "{outcome:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_before_an_end_is_passed_on_though_its_sender_takes_no_more() {
        let (user, mut stream) = duplex(64);
        let (mut service, mut connection) = duplex(1024);
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
