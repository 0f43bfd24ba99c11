//! What stands around every page of a person who is signed in.

mod account_menu;
mod bottom_bar;
mod connection_banner;
mod guard;
mod rail;
mod shortcuts;
mod sign_out;

use leptos::prelude::*;
use leptos_router::components::Outlet;

use self::bottom_bar::BottomBar;
use self::connection_banner::ConnectionBanner;
pub(crate) use self::guard::Guard;
use self::rail::Rail;
pub(crate) use self::shortcuts::SEARCH_ID;
pub(crate) use self::sign_out::sign_out;

/// The frame itself.
#[component]
pub(crate) fn Frame() -> impl IntoView {
    shortcuts::listen();
    view! {
        <a class="skip-link" href="#content">"Skip to the content"</a>
        <div class="frame">
            <Rail />
            <div class="frame__main">
                <ConnectionBanner />
                <main class="frame__content" id="content" tabindex="-1">
                    <Outlet />
                </main>
            </div>
            <BottomBar />
        </div>
    }
}
