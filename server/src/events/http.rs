//! The event stream (server-sent events).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use api::{Event, ProblemCode};
use axum::Extension;
use axum::extract::State;
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Action, Lease, Subject, Via};
use crate::accounts::{Accounts, Caller};
use crate::http::{ApiError, ConnectionGuard, Problems};
use crate::state::AppState;

use super::feed::{Feed, Next};
use super::{Events, Place};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// All routes of events.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(events))
}

/// What changes, as it changes
///
/// Server-sent events: `event` is the event's type, `data` the event as JSON. `resync` says that
/// some were missed: fetch anew what is shown.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "events", tag = "events",
    responses((status = OK, content_type = "text/event-stream", body = Event), Problems),
)]
async fn events(
    State(state): State<AppState>,
    caller: Caller,
    connection: Option<Extension<ConnectionGuard>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let principal = caller.may(Action::Read)?;
    let place = state
        .events
        .place(principal.user)
        .ok_or_else(|| ApiError::new(ProblemCode::Busy).retry_after(5))?;
    let lease = state.leases.issue(Subject::new(&principal, None));
    // Once more, now that an ending would be heard: one between the first look and the lease was not.
    if !state.accounts.is_living(principal.via).await? {
        return Err(ApiError::new(ProblemCode::NotSignedIn));
    }
    if let Some(Extension(connection)) = connection {
        // For a reader that has stopped reading: its stream is not asked for more, so it would not
        // hear of the lease's end.
        connection.cut_with(lease.token().clone());
    }
    let (receiver, latest) = state.events.subscribe(principal.organization);
    let missed = headers
        .get(LAST_EVENT_ID)
        .is_some_and(|last| last.as_bytes() != state.events.id(latest).as_bytes());
    let reader = Reader {
        feed: Feed::new(receiver, latest, missed),
        ready: VecDeque::from([sse::Event::default().comment("welcome")]),
        events: state.events,
        accounts: state.accounts,
        via: principal.via,
        stop: state.lifecycle.soft().clone(),
        lease,
        _place: place,
    };
    let mut response = Sse::new(reader.into_stream()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    // nginx and its kin would collect events until a buffer is full.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// A feed on its way to one browser, with the right to it.
struct Reader {
    feed: Feed,
    ready: VecDeque<sse::Event>,
    events: Events,
    accounts: Accounts,
    via: Via,
    stop: CancellationToken,
    lease: Lease,
    _place: Place,
}

impl Reader {
    fn into_stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        stream::unfold(self, |mut reader| async move {
            let event = reader.next().await?;
            Some((Ok(event), reader))
        })
    }

    /// The next event or comment; `None` when the stream ends.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if self.lease.token().is_cancelled() || self.stop.is_cancelled() {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let next = tokio::select! {
                () = self.lease.cancelled() => return None,
                () = self.stop.cancelled() => return None,
                next = self.feed.next() => next?,
            };
            match next {
                Next::Batch(batch, latest) => self.prepare(&batch, latest),
                Next::Silence => {
                    // A sign-in also ends by time, of which no lease tells. Fails closed.
                    if !self.accounts.is_living(self.via).await.unwrap_or(false) {
                        return None;
                    }
                    self.ready
                        .push_back(sse::Event::default().comment("still here"));
                }
            }
        }
    }

    /// Only the last event of a batch has an id: a reader that got a part of it asks again.
    fn prepare(&mut self, batch: &[Arc<Event>], latest: u64) {
        for (index, event) in batch.iter().enumerate() {
            let Ok(mut message) = sse::Event::default().event(name(event)).json_data(&**event)
            else {
                continue;
            };
            if index + 1 == batch.len() {
                message = message.id(self.events.id(latest));
            }
            self.ready.push_back(message);
        }
    }
}

/// The `type` that serde gives the event.
const fn name(event: &Event) -> &'static str {
    match event {
        Event::DeviceChanged { .. } => "device_changed",
        Event::DeviceRemoved { .. } => "device_removed",
        // A type that this file does not know is told as what it asks for.
        _ => "resync",
    }
}
