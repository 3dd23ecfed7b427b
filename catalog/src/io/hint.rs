//! The hint: where to begin looking for the head, and which runs the newest checkpoint had.
//!
//! ```text
//! head 300
//! checkpoint 256
//! run checkpoints/000000000256/commits-5d41402abc4b2a76.parquet    a line for each run, as far as there is room
//! sha256 …                                                         of the lines before
//! ```
//!
//! * It may be old or absent, and one that was altered is not used.
//! * It says what to ask for and never what is so: one that is wrong costs requests, never an answer.
//! * Lines that a reader does not know are passed over: a hint without runs is read, and one with runs also by those
//!   who know of none.

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use super::{LedgerError, StoreError, keys};
use crate::bundle::Bundle;
use crate::checkpoint::Index;
use crate::digest::Digest;
use crate::id::Slot;

/// The largest head that a hint may name: at a slot a microsecond it is reached after nine years.
const HEAD_MAX: u64 = 1 << 48;

/// How many runs a hint names at most, so that it stays below 5 KB. A lake of a million slots has at most 54.
pub(super) const RUNS_MAX: usize = 64;

/// What a lake looked like when somebody last wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    /// A slot that existed when the hint was written.
    pub(super) head: Slot,
    /// The newest checkpoint then; 0 for none.
    pub(super) checkpoint: Slot,
    /// The keys of runs that this checkpoint has: all, some or none of them.
    pub(super) runs: Vec<String>,
}

impl Hint {
    /// The hint of a head and the newest checkpoint before it, if there is one.
    pub(super) fn of(head: Slot, checkpoint: Option<&Index>) -> Self {
        let Some(index) = checkpoint else {
            return Self { head, checkpoint: Slot::new(0), runs: Vec::new() };
        };
        let named = index.runs.iter().map(|run| run.key.as_str()).filter(|key| keys::is_checkpoint_run(key));
        Self { head, checkpoint: index.head.slot, runs: named.take(RUNS_MAX).map(str::to_owned).collect() }
    }

    /// Whether there is a bundle that goes on from a slot, as far as the hint knows.
    pub(super) fn knows_bundle_after(&self, slot: Slot) -> bool {
        Bundle::first_of(slot.next()) == slot.next() && Bundle::last_of(slot.next()) <= self.head
    }

    fn encode(&self) -> Vec<u8> {
        let mut text = format!("head {}\ncheckpoint {}\n", self.head, self.checkpoint);
        for run in &self.runs {
            text.push_str(&format!("run {run}\n"));
        }
        let digest = Digest::of(text.as_bytes());
        text.push_str(&format!("sha256 {digest}\n"));
        text.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (text, digest) = std::str::from_utf8(bytes).ok()?.split_once("sha256 ")?;
        if digest.trim_end() != Digest::of(text.as_bytes()).to_string() {
            return None;
        }
        let mut lines = text.lines();
        let number = |line: Option<&str>, word: &str| -> Option<Slot> {
            line?.strip_prefix(word)?.trim().parse().ok().map(Slot::new)
        };
        let (head, checkpoint) = (number(lines.next(), "head ")?, number(lines.next(), "checkpoint ")?);
        // No ledger is that long, and a checkpoint is of a slot that is there.
        if checkpoint > head || head > Slot::new(HEAD_MAX) {
            return None;
        }
        let named = lines.filter_map(|line| line.strip_prefix("run ")).filter(|key| keys::is_checkpoint_run(key));
        Some(Self { head, checkpoint, runs: named.take(RUNS_MAX).map(str::to_owned).collect() })
    }
}

/// The hint, if there is one and it was not altered.
pub(super) async fn read_hint(store: &dyn ObjectStore) -> Option<Hint> {
    let bytes = store.get(&Path::from(keys::HINT)).await.ok()?.bytes().await.ok()?;
    let hint = Hint::decode(&bytes);
    if hint.is_none() {
        tracing::warn!("the hint is damaged; the head is looked for without it");
    }
    hint
}

pub(super) async fn write_hint(store: &dyn ObjectStore, hint: &Hint) -> Result<(), LedgerError> {
    let key = Path::from(keys::HINT);
    let put = store.put(&key, PutPayload::from(hint.encode())).await;
    put.map(drop).map_err(|error| StoreError::new("write", &key, error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(head: u64, checkpoint: u64, runs: usize) -> Hint {
        let key = |number: usize| {
            keys::checkpoint_run(Slot::new(checkpoint), "segments", &format!("{number:016x}")).to_string()
        };
        Hint { head: Slot::new(head), checkpoint: Slot::new(checkpoint), runs: (0..runs).map(key).collect() }
    }

    /// Lines with the digest that a hint ends with.
    fn sealed(lines: &str) -> Vec<u8> {
        format!("{lines}sha256 {}\n", Digest::of(lines.as_bytes())).into_bytes()
    }

    #[test]
    fn a_hint_survives_its_bytes_and_garbage_is_none() {
        for runs in [0, 1, 7, RUNS_MAX] {
            let hint = hint(300, 256, runs);
            assert_eq!(Hint::decode(&hint.encode()), Some(hint));
        }
        for garbage in ["", "head", "head x\ncheckpoint 1\n", "\0\0"] {
            assert_eq!(Hint::decode(garbage.as_bytes()), None);
            assert_eq!(Hint::decode(&sealed(garbage)), None);
        }
        for (head, checkpoint) in [(255, 256), (u64::MAX, 0), (u64::MAX, u64::MAX)] {
            let impossible = hint(head, checkpoint, 1);
            assert_eq!(Hint::decode(&impossible.encode()), None, "{impossible:?}");
        }
    }

    #[test]
    fn a_hint_that_was_altered_or_cut_is_none() {
        let whole = hint(300, 256, 3).encode();
        for place in 0..whole.len() - 1 {
            let mut flipped = whole.clone();
            flipped[place] ^= 1;
            assert_eq!(Hint::decode(&flipped), None, "byte {place}");
            assert_eq!(Hint::decode(&whole[..place]), None, "{place} bytes");
        }
    }

    #[test]
    fn a_hint_is_written_as_its_format_says() {
        let key = |run: &str| format!("checkpoints/000000000256/{run}.parquet");
        let runs = ["commits-0268601667e2d61d", "facts-0694aacb66d62e74", "segments-08fddbc83d3de346"].map(key);
        let text = "head 300\ncheckpoint 256\n\
                    run checkpoints/000000000256/commits-0268601667e2d61d.parquet\n\
                    run checkpoints/000000000256/facts-0694aacb66d62e74.parquet\n\
                    run checkpoints/000000000256/segments-08fddbc83d3de346.parquet\n\
                    sha256 4fe08cc7260825971f3e985b2e9d1ab133a15752960702ab13c83daf845f45af\n";
        let expected = Hint { runs: runs.to_vec(), ..hint(300, 256, 0) };
        assert_eq!(expected.encode(), text.as_bytes());
        assert_eq!(Hint::decode(text.as_bytes()), Some(expected));
    }

    #[test]
    fn a_hint_of_three_lines_names_no_runs() {
        let text = "head 300\ncheckpoint 256\n\
                    sha256 4ea465e3635e591b4f47b22f1387d1a1ad7a912f10e29d1d0f94c7f291995d65\n";
        let expected = hint(300, 256, 0);
        assert_eq!(expected.encode(), text.as_bytes());
        assert_eq!(Hint::decode(text.as_bytes()), Some(expected));
    }

    #[test]
    fn lines_that_name_no_run_are_passed_over_and_runs_beyond_the_most_too() {
        let known = hint(300, 256, 1);
        let key = &known.runs[0];
        let strange = ["", "segments/7", "checkpoints/256/index", "/", "checkpoints//-.parquet"];
        let mut lines = "head 300\ncheckpoint 256\n".to_owned();
        for key in strange {
            lines.push_str(&format!("run {key}\n"));
        }
        lines.push_str(&format!("run\nmore {key}\nrun ../{key}\nrun {key}\nrun {key}/..\nrun {key} {key}\n"));
        assert_eq!(Hint::decode(&sealed(&lines)), Some(known.clone()));
        let many = hint(300, 256, RUNS_MAX + 9);
        let expected = hint(300, 256, RUNS_MAX);
        let expected_bytes = expected.encode().len();
        assert_eq!(Hint::decode(&many.encode()), Some(expected));
        assert!(expected_bytes < 5_000, "{expected_bytes}");
    }
}
