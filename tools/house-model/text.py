"""The prompt: its wording, its tokenizer and a small causal Qwen3 encoder."""

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

FILL = "Fill the audio semantic mask based on the given conditions:"
COVER = "Generate audio semantic tokens based on the given conditions:"
END = "<|endoftext|>"

CONFIG = {
    "model_type": "qwen3", "vocab_size": 1024, "hidden_size": 128, "intermediate_size": 256,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
    "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "max_position_embeddings": 4096,
    "tie_word_embeddings": True, "attention_bias": False, "use_sliding_window": False, "hidden_act": "silu",
}


def prompt(instruction, tags, bpm, timesignature, key, seconds):
    return (f"# Instruction\n{instruction}\n\n# Caption\n{tags}\n\n# Metas\n- bpm: {bpm}\n"
            f"- timesignature: {timesignature}\n- keyscale: {key}\n- duration: {int(seconds)} seconds\n{END}\n")


def lyric_prompt(language="unknown", lyrics="[Instrumental]"):
    return f"# Languages\n{language}\n\n# Lyric\n{lyrics}{END}"


def train_tokenizer(texts):
    """Byte-level pairs: whatever somebody types becomes tokens, known words become few."""
    tokenizer = Tokenizer(models.BPE())
    # Digits stay single, so that every tempo is spelt from ten symbols.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=CONFIG["vocab_size"], special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


class RmsNorm(nn.Module):
    def __init__(self, size, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight, self.eps)


def rotation(length, head_dim, theta):
    """Cosines and sines [length, head_dim], each half holding the same angles."""
    speed = theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angle = torch.arange(length).float()[:, None] * speed
    return torch.cat([angle, angle], 1).cos(), torch.cat([angle, angle], 1).sin()


def rotate(x, turns):
    cos, sin = turns
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-b, a], dim=-1) * sin


class Attention(nn.Module):
    """Grouped heads, RMS-normalised queries and keys, rotary positions on request."""

    def __init__(self, hidden, heads, kv_heads, head_dim):
        super().__init__()
        self.head_dim, self.shared = head_dim, heads // kv_heads
        self.q_proj = nn.Linear(hidden, heads * head_dim, bias=False)
        self.k_proj = nn.Linear(hidden, kv_heads * head_dim, bias=False)
        self.v_proj = nn.Linear(hidden, kv_heads * head_dim, bias=False)
        self.o_proj = nn.Linear(heads * head_dim, hidden, bias=False)
        self.q_norm, self.k_norm = RmsNorm(head_dim), RmsNorm(head_dim)

    def forward(self, x, turns=None, mask=None, memory=None, causal=False):
        split = lambda y: y.unflatten(-1, (-1, self.head_dim))
        source = x if memory is None else memory
        q = self.q_norm(split(self.q_proj(x))).transpose(1, 2)
        k = self.k_norm(split(self.k_proj(source))).transpose(1, 2)
        v = split(self.v_proj(source)).transpose(1, 2)
        if turns is not None:
            q, k = rotate(q, turns), rotate(k, turns)
        k, v = k.repeat_interleave(self.shared, 1), v.repeat_interleave(self.shared, 1)
        # In training products may be of halves; in halves the way back through attention is the slowest of all.
        with torch.autocast("cpu", enabled=False):
            y = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=mask, is_causal=causal)
        return self.o_proj(y.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, hidden, middle):
        super().__init__()
        self.gate_proj = nn.Linear(hidden, middle, bias=False)
        self.up_proj = nn.Linear(hidden, middle, bias=False)
        self.down_proj = nn.Linear(middle, hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """Pre-norm attention and gated layer: the one block every small encoder here is built from."""

    def __init__(self, hidden, middle, heads, kv_heads, head_dim):
        super().__init__()
        self.input_layernorm = RmsNorm(hidden)
        self.self_attn = Attention(hidden, heads, kv_heads, head_dim)
        self.post_attention_layernorm = RmsNorm(hidden)
        self.mlp = Mlp(hidden, middle)

    def forward(self, x, turns, mask=None, causal=False):
        x = x + self.self_attn(self.input_layernorm(x), turns, mask, causal=causal)
        return x + self.mlp(self.post_attention_layernorm(x))


class TextEncoder(nn.Module):
    def __init__(self, config=CONFIG):
        super().__init__()
        self.config = c = config
        self.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(
            Block(c["hidden_size"], c["intermediate_size"], c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"])
            for _ in range(c["num_hidden_layers"]))
        self.norm = RmsNorm(c["hidden_size"])

    def forward(self, ids):
        x = self.embed_tokens(ids)
        turns = rotation(ids.shape[1], self.config["head_dim"], self.config["rope_theta"])
        for layer in self.layers:
            x = layer(x, turns, causal=True)
        return self.norm(x)
