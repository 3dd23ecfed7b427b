//! The order in which names change hands.

use std::collections::BTreeSet;

/// Something that gets a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Naming<K> {
    /// The name that it has; `None` if it is not there.
    pub(super) from: Option<K>,
    /// The name that it gets.
    pub(super) to: K,
}

/// What is done with one of several namings, by its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It gets its name.
    Go(usize),
    /// It gets a name that nobody wants, so that another gets the one it has.
    Aside(usize),
}

/// A name that is not free, and that nobody gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken<K>(pub(super) K);

/// Puts namings in an order in which each name is free when it is given. Where they wait for each other in a circle,
/// one of them steps aside first.
pub(super) fn order<K: Ord + Clone>(mut taken: BTreeSet<K>, namings: &[Naming<K>]) -> Result<Vec<Step>, Taken<K>> {
    let mut held: Vec<Option<K>> = namings.iter().map(|naming| naming.from.clone()).collect();
    let mut waiting: Vec<usize> = (0..namings.len()).collect();
    let mut steps: Vec<Step> = Vec::with_capacity(namings.len());
    while !waiting.is_empty() {
        let is_free = |place: &usize| {
            let to = &namings[*place].to;
            !taken.contains(to) || held[*place].as_ref() == Some(to)
        };
        if let Some(at) = waiting.iter().position(is_free) {
            let place = waiting.remove(at);
            if let Some(old) = held[place].take() {
                taken.remove(&old);
            }
            taken.insert(namings[place].to.clone());
            steps.push(Step::Go(place));
            continue;
        }
        // Somebody who waits has the name that another waits for, or nobody gives it up.
        let wanted = |name: &K| waiting.iter().any(|place| namings[*place].to == *name);
        let blocking = waiting.iter().copied().find(|place| held[*place].as_ref().is_some_and(wanted));
        let Some(place) = blocking else {
            return Err(Taken(namings[waiting[0]].to.clone()));
        };
        if let Some(old) = held[place].take() {
            taken.remove(&old);
        }
        steps.push(Step::Aside(place));
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Namings are `from>to`; a `-` stands for what is not there.
    fn check(taken: &[&str], namings: &[&str], expected: Result<&[Step], &str>) {
        let read = |text: &str| {
            let (from, to) = text.split_once('>').unwrap();
            Naming { from: (from != "-").then(|| from.to_owned()), to: to.to_owned() }
        };
        let namings: Vec<Naming<String>> = namings.iter().map(|text| read(text)).collect();
        let taken: BTreeSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
        let found = order(taken, &namings);
        assert_eq!(found, expected.map(<[Step]>::to_vec).map_err(|name| Taken(name.to_owned())));
    }

    #[test]
    fn who_gives_a_name_up_goes_first() {
        check(&["a", "b"], &["a>b", "b>c"], Ok(&[Step::Go(1), Step::Go(0)]));
    }

    #[test]
    fn names_that_change_places_need_a_third() {
        check(&["a", "b"], &["a>b", "b>a"], Ok(&[Step::Aside(0), Step::Go(1), Step::Go(0)]));
    }

    #[test]
    fn what_comes_back_waits_for_its_name() {
        check(&["a"], &["->a", "a>b"], Ok(&[Step::Go(1), Step::Go(0)]));
    }

    #[test]
    fn a_name_that_nobody_gives_up_is_named() {
        check(&["a", "b"], &["a>b"], Err("b"));
    }
}
