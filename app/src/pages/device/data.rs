//! How much data the device used.

use api::{DeviceId, DeviceUsage, Event, Timestamp};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::api_client::ApiClient;
use crate::live::Live;
use crate::state::{Loaded, Query};
use crate::words::{UsageWords, usage_words};

/// Today, 7 days, 30 days, and a bar for each of them.
#[component]
pub(super) fn DataUse(id: DeviceId) -> impl IntoView {
    let api = ApiClient::expect();
    let query = Query::new(move || api.device_usage(id));
    Live::expect().subscribe(move |event| {
        if matches!(event, Event::Resync) {
            query.refresh();
        }
    });
    view! {
        <section class="section" aria-labelledby="device-data">
            <h2 class="section__title" id="device-data">"Data"</h2>
            {move || match query.get() {
                Loaded::Ready(usage) => used(&usage),
                Loaded::Loading => view! { <div class="data data--loading" /> }.into_any(),
                Loaded::Failed(_) => view! {
                    <p class="section__empty">"What this device used cannot be read now."</p>
                }
                .into_any(),
            }}
        </section>
    }
}

fn used(usage: &DeviceUsage) -> AnyView {
    let Some(words) = usage_words(usage, date) else {
        let text = "Nothing in the last 30 days.";
        return view! { <p class="section__empty">{text}</p> }.into_any();
    };
    let UsageWords {
        sums,
        about,
        people,
        bars,
        bars_in_words,
    } = words;
    let sums = sums.map(|(word, sum)| {
        view! {
            <div class="data__sum">
                <dt class="data__word">{word}</dt>
                <dd class="data__figure numbers">{sum}</dd>
            </div>
        }
    });
    let bars = bars
        .into_iter()
        .map(|(percent, words)| {
            let height = format!("{percent}%");
            view! {
                <span class="data__day" title=words>
                    <span class="data__bar" style:block-size=height />
                </span>
            }
        })
        .collect_view();
    view! {
        <div class="data">
            <dl class="data__sums">{sums}</dl>
            <div class="data__days" role="img" aria-label=bars_in_words>{bars}</div>
            <p class="data__about numbers">{about}</p>
            {(!people.is_empty()).then(|| view! {
                <dl class="data__people" aria-label="Data by person">
                    {people.into_iter().map(|(name, sum)| view! {
                        <div class="data__person">
                            <dt><bdi>{name}</bdi></dt>
                            <dd class="numbers">{sum}</dd>
                        </div>
                    }).collect_view()}
                </dl>
            })}
        </div>
    }
    .into_any()
}

/// A day of the server's count, which is of UTC: `12 Nov`, as the browser's language has it.
fn date(at: Timestamp) -> String {
    let date = js_sys::Date::new(&JsValue::from_f64(at.0 as f64 / 1000.0));
    let options = js_sys::Object::new();
    for (name, value) in [("day", "numeric"), ("month", "short"), ("timeZone", "UTC")] {
        // Setting a field of a fresh object cannot fail.
        let _ = js_sys::Reflect::set(&options, &name.into(), &value.into());
    }
    String::from(date.to_locale_date_string("default", &options))
}
