//! A point in time, relative, with the absolute in the tooltip.

use api::Timestamp;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::state::Clock;
use crate::words::relative;

/// A time that stays right while the page is open.
#[component]
pub(crate) fn Time(at: Timestamp) -> impl IntoView {
    let clock = Clock::expect();
    let date = js_sys::Date::new(&JsValue::from_f64(at.0 as f64 / 1000.0));
    let absolute = String::from(date.to_locale_string("default", &JsValue::UNDEFINED));
    let machine = date.to_iso_string().as_string();
    view! {
        <time class="numbers" datetime=machine title=absolute>
            {move || relative(at, clock.now())}
        </time>
    }
}
