//! Which nodes are computed together with a neighbour.
//!
//! A node may disappear into the one that reads it when nothing else reads it. Decided on the graph alone, before
//! any step exists; [`super::lower`] then writes one step for each node that is left.

use crate::graph::{Graph, NodeId, Op};

/// Columns up to which linear layers of one input become one matrix; past it a layer is large enough by itself.
const WIDEST_GROUP: usize = 2048;

/// What becomes of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Role {
    /// A step or a view of its own.
    #[default]
    Own,
    /// Part of another node's step.
    Absorbed,
    /// A sum that a linear layer finishes: `residual + gate * linear`.
    Residual { linear: NodeId, residual: NodeId, gate: Option<NodeId> },
    /// A product that a pair of linear layers finishes: `silu(gate) * up`.
    Pair { gate: NodeId, up: NodeId },
    /// A sum that a norm finishes: `norm * scale + shift`.
    Modulated { norm: NodeId, scale: NodeId, shift: NodeId },
    /// A convolution with its neighbours.
    Chain(Chain),
    /// An attention whose queries and keys are dressed by it.
    Attention { q: Dressed, k: Dressed },
    /// The first of several linear layers that read the same input.
    Group(Vec<NodeId>),
}

/// `residual + second(snake(first(snake(x))))`, all but `first` optional.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chain {
    pub(super) before: Option<NodeId>,
    pub(super) first: NodeId,
    pub(super) between: Option<NodeId>,
    pub(super) second: Option<NodeId>,
    pub(super) residual: Option<NodeId>,
}

/// A head's source and what is done to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dressed {
    pub(super) from: NodeId,
    pub(super) norm: Option<NodeId>,
    pub(super) rope: Option<NodeId>,
}

/// Roles of all nodes.
pub(super) fn roles(graph: &Graph, shapes: &[Vec<usize>]) -> Vec<Role> {
    let mut uses = vec![0; graph.nodes.len()];
    graph.nodes.iter().flat_map(|it| &it.inputs).for_each(|it| uses[it.index()] += 1);
    graph.outputs.iter().for_each(|(_, id)| uses[id.index()] += 1);
    let mut fusing = Fusing { graph, shapes, uses, roles: vec![Role::Own; graph.nodes.len()] };
    // From the end, so that the last of a chain claims all of it.
    for index in (0..graph.nodes.len()).rev() {
        if fusing.roles[index] == Role::Own {
            fusing.claim(index);
        }
    }
    fusing.group_linears();
    fusing.roles
}

struct Fusing<'a> {
    graph: &'a Graph,
    shapes: &'a [Vec<usize>],
    uses: Vec<usize>,
    roles: Vec<Role>,
}

impl Fusing<'_> {
    fn claim(&mut self, index: usize) {
        let node = &self.graph.nodes[index];
        let found = match node.op {
            Op::Add => {
                let (a, b) = (node.inputs[0], node.inputs[1]);
                let either =
                    |rule: &dyn Fn(NodeId, NodeId) -> Option<(Role, Vec<NodeId>)>| rule(a, b).or_else(|| rule(b, a));
                either(&|part, shift| self.modulated(index, part, shift))
                    .or_else(|| either(&|residual, part| self.residual(index, residual, part)))
                    .or_else(|| either(&|residual, part| self.unit(index, residual, part)))
            }
            Op::Mul => {
                let (a, b) = (node.inputs[0], node.inputs[1]);
                self.pair(a, b).or_else(|| self.pair(b, a))
            }
            Op::Conv1d { .. } | Op::ConvTranspose1d { .. } => self.chain(index, None),
            Op::Attention { .. } => Some(self.attention(index)),
            _ => None,
        };
        let Some((role, absorbed)) = found else { return };
        self.roles[index] = role;
        absorbed.iter().for_each(|it| self.roles[it.index()] = Role::Absorbed);
    }

    fn op(&self, id: NodeId) -> &Op {
        &self.graph.nodes[id.index()].op
    }

    fn input(&self, id: NodeId) -> NodeId {
        self.graph.nodes[id.index()].inputs[0]
    }

    /// Read once, and not part of something already.
    fn free(&self, id: NodeId) -> bool {
        self.uses[id.index()] == 1 && self.roles[id.index()] == Role::Own
    }

    /// One vector for all rows of a batch row: `[B or 1, 1, width]` beside `[B, rows, width]`.
    fn is_vector(&self, id: NodeId, like: usize) -> bool {
        let (vector, like) = (&self.shapes[id.index()], &self.shapes[like]);
        like.len() == 3
            && vector.last() == like.last()
            && vector.len() <= 3
            && vector.iter().rev().skip(1).enumerate().all(|(at, &size)| size == 1 || (at == 1 && size == like[0]))
    }

    fn modulated(&self, index: usize, product: NodeId, shift: NodeId) -> Option<(Role, Vec<NodeId>)> {
        let node = &self.graph.nodes[product.index()];
        if node.op != Op::Mul || !self.free(product) || !self.is_vector(shift, index) {
            return None;
        }
        let (a, b) = (node.inputs[0], node.inputs[1]);
        [(a, b), (b, a)].into_iter().find_map(|(norm, scale)| {
            let fits = matches!(self.op(norm), Op::RmsNorm { .. })
                && self.free(norm)
                && self.shapes[norm.index()] == self.shapes[index]
                && self.is_vector(scale, index);
            fits.then(|| (Role::Modulated { norm, scale, shift }, vec![norm, product]))
        })
    }

    fn residual(&self, index: usize, residual: NodeId, part: NodeId) -> Option<(Role, Vec<NodeId>)> {
        let shape = &self.shapes[index];
        let linear = |id: NodeId| {
            let fits = matches!(self.op(id), Op::Linear { .. }) && self.free(id) && self.shapes[id.index()] == *shape;
            fits && shape.len() >= 2
        };
        if self.shapes[residual.index()] != *shape || residual == part {
            return None;
        }
        if linear(part) {
            return Some((Role::Residual { linear: part, residual, gate: None }, vec![part]));
        }
        let node = &self.graph.nodes[part.index()];
        if node.op != Op::Mul || !self.free(part) {
            return None;
        }
        let (a, b) = (node.inputs[0], node.inputs[1]);
        [(a, b), (b, a)].into_iter().find_map(|(product, gate)| {
            let fits = linear(product) && self.is_vector(gate, index);
            fits.then(|| (Role::Residual { linear: product, residual, gate: Some(gate) }, vec![product, part]))
        })
    }

    fn unit(&self, index: usize, residual: NodeId, part: NodeId) -> Option<(Role, Vec<NodeId>)> {
        let fits = matches!(self.op(part), Op::Conv1d { .. })
            && self.free(part)
            && self.shapes[residual.index()] == self.shapes[index]
            && self.shapes[part.index()] == self.shapes[index];
        let (role, mut absorbed) = fits.then(|| self.chain(part.index(), Some(residual)))??;
        absorbed.push(part);
        Some((role, absorbed))
    }

    /// The convolution `last` with the snake before it, and with the convolution before that when `last` has one tap.
    fn chain(&self, last: usize, residual: Option<NodeId>) -> Option<(Role, Vec<NodeId>)> {
        let last = NodeId(u32::try_from(last).expect("it is the number of a node"));
        let snake_before = |id: NodeId| {
            let snake = self.input(id);
            (matches!(self.op(snake), Op::Snake { .. }) && self.free(snake)).then_some(snake)
        };
        let mut absorbed = Vec::new();
        let between = snake_before(last);
        absorbed.extend(between);
        let source = self.input(between.unwrap_or(last));
        let one_tap = matches!(self.op(last), Op::Conv1d { stride: 1, padding: 0, .. })
            && self.shapes[source.index()].get(1) == self.shapes[last.index()].get(1);
        let chain = if one_tap && matches!(self.op(source), Op::Conv1d { .. }) && self.free(source) {
            let before = snake_before(source);
            absorbed.push(source);
            absorbed.extend(before);
            Chain { before, first: source, between, second: Some(last), residual }
        } else {
            Chain { before: between, first: last, between: None, second: None, residual }
        };
        Some((Role::Chain(chain), absorbed))
    }

    /// `silu(gate) * up` of one input, without biases or with both.
    fn pair(&self, silu: NodeId, up: NodeId) -> Option<(Role, Vec<NodeId>)> {
        if *self.op(silu) != Op::Silu || !self.free(silu) || !self.free(up) {
            return None;
        }
        let gate = self.input(silu);
        let (Op::Linear { .. }, Op::Linear { .. }) = (self.op(gate), self.op(up)) else { return None };
        let fits = self.free(gate)
            && self.input(gate) == self.input(up)
            && self.shapes[gate.index()] == self.shapes[up.index()];
        fits.then(|| (Role::Pair { gate, up }, vec![silu, gate, up]))
    }

    fn attention(&self, index: usize) -> (Role, Vec<NodeId>) {
        let inputs = &self.graph.nodes[index].inputs;
        let mut absorbed = Vec::new();
        let mut dressed = |mut from: NodeId| {
            let rope = (matches!(self.op(from), Op::Rope { .. }) && self.free(from)).then_some(from);
            from = rope.map_or(from, |it| self.input(it));
            let norm = (matches!(self.op(from), Op::RmsNorm { .. }) && self.free(from)).then_some(from);
            from = norm.map_or(from, |it| self.input(it));
            absorbed.extend(rope.into_iter().chain(norm));
            Dressed { from, norm, rope }
        };
        let (q, k) = (dressed(inputs[0]), dressed(inputs[1]));
        (Role::Attention { q, k }, absorbed)
    }

    /// Linear layers of one input that are still on their own become one matrix.
    fn group_linears(&mut self) {
        for index in 0..self.graph.nodes.len() {
            let alone = |at: usize| matches!(self.graph.nodes[at].op, Op::Linear { .. }) && self.roles[at] == Role::Own;
            if !alone(index) {
                continue;
            }
            let (mut members, mut width) = (Vec::new(), 0);
            for other in (index..self.graph.nodes.len()).filter(|&it| alone(it)) {
                let own = self.shapes[other].last().copied().unwrap_or(0);
                let joins = self.graph.nodes[other].inputs == self.graph.nodes[index].inputs;
                if joins && (width == 0 || width + own <= WIDEST_GROUP) {
                    members.push(NodeId(u32::try_from(other).expect("it is the number of a node")));
                    width += own;
                }
            }
            if members.len() > 1 {
                members[1..].iter().for_each(|it| self.roles[it.index()] = Role::Absorbed);
                self.roles[index] = Role::Group(members);
            }
        }
    }
}
