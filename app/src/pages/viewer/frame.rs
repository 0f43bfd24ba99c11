//! The frame around a terminal or a desktop.

use api::DeviceId;
use leptos::html;
use leptos::prelude::*;

use super::bar::{Bar, Measure};
use super::status::{Status, Waits};
use super::{DeviceSignal, viewport};
use crate::components::{Glyph, Icon};

/// A dark frame with a slim bar. On a phone the bar goes away while `hides` says so, and comes back
/// by a tap at the top.
#[component]
pub(crate) fn ViewerFrame(
    device: DeviceSignal,
    id: DeviceId,
    /// What runs in it, beside the device's name.
    #[prop(into)]
    title: Signal<String>,
    /// The connection in words.
    #[prop(into)]
    status: Signal<Status>,
    #[prop(optional, into)] measure: Signal<Option<Measure>>,
    #[prop(optional, into)] hides: Signal<bool>,
    /// Whether the bar was called back: by a tap here, or by a key in the content.
    #[prop(optional)]
    called_back: RwSignal<bool>,
    #[prop(optional, into)] actions: ViewFn,
    /// Above a phone's keyboard.
    #[prop(optional, into)]
    foot: ViewFn,
    children: Children,
) -> impl IntoView {
    let hidden = Memo::new(move |_| hides.get() && !called_back.get());
    let node = NodeRef::<html::Div>::new();
    viewport::follow(node);
    view! {
        <div
            class="viewer"
            class:viewer--floats=move || hides.get()
            class:viewer--hidden=move || hidden.get()
            node_ref=node
        >
            <Bar device=device id=id title=title status=status measure=measure actions=actions />
            {move || hidden.get().then(|| view! {
                <button
                    class="viewer__handle"
                    type="button"
                    aria-label="Show the bar"
                    on:click=move |_| called_back.set(true)
                >
                    <Icon glyph=Glyph::Down />
                </button>
            })}
            <Waits status=status />
            <main
                class="viewer__stage"
                id="content"
                on:pointerdown=move |_| called_back.set(false)
            >
                {children()}
            </main>
            <footer class="viewer__foot">{foot.run()}</footer>
        </div>
    }
}
