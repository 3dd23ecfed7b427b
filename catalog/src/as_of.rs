//! From what a statement asks for to the version it reads.

use thiserror::Error;

use crate::checkpoint::SealedError;
use crate::id::{BranchId, Version};
use crate::name::{NAME_BYTES_MAX, Name};
use crate::state::State;
use crate::time::Micros;

/// A past that a statement asks for, its expression evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// A version by its number.
    Version(i64),
    /// The last version not after an instant.
    Timestamp(Micros),
    /// The version that a tag stands for.
    Tag(String),
    /// The newest version of a branch.
    Branch(String),
}

/// Why there is no such past.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AsOfError {
    /// A version that was not made, or not yet.
    #[error("version {asked} does not exist; `main` runs from 1 to {newest}")]
    NoVersion {
        /// The number asked for.
        asked: i64,
        /// The newest version.
        newest: Version,
    },
    /// An instant before the first commit.
    #[error("nothing was committed by {asked}; {}", range(*first, *last))]
    BeforeFirst {
        /// The instant asked for.
        asked: Micros,
        /// The commit time of the first version that has one.
        first: Option<Micros>,
        /// The newest commit time.
        last: Option<Micros>,
    },
    /// An instant that is yet to come.
    #[error("{asked} is later than the statement's start, {started}; an AS OF reads the past")]
    Future {
        /// The instant asked for.
        asked: Micros,
        /// When the statement started.
        started: Micros,
    },
    /// A tag that is not there.
    #[error("tag `{name}` does not exist; {}", nearest_tag(nearest.as_deref()))]
    NoTag {
        /// The name asked for.
        name: String,
        /// The tag whose name is nearest.
        nearest: Option<String>,
    },
    /// A branch that is not there.
    #[error("branch `{name}` does not exist; this lake has `main`")]
    NoBranch {
        /// The name asked for.
        name: String,
    },
    /// The times of older commits cannot be looked at.
    #[error(transparent)]
    Sealed(#[from] SealedError),
}

fn range(first: Option<Micros>, last: Option<Micros>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => format!("`main` runs from {first} to {last}"),
        _ => "no version of `main` has a commit time yet".to_owned(),
    }
}

fn nearest_tag(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "`SELECT tag_name FROM system.tags` lists them".to_owned(),
        |name| format!("did you mean `{name}`?"),
    )
}

impl State {
    /// The version that a statement started at `started` reads when it asks for `as_of`.
    ///
    /// Tags are those that are there at `visible`.
    pub fn resolve_as_of(&self, as_of: &AsOf, visible: Version, started: Micros) -> Result<Version, AsOfError> {
        let newest = self.newest(BranchId::MAIN).unwrap_or(Version::FIRST);
        match as_of {
            AsOf::Version(asked) => u64::try_from(*asked)
                .ok()
                .and_then(Version::new)
                .filter(|version| *version <= newest)
                .ok_or(AsOfError::NoVersion { asked: *asked, newest }),
            AsOf::Timestamp(asked) if *asked > started => Err(AsOfError::Future { asked: *asked, started }),
            AsOf::Timestamp(asked) => match self.version_at(BranchId::MAIN, *asked)? {
                Some(version) => Ok(version),
                None => Err(AsOfError::BeforeFirst {
                    asked: *asked,
                    first: self.commits()?.iter().find_map(|commit| commit.commit_time),
                    last: self.newest_commit_time(BranchId::MAIN),
                }),
            },
            AsOf::Tag(name) => {
                let found = Name::try_new(name).ok().and_then(|name| self.tags().at(&name, visible).copied());
                found.ok_or_else(|| AsOfError::NoTag {
                    name: name.clone(),
                    nearest: nearest(name, self.tags().all_at(visible).map(|(tag, _)| tag.as_str())),
                })
            }
            AsOf::Branch(name) if *name == BranchId::MAIN.name() => Ok(newest),
            AsOf::Branch(name) => Err(AsOfError::NoBranch { name: name.clone() }),
        }
    }
}

/// The name most like another, if any is like it at all.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let folded = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}
