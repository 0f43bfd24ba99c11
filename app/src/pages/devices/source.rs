//! Where the list comes from: pages of the API, kept up to date by events.

use api::{DeviceQuery, Event};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api_client::{ApiClient, ApiError};
use crate::live::Live;
use crate::state::{DeviceList, Query, Toasts};

/// Two screens of rows.
const PAGE_ROWS: u32 = 100;

/// The list of the present search.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) query: Query<DeviceList>,
    pub(super) loading_more: RwSignal<bool>,
    api: ApiClient,
    toasts: Toasts,
    search: Memo<String>,
}

impl Source {
    /// Reads the list of this search and follows it until the page ends.
    pub(super) fn new(search: Memo<String>) -> Self {
        let api = ApiClient::expect();
        // Reading anew must not make a long list short: as much as was shown is read again.
        let shown = StoredValue::new((String::new(), 0_usize));
        let query = Query::new(move || {
            let search = search.get();
            let (of, rows) = shown.get_value();
            let at_least = if of == search { rows } else { 0 };
            read(api, search, at_least)
        });
        Effect::new(move |_| {
            let rows = query.with_ready(|list| list.devices.len()).unwrap_or(0);
            shown.set_value((search.get(), rows));
        });
        Live::expect().subscribe(move |event| match event {
            Event::DeviceChanged { device } => query.change(|list| list.upsert((**device).clone())),
            Event::DeviceRemoved { device_id } => query.change(|list| list.remove(*device_id)),
            _ => query.refresh(),
        });
        Self {
            query,
            loading_more: RwSignal::new(false),
            api,
            toasts: Toasts::expect(),
            search,
        }
    }

    /// Reads the next page.
    pub(super) fn load_more(self) {
        let cursor = self
            .query
            .with_ready_untracked(|list| list.next_cursor.clone());
        let Some(cursor) = cursor
            .flatten()
            .filter(|_| !self.loading_more.get_untracked())
        else {
            return;
        };
        self.loading_more.set(true);
        let search = self.search.get_untracked();
        spawn_local(async move {
            let query = page_query(&search, Some(cursor.clone()));
            let answer = self.api.devices(&query).await;
            self.loading_more.try_set(false);
            match answer {
                // A list that was read anew in between has another end.
                Ok(page) => self.query.change(|list| {
                    if list.next_cursor.as_ref() == Some(&cursor) {
                        list.append(page);
                    }
                }),
                Err(error) => self.toasts.failed(&error),
            }
        });
    }
}

async fn read(api: ApiClient, search: String, at_least: usize) -> Result<DeviceList, ApiError> {
    let first = api.devices(&page_query(&search, None)).await?;
    let mut list = DeviceList::new(&search, first);
    while list.devices.len() < at_least
        && let Some(cursor) = list.next_cursor.clone()
    {
        let next = api.devices(&page_query(&search, Some(cursor))).await?;
        if next.items.is_empty() {
            break;
        }
        list.append(next);
    }
    Ok(list)
}

fn page_query(search: &str, cursor: Option<String>) -> DeviceQuery {
    let search = search.trim();
    DeviceQuery {
        search: (!search.is_empty()).then(|| search.to_owned()),
        cursor,
        limit: Some(PAGE_ROWS),
    }
}
