//! The services as tiles: one clear verb each.

use api::{DeviceId, Service, ServiceKind};
use leptos::prelude::*;
use leptos_router::components::A;

use super::{DeviceSignal, part};
use crate::api_client::ApiClient;
use crate::components::{Button, Glyph, Icon, Variant};
use crate::launch::open_web_page;
use crate::pages::service_button::{can_open, glyph, has_page, has_viewer, kind_word};
use crate::paths;
use crate::state::Toasts;
use crate::words::{legible, services_in_order};

/// All services that are not hidden.
#[component]
pub(super) fn ServiceTiles(device: DeviceSignal) -> impl IntoView {
    let services = part(device, |device| {
        let with_reach = |service| (can_open(device, &service), service);
        let all = services_in_order(device).into_iter().map(with_reach);
        Some((device.id, all.collect::<Vec<_>>()))
    });
    view! {
        <section class="section" aria-labelledby="device-services">
            <h2 class="section__title" id="device-services">"Services"</h2>
            {move || services.get().map(|(id, services)| {
                if services.is_empty() {
                    return view! {
                        <p class="section__empty">
                            "Nothing to open. The agent offers what its configuration lists; hidden services are under Settings."
                        </p>
                    }
                    .into_any();
                }
                let tiles = services
                    .into_iter()
                    .map(|(opens, service)| view! { <Tile id=id service=service opens=opens /> })
                    .collect_view();
                view! { <ul class="tiles">{tiles}</ul> }.into_any()
            })}
        </section>
    }
}

#[component]
fn Tile(id: DeviceId, service: Service, opens: bool) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let title = legible(&service.title);
    let label = format!("Open web page {title}");
    let about = format!("{} · port {}", kind_word(service.kind), service.port);
    let kind = service.kind;
    let viewer = paths::viewer(id, &service.name);
    let open = move |_| open_web_page(api, toasts, id, service.name.clone());
    view! {
        <li class="tile">
            <span class="tile__picture"><Icon glyph=glyph(kind) class="icon icon--large" /></span>
            <div class="tile__words">
                <h3 class="tile__title" title=title.clone()><bdi>{title.clone()}</bdi></h3>
                <p class="tile__about numbers">{about}</p>
            </div>
            {match (opens, kind) {
                (true, kind) if has_viewer(kind) => {
                    let verb = if kind == ServiceKind::Ssh { "Open terminal" } else { "Open desktop" };
                    view! {
                        <A
                            href=viewer
                            attr:class=Variant::Primary.class()
                            attr:aria-label=format!("{verb} {title}")
                        >
                            <Icon glyph=glyph(kind) />
                            <span class="button__words">{verb}</span>
                        </A>
                    }
                    .into_any()
                }
                (true, _) => view! {
                    <Button variant=Variant::Primary glyph=Glyph::OpenOut label=label on_click=open>
                        "Open web page"
                    </Button>
                }
                .into_any(),
                (false, kind) if has_page(kind) => view! {
                    <p class="tile__note">"Opens when the device is online"</p>
                }
                .into_any(),
                _ => view! { <p class="tile__note">"Not in the browser yet"</p> }.into_any(),
            }}
        </li>
    }
}
