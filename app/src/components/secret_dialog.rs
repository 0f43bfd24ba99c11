//! A secret, shown once.

use leptos::prelude::*;

use super::{Button, CopyField, Dialog, Variant};

/// A dialog with the secret; it is forgotten when the dialog closes.
#[component]
pub(crate) fn SecretDialog(
    title: &'static str,
    text: &'static str,
    secret: RwSignal<Option<String>>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(secret.with(Option::is_some)));
    Effect::new(move |was: Option<bool>| {
        let is = open.get();
        if was == Some(true) && !is {
            secret.set(None);
        }
        is
    });
    view! {
        <Dialog open=open title=Signal::stored(title.to_owned())>
            <div class="form">
                <p class="dialog__text">{text}</p>
                {move || secret.get().map(|secret| view! {
                    <CopyField text=secret label="Copy the secret" />
                })}
                <div class="form__actions">
                    <Button variant=Variant::Primary on_click=move |_| open.set(false)>"Done"</Button>
                </div>
            </div>
        </Dialog>
    }
}
