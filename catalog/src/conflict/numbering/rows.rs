//! Rows come, rows go, and tables begin anew.

use super::super::{BlockPlaces, ConflictReason, Malformed, ResolveError, touched_since};
use super::Numbering;
use crate::change::{Change, TableCount};
use crate::id::{ObjectId, PlacementId, SegmentId, Version};
use crate::schema::{Column, Constraint};
use crate::segment::{BlockRef, RowIds, Segment, Storage, TableVersion};
use crate::transaction::{Rows, TableTarget};

impl Numbering {
    pub(super) fn add_rows(
        &mut self,
        target: TableTarget,
        count: u64,
        rows: &Rows,
        stored_ids: bool,
        places: BlockPlaces<'_>,
    ) -> Result<(), ResolveError> {
        let table = self.table(target)?;
        self.no_column_since_is_unfit(table)?;
        self.no_new_check(table)?;
        let counters = self.state.counters();
        let storage = match rows {
            Rows::Hot { rows } => Storage::Hot { rows: places.place(*rows)? },
            Rows::Frozen { object, digests, statistics } => Storage::Frozen {
                object: object.clone(),
                digests: places.place(*digests)?,
                statistics: places.place(*statistics)?,
            },
        };
        let id: SegmentId = counters.segment;
        let placement: PlacementId = counters.placement;
        let row_ids = if stored_ids { RowIds::Stored } else { RowIds::From(counters.row) };
        let segment = Segment { id, table, rows: count, row_ids, storage };
        self.take(vec![Change::AddSegment { segment }, Change::Place { placement, table, segment: id }])?;
        self.segments.push(id);
        let counted = self.count(table);
        counted.added = counted.added.saturating_add(count);
        counted.total = counted.total.saturating_add(count);
        Ok(())
    }

    /// Two that take rows out of one segment conflict, because they may take the same.
    pub(super) fn kill_rows(
        &mut self,
        target: TableTarget,
        segment: SegmentId,
        rows: u64,
        positions: Option<BlockRef>,
    ) -> Result<(), ResolveError> {
        let (table, segment) = (self.table(target)?, self.segment(segment)?);
        let name = self.live_table(table)?.name.to_string();
        let killed = self.state.killed_before(table, segment, self.version).filter(|at| self.is_since_base(*at));
        if let Some(with) = self.changed(self.state.epochs_of(table)).or(killed) {
            return Err(self.conflict(with, ConflictReason::Rows { table: name }).into());
        }
        let living = self.state.live_segment(table, segment, self.version)?.map_or(0, |live| live.rows());
        let fits = if positions.is_some() { rows <= living } else { rows == living };
        if rows == 0 || !fits {
            return Err(Malformed::NoRows { table: name, segment, rows, living }.into());
        }
        self.take(vec![Change::KillRows { table, segment, rows, positions }])?;
        let counted = self.count(table);
        counted.removed = counted.removed.saturating_add(rows);
        counted.total = counted.total.saturating_sub(rows);
        Ok(())
    }

    /// A table begins anew whatever it was, so it conflicts with whoever changed its rows meanwhile.
    pub(super) fn begin_epoch(&mut self, target: TableTarget, base: Option<TableVersion>) -> Result<(), ResolveError> {
        let table = self.table(target)?;
        let name = self.live_table(table)?.name.to_string();
        if let Some(with) = touched_since(&self.state, self.base, self.branch, table)? {
            return Err(self.conflict(with, ConflictReason::Rows { table: name }).into());
        }
        let base = match base {
            Some(base) => Some(self.committed(base)?),
            None => None,
        };
        let rows = match base {
            Some(base) => self.state.rows_at(base.table, base.version)?,
            None => 0,
        };
        self.take(vec![Change::BeginEpoch { table, base }])?;
        let before = self.state.total_rows(table);
        *self.count(table) = TableCount { table, added: rows, removed: before, total: rows };
        Ok(())
    }

    /// What an epoch begins from, which must be committed. A version after the base shows what the base shows, unless
    /// the transaction itself changed something.
    fn committed(&self, base: TableVersion) -> Result<TableVersion, ResolveError> {
        let table = self.object(base.table)?;
        if base.version <= self.base {
            return Ok(TableVersion { table, version: base.version });
        }
        if self.state.is_changed_by(table, self.version) {
            let name = self.live_table(table)?.name.to_string();
            return Err(Malformed::OwnRows { table: name }.into());
        }
        Ok(TableVersion { table, version: self.base })
    }

    /// New rows have no value of a column that came after the base, may lack one where it was not yet required, and may
    /// have one that is too wide for a type to which the column went back. Most new columns have a value for such rows,
    /// or take NULL, and most types only widen.
    fn no_column_since_is_unfit(&self, table: ObjectId) -> Result<(), ResolveError> {
        let name = &self.live_table(table)?.name;
        let unfit = self.state.columns_of(table).find(|(field, fact)| {
            let column = &fact.value.column;
            let is_new = fact.interval.end().is_none() && self.is_since_base(fact.interval.begin());
            let lacks_value = || match self.state.columns().at(&(table, *field), self.base) {
                Some(before) => before.column.nullable,
                None => column.initial.is_none(),
            };
            is_new && ((!column.nullable && lacks_value()) || self.goes_back(table, column, self.base))
        });
        match unfit {
            None => Ok(()),
            Some((_, fact)) => {
                let reason = ConflictReason::Columns { table: name.to_string() };
                Err(self.conflict(fact.interval.begin(), reason).into())
            }
        }
    }

    /// Whether a column is to have a type that it had before the one of a version. Types widen, so that values of then
    /// may not fit.
    pub(super) fn goes_back(&self, table: ObjectId, column: &Column, version: Version) -> bool {
        let key = (table, column.id);
        let Some(fact) = self.state.columns().fact_at(&key, version) else { return false };
        let begin = fact.interval.begin();
        let earlier = self.state.columns().of(&key).iter().take_while(|earlier| earlier.interval.begin() < begin);
        let mut types = earlier.map(|earlier| &earlier.value.column.data_type);
        fact.value.column.data_type != column.data_type && types.any(|earlier| *earlier == column.data_type)
    }

    /// New rows were not tested by a CHECK that came after the base.
    fn no_new_check(&self, table: ObjectId) -> Result<(), ResolveError> {
        let Some(with) = self.changed(self.state.tables().of(&table)) else { return Ok(()) };
        let now = self.live_table(table)?;
        let before = self.state.table_at(table, self.base).map_or(&[][..], |table| table.constraints.as_slice());
        let is_new = |rule: &Constraint| matches!(rule, Constraint::Check { .. }) && !before.contains(rule);
        if !now.constraints.iter().any(is_new) {
            return Ok(());
        }
        let what = format!("table `{}`", now.name);
        Err(self.conflict(with, ConflictReason::Definition { what }).into())
    }

    /// A table that ends has no rows any more; what it had counts as taken away.
    pub(super) fn forget_rows(&mut self, table: ObjectId) {
        let rows = self.rows_now(table);
        if rows > 0 {
            let counted = self.count(table);
            counted.removed = counted.removed.saturating_add(rows);
            counted.total = 0;
        }
    }

    /// How many rows a table has after the proposals so far.
    pub(super) fn rows_now(&self, table: ObjectId) -> u64 {
        let counted = self.counts.iter().find(|count| count.table == table);
        counted.map_or_else(|| self.state.total_rows(table), |count| count.total)
    }

    fn count(&mut self, table: ObjectId) -> &mut TableCount {
        let place = match self.counts.iter().position(|count| count.table == table) {
            Some(place) => place,
            None => {
                let total = self.state.total_rows(table);
                self.counts.push(TableCount { table, added: 0, removed: 0, total });
                self.counts.len() - 1
            }
        };
        &mut self.counts[place]
    }
}
