//! The web app: pages, components, state.
//!
//! It runs in the browser alone and knows the server by its REST API and one stream of events.
//! `<body data-ready>` says that it is mounted: tests wait for it before the first click.

#![expect(
    unreachable_pub,
    reason = "the component macro makes the props of every component public"
)]

mod api_client;
mod backoff;
mod components;
#[cfg(test)]
mod contrast;
mod enrol_command;
mod frame;
mod launch;
mod live;
mod pages;
mod paths;
mod state;
#[cfg(test)]
mod testing;
mod words;

use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::path;

use crate::api_client::ApiClient;
use crate::components::ToastList;
use crate::frame::{Frame, Guard};
use crate::pages::{
    AddDevicePage, AddWebTunnelPage, DevicePage, DevicesPage, NotFoundPage, SettingsPage,
    SignInPage, ViewerPage,
};
use crate::state::{Clock, Theme, Toasts, document, provide_session};

/// The whole app.
#[component]
pub fn App() -> impl IntoView {
    Clock::provide();
    Theme::provide();
    let session = provide_session();
    ApiClient::provide(session);
    let toasts = Toasts::provide();
    Effect::new(|_| tell_ready());
    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/sign-in") view=SignInPage />
                <ParentRoute path=path!("") view=Guard>
                    <ParentRoute path=path!("") view=Frame>
                        <Route path=path!("") view=DevicesPage />
                        <Route path=path!("devices/:id") view=DevicePage />
                        <Route path=path!("add-device") view=AddDevicePage />
                        <Route path=path!("add-device/webtunnel") view=AddWebTunnelPage />
                        <Route path=path!("settings") view=SettingsPage />
                    </ParentRoute>
                    <Route path=path!("devices/:id/services/:name") view=ViewerPage />
                </ParentRoute>
            </Routes>
        </Router>
        <ToastList toasts=toasts.shown() dismiss=toasts.dismissal() />
    }
}

/// Marks the page as mounted.
fn tell_ready() {
    if let Some(body) = document().and_then(|document| document.body()) {
        // Setting an attribute of this fixed name cannot fail.
        let _ = body.set_attribute("data-ready", "");
    }
}
