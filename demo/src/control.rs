//! For tests: stopping and starting devices and the server over HTTP on loopback.

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;

use crate::stage::{Stage, WeakStage};

/// The listener, before it serves.
pub(crate) struct Control(TcpListener);

impl Control {
    /// Takes a free port on loopback.
    ///
    /// # Errors
    /// None could be had.
    pub(crate) async fn bind() -> Result<Self> {
        Ok(Self(
            TcpListener::bind("127.0.0.1:0")
                .await
                .context("no port for control")?,
        ))
    }

    /// Where it answers.
    ///
    /// # Errors
    /// The system does not tell the port.
    pub(crate) fn url(&self) -> Result<String> {
        Ok(format!("http://{}", self.0.local_addr()?))
    }

    /// Answers until it is dropped.
    ///
    /// # Errors
    /// The listener failed.
    pub(crate) async fn serve(self, stage: &Stage) -> Result<()> {
        let router = Router::new()
            .route("/devices/{number}/{action}", post(device))
            .route("/server/{action}", post(server))
            // Connections may linger; they must not keep the stage.
            .with_state(stage.downgrade());
        axum::serve(self.0, router).await.context("control")
    }
}

const GONE: (StatusCode, String) = (StatusCode::GONE, String::new());

async fn device(
    State(stage): State<WeakStage>,
    Path((number, action)): Path<(usize, String)>,
) -> (StatusCode, String) {
    let Some(stage) = stage.upgrade() else {
        return GONE;
    };
    answer(match action.as_str() {
        "stop" => stage.stop_device(number).await,
        "start" => stage.start_device(number).await,
        "change-host-keys" => stage.change_host_keys(number).await,
        _ => Err(anyhow::anyhow!("stop, start or change-host-keys")),
    })
}

async fn server(
    State(stage): State<WeakStage>,
    Path(action): Path<String>,
) -> (StatusCode, String) {
    let Some(stage) = stage.upgrade() else {
        return GONE;
    };
    answer(match action.as_str() {
        "kill" => stage.kill_server().await,
        "start" => stage.start_server().await,
        _ => Err(anyhow::anyhow!("kill or start")),
    })
}

fn answer(outcome: Result<()>) -> (StatusCode, String) {
    match outcome {
        Ok(()) => (StatusCode::NO_CONTENT, String::new()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")),
    }
}
