"""The audio autoencoder: an Oobleck encoder and decoder at 48 kHz stereo.

Training works on plain convolution weights, because a plain weight costs one
multiplication less per step and any optimiser may be used on it. The published
checkpoint layout stores every weight as a length `weight_g` and a direction
`weight_v`; `to_published` and `from_published` go between the two.

Where the processor multiplies halves (`halved`), training does its convolutions in bfloat16 over weights, sums and residual streams of 32 bits:
four to six times as fast. What hears and makes audio itself, and the latents, stay in 32 bits.
"""

import ctypes
import functools
import pathlib
import subprocess
import tempfile

import torch
import torch.nn.functional as F
from torch import nn

CONFIG = {
    "_class_name": "AutoencoderOobleck",
    "audio_channels": 2,
    "sampling_rate": 48000,
    "downsampling_ratios": [2, 4, 4, 6, 10],
    # Twice the usual width where a latent frame becomes sound, 1,500 to 24,000 steps a second: there the fine structure is made.
    "channel_multiples": [2, 4, 8, 8, 16],
    "decoder_channels": 16,
    "decoder_input_channels": 64,
    # Number of moment channels: 64 means and 64 scales.
    "encoder_hidden_size": 128,
    # Width of the encoder's first layer. The published models use
    # encoder_hidden_size here, which is far too slow for two processor cores.
    "encoder_base_channels": 8,
}


@functools.cache
def fast_snake():
    """The compiled activation, or None where there is no C compiler."""
    source = pathlib.Path(__file__).with_name("snake.c")
    library = pathlib.Path(tempfile.gettempdir()) / f"house_snake_{source.stat().st_mtime_ns}.so"
    command = ["gcc", "-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-shared", "-fPIC"]
    try:
        if not library.exists():
            subprocess.run([*command, str(source), "-o", str(library), "-lm"], check=True)
        return ctypes.CDLL(str(library))
    except (OSError, subprocess.CalledProcessError):
        return None


def pointer(tensor):
    return ctypes.c_void_p(tensor.data_ptr())


HALF = False


def halved():
    """Convolutions in halves from now on, where the processor has an instruction for that; whether it has."""
    global HALF
    HALF = bool(fast_snake()) and torch.cpu._is_avx512_bf16_supported()
    return HALF


def kind(dtype):
    return "half" if dtype == torch.bfloat16 else "float"


class SnakeFunction(torch.autograd.Function):
    """x + sin(ax)^2 / (b + 1e-9) over [B, C, 1, T], saving only x so that memory traffic stays low. Comes out as `dtype`."""

    @staticmethod
    def forward(ctx, x, alpha, beta, dtype):
        x = x.contiguous(memory_format=torch.channels_last)
        a, inv = alpha.exp().contiguous(), (1.0 / (beta.exp() + 1e-9)).contiguous()
        ctx.save_for_backward(x, a, inv)
        ctx.name = f"{kind(x.dtype)}_{kind(dtype)}"
        y = torch.empty_like(x, dtype=dtype)
        getattr(fast_snake(), f"snake_forward_{ctx.name}")(pointer(x), pointer(y), pointer(a), pointer(inv), *sizes(x))
        return y

    @staticmethod
    def backward(ctx, grad):
        x, a, inv = ctx.saved_tensors
        grad, out = grad.contiguous(memory_format=torch.channels_last), torch.empty_like(x)
        by_alpha, by_beta = torch.zeros_like(a), torch.zeros_like(a)
        buffers = [pointer(t) for t in (x, grad, out, a, inv, by_alpha, by_beta)]
        getattr(fast_snake(), f"snake_backward_{ctx.name}")(*buffers, *sizes(x))
        return out, by_alpha, by_beta, None


def sizes(x):
    """Rows (one a moment in time) and channels, which lie side by side in memory."""
    return ctypes.c_long(x.shape[0] * x.shape[2] * x.shape[3]), ctypes.c_long(x.shape[1])


class Snake(nn.Module):
    """`exact`: what comes after it is computed in 32 bits."""

    def __init__(self, channels, exact=False):
        super().__init__()
        self.exact = exact
        self.alpha = nn.Parameter(torch.zeros(1, channels, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x):
        if fast_snake():
            half = HALF and not self.exact
            return SnakeFunction.apply(x if half or x.dtype == torch.float32 else x.float(), self.alpha, self.beta, torch.bfloat16 if half else torch.float32)
        alpha, beta = self.alpha[..., None], self.beta[..., None]
        return x + torch.sin(alpha.exp() * x).square() / (beta.exp() + 1e-9)


class Conv(nn.Conv1d):
    """A one-dimensional convolution over [B, C, 1, T] in channels-last order: for the few channels at
    the audio's own rate that is two to three times as fast on a CPU. `exact`: always in 32 bits."""

    def __init__(self, *words, exact=False, **more):
        super().__init__(*words, **more)
        self.exact = exact

    def forward(self, x):
        weight, bias = self.weight[:, :, None], self.bias
        if HALF and not self.exact:
            x, weight, bias = x.bfloat16(), weight.bfloat16(), None if bias is None else bias.bfloat16()
        return F.conv2d(x, weight, bias, (1, *self.stride), (0, *self.padding), (1, *self.dilation))


class ConvTransposed(nn.ConvTranspose1d):
    """The same for the transposed convolution."""

    def forward(self, x):
        weight, bias = self.weight[:, :, None], self.bias
        if HALF:
            x, weight, bias = x.bfloat16(), weight.bfloat16(), bias.bfloat16()
        return F.conv_transpose2d(x, weight, bias, (1, *self.stride), (0, *self.padding))


def image(x):
    """[B, C, T] as [B, C, 1, T], channels last in memory."""
    return x[:, :, None].contiguous(memory_format=torch.channels_last)


class Residual(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.snake1 = Snake(channels)
        self.conv1 = Conv(channels, channels, 7, padding=3 * dilation, dilation=dilation)
        self.snake2 = Snake(channels)
        self.conv2 = Conv(channels, channels, 1)

    def forward(self, x):
        return x + self.conv2(self.snake2(self.conv1(self.snake1(x))))


class DownBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.res_unit1 = Residual(cin, 1)
        self.res_unit2 = Residual(cin, 3)
        self.res_unit3 = Residual(cin, 9)
        # Few channels in long steps: in halves no faster, and of 8 in steps of 4 the library's answer is wrong (oneDNN of torch 2.15, AMX).
        self.snake1 = Snake(cin, exact=True)
        self.conv1 = Conv(cin, cout, 2 * stride, stride=stride, padding=stride // 2, exact=True)

    def forward(self, x):
        x = self.res_unit3(self.res_unit2(self.res_unit1(x)))
        return self.conv1(self.snake1(x))


class UpBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.snake1 = Snake(cin)
        self.conv_t1 = ConvTransposed(cin, cout, 2 * stride, stride=stride, padding=stride // 2)
        self.res_unit1 = Residual(cout, 1)
        self.res_unit2 = Residual(cout, 3)
        self.res_unit3 = Residual(cout, 9)

    def forward(self, x):
        x = self.conv_t1(self.snake1(x)).float()
        return self.res_unit3(self.res_unit2(self.res_unit1(x)))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        base = config.get("encoder_base_channels", config["encoder_hidden_size"])
        widths = [base] + [base * m for m in config["channel_multiples"]]
        self.conv1 = Conv(config["audio_channels"], base, 7, padding=3, exact=True)
        self.block = nn.ModuleList(
            DownBlock(widths[i], widths[i + 1], s) for i, s in enumerate(config["downsampling_ratios"])
        )
        self.snake1 = Snake(widths[-1], exact=True)
        self.conv2 = Conv(widths[-1], config["encoder_hidden_size"], 3, padding=1, exact=True)

    def forward(self, audio):
        x = self.conv1(image(audio))
        for block in self.block:
            x = block(x)
        return self.conv2(self.snake1(x))[:, :, 0]


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        base = config["decoder_channels"]
        widths = [base] + [base * m for m in config["channel_multiples"]]
        strides = config["downsampling_ratios"]
        self.conv1 = Conv(config["decoder_input_channels"], widths[-1], 7, padding=3, exact=True)
        self.block = nn.ModuleList(
            UpBlock(widths[i + 1], widths[i], strides[i]) for i in reversed(range(len(strides)))
        )
        self.snake1 = Snake(base, exact=True)
        self.conv2 = Conv(base, config["audio_channels"], 7, padding=3, bias=False, exact=True)

    def forward(self, latents):
        x = self.conv1(image(latents))
        for block in self.block:
            x = block(x)
        return self.conv2(self.snake1(x))[:, :, 0]


class Codec(nn.Module):
    def __init__(self, config=CONFIG):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def moments(self, audio):
        """[B, 2, samples] -> mean and std, each [B, 64, frames]."""
        mean, scale = self.encoder(audio).chunk(2, dim=1)
        return mean, F.softplus(scale) + 1e-4

    def encode(self, audio):
        return self.moments(audio)[0]

    def decode(self, latents):
        return self.decoder(latents)


def careful_start(codec):
    """Begin as a nearly linear chain: strided layers carry energy, residual units whisper."""
    for name, module in codec.named_modules():
        if isinstance(module, (nn.Conv1d, nn.ConvTranspose1d)):
            fan_in = module.weight[0].numel()
            if isinstance(module, nn.ConvTranspose1d):
                # Each output sample hears kernel / stride = 2 taps of every input channel.
                fan_in = module.in_channels * 2
            gain = 0.15 if name.endswith("conv2") and "res_unit" in name else 0.9
            nn.init.normal_(module.weight, std=gain / fan_in**0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    # The decoder must start quiet, or the first hundred steps only turn it down.
    codec.decoder.conv2.weight.data.mul_(0.2)
    half = codec.config["decoder_input_channels"]
    codec.encoder.conv2.bias.data[half:] = -3.0


def to_published(state):
    """Split every convolution weight into length and direction."""
    out = {}
    for name, tensor in state.items():
        if name.endswith(".weight"):
            length = tensor.flatten(1).norm(dim=1).view(-1, 1, 1)
            out[name + "_g"] = length
            # A row of nothing has no direction, and weight norm would divide by its length: any direction serves.
            out[name + "_v"] = torch.where(length > 0, tensor, torch.ones_like(tensor))
        else:
            out[name] = tensor
    return out


def from_published(state):
    out = {}
    for name, tensor in state.items():
        if name.endswith("weight_g"):
            continue
        if name.endswith("weight_v"):
            length = state[name[:-1] + "g"]
            norm = tensor.flatten(1).norm(dim=1).view(-1, 1, 1)
            out[name[:-2]] = tensor * (length / norm)
        else:
            out[name] = tensor
    return out


@torch.no_grad()
def widened(codec, state):
    """Fills a codec from the plain weights of a narrower one, so that it begins by doing the same.

    What is new listens (small random weights towards the new channels) but is not heard yet (nothing leads from them).
    """
    own = codec.state_dict()
    for name, tensor in own.items():
        old = state[name].nan_to_num(0.0)
        if old.shape == tensor.shape:
            tensor.copy_(old)
            continue
        where = tuple(slice(0, n) for n in old.shape)
        if name.endswith("weight"):
            inputs = 0 if "conv_t1" in name else 1
            tensor.normal_(std=0.5 / tensor[0].numel() ** 0.5)
            tensor.narrow(inputs, old.shape[inputs], tensor.shape[inputs] - old.shape[inputs]).zero_()
        else:
            tensor.zero_()
        tensor[where].copy_(old)
    codec.load_state_dict(own)


@torch.no_grad()
def whiten(codec, mean, std):
    """Move each latent channel to zero mean and unit spread, and the opposite into the decoder.

    The diffusion assumes both. Only the two layers next to the latents change.
    """
    half = codec.config["decoder_input_channels"]
    last, first = codec.encoder.conv2, codec.decoder.conv1
    last.weight[:half] /= std[:, None, None]
    last.bias[:half] = (last.bias[:half] - mean) / std
    first.bias += (first.weight * mean[None, :, None]).sum((1, 2))
    first.weight *= std[None, :, None]
    # The spread a sampled encoding adds: fixed, and far below what the decoder was trained to bear.
    last.weight[half:] = 0.0
    last.bias[half:] = float(torch.tensor(0.02).expm1().log())
