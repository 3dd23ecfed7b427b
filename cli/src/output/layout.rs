//! How the columns of a box share the width of the screen. Pure: widths in, widths out.

/// The border between two cells and a space on either side of the text: `│ text `.
const CELL_FRAME: usize = 3;

/// The border that ends a line.
const LAST_BORDER: usize = 1;

/// The width of the column that stands for those left out: `…`.
const GAP_WIDTH: usize = 1;

/// What a column asks for. `least <= full`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// The width below which the column is better left out.
    pub(super) least: usize,
    /// The width that shows everything.
    pub(super) full: usize,
}

/// One column of the box as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// A column of the result.
    Column {
        /// Its place in the result.
        index: usize,
        /// Its width.
        width: usize,
    },
    /// The place of columns that are left out.
    Gap,
}

impl Lane {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Column { width, .. } => *width,
            Self::Gap => GAP_WIDTH,
        }
    }
}

/// Shares the width.
///
/// * Without a limit, or with room for all, every column is drawn at its full width.
/// * Else the widest columns are narrowed first, none below its least width.
/// * If that is not enough, columns in the middle are left out. The first column is always drawn.
pub(super) fn fit(needs: &[Need], limit: Option<usize>) -> Vec<Lane> {
    let all_at_full = || -> Vec<Lane> {
        needs.iter().enumerate().map(|(index, need)| Lane::Column { index, width: need.full }).collect()
    };
    let Some(limit) = limit else {
        return all_at_full();
    };
    if box_width(needs.iter().map(|need| need.full)) <= limit {
        return all_at_full();
    }
    let count = needs.len();
    let (left, right) = if box_width(needs.iter().map(|need| need.least)) <= limit {
        (count, 0)
    } else {
        ends_that_fit(needs, limit.saturating_sub(LAST_BORDER + GAP_WIDTH + CELL_FRAME))
    };
    let has_gap = left + right < count;
    let shown: Vec<usize> = (0..left).chain(count - right..count).collect();

    let frames = LAST_BORDER + CELL_FRAME * shown.len() + if has_gap { CELL_FRAME + GAP_WIDTH } else { 0 };
    let room = limit.saturating_sub(frames);
    let width_under = |index: usize, cap: usize| needs[index].full.min(cap).max(needs[index].least);
    let cap = (1..=room)
        .rev()
        .find(|cap| shown.iter().map(|index| width_under(*index, *cap)).sum::<usize>() <= room)
        .unwrap_or(1);

    let mut lanes: Vec<Lane> = Vec::with_capacity(shown.len() + 1);
    for (place, index) in shown.iter().enumerate() {
        if has_gap && place == left {
            lanes.push(Lane::Gap);
        }
        lanes.push(Lane::Column { index: *index, width: width_under(*index, cap) });
    }
    if has_gap && right == 0 {
        lanes.push(Lane::Gap);
    }
    lanes
}

/// The space between the outer borders.
pub(super) fn inner_width(lanes: &[Lane]) -> usize {
    lanes.iter().map(|lane| lane.width() + CELL_FRAME).sum::<usize>().saturating_sub(1)
}

fn box_width(widths: impl Iterator<Item = usize>) -> usize {
    widths.map(|width| width + CELL_FRAME).sum::<usize>() + LAST_BORDER
}

/// How many columns from the left and from the right fit side by side at their least width, taken in turns.
fn ends_that_fit(needs: &[Need], room: usize) -> (usize, usize) {
    let (mut left, mut right, mut used) = (0, 0, 0);
    while left + right < needs.len() {
        let from_left = left <= right;
        let index = if from_left { left } else { needs.len() - 1 - right };
        used += needs[index].least + CELL_FRAME;
        if used > room {
            break;
        }
        if from_left {
            left += 1;
        } else {
            right += 1;
        }
    }
    (left.max(1).min(needs.len()), right)
}
