//! Tells what the agents do, from their own log: the agent is not changed for it.

use std::io::Write;
use std::str::FromStr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::SystemTime;

use anyhow::{Context, bail};
use api::DeviceId;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context as LayerContext, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, registry};

/// Lines on their way to the parent; who makes more waits.
const LINES: usize = 65_536;
const AGENT: &str = "agent::agent";

/// What happened to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Enrolled(DeviceId),
    /// Its agent began.
    Started,
    Connected,
    Lost,
    /// An attempt failed; why.
    Failed(String),
}

/// An event of a device, in microseconds since 1970 of this machine's clock, which parent and
/// children share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) device: usize,
    pub(crate) at_us: u64,
    pub(crate) event: Event,
}

impl Told {
    fn line(&self) -> String {
        let Self { device, at_us, .. } = self;
        let event = match &self.event {
            Event::Enrolled(id) => format!("enrolled {id}"),
            Event::Started => "started".to_owned(),
            Event::Connected => "connected".to_owned(),
            Event::Lost => "lost".to_owned(),
            Event::Failed(why) => format!("failed {}", why.replace(['\n', '\r'], " ")),
        };
        format!("{device} {at_us} {event}\n")
    }
}

impl FromStr for Told {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> anyhow::Result<Self> {
        let mut words = line.splitn(4, ' ');
        let mut next = || words.next().unwrap_or_default();
        let (device, at_us, word, rest) = (next().parse()?, next().parse()?, next(), next());
        let event = match word {
            "enrolled" => Event::Enrolled(rest.parse().context("a device's id")?),
            "started" => Event::Started,
            "connected" => Event::Connected,
            "lost" => Event::Lost,
            "failed" => Event::Failed(rest.to_owned()),
            _ => bail!("no event: {line}"),
        };
        Ok(Self {
            device,
            at_us,
            event,
        })
    }
}

/// Microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64)
}

/// Where events go to; cheap to clone.
#[derive(Clone)]
pub(super) struct Events(SyncSender<Told>);

impl Events {
    pub(super) fn tell(&self, device: usize, event: Event) {
        let at_us = now_us();
        // Nobody listens any more: this process is about to end.
        let _ = self.0.send(Told {
            device,
            at_us,
            event,
        });
    }
}

/// Begins to write events, those of the agents' log included.
///
/// # Errors
/// The process has a log already.
pub(super) fn begin() -> anyhow::Result<Events> {
    let (sender, receiver) = sync_channel(LINES);
    std::thread::spawn(move || write(&receiver));
    let events = Events(sender);
    let ours = Targets::new()
        .with_target(AGENT, Level::DEBUG)
        .with_target(env!("CARGO_CRATE_NAME"), Level::INFO);
    let observer = Observer(events.clone()).with_filter(ours);
    registry().with(observer).try_init()?;
    Ok(events)
}

fn write(receiver: &Receiver<Told>) {
    let mut out = std::io::stdout().lock();
    while let Ok(told) = receiver.recv() {
        let mut lines = told.line();
        lines.extend(receiver.try_iter().take(1000).map(|told| told.line()));
        if out
            .write_all(lines.as_bytes())
            .and_then(|()| out.flush())
            .is_err()
        {
            return;
        }
    }
}

struct Observer(Events);

/// In the span of its agent.
#[derive(Clone, Copy)]
struct Device(usize);

impl<S> Layer<S> for Observer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: LayerContext<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(device), Some(span)) = (fields.device, context.span(id)) {
            span.extensions_mut().insert(Device(device));
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: LayerContext<'_, S>) {
        let device = context
            .event_span(event)
            .and_then(|span| span.extensions().get::<Device>().copied());
        let Some(Device(device)) = device else {
            return;
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(event) = fields.event() {
            self.0.tell(device, event);
        }
    }
}

#[derive(Default)]
struct Fields {
    device: Option<usize>,
    message: String,
    error: String,
}

impl Fields {
    /// By the words of `agent::Agent::run`.
    fn event(self) -> Option<Event> {
        match self.message.as_str() {
            "connected" => Some(Event::Connected),
            "tunnel lost" => Some(Event::Lost),
            "not connected" | "not connected yet" | "no agent" => Some(Event::Failed(self.error)),
            _ => None,
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "error" => self.error = format!("{value:?}"),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "error" {
            value.clone_into(&mut self.error);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "device" {
            self.device = usize::try_from(value).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_they_were_written() {
        for event in [
            Event::Enrolled("01890000-0000-7000-8000-000000000001".parse().unwrap()),
            Event::Started,
            Event::Connected,
            Event::Lost,
            Event::Failed("no connection to the server: refused".into()),
        ] {
            let told = Told {
                device: 7,
                at_us: 1_800_000_000_000_000,
                event,
            };
            assert_eq!(told.line().trim_end().parse::<Told>().unwrap(), told);
        }
        assert!("7 1 sang".parse::<Told>().is_err());
    }
}
