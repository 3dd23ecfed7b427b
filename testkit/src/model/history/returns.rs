//! Steps that bring back what was.

use super::super::lake::Model;
use super::super::step::Step;
use super::super::value::pick;
use super::{History, TABLES};

impl History {
    /// To a version at which the table was the same one, and another than now.
    pub(super) fn restore_table(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let is_earlier = |version: &u64| {
            let there = model.table(&table, *version);
            there.is_some_and(|there| there.identity == known.identity && there != known)
        };
        let versions: Vec<u64> = (1..=model.newest()).filter(is_earlier).collect();
        if versions.is_empty() {
            return None;
        }
        let at = *pick(&mut self.random, &versions);
        Some(Step::RestoreTable { table, at })
    }

    pub(super) fn restore_lake(&mut self, model: &Model) -> Option<Step> {
        let at = self.any_version(model);
        (!model.is_now(at)).then_some(Step::RestoreLake { at })
    }

    pub(super) fn clone_table(&mut self, model: &Model) -> Option<Step> {
        let table = self.free_table(model)?;
        if self.once_in(2) {
            let (from, _) = self.some_table(model)?;
            return Some(Step::CloneTable { table, from, at: None });
        }
        let (from, at) = self.some_past(model)?;
        Some(Step::CloneTable { table, from, at: Some(at) })
    }

    pub(super) fn undrop_table(&mut self, model: &Model) -> Option<Step> {
        let was_dropped = |name: &&str| model.dropped(name).is_some();
        let table = self.some(TABLES.into_iter().filter(was_dropped).map(str::to_owned).collect())?;
        Some(Step::UndropTable { table })
    }
}
