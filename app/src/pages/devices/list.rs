//! The rows, and what leads to more of them.

use leptos::prelude::*;

use super::row::DeviceRow;
use super::source::Source;
use crate::components::Button;
use crate::words::grouped;

/// The loaded devices. Rows keep their identity: a change redraws only what differs.
#[component]
pub(super) fn DeviceListView(source: Source) -> impl IntoView {
    let query = source.query;
    let ids = Memo::new(move |_| {
        query
            .with_ready(|list| {
                list.devices
                    .iter()
                    .map(|device| device.id)
                    .collect::<Vec<_>>()
            })
            .unwrap_or_default()
    });
    let left = Memo::new(move |_| {
        query
            .with_ready(|list| {
                let left = list.total.saturating_sub(list.devices.len() as u64);
                list.next_cursor.as_ref().map(|_| left)
            })
            .flatten()
    });
    view! {
        <div class="device-list">
            <div class="device-list__head" aria-hidden="true">
                <span></span>
                <span>"Name"</span>
                <span>"System"</span>
                <span>"Services"</span>
                <span class="device-list__number">"Round trip"</span>
                <span>"Last seen"</span>
            </div>
            <ul class="device-list__rows" aria-label="Devices">
                <For each=move || ids.get() key=|id| *id let:id>
                    <DeviceRow query=query id=id />
                </For>
            </ul>
        </div>
        {move || left.get().map(|left| view! {
            <div class="device-list__more">
                <Button busy=source.loading_more on_click=move |_| source.load_more()>
                    "Show more"
                </Button>
                <span class="device-list__left numbers">{grouped(left)} " more"</span>
            </div>
        })}
    }
}
