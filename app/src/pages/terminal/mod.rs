//! A shell on a device: SSH is spoken in a Worker, xterm.js draws, this page is in between.
//!
//! `session` decides, `control` does; the rest is what is seen. Passwords and private keys are in
//! the fields and in the Worker, never in storage, and never at our server.

mod actions;
mod chords;
mod clipboard;
mod control;
mod dialogs;
mod drawn;
mod ending;
mod key_field;
mod key_row;
mod keys;
mod links;
mod palette;
mod paste;
pub(super) mod pins;
mod questions;
mod screen;
mod search_bar;
mod session;
mod settings;
mod sign_in;
mod status;
mod touch;
mod xterm;

use std::time::Duration;

use api::{DeviceId, DeviceState};
use gloo_events::{EventListener, EventListenerOptions};
use leptos::html;
use leptos::prelude::*;

use self::actions::{Actions, SelectionBar};
use self::control::Control;
use self::dialogs::{LinkDialog, PasteDialog};
use self::ending::Over;
use self::key_row::KeyRow;
use self::questions::{HostKeyQuestion, PromptForm};
use self::search_bar::SearchBar;
use self::session::{Input, Stage, Step};
use self::sign_in::SignInCard;
use super::viewer::{Away, DeviceSignal, Status, ViewerFrame, service_of};
use crate::state::{Theme, set_title, window};
use crate::words::legible;

/// What fills the stage beside the terminal itself. The card stays the same while it is busy: what
/// was typed and the focus stay too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    Card,
    HostKey,
    Prompts,
    Away,
    Over,
    None,
}

fn cover(stage: &Stage) -> Cover {
    match stage {
        Stage::SignIn(_) | Stage::Busy(_) => Cover::Card,
        Stage::HostKey(_) => Cover::HostKey,
        Stage::Prompts { .. } => Cover::Prompts,
        Stage::Running => Cover::None,
        Stage::Away => Cover::Away,
        Stage::Over(_) => Cover::Over,
    }
}

/// A terminal in the viewer's frame.
#[component]
pub(super) fn TerminalViewer(device: DeviceSignal, id: DeviceId, service: String) -> impl IntoView {
    let online = Memo::new(move |_| {
        device.with(|device| {
            let state = device.as_ref().map(|device| device.state);
            state == Some(DeviceState::Online)
        })
    });
    let control = Control::new(device, id, service, online.get_untracked());
    let running = Memo::new(move |_| control.stage.with(|stage| *stage == Stage::Running));
    Effect::new(move |_| control.take(Input::Reachable(online.get())));
    limit_steps(control);
    follow_theme(control);
    warn_before_leaving(control);
    let service_title = Memo::new(move |_| {
        device.with(|device| {
            let name = control.service.get_value();
            let service = service_of(device.as_deref(), &name);
            service.map_or(name.clone(), |service| legible(&service.title))
        })
    });
    let shown_title = Memo::new(move |_| {
        let own = control.title.get().filter(|_| running.get());
        own.unwrap_or_else(|| service_title.get())
    });
    name_tab(control, shown_title);
    view! {
        <ViewerFrame
            device=device
            id=id
            title=shown_title
            status=Signal::derive(move || {
                let words = control.stage.with(status::words);
                let reconnecting = control.reconnecting.get();
                Status::told(words, running.get(), online.get(), reconnecting)
            })
            measure=control.measure
            hides=running
            called_back=control.bar
            actions=move || view! { <Actions control=control running=running /> }
            foot=move || view! { <KeyRow control=control running=running /> }
        >
            <SearchBar control=control />
            <Drawing control=control />
            <SelectionBar control=control />
            <Covers control=control />
            <PasteDialog control=control />
            <LinkDialog control=control />
        </ViewerFrame>
    }
}

#[component]
fn Drawing(control: Control) -> impl IntoView {
    let host = NodeRef::<html::Div>::new();
    Effect::new(move |drawn: Option<bool>| {
        if drawn == Some(true) {
            return true;
        }
        match host.get() {
            Some(host) => {
                control.draw(host.into());
                true
            }
            None => false,
        }
    });
    view! {
        <div
            class="shell"
            class:shell--rings=move || control.bell.rings.get()
            role="region"
            aria-label="Terminal"
        >
            <div class="shell__host" node_ref=host></div>
        </div>
    }
}

#[component]
fn Covers(control: Control) -> impl IntoView {
    let kind = Memo::new(move |_| control.stage.with(cover));
    let fields = sign_in::Fields::new(control);
    move || match kind.get() {
        Cover::None => ().into_any(),
        Cover::Card => view! { <SignInCard control=control fields=fields /> }.into_any(),
        Cover::HostKey => view! { <HostKeyQuestion control=control /> }.into_any(),
        Cover::Prompts => view! { <PromptForm control=control /> }.into_any(),
        Cover::Away => {
            let try_now = Callback::new(move |()| control.take(Input::Retry));
            view! { <Away device=control.device id=control.id try_now=try_now /> }.into_any()
        }
        Cover::Over => view! { <Over control=control /> }.into_any(),
    }
}

/// No step waits for ever. Signing in may be slow on purpose: servers delay what they refuse.
fn limit_steps(control: Control) {
    Effect::new(move |_| {
        let patience_s = match control.stage.get() {
            Stage::Busy(Step::SigningIn) => 60,
            Stage::Busy(_) => 30,
            _ => return,
        };
        let timer = set_timeout_with_handle(
            move || control.take(Input::TimedOut),
            Duration::from_secs(patience_s),
        );
        on_cleanup(move || {
            if let Ok(timer) = timer {
                timer.clear();
            }
        });
    });
}

/// The theme changes by a choice in the app, or with the system.
fn follow_theme(control: Control) {
    let theme = Theme::expect();
    Effect::new(move |_| {
        theme.track();
        control.with_screen(screen::Screen::recolour);
    });
    let asked = "(prefers-color-scheme: dark)";
    let system = window().and_then(|window| window.match_media(asked).ok().flatten());
    if let Some(system) = system {
        let changed = EventListener::new(&system, "change", move |_| {
            control.with_screen(screen::Screen::recolour);
        });
        StoredValue::new_local(changed);
    }
}

/// Ctrl+W deletes a word in a shell, and closes the tab in a browser.
fn warn_before_leaving(control: Control) {
    let Some(window) = window() else { return };
    let asks = EventListenerOptions::enable_prevent_default();
    let leaving = EventListener::new_with_options(&window, "beforeunload", asks, move |event| {
        if control.is_running() {
            event.prevent_default();
        }
    });
    StoredValue::new_local(leaving);
}

fn name_tab(control: Control, title: Memo<String>) {
    let device = control.device;
    let name = Memo::new(move |_| {
        device.with(|device| device.as_ref().map(|device| legible(&device.name)))
    });
    Effect::new(move |_| {
        let mark = if control.bell.rang.get() { "● " } else { "" };
        let device = name.get().unwrap_or_default();
        set_title(&format!("{mark}{} · {device}", title.get()));
    });
}
