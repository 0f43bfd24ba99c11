//! The list of devices, live.

mod list;
mod row;
mod search;
mod source;
mod summary;

use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use self::list::DeviceListView;
use self::search::Search;
use self::source::Source;
use self::summary::Summary;
use crate::components::{EmptyState, Failure, Glyph, Icon, PageHeader, SkeletonRows, Variant};
use crate::paths;
use crate::state::Loaded;
use crate::words::failure_words;

/// What the page shows beneath its header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Loading,
    Failed,
    Empty,
    NoMatch,
    Devices,
}

/// All devices, or those that a search finds.
#[component]
pub(crate) fn DevicesPage() -> impl IntoView {
    let query = use_query_map();
    let search = Memo::new(move |_| query.with(|query| query.get("search")).unwrap_or_default());
    let source = Source::new(search);
    let phase = Memo::new(move |_| {
        source.query.with(|loaded| match loaded {
            Loaded::Loading => Phase::Loading,
            Loaded::Failed(_) => Phase::Failed,
            Loaded::Ready(list) if !list.devices.is_empty() => Phase::Devices,
            Loaded::Ready(_) if search.with(|search| search.trim().is_empty()) => Phase::Empty,
            Loaded::Ready(_) => Phase::NoMatch,
        })
    });
    view! {
        <PageHeader title="Devices" summary=move || view! { <Summary query=source.query /> }>
            <Search search=search />
            <A href=paths::ADD_DEVICE attr:class=format!("{} page-header__add", Variant::Primary.class())>
                <Icon glyph=Glyph::Plus />
                <span class="button__words">"Add device"</span>
            </A>
        </PageHeader>
        {move || match phase.get() {
            Phase::Loading => view! { <SkeletonRows rows=8 /> }.into_any(),
            Phase::Failed => view! { <Failed source=source /> }.into_any(),
            Phase::Empty => view! { <NoDevices /> }.into_any(),
            Phase::NoMatch => view! { <NoMatch search=search /> }.into_any(),
            Phase::Devices => view! { <DeviceListView source=source /> }.into_any(),
        }}
    }
}

#[component]
fn Failed(source: Source) -> impl IntoView {
    move || {
        let Loaded::Failed(error) = source.query.get() else {
            return None;
        };
        let words = failure_words(&error);
        Some(view! {
            <Failure
                title=words.title
                advice=words.advice
                request_id=words.request_id
                on_retry=move |()| source.query.retry()
            />
        })
    }
}

#[component]
fn NoDevices() -> impl IntoView {
    view! {
        <EmptyState
            glyph=Glyph::Devices
            title="Connect your first device"
            text="Run one command on a device behind any NAT or firewall, and it appears here, ready to open."
        >
            <A href=paths::ADD_DEVICE attr:class=Variant::Primary.class()>
                <Icon glyph=Glyph::Plus />
                <span class="button__words">"Add device"</span>
            </A>
        </EmptyState>
    }
}

#[component]
fn NoMatch(search: Memo<String>) -> impl IntoView {
    view! {
        <EmptyState
            glyph=Glyph::Search
            title="No device matches"
            text=format!(
                "Nothing has “{}” in its name, label, host name or address.",
                search.get_untracked().trim(),
            )
        >
            <A href=paths::DEVICES attr:class=Variant::Secondary.class()>"Show all devices"</A>
        </EmptyState>
    }
}
