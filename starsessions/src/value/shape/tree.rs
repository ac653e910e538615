//! What is known of a type so far: one node for each thing that it asks a deserializer for.

use std::sync::Arc;

use super::Incomplete;

/// A node's place in its tree.
pub(super) type Id = usize;

/// What a type asked for. The numbers are hashed: they are frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// It was there, and nothing was read from it.
    Nothing = 0,
    Bool = 1,
    I8 = 2,
    I16 = 3,
    I32 = 4,
    I64 = 5,
    I128 = 6,
    U8 = 7,
    U16 = 8,
    U32 = 9,
    U64 = 10,
    U128 = 11,
    F32 = 12,
    F64 = 13,
    Char = 14,
    String = 15,
    Bytes = 16,
    Unit = 17,
    UnitStruct = 18,
    Option = 19,
    Newtype = 20,
    Sequence = 21,
    Map = 22,
    Tuple = 23,
    TupleStruct = 24,
    Struct = 25,
    Enum = 26,
    UnitVariant = 27,
    NewtypeVariant = 28,
    TupleVariant = 29,
    StructVariant = 30,
    /// "Whatever comes next": only a self-describing format can answer.
    Any = 31,
    /// The same as the node that is `length` levels above.
    Recursion = 32,
    /// Could not be reached.
    Hidden = 33,
}

/// One call to a deserializer, as the type made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) kind: Kind,
    /// The name of the struct or enum; empty for what has none.
    pub(super) name: &'static str,
    /// The names of the fields or variants.
    pub(super) names: &'static [&'static str],
    /// The number of elements of a tuple.
    pub(super) length: usize,
}

impl Call {
    pub(super) const fn new(kind: Kind) -> Self {
        Self::named(kind, "", &[], 0)
    }

    pub(super) const fn named(
        kind: Kind,
        name: &'static str,
        names: &'static [&'static str],
        length: usize,
    ) -> Self {
        Self {
            kind,
            name,
            names,
            length,
        }
    }

    fn children(&self) -> usize {
        match self.kind {
            Kind::Option | Kind::Newtype | Kind::Sequence | Kind::NewtypeVariant => 1,
            Kind::Map => 2,
            Kind::Tuple if self.length > LONGEST_TUPLE => 1,
            Kind::Tuple | Kind::TupleStruct | Kind::TupleVariant => self.length,
            Kind::Struct | Kind::StructVariant | Kind::Enum => self.names.len(),
            _ => 0,
        }
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) call: Call,
    /// The fields or variants; unlike those of the call, without the aliases of fields.
    pub(super) names: Vec<&'static str>,
    pub(super) children: Vec<Id>,
    /// The fields must be given in order, because the visitor knows no names.
    pub(super) by_position: bool,
    /// The attempt at which a made-up value was accepted, once that is known.
    pub(super) attempt: Option<Option<u8>>,
    /// The Rust type of the visitor, generic arguments included: it tells recursion from nesting.
    visitor: &'static str,
    parent: Option<Id>,
}

impl Node {
    const fn new(parent: Option<Id>) -> Self {
        Self {
            call: Call::new(Kind::Nothing),
            names: Vec::new(),
            children: Vec::new(),
            by_position: false,
            attempt: None,
            visitor: "",
            parent,
        }
    }

    /// The child that is element `index`; all elements of a long tuple share one.
    pub(super) fn element(&self, index: usize) -> Option<Id> {
        let repeated = self.call.kind == Kind::Tuple && self.call.length > LONGEST_TUPLE;
        let index = if repeated { 0 } else { index };
        self.children.get(index).copied()
    }
}

/// The nodes of one type; the first is the type itself.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    too_large: bool,
}

impl Tree {
    pub(super) const ROOT: Id = 0;

    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::new(None)],
            too_large: false,
        }
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        // Identifiers come from this tree alone, so the other arm is never taken.
        self.nodes.get(id).unwrap_or(&NOWHERE)
    }

    pub(super) fn update(&mut self, id: Id, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(id) {
            change(node);
        }
    }

    /// Keeps what the type asked for at `id`, and makes room for its children.
    pub(super) fn record(&mut self, id: Id, call: Call, visitor: &'static str) {
        let call = self.recursion(id, call, visitor).unwrap_or(call);
        let count = call.children();
        let depth = self.path(id).len();
        if self.nodes.len().saturating_add(count) > MOST_NODES || depth > DEEPEST {
            self.too_large = true;
            return;
        }
        let first = self.nodes.len();
        self.nodes.extend((0..count).map(|_| Node::new(Some(id))));
        self.update(id, |node| {
            node.call = call;
            node.visitor = visitor;
            node.names = call.names.to_vec();
            node.children = (first..first + count).collect();
        });
    }

    /// The call itself is part of the comparison because two versions of one crate can give the
    /// same name to different visitors.
    fn recursion(&self, id: Id, call: Call, visitor: &'static str) -> Option<Call> {
        if call.children() == 0 {
            return None;
        }
        let path = self.path(id);
        let above = path.iter().rev().skip(1).position(|ancestor| {
            let ancestor = self.node(*ancestor);
            ancestor.call == call && ancestor.visitor == visitor
        })?;
        Some(Call::named(Kind::Recursion, "", &[], above + 1))
    }

    pub(super) fn give_up(&mut self) {
        self.too_large = true;
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.too_large
    }

    /// The nodes from the root to `id`, both included.
    pub(super) fn path(&self, id: Id) -> Vec<Id> {
        let mut path = vec![id];
        let mut at = id;
        while let Some(parent) = self.node(at).parent {
            path.push(parent);
            at = parent;
        }
        path.reverse();
        path
    }

    /// What stands in the way of a positional codec; the hard obstacles first.
    pub(super) fn complete(&self) -> Result<(), Incomplete> {
        if self.too_large {
            return Err(Incomplete::TooLarge);
        }
        let mut hidden = None;
        let mut open = vec![Self::ROOT];
        while let Some(id) = open.pop() {
            let node = self.node(id);
            let path = || self.describe(id);
            match node.call.kind {
                Kind::Any => return Err(Incomplete::SelfDescribing { path: path() }),
                Kind::Recursion => return Err(Incomplete::Recursive { path: path() }),
                Kind::Sequence | Kind::Map if self.are_empty(&node.children) => {
                    return Err(Incomplete::EmptyElements { path: path() });
                }
                Kind::Hidden => hidden = hidden.or_else(|| Some(path())),
                _ => {}
            }
            open.extend(node.children.iter().rev());
        }
        hidden.map_or(Ok(()), |path| Err(Incomplete::Opaque { path }))
    }

    /// Whether values of these nodes take no bytes at all.
    fn are_empty(&self, ids: &[Id]) -> bool {
        ids.iter().all(|id| {
            let node = self.node(*id);
            match node.call.kind {
                Kind::Nothing | Kind::Unit | Kind::UnitStruct => true,
                Kind::Newtype | Kind::Tuple | Kind::TupleStruct | Kind::Struct => {
                    self.are_empty(&node.children)
                }
                _ => false,
            }
        })
    }

    /// Appends the type in preorder. Every part has a fixed width or its length in front, so no
    /// two trees write the same bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.write_node(Self::ROOT, out);
    }

    pub(super) fn write_node(&self, id: Id, out: &mut Vec<u8>) {
        let node = self.node(id);
        out.push(node.call.kind as u8);
        write_text(node.call.name, out);
        write_number(node.call.length, out);
        write_number(node.names.len(), out);
        for name in &node.names {
            write_text(name, out);
        }
        write_number(node.children.len(), out);
        for child in &node.children {
            self.write_node(*child, out);
        }
    }

    /// A node's place as a reader of the type would write it: `cart.items[].price`.
    fn describe(&self, id: Id) -> Arc<str> {
        let mut place = String::new();
        for pair in self.path(id).windows(2) {
            let [parent, child] = pair else { continue };
            let parent = self.node(*parent);
            let index = parent.children.iter().position(|id| id == child);
            let index = index.unwrap_or_default();
            let name = parent.names.get(index).copied().unwrap_or_default();
            match parent.call.kind {
                Kind::Struct | Kind::StructVariant if place.is_empty() => place.push_str(name),
                Kind::Struct | Kind::StructVariant => place.extend([".", name]),
                Kind::Enum => place.extend(["::", name]),
                Kind::Sequence => place.push_str("[]"),
                Kind::Map => place.push_str(if index == 0 { "{key}" } else { "{value}" }),
                Kind::Tuple | Kind::TupleStruct | Kind::TupleVariant => {
                    place.extend([".", &index.to_string()]);
                }
                _ => {}
            }
        }
        place.into()
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_number(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn write_number(number: usize, out: &mut Vec<u8>) {
    // `usize` has at most 64 bits on every platform that Rust knows.
    out.extend_from_slice(&(number as u64).to_le_bytes());
}

static NOWHERE: Node = Node::new(None);

/// serde knows tuples up to this length; what is longer is an array, of one kind of element.
const LONGEST_TUPLE: usize = 16;
const MOST_NODES: usize = 4096;
const DEEPEST: usize = 64;
