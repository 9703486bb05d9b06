//! Finds what two policies have in common: matches their sources by what they
//! read, and lists for each pair everything that can be the case with it in
//! either policy.

use crate::condition::possible;
use crate::policy::Policy;
use crate::rule::Rule;
use crate::wit::{Counterpart, JointCondition};

impl Policy {
    /// Finds the sources that two policies have in common: the old policy's
    /// in their order, then those that only the new one has.
    #[must_use]
    pub fn align(old: &Self, new: &Self) -> Vec<Counterpart> {
        let mut free: Vec<Option<u32>> = (0..).zip(new.rules()).map(|(at, _)| Some(at)).collect();
        let mut all = Vec::new();
        for (place, rule) in (0..).zip(old.rules()) {
            // Where one policy reads the same twice, the first meets the first.
            let same = free
                .iter_mut()
                .zip(new.rules())
                .find(|(at, other)| at.is_some() && other.source.reads == rule.source.reads);
            let other = same.and_then(|(at, other)| Some((at.take()?, other)));
            all.push(counterpart(Some((place, rule)), other));
        }
        for (place, rule) in free.iter().zip(new.rules()) {
            if let Some(place) = place {
                all.push(counterpart(None, Some((*place, rule))));
            }
        }
        all
    }
}

fn counterpart(old: Option<(u32, &Rule)>, new: Option<(u32, &Rule)>) -> Counterpart {
    let rules: Vec<&Rule> = old.iter().chain(&new).map(|(_, rule)| *rule).collect();
    // The indexes that each rule has alone: those of its own table.
    let alone = |rule: Option<(u32, &Rule)>| rule.map(|(_, rule)| possible(&[rule]));
    let (of_old, of_new) = (alone(old), alone(new));
    let conditions = possible(&rules).into_iter().map(|condition| {
        let mut judged = condition.judged.iter();
        let mut place = |alone: &Option<Vec<_>>| {
            let alone: &Vec<crate::condition::Possible> = alone.as_ref()?;
            let judged = judged.next()?;
            let place = alone
                .iter()
                .position(|other| other.judged.first() == Some(judged))?;
            u32::try_from(place).ok()
        };
        JointCondition {
            old: place(&of_old),
            new: place(&of_new),
            text: condition.text(),
        }
    });
    Counterpart {
        reads: rules
            .first()
            .map_or_else(String::new, |rule| rule.source.reads.clone()),
        conditions: conditions.collect(),
        old: old.map(|(place, _)| place),
        new: new.map(|(place, _)| place),
    }
}
