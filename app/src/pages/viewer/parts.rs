//! The viewers are parts of the wasm that are loaded when one is opened: the first screen does not
//! wait for them.

use api::{DeviceId, ServiceKind};
use leptos::prelude::*;
use leptos::wasm_split::{SplitLoaderError, wasm_split};

use super::DeviceSignal;
use super::panel::{Panel, Tone};
use crate::components::{Glyph, SkeletonRows, Variant};
use crate::pages::desktop::DesktopViewer;
use crate::pages::terminal::TerminalViewer;

/// What a viewer is for.
#[derive(Clone)]
struct Shown {
    device: DeviceSignal,
    id: DeviceId,
    service: String,
}

#[wasm_split(terminal, wasm_split_path = leptos::wasm_split, fallible)]
fn terminal(shown: Shown) -> Result<AnyView, SplitLoaderError> {
    let Shown {
        device,
        id,
        service,
    } = shown;
    Ok(view! { <TerminalViewer device=device id=id service=service /> }.into_any())
}

#[wasm_split(desktop, wasm_split_path = leptos::wasm_split, fallible)]
fn desktop(shown: Shown) -> Result<AnyView, SplitLoaderError> {
    let Shown {
        device,
        id,
        service,
    } = shown;
    Ok(view! { <DesktopViewer device=device id=id service=service /> }.into_any())
}

/// The viewer of a service whose kind has one, once its part is here.
#[component]
pub(super) fn Viewer(
    device: DeviceSignal,
    id: DeviceId,
    service: String,
    kind: ServiceKind,
) -> impl IntoView {
    let again = RwSignal::new(());
    let shown = Shown {
        device,
        id,
        service,
    };
    move || {
        again.track();
        let part = load(shown.clone(), kind);
        let view = Suspend::new(async move {
            part.await
                .unwrap_or_else(|_| view! { <NotLoaded again=again /> }.into_any())
        });
        let waiting = || {
            view! { <main class="frame__alone"><SkeletonRows rows=3 /></main> }
        };
        view! { <Suspense fallback=waiting>{view}</Suspense> }
    }
}

async fn load(shown: Shown, kind: ServiceKind) -> Result<AnyView, SplitLoaderError> {
    match kind {
        ServiceKind::Vnc => desktop(shown).await,
        _ => terminal(shown).await,
    }
}

/// The part did not come: the network, or a server that has been replaced by a newer one.
#[component]
fn NotLoaded(again: RwSignal<()>) -> impl IntoView {
    view! {
        <main class="viewer viewer--alone">
            <h1 class="visually-hidden">"Not loaded"</h1>
            <Panel
                glyph=Glyph::Warning
                tone=Tone::Danger
                title="This page could not be loaded"
                text="Check your connection, then try again. If that does not help, reload the page."
            >
                <button class=Variant::Primary.class() type="button" on:click=move |_| again.set(())>
                    "Try again"
                </button>
            </Panel>
        </main>
    }
}
