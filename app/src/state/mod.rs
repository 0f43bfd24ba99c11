//! What the app knows while it runs.

mod browser;
mod clock;
mod device_list;
mod download;
mod query;
mod session;
mod theme;
mod toasts;

pub(crate) use browser::{document, focus, scroll_to_top, set_title, storage, window};
pub(crate) use clock::Clock;
pub(crate) use device_list::DeviceList;
pub(crate) use download::download;
pub(crate) use query::{Loaded, Query};
pub(crate) use session::{Session, SignedIn, expect_session, provide_session};
pub(crate) use theme::Theme;
pub(crate) use toasts::{Toast, Toasts};
