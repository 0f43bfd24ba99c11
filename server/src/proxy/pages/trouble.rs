//! What happened, what it means, what to do now.

use axum::body::Body;
use http::Response;
use maud::{Markup, html};

use crate::proxy::failure::{Failure, Subject};

use super::Page;

/// What the page tells.
pub(in crate::proxy) struct Trouble<'a> {
    pub(in crate::proxy) failure: &'a Failure,
    /// What is known of the device; only for those who may see it.
    pub(in crate::proxy) subject: Option<&'a Subject>,
    pub(in crate::proxy) request_id: Option<&'a str>,
    pub(in crate::proxy) manager_origin: &'a str,
    /// Whether loading it again does no harm.
    pub(in crate::proxy) may_retry: bool,
}

struct Text {
    title: String,
    meaning: String,
    advice: &'static [&'static str],
    dot: &'static str,
}

/// The page for a failure.
pub(in crate::proxy) fn trouble(trouble: &Trouble<'_>) -> Response<Body> {
    let text = text(trouble.failure, trouble.subject);
    let refresh_s = trouble
        .failure
        .retry_after_s()
        .filter(|_| trouble.may_retry);
    let content = html! {
        h1 { (text.title) }
        p.state { span class=(text.dot) {} span { (text.meaning) } }
        @if !text.advice.is_empty() { (advice(text.advice)) }
        @if let Some(seconds) = refresh_s {
            p.note role="status" { "Trying again by itself every " (seconds) " seconds." }
        }
        div.act {
            @if trouble.may_retry { a.button href="" { "Try again" } }
            a.button."button--plain" href=(trouble.manager_origin) { "To my devices" }
        }
        @if let Some(id) = trouble.request_id { small { "Request " (id) } }
    };
    let mut page = Page::new(trouble.failure.status(), &text.title, content);
    page.refresh_s = refresh_s;
    page.into_response()
}

fn advice(items: &[&str]) -> Markup {
    html! { ul { @for item in items { li { (item) } } } }
}

fn text(failure: &Failure, subject: Option<&Subject>) -> Text {
    const OFFLINE: &str = "dot";
    const ATTENTION: &str = "dot dot--attention";
    const DANGER: &str = "dot dot--danger";
    let name = subject.map_or("This device", |subject| subject.name.as_str());
    let service = subject.map_or("web", |subject| subject.service.as_str());
    let since = subject.and_then(|subject| subject.since.as_deref());
    let says = |title: String, meaning: String, advice, dot| Text {
        title,
        meaning,
        advice,
        dot,
    };
    match failure {
        Failure::Offline => says(
            format!("{name} is offline"),
            since.map_or_else(
                || "It has no connection to this server.".to_owned(),
                |since| format!("It has had no connection to this server {since}."),
            ),
            &[
                "See that the device has power and network.",
                "See that its agent runs: systemctl status adit-agent",
            ],
            OFFLINE,
        ),
        Failure::Disabled => says(
            format!("{name} is disabled"),
            "Somebody keeps it out of this server.".to_owned(),
            &["It can be enabled again in its settings, by those who manage your devices."],
            OFFLINE,
        ),
        Failure::Reconnecting => says(
            format!("{name} is reconnecting"),
            "Its connection was lost a moment ago and is expected back in seconds.".to_owned(),
            &[],
            ATTENTION,
        ),
        Failure::NotOffered => says(
            format!("{name} does not offer “{service}”"),
            "The device is online, but its agent does not let this service be reached.".to_owned(),
            &["The services that may be reached stand in the agent's configuration on the device."],
            ATTENTION,
        ),
        Failure::Refused => says(
            format!("Nothing answers on {name}"),
            format!("The device is online, but its service “{service}” takes no connections."),
            &[
                "The service may be starting: this page will show it when it is there.",
                "See on the device that it runs, and on which port.",
            ],
            DANGER,
        ),
        Failure::TimedOut => says(
            format!("{name} does not answer"),
            format!("The device is online, but its service “{service}” did not answer in time."),
            &["The service may hang or be very busy. Restarting it on the device often helps."],
            ATTENTION,
        ),
        Failure::Broken => says(
            format!("{name} broke off"),
            format!("Its service “{service}” answered something that is no proper web page."),
            &[
                "See that this port speaks HTTP, and whether it wants HTTPS.",
                "If it was all right a moment ago, try again.",
            ],
            DANGER,
        ),
        Failure::Busy => says(
            format!("{name} is busy"),
            "It carries as many connections as it can right now.".to_owned(),
            &[],
            ATTENTION,
        ),
        Failure::NotSignedIn | Failure::Revoked => says(
            "Your access has ended".to_owned(),
            "You were signed out, or the right to open this page was taken back.".to_owned(),
            &["Open the page again from your devices. What you just sent was not passed on."],
            ATTENTION,
        ),
        Failure::NotFound => says(
            "There is no such page".to_owned(),
            "No device of yours is at this address.".to_owned(),
            &[],
            OFFLINE,
        ),
        Failure::CrossOrigin => says(
            "That came from another page".to_owned(),
            "A page of another origin sent this request. It was not passed on to the device."
                .to_owned(),
            &[],
            ATTENTION,
        ),
        Failure::ServiceWorker | Failure::BadUpgrade => says(
            "This is not supported".to_owned(),
            "The request was not passed on to the device.".to_owned(),
            &[],
            ATTENTION,
        ),
        Failure::Other(_) => says(
            "Something went wrong here".to_owned(),
            "The fault is the server's, not the device's.".to_owned(),
            &["Try again; if it stays, tell whoever runs this server the request's number."],
            DANGER,
        ),
    }
}
