//! One HTTP/1.1 connection to the server, driven by whoever waits for its answer: no task of its
//! own, so nothing outlives the attempt.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::{ANSWER_TIMEOUT, Io, ServerError};

/// An error's body is a few lines; more is not read.
const MAX_BODY_BYTES: usize = 16 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

type Driver = http1::Connection<TokioIo<Box<dyn Io>>, Full<Bytes>>;

/// Why no answer came.
pub(super) enum Failure {
    TimedOut,
    Broken(hyper::Error),
}

pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
    ended: bool,
}

impl Connection {
    pub(super) async fn open(io: Box<dyn Io>) -> Result<Self, ServerError> {
        let (sender, driver): (_, Driver) = http1::Builder::new()
            .max_buf_size(16 * 1024)
            .max_headers(64)
            .handshake(TokioIo::new(io))
            .await
            .map_err(|error| broken(&error))?;
        Ok(Self {
            sender,
            driver: Box::pin(driver.with_upgrades()),
            ended: false,
        })
    }

    /// Whether the server keeps the connection for another request.
    pub(super) async fn is_reusable(&mut self) -> bool {
        let Self {
            sender,
            driver,
            ended,
        } = self;
        alongside(driver, ended, sender.ready()).await.is_ok()
    }

    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ServerError> {
        let answer = self.exchange(request).await;
        answer.map_err(|failure| match failure {
            Failure::TimedOut => ServerError::TimedOut("its answer"),
            Failure::Broken(error) => broken(&error),
        })
    }

    /// As [`Self::send`], for who wants to know what went wrong.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let Self {
            sender,
            driver,
            ended,
        } = self;
        timeout(
            ANSWER_TIMEOUT,
            alongside(driver, ended, sender.send_request(request)),
        )
        .await
        .map_err(|_| Failure::TimedOut)?
        .map_err(Failure::Broken)
    }

    pub(super) async fn read_body(&mut self, body: Incoming) -> Result<Bytes, ServerError> {
        let Self { driver, ended, .. } = self;
        let body = Limited::new(body, MAX_BODY_BYTES).collect();
        let read = timeout(BODY_TIMEOUT, alongside(driver, ended, body)).await;
        let read = read.map_err(|_| ServerError::TimedOut("its answer"))?;
        read.map(http_body_util::Collected::to_bytes)
            .map_err(|_| ServerError::Answer("its answer is too long or broken off"))
    }

    /// Takes the socket out after a 101.
    pub(super) async fn upgrade(
        mut self,
        response: Response<Incoming>,
    ) -> Result<TokioIo<Upgraded>, ServerError> {
        let upgrade = hyper::upgrade::on(response);
        alongside(&mut self.driver, &mut self.ended, upgrade)
            .await
            .map(TokioIo::new)
            .map_err(|error| broken(&error))
    }
}

/// Waits for `exchange` and moves the connection's bytes meanwhile.
async fn alongside<T>(
    driver: &mut Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
    ended: &mut bool,
    exchange: impl Future<Output = T>,
) -> T {
    tokio::pin!(exchange);
    if !*ended {
        tokio::select! {
            biased;
            outcome = &mut exchange => return outcome,
            // Its error, if any, shows in the exchange too.
            _ = driver => *ended = true,
        }
    }
    exchange.await
}

fn broken(error: &hyper::Error) -> ServerError {
    use std::error::Error;
    let cause = error
        .source()
        .map(|source| format!(": {source}"))
        .unwrap_or_default();
    ServerError::Broken(format!("{error}{cause}"))
}
