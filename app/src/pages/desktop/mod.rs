//! A device's desktop: VNC is spoken and drawn in a Worker, this page is around it.
//!
//! `session` decides, `control` does; the rest is what is seen and touched. The password is in its
//! field and in the Worker, never in storage. The server in between passes VNC on: unlike a
//! terminal's SSH it is not encrypted from end to end.

mod actions;
mod clipboard;
mod control;
mod ending;
mod full_screen;
mod geometry;
mod gestures;
mod held;
mod key_row;
mod keyboard;
mod picture;
mod screenshot;
mod session;
mod settings;
mod sign_in;
mod status;
mod touch;
mod typed;

use std::time::Duration;

use api::{DeviceId, DeviceState};
use leptos::prelude::*;

use self::actions::Actions;
use self::clipboard::ClipboardDialog;
use self::control::{Control, KEYS};
use self::ending::Over;
use self::key_row::KeyRow;
use self::picture::{Picture, has_mouse};
use self::session::{Input, Stage};
use self::sign_in::SignInCard;
use super::viewer::{Away, DeviceSignal, Status, ViewerFrame, service_of};
use crate::state::{focus, set_title};
use crate::words::legible;

/// Reaching a device may be slow, asking for a first picture too.
const PATIENCE: Duration = Duration::from_secs(30);

/// What fills the stage beside the picture itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    Card,
    Away,
    Over,
    None,
}

fn cover(stage: &Stage) -> Cover {
    match stage {
        Stage::Busy(_) | Stage::Password(_) => Cover::Card,
        Stage::Running => Cover::None,
        Stage::Away => Cover::Away,
        Stage::Over(_) => Cover::Over,
    }
}

/// A desktop in the viewer's frame.
#[component]
pub(super) fn DesktopViewer(device: DeviceSignal, id: DeviceId, service: String) -> impl IntoView {
    let online = Memo::new(move |_| {
        device.with(|device| {
            let state = device.as_ref().map(|device| device.state);
            state == Some(DeviceState::Online)
        })
    });
    let control = Control::new(device, id, service, online.get_untracked());
    let running = Memo::new(move |_| control.stage.with(|stage| *stage == Stage::Running));
    Effect::new(move |_| control.take(Input::Reachable(online.get())));
    Effect::new(move |begun: Option<()>| {
        if begun.is_none() {
            control.take(Input::Begin);
        }
    });
    Effect::new(move |_| {
        if running.get() && has_mouse() {
            focus(KEYS);
        }
    });
    limit_steps(control);
    let service_title = Memo::new(move |_| {
        device.with(|device| {
            let name = control.service.get_value();
            let service = service_of(device.as_deref(), &name);
            service.map_or(name.clone(), |service| legible(&service.title))
        })
    });
    let shown_title = Memo::new(move |_| {
        let device = device.with(|device| device.as_ref().map(|device| legible(&device.name)));
        // Many call themselves as the device is called, which stands beside it already.
        let own = control
            .name
            .get()
            .filter(|own| running.get() && device.as_ref() != Some(own));
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
            <Picture control=control />
            <Covers control=control />
            <ClipboardDialog control=control />
        </ViewerFrame>
    }
}

#[component]
fn Covers(control: Control) -> impl IntoView {
    let kind = Memo::new(move |_| control.stage.with(cover));
    move || match kind.get() {
        Cover::None => ().into_any(),
        Cover::Card => view! { <SignInCard control=control /> }.into_any(),
        Cover::Away => {
            let try_now = Callback::new(move |()| control.take(Input::Retry));
            view! { <Away device=control.device id=control.id try_now=try_now /> }.into_any()
        }
        Cover::Over => view! { <Over control=control /> }.into_any(),
    }
}

/// No step waits for ever.
fn limit_steps(control: Control) {
    Effect::new(move |_| {
        if !matches!(control.stage.get(), Stage::Busy(_)) {
            return;
        }
        let timer = set_timeout_with_handle(move || control.take(Input::TimedOut), PATIENCE);
        on_cleanup(move || {
            if let Ok(timer) = timer {
                timer.clear();
            }
        });
    });
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
