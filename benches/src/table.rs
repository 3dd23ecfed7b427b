//! The table of claims, as text.

use crate::claim::Claim;

const HEADER: [&str; 6] = ["claim", "measured", "floor/peer", "ratio", "must", "verdict"];

/// Which columns hold numbers and end at one line.
const IS_NUMBER: [bool; 6] = [false, true, true, true, false, false];

/// The table of claims: a header, a rule and a line for each.
pub(crate) fn format_claims(claims: &[Claim]) -> String {
    let header = HEADER.map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(header).chain(claims.iter().map(Claim::cells)).collect();
    let mut widths = [0_usize; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut lines: Vec<String> = rows.iter().map(|row| format_row(row, &widths)).collect();
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    lines.insert(1, rule.join("──"));
    lines.join("\n")
}

fn format_row(row: &[String; 6], widths: &[usize; 6]) -> String {
    let mut cells: Vec<String> = Vec::with_capacity(row.len());
    for ((cell, width), is_number) in row.iter().zip(widths).zip(IS_NUMBER) {
        let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
        cells.push(if is_number { format!("{gap}{cell}") } else { format!("{cell}{gap}") });
    }
    cells.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bound::Bound;
    use crate::quantity::{Quantity, Unit};

    #[test]
    fn columns_stand_below_one_another() {
        let claim = Claim::new("plan", Quantity::new(2.0, Unit::Milliseconds)).must(Bound::AtMost(3.0));
        let expected = "\
claim  measured  floor/peer  ratio  must       verdict
──────────────────────────────────────────────────────
plan    2.00 ms                     ≤ 3.00 ms  ok
open                                           skipped";
        assert_eq!(format_claims(&[claim, Claim::skipped("open")]), expected);
    }
}
