//! Figures that are read when somebody asks, not kept.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// A collector made of a function, for what is known elsewhere and would only be copied.
pub struct Live<F>(pub F);

impl<F> fmt::Debug for Live<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

impl<F> Collector for Live<F>
where
    F: Fn(&mut Reading<'_>) -> fmt::Result + Send + Sync + 'static,
{
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.0)(&mut Reading(encoder))
    }
}

/// Takes figures down.
pub struct Reading<'a>(DescriptorEncoder<'a>);

impl Reading<'_> {
    /// What may rise and fall. Units belong to the name's end (`_bytes`, `_seconds`).
    ///
    /// # Errors
    /// When the text cannot be written.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl TryInto<i64>) -> fmt::Result {
        let encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(capped(value)).encode(encoder)
    }

    /// One such for each set of labels.
    ///
    /// # Errors
    /// When the text cannot be written.
    pub fn gauges<const LABELS: usize, V: TryInto<i64>>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([(&'static str, &'static str); LABELS], V)>,
    ) -> fmt::Result {
        let mut encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(capped(value)).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// What only rises; `_total` is put behind the name.
    ///
    /// # Errors
    /// When the text cannot be written.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(encoder)
    }
}

fn capped(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
