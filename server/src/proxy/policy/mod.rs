//! The header policy: what crosses between a browser and a device, in one table for each way.

mod cookies;
mod location;
mod names;
mod request;
mod response;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub(super) use request::{Way, to_device};
pub(super) use response::to_browser;

/// Both ends of an exchange, as headers name them.
#[derive(Clone, Debug)]
pub(super) struct Crossing {
    /// Where the browser is: `https://dev1.example`, from configuration.
    pub(super) page_origin: String,
    /// Host and port on the device's side.
    pub(super) authority: String,
    /// Whether the service speaks TLS on the device's side.
    pub(super) tls: bool,
    /// Who asks.
    pub(super) peer: IpAddr,
}

impl Crossing {
    fn page_is_https(&self) -> bool {
        self.page_origin.starts_with("https://")
    }

    fn page_scheme(&self) -> &'static str {
        if self.page_is_https() {
            "https"
        } else {
            "http"
        }
    }

    fn page_authority(&self) -> &str {
        self.page_origin
            .split_once("://")
            .map_or("", |(_, authority)| authority)
    }

    fn device_scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    fn device_origin(&self) -> String {
        format!("{}://{}", self.device_scheme(), self.authority)
    }
}
