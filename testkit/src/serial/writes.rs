//! Who wrote what, in the order of versions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::anomaly::Anomaly;
use super::edge::{Dependency, Edge};
use super::transaction::{Deed, Object, Transaction};

/// A value, and the place of the transaction that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) writer: usize,
    pub(super) value: u64,
}

/// The writes of each object, in the order of versions.
#[derive(Debug, Default)]
pub(super) struct Writes {
    by_object: BTreeMap<Object, Vec<Write>>,
    /// Where a value stands among its object's.
    places: HashMap<u64, (Object, usize)>,
}

impl Writes {
    /// The writes of a history.
    pub(super) fn of(history: &[Transaction], anomalies: &mut Vec<Anomaly>) -> Self {
        let mut writes = Self::default();
        for (version, transaction) in in_order(history, anomalies) {
            for deed in &history[transaction].deeds {
                let Deed::Write { object, value } = deed else { continue };
                if version.is_none() {
                    anomalies.push(Anomaly::NoVersion { transaction });
                    break;
                }
                writes.add(object, Write { writer: transaction, value: *value }, anomalies);
            }
        }
        writes
    }

    fn add(&mut self, object: &Object, write: Write, anomalies: &mut Vec<Anomaly>) {
        let of_object = self.by_object.entry(object.clone()).or_default();
        let place = (object.clone(), of_object.len());
        of_object.push(write);
        if self.places.insert(write.value, place).is_some() {
            anomalies.push(Anomaly::WrittenTwice { object: object.clone(), value: write.value });
        }
    }

    /// The writes of an object.
    pub(super) fn of_object(&self, object: &Object) -> &[Write] {
        self.by_object.get(object).map_or(&[], Vec::as_slice)
    }

    /// Where a value stands among an object's.
    pub(super) fn place(&self, object: &Object, value: u64) -> Option<usize> {
        let (of, place) = self.places.get(&value)?;
        (of == object).then_some(*place)
    }

    /// An edge from each transaction that wrote an object to the next that did.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let mut edges: Vec<Edge> = Vec::new();
        for (object, writes) in &self.by_object {
            for pair in writes.windows(2) {
                if pair[0].writer != pair[1].writer {
                    edges.push(Edge::new(pair[0].writer, pair[1].writer, Dependency::WriteWrite, object));
                }
            }
        }
        edges
    }
}

/// The versions that were made with the places of their transactions, in order; those without one come first.
fn in_order(history: &[Transaction], anomalies: &mut Vec<Anomaly>) -> Vec<(Option<u64>, usize)> {
    let numbered = history.iter().enumerate();
    let mut order: Vec<(Option<u64>, usize)> = numbered.map(|(number, one)| (one.version, number)).collect();
    order.sort_unstable();
    let mut versions: BTreeSet<u64> = BTreeSet::new();
    for version in order.iter().filter_map(|(version, _)| *version) {
        if !versions.insert(version) {
            anomalies.push(Anomaly::SameVersion { version });
        }
    }
    order
}
