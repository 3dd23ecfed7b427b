//! The lake that is damaged, and what must be read from it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use fastrand::Rng;
use frostline_sql::{CreateOptions, Error, Lake, OpenOptions, Parameters, Settings};
use tempfile::TempDir;

use crate::door::{Checked, commit};
use crate::lake::describe;

/// How many commits write rows: more than a bundle holds.
const COMMITS: u64 = 300;

/// Every so many commits one is so large that it is frozen.
const LARGE_EVERY: u64 = 45;

/// The rows of a large commit.
const LARGE_ROWS: u64 = 300;

/// How many slots come between two checkpoints.
const CHECKPOINT_SLOTS: u64 = 100;

/// The version that creates the table.
const CREATED: u64 = 2;

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// One bit is another.
    Flip,
    /// Its end is missing.
    Truncate,
    /// All of it is missing, but its name.
    Empty,
    /// It is gone.
    Delete,
    /// Another object of the same folder is there in its place.
    Swap,
}

impl Damage {
    pub(super) const ALL: [Self; 5] = [Self::Flip, Self::Truncate, Self::Empty, Self::Delete, Self::Swap];
}

/// What came of reading a lake.
#[derive(Debug)]
pub(super) enum Reading {
    /// Every row that must be there, and no other.
    Right,
    /// Other rows.
    Wrong(String),
    /// An error.
    Refused(Error),
}

/// A sound lake in a folder: hot and frozen segments, a bundle, checkpoints and a hint. Row n of the table `events` is
/// `(n, 'note n')`, and a version has the first so many.
pub(super) struct Subject {
    /// Removed with the value.
    _folder: TempDir,
    root: PathBuf,
    /// The rows of each version, from the one that creates the table on.
    rows: Vec<u64>,
}

fn note(id: i64) -> String {
    format!("note {id}")
}

fn batch(begin: u64, end: u64) -> RecordBatch {
    let ids = || (begin..end).map(|id| i64::try_from(id).unwrap_or(i64::MAX));
    let notes: ArrayRef = Arc::new(ids().map(|id| Some(note(id))).collect::<StringArray>());
    let ids: ArrayRef = Arc::new(ids().collect::<Int64Array>());
    RecordBatch::try_from_iter([("id", ids), ("note", notes)]).expect("two columns of the same length")
}

impl Subject {
    /// Makes the lake.
    pub(super) async fn build() -> Checked<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("lake");
        let location = root.display().to_string();
        Lake::create(&location, CreateOptions::default()).await.map_err(|error| describe(&error))?;
        let settings = Settings {
            hot_bytes_max: 4096,
            row_group_rows: 100,
            checkpoint_interval_slots: CHECKPOINT_SLOTS,
            ..Settings::default()
        };
        let options = OpenOptions { settings, ..OpenOptions::default() };
        let lake = Lake::open(&location, options).await.map_err(|error| describe(&error))?;
        commit(&lake.session(), "CREATE TABLE events (id BIGINT, note VARCHAR)").await?;
        let (mut rows, mut end) = (vec![0], 0);
        for number in 1..=COMMITS {
            let count = if number.is_multiple_of(LARGE_EVERY) { LARGE_ROWS } else { 1 };
            lake.append("events", vec![batch(end, end + count)]).await.map_err(|error| describe(&error))?;
            end += count;
            rows.push(end);
            if number.is_multiple_of(CHECKPOINT_SLOTS) {
                lake.settle().await;
            }
        }
        lake.settle().await;
        let subject = Self { _folder: folder, root, rows };
        for part in ["bundles", "checkpoints", "hint", "log", "segments"] {
            if !subject.root.join(part).exists() {
                return Err(format!("the lake has no {part}, so they are not tested"));
            }
        }
        Ok(subject)
    }

    /// Where the lake is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the lake is, as text.
    pub(super) fn location(&self) -> String {
        self.root.display().to_string()
    }

    /// The file of an object.
    pub(super) fn path(&self, object: &str) -> PathBuf {
        self.root.join(object)
    }

    /// The newest version.
    pub(super) fn newest(&self) -> u64 {
        CREATED + COMMITS
    }

    /// How many rows a version has.
    pub(super) fn rows_at(&self, version: u64) -> u64 {
        version.checked_sub(CREATED).and_then(|place| self.rows.get(usize::try_from(place).ok()?).copied()).unwrap_or(0)
    }

    /// The newest slot's key.
    pub(super) fn newest_slot(&self) -> String {
        self.all_objects().into_iter().filter(|object| object.starts_with("log/")).max().unwrap_or_default()
    }

    /// The objects to damage: those of which there are few, the slots at which something begins or ends, and some more.
    pub(super) fn objects(&self, random: &mut Rng, more: usize) -> BTreeSet<String> {
        let all = self.all_objects();
        let checkpoints = all.iter().filter(|object| object.starts_with("checkpoints/"));
        let newest_checkpoint =
            checkpoints.filter_map(|object| object.rsplit_once('/')).map(|(folder, _)| folder.to_owned()).max();
        let newest_checkpoint = newest_checkpoint.unwrap_or_default();
        let edges = |slot: u64| {
            let around_checkpoint = slot % CHECKPOINT_SLOTS <= 1;
            let around_bundle = (255..=258).contains(&slot);
            slot <= 3 || around_checkpoint || around_bundle || slot + 1 >= self.newest()
        };
        let mut chosen: BTreeSet<String> = BTreeSet::new();
        let mut rest: Vec<String> = Vec::new();
        for object in all {
            let is_chosen = match object.split('/').next().unwrap_or_default() {
                "log" => object.rsplit('/').next().and_then(|slot| slot.parse().ok()).is_some_and(edges),
                "checkpoints" => object.starts_with(&newest_checkpoint),
                _ => true,
            };
            if is_chosen {
                chosen.insert(object);
            } else {
                rest.push(object);
            }
        }
        random.shuffle(&mut rest);
        chosen.extend(rest.into_iter().take(more));
        chosen
    }

    /// Every object, by key.
    fn all_objects(&self) -> Vec<String> {
        let mut objects: Vec<String> = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the folder can be read") {
                let path = entry.expect("the folder can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(key) = path.strip_prefix(&self.root) {
                    objects.push(key.display().to_string());
                }
            }
        }
        objects.sort();
        objects
    }

    /// Opens the lake and reads an early version, one between and the newest.
    pub(super) async fn read(&self) -> Reading {
        match self.try_read().await {
            Ok(Ok(())) => Reading::Right,
            Ok(Err(wrong)) => Reading::Wrong(wrong),
            Err(error) => Reading::Refused(error),
        }
    }

    async fn try_read(&self) -> Result<Checked, Error> {
        let lake = Lake::open(&self.location(), OpenOptions::default()).await?;
        for version in [CREATED + 2, CREATED + COMMITS / 2, self.newest()] {
            let sql = format!("SELECT id, note FROM events AS OF VERSION {version}");
            let rows = lake.session().sql(&sql, &Parameters::none()).await?.into_rows()?;
            if let Err(wrong) = check_rows(&rows.collect().await?, self.rows_at(version)) {
                return Ok(Err(format!("version {version}: {wrong}")));
            }
        }
        Ok(Ok(()))
    }

    /// Reads the lake with one object damaged, and undoes the damage.
    pub(super) async fn read_damaged(&self, object: &str, damage: Damage, random: &mut Rng) -> Reading {
        let path = self.path(object);
        let sound = fs::read(&path).expect("the object is there");
        let damaged = match damage {
            Damage::Flip => {
                let mut bytes = sound.clone();
                let place = random.usize(..bytes.len());
                bytes[place] ^= 1_u8 << random.u8(..8);
                Some(bytes)
            }
            Damage::Truncate => Some(sound[..random.usize(1..sound.len())].to_vec()),
            Damage::Empty => Some(Vec::new()),
            Damage::Delete => None,
            Damage::Swap => Some(self.neighbour(&path).unwrap_or_else(|| b"another file".to_vec())),
        };
        match damaged {
            Some(bytes) => fs::write(&path, bytes).expect("the object can be damaged"),
            None => fs::remove_file(&path).expect("the object can be deleted"),
        }
        let reading = self.read().await;
        fs::write(&path, sound).expect("the damage can be undone");
        reading
    }

    /// The bytes of another object of the same kind.
    fn neighbour(&self, path: &Path) -> Option<Vec<u8>> {
        let kind = path.strip_prefix(&self.root).ok()?.components().next()?;
        let others = self.all_objects().into_iter().filter(|other| self.path(other) != path);
        let mut alike = others.filter(|other| Path::new(other).components().next() == Some(kind));
        fs::read(self.path(&alike.next()?)).ok()
    }
}

/// Whether these are the first so many rows.
fn check_rows(batches: &[RecordBatch], expected: u64) -> Checked {
    let mut found: Vec<(i64, String)> = Vec::new();
    for batch in batches {
        let notes = cast(batch.column(1), &DataType::Utf8).map_err(|error| error.to_string())?;
        let ids = batch.column(0).as_primitive::<Int64Type>().values().iter().copied();
        found.extend(ids.zip(notes.as_string::<i32>().iter().map(|note| note.unwrap_or_default().to_owned())));
    }
    found.sort_unstable();
    let is_right = |(place, (id, found)): (i64, &(i64, String))| *id == place && *found == note(*id);
    if found.len() as u64 == expected && (0..).zip(&found).all(is_right) {
        Ok(())
    } else {
        Err(format!("{} rows, of which {expected} are right at most: {:?} …", found.len(), found.first()))
    }
}
