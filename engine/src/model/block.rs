//! The blocks that every transformer of the model is made of: grouped attention with normalised queries and keys, the
//! gated feed-forward part, and the plain pre-norm block of the encoders.
//!
//! Names follow the published checkpoint. The functions only record; sizes are checked when a graph is lowered.

use super::config::Stack;
use crate::graph::{Builder, NodeId};

/// What a self-attention may see.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sight {
    /// Keys at most this many positions away.
    pub(super) window: Option<usize>,
    /// Only keys that are not later.
    pub(super) causal: bool,
    /// Padding of the sequence.
    pub(super) padding: Option<Padding>,
}

/// Inputs that describe padded positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padding {
    /// `[batch, positions]`, 0 hides a key.
    pub(super) mask: NodeId,
    /// `[batch, positions, 1, 1]`, 1 where a position sees no key at all.
    ///
    /// The published softmax adds the same finite floor to every hidden key, so such a query attends to all keys of
    /// the row alike, window or not; ours would give zeros.
    pub(super) blind: NodeId,
}

/// Queries, keys or values in heads: `[batch, positions, heads, head_dim]`.
pub(super) fn heads(b: &mut Builder, stack: &Stack, x: NodeId, projection: &str) -> NodeId {
    let flat = b.linear(x, projection, false);
    b.split_axis(flat, 2, stack.head_dim)
}

/// Normalised queries or keys of `{prefix}.{which}_proj` and `{prefix}.{which}_norm`, `which` being `q` or `k`.
pub(super) fn normed_heads(b: &mut Builder, stack: &Stack, x: NodeId, prefix: &str, which: &str) -> NodeId {
    let heads = heads(b, stack, x, &format!("{prefix}.{which}_proj"));
    b.rms_norm(heads, &format!("{prefix}.{which}_norm"), stack.eps)
}

/// Joins the heads and projects: `{prefix}.o_proj`.
pub(super) fn join_heads(b: &mut Builder, attended: NodeId, prefix: &str) -> NodeId {
    let flat = b.merge_axes(attended, 2);
    b.linear(flat, &format!("{prefix}.o_proj"), false)
}

/// Self-attention with rotary positions; `x` is normed already. Gives the output, and queries and keys as normed.
pub(super) fn self_attention(b: &mut Builder, stack: &Stack, x: NodeId, prefix: &str, sight: Sight) -> Attended {
    let (q_norm, k_norm) = (normed_heads(b, stack, x, prefix, "q"), normed_heads(b, stack, x, prefix, "k"));
    let v = heads(b, stack, x, &format!("{prefix}.v_proj"));
    let (q, k) = (b.rope(q_norm, stack.theta), b.rope(k_norm, stack.theta));
    let mask = sight.padding.map(|it| it.mask);
    let mut seen = b.attention([q, k, v], mask, sight.window, sight.causal);
    if let Some(Padding { blind, .. }) = sight.padding {
        // A query of zeros weighs all keys alike; it is zero exactly where it is needed.
        let sighted = b.add_scalar(blind, -1.0);
        let nothing = b.mul(q, sighted);
        let all_alike = b.attention([nothing, k, v], None, None, false);
        let only_there = b.mul(all_alike, blind);
        seen = b.add(seen, only_there);
    }
    Attended { out: join_heads(b, seen, prefix), q_norm, k_norm }
}

/// Results of [`self_attention`].
pub(super) struct Attended {
    /// `[batch, positions, hidden]`.
    pub(super) out: NodeId,
    /// `[batch, positions, heads, head_dim]`, before the rotary embedding.
    pub(super) q_norm: NodeId,
    /// `[batch, positions, kv_heads, head_dim]`, before the rotary embedding.
    pub(super) k_norm: NodeId,
}

/// `down(silu(gate) * up)`; `x` is normed already.
pub(super) fn feed_forward(b: &mut Builder, x: NodeId, prefix: &str) -> NodeId {
    let gate = b.linear(x, &format!("{prefix}.gate_proj"), false);
    let gate = b.silu(gate);
    let up = b.linear(x, &format!("{prefix}.up_proj"), false);
    let inner = b.mul(gate, up);
    b.linear(inner, &format!("{prefix}.down_proj"), false)
}

/// One pre-norm block `{prefix}`: attention, then feed-forward, each added to its input.
pub(super) fn encoder_block(b: &mut Builder, stack: &Stack, x: NodeId, prefix: &str, sight: Sight) -> NodeId {
    let normed = b.rms_norm(x, &format!("{prefix}.input_layernorm"), stack.eps);
    let attended = self_attention(b, stack, normed, &format!("{prefix}.self_attn"), sight);
    let x = b.add(x, attended.out);
    let normed = b.rms_norm(x, &format!("{prefix}.post_attention_layernorm"), stack.eps);
    let fed = feed_forward(b, normed, &format!("{prefix}.mlp"));
    b.add(x, fed)
}
