"""The velocity network, its condition encoder and its audio tokenizer.

Parameter names are those of the published checkpoint, so `state_dict` is the
file. Frames run at 25 a second with 64 channels; a patch is two frames.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from text import Attention, Block, Mlp, RmsNorm, rotation

CONFIG = {
    "model_type": "acestep", "attention_bias": False, "audio_acoustic_hidden_dim": 64,
    "fsq_dim": 256, "fsq_input_levels": [8, 8, 8, 5, 5, 5], "fsq_input_num_quantizers": 1,
    "head_dim": 32, "hidden_act": "silu", "hidden_size": 256, "in_channels": 192, "intermediate_size": 512,
    "layer_types": ["sliding_attention", "full_attention"] * 3, "max_position_embeddings": 32768,
    "model_version": "turbo", "num_attention_heads": 8, "num_attention_pooler_hidden_layers": 2,
    "num_audio_decoder_hidden_layers": 6, "num_hidden_layers": 6, "num_key_value_heads": 2,
    "num_lyric_encoder_hidden_layers": 1, "num_timbre_encoder_hidden_layers": 1, "patch_size": 2,
    "pool_window_size": 5, "rms_norm_eps": 1e-6, "rope_theta": 1000000, "sliding_window": 16,
    "text_hidden_dim": 128, "timbre_fix_frame": 100, "timbre_hidden_dim": 64, "use_sliding_window": True,
    "vocab_size": 1024,
}


def window_mask(length, config, layer, valid=None):
    """True where attention is allowed; None where everything is."""
    mask = None
    if config["layer_types"][layer] == "sliding_attention" and config["use_sliding_window"]:
        place = torch.arange(length)
        mask = ((place[:, None] - place).abs() <= config["sliding_window"])[None, None]
    if valid is not None:
        keys = valid.bool()[:, None, None]
        mask = keys if mask is None else mask & keys
    return mask


def blocks(config, count):
    return nn.ModuleList(
        Block(config["hidden_size"], config["intermediate_size"], config["num_attention_heads"],
              config["num_key_value_heads"], config["head_dim"]) for _ in range(count))


def run_blocks(layers, x, config, valid=None):
    turns = rotation(x.shape[1], config["head_dim"], config["rope_theta"])
    for index, layer in enumerate(layers):
        x = layer(x, turns, window_mask(x.shape[1], config, index, valid))
    return x


class TimeEmbedding(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.linear_1 = nn.Linear(256, hidden)
        self.linear_2 = nn.Linear(hidden, hidden)
        self.time_proj = nn.Linear(hidden, 6 * hidden)

    def forward(self, t):
        speed = torch.exp(-math.log(10000) * torch.arange(128).float() / 128)
        angle = (t * 1000)[:, None] * speed
        h = self.linear_2(F.silu(self.linear_1(torch.cat([angle.cos(), angle.sin()], 1))))
        return h, self.time_proj(F.silu(h)).unflatten(1, (6, -1))


class DitLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        sizes = (config["hidden_size"], config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"])
        self.self_attn_norm, self.self_attn = RmsNorm(sizes[0]), Attention(*sizes)
        self.cross_attn_norm, self.cross_attn = RmsNorm(sizes[0]), Attention(*sizes)
        self.mlp_norm, self.mlp = RmsNorm(sizes[0]), Mlp(sizes[0], config["intermediate_size"])
        self.scale_shift_table = nn.Parameter(torch.randn(1, 6, sizes[0]) / sizes[0] ** 0.5)

    def forward(self, h, memory, heard, time, turns, mask):
        shift, scale, gate, c_shift, c_scale, c_gate = (self.scale_shift_table + time).chunk(6, dim=1)
        h = h + gate * self.self_attn(self.self_attn_norm(h) * (1 + scale) + shift, turns, mask)
        h = h + self.cross_attn(self.cross_attn_norm(h), memory=memory, mask=heard)
        return h + c_gate * self.mlp(self.mlp_norm(h) * (1 + c_scale) + c_shift)


class Dit(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, hidden = config, config["hidden_size"]
        # The convolutions sit at index 1: the layout keeps a reshape before each.
        self.proj_in = nn.Sequential(nn.Identity(), nn.Conv1d(config["in_channels"], hidden, 2, stride=2))
        self.time_embed, self.time_embed_r = TimeEmbedding(hidden), TimeEmbedding(hidden)
        self.condition_embedder = nn.Linear(hidden, hidden)
        self.layers = nn.ModuleList(DitLayer(config) for _ in range(config["num_hidden_layers"]))
        self.norm_out = RmsNorm(hidden)
        self.proj_out = nn.Sequential(nn.Identity(), nn.ConvTranspose1d(hidden, 64, 2, stride=2))
        self.scale_shift_table = nn.Parameter(torch.randn(1, 2, hidden) / hidden**0.5)

    def forward(self, x, context, memory, t, r, valid=None):
        """Velocity [B, frames, 64]. `valid` [B, tokens] tells condition tokens (1) from padding (0); without it all count."""
        frames = x.shape[1]
        heard = None if valid is None else valid.bool()[:, None, None]
        h = torch.cat([context, x], dim=-1)
        h = F.pad(h, (0, 0, 0, frames % 2))
        h = self.proj_in(h.transpose(1, 2)).transpose(1, 2).float()
        memory = self.condition_embedder(memory)
        temb, tproj = (a + b for a, b in zip(self.time_embed(t), self.time_embed_r(t - r)))
        turns = rotation(h.shape[1], self.config["head_dim"], self.config["rope_theta"])
        for index, layer in enumerate(self.layers):
            h = layer(h, memory, heard, tproj, turns, window_mask(h.shape[1], self.config, index))
        shift, scale = (self.scale_shift_table + temb[:, None]).chunk(2, dim=1)
        h = self.norm_out(h) * (1 + scale) + shift
        return self.proj_out(h.transpose(1, 2)).transpose(1, 2)[:, :frames]


class LyricEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Linear(config["text_hidden_dim"], config["hidden_size"])
        self.layers = blocks(config, config["num_lyric_encoder_hidden_layers"])
        self.norm = RmsNorm(config["hidden_size"])

    def forward(self, x, valid):
        return self.norm(run_blocks(self.layers, self.embed_tokens(x), self.config, valid))


class TimbreEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Linear(config["timbre_hidden_dim"], config["hidden_size"])
        self.layers = blocks(config, config["num_timbre_encoder_hidden_layers"])
        self.norm = RmsNorm(config["hidden_size"])
        # In the layout, but not used: the embedding is taken at the first acoustic frame.
        self.special_token = nn.Parameter(torch.zeros(1, 1, config["hidden_size"]))

    def forward(self, x):
        return self.norm(run_blocks(self.layers, self.embed_tokens(x), self.config))[:, :1]


def pack(a, a_valid, b, b_valid):
    """Join two sequences, then bring what is valid to the front, order kept."""
    both, valid = torch.cat([a, b], 1), torch.cat([a_valid, b_valid], 1)
    order = valid.argsort(dim=1, descending=True, stable=True)
    return both.gather(1, order[..., None].expand_as(both)), valid.gather(1, order)


class ConditionEncoder(nn.Module):
    """One reference recording a row, which is all this project's training needs."""

    def __init__(self, config):
        super().__init__()
        self.text_projector = nn.Linear(config["text_hidden_dim"], config["hidden_size"], bias=False)
        self.lyric_encoder, self.timbre_encoder = LyricEncoder(config), TimbreEncoder(config)

    def forward(self, text, text_valid, lyric, lyric_valid, reference):
        lyric, timbre = self.lyric_encoder(lyric, lyric_valid), self.timbre_encoder(reference)
        packed, valid = pack(lyric, lyric_valid, timbre, torch.ones_like(lyric_valid[:, :1]))
        return pack(packed, valid, self.text_projector(text), text_valid)


class Quantizer(nn.Module):
    """Six numbers rounded to 8, 8, 8, 5, 5, 5 levels; gradients pass the rounding."""

    def __init__(self, size, levels):
        super().__init__()
        self.project_in, self.project_out = nn.Linear(size, len(levels)), nn.Linear(len(levels), size)
        self.levels = torch.tensor(levels).float()

    def forward(self, x):
        steps = self.levels - 1
        bound = 1 + 1 / steps
        z = bound * torch.tanh(self.project_in(x) / bound)
        z = z.clamp(-1, 1)
        code = torch.floor(steps * (z + 1) / 2 + 0.5)
        value = 2 * code / steps - 1
        place = torch.cumprod(torch.cat([torch.ones(1), self.levels[:-1]]), 0)
        return self.project_out(z + (value - z).detach()), (code * place).sum(-1).long()


class Pooler(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, hidden = config, config["hidden_size"]
        self.embed_tokens = nn.Linear(hidden, hidden)
        self.special_token = nn.Parameter(torch.randn(1, 1, hidden) * 0.02)
        self.layers = blocks(config, config["num_attention_pooler_hidden_layers"])
        self.norm = RmsNorm(hidden)

    def forward(self, x):
        batch, groups, size, hidden = x.shape
        x = self.embed_tokens(x).flatten(0, 1)
        x = torch.cat([self.special_token.expand(len(x), 1, hidden), x], 1)
        return self.norm(run_blocks(self.layers, x, self.config))[:, 0].unflatten(0, (batch, groups))


class Tokenizer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.size = config["pool_window_size"]
        self.audio_acoustic_proj = nn.Linear(config["audio_acoustic_hidden_dim"], config["hidden_size"])
        self.attention_pooler = Pooler(config)
        self.quantizer = Quantizer(config["fsq_dim"], config["fsq_input_levels"])

    def forward(self, latents):
        groups = latents.unflatten(1, (-1, self.size))
        return self.quantizer(self.attention_pooler(self.audio_acoustic_proj(groups)))


class Detokenizer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, hidden = config, config["hidden_size"]
        self.embed_tokens = nn.Linear(hidden, hidden)
        self.special_tokens = nn.Parameter(torch.randn(1, config["pool_window_size"], hidden) * 0.02)
        self.layers = blocks(config, config["num_attention_pooler_hidden_layers"])
        self.norm = RmsNorm(hidden)
        self.proj_out = nn.Linear(hidden, config["audio_acoustic_hidden_dim"])

    def forward(self, quantized):
        x = self.embed_tokens(quantized).flatten(0, 1)[:, None] + self.special_tokens
        x = self.proj_out(self.norm(run_blocks(self.layers, x, self.config)))
        return x.unflatten(0, quantized.shape[:2]).flatten(1, 2)


class Model(nn.Module):
    def __init__(self, config=CONFIG):
        super().__init__()
        self.config = config
        self.decoder, self.encoder = Dit(config), ConditionEncoder(config)
        self.tokenizer, self.detokenizer = Tokenizer(config), Detokenizer(config)
        self.null_condition_emb = nn.Parameter(torch.randn(1, 1, config["hidden_size"]))

    def hints(self, latents):
        """What survives of the latents at five tokens a second; frames must divide by five."""
        return self.detokenizer(self.tokenizer(latents)[0])


def schedule(steps, denoise, shift):
    """The instrument's continuous law: the schedule starts at t = denoise, before the shift."""
    return [shift * t / (1 + (shift - 1) * t) for t in torch.linspace(denoise, 0, steps + 1, dtype=torch.float64).tolist()]


@torch.no_grad()
def sample(model, context, memory, valid, noise, source=None, denoise=1.0, steps=8, shift=3.0, guidance=1.0, keep=None):
    """Euler steps from noise, or from the source blended with noise.

    With guidance above 1, plain classifier-free guidance. With `keep` [frames], the stochastic solver, whose clean
    estimate is mixed with the source, 1 all source; each step then draws noise anew.
    """
    times = schedule(steps, denoise, shift)
    x = noise if source is None else times[0] * noise + (1 - times[0]) * source
    for now, after in zip(times, times[1:]):
        t = torch.full((len(x),), now)
        v = model.decoder(x, context, memory, t, t, valid)
        if guidance > 1:
            nothing = model.null_condition_emb.expand(len(x), 1, -1)
            v = v + (guidance - 1) * (v - model.decoder(x, context, nothing, t, t))
        if keep is None:
            x = x + (after - now) * v
        else:
            clean = (1 - keep[None, :, None]) * (x - now * v) + keep[None, :, None] * source
            x = after * torch.randn_like(x) + (1 - after) * clean
    return x
