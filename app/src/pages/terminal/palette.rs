//! The terminal's colours: the tokens of `style/tokens.css`, as the theme has them now.

use wasm_bindgen::JsValue;
use web_sys::HtmlElement;

use super::xterm;
use crate::state::{document, window};

/// xterm.js's names for the tokens `--term-…`.
const COLOURS: [(&str, &str); 23] = [
    ("background", "ground"),
    ("foreground", "text"),
    ("cursor", "cursor"),
    ("cursorAccent", "ground"),
    ("selectionBackground", "selection"),
    ("selectionInactiveBackground", "selection"),
    ("scrollbarSliderBackground", "slider"),
    ("black", "black"),
    ("red", "red"),
    ("green", "green"),
    ("yellow", "yellow"),
    ("blue", "blue"),
    ("magenta", "magenta"),
    ("cyan", "cyan"),
    ("white", "white"),
    ("brightBlack", "bright-black"),
    ("brightRed", "bright-red"),
    ("brightGreen", "bright-green"),
    ("brightYellow", "bright-yellow"),
    ("brightBlue", "bright-blue"),
    ("brightMagenta", "bright-magenta"),
    ("brightCyan", "bright-cyan"),
    ("brightWhite", "bright-white"),
];

/// The theme for the terminal in `host`. A token says `light-dark(…)`: only as the colour of an
/// element does it become one of the two.
pub(super) fn theme(host: &HtmlElement) -> JsValue {
    let resolved = |token: &str| -> Option<JsValue> {
        let probe = document()?.create_element("i").ok()?;
        let colour = format!("color: var(--term-{token})");
        probe.set_attribute("style", &colour).ok()?;
        host.append_child(&probe).ok()?;
        let styles = window()?.get_computed_style(&probe).ok().flatten();
        let value = styles.and_then(|styles| styles.get_property_value("color").ok());
        probe.remove();
        value.map(Into::into)
    };
    let entries: Vec<(&str, JsValue)> = COLOURS
        .iter()
        .filter_map(|(name, token)| Some((*name, resolved(token)?)))
        .collect();
    xterm::object(&entries).into()
}
