//! A service in a row: a button where it can be opened, a plain note where it cannot.

use api::{Device, DeviceId, DeviceState, Service, ServiceKind};
use leptos::prelude::*;
use leptos_router::components::A;

use crate::api_client::ApiClient;
use crate::components::{Glyph, Icon};
use crate::launch::open_web_page;
use crate::paths;
use crate::state::Toasts;
use crate::words::legible;

/// A service's picture.
pub(super) const fn glyph(kind: ServiceKind) -> Glyph {
    match kind {
        ServiceKind::Web => Glyph::Globe,
        ServiceKind::Ssh => Glyph::Terminal,
        ServiceKind::Vnc | ServiceKind::Rdp => Glyph::Monitor,
        ServiceKind::Tcp => Glyph::Plug,
    }
}

/// What a service speaks, as people say it.
pub(super) const fn kind_word(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Web => "Web",
        ServiceKind::Ssh => "SSH",
        ServiceKind::Vnc => "VNC",
        ServiceKind::Rdp => "RDP",
        ServiceKind::Tcp => "TCP",
    }
}

/// Whether services of this kind are seen in the viewer's page.
pub(super) const fn has_viewer(kind: ServiceKind) -> bool {
    matches!(kind, ServiceKind::Ssh | ServiceKind::Vnc)
}

/// Whether services of this kind open in the browser at all.
pub(super) const fn has_page(kind: ServiceKind) -> bool {
    has_viewer(kind) || matches!(kind, ServiceKind::Web)
}

/// Whether a click can open the service now.
pub(super) fn can_open(device: &Device, service: &Service) -> bool {
    device.state == DeviceState::Online && has_page(service.kind)
}

/// The small form of a service, in a row of the list.
#[component]
pub(super) fn ServiceButton(
    id: DeviceId,
    device_name: String,
    service: Service,
    opens: bool,
) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let title = legible(&service.title);
    if !opens {
        let about = format!(
            "{title}: {} on port {}",
            kind_word(service.kind),
            service.port
        );
        return view! {
            <span class="chip" title=about>
                <Icon glyph=glyph(service.kind) />
                <bdi class="chip__word">{title}</bdi>
            </span>
        }
        .into_any();
    }
    let label = format!("Open {title} of {}", legible(&device_name));
    if has_viewer(service.kind) {
        return view! {
            <A
                href=paths::viewer(id, &service.name)
                attr:class="button button--secondary button--small"
                attr:aria-label=label.clone()
                attr:title=label
            >
                <Icon glyph=glyph(service.kind) />
                <bdi class="button__words">{title}</bdi>
            </A>
        }
        .into_any();
    }
    let open = move |_| open_web_page(api, toasts, id, service.name.clone());
    view! {
        <button
            class="button button--secondary button--small"
            type="button"
            aria-label=label.clone()
            title=label
            on:click=open
        >
            <Icon glyph=Glyph::Globe />
            <bdi class="button__words">{title}</bdi>
        </button>
    }
    .into_any()
}
