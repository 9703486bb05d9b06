//! The merged table of a policy whose override chooses. What every case comes
//! to goes in, in the order in which cases are gone through; what comes out
//! are lines, each a conjunction over a few sources, that together cover every
//! case once. A source that makes no difference in a line is not named in it.

/// What follows, and in which cases: for some sources, by their place, the
/// facts (places in the alphabet) that they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch<T> {
    /// Sources and their facts.
    pub when: Vec<(usize, Vec<usize>)>,
    /// What follows.
    pub then: T,
}

/// Merges what every combination comes to. `widths` says how many facts each
/// source can have; the last source's change fastest.
pub fn merge<T: Copy + PartialEq>(widths: &[usize], outcomes: &[T]) -> Vec<Branch<T>> {
    let mut branches = Vec::new();
    descend(widths, 0, outcomes, &mut Vec::new(), &mut branches);
    branches
}

fn descend<T: Copy + PartialEq>(
    widths: &[usize],
    source: usize,
    outcomes: &[T],
    path: &mut Vec<(usize, Vec<usize>)>,
    branches: &mut Vec<Branch<T>>,
) {
    let Some(first) = outcomes.first() else {
        return;
    };
    if outcomes.iter().all(|other| other == first) {
        branches.push(Branch {
            when: path.clone(),
            then: *first,
        });
        return;
    }
    let width = widths.get(source).copied().unwrap_or(1).max(1);
    let size = (outcomes.len() / width).max(1);
    // Facts after which everything comes to the same go together.
    let mut groups: Vec<(&[T], Vec<usize>)> = Vec::new();
    for (fact, slice) in outcomes.chunks(size).enumerate() {
        match groups.iter_mut().find(|(other, _)| *other == slice) {
            Some((_, facts)) => facts.push(fact),
            None => groups.push((slice, vec![fact])),
        }
    }
    let matters = groups.len() > 1;
    for (slice, facts) in groups {
        if matters {
            path.push((source, facts));
        }
        descend(widths, source + 1, slice, path, branches);
        if matters {
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_makes_no_difference_is_not_named() {
        // Three sources of two facts each; the second decides alone.
        let outcomes = [0, 0, 1, 1, 0, 0, 1, 1];
        assert_eq!(
            merge(&[2, 2, 2], &outcomes),
            [
                Branch {
                    when: vec![(1, vec![0])],
                    then: 0
                },
                Branch {
                    when: vec![(1, vec![1])],
                    then: 1
                },
            ]
        );
    }

    #[test]
    fn every_case_is_in_one_line() {
        let widths = [3, 2, 4];
        let outcomes: Vec<usize> = (0..24).map(|case| (case * 7 + case / 5) % 3).collect();
        let branches = merge(&widths, &outcomes);
        for (case, outcome) in outcomes.iter().enumerate() {
            let facts = [case / 8, case / 4 % 2, case % 4];
            let matching: Vec<_> = branches
                .iter()
                .filter(|branch| {
                    branch
                        .when
                        .iter()
                        .all(|(source, chosen)| chosen.contains(&facts[*source]))
                })
                .collect();
            assert_eq!(matching.len(), 1, "{facts:?}");
            assert_eq!(matching[0].then, *outcome);
        }
    }
}
