//! The page itself: one template, filled in by the character.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::response::{AppendHeaders, Html, IntoResponse};

use super::Panel;

const TEMPLATE: &str = include_str!("page/panel.html");

/// The page. It counts visits in a cookie, and sets another that scripts cannot read.
pub(super) async fn index(State(panel): State<Panel>, headers: HeaderMap) -> impl IntoResponse {
    let visits = 1 + cookie(&headers, "visits")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0_u32);
    let character = panel.0.character;
    let gauge = character.gauge();
    let (set_point_label, _) = character.set_point();
    let access = &panel.0.access;
    let desktop_password = if character.asks_for_a_desktop_password() {
        &access.desktop_password
    } else {
        "none"
    };
    let settings = panel.with_settings(|settings| settings.clone());
    let page = fill(
        TEMPLATE,
        &[
            ("class", character.class()),
            ("name", &escape(&panel.0.name)),
            ("model", character.model()),
            ("gauge_label", gauge.label),
            ("gauge_unit", gauge.unit),
            ("set_point_label", set_point_label),
            ("set_point", &escape(&settings.set_point)),
            ("note", &escape(&settings.note)),
            ("visits", &visits.to_string()),
            ("desktop_password", desktop_password),
            ("ssh_user", &escape(&access.user)),
            ("ssh_key", &escape(&access.private_key)),
            ("sha256", panel.0.history.sha256()),
            // Last: a picture is markup, and nothing in it is filled in.
            ("picture", character.picture()),
        ],
    );
    let cookies = AppendHeaders([
        (SET_COOKIE, format!("visits={visits}; Path=/; SameSite=Lax")),
        (
            SET_COOKIE,
            format!(
                "panel-{}=1; Path=/; HttpOnly; SameSite=Strict",
                character.class()
            ),
        ),
    ]);
    (cookies, [(CACHE_CONTROL, "no-store")], Html(page))
}

pub(super) async fn styles() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css")], include_str!("page/panel.css"))
}

/// Browsers ask for it beside anything that is not a page, and note an error when there is none.
pub(super) async fn icon() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "image/svg+xml")],
        include_str!("page/icon.svg"),
    )
}

pub(super) async fn script() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/javascript")],
        include_str!("page/panel.js"),
    )
}

/// The cookies that reached the device, as they came: a test sees that only its own do.
pub(super) async fn cookies(headers: HeaderMap) -> String {
    let texts = headers
        .get_all(COOKIE)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    texts.collect::<Vec<_>>().join("\n")
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split("; "))
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(template.to_owned(), |page, (name, value)| {
            page.replace(&format!("{{{{{name}}}}}"), value)
        })
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            // A note cannot name a place of the template.
            '{' => safe += "&#123;",
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_people_is_never_markup() {
        assert_eq!(
            escape("<b a=\"1\">{{name}}&"),
            "&lt;b a=&quot;1&quot;&gt;&#123;&#123;name}}&amp;"
        );
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "revisits=9; visits=3".parse().unwrap());
        assert_eq!(cookie(&headers, "visits"), Some("3"));
        assert_eq!(cookie(&headers, "visit"), None);
    }
}
