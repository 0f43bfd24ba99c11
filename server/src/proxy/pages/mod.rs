//! Pages of ours for people: small, self-contained, with a policy that allows just what is in them.

mod enter;
mod trouble;
mod visit;

use std::sync::LazyLock;

use axum::body::Body;
use data_encoding::BASE64;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};

pub(super) use enter::enter;
pub(super) use trouble::{Trouble, trouble};
pub(super) use visit::{Visit, visit};

const STYLE: &str = include_str!("style.css");

static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| source(STYLE));

/// One page.
struct Page<'a> {
    status: StatusCode,
    title: &'a str,
    content: Markup,
    /// Seconds until it is loaded again.
    refresh_s: Option<u32>,
    script: Option<&'static str>,
    /// Where its form may lead, as sources of a policy.
    form_action: Option<&'a str>,
    /// `no-referrer` would make browsers send `Origin: null` with a form.
    referrer_policy: &'static str,
}

impl<'a> Page<'a> {
    const fn new(status: StatusCode, title: &'a str, content: Markup) -> Self {
        Self {
            status,
            title,
            content,
            refresh_s: None,
            script: None,
            form_action: None,
            referrer_policy: "no-referrer",
        }
    }

    fn into_response(self) -> Response<Body> {
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    @if let Some(seconds) = self.refresh_s {
                        meta http-equiv="refresh" content=(seconds);
                    }
                    title { (self.title) " · adit" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        div.mark {
                            svg viewBox="0 0 24 24" aria-hidden="true" {
                                path d="M4 21V11.5a8 8 0 0 1 16 0V21" {}
                                circle cx="12" cy="13" r="2.6" {}
                            }
                            "adit"
                        }
                        (self.content)
                    }
                    @if let Some(script) = self.script {
                        script { (PreEscaped(script)) }
                    }
                }
            }
        };
        let mut response = Response::new(Body::from(document.into_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let mut add = |name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        add(header::CONTENT_TYPE, "text/html; charset=utf-8");
        add(header::CACHE_CONTROL, "no-store");
        add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        add(header::REFERRER_POLICY, self.referrer_policy);
        add(
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        );
        add(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        );
        // Made of hashes and an origin of the configuration: it cannot fail, and without it
        // nothing is shown.
        let policy = HeaderValue::try_from(policy(self.script, self.form_action))
            .unwrap_or(HeaderValue::from_static("default-src 'none'"));
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        response
    }
}

fn policy(script: Option<&str>, form_action: Option<&str>) -> String {
    let mut policy = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; frame-ancestors 'none'; form-action {}",
        *STYLE_SOURCE,
        form_action.unwrap_or("'none'"),
    );
    if let Some(script) = script {
        policy.push_str("; connect-src 'self'; script-src ");
        policy.push_str(&source(script));
    }
    policy
}

/// What stands inline and is allowed by its hash.
fn source(text: &str) -> String {
    format!(
        "'sha256-{}'",
        BASE64.encode(digest(&SHA256, text.as_bytes()).as_ref())
    )
}
