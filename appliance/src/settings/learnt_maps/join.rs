//! What two programs that share the file have learnt, as one.

use hal::gesture::Identity;

use super::Learnt;
use crate::control::binding::Entry;

/// Joins what one program knows with what the file holds now, `filed`, where it held `before` when that program last knew it:
/// every controller of either, those of the file first; one that has learnt nothing has no entries.
pub(super) fn joined(before: &[Learnt], ours: &[Learnt], filed: &[Learnt]) -> Vec<Learnt> {
    let mut everyone: Vec<&Identity> = Vec::new();
    for (who, _) in filed.iter().chain(ours) {
        if !everyone.contains(&who) {
            everyone.push(who);
        }
    }
    let join = |who| on_one(of(before, who), of(ours, who), of(filed, who));
    everyone.into_iter().map(|who| (who.clone(), join(who))).collect()
}

/// What a controller has learnt.
pub(super) fn of<'a>(all: &'a [Learnt], who: &Identity) -> &'a [Entry] {
    all.iter().find(|(it, _)| it == who).map_or(&[], |(_, entries)| entries)
}

/// What two programs have learnt on one controller: of what `theirs` holds all but what was forgotten here since `before`,
/// and what was learnt here since then, which takes the place of what they have on the same control.
fn on_one(before: &[Entry], ours: &[Entry], theirs: &[Entry]) -> Vec<Entry> {
    if theirs == before {
        return ours.to_vec();
    }
    let new: Vec<&Entry> = ours.iter().filter(|it| !before.contains(it)).collect();
    let forgotten = |entry: &Entry| before.contains(entry) && !ours.contains(entry);
    let on_same = |entry: &Entry| {
        let control = |it: &Entry| (it.on, it.channel, it.layer);
        new.iter().any(|it| control(it) == control(entry))
    };
    let kept = theirs.iter().filter(|it| !forgotten(it) && !on_same(it));
    kept.chain(new.iter().copied()).cloned().collect()
}
