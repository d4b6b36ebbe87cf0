"""Trains the velocity network with its encoders: python train_dit.py WORK STEPS

The audio tokenizer is held. A training that was cut off goes on from its last saved step.
"""

import json
import pathlib
import random
import sys
import time

import torch
from torch import nn

import captions
import library
import text
from dit import CONFIG, Model
from muon import Muon
from training import average, cosine, write

# Clip lengths in frames, 4 to 30 s; twelve seconds, the demo's length, comes up most.
LENGTHS = [100, 150, 200, 300, 300, 300, 300, 400, 500, 750]
FRAMES_A_STEP = 2400
# Products of halves over weights, norms and sums of 32 bits, where the processor multiplies halves.
HALF = torch.cpu._is_avx512_bf16_supported()
MOST_TOKENS = 256  # of a prompt, as published
PEAK_RATE = 2e-3
SEED = 13
# What a row is asked for, and how often in a hundred: a cover of its hints, music from words, a gap filled.
TASKS, SHARES = ["cover", "words", "repaint"], [52, 44, 4]


class Whole(nn.Module):
    """Everything that trains together, so that one optimiser and one average cover it."""

    def __init__(self):
        super().__init__()
        self.model, self.text = Model(CONFIG), text.TextEncoder(text.CONFIG)


def make_tokenizer(work, abouts):
    path = work / "tokenizer.json"
    if not path.exists():
        rng = random.Random(1)
        lines = [captions.prompt(a, rng.choice(LENGTHS), rng.random() < 0.5, rng) for a in abouts for _ in range(6)]
        # Whole words of the styles' vocabulary, also in other cases and as the first word of a line.
        words = sorted({word for a in abouts for tag in a["tags"] for word in tag.split()})
        lines += words * 10 + [f" {word}" for word in words] * 10 + [captions.lyrics(rng) for _ in range(40)]
        text.train_tokenizer(lines).save(str(path))
    return text.Tokenizer.from_file(str(path))


def padded(lists):
    """Token ids [B, longest] and which of them are real."""
    longest = max(map(len, lists))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in lists])
    return ids, torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in lists])


def memory_of(whole, tokenizer, prompts, reference, lyric=None):
    """Condition tokens [B, L, hidden], and which of them are no padding: [B, L]."""
    ids, valid = padded([tokenizer.encode(p).ids[:MOST_TOKENS] for p in prompts])
    lyric_ids, lyric_valid = padded([tokenizer.encode(lyric or text.lyric_prompt()).ids] * len(prompts))
    # Lyrics enter as bare rows of the embedding table, by the published design.
    lyric_rows = whole.text.embed_tokens(lyric_ids)
    return whole.model.encoder(whole.text(ids), valid, lyric_rows, lyric_valid, reference)


class Material:
    """The encoded recordings, and their structure hints as they are asked for."""

    def __init__(self, work, model):
        stored = torch.load(work / "latents.pt")
        self.abouts = json.loads((work / "loops" / "about.json").read_text())
        self.kinds, self.silence = [stored["latents"], stored["shifted"]], stored["silence"][0].T.contiguous()
        self.model, self.hints = model, {}
        relatives = library.DEMO_RELATIVES
        self.odds = [12.0] + [4.0] * (relatives - 1) + [1.0] * (len(self.abouts) - relatives)

    def draw(self, rng):
        """A recording and the key its hints are kept under; one in four starts between two frames."""
        which = rng.choices(range(len(self.abouts)), self.odds)[0]
        kind = int(rng.random() < 0.25)
        return which, kind, self.kinds[kind][which]

    @torch.no_grad()
    def hints_of(self, which, kind, start, frames):
        """Hints [frames, 64] of a stretch whose groups of five begin at its start."""
        loop = self.kinds[kind][which]
        if (which, kind) not in self.hints:
            around = loop[(torch.arange(len(loop))[:, None] + torch.arange(5)) % len(loop)]
            self.hints[which, kind] = self.model.hints(around.flatten(0, 1)[None])[0].unflatten(0, (-1, 5)).half()
        places = (start + 5 * torch.arange(frames // 5)) % len(loop)
        return self.hints[which, kind][places].flatten(0, 1).float()


def turned(loop, start, frames):
    return loop[(start + torch.arange(frames)) % len(loop)]


def draw_batch(material, rng):
    frames, fix = rng.choice(LENGTHS), CONFIG["timbre_fix_frame"]
    rows = {"x0": [], "structure": [], "mask": [], "reference": [], "prompt": []}
    for _ in range(FRAMES_A_STEP // frames):
        which, kind, loop = material.draw(rng)
        start = 0 if rng.random() < 0.2 else rng.randrange(len(loop))
        x0, structure, mask = turned(loop, start, frames), material.silence[:frames], torch.ones(frames, 64)
        task = rng.choices(TASKS, SHARES)[0]
        if task == "cover":
            hints = material.hints_of(which, kind, start, frames)
            # The structure fader mixes hints with silence: most of the time it is all the way up.
            structure = hints if rng.random() < 0.75 else structure.lerp(hints, rng.random())
        elif task == "repaint":
            a, b = sorted(rng.sample(range(frames + 1), 2))
            mask = torch.zeros(frames, 64)
            mask[a:b] = 1.0
            structure = torch.where(mask > 0, structure, x0)
        # Words alone also come under the cover's instruction: that is what the live instrument says whatever its faders do.
        prompt = captions.prompt(material.abouts[which], frames, task == "cover" or rng.random() < 0.6, rng)
        reference = material.silence[:fix] if rng.random() < 0.5 else turned(loop, rng.randrange(len(loop)), fix)
        for name, value in zip(rows, (x0, structure, mask, reference, prompt)):
            rows[name].append(value)
    stacked = {k: torch.stack(v) for k, v in rows.items() if k != "prompt"}
    return stacked, rows["prompt"]


def draw_times(count):
    """Half the draws spread as the sampler's own shift-3 schedule, half in the middle."""
    even = torch.rand(count)
    return torch.where(torch.rand(count) < 0.5, 3 * even / (1 + 2 * even), torch.sigmoid(torch.randn(count)))


def loss_of(whole, tokenizer, batch, prompts, lyric):
    x0 = batch["x0"]
    memory, valid = memory_of(whole, tokenizer, prompts, batch["reference"], lyric)
    # One row in ten learns to do without any condition: the other side of guidance.
    drop = torch.rand(len(x0), 1, 1) < 0.1
    memory = torch.where(drop, whole.model.null_condition_emb, memory)
    noise, t = torch.randn_like(x0), draw_times(len(x0))
    at = t[:, None, None]
    with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
        velocity = whole.model.decoder(at * noise + (1 - at) * x0, torch.cat([batch["structure"], batch["mask"]], -1), memory, t, t, valid)
    return (velocity.float() - (noise - x0)).square().mean()


def main():
    work, steps = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(2)
    torch.manual_seed(SEED)
    whole = Whole()
    tokens = torch.load(work / "tokens.pt")
    for name, part in tokens["parts"].items():
        getattr(whole.model, name).load_state_dict(part)
        getattr(whole.model, name).requires_grad_(False)
    material = Material(work, whole.model)
    tokenizer = make_tokenizer(work, material.abouts)
    print("parameters", sum(p.numel() for p in whole.parameters()), "tokens", tokenizer.get_vocab_size(), flush=True)
    params = [p for p in whole.parameters() if p.requires_grad]
    matrices = [p for n, p in whole.named_parameters() if p.requires_grad and ".layers." in n and p.dim() == 2]
    muon, taken = Muon(matrices), {id(p) for p in matrices}
    optimiser = torch.optim.AdamW([p for p in params if id(p) not in taken], lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.01)
    slow, log, done = {k: v.clone() for k, v in whole.state_dict().items()}, {"tokens": tokens["log"], "flow": []}, 0
    saved = work / "dit.pt"
    if saved.exists():
        state = torch.load(saved, weights_only=False)
        whole.load_state_dict(state["weights"])
        optimiser.load_state_dict(state["adam"])
        slow, log, done, muon.velocity = state["average"], state["log"], state["done"], state["muon"]
        torch.manual_seed(SEED + done)
    rng = random.Random(SEED + done)
    begin = last_save = time.time()
    first, total, count = done, 0.0, 0

    def save():
        write(saved, {"average": slow, "weights": whole.state_dict(), "adam": optimiser.state_dict(), "muon": muon.velocity,
                      "log": log, "done": done})

    while done < steps:
        rate = PEAK_RATE * min(1, (done + 1) / 100) * cosine(done / steps)
        optimiser.param_groups[0]["lr"] = rate
        loss = loss_of(whole, tokenizer, *draw_batch(material, rng), captions.lyrics(rng))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimiser.step()
        muon.step(rate)
        done += 1
        average(slow, whole, done, 0.998)
        total, count = total + loss.item(), count + 1
        if count == 50:
            log["flow"].append((done, total / count))
            minutes = (time.time() - begin) / 60
            print(f"flow {done} of {steps}, {minutes:.1f} min, {60 * minutes / (done - first):.2f} s a step, error {total / count:.4f}, rate {rate:.1e}", flush=True)
            total, count = 0.0, 0
        if time.time() - last_save > 180:
            last_save = time.time()
            save()
    save()


if __name__ == "__main__":
    main()
