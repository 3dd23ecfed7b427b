//! Which rows of which segments a scan goes through: those that live, or those that somebody chose.

use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use datafusion::catalog::Session;
use datafusion::common::internal_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use frostline_catalog::{Dead, Live, ObjectId, Placed, State, Version};
use frostline_engine::{Lake, LakeError, Positions, PositionsError};

use super::blend::Scan;

/// Rows of a segment that a scan is asked for.
#[derive(Clone, Debug)]
pub(crate) struct ChosenRows {
    /// The segment.
    pub(crate) placed: Placed,
    /// Exactly these of its rows; `None` for all.
    pub(crate) positions: Option<Arc<Positions>>,
}

/// The plan that reads the rows that were chosen, as a version's columns; no other segment is opened. A segment may be
/// chosen several times, with other rows.
///
/// * The rows may be of any version up to `until`, and the columns hold them: see [`wide`](super::wide).
/// * `filters` leave out what cannot match, and no more than that: whoever asks applies them again.
/// * With `places`, the columns that say where rows are stand behind the table's.
#[expect(clippy::too_many_arguments, reason = "it is a scan, and each of these is asked for by one of two callers")]
pub(crate) async fn scan_chosen(
    lake: &Arc<Lake>,
    state: &State,
    table: ObjectId,
    version: Version,
    until: Version,
    rows: Vec<ChosenRows>,
    session: &dyn Session,
    projection: Option<&[usize]>,
    filters: &[Expr],
    places: bool,
) -> Result<Arc<dyn ExecutionPlan>> {
    let chosen = Some(rows.as_slice());
    let reach = Some(until);
    let scan = Scan { lake, state, table, version, reach, projection, filters, limit: None, places, chosen };
    Ok(scan.plan(session).await?.0)
}

/// A segment, and which of its rows come out of a scan.
#[derive(Clone, Debug)]
pub(super) struct SegmentRows<'a> {
    pub(super) placed: &'a Placed,
    pub(super) which: Which,
}

/// Which rows of a segment come out of a scan.
#[derive(Clone, Debug)]
pub(super) enum Which {
    /// All of them.
    All,
    /// Those that are not dead. They are known only to the blocks that say so.
    Living(Arc<Dead>),
    /// These.
    Chosen(Arc<Positions>),
}

impl<'a> From<Live<'a>> for SegmentRows<'a> {
    fn from(live: Live<'a>) -> Self {
        Self { placed: live.placed, which: live.dead.map_or(Which::All, Which::Living) }
    }
}

impl<'a> From<&'a ChosenRows> for SegmentRows<'a> {
    fn from(chosen: &'a ChosenRows) -> Self {
        let which = chosen.positions.as_ref().map_or(Which::All, |positions| Which::Chosen(Arc::clone(positions)));
        Self { placed: &chosen.placed, which }
    }
}

impl SegmentRows<'_> {
    /// How many rows come out.
    pub(super) fn count(&self) -> u64 {
        let all = self.placed.segment.rows;
        match &self.which {
            Which::All => all,
            Which::Living(dead) => all.saturating_sub(dead.rows),
            Which::Chosen(positions) => positions.len(),
        }
    }

    /// Whether all of the segment's rows come out.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.which, Which::All)
    }
}

/// For each segment a bit for each of its rows, set if the row comes out; `None` where all do.
pub(super) async fn load_kept(lake: &Lake, segments: &[SegmentRows<'_>]) -> Result<Vec<Option<BooleanBuffer>>> {
    let dead: Vec<Arc<Dead>> = segments.iter().filter_map(dead_of).collect();
    let positions: Vec<Arc<Positions>> = if dead.is_empty() {
        Vec::new()
    } else {
        lake.dead_positions_all(&dead).await.map_err(|error| DataFusionError::External(Box::new(error)))?
    };
    let mut positions = positions.into_iter();
    let mut kept: Vec<Option<BooleanBuffer>> = Vec::with_capacity(segments.len());
    for rows in segments {
        let count = usize::try_from(rows.placed.segment.rows).unwrap_or(usize::MAX);
        kept.push(match &rows.which {
            Which::All => None,
            Which::Chosen(chosen) => Some(!&chosen.live_bits(count)),
            Which::Living(kills) => match positions.next() {
                Some(dead) => {
                    dead.check_within(rows.placed.segment.rows).map_err(|source| kill_error(kills, source))?;
                    Some(dead.live_bits(count))
                }
                None => return internal_err!("the dead rows of segment {} were not read", rows.placed.segment.id),
            },
        });
    }
    Ok(kept)
}

fn kill_error(kills: &Dead, source: PositionsError) -> DataFusionError {
    let (slot, index) = (kills.last.slot, kills.last.index);
    DataFusionError::External(Box::new(LakeError::Kill { slot, index, source: Arc::new(source) }))
}

fn dead_of(rows: &SegmentRows<'_>) -> Option<Arc<Dead>> {
    match &rows.which {
        Which::Living(dead) => Some(Arc::clone(dead)),
        Which::All | Which::Chosen(_) => None,
    }
}
