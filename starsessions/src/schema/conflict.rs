//! Two structs that store fields under one name and do not agree about them.

use std::fmt;
use std::mem::discriminant;

use super::{FieldSpec, Schema};

/// What one struct does to a field of another one.
#[derive(Debug)]
pub(crate) struct Conflict {
    kind: Kind,
    sides: [(&'static Schema, &'static FieldSpec); 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Neither reads what the other one writes.
    Types,
    /// They read each other's values, but only as far as made-up values show it.
    Names,
    Versions,
    /// A write of the first one removes the other's value.
    Alias,
    /// A rule of one side does not hold for writes through the other.
    Rule(&'static str),
}

impl Conflict {
    /// Whether a value is lost, sooner or later.
    pub(crate) fn loses_values(&self) -> bool {
        !matches!(self.kind, Kind::Names | Kind::Rule(_))
    }
}

/// What two structs do not agree about: one thing of each field.
pub(crate) fn conflicts(
    first: &'static Schema,
    second: &'static Schema,
) -> impl Iterator<Item = Conflict> {
    first.fields.iter().flat_map(move |one| {
        second.fields.iter().filter_map(move |other| {
            let here = (first, one);
            let there = (second, other);
            let is_removed_by = |name: &'static str, spec: &FieldSpec| spec.aliases.contains(&name);
            let (kind, sides) = if one.name == other.name {
                (disagreement(one, other)?, [here, there])
            } else if is_removed_by(other.name, one) {
                (Kind::Alias, [here, there])
            } else if is_removed_by(one.name, other) {
                (Kind::Alias, [there, here])
            } else {
                return None;
            };
            Some(Conflict { kind, sides })
        })
    })
}

fn disagreement(one: &FieldSpec, other: &FieldSpec) -> Option<Kind> {
    let rules = [
        ("rotate", one.rotate != other.rotate),
        ("index", one.index != other.index),
        (
            "merge",
            discriminant(&one.merge) != discriminant(&other.merge),
        ),
    ];
    let rule = rules.iter().find(|(_, differs)| *differs);
    if one.version != other.version {
        return Some(Kind::Versions);
    }
    if !one.field_type.is(&other.field_type) {
        let is_readable = one.field_type.is_readable_as(&other.field_type);
        return Some(if is_readable {
            Kind::Names
        } else {
            Kind::Types
        });
    }
    rule.map(|(rule, _)| Kind::Rule(rule))
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [(first, one), (second, other)] = self.sides;
        let (a, b, name) = (first.type_name, second.type_name, one.name);
        let types = [one.field_type.name(), other.field_type.name()];
        match self.kind {
            Kind::Types => write!(
                f,
                "`{a}` and `{b}` both store `{name}`, one as `{}` and the other as `{}`, so each overwrites the other's value; \
                 give one of them another `namespace`, or the field another name by `rename`",
                types[0], types[1],
            ),
            Kind::Names => write!(
                f,
                "`{a}` and `{b}` both store `{name}`, one as `{}` and the other as `{}`; they seem to read each other's \
                 values, but give both one type",
                types[0], types[1],
            ),
            Kind::Versions => write!(
                f,
                "`{a}` and `{b}` both store `{name}`, with version {} and version {}, so what one writes is absent for the \
                 other; give both one `version`",
                one.version, other.version,
            ),
            Kind::Alias => write!(
                f,
                "`{}` is a former name of `{name}` in `{a}` and a field of `{b}`, so a write by `{a}` removes the value of \
                 `{b}`; give one of them another `namespace`, or remove the `alias`",
                other.name,
            ),
            Kind::Rule(rule) => write!(
                f,
                "`{a}` and `{b}` both store `{name}`, and `{rule}` is not the same in both, so it does not hold for writes \
                 through one of them; give both the same attributes{}",
                if rule == "merge" {
                    " (`merge` or `exclusive`)"
                } else {
                    ""
                },
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Merge;
    use crate::value::{FieldType, Format};

    fn schema(type_name: &'static str, field: FieldSpec) -> &'static Schema {
        Box::leak(Box::new(Schema {
            type_name,
            realm: "",
            bound: false,
            reject: None,
            fields: Box::leak(Box::new([field])),
        }))
    }

    const fn of<T: serde::Serialize + serde::de::DeserializeOwned + 'static>() -> FieldType {
        FieldType::new::<T>(Format::Bincode)
    }

    #[test]
    fn what_two_structs_do_not_agree_about_is_said_with_both_names() {
        let number = || FieldSpec::plain("shop.a", of::<u64>());
        let text = || FieldSpec::plain("shop.a", of::<String>());
        let changed = |set: fn(&mut FieldSpec)| {
            let mut field = number();
            set(&mut field);
            field
        };
        let cases = [
            (number(), number(), None),
            (number(), FieldSpec::plain("shop.b", of::<String>()), None),
            (number(), text(), Some((true, "namespace"))),
            (
                text(),
                FieldSpec::plain("shop.a", of::<Box<str>>()),
                Some((false, "one type")),
            ),
            (
                number(),
                FieldSpec::plain("shop.a", of::<usize>()),
                Some((false, "one type")),
            ),
            (
                number(),
                FieldSpec::plain("shop.a", of::<u32>()),
                Some((true, "namespace")),
            ),
            // Of a type that no made-up value fits nothing is known.
            (
                text(),
                FieldSpec::plain("shop.a", of::<Picky>()),
                Some((true, "namespace")),
            ),
            (
                number(),
                changed(|field| field.version = 2),
                Some((true, "version 2")),
            ),
            (
                changed(|field| field.rotate = true),
                number(),
                Some((false, "`rotate`")),
            ),
            (
                number(),
                changed(|field| field.index = true),
                Some((false, "`index`")),
            ),
            (
                number(),
                changed(|field| field.merge = Merge::Exclusive),
                Some((false, "`exclusive`")),
            ),
            (
                FieldSpec {
                    aliases: &["shop.a"],
                    ..FieldSpec::plain("shop.b", of::<u64>())
                },
                number(),
                Some((true, "removes the value")),
            ),
        ];
        for (one, other, expected) in cases {
            let (one, other) = (schema("Shop", one), schema("Less", other));
            for sides in [[one, other], [other, one]] {
                let [found] = &conflicts(sides[0], sides[1]).collect::<Vec<_>>()[..] else {
                    assert!(expected.is_none(), "{:?} {:?}", sides[0], sides[1]);
                    continue;
                };
                let (loses, word) = expected.expect("nothing to say");
                let said = found.to_string();
                assert_eq!(found.loses_values(), loses, "{said}");
                for word in ["`Shop`", "`Less`", "shop.a", word] {
                    assert!(said.contains(word), "no {word:?} in {said}");
                }
            }
        }
    }

    #[derive(serde::Serialize)]
    struct Picky(String);

    impl<'de> serde::Deserialize<'de> for Picky {
        fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
            let text = String::deserialize(source)?;
            match text.as_str() {
                "the one text" => Ok(Self(text)),
                _ => Err(serde::de::Error::custom("another text")),
            }
        }
    }
}
