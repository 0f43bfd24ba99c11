//! Asks before something is taken away for good.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::{Button, Dialog, TextField, Variant};

/// A dialog that says what will be lost and does it on demand.
#[component]
pub(crate) fn Confirm(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// What is lost.
    #[prop(into)]
    text: Signal<String>,
    /// What the button says: names the act and the thing.
    #[prop(into)]
    action: Signal<String>,
    /// What must be typed first, for what cannot be undone.
    #[prop(optional, into)]
    typed_name: Signal<Option<String>>,
    #[prop(into)] busy: Signal<bool>,
    #[prop(into)] on_confirm: Callback<()>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let asks = Memo::new(move |_| typed_name.with(Option::is_some));
    let allowed = Memo::new(move |_| {
        typed_name.with(|name| {
            name.as_ref()
                .is_none_or(|name| typed.with(|typed| typed.trim() == name.trim()))
        })
    });
    Effect::new(move |_| {
        if !open.get() {
            typed.set(String::new());
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if allowed.get_untracked() && !busy.get_untracked() {
            on_confirm.run(());
        }
    };
    view! {
        <Dialog open=open title=title>
            <form class="form" on:submit=submit>
                <p class="dialog__text">{move || text.get()}</p>
                {move || asks.get().then(|| view! {
                    <p class="dialog__text">
                        "To confirm, type " <strong><bdi>{move || typed_name.get()}</bdi></strong>
                    </p>
                    <TextField id="confirm-name" label="Name" value=typed focused=true />
                })}
                <div class="form__actions">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button
                        variant=Variant::Danger
                        submits=true
                        busy=busy
                        disabled=Signal::derive(move || !allowed.get())
                    >
                        {move || action.get()}
                    </Button>
                </div>
            </form>
        </Dialog>
    }
}
