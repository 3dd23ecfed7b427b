//! A claim, what was measured for it, and whether it stands.

use crate::bound::Bound;
use crate::quantity::Quantity;

/// A claim, and what was measured for it.
///
/// * It stands if every bound holds.
/// * Without a bound it is only reported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claim {
    what: String,
    outcome: Outcome,
    against: Option<Quantity>,
    bounds: Vec<Bound>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Measured(Quantity),
    Skipped,
    Failed,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every bound holds.
    Ok,
    /// A bound does not hold.
    Miss,
    /// There is no bound.
    Reported,
    /// It was not measured, because something that it needs is not here.
    Skipped,
    /// Measuring it failed.
    Failed,
}

impl Claim {
    /// A claim for which this was measured.
    pub(crate) fn new(what: impl Into<String>, measured: Quantity) -> Self {
        Self::with(what.into(), Outcome::Measured(measured))
    }

    /// A claim that was not measured.
    pub(crate) fn skipped(what: impl Into<String>) -> Self {
        Self::with(what.into(), Outcome::Skipped)
    }

    /// A claim whose measuring failed.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::with(what.into(), Outcome::Failed)
    }

    fn with(what: String, outcome: Outcome) -> Self {
        Self { what, outcome, against: None, bounds: Vec::new() }
    }

    /// The same claim beside a floor or peer, measured in the same run.
    pub(crate) fn against(mut self, against: Quantity) -> Self {
        self.against = Some(against);
        self
    }

    /// The same claim with one bound more.
    pub(crate) fn must(mut self, bound: Bound) -> Self {
        self.bounds.push(bound);
        self
    }

    /// What came of it.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.outcome {
            Outcome::Skipped => Verdict::Skipped,
            Outcome::Failed => Verdict::Failed,
            Outcome::Measured(_) if self.bounds.is_empty() => Verdict::Reported,
            Outcome::Measured(measured) => {
                let holds = self.bounds.iter().all(|bound| bound.holds(measured, self.against));
                if holds { Verdict::Ok } else { Verdict::Miss }
            }
        }
    }

    /// The cells of its row: claim, measured, floor or peer, ratio, must, verdict.
    pub(crate) fn cells(&self) -> [String; 6] {
        let verdict = match self.verdict() {
            Verdict::Ok => "ok",
            Verdict::Miss => "miss",
            Verdict::Reported => "reported",
            Verdict::Skipped => "skipped",
            Verdict::Failed => "failed",
        };
        let Outcome::Measured(measured) = self.outcome else {
            return [self.what.clone(), String::new(), String::new(), String::new(), String::new(), verdict.to_owned()];
        };
        let against = self.against.map_or_else(String::new, |against| against.to_string());
        let ratio = self.against.filter(|against| against.number() > 0.0);
        let ratio = ratio.map_or_else(String::new, |against| format!("{:.2} ×", measured.number() / against.number()));
        let bounds: Vec<String> = self.bounds.iter().map(|bound| bound.describe(measured.unit())).collect();
        [self.what.clone(), measured.to_string(), against, ratio, bounds.join(", "), verdict.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Unit;

    fn ms(number: f64) -> Quantity {
        Quantity::new(number, Unit::Milliseconds)
    }

    #[test]
    fn a_claim_stands_only_if_every_bound_holds() {
        let claim = Claim::new("plan", ms(2.0)).against(ms(1.0)).must(Bound::AtMost(3.0));
        assert_eq!(claim.verdict(), Verdict::Ok);
        assert_eq!(claim.must(Bound::TimesAtMost(1.2)).verdict(), Verdict::Miss);
    }

    #[test]
    fn without_a_bound_it_is_only_reported() {
        assert_eq!(Claim::new("plan", ms(2.0)).verdict(), Verdict::Reported);
    }

    #[test]
    fn a_row_shows_the_ratio_and_what_must_be_reached() {
        let claim = Claim::new("commit", ms(1.5)).against(ms(0.5)).must(Bound::TimesAndMore { times: 3.0, more: 1.0 });
        assert_eq!(claim.cells(), ["commit", "1.50 ms", "0.50 ms", "3.00 ×", "≤ 3.00 × + 1.00 ms", "ok"]);
        assert_eq!(Claim::skipped("open").cells(), ["open", "", "", "", "", "skipped"]);
    }
}
