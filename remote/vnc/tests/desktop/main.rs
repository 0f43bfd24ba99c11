//! The client against real VNC servers: TigerVNC, and x11vnc on its screen.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test owns its clock and its failures"
)]

mod clipboard;
mod desktop;
mod input;
mod picture;
mod sign_in;
mod size;
mod viewer;
