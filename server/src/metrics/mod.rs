//! What the server counts and measures, for Prometheus, at a listener of its own.
//!
//! Each feature counts for itself and registers what it has; nothing is global. Labels are static
//! texts, so that no name of a device or a user can ever become one: neither would end.

mod access;
mod listener;
mod process;
mod reading;
mod runtime;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::http::Front;
use crate::state::AppState;

pub use access::{Access, TokenError};
pub use reading::{Live, Reading};

pub(crate) use listener::serve;

/// Counters that differ in so many labels.
pub type By<const LABELS: usize> = Family<[(&'static str, &'static str); LABELS], Counter>;

/// Counters by one label, of which these values are there from the start: a counter that appears
/// with its first count hides that count from whoever asks how it grew.
pub fn by<const VALUES: usize>(label: &'static str, values: [&'static str; VALUES]) -> By<1> {
    let counters = By::default();
    for value in values {
        drop(counters.get_or_create(&[(label, value)]));
    }
    counters
}

/// Everything that the parts of a server count.
pub(crate) fn registry(state: &AppState, front: &Front) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Live(process::read)));
    let own = registry.sub_registry_with_prefix("adit");
    own.register_collector(Box::new(Live(|reading: &mut Reading<'_>| {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        reading.gauges("build_info", "The version that runs", [(version, 1)])
    })));
    own.register_collector(Box::new(Live(runtime::read)));
    state.relay.register(own);
    state.usage.register(own);
    state.accounts.register(own);
    state.db.register(own);
    front.register(own);
    registry
}

/// The registry as text.
fn text(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry)?;
    Ok(text)
}
