//! The client against real SSH servers: OpenSSH and Dropbear on a port of their own, with keys of
//! their own. What needs an account with a password runs against a stub made of russh's server,
//! because no account is made on the machine that runs tests.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test owns its tasks, its clock and its failures"
)]

mod client;
mod flood;
mod host_keys;
mod server;
mod sessions;
mod stub;
mod stub_sign_in;
