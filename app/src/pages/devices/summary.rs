//! How many devices are in which state.

use leptos::prelude::*;

use crate::components::{Shape, StateDot};
use crate::state::{DeviceList, Query};
use crate::words::{counted, grouped};

/// A line of counts; only the total while not all devices are loaded.
#[component]
pub(super) fn Summary(query: Query<DeviceList>) -> impl IntoView {
    move || {
        query.with_ready(|list| {
            let Some(counts) = list.counts() else {
                return view! {
                    <span>{counted(list.total, "device", "devices")}</span>
                    <span class="summary__part">{grouped(list.devices.len() as u64)} " shown"</span>
                }
                .into_any();
            };
            let parts = [
                (counts.online, Shape::Full, "online"),
                (counts.reconnecting, Shape::Half, "reconnecting"),
                (counts.offline, Shape::Hollow, "offline"),
                (counts.never_seen, Shape::Dashed, "not yet seen"),
            ];
            parts
                .into_iter()
                .filter(|(number, ..)| *number > 0)
                .map(|(number, shape, word)| {
                    view! {
                        <span class="summary__part">
                            <StateDot shape=shape />
                            {grouped(number)} " " {word}
                        </span>
                    }
                })
                .collect_view()
                .into_any()
        })
    }
}
