//! Why an upgrade was refused.

use gloo_timers::future::TimeoutFuture;
use js_sys::Reflect;
use remote_messages::StreamFault;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Response, WorkerGlobalScope};

use crate::fault;

const TIMEOUT_MS: u32 = 10_000;

/// Asks for the stream's address by a plain GET, which is answered by the same checks, and in
/// words.
pub(crate) async fn refusal(url: &str) -> StreamFault {
    tokio::select! {
        code = problem_code(url) => code.map_or(StreamFault::Lost, |code| fault::of_problem(&code)),
        () = TimeoutFuture::new(TIMEOUT_MS) => StreamFault::Lost,
    }
}

async fn problem_code(url: &str) -> Option<String> {
    // ws: and wss: are http: and https: of the same letters behind.
    let url = url.strip_prefix("ws").map(|rest| format!("http{rest}"))?;
    let scope: WorkerGlobalScope = js_sys::global().dyn_into().ok()?;
    let response = JsFuture::from(scope.fetch_with_str(&url)).await.ok()?;
    let response: Response = response.dyn_into().ok()?;
    let problem = JsFuture::from(response.json().ok()?).await.ok()?;
    Reflect::get(&problem, &JsValue::from_str("code"))
        .ok()?
        .as_string()
}
