//! Tables that begin anew and lose rows, compared with full copies of every version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::sealed_tests::{ONE, OTHER, Saved, begun, committed, create_table, frozen, hot};
use super::*;
use crate::transaction::{BlockIndex, Proposal, TableTarget};

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

fn kill(table: ObjectId, segment: u64, rows: u64) -> Proposal {
    let (table, segment) = (TableTarget::Existing(table), SegmentId::new(segment));
    Proposal::KillRows { table, segment, rows, positions: Some(BlockIndex(0)) }
}

fn kill_all(table: ObjectId, segment: u64, rows: u64) -> Proposal {
    let (table, segment) = (TableTarget::Existing(table), SegmentId::new(segment));
    Proposal::KillRows { table, segment, rows, positions: None }
}

fn begin(table: ObjectId, base: Option<(ObjectId, u64)>) -> Proposal {
    let base = base.map(|(table, number)| TableVersion { table, version: version(number) });
    Proposal::BeginEpoch { table: TableTarget::Existing(table), base }
}

/// Begins a table again that was there at a version, as it was then but for its rows.
fn reopen(state: &State, table: ObjectId, at: u64) -> Proposal {
    let definition = state.table_at(table, version(at)).unwrap().clone();
    let columns = state.columns_at(table, version(at)).into_iter().cloned().zip(0..).collect();
    Proposal::ReopenTable { table, definition, columns }
}

/// The segments of a table at a version, and how many rows of each live.
fn living(state: &State, table: ObjectId, at: u64) -> Vec<(u64, u64)> {
    let live = state.live_segments(table, version(at)).unwrap();
    assert_eq!(state.rows_at(table, version(at)), Ok(live.rows()));
    let hot = live.hot.iter().fold(0, |rows, live| rows + live.rows());
    assert_eq!(state.hot_rows_at(table, version(at)), Ok(hot));
    let mut found: Vec<(u64, u64)> = live.iter().map(|live| (live.placed.segment.id.number(), live.rows())).collect();
    found.sort_unstable();
    found
}

/// What a table's rows are at every version, the same after the lake is opened from a checkpoint.
fn check(state: &State, table: ObjectId, expected: &[(u64, &[(u64, u64)])]) {
    let opened = Saved::write(state, None).restore().unwrap();
    for found in [state, &opened] {
        assert_eq!(found.recompute_digest(), Ok(state.digest()));
        for (at, rows) in expected {
            assert_eq!(living(found, table, *at), *rows, "version {at}");
        }
    }
    let newest = state.head().version.unwrap();
    assert_eq!(opened.rows_at(table, newest), Ok(state.total_rows(table)));
    let (lives, same) = (state.segment_lives(table, newest).unwrap(), opened.segment_lives(table, newest).unwrap());
    assert_eq!(lives, same);
}

/// When a table shows how many rows of which segment.
fn spans(state: &State, table: ObjectId, until: u64) -> Vec<(u64, u64, Option<u64>, u64)> {
    let mut found: Vec<(u64, u64, Option<u64>, u64)> = Vec::new();
    for life in state.segment_lives(table, version(until)).unwrap() {
        for span in life.spans {
            let rows = life.placed.segment.rows - span.dead.map_or(0, |dead| dead.rows);
            found.push((life.placed.segment.id.number(), span.begin.number(), span.end.map(Version::number), rows));
        }
    }
    found.sort_unstable();
    found
}

#[test]
fn a_table_that_begins_from_nothing_has_only_what_comes_then() {
    let mut state = committed(&begun(), vec![hot(ONE, 5)]);
    state = committed(&state, vec![begin(ONE, None)]);
    state = committed(&state, vec![frozen(ONE, 3)]);
    check(&state, ONE, &[(3, &[]), (4, &[(1, 5)]), (5, &[]), (6, &[(2, 3)])]);
    assert_eq!(spans(&state, ONE, 6), [(1, 4, Some(5), 5), (2, 6, None, 3)]);
    assert_eq!(spans(&state, ONE, 4), [(1, 4, None, 5)]);
    let commit = state.commit(version(5)).unwrap().unwrap();
    assert_eq!((commit.rows_added(), commit.rows_removed()), (0, 5));
}

#[test]
fn a_restored_table_has_the_rows_of_its_base_and_a_restored_restore_too() {
    let mut state = committed(&begun(), vec![hot(ONE, 5)]);
    state = committed(&state, vec![begin(ONE, None), hot(ONE, 2)]);
    state = committed(&state, vec![begin(ONE, Some((ONE, 4)))]);
    state = committed(&state, vec![hot(ONE, 1)]);
    state = committed(&state, vec![begin(ONE, None)]);
    state = committed(&state, vec![begin(ONE, Some((ONE, 7)))]);
    state = committed(&state, vec![begin(ONE, Some((ONE, 5)))]);
    let expected: [(u64, &[(u64, u64)]); 6] =
        [(5, &[(2, 2)]), (6, &[(1, 5)]), (7, &[(1, 5), (3, 1)]), (8, &[]), (9, &[(1, 5), (3, 1)]), (10, &[(2, 2)])];
    check(&state, ONE, &expected);
    assert!(state.base_tables(ONE).is_empty());
    let bases: Vec<Option<u64>> =
        state.epochs_of(ONE).iter().map(|epoch| epoch.value.map(|base| base.version.number())).collect();
    assert_eq!(bases, [None, Some(4), None, Some(7), Some(5)]);
}

#[test]
fn a_restore_of_what_never_changed_is_one_life() {
    let state = committed(&begun(), vec![hot(ONE, 5)]);
    let state = committed(&state, vec![begin(ONE, Some((ONE, 4)))]);
    assert_eq!(spans(&state, ONE, 5), [(1, 4, None, 5)]);
}

#[test]
fn a_clone_and_its_source_go_their_own_ways() {
    let copy = ObjectId::new(4);
    let mut state = committed(&begun(), vec![hot(ONE, 5)]);
    state = committed(&state, vec![kill(ONE, 1, 1)]);
    let base = Some(TableVersion { table: ONE, version: version(5) });
    let epoch = Proposal::BeginEpoch { table: TableTarget::Created(0), base };
    state = committed(&state, vec![create_table("copy"), epoch]);
    state = committed(&state, vec![kill(copy, 1, 2)]);
    state = committed(&state, vec![kill(ONE, 1, 3), hot(copy, 7)]);
    check(&state, ONE, &[(4, &[(1, 5)]), (5, &[(1, 4)]), (7, &[(1, 4)]), (8, &[(1, 1)])]);
    check(&state, copy, &[(5, &[]), (6, &[(1, 4)]), (7, &[(1, 2)]), (8, &[(1, 2), (2, 7)])]);
    let live = state.live_segments(copy, version(8)).unwrap();
    let dead = live.hot[0].dead.clone().unwrap();
    assert_eq!(dead.blocks().iter().map(|block| block.slot.number()).collect::<Vec<u64>>(), [5, 7]);
    assert_eq!(live.hot[0].placed.placement.table, ONE);
    assert_eq!((state.base_tables(copy), state.base_tables(ONE)), (vec![ONE], Vec::new()));
    assert_eq!(state.kills(copy, SegmentId::new(1)).map(|kill| kill.rows).collect::<Vec<u64>>(), [2]);
    assert_eq!(spans(&state, copy, 8), [(1, 6, Some(7), 4), (1, 7, None, 2), (2, 8, None, 7)]);
}

#[test]
fn rows_that_died_come_back_with_the_version_that_had_them() {
    let mut state = committed(&begun(), vec![hot(ONE, 5), frozen(ONE, 4)]);
    state = committed(&state, vec![kill(ONE, 1, 2), kill_all(ONE, 2, 4)]);
    state = committed(&state, vec![begin(ONE, Some((ONE, 4)))]);
    state = committed(&state, vec![kill(ONE, 1, 5)]);
    check(&state, ONE, &[(4, &[(1, 5), (2, 4)]), (5, &[(1, 3)]), (6, &[(1, 5), (2, 4)]), (7, &[(2, 4)])]);
    assert_eq!(
        spans(&state, ONE, 7),
        [(1, 4, Some(5), 5), (1, 5, Some(6), 3), (1, 6, Some(7), 5), (2, 4, Some(5), 4), (2, 6, None, 4)]
    );
}

#[test]
fn what_is_dead_at_a_version_is_part_of_what_is_dead_later() {
    let mut state = committed(&begun(), vec![hot(ONE, 50)]);
    for _ in 5..=24 {
        state = committed(&state, vec![kill(ONE, 1, 1)]);
    }
    let lives = state.segment_lives(ONE, version(24)).unwrap();
    let live = state.live_segments(ONE, version(24)).unwrap();
    assert_eq!(lives[0].spans.len(), 21);
    let mut dead = live.hot[0].dead.as_ref();
    for span in lives[0].spans.iter().rev() {
        assert_eq!(span.dead.as_ref().map(Arc::as_ptr), dead.map(Arc::as_ptr));
        dead = dead.and_then(|dead| dead.before());
    }
    let shown = state.live_segments(ONE, version(14)).unwrap();
    assert_eq!(shown.hot[0].dead, lives[0].spans[10].dead);
}

#[test]
fn what_an_entry_did_before_a_table_began_anew_never_was() {
    let mut state = committed(&begun(), vec![hot(ONE, 5)]);
    let before = vec![hot(ONE, 2), kill(ONE, 1, 1), begin(ONE, None), hot(ONE, 4)];
    state = committed(&state, before);
    check(&state, ONE, &[(4, &[(1, 5)]), (5, &[(3, 4)])]);
    assert_eq!(state.kills(ONE, SegmentId::new(1)).count(), 0);
    let commit = state.commit(version(5)).unwrap().unwrap();
    assert_eq!((commit.rows_added(), commit.rows_removed()), (4, 5));

    state = committed(&state, vec![begin(ONE, None), hot(ONE, 9), begin(ONE, Some((ONE, 4)))]);
    check(&state, ONE, &[(5, &[(3, 4)]), (6, &[(1, 5)])]);
    assert_eq!(state.epochs_of(ONE).len(), 2);
}

#[test]
fn a_table_that_begins_again_has_rows_only_from_a_base() {
    let mut state = committed(&begun(), vec![hot(ONE, 5)]);
    state = committed(&state, vec![Proposal::DropTable { table: ONE }]);
    state = committed(&state, vec![reopen(&state, ONE, 4)]);
    state = committed(&state, vec![Proposal::DropTable { table: ONE }]);
    state = committed(&state, vec![reopen(&state, ONE, 6), begin(ONE, Some((ONE, 4)))]);
    check(&state, ONE, &[(4, &[(1, 5)]), (5, &[]), (6, &[]), (7, &[]), (8, &[(1, 5)])]);
    assert_eq!(spans(&state, ONE, 8), [(1, 4, Some(5), 5), (1, 8, None, 5)]);
    assert_eq!(state.columns_at(ONE, version(8)), state.columns_at(ONE, version(4)));
    assert!(state.relation_named(ObjectId::new(1), "one", version(7)).is_none());
    assert!(state.relation_named(ObjectId::new(1), "one", version(8)).is_some());
}

#[test]
fn the_newest_rows_are_counted_without_decoding() {
    let mut state = committed(&begun(), vec![hot(ONE, 5), frozen(ONE, 7)]);
    state = committed(&state, vec![kill(ONE, 1, 2)]);
    state = committed(&state, vec![begin(OTHER, Some((ONE, 5)))]);
    let newest = state.head().version.unwrap();
    let opened = Saved::write(&state, None).restore().unwrap();
    assert_eq!((opened.rows_at(ONE, newest), opened.rows_at(OTHER, newest)), (Ok(10), Ok(10)));
    assert_eq!(opened.rows_at(ONE, version(5)), Ok(10), "nor those since the last change");
    let opened = committed(&opened, vec![begin(ONE, None), hot(ONE, 1)]);
    assert_eq!(opened.live_segments(ONE, version(7)).unwrap().rows(), 1, "nor what an epoch has nothing to do with");
    assert!(!opened.is_decoded());
    assert_eq!(opened.rows_at(ONE, version(4)), Ok(12));
    assert!(opened.is_decoded());
}

const TABLES: [ObjectId; 2] = [ONE, OTHER];

/// A part of an entry.
#[derive(Clone, Copy, Debug)]
enum Part {
    Add { table: usize, is_frozen: bool, rows: u64 },
    Kill { table: usize, segment: usize, mask: u64, is_whole: bool },
    Begin { table: usize, base: Option<(usize, usize)> },
}

#[derive(Clone, Debug)]
enum Step {
    Entry(Vec<Part>),
    Drop(usize),
    /// A dropped table is as it was before.
    Undrop(usize),
    /// The lake is opened from a checkpoint.
    Reopen,
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let table = || 0..TABLES.len();
    let part = prop_oneof![
        4 => (table(), any::<bool>(), 1..6_u64)
            .prop_map(|(table, is_frozen, rows)| Part::Add { table, is_frozen, rows }),
        5 => (table(), 0..64_usize, 1..64_u64, prop::bool::weighted(0.2))
            .prop_map(|(table, segment, mask, is_whole)| Part::Kill { table, segment, mask, is_whole }),
        2 => (table(), prop::option::weighted(0.7, (table(), 0..64_usize)))
            .prop_map(|(table, base)| Part::Begin { table, base }),
    ];
    let step = prop_oneof![
        12 => prop::collection::vec(part, 1..4).prop_map(Step::Entry),
        1 => table().prop_map(Step::Drop),
        2 => table().prop_map(Step::Undrop),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

/// The positions of each segment's living rows.
type Rows = BTreeMap<u64, BTreeSet<u64>>;

/// A full copy of every version, by table.
struct Model {
    now: BTreeMap<ObjectId, Rows>,
    /// That of version 1 first.
    versions: Vec<BTreeMap<ObjectId, Rows>>,
    /// The positions in blocks, by slot and place.
    blocks: BTreeMap<(u64, u32), BTreeSet<u64>>,
}

impl Model {
    /// What [`begun`] gives.
    fn new() -> Self {
        let one = BTreeMap::from([(ONE, Rows::new())]);
        let now = BTreeMap::from([(ONE, Rows::new()), (OTHER, Rows::new())]);
        Self { versions: vec![BTreeMap::new(), one, now.clone()], now, blocks: BTreeMap::new() }
    }

    /// What a step makes of a state, and of the model.
    fn take(&mut self, state: &State, step: &Step) -> State {
        let proposals = match step {
            Step::Reopen => return Saved::write(state, None).restore().unwrap(),
            Step::Entry(parts) => {
                let entered = parts.iter().fold(Entered::new(state), |entered, part| self.enter(entered, *part));
                entered.proposals
            }
            Step::Drop(table) => match self.now.remove(&TABLES[*table]) {
                Some(_) => vec![Proposal::DropTable { table: TABLES[*table] }],
                None => Vec::new(),
            },
            Step::Undrop(table) => {
                let table = TABLES[*table];
                let last = self.versions.iter().rposition(|tables| tables.contains_key(&table)).unwrap();
                if self.now.contains_key(&table) {
                    Vec::new()
                } else {
                    self.now.insert(table, self.versions[last][&table].clone());
                    let at = last as u64 + 1;
                    vec![reopen(state, table, at), begin(table, Some((table, at)))]
                }
            }
        };
        self.versions.push(self.now.clone());
        committed(state, proposals)
    }

    fn enter(&mut self, mut entered: Entered, part: Part) -> Entered {
        match part {
            Part::Add { table, is_frozen, rows } => {
                let table = TABLES[table];
                if let Some(now) = self.now.get_mut(&table) {
                    now.insert(entered.first + entered.added, (0..rows).collect());
                    entered.added += 1;
                    entered.proposals.push(if is_frozen { frozen(table, rows) } else { hot(table, rows) });
                }
            }
            Part::Kill { table, segment, mask, is_whole } => {
                let table = TABLES[table];
                let Some(now) = self.now.get_mut(&table).filter(|now| !now.is_empty()) else { return entered };
                if entered.blocks == 2 {
                    return entered;
                }
                let id = *now.keys().nth(segment % now.len()).unwrap();
                let living = now.remove(&id).unwrap();
                let (killed, rest): (BTreeSet<u64>, BTreeSet<u64>) =
                    living.into_iter().partition(|position| is_whole || (mask >> position) & 1 == 1);
                let rows = killed.len() as u64;
                if !rest.is_empty() {
                    now.insert(id, rest);
                }
                if rows == 0 {
                    return entered;
                }
                let positions = (!is_whole).then(|| {
                    self.blocks.insert((entered.slot, entered.blocks), killed);
                    entered.blocks += 1;
                    BlockIndex(entered.blocks as usize - 1)
                });
                let segment = match id.checked_sub(entered.first) {
                    Some(place) => SegmentId::pending(place),
                    None => SegmentId::new(id),
                };
                let table = TableTarget::Existing(table);
                entered.proposals.push(Proposal::KillRows { table, segment, rows, positions });
            }
            Part::Begin { table, base } => {
                let table = TABLES[table];
                if self.now.contains_key(&table) {
                    let base = base.map(|(from, at)| (TABLES[from], at % self.versions.len()));
                    let base = base.filter(|(from, at)| self.versions[*at].contains_key(from));
                    let rows = base.map_or_else(Rows::new, |(from, at)| self.versions[at][&from].clone());
                    self.now.insert(table, rows);
                    entered.proposals.push(begin(table, base.map(|(from, at)| (from, at as u64 + 1))));
                }
            }
        }
        entered
    }

    /// The positions that live in a segment of so many rows.
    fn positions(&self, rows: u64, dead: Option<&Arc<Dead>>) -> BTreeSet<u64> {
        let mut living: BTreeSet<u64> = (0..rows).collect();
        if let Some(dead) = dead {
            for block in dead.blocks() {
                let died = &self.blocks[&(block.slot.number(), block.index)];
                assert!(died.iter().all(|position| living.remove(position)), "nothing dies twice");
            }
            assert_eq!(living.len() as u64, rows - dead.rows);
            assert!(!living.is_empty() && dead.rows > 0);
        }
        living
    }

    fn expected(&self, table: ObjectId, at: u64) -> Rows {
        self.versions[at as usize - 1].get(&table).cloned().unwrap_or_default()
    }

    fn assert_rows(&self, state: &State) {
        for number in 1..=self.versions.len() as u64 {
            for table in TABLES {
                let live = state.live_segments(table, version(number)).unwrap();
                for list in [&live.hot, &live.frozen] {
                    assert!(list.is_sorted_by(|one, next| one.placed.segment.id < next.placed.segment.id));
                }
                let found: Rows = live
                    .iter()
                    .map(|live| {
                        let segment = &live.placed.segment;
                        (segment.id.number(), self.positions(segment.rows, live.dead.as_ref()))
                    })
                    .collect();
                let expected = self.expected(table, number);
                assert_eq!(found, expected, "table {table} at version {number}");
                let rows: u64 = expected.values().map(|positions| positions.len() as u64).sum();
                assert_eq!(living(state, table, number).iter().map(|(_, rows)| rows).sum::<u64>(), rows);
                for live in live.iter() {
                    let segment = live.placed.segment.id;
                    assert_eq!(state.live_segment(table, segment, version(number)).unwrap().as_ref(), Some(live));
                }
            }
        }
    }

    fn assert_lives(&self, state: &State, until: u64) {
        for table in TABLES {
            let lives = state.segment_lives(table, version(until)).unwrap();
            for number in 1..=until {
                let mut found = Rows::new();
                for life in &lives {
                    let at = version(number);
                    let holds = |span: &&Span| span.begin <= at && span.end.is_none_or(|end| at < end);
                    if let Some(span) = life.spans.iter().find(holds) {
                        let segment = &life.placed.segment;
                        let positions = self.positions(segment.rows, span.dead.as_ref());
                        assert!(found.insert(segment.id.number(), positions).is_none(), "a segment has one life");
                    }
                }
                assert_eq!(found, self.expected(table, number), "table {table} at {number}, told at {until}");
            }
            for life in &lives {
                assert!(!life.spans.is_empty());
                let ends = life.spans.iter().filter_map(|span| span.end);
                assert!(ends.zip(&life.spans).all(|(end, span)| span.begin < end && end <= version(until)));
                for pair in life.spans.windows(2) {
                    let end = pair[0].end.expect("only the last span is open");
                    assert!(end < pair[1].begin || (end == pair[1].begin && pair[0].dead != pair[1].dead));
                }
            }
        }
    }
}

/// An entry as it is put together.
struct Entered {
    slot: u64,
    /// The id of the first segment that it adds.
    first: u64,
    added: u64,
    blocks: u32,
    proposals: Vec<Proposal>,
}

impl Entered {
    fn new(state: &State) -> Self {
        let (slot, first) = (state.head().slot.number() + 1, state.counters().segment.number());
        Self { slot, first, added: 0, blocks: 0, proposals: Vec::new() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_version_has_the_rows_of_its_full_copy(steps in any_steps(), until in 0..64_usize) {
        let mut model = Model::new();
        let mut state = begun();
        for step in &steps {
            state = model.take(&state, step);
        }
        let newest = model.versions.len() as u64;
        model.assert_rows(&state);
        model.assert_lives(&state, newest);
        model.assert_lives(&state, until as u64 % newest + 1);
        assert_eq!(state.recompute_digest(), Ok(state.digest()));
        let opened = Saved::write(&state, None).restore().unwrap();
        model.assert_rows(&opened);
        model.assert_lives(&opened, newest);
        assert_eq!(opened.recompute_digest(), Ok(state.digest()));
    }
}
