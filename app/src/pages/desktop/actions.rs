//! What can be done with a desktop, besides using it.

use leptos::prelude::*;
use remote_messages::vnc::ToWorker;

use super::control::{Control, FIRST_ACTION};
use super::full_screen;
use super::geometry::Zoom;
use super::keyboard::LEAVE;
use super::session::Input;
use super::settings::QUALITIES;
use crate::components::{Glyph, Icon, Menu};
use crate::pages::viewer::Entry;

/// In the bar: the clipboard and the full screen at hand, the rest in a menu.
#[component]
pub(super) fn Actions(control: Control, running: Memo<bool>) -> impl IntoView {
    let full = full_screen::follow();
    move || {
        running.get().then(|| {
            view! {
                <button
                    class="button button--quiet button--icon"
                    id=FIRST_ACTION
                    type="button"
                    title=format!("Clipboard. {LEAVE} leads from the desktop to here.")
                    aria-label="Clipboard"
                    on:click=move |_| control.clipboard_open.set(true)
                >
                    <Icon glyph=Glyph::Clipboard />
                </button>
                {full_screen::is_possible().then(|| view! {
                    <button
                        class="button button--quiet button--icon"
                        type="button"
                        title="Full screen"
                        aria-label="Full screen"
                        aria-pressed=move || full.get().to_string()
                        on:click=move |_| full_screen::flip()
                    >
                        {move || {
                            let glyph = if full.get() { Glyph::Window } else { Glyph::FullScreen };
                            view! { <Icon glyph=glyph /> }
                        }}
                    </button>
                })}
                <Menu
                    class="button button--quiet button--icon"
                    label="More actions"
                    button=|| view! { <Icon glyph=Glyph::More /> }
                >
                    <Entries control=control />
                </Menu>
            }
        })
    }
}

#[component]
fn Entries(control: Control) -> impl IntoView {
    let fits = Signal::derive(move || control.zoom.get() == Zoom::Fit);
    let actual = Signal::derive(move || control.zoom.get() == Zoom::ACTUAL);
    view! {
        <Entry word="Fit the window" on=fits act=move || control.zoom.set(Zoom::Fit) />
        <Entry word="Actual size" on=actual act=move || control.zoom.set(Zoom::ACTUAL) />
        <Entry word="Give the desktop this window's size" act=move || control.resize_to_room() />
        <hr class="menu__line" />
        {QUALITIES.map(|(quality, _, word)| {
            let on = Signal::derive(move || control.quality.get() == quality);
            view! { <Entry word=word on=on act=move || control.choose_quality(quality) /> }
        })}
        <hr class="menu__line" />
        <Entry word="Send Ctrl+Alt+Del" act=move || control.say(&ToWorker::ControlAltDelete) />
        <Entry word="Draw the picture anew" act=move || control.say(&ToWorker::Refresh) />
        <Entry word="Save a screenshot" act=move || control.say(&ToWorker::Screenshot) />
        <hr class="menu__line" />
        <Entry word="Disconnect" act=move || control.take(Input::Leave) />
    }
}
