//! The web page that a demo device serves on loopback: a small, honest machine of its own.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::access::Access;

mod character;
mod faults;
mod history;
mod live;
mod page;
mod settings;
mod upload;

pub(crate) use character::Character;
use history::History;
use settings::Settings;

/// What the handlers of one panel share.
#[derive(Clone)]
struct Panel(Arc<Parts>);

struct Parts {
    character: Character,
    name: String,
    access: Access,
    history: History,
    settings: Mutex<Settings>,
}

impl Panel {
    /// Works on the settings; nothing waits while it has them.
    fn with_settings<T>(&self, work: impl FnOnce(&mut Settings) -> T) -> T {
        work(
            &mut self
                .0
                .settings
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// Serves the panel until it is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    character: Character,
    name: String,
    access: Access,
) {
    // Hashing 100 MB takes a moment.
    let seed = name.clone();
    let history = tokio::task::spawn_blocking(move || History::of(&seed)).await;
    let Ok(history) = history else { return };
    let settings = Mutex::new(Settings::of(character));
    let panel = Panel(Arc::new(Parts {
        character,
        name,
        access,
        history,
        settings,
    }));
    if let Err(error) = axum::serve(listener, routes(panel)).await {
        eprintln!("a panel ended: {error}");
    }
}

fn routes(panel: Panel) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/favicon.ico", get(page::icon))
        .route("/panel.css", get(page::styles))
        .route("/panel.js", get(page::script))
        .route("/cookies", get(page::cookies))
        .route("/live", get(live::gauge))
        .route("/clock", get(live::clock))
        .route("/settings", post(settings::apply))
        .route(
            "/upload",
            post(upload::receive).layer(DefaultBodyLimit::disable()),
        )
        .route("/history.bin", get(history::download))
        .route("/history.sha256", get(history::digest))
        .route("/hang", get(faults::hang))
        .route("/break", get(faults::break_off))
        .with_state(panel)
}

/// Sends back all it gets, for the service of kind `tcp`.
pub(crate) async fn echo(listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        connections.spawn(async move {
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.ok();
        });
        while connections.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests;
