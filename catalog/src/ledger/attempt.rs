//! One attempt to put a slot, as a step machine: what to do next, given what the store answered so far.
//!
//! A slot is created once and never again, so reading it decides every doubt. An answer other than "created" never says
//! that the slot was lost: a request may have landed and its answer not. Only what lies in the slot counts.

use crate::digest::Digest;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put the slot's bytes, if absent, in one request.
    Put,
    /// Read what lies in the slot.
    Read,
    /// The attempt has ended.
    Done(Resolution),
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The slot carries this attempt's record.
    Won,
    /// The slot carries another record, for good.
    Lost,
    /// The store refused and the slot is absent: nothing was written.
    Failed,
    /// The deadline passed and it is not known whether the record will lie in the slot.
    Unknown,
}

/// What the store answered to a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutAnswer {
    /// The object was created by this request.
    Created,
    /// Something lies there, or somebody is writing it.
    Taken,
    /// The store says for certain that it did nothing: no permission, no space.
    Refused,
    /// No answer that says anything: a timeout, a broken connection, a server's fault.
    Unclear,
}

/// What was found in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotContent {
    /// Nothing.
    Absent,
    /// A record with this hash.
    Record(Digest),
    /// It could not be read.
    Unreadable,
}

/// An attempt to put one record into one slot.
///
/// * `Created` is the only answer that wins without reading.
/// * After `Unclear` the slot is read; while it is absent the identical bytes are put again, until the deadline.
/// * An attempt that put at least one request without a certain answer never ends as [`Resolution::Failed`].
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    hash: Digest,
    step: Step,
    refused: bool,
    doubtful: bool,
}

impl Attempt {
    /// An attempt to put the record with this hash.
    pub fn new(hash: Digest) -> Self {
        Self { hash, step: Step::Put, refused: false, doubtful: false }
    }

    /// What to do next.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Whether a put is in doubt: the record may lie in the slot, or come to lie there.
    pub fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// Takes the answer to a put.
    pub fn answered(&mut self, answer: PutAnswer) {
        self.refused = answer == PutAnswer::Refused;
        self.doubtful |= answer == PutAnswer::Unclear;
        self.step = match answer {
            PutAnswer::Created => Step::Done(Resolution::Won),
            PutAnswer::Taken | PutAnswer::Refused | PutAnswer::Unclear => Step::Read,
        };
    }

    /// Takes what was found in the slot; `late` once the deadline has passed.
    pub fn found(&mut self, content: SlotContent, late: bool) {
        self.step = match content {
            SlotContent::Record(hash) if hash == self.hash => Step::Done(Resolution::Won),
            SlotContent::Record(_) => Step::Done(Resolution::Lost),
            SlotContent::Absent if self.refused && !self.doubtful => Step::Done(Resolution::Failed),
            SlotContent::Absent | SlotContent::Unreadable if late => Step::Done(Resolution::Unknown),
            SlotContent::Absent => Step::Put,
            SlotContent::Unreadable => Step::Read,
        };
    }
}
