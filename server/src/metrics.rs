//! What a server counts, for Prometheus.
//!
//! The names, in the OpenMetrics text format, which Prometheus reads:
//!
//! | name | labels | what |
//! |---|---|---|
//! | `frostline_statements_total` | `kind`, `outcome` | statements that ended |
//! | `frostline_statement_seconds` | `kind` | how long they took, as a histogram |
//! | `frostline_statements_running` | | statements that run now |
//! | `frostline_rows_sent_total`, `frostline_bytes_sent_total` | | rows of results, and their bytes in memory's form |
//! | `frostline_connections` | `door` | connections that are open now |
//! | `frostline_refused_total` | `reason` | requests that were not let in |

mod note;

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub(crate) use note::StatementNote;

/// The media type of what [`Metrics::encode`] gives.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The upper bounds of the histogram of statements, in seconds.
const SECONDS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];

type One = [(&'static str, &'static str); 1];
type Two = [(&'static str, &'static str); 2];

/// The counters. All may be used at any time from anywhere.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    statements: Family<Two, Counter>,
    seconds: Family<One, Histogram, fn() -> Histogram>,
    running: Gauge,
    rows: Counter,
    bytes: Counter,
    connections: Family<One, Gauge>,
    refused: Family<One, Counter>,
}

fn seconds_histogram() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    pub(crate) fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("frostline");
        let statements: Family<Two, Counter> = Family::default();
        let constructor: fn() -> Histogram = seconds_histogram;
        let seconds: Family<One, Histogram, fn() -> Histogram> = Family::new_with_constructor(constructor);
        let (running, rows, bytes) = (Gauge::default(), Counter::default(), Counter::default());
        let connections: Family<One, Gauge> = Family::default();
        let refused: Family<One, Counter> = Family::default();
        registry.register("statements", "Statements that ended", statements.clone());
        registry.register("statement_seconds", "How long statements took", seconds.clone());
        registry.register("statements_running", "Statements that run now", running.clone());
        registry.register("rows_sent", "Rows of results that were sent", rows.clone());
        registry.register("bytes_sent", "Bytes of these rows, as they are in memory", bytes.clone());
        registry.register("connections", "Connections that are open now", connections.clone());
        registry.register("refused", "Requests that were not let in", refused.clone());
        Arc::new(Self { registry, statements, seconds, running, rows, bytes, connections, refused })
    }

    /// A statement of a kind begins to run.
    pub(crate) fn statement_began(&self, _kind: &'static str) {
        self.running.inc();
    }

    /// A statement that began has ended.
    pub(crate) fn statement_ended(&self, kind: &'static str, outcome: &'static str, seconds: f64) {
        self.running.dec();
        self.statements.get_or_create(&[("kind", kind), ("outcome", outcome)]).inc();
        self.seconds.get_or_create(&[("kind", kind)]).observe(seconds);
    }

    /// Rows of a result were sent.
    pub(crate) fn rows_sent(&self, rows: u64) {
        self.rows.inc_by(rows);
    }

    /// Bytes of a result were sent.
    pub(crate) fn bytes_sent(&self, bytes: u64) {
        self.bytes.inc_by(bytes);
    }

    /// A connection came through a door.
    pub(crate) fn connected(&self, door: &'static str) {
        self.connections.get_or_create(&[("door", door)]).inc();
    }

    /// A connection through a door ended.
    pub(crate) fn disconnected(&self, door: &'static str) {
        self.connections.get_or_create(&[("door", door)]).dec();
    }

    /// A request was not let in.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&[("reason", reason)]).inc();
    }

    /// All counts, as text.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        // A string takes whatever is written to it.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_said() {
        let metrics = Metrics::new();
        metrics.statement_began("query");
        metrics.statement_began("query");
        metrics.statement_ended("query", "ok", 0.004);
        metrics.rows_sent(3);
        metrics.connected("flight");
        metrics.refused("token");
        let text = metrics.encode();
        for line in [
            "# TYPE frostline_statements counter",
            "frostline_statements_total{kind=\"query\",outcome=\"ok\"} 1",
            "frostline_statements_running 1",
            "frostline_rows_sent_total 3",
            "frostline_connections{door=\"flight\"} 1",
            "frostline_refused_total{reason=\"token\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
        }
        assert!(text.contains("frostline_statement_seconds_bucket{"), "{text}");
    }
}
