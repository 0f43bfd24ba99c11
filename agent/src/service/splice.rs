//! Copies between a stream and a service's connection, both ways, and tells which end broke.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

/// Large enough that a system call is worth it, small enough for hundreds of streams.
const BUFFER_BYTES: usize = 32 * 1024;

/// The end that broke.
#[derive(Debug)]
pub(super) enum Broken {
    Stream(io::Error),
    Service(io::Error),
}

/// Returns when both ways have ended cleanly, or as soon as one end broke. An end of one way is
/// passed on as such and leaves the other way open (half-close).
pub(super) async fn splice<T, S>(stream: &mut T, service: &mut S) -> Result<(), Broken>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut from_stream, mut to_stream) = split(stream);
    let (mut from_service, mut to_service) = split(service);
    tokio::try_join!(
        copy(
            &mut from_stream,
            &mut to_service,
            Broken::Stream,
            Broken::Service
        ),
        copy(
            &mut from_service,
            &mut to_stream,
            Broken::Service,
            Broken::Stream
        ),
    )?;
    Ok(())
}

async fn copy<R, W>(
    reader: &mut R,
    writer: &mut W,
    reader_broke: fn(io::Error) -> Broken,
    writer_broke: fn(io::Error) -> Broken,
) -> Result<(), Broken>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = reader.read(&mut buffer).await.map_err(reader_broke)?;
        if length == 0 {
            return writer.shutdown().await.map_err(writer_broke);
        }
        writer
            .write_all(&buffer[..length])
            .await
            .map_err(writer_broke)?;
        writer.flush().await.map_err(writer_broke)?;
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
        assert!(matches!(outcome, Err(Broken::Stream(_))), "{outcome:?}");
        let mut service = Breaks(Step::Break);
        let outcome = splice(&mut Breaks(Step::Silence), &mut service).await;
        assert!(matches!(outcome, Err(Broken::Service(_))), "{outcome:?}");
    }
}
