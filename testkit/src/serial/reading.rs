//! What the reads of one transaction say of its place among the others.

use std::collections::{HashMap, HashSet};

use super::anomaly::Anomaly;
use super::edge::{Dependency, Edge};
use super::transaction::{Deed, Object, Seen, Transaction};
use super::writes::Writes;

/// A transaction that is gone through, deed by deed.
pub(super) struct Reading<'a> {
    number: usize,
    writes: &'a Writes,
    /// What it has written so far.
    own: HashMap<&'a Object, Vec<u64>>,
    pub(super) edges: Vec<Edge>,
    pub(super) anomalies: Vec<Anomaly>,
}

impl<'a> Reading<'a> {
    /// Goes through the transaction at a place of the history.
    pub(super) fn of(number: usize, transaction: &'a Transaction, writes: &'a Writes) -> Self {
        let mut reading = Self { number, writes, own: HashMap::new(), edges: Vec::new(), anomalies: Vec::new() };
        for deed in &transaction.deeds {
            match deed {
                Deed::Write { object, value } => reading.own.entry(object).or_default().push(*value),
                Deed::Read { object, seen: Seen::All(values) } => reading.list(object, values),
                Deed::Read { object, seen: Seen::Last(value) } => reading.last(object, *value),
            }
        }
        reading
    }

    fn list(&mut self, object: &'a Object, values: &[u64]) {
        let own: Vec<u64> = self.own.get(object).cloned().unwrap_or_default();
        if !values.ends_with(&own) {
            self.anomalies.push(Anomaly::OwnUnseen { transaction: self.number, object: object.clone() });
        }
        let mut places: Vec<usize> = Vec::new();
        for value in values.iter().filter(|value| !own.contains(*value)) {
            places.extend(self.place(object, *value));
        }
        if !places.is_sorted() {
            self.anomalies.push(Anomaly::Disordered { transaction: self.number, object: object.clone() });
        }
        if let Some(last) = places.iter().max() {
            self.came_from(object, *last);
        }
        let seen: HashSet<usize> = places.into_iter().collect();
        self.misses(object, |place| !seen.contains(&place));
    }

    fn last(&mut self, object: &'a Object, value: Option<u64>) {
        if let Some(own) = self.own.get(object).and_then(|own| own.last()) {
            if value != Some(*own) {
                self.anomalies.push(Anomaly::OwnUnseen { transaction: self.number, object: object.clone() });
            }
            return;
        }
        let Some(value) = value else {
            self.misses(object, |_| true);
            return;
        };
        if let Some(place) = self.place(object, value) {
            self.came_from(object, place);
            self.misses(object, |other| other > place);
        }
    }

    /// Where a value that was read stands among the writes.
    fn place(&mut self, object: &Object, value: u64) -> Option<usize> {
        let place = self.writes.place(object, value);
        if place.is_none() {
            let (transaction, object) = (self.number, object.clone());
            self.anomalies.push(Anomaly::NeverWritten { transaction, object, value });
        }
        place
    }

    /// The state that was read is the one behind a write.
    fn came_from(&mut self, object: &Object, place: usize) {
        let writes = self.writes.of_object(object);
        let write = writes[place];
        if writes.get(place + 1).is_some_and(|next| next.writer == write.writer) {
            let (transaction, object) = (self.number, object.clone());
            self.anomalies.push(Anomaly::HalfDone { transaction, object, value: write.value });
        }
        if write.writer != self.number {
            self.edges.push(Edge::new(write.writer, self.number, Dependency::WriteRead, object));
        }
    }

    /// The first write of another that was not seen comes behind this transaction, and so do those behind it.
    fn misses(&mut self, object: &Object, is_unseen: impl Fn(usize) -> bool) {
        let mut writes = self.writes.of_object(object).iter().enumerate();
        let number = self.number;
        if let Some((_, write)) = writes.find(|(place, write)| write.writer != number && is_unseen(*place)) {
            self.edges.push(Edge::new(number, write.writer, Dependency::ReadWrite, object));
        }
    }
}
