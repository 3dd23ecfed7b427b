//! Which tables each version touched.

use std::collections::{BTreeMap, BTreeSet};

use frostline_catalog::{Interval, ObjectId, SealedError, State, Version};

/// For each version up to `version`, the tables whose rows, columns or definition it changed, created or dropped ones
/// among them. Versions that touched none are left out.
pub(super) fn touched_tables(
    state: &State,
    version: Version,
) -> Result<BTreeMap<Version, BTreeSet<ObjectId>>, SealedError> {
    let mut touched: BTreeMap<Version, BTreeSet<ObjectId>> = BTreeMap::new();
    for commit in state.commits()?.iter().take_while(|commit| commit.version <= version) {
        for count in &commit.tables {
            touched.entry(commit.version).or_default().insert(count.table);
        }
    }
    let mut add = |table: ObjectId, interval: Interval| {
        let ends = [Some(interval.begin()), interval.end()];
        for at in ends.into_iter().flatten().filter(|at| *at <= version) {
            touched.entry(at).or_default().insert(table);
        }
    };
    for (table, fact) in state.tables().iter() {
        add(*table, fact.interval);
    }
    for (key, fact) in state.columns().iter() {
        add(key.0, fact.interval);
    }
    Ok(touched)
}
