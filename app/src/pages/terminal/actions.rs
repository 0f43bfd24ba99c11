//! What can be done with a terminal, besides typing.

use leptos::prelude::*;

use super::chords::{Chord, LEAVE};
use super::control::Control;
use super::session::{Input, Stage};
use super::settings::Settings;
use crate::components::{Glyph, Icon, IconButton, Menu};
use crate::pages::viewer::Entry;

/// In the bar: the search at hand, the rest in a menu.
#[component]
pub(super) fn Actions(control: Control, running: Memo<bool>) -> impl IntoView {
    // Also when it is over: what was written can be searched and copied.
    let shown = Memo::new(move |_| {
        let over = control.stage.with(|stage| matches!(stage, Stage::Over(_)));
        running.get() || (over && control.written.get())
    });
    move || {
        shown.get().then(|| {
            view! {
                <button
                    class="button button--quiet button--icon"
                    id="terminal-search-button"
                    type="button"
                    title=format!("Search (Ctrl+Shift+F). {LEAVE} leads from the terminal to here.")
                    aria-label="Search in the terminal"
                    on:click=move |_| control.searching.update(|on| *on = !*on)
                >
                    <Icon glyph=Glyph::Search />
                </button>
                <Menu
                    class="button button--quiet button--icon"
                    label="More actions"
                    button=|| view! { <Icon glyph=Glyph::More /> }
                >
                    <Entries control=control running=running />
                </Menu>
            }
        })
    }
}

#[component]
fn Entries(control: Control, running: Memo<bool>) -> impl IntoView {
    let reader = Memo::new(move |_| control.settings.with(|settings| settings.reader));
    let flip_reader = |settings: Settings| Settings {
        reader: !settings.reader,
        ..settings
    };
    let is_over = Signal::derive(move || !running.get());
    view! {
        <Entry word="Copy" keys="Ctrl+Shift+C" act=move || control.copy() />
        <Entry word="Paste" keys="Ctrl+Shift+V" off=is_over act=move || control.paste() />
        <Entry
            word="Select all"
            act=move || control.with_screen(|screen| screen.terminal().select_all())
        />
        <hr class="menu__line" />
        <Entry word="Larger text" keys="Ctrl+Plus" act=move || control.chord(Chord::Larger) />
        <Entry word="Smaller text" keys="Ctrl+Minus" act=move || control.chord(Chord::Smaller) />
        <Entry word="Usual text size" keys="Ctrl+0" act=move || control.chord(Chord::UsualSize) />
        <hr class="menu__line" />
        <Entry
            word=Signal::derive(move || {
                if reader.get() { "Screen reader support: on" } else { "Screen reader support: off" }
            })
            act=move || control.change_settings(flip_reader)
        />
        <Entry
            word="Clear what has scrolled away"
            act=move || control.with_screen(|screen| screen.terminal().clear())
        />
        <hr class="menu__line" />
        <Entry word="Disconnect" off=is_over act=move || control.take(Input::Cancel) />
    }
}

/// What a finger can do with what it has selected.
#[component]
pub(super) fn SelectionBar(control: Control) -> impl IntoView {
    let clear = move || control.with_screen(|screen| screen.terminal().clear_selection());
    move || {
        control.selected.get().then(|| {
            view! {
                <div class="selection-bar" role="toolbar" aria-label="Selection">
                    <button class="button button--primary" type="button" on:click=move |_| { control.copy(); clear(); }>
                        "Copy"
                    </button>
                    <button class="button button--secondary" type="button" on:click=move |_| control.paste()>
                        "Paste"
                    </button>
                    <IconButton glyph=Glyph::Close label="Clear the selection" on_click=move |_| clear() />
                </div>
            }
        })
    }
}
