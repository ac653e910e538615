//! Writes definitions of random types, all of which serde can derive. `STARSESSIONS_TYPES` sets their number, and
//! `STARSESSIONS_TYPES_SEED` the random seed.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() {
    let number = |name: &str, otherwise| {
        println!("cargo::rerun-if-env-changed={name}");
        env::var(name).map_or(otherwise, |value| value.parse().unwrap())
    };
    println!("cargo::rerun-if-changed=build.rs");
    let mut generator = Generator {
        random: number("STARSESSIONS_TYPES_SEED", 20_261_128) | 1,
        definitions: String::new(),
        count: 0,
    };
    let count = number("STARSESSIONS_TYPES", 12);
    let roots: Vec<_> = (0..count).map(|_| generator.definition(0)).collect();
    let mut out = generator.definitions;
    writeln!(out, "pub(super) const TYPES: &[fn() -> usize] = &[").unwrap();
    for root in roots {
        writeln!(out, "    super::hold::<{root}>,").unwrap();
    }
    writeln!(out, "];").unwrap();
    let folder = env::var("OUT_DIR").unwrap();
    fs::write(Path::new(&folder).join("random.rs"), out).unwrap();
}

struct Generator {
    random: u64,
    definitions: String,
    count: usize,
}

impl Generator {
    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % bound as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }

    /// Any type: a type without a definition, or the name of a new type.
    fn ty(&mut self, depth: usize) -> String {
        let inside = depth + 1;
        match self.below(if depth > 3 { 6 } else { 16 }) {
            0..6 => self.pick(LEAVES).to_owned(),
            6 => format!("Option<{}>", self.ty(inside)),
            7 => format!("Vec<{}>", self.ty(inside)),
            8 => format!("HashMap<{}, {}>", self.pick(KEYS), self.ty(inside)),
            9 => format!("BTreeMap<{}, {}>", self.pick(KEYS), self.ty(inside)),
            10 => format!("({}, {})", self.ty(inside), self.ty(inside)),
            11 => format!("[{}; 2]", self.ty(inside)),
            12 => format!("Box<{}>", self.ty(inside)),
            _ => self.definition(inside),
        }
    }

    /// Defines a struct or enum, and returns its name.
    fn definition(&mut self, depth: usize) -> String {
        self.count += 1;
        let name = format!("T{}", self.count);
        let text = match self.below(10) {
            0 => format!("struct {name};\n{}", make(&name, "Self")),
            1 => {
                let inner = self.ty(depth);
                let transparent = if self.one_in(3) {
                    "#[serde(transparent)]\n"
                } else {
                    ""
                };
                format!(
                    "{transparent}struct {name}({inner});\n{}",
                    make(&name, "Self(Make::make(random))")
                )
            }
            2 => {
                let (first, second) = (self.ty(depth), self.ty(depth));
                let value = "Self(Make::make(random), Make::make(random))";
                format!("struct {name}({first}, {second});\n{}", make(&name, value))
            }
            3..7 => {
                let (fields, values) = self.fields(depth);
                let container = match self.below(8) {
                    0 => "#[serde(rename_all = \"camelCase\")]\n",
                    1 => "#[serde(default)]\n",
                    2 => "#[serde(rename = \"Renamed\")]\n",
                    _ => "",
                };
                let value = format!("Self {{ {values} }}");
                format!(
                    "{container}struct {name} {{ {fields} }}\n{}",
                    make(&name, &value)
                )
            }
            _ => self.choice(&name, depth),
        };
        let derived = "#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]\n";
        self.definitions.extend([derived, &text, "\n"]);
        name
    }

    fn fields(&mut self, depth: usize) -> (String, String) {
        let (mut fields, mut values) = (String::new(), String::new());
        for index in 0..1 + self.below(5) {
            let (attribute, ty, default) = self.field(index, depth);
            write!(fields, "{attribute} a_{index}: {ty}, ").unwrap();
            let value = if default {
                "Default::default()"
            } else {
                "Make::make(random)"
            };
            write!(values, "a_{index}: {value}, ").unwrap();
        }
        (fields, values)
    }

    /// An attribute, a type, and whether the field is skipped, so that it has no value to lose.
    fn field(&mut self, index: usize, depth: usize) -> (String, String, bool) {
        let ty = self.ty(depth + 1);
        let plain = |attribute: &str| (format!("#[serde({attribute})]"), ty.clone(), false);
        match self.below(36) {
            0 => plain(&format!("rename = \"b_{index}\"")),
            1 => plain(&format!("alias = \"c_{index}\", alias = \"A_{index}\"")),
            2 => plain("default"),
            3 => ("#[serde(skip)]".to_owned(), ty, true),
            4 => ("#[serde(skip_serializing, default)]".to_owned(), ty, true),
            5 => ("#[serde(skip_serializing)]".to_owned(), ty, true),
            6 => plain("skip_deserializing"),
            7 => plain("skip_serializing_if = \"crate::random::is_default\", default"),
            8 => {
                let attribute = "#[serde(skip_serializing_if = \"Option::is_none\")]";
                (attribute.to_owned(), format!("Option<{ty}>"), false)
            }
            9 => plain(&format!("rename(serialize = \"s_{index}\", deserialize = \"d_{index}\")")),
            10 => {
                let inner = if self.one_in(2) { "BTreeMap<String, u16>".to_owned() } else { self.definition(depth + 2) };
                ("#[serde(flatten)]".to_owned(), inner, false)
            }
            11 => ("#[serde(with = \"crate::random::as_text\")]".to_owned(), "u32".to_owned(), false),
            12 => ("#[serde(skip_serializing_if = \"Option::is_none\", with = \"crate::random::double\", default)]".to_owned(), format!("Option<Option<{ty}>>"), false),
            _ => (String::new(), ty, false),
        }
    }

    fn choice(&mut self, name: &str, depth: usize) -> String {
        let container = match self.below(8) {
            0 => "#[serde(untagged)]\n",
            1 => "#[serde(tag = \"kind\")]\n",
            2 => "#[serde(tag = \"kind\", content = \"value\")]\n",
            3 => "#[serde(rename_all = \"snake_case\")]\n",
            _ => "",
        };
        let simple = container.contains("tag = \"kind\")");
        let (mut variants, mut values) = (
            "#[default] First, ".to_owned(),
            vec!["Self::First".to_owned()],
        );
        let count = 1 + self.below(5);
        for index in 0..count {
            let attribute = match self.below(18) {
                0 => format!("#[serde(rename = \"r{index}\")]"),
                1 if !container.contains("untagged") => {
                    format!("#[serde(alias = \"alias_{index}\")]")
                }
                2 => "#[serde(skip_deserializing)]".to_owned(),
                3 => "#[serde(skip_serializing)]".to_owned(),
                4 => "#[serde(skip)]".to_owned(),
                _ => String::new(),
            };
            // Serde cannot distinguish two untagged variants of the same shape, so each of these has a different field.
            let (body, value) = match self.below(if simple { 6 } else { 8 }) {
                _ if container.contains("untagged") => {
                    let (fields, values) = self.fields(depth + 1);
                    (
                        format!(" {{ only_{index}: u8, {fields} }}"),
                        format!(" {{ only_{index}: Make::make(random), {values} }}"),
                    )
                }
                0 | 1 => (String::new(), String::new()),
                2 | 3 => {
                    let (fields, values) = self.fields(depth + 1);
                    (format!(" {{ {fields} }}"), format!(" {{ {values} }}"))
                }
                4 | 5 => (
                    format!("({})", self.ty(depth + 1)),
                    "(Make::make(random))".to_owned(),
                ),
                _ => {
                    let (first, second) = (self.ty(depth + 1), self.ty(depth + 1));
                    (
                        format!("({first}, {second})"),
                        "(Make::make(random), Make::make(random))".to_owned(),
                    )
                }
            };
            write!(variants, "{attribute} V{index}{body}, ").unwrap();
            values.push(format!("Self::V{index}{value}"));
        }
        if container.is_empty() && self.one_in(6) {
            variants.push_str("#[serde(other)] Other, ");
            values.push("Self::Other".to_owned());
        }
        let arms: String = values
            .iter()
            .enumerate()
            .map(|(index, value)| format!("{index} => {value}, "))
            .collect();
        let value = format!(
            "match random.below({}) {{ {arms} _ => unreachable!() }}",
            values.len()
        );
        format!(
            "{container}enum {name} {{ {variants} }}\n{}",
            make(name, &value)
        )
    }
}

fn make(name: &str, value: &str) -> String {
    format!("impl Make for {name} {{ fn make(random: &mut Random) -> Self {{ {value} }} }}\n")
}

const LEAVES: &[&str] = &[
    "bool",
    "u8",
    "i16",
    "u32",
    "i64",
    "u64",
    "i128",
    "f64",
    "char",
    "String",
    "String",
    "()",
    "Option<u8>",
    "Vec<u16>",
    "std::time::Duration",
    "Option<Option<u8>>",
];
const KEYS: &[&str] = &["u8", "i64", "String", "char", "bool", "(u8, bool)"];
