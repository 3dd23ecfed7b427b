//! A lake as a vector of full copies.

use std::collections::BTreeMap;

use super::table::Table;

/// A table or a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// A table.
    Table(Table),
    /// A view.
    View(View),
}

/// A query under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The table that it reads.
    pub table: String,
    /// The version that it reads the table at, if its text names one.
    pub at: Option<u64>,
    /// The columns that its text names; none for `*`.
    pub columns: Vec<String>,
}

impl View {
    /// The view's query.
    pub fn sql(&self) -> String {
        let columns = if self.columns.is_empty() { "*".to_owned() } else { self.columns.join(", ") };
        match self.at {
            Some(version) => format!("SELECT {columns} FROM {} AS OF VERSION {version}", self.table),
            None => format!("SELECT {columns} FROM {}", self.table),
        }
    }
}

/// Everything that a lake ever held.
///
/// * Version 1 is the empty lake; each change makes the next version, as a copy of the one before.
/// * Tags are those that are there now.
#[derive(Clone, Debug)]
pub struct Model {
    versions: Vec<BTreeMap<String, Relation>>,
    tags: BTreeMap<String, u64>,
}

impl Default for Model {
    fn default() -> Self {
        Self { versions: vec![BTreeMap::new()], tags: BTreeMap::new() }
    }
}

impl Model {
    /// The newest version.
    pub fn newest(&self) -> u64 {
        self.versions.len() as u64
    }

    /// A table or view of a version.
    pub fn relation(&self, name: &str, version: u64) -> Option<&Relation> {
        self.copy_of(version)?.get(name)
    }

    /// A table of a version.
    pub fn table(&self, name: &str, version: u64) -> Option<&Table> {
        match self.relation(name, version)? {
            Relation::Table(table) => Some(table),
            Relation::View(_) => None,
        }
    }

    /// The names of the tables of the newest version.
    pub fn tables(&self) -> Vec<String> {
        self.newest_names(|relation| matches!(relation, Relation::Table(_)))
    }

    /// The names of the views of the newest version.
    pub fn views(&self) -> Vec<String> {
        self.newest_names(|relation| matches!(relation, Relation::View(_)))
    }

    fn newest_names(&self, wanted: impl Fn(&Relation) -> bool) -> Vec<String> {
        let Some(newest) = self.versions.last() else { return Vec::new() };
        newest.iter().filter(|(_, relation)| wanted(relation)).map(|(name, _)| name.clone()).collect()
    }

    /// What `SELECT * FROM name` yields at a version; `None` if it must fail: there is no such table or view, or the
    /// view rests on what is not there.
    pub fn read(&self, name: &str, version: u64) -> Option<Table> {
        match self.relation(name, version)? {
            Relation::Table(table) => Some(table.clone()),
            Relation::View(view) => {
                let table = self.table(&view.table, view.at.unwrap_or(version))?;
                if view.columns.is_empty() { Some(table.clone()) } else { table.select(&view.columns) }
            }
        }
    }

    /// The version that a tag names.
    pub fn tag(&self, name: &str) -> Option<u64> {
        self.tags.get(name).copied()
    }

    /// A tag of a version, if it has one: the first by name.
    pub fn tag_of(&self, version: u64) -> Option<&str> {
        self.tags.iter().find(|(_, tagged)| **tagged == version).map(|(name, _)| name.as_str())
    }

    /// The names of the tags.
    pub fn tags(&self) -> Vec<String> {
        self.tags.keys().cloned().collect()
    }

    /// A table of the past, to be falsified: a comparison with the lake must notice it.
    pub fn falsify(&mut self, name: &str, version: u64) -> Option<&mut Table> {
        let copy = self.versions.get_mut(usize::try_from(version).ok()?.checked_sub(1)?)?;
        match copy.get_mut(name)? {
            Relation::Table(table) => Some(table),
            Relation::View(_) => None,
        }
    }

    /// Makes the next version: a copy of the newest, changed.
    pub(super) fn commit(&mut self, change: impl FnOnce(&mut BTreeMap<String, Relation>)) {
        let mut next = self.versions.last().cloned().unwrap_or_default();
        change(&mut next);
        self.versions.push(next);
    }

    /// Makes the next version, in which one table is changed.
    pub(super) fn commit_table(&mut self, name: &str, change: impl FnOnce(&mut Table)) {
        self.commit(|relations| {
            if let Some(Relation::Table(table)) = relations.get_mut(name) {
                change(table);
            }
        });
    }

    /// Gives a version a name. That makes a version too.
    pub(super) fn create_tag(&mut self, name: &str, version: u64) {
        self.tags.insert(name.to_owned(), version);
        self.commit(|_| {});
    }

    /// Takes a name away. That makes a version too.
    pub(super) fn drop_tag(&mut self, name: &str) {
        self.tags.remove(name);
        self.commit(|_| {});
    }

    fn copy_of(&self, version: u64) -> Option<&BTreeMap<String, Relation>> {
        self.versions.get(usize::try_from(version).ok()?.checked_sub(1)?)
    }
}
