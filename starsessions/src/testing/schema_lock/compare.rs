//! The changes since the lock, and whether live sessions survive them.

use std::collections::BTreeMap;

use super::text::{Lock, Recorded};
use super::{Current, SchemaChange};
use crate::schema::namespace_of;

/// The new lock, and its differences from `before`.
pub(super) fn compare(
    before: &Lock,
    now: &BTreeMap<&'static str, Current>,
) -> (Lock, Vec<SchemaChange>) {
    let mut changes = Vec::new();
    let mut note = |field: &str, (breaks_sessions, sentence): Verdict| {
        changes.push(SchemaChange {
            field: field.to_owned(),
            breaks_sessions,
            sentence,
        });
    };
    let mut after = Lock::default();
    let mut given_up = Vec::new();
    for (name, current) in now {
        let old = before.0.get(*name);
        if let Some(verdict) = judge(name, current, old) {
            note(name, verdict);
        }
        if current.recorded.is_required && is_missing(name, current, before) {
            note(name, (true, demanded(name)));
        }
        for (alias, old) in former_names(current, before) {
            if !reads(current, old) {
                note(name, (true, takes_over(name, alias, current, old)));
                given_up.push(alias);
            }
        }
        after.0.insert((*name).to_owned(), current.recorded.clone());
    }
    for (name, old) in &before.0 {
        if now.contains_key(&**name) || given_up.contains(&&**name) {
            continue;
        }
        let is_renamed = now
            .values()
            .any(|it| former_names(it, before).any(|(alias, _)| alias == name));
        if !old.is_removed && !is_renamed {
            note(name, (false, removed(name)));
        } else if !old.is_removed {
            note(name, (false, format!("`{name}` is a former name now")));
        }
        let mut kept = old.clone();
        kept.is_removed = true;
        after.0.insert(name.clone(), kept);
    }
    (after, changes)
}

/// Whether the change breaks live sessions, and the sentence about it.
type Verdict = (bool, String);

fn judge(name: &str, current: &Current, old: Option<&Recorded>) -> Option<Verdict> {
    let Some(old) = old else {
        return Some((false, format!("`{name}` is new")));
    };
    let new = &current.recorded;
    if new.version < old.version {
        return Some((true, lowered(name, new, old)));
    }
    if !reads(current, old) {
        return Some((true, unreadable(name, new, old)));
    }
    let differences = [
        ("version", new.version != old.version),
        ("codec", new.codec != old.codec),
        ("merge", new.merge != old.merge),
        ("presence", new.is_required != old.is_required),
        ("index", new.is_index != old.is_index),
        ("type", new.samples.keys().ne(old.samples.keys())),
    ];
    let differs = differences.iter().find(|(_, differs)| *differs);
    match differs {
        _ if old.is_removed => Some((false, format!("`{name}` is back"))),
        _ if new.is_index && !old.is_index => Some((false, indexed(name))),
        Some((what, _)) => Some((false, format!("the {what} of `{name}` has changed"))),
        None => None,
    }
}

/// Whether live sessions may have other fields of the struct and lack this one.
fn is_missing(name: &str, current: &Current, before: &Lock) -> bool {
    let is_of_struct = |known: &String| namespace_of(known) == namespace_of(name);
    let former = former_names(current, before).map(|(_, old)| old);
    let mut known = before.0.get(name).into_iter().chain(former);
    before.0.keys().any(is_of_struct) && !known.any(|old| old.is_required && !old.is_removed)
}

/// The fields of the lock that a field reads if its own name is absent.
fn former_names<'l>(
    current: &Current,
    before: &'l Lock,
) -> impl Iterator<Item = (&'static str, &'l Recorded)> {
    let aliases = current.specs.iter().flat_map(|spec| spec.aliases);
    aliases.filter_map(|alias| Some((*alias, before.0.get(*alias)?)))
}

/// Whether the field reads the values of live sessions. A later version reads them by its `migrate`.
fn reads(current: &Current, old: &Recorded) -> bool {
    if old.samples.is_empty() || current.recorded.version > old.version {
        return current.recorded.version > old.version
            || current.recorded.type_name == old.type_name;
    }
    let mut types = current.specs.iter().map(|spec| &spec.field_type);
    types.all(|it| old.samples.values().all(|bytes| it.reads(bytes)))
}

fn unreadable(name: &str, new: &Recorded, old: &Recorded) -> String {
    let next = old.version + 1;
    let cure = format!("give it `version = {next}, migrate = ..`, or the field another name");
    let (was, is) = (&old.type_name, &new.type_name);
    if old.is_removed {
        format!(
            "`{name}` is the name of a field that was removed, and live sessions may still hold its values, \
             stored as `{was}`, which `{is}` does not read; {cure}"
        )
    } else if was == is {
        format!(
            "`{name}` does not read what live sessions hold: a type inside of `{is}` has changed; {cure}"
        )
    } else {
        format!(
            "`{name}` does not read what live sessions hold: it was `{was}` and is `{is}`; {cure}"
        )
    }
}

fn lowered(name: &str, new: &Recorded, old: &Recorded) -> String {
    format!(
        "`{name}` has version {}, and live sessions hold version {}, which counts as absent; give it \
         `version = {}, migrate = ..`",
        new.version,
        old.version,
        old.version + 1
    )
}

fn takes_over(name: &str, alias: &str, current: &Current, old: &Recorded) -> String {
    format!(
        "`{name}` has the `alias` of `{alias}` and does not read its values: that was `{}` and this is `{}`; give it \
         `version = {}, migrate = ..`",
        old.type_name,
        current.recorded.type_name,
        old.version + 1
    )
}

fn indexed(name: &str) -> String {
    format!(
        "`{name}` is an index now: live sessions are not found by it, and not ended, until it is written in them again"
    )
}

fn demanded(name: &str) -> String {
    format!(
        "`{name}` is `required`, and live sessions need not have it: requests with them would be turned away; leave \
         `required` out until they have ended"
    )
}

fn removed(name: &str) -> String {
    let (_, field) = name.split_once('.').unwrap_or(("", name));
    format!(
        "`{name}` is in no type any more; if it has another name now, give that `alias = \"{field}\"`, and if a type \
         is missing in the test, add it"
    )
}
