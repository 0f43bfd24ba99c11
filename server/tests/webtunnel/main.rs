//! WebTunnel 1.0 through the whole server: an agent that is a script with all the peculiarities of
//! the public one, and a browser that sees nothing of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here has failed"
)]

#[expect(dead_code, reason = "shared with the tests of device pages")]
#[path = "../device_pages/device.rs"]
mod device;
#[expect(dead_code, reason = "shared with the tests of device pages")]
#[path = "../device_pages/harness.rs"]
mod harness;
#[path = "../waiting/mod.rs"]
mod waiting;

mod place;
mod stub;

mod bytes;
mod door;
mod gateway;
mod herd;
mod hostile;
mod imported;
mod life;
mod pages;
mod peculiar;
mod redirect;
mod registration;
mod second_factor;
mod tls;
mod tools;
mod websockify;
