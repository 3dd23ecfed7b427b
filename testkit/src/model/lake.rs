//! A lake as a vector of full copies.

use std::collections::BTreeMap;

use super::record::Identity;
use super::step::Effect;
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

/// All tables and views, by name.
pub(super) type Relations = BTreeMap<String, Relation>;

/// Everything that a lake ever held.
///
/// * Version 1 is the empty lake; each change makes the next version, as a copy of the one before.
/// * Within a transaction, changes are made to one copy, which becomes the next version when it is committed.
/// * Tags are those that are there now.
#[derive(Clone, Debug)]
pub struct Model {
    versions: Vec<Relations>,
    tags: BTreeMap<String, u64>,
    open: Option<Draft>,
    identities: u64,
}

/// What a transaction has made of the newest version.
#[derive(Clone, Debug)]
struct Draft {
    relations: Relations,
    is_changed: bool,
    is_failed: bool,
}

impl Default for Model {
    fn default() -> Self {
        Self { versions: vec![Relations::new()], tags: BTreeMap::new(), open: None, identities: 0 }
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
        self.relation(name, version)?.as_table()
    }

    /// A table or view that a statement would find now: of the transaction, or else of the newest version.
    pub fn relation_now(&self, name: &str) -> Option<&Relation> {
        self.now().get(name)
    }

    /// A table that a statement would find now.
    pub fn table_now(&self, name: &str) -> Option<&Table> {
        self.relation_now(name)?.as_table()
    }

    /// The names of the tables that are there now.
    pub fn tables(&self) -> Vec<String> {
        self.names_now(|relation| matches!(relation, Relation::Table(_)))
    }

    /// The names of the views that are there now.
    pub fn views(&self) -> Vec<String> {
        self.names_now(|relation| matches!(relation, Relation::View(_)))
    }

    fn names_now(&self, wanted: impl Fn(&Relation) -> bool) -> Vec<String> {
        self.now().iter().filter(|(_, relation)| wanted(relation)).map(|(name, _)| name.clone()).collect()
    }

    /// What `SELECT * FROM name` yields at a version; `None` if it must fail: there is no such table or view, or the
    /// view rests on what is not there.
    pub fn read(&self, name: &str, version: u64) -> Option<Table> {
        self.read_in(self.copy_of(version)?, name)
    }

    /// What `SELECT * FROM name` yields now.
    pub fn read_now(&self, name: &str) -> Option<Table> {
        self.read_in(self.now(), name)
    }

    fn read_in(&self, relations: &Relations, name: &str) -> Option<Table> {
        match relations.get(name)? {
            Relation::Table(table) => Some(table.clone()),
            Relation::View(view) => {
                let table = match view.at {
                    Some(version) => self.table(&view.table, version)?,
                    None => relations.get(&view.table)?.as_table()?,
                };
                if view.columns.is_empty() { Some(table.clone()) } else { table.select(&view.columns) }
            }
        }
    }

    /// The table that was last called so, as it was then, if it was dropped since.
    pub fn dropped(&self, name: &str) -> Option<&Table> {
        if self.relation_now(name).is_some() || self.relation(name, self.newest()).is_some() {
            return None;
        }
        (1..self.newest()).rev().find_map(|version| self.table(name, version))
    }

    /// Whether all tables and views are now what they were at a version.
    pub fn is_now(&self, version: u64) -> bool {
        self.copy_of(version) == Some(self.now())
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

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.open.is_some()
    }

    /// Whether a transaction is open that takes no statement any more.
    pub fn has_failed(&self) -> bool {
        self.open.as_ref().is_some_and(|draft| draft.is_failed)
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) {
        self.open = Some(Draft { relations: self.now().clone(), is_changed: false, is_failed: false });
    }

    /// Forgets what the transaction has done.
    pub(super) fn roll_back(&mut self) {
        self.open = None;
    }

    /// Makes the next version of what the transaction has done, if it did anything and did not fail.
    pub(super) fn end(&mut self) -> Effect {
        match self.open.take() {
            Some(draft) if draft.is_failed => Effect::Refused,
            Some(draft) if draft.is_changed => {
                self.versions.push(draft.relations);
                Effect::Version(self.newest())
            }
            _ => Effect::NoChange,
        }
    }

    /// Notes that a statement failed.
    pub(super) fn fail(&mut self) -> Effect {
        if let Some(draft) = &mut self.open {
            draft.is_failed = true;
        }
        Effect::Refused
    }

    /// Makes a change: to the transaction's copy, or to a copy of the newest version that becomes the next one.
    pub(super) fn commit(&mut self, change: impl FnOnce(&mut Relations)) -> Effect {
        if let Some(draft) = &mut self.open {
            change(&mut draft.relations);
            draft.is_changed = true;
            return Effect::Pending;
        }
        let mut next = self.now().clone();
        change(&mut next);
        self.versions.push(next);
        Effect::Version(self.newest())
    }

    /// Makes a change of one table.
    pub(super) fn commit_table(&mut self, name: &str, change: impl FnOnce(&mut Table)) -> Effect {
        self.commit(|relations| {
            if let Some(Relation::Table(table)) = relations.get_mut(name) {
                change(table);
            }
        })
    }

    /// Puts a table or view in the place of whatever has the name.
    pub(super) fn put(&mut self, name: &str, relation: Relation) -> Effect {
        self.commit(|relations| drop(relations.insert(name.to_owned(), relation)))
    }

    /// Gives a version a name. That makes a version too.
    pub(super) fn create_tag(&mut self, name: &str, version: u64) -> Effect {
        self.tags.insert(name.to_owned(), version);
        self.commit(|_| {})
    }

    /// Takes a name away. That makes a version too.
    pub(super) fn drop_tag(&mut self, name: &str) -> Effect {
        self.tags.remove(name);
        self.commit(|_| {})
    }

    /// The first of so many identities that nothing has yet.
    pub(super) fn identify(&mut self, count: usize) -> Identity {
        let first = Identity::numbered(self.identities + 1);
        self.identities += count as u64;
        first
    }

    /// All tables and views of a version.
    pub(super) fn copy_of(&self, version: u64) -> Option<&Relations> {
        self.versions.get(usize::try_from(version).ok()?.checked_sub(1)?)
    }

    fn now(&self) -> &Relations {
        match &self.open {
            Some(draft) => &draft.relations,
            None => self.versions.last().expect("a lake begins with a version, and loses none"),
        }
    }
}

impl Relation {
    /// The table, if it is one.
    pub(super) fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            Self::View(_) => None,
        }
    }
}
