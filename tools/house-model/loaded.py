"""An exported model folder, read back from its files alone, and what can be made with it."""

import json

import soundfile
import torch
from safetensors.torch import load_file

import text
from codec import Codec, from_published
from dit import Model, sample
from train_dit import memory_of

ROWS = 8  # generations made side by side


class Loaded:
    def __init__(self, folder):
        config = lambda name: json.loads((folder / name).read_text())
        weights = lambda name: {k: v.float() for k, v in load_file(folder / name).items()}
        self.codec = Codec(config("vae/config.json")).eval()
        self.codec.load_state_dict(from_published(weights("vae/diffusion_pytorch_model.safetensors")))
        self.model = Model(config("config.json")).eval()
        self.model.load_state_dict(weights("model.safetensors"))
        self.text = text.TextEncoder(config("text_encoder/config.json")).eval()
        self.text.load_state_dict(weights("text_encoder/model.safetensors"))
        self.tokenizer = text.Tokenizer.from_file(str(folder / "text_encoder" / "tokenizer.json"))
        self.silence = torch.load(folder / "silence_latent.pt")[0].T.float()
        sound, _ = soundfile.read(folder / "demo.flac", dtype="float32")
        self.demo = torch.tensor(sound.T)

    @torch.no_grad()
    def encode(self, audio):
        """[2, samples] to [frames, 64]."""
        return self.codec.encode(audio[None, :, : audio.shape[1] // 1920 * 1920])[0].T

    @torch.no_grad()
    def decode(self, latent):
        return self.codec.decode(latent.T[None])[0]

    @torch.no_grad()
    def hints(self, latent):
        whole = -len(latent) % 5
        filled = torch.cat([latent, self.silence[:whole]])
        return self.model.hints(filled[None])[0, : len(latent)]

    @torch.no_grad()
    def memory(self, prompts, timbre=None):
        """Condition tokens of some prompts and which of them are no padding, with the timbre of a latent or of silence."""
        fix = self.model.config["timbre_fix_frame"]
        reference = (self.silence if timbre is None else timbre)[:fix].expand(len(prompts), -1, -1)
        return memory_of(self, self.tokenizer, prompts, reference)

    @torch.no_grad()
    def cover(self, source, prompt, denoise, seed, structure=1.0, guidance=1.0, keep=None):
        """What the instrument's ring makes of a source latent; its own random numbers, the same law."""
        torch.manual_seed(seed)
        hints = self.silence[: len(source)].lerp(self.hints(source), structure)
        context = torch.cat([hints, torch.ones_like(source)], -1)[None]
        memory, valid = self.memory([prompt], source)
        return sample(self.model, context, memory, valid, torch.randn_like(source)[None], source[None], denoise, guidance=guidance, keep=keep)[0]

    @torch.no_grad()
    def from_words(self, prompts, frames, seeds, guidance=1.0):
        """Music from words alone: no source, no structure, no timbre. One latent a prompt."""
        made = []
        for at in range(0, len(prompts), ROWS):
            some = prompts[at : at + ROWS]
            noise = torch.stack([torch.randn(frames, 64, generator=torch.Generator().manual_seed(s)) for s in seeds[at : at + ROWS]])
            context = torch.cat([self.silence[:frames], torch.ones(frames, 64)], -1).expand(len(some), -1, -1)
            made += list(sample(self.model, context, *self.memory(some), noise, guidance=guidance))
        return made
