//! The identities of things: every id and every number with meaning is a type of its own.

use std::fmt;
use std::num::NonZeroU64;

use uuid::Uuid;

/// Declares ids that one counter of the lake hands out and never sets back.
macro_rules! counted_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The id with this number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number behind the id.
            pub const fn number(self) -> u64 {
                self.0
            }

            /// The id after this one. Nothing comes after the greatest, which is therefore never given.
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// Numbers from here on stand for what a transaction makes, as long as it is not committed. Nothing counts so far.
const PENDING: u64 = 1 << 62;

/// Declares which ids stand for what is not committed yet.
macro_rules! pending_id {
    ($($name:ident)*) => {
        $(impl $name {
            /// What stands for the `n`-th of its kind, from 0, that a transaction makes, until it is committed.
            pub const fn pending(n: u64) -> Self {
                Self(PENDING.saturating_add(n))
            }

            /// Whether it stands for something that is not committed.
            pub const fn is_pending(self) -> bool {
                self.0 >= PENDING
            }
        })*
    };
}

counted_id! {
    /// A schema, table or view. It outlives the thing's name and is never used again.
    ObjectId
}
counted_id! {
    /// An immutable set of rows of one table.
    SegmentId
}
counted_id! {
    /// That a segment belongs to a table: a placement's own id.
    PlacementId
}
counted_id! {
    /// A row's identity, kept by every rewrite.
    RowId
}
counted_id! {
    /// The number of a ledger object. The first is 1; there are no gaps.
    Slot
}

pending_id! { ObjectId SegmentId RowId Slot }

impl ObjectId {
    /// As which schema, table or view a transaction makes it, from 0; `None` if the ledger gave the id.
    pub(crate) const fn pending_place(self) -> Option<u64> {
        self.0.checked_sub(PENDING)
    }
}

impl SegmentId {
    /// As which segment a transaction adds it, from 0; `None` if the ledger gave the id.
    pub(crate) const fn pending_place(self) -> Option<u64> {
        self.0.checked_sub(PENDING)
    }
}

/// A line of versions. `main` is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchId(u32);

impl BranchId {
    /// The branch that every lake has.
    pub const MAIN: Self = Self(0);

    /// The branch with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number behind the id.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The branch's name.
    pub fn name(self) -> String {
        if self == Self::MAIN { "main".to_owned() } else { format!("branch {}", self.0) }
    }
}

/// A column of a table, over all its versions. Ids count per table from 1 and are never used again; they are the
/// field ids of the Parquet files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(i32);

impl FieldId {
    /// The first field id of a table.
    pub const FIRST: Self = Self(1);

    /// The id with this number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The number behind the id.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The id after this one. Nothing comes after the greatest.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One transaction of the lake, numbered. The first is 1; there are no gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(NonZeroU64);

impl Version {
    /// The version that creates the lake.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The version with this number; `None` for zero.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0.get()
    }

    /// The version after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A lake's identity: 128 random bits, given when the lake is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LakeId(Uuid);

impl LakeId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The id's bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Reads an id as [`Display`](fmt::Display) writes it; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for LakeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The identity of a commit: the same id with the same request gets the first outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(Uuid);

impl CommitId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The id's bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Reads an id as [`Display`](fmt::Display) writes it; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// When the id was made, if it is a UUID of version 7: microseconds since 1970 in UTC.
    pub fn made_at_micros(&self) -> Option<i64> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        i64::try_from(seconds).ok()?.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1_000))
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}
