//! An answer on its way out: its body, the connection's turn it holds, and its line in the log.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::counts::{self, Counts};
use super::host::Site;
use super::link::Answering;
use super::peer::PeerAddr;
use super::refusal::Refusal;
use super::request_id::RequestId;

/// The body of an answer. Dropped when its last byte is written or never will be; then the next
/// request of the connection may pass, and the log line is written.
pub(super) struct Answer {
    body: Body,
    entry: Entry,
    _answering: Answering,
}

impl Answer {
    pub(super) const fn new(body: Body, answering: Answering, entry: Entry) -> Self {
        Self {
            body,
            entry,
            _answering: answering,
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.entry.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
            }
            Poll::Ready(Some(Err(_))) => self.entry.broken = true,
            _ => {}
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

/// A request's line in the log: who, what, how it ended. No query, no field: secrets travel there.
pub(super) struct Entry {
    id: RequestId,
    peer: SocketAddr,
    method: Method,
    host: String,
    path: String,
    refusal: Option<Refusal>,
    status: Option<StatusCode>,
    began: Instant,
    counts: Arc<Counts>,
    route: &'static str,
    bytes: u64,
    broken: bool,
}

impl Entry {
    pub(super) fn new<B>(
        id: &RequestId,
        peer: SocketAddr,
        request: &Request<B>,
        counts: &Arc<Counts>,
    ) -> Self {
        Self {
            id: id.clone(),
            peer,
            method: request.method().clone(),
            host: String::new(),
            path: request.uri().path().to_owned(),
            refusal: None,
            status: None,
            began: Instant::now(),
            counts: Arc::clone(counts),
            route: counts::NO_SITE,
            bytes: 0,
            broken: false,
        }
    }

    pub(super) fn note_refusal(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
    }

    pub(super) fn note_site(&mut self, site: &Site, peer: PeerAddr) {
        self.peer = peer.0;
        self.route = counts::route(site, &self.path);
        if let Site::Device(device) = site {
            self.host.clone_from(&device.host);
        }
    }

    pub(super) const fn note_answer(&mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.counts.answered(self.route, self.status);
        let duration_ms = self.began.elapsed().as_millis() as u64;
        let peer = self.peer.ip();
        let request_id = self.id.0.as_str();
        if let Some(refusal) = self.refusal {
            let (status, reason) = (refusal.status().as_u16(), refusal.reason());
            tracing::info!(request_id, %peer, status, reason, "request refused");
            return;
        }
        tracing::info!(
            request_id,
            %peer,
            method = %self.method,
            host = self.host,
            path = self.path,
            // None: the client left before there was an answer.
            status = self.status.map(|status| status.as_u16()),
            duration_ms,
            bytes = self.bytes,
            broken = self.broken,
            "request",
        );
    }
}
