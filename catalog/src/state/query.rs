//! What a version of the lake holds.

use std::ops::RangeInclusive;

use super::{Commit, Commits, Fact, History, PlacedColumn, SegmentSummary, State, TableSegments, Total};
use crate::checkpoint::SealedError;
use crate::id::{BranchId, CommitId, FieldId, ObjectId, Version};
use crate::name::Name;
use crate::schema::{Column, Table, View};
use crate::time::Micros;

/// What a name in a schema stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationId {
    /// A table.
    Table(ObjectId),
    /// A view.
    View(ObjectId),
}

/// A table or view at some version.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation<'a> {
    /// A table.
    Table(ObjectId, &'a Table),
    /// A view.
    View(ObjectId, &'a View),
}

impl<'a> Relation<'a> {
    /// The relation's id.
    pub fn id(&self) -> RelationId {
        match self {
            Self::Table(id, _) => RelationId::Table(*id),
            Self::View(id, _) => RelationId::View(*id),
        }
    }

    /// The relation's name.
    pub fn name(&self) -> &'a Name {
        match self {
            Self::Table(_, table) => &table.name,
            Self::View(_, view) => &view.name,
        }
    }
}

impl State {
    /// The newest version of a branch; `None` for a branch that is not there.
    pub fn newest(&self, branch: BranchId) -> Option<Version> {
        if branch == BranchId::MAIN { self.head.version } else { None }
    }

    /// The commit time of the newest version that has one.
    pub fn newest_commit_time(&self, branch: BranchId) -> Option<Micros> {
        self.commit_times.get(&branch).copied()
    }

    /// The newest commit time of each branch that has one.
    pub(crate) fn commit_times(&self) -> Vec<(BranchId, Micros)> {
        self.commit_times.iter().map(|(branch, time)| (*branch, *time)).collect()
    }

    /// Every commit, oldest first.
    pub fn commits(&self) -> Result<Commits<'_>, SealedError> {
        self.commits.all()
    }

    /// The commits after a version, newest first. What came before the version is not looked at.
    pub fn commits_after(&self, version: Version) -> Result<impl Iterator<Item = &Commit>, SealedError> {
        self.commits.after(version)
    }

    /// The newest commit with an id, if it was written at an instant or later, by wall time. Older ones are not looked
    /// at.
    pub fn commit_with_id(&self, commit_id: CommitId, since: Micros) -> Result<Option<&Commit>, SealedError> {
        self.commits.with_id(commit_id, since)
    }

    /// The commit that made a version.
    pub fn commit(&self, version: Version) -> Result<Option<&Commit>, SealedError> {
        self.commits.of(version)
    }

    /// The last version of a branch whose commit time is not after an instant.
    pub fn version_at(&self, _branch: BranchId, time: Micros) -> Result<Option<Version>, SealedError> {
        let commit = self.commits.made_by(time)?;
        Ok(commit.filter(|commit| commit.commit_time.is_some()).map(|commit| commit.version))
    }

    /// The schemas of a version, by id.
    pub fn schemas_at(&self, version: Version) -> impl Iterator<Item = (ObjectId, &Name)> {
        self.schemas.all_at(version).map(|(id, name)| (*id, name))
    }

    /// The schema of this name at a version.
    pub fn schema_named(&self, name: &str, version: Version) -> Option<ObjectId> {
        self.names.schema(name, version)
    }

    /// The tables and views of a version, tables first, by id.
    pub fn relations_at(&self, version: Version) -> impl Iterator<Item = (ObjectId, Relation<'_>)> {
        let tables = self.tables.all_at(version).map(|(id, table)| (table.schema, Relation::Table(*id, table)));
        let views = self.views.all_at(version).map(|(id, view)| (view.schema, Relation::View(*id, view)));
        tables.chain(views)
    }

    /// What a name stands for in a schema at a version.
    pub fn relation_named(&self, schema: ObjectId, name: &str, version: Version) -> Option<Relation<'_>> {
        match self.names.relation(schema, name, version)? {
            RelationId::Table(id) => self.table_at(id, version).map(|table| Relation::Table(id, table)),
            RelationId::View(id) => self.view_at(id, version).map(|view| Relation::View(id, view)),
        }
    }

    /// A table at a version.
    pub fn table_at(&self, table: ObjectId, version: Version) -> Option<&Table> {
        self.tables.at(&table, version)
    }

    /// A view at a version.
    pub fn view_at(&self, view: ObjectId, version: Version) -> Option<&View> {
        self.views.at(&view, version)
    }

    /// The columns of a table at a version, in their order.
    pub fn columns_at(&self, table: ObjectId, version: Version) -> Vec<&Column> {
        let held = self.columns.range_at(every_field(table), version);
        let mut columns: Vec<&PlacedColumn> = held.map(|(_, column)| column).collect();
        columns.sort_by_key(|column| column.ordinal);
        columns.into_iter().map(|column| &column.column).collect()
    }

    /// A table's columns over all versions, by field id, oldest first.
    pub(crate) fn columns_of(&self, table: ObjectId) -> impl Iterator<Item = (FieldId, &Fact<PlacedColumn>)> {
        self.columns.range(every_field(table)).map(|(key, fact)| (key.1, fact))
    }

    /// A table's own placements over all versions; `None` if it was never given a row. What its rows are at a version,
    /// [`live_segments`](Self::live_segments) knows.
    pub fn segments_of(&self, table: ObjectId) -> Option<&TableSegments> {
        self.segments.get(&table)
    }

    /// What the placements of each table that was given some amount to, by table.
    pub(crate) fn segment_summaries(&self) -> Vec<(ObjectId, SegmentSummary)> {
        let summaries = self.segments.iter().map(|(table, segments)| (*table, segments.summary()));
        summaries.filter(|(_, summary)| summary.changed.is_some()).collect()
    }

    /// How many rows a table has at the head.
    pub fn total_rows(&self, table: ObjectId) -> u64 {
        self.totals.get(&table).map_or(0, |total| total.rows)
    }

    /// How many rows each table that ever had some has at the head, by table.
    pub(crate) fn totals(&self) -> Vec<(ObjectId, Total)> {
        self.totals.iter().map(|(table, total)| (*table, *total)).collect()
    }

    /// Every schema over all versions.
    pub fn schemas(&self) -> &History<ObjectId, Name> {
        &self.schemas
    }

    /// Every table over all versions.
    pub fn tables(&self) -> &History<ObjectId, Table> {
        &self.tables
    }

    /// Every column over all versions.
    pub fn columns(&self) -> &History<(ObjectId, FieldId), PlacedColumn> {
        &self.columns
    }

    /// Every view over all versions.
    pub fn views(&self) -> &History<ObjectId, View> {
        &self.views
    }

    /// Every tag over all versions.
    pub fn tags(&self) -> &History<Name, Version> {
        &self.tags
    }

    /// Every setting of the lake over all versions.
    pub fn settings(&self) -> &History<String, String> {
        &self.settings
    }
}

/// The keys of a table's columns.
fn every_field(table: ObjectId) -> RangeInclusive<(ObjectId, FieldId)> {
    (table, FieldId::new(i32::MIN))..=(table, FieldId::new(i32::MAX))
}
