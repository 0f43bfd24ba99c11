//! Request bodies that must be over in time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::deadline::Deadline;

/// A body that fails when it is not whole by its deadline, however busily it drips.
pub(super) struct InTime {
    body: Body,
    at: Instant,
    deadline: Deadline,
}

impl InTime {
    /// Its time begins now.
    pub(super) fn new(body: Body, limit: Duration) -> Self {
        Self {
            body,
            at: Instant::now() + limit,
            deadline: Deadline::default(),
        }
    }
}

impl http_body::Body for InTime {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if polled.is_pending() && this.deadline.poll_over(cx, this.at) {
            let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
            return Poll::Ready(Some(Err(axum::Error::new(late))));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt;

    use super::*;

    fn dripping(pieces: u32) -> Body {
        Body::from_stream(stream::unfold(0, move |count| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            (count < pieces).then_some((Ok::<_, std::convert::Infallible>("x"), count + 1))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn s35_a_body_must_be_whole_in_time_however_it_drips() {
        let limit = Duration::from_secs(10);
        let began = Instant::now();
        let whole = InTime::new(dripping(8), limit).collect().await.unwrap();
        assert_eq!(whole.to_bytes(), "xxxxxxxx");
        assert_eq!(began.elapsed().as_secs(), 9);

        let began = Instant::now();
        assert!(InTime::new(dripping(100), limit).collect().await.is_err());
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
