//! What is wrong with a history.

use std::collections::HashMap;
use std::fmt;

use super::anomaly::Anomaly;
use super::cycle::Cycle;
use super::edge::{Dependency, Edge};
use super::reading::Reading;
use super::transaction::Transaction;
use super::writes::Writes;

/// What speaks against a history.
///
/// * Without anomalies and without a cycle the history is serializable, and each writer's transactions in its order.
/// * Without edges against the order either, that of the versions is such an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What no order explains.
    pub anomalies: Vec<Anomaly>,
    /// A shortest cycle.
    pub cycle: Option<Cycle>,
    /// Edges from a later version to an earlier one.
    pub against_versions: Vec<Edge>,
    /// What the transactions are called.
    names: Vec<String>,
}

impl Findings {
    /// Checks the transactions that were committed. Those of each writer stand in its order.
    pub fn of(history: &[Transaction]) -> Self {
        let mut anomalies: Vec<Anomaly> = Vec::new();
        let writes = Writes::of(history, &mut anomalies);
        let mut edges = writes.edges();
        edges.extend(by_writer(history));
        for (number, transaction) in history.iter().enumerate() {
            let reading = Reading::of(number, transaction, &writes);
            edges.extend(reading.edges);
            anomalies.extend(reading.anomalies);
        }
        let cycle = Cycle::shortest(history.len(), &edges);
        let is_against = |edge: &Edge| match (history[edge.from].version, history[edge.to].version) {
            (Some(from), Some(to)) => from > to,
            _ => false,
        };
        let against_versions: Vec<Edge> = edges.into_iter().filter(is_against).collect();
        let names = history.iter().map(ToString::to_string).collect();
        Self { anomalies, cycle, against_versions, names }
    }

    /// Whether nothing speaks against the history.
    pub fn is_empty(&self) -> bool {
        self.anomalies.is_empty() && self.cycle.is_none() && self.against_versions.is_empty()
    }

    fn describe(&self, edge: &Edge) -> String {
        edge.describe(&self.names[edge.from], &self.names[edge.to])
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for anomaly in &self.anomalies {
            writeln!(f, "{anomaly}")?;
        }
        if let Some(cycle) = &self.cycle {
            writeln!(f, "no order of these gives what they saw:")?;
            for edge in cycle.edges() {
                writeln!(f, "  {}", self.describe(edge))?;
            }
        }
        for edge in &self.against_versions {
            writeln!(f, "against the order of versions: {}", self.describe(edge))?;
        }
        Ok(())
    }
}

/// An edge from each transaction to the next of its writer.
fn by_writer(history: &[Transaction]) -> Vec<Edge> {
    let mut last: HashMap<usize, usize> = HashMap::new();
    let mut edges: Vec<Edge> = Vec::new();
    for (to, transaction) in history.iter().enumerate() {
        if let Some(from) = last.insert(transaction.writer, to) {
            edges.push(Edge { from, to, dependency: Dependency::SameWriter, object: None });
        }
    }
    edges
}
