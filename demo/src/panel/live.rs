//! What moves by itself: the gauge over a WebSocket, the clock over server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::response::sse::{Event, Sse};
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;

use super::Panel;

const GAUGE_EVERY: Duration = Duration::from_millis(250);
const CLOCK_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn gauge(State(panel): State<Panel>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| move_gauge(socket, panel))
}

/// Until the page is closed; what it sends comes back, to show that both ways work.
async fn move_gauge(mut socket: WebSocket, panel: Panel) {
    let gauge = panel.0.character.gauge();
    let mut ticks = tokio::time::interval(GAUGE_EVERY);
    let mut count = 0_u32;
    loop {
        let message = tokio::select! {
            _ = ticks.tick() => {
                count = count.wrapping_add(1);
                let phase = f64::from(count) / 9.0;
                let value = gauge.middle + gauge.swing * (phase.sin() + 0.3 * (phase * 3.7).sin());
                Message::text(json!({"count": count, "value": value}).to_string())
            }
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => Message::text(json!({"echo": text.as_str()}).to_string()),
                Some(Ok(Message::Binary(bytes))) => Message::Binary(bytes),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
        };
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Seconds since the page asked, as a machine without a real clock counts them.
pub(super) async fn clock() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let ticks = stream::unfold(tokio::time::interval(CLOCK_EVERY), |mut ticks| async move {
        ticks.tick().await;
        Some(((), ticks))
    });
    Sse::new(ticks.enumerate().map(|(seconds, ())| {
        Ok(Event::default()
            .id(seconds.to_string())
            .data(seconds.to_string()))
    }))
}
