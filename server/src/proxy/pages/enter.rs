//! The page at a device's host that trades the code in its fragment for a cookie.

use axum::body::Body;
use http::{Response, StatusCode};
use maud::html;

use super::Page;

const SCRIPT: &str = include_str!("enter.js");

/// The page; it holds nothing of the request, all is done by its script.
pub(in crate::proxy) fn enter() -> Response<Body> {
    let content = html! {
        div id="wait" {
            h1 { "Opening…" }
            p.state { "One moment." }
            noscript { p.note { "This needs JavaScript. Allow it for this page and load it again." } }
        }
        div id="trouble" hidden role="alert" {
            h1 { "That took too long" }
            p { "The permission to open this page was used already or has run out. Nothing is lost: open it again." }
            div.act { a.button href="/" { "Open again" } }
        }
    };
    let mut page = Page::new(StatusCode::OK, "Opening", content);
    page.script = Some(SCRIPT);
    page.into_response()
}
