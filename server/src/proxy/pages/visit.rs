//! The click-through page: nobody is led to a device's page without wanting to.

use axum::body::Body;
use http::{Response, StatusCode};
use maud::html;

use super::Page;

/// What is about to be opened.
pub(in crate::proxy) struct Visit<'a> {
    pub(in crate::proxy) device: &'a str,
    pub(in crate::proxy) service: &'a str,
    pub(in crate::proxy) host: &'a str,
    pub(in crate::proxy) username: &'a str,
    /// `/launch/…`, where the button leads.
    pub(in crate::proxy) action: &'a str,
    /// Proves that the button was on this page.
    pub(in crate::proxy) ask: &'a str,
    pub(in crate::proxy) manager_origin: &'a str,
    pub(in crate::proxy) page_origin: &'a str,
}

/// Asks whether to go on.
pub(in crate::proxy) fn visit(visit: &Visit<'_>) -> Response<Body> {
    let content = html! {
        h1 { "Open this device's page?" }
        dl {
            dt { "Device" } dd { bdi { (visit.device) } }
            dt { "Service" } dd { (visit.service) }
            dt { "Address" } dd { (visit.host) }
            dt { "Signed in as" } dd { bdi { (visit.username) } }
        }
        p { "You came here by a link or an address, not from your device list. The page is the device's own: go on only if you meant to open it." }
        form method="post" action=(visit.action) {
            input type="hidden" name="ask" value=(visit.ask);
            div.act {
                button.button type="submit" { "Open web page" }
                a.button."button--plain" href="/" { "To my devices" }
            }
        }
    };
    // Browsers hold the whole chain of redirects against this: the device's host is in it.
    let form_action = format!("{} {}", visit.manager_origin, visit.page_origin);
    let mut page = Page::new(StatusCode::OK, "Open web page", content);
    page.form_action = Some(&form_action);
    page.referrer_policy = "same-origin";
    page.into_response()
}
