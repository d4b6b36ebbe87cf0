"""The bench's two networks in PyTorch, written for speed the way one would: fused attention, weight norm folded.

They follow the formulas of our graphs and read the weights that the bench wrote.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Weights(nn.Module):
    """Tensors by their published names; dots cannot stand in a buffer's name."""

    def __init__(self, tensors):
        super().__init__()
        for name, tensor in tensors.items():
            self.register_buffer(name.replace(".", "/"), tensor, persistent=False)

    def w(self, name):
        return getattr(self, name.replace(".", "/"))

    def linear(self, x, prefix, bias=False):
        return F.linear(x, self.w(f"{prefix}.weight"), self.w(f"{prefix}.bias") if bias else None)

    def norm(self, x, prefix):
        return F.rms_norm(x, (x.shape[-1],), self.w(f"{prefix}.weight"), 1e-6)


class Denoiser(Weights):
    def __init__(self, tensors, facts, frames):
        super().__init__(tensors)
        self.facts = facts
        patches, width = (frames + 1) // 2, facts["head_dim"]
        angles = torch.arange(patches, dtype=torch.float64)[:, None] * 1e6 ** (
            -torch.arange(0, width, 2, dtype=torch.float64) / width
        )
        self.register_buffer("cos", angles.cos().float()[None, None], persistent=False)
        self.register_buffer("sin", angles.sin().float()[None, None], persistent=False)
        place = torch.arange(patches)
        self.register_buffer("near", (place[:, None] - place).abs() <= facts["window"], persistent=False)
        frequencies = torch.exp(-math.log(10_000) * torch.arange(128, dtype=torch.float64) / 128)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def heads(self, x, count):
        return x.unflatten(-1, (count, self.facts["head_dim"])).transpose(1, 2)

    def turn(self, x):
        a, b = x.chunk(2, -1)
        return torch.cat((a * self.cos - b * self.sin, b * self.cos + a * self.sin), -1)

    def attention(self, x, source, prefix, turned, mask):
        heads, groups = self.facts["heads"], self.facts["kv_heads"]
        q = self.norm(self.heads(self.linear(x, f"{prefix}.q_proj"), heads), f"{prefix}.q_norm")
        k = self.norm(self.heads(self.linear(source, f"{prefix}.k_proj"), groups), f"{prefix}.k_norm")
        v = self.heads(self.linear(source, f"{prefix}.v_proj"), groups)
        if turned:
            q, k = self.turn(q), self.turn(k)
        k, v = (it.repeat_interleave(heads // groups, 1) for it in (k, v))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.linear(seen.transpose(1, 2).flatten(2), f"{prefix}.o_proj")

    def time(self, t, prefix):
        angle = (1000 * t.double()[:, None] * self.frequencies)
        e = torch.cat((angle.cos(), angle.sin()), -1).float()
        e = self.linear(F.silu(self.linear(e, f"{prefix}.linear_1", True)), f"{prefix}.linear_2", True)
        return e, self.linear(F.silu(e), f"{prefix}.time_proj", True).unflatten(-1, (6, -1))

    def forward(self, x, context, tokens, t, t_minus_r):
        (e, p), (e_r, p_r) = self.time(t, "decoder.time_embed"), self.time(t_minus_r, "decoder.time_embed_r")
        embedding, projected = e + e_r, p + p_r
        stacked = torch.cat((context, x), -1).unflatten(1, (-1, 2)).flatten(2)
        patch = self.w("decoder.proj_in.1.weight").permute(0, 2, 1).flatten(1)
        h = F.linear(stacked, patch, self.w("decoder.proj_in.1.bias"))
        source = self.linear(tokens, "decoder.condition_embedder", True)
        for layer in range(self.facts["layers"]):
            prefix = f"decoder.layers.{layer}"
            m = (self.w(f"{prefix}.scale_shift_table") + projected).unbind(1)
            y = self.norm(h, f"{prefix}.self_attn_norm") * (1 + m[1]) + m[0]
            near = self.near if layer % 2 == 0 else None
            h = h + m[2] * self.attention(y, y, f"{prefix}.self_attn", True, near)
            y = self.norm(h, f"{prefix}.cross_attn_norm")
            h = h + self.attention(y, source, f"{prefix}.cross_attn", False, None)
            y = self.norm(h, f"{prefix}.mlp_norm") * (1 + m[4]) + m[3]
            y = F.silu(self.linear(y, f"{prefix}.mlp.gate_proj")) * self.linear(y, f"{prefix}.mlp.up_proj")
            h = h + m[5] * self.linear(y, f"{prefix}.mlp.down_proj")
        shift, scale = (self.w("decoder.scale_shift_table") + embedding[:, None]).unbind(1)
        y = self.norm(h, "decoder.norm_out") * (1 + scale) + shift
        unpatch = self.w("decoder.proj_out.1.weight").permute(2, 1, 0).flatten(0, 1)
        y = F.linear(y, unpatch).unflatten(-1, (2, -1)) + self.w("decoder.proj_out.1.bias")
        return y.flatten(1, 2)[:, : x.shape[1]]


class Decoder(Weights):
    def __init__(self, tensors, facts):
        folded = {}
        for name, tensor in tensors.items():
            if name.endswith(".weight_v"):
                gain = tensors[name[:-1] + "g"]
                norm = tensor.double().flatten(1).norm(dim=1)[:, None, None]
                folded[name[: -len("_v")]] = (gain.double() * tensor.double() / norm).float()
            elif name.endswith(".alpha"):
                folded[name] = tensor.exp()
            elif name.endswith(".beta"):
                folded[name] = 1 / (tensor.exp() + 1e-9)
            elif not name.endswith(".weight_g"):
                folded[name] = tensor
        super().__init__(folded)
        self.facts = facts

    def snake(self, x, prefix):
        return x + torch.sin(self.w(f"{prefix}.alpha") * x).square() * self.w(f"{prefix}.beta")

    def conv(self, x, prefix, dilation=1, bias=True):
        weight = self.w(f"{prefix}.weight")
        padding = dilation * (weight.shape[2] - 1) // 2
        return F.conv1d(x, weight, self.w(f"{prefix}.bias") if bias else None, padding=padding, dilation=dilation)

    def forward(self, latents):
        h = self.conv(latents.transpose(1, 2), "decoder.conv1")
        for block, stride in enumerate(reversed(self.facts["strides"])):
            prefix = f"decoder.block.{block}"
            weight, bias = self.w(f"{prefix}.conv_t1.weight"), self.w(f"{prefix}.conv_t1.bias")
            h = self.snake(h, f"{prefix}.snake1")
            h = F.conv_transpose1d(h, weight, bias, stride=stride, padding=stride // 2)
            for unit, dilation in enumerate((1, 3, 9), 1):
                inner = f"{prefix}.res_unit{unit}"
                y = self.conv(self.snake(h, f"{inner}.snake1"), f"{inner}.conv1", dilation)
                h = h + self.conv(self.snake(y, f"{inner}.snake2"), f"{inner}.conv2")
        return self.conv(self.snake(h, "decoder.snake1"), "decoder.conv2", bias=False).transpose(1, 2)
