//! Conflicts between two structs that store a field under one name.

use std::fmt;
use std::mem::discriminant;

use super::{FieldSpec, Schema};

/// A conflict between two structs about a field.
#[derive(Debug)]
pub(crate) struct Conflict {
    kind: Kind,
    sides: [(&'static Schema, &'static FieldSpec); 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Neither struct can read the other's value.
    Types,
    /// The types have different names, but each reads sample values of the other.
    Names,
    Versions,
    /// A write of the first one removes the other's value.
    Alias,
    /// Both read the same former name, so the first write removes the value of the other one.
    SharedAlias(&'static str),
    /// A rule of one side does not hold for writes through the other.
    Rule(&'static str),
}

impl Conflict {
    /// Whether a value is lost, sooner or later.
    pub(crate) fn loses_values(&self) -> bool {
        !matches!(self.kind, Kind::Names | Kind::Rule(_))
    }
}

/// The conflicts between two structs, at most one for each field.
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
                let alias = one.aliases.iter().find(|it| other.aliases.contains(it))?;
                (Kind::SharedAlias(alias), [here, there])
            };
            Some(Conflict { kind, sides })
        })
    })
}

fn disagreement(one: &FieldSpec, other: &FieldSpec) -> Option<Kind> {
    let rules = [
        ("rotate", one.rotate != other.rotate),
        ("index", one.index != other.index),
        ("expires", one.expires != other.expires),
        ("idle", one.idle != other.idle),
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
        let name = one.name;
        let [a, b] = [first, second].map(|schema| match schema.type_name {
            it if first.type_name == second.type_name => format!("{}::{it}", schema.module),
            it => it.to_owned(),
        });
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
            Kind::SharedAlias(alias) => write!(
                f,
                "`{alias}` is a former name of `{name}` in `{a}` and of `{}` in `{b}`, so a write by one of them removes the \
                 value of the other; keep the `alias` in one of them",
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
    use std::time::Duration;

    use serde::de::{DeserializeOwned, Error};
    use serde::{Deserialize, Deserializer, Serialize};

    use super::*;
    use crate::schema::Merge;
    use crate::value::{FieldType, Format};

    fn schema(type_name: &'static str, field: FieldSpec) -> &'static Schema {
        Box::leak(Box::new(Schema {
            type_name,
            module: "app",
            realm: "",
            bound: false,
            reject: None,
            fields: Box::leak(Box::new([field])),
        }))
    }

    fn stored<T: Serialize + DeserializeOwned + 'static>(name: &'static str) -> FieldSpec {
        FieldSpec::plain(name, FieldType::new::<T>(Format::Bincode))
    }

    #[test]
    fn a_conflict_names_both_structs() {
        let number = || stored::<u64>("shop.a");
        let text = || stored::<String>("shop.a");
        let picky = || stored::<Picky>("shop.a");
        let with = |name, set: fn(&mut FieldSpec)| {
            let mut field = stored::<u64>(name);
            set(&mut field);
            field
        };
        let lost = |word| Some((true, word));
        let told = |word| Some((false, word));
        let version = with("shop.a", |field| field.version = 2);
        let rotate = with("shop.a", |field| field.rotate = true);
        let index = with("shop.a", |field| field.index = true);
        let expires = with("shop.a", |field| {
            field.expires = Some(Duration::from_secs(60))
        });
        let idle = with("shop.a", |field| field.idle = Some(Duration::from_secs(60)));
        let exclusive = with("shop.a", |field| field.merge = Merge::Exclusive);
        let alias = || with("shop.b", |field| field.aliases = &["shop.a"]);
        let other_alias = with("shop.c", |field| field.aliases = &["shop.d", "shop.a"]);
        let cases = [
            (number(), number(), None),
            (number(), stored::<String>("shop.b"), None),
            (number(), text(), lost("namespace")),
            (text(), stored::<Box<str>>("shop.a"), told("one type")),
            (number(), stored::<usize>("shop.a"), told("one type")),
            (number(), stored::<u32>("shop.a"), lost("namespace")),
            // No sample value fits this type, so its layout is unknown.
            (text(), picky(), lost("namespace")),
            (picky(), stored::<Choosy>("shop.a"), lost("namespace")),
            (text(), stored::<Panicking>("shop.a"), lost("namespace")),
            (
                stored::<Two>("shop.a"),
                stored::<Three>("shop.a"),
                lost("namespace"),
            ),
            (number(), version, lost("version 2")),
            (rotate, number(), told("`rotate`")),
            (number(), index, told("`index`")),
            (number(), expires, told("`expires`")),
            (idle, number(), told("`idle`")),
            (number(), exclusive, told("`exclusive`")),
            (alias(), number(), lost("removes the value of `Less`")),
            (
                alias(),
                other_alias,
                lost("keep the `alias` in one of them"),
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

    /// The default namespace is the struct's name, so two structs in conflict usually have the same name.
    #[test]
    fn structs_with_the_same_name_are_named_with_their_modules() {
        let (one, other) = (stored::<u64>("shop.a"), stored::<String>("shop.a"));
        let named = |module, schema: &Schema| Schema { module, ..*schema };
        let (one, other) = (schema("Shop", one), schema("Shop", other));
        let (one, other) = (named("app::old", one), named("app::new", other));
        let leaked = [one, other].map(|schema| &*Box::leak(Box::new(schema)));
        let said = conflicts(leaked[0], leaked[1])
            .next()
            .expect("a conflict")
            .to_string();
        assert!(
            said.starts_with("`app::old::Shop` and `app::new::Shop`"),
            "{said}"
        );
    }

    /// A text whose `Deserialize` accepts one text only.
    macro_rules! picky {
        ($($name:ident $only:literal)*) => {$(
            #[derive(Serialize)]
            struct $name(String);

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                    let text = String::deserialize(source)?;
                    match text.as_str() {
                        $only => Ok(Self(text)),
                        _ => Err(D::Error::custom("another text")),
                    }
                }
            }
        )*};
    }

    picky! { Picky "the one text" Choosy "the other text" }

    /// Panics at every sample value.
    #[derive(Serialize)]
    struct Panicking(String);

    impl<'de> Deserialize<'de> for Panicking {
        fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
            Ok(Self(String::deserialize(source)?.split_off(1_000)))
        }
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename = "Kind")]
    enum Two {
        A,
        B,
    }

    /// Reads what the other one writes, but not the other way round.
    #[derive(Serialize, Deserialize)]
    #[serde(rename = "Kind")]
    enum Three {
        A,
        B,
        C,
    }
}
