//! What is there of a segment, version by version, as the catalog tells it: no positions are decoded here.

use std::sync::Arc;

use frostline_catalog::schema::Table;
use frostline_catalog::state::Fact;
use frostline_catalog::{Dead, Interval, Span, Version};

/// What a table has of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Nothing.
    Absent,
    /// Its rows, but those that are dead.
    There(Option<Arc<Dead>>),
}

/// What a table has of a segment from a version on, up to the next phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    /// The first version.
    pub(super) begin: Version,
    /// What the table has.
    pub(super) presence: Presence,
}

/// The versions at which a table exists, as few intervals as can be: a table that was dropped may come back.
pub(super) fn existence(facts: &[Fact<Table>]) -> Vec<Interval> {
    let mut merged: Vec<Interval> = Vec::new();
    for fact in facts {
        let joined = match merged.last() {
            Some(last) if last.end() == Some(fact.interval.begin()) => {
                Interval::try_new(last.begin(), fact.interval.end())
            }
            _ => None,
        };
        match (joined, merged.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ => merged.push(fact.interval),
        }
    }
    merged
}

/// The phases of a segment in a table, oldest first. Before the first the table has nothing of it.
pub(super) fn phases(spans: &[Span], existence: &[Interval]) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    let mut last_end: Option<Version> = None;
    for span in spans {
        for exists in existence {
            let begin = span.begin.max(exists.begin());
            let end = earlier(span.end, exists.end());
            if end.is_some_and(|end| end <= begin) {
                continue;
            }
            if let Some(last_end) = last_end
                && last_end < begin
            {
                phases.push(Phase { begin: last_end, presence: Presence::Absent });
            }
            phases.push(Phase { begin, presence: Presence::There(span.dead.clone()) });
            last_end = end;
        }
    }
    if let Some(end) = last_end {
        phases.push(Phase { begin: end, presence: Presence::Absent });
    }
    phases
}

fn earlier(one: Option<Version>, other: Option<Version>) -> Option<Version> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (end, None) | (None, end) => end,
    }
}

/// What the table has at `from`, and the phases after it up to `to`. Without `from`, everything is after it.
pub(super) fn cut(phases: Vec<Phase>, from: Option<Version>, to: Version) -> (Presence, Vec<Phase>) {
    let mut before = Presence::Absent;
    let mut after: Vec<Phase> = Vec::new();
    for phase in phases {
        if from.is_some_and(|from| phase.begin <= from) {
            before = phase.presence;
        } else if phase.begin <= to {
            after.push(phase);
        }
    }
    (before, after)
}

/// The same phases, told from what was there before: rows that were dead by then, and are dead ever after, are left
/// out, so that nobody has to read which they were. `None` if some of them live again.
pub(super) fn since(before: &Presence, after: &[Phase]) -> Option<Vec<Phase>> {
    let Presence::There(Some(dead)) = before else { return None };
    let mut told: Vec<Phase> = Vec::with_capacity(after.len());
    // What the last phase adds is mostly what the one before it adds, and a few rows more.
    let mut last: &Dead = dead;
    let mut last_told: Option<Arc<Dead>> = None;
    for phase in after {
        let Presence::There(Some(later)) = &phase.presence else { return None };
        let (base, newer) = match later.since(last) {
            Some(newer) => (last_told, newer),
            None => (None, later.since(dead)?),
        };
        last = later;
        last_told = put_together(base, newer);
        told.push(Phase { begin: phase.begin, presence: Presence::There(last_told.clone()) });
    }
    Some(told)
}

/// The rows that died after some others, if no row lives again. `None` within if no row died.
pub(super) fn added(before: &Dead, after: &Dead) -> Option<Option<Arc<Dead>>> {
    Some(put_together(None, after.since(before)?))
}

/// Some dead rows and those of later kills.
fn put_together(base: Option<Arc<Dead>>, newer: Vec<&Dead>) -> Option<Arc<Dead>> {
    newer.into_iter().fold(base, |before, kill| Some(Arc::new(Dead::new(before, kill.died_last(), kill.last))))
}

#[cfg(test)]
mod tests {
    use frostline_catalog::segment::BlockRef;
    use frostline_catalog::{Digest, Slot};

    use super::*;

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    fn interval(begin: u64, end: Option<u64>) -> Interval {
        Interval::try_new(version(begin), end.map(version)).unwrap()
    }

    /// Dead rows of kills in these slots, one row each.
    fn dead(slots: &[u64]) -> Option<Arc<Dead>> {
        let block = |slot: &u64| BlockRef { slot: Slot::new(*slot), index: 0, length_bytes: 8, sha256: Digest::ZERO };
        slots.iter().fold(None, |before, slot| Some(Arc::new(Dead::new(before, 1, block(slot)))))
    }

    fn span(begin: u64, end: Option<u64>, slots: &[u64]) -> Span {
        Span { begin: version(begin), end: end.map(version), dead: dead(slots) }
    }

    /// A phase as text: its begin, and the slots of its kills, or `-`.
    fn shown(phases: &[Phase]) -> Vec<String> {
        let presence = |presence: &Presence| match presence {
            Presence::Absent => "-".to_owned(),
            Presence::There(dead) => {
                let blocks = dead.iter().flat_map(|dead| dead.blocks());
                format!("{:?}", blocks.map(|block| block.slot.number()).collect::<Vec<u64>>())
            }
        };
        phases.iter().map(|phase| format!("{} {}", phase.begin, presence(&phase.presence))).collect()
    }

    #[test]
    fn touching_spans_leave_no_gap() {
        let spans = [span(3, Some(5), &[]), span(5, Some(7), &[5]), span(9, None, &[])];
        let found = phases(&spans, &[interval(2, None)]);
        assert_eq!(shown(&found), ["3 []", "5 [5]", "7 -", "9 []"]);
    }

    #[test]
    fn while_a_table_is_dropped_it_has_nothing() {
        let found = phases(&[span(3, None, &[])], &[interval(2, Some(5)), interval(8, None)]);
        assert_eq!(shown(&found), ["3 []", "5 -", "8 []"]);
    }

    #[test]
    fn a_window_begins_with_what_is_there_before_it() {
        let spans = [span(3, Some(5), &[]), span(5, Some(7), &[5]), span(7, None, &[5, 7])];
        let all = phases(&spans, &[interval(2, None)]);
        let (before, after) = cut(all.clone(), Some(version(5)), version(7));
        assert_eq!(before, Presence::There(dead(&[5])));
        assert_eq!(shown(&after), ["7 [5, 7]"]);
        let (before, after) = cut(all, None, version(6));
        assert_eq!((before, shown(&after)), (Presence::Absent, vec!["3 []".to_owned(), "5 [5]".to_owned()]));
    }

    #[test]
    fn who_was_dead_before_a_window_is_left_out_unless_somebody_lives_again() {
        let phase = |begin: u64, slots: &[u64]| Phase { begin: version(begin), presence: Presence::There(dead(slots)) };
        let before = Presence::There(dead(&[3, 4]));
        let told = since(&before, &[phase(5, &[3, 4, 5]), phase(6, &[3, 4, 5, 6])]).unwrap();
        assert_eq!(shown(&told), ["5 [5]", "6 [5, 6]"]);
        let told = since(&before, &[phase(5, &[3, 4, 5]), phase(6, &[3, 4]), phase(7, &[3, 4, 7])]).unwrap();
        assert_eq!(shown(&told), ["5 [5]", "6 []", "7 [7]"]);
        assert_eq!(since(&before, &[phase(5, &[3, 4, 5]), phase(6, &[3])]), None);
        assert_eq!(since(&Presence::Absent, &[phase(5, &[5])]), None);
    }
}
