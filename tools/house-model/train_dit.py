"""Trains the audio tokenizer, then the velocity network with its encoders: python train_dit.py WORK MINUTES

The tokenizer and detokenizer learn first, for a tenth of the time, and are then
held: computing structure hints once and for all halves the cost of every later step.
"""

import json
import math
import os
import pathlib
import random
import sys
import time

import torch
from torch import nn

import text
from dit import CONFIG, Model
from muon import Muon

# Clip lengths in frames; twelve seconds, the demo's length, comes up most.
LENGTHS = [100, 150, 200, 300, 300, 300, 400]
FRAMES_A_STEP = 2400
NEIGHBOURS = ["music", "instrumental", "loop", "studio recording"]  # idle words a caption may carry


class Whole(nn.Module):
    """Everything that trains together, so that one optimiser and one average cover it."""

    def __init__(self):
        super().__init__()
        self.model, self.text = Model(CONFIG), text.TextEncoder(text.CONFIG)


def caption(about, rng):
    tags = [t for t in about["tags"] if rng.random() > 0.12] or about["tags"][:1]
    if rng.random() < 0.3:
        tags.append(rng.choice(NEIGHBOURS))
    rng.shuffle(tags)
    return rng.choice([", ".join(tags)] * 4 + [" ".join(tags), ", ".join(tags) + " music"])


def prompt_for(about, frames, cover, rng):
    known = rng.random() > 0.1
    return text.prompt(text.COVER if cover else text.FILL, caption(about, rng), about["bpm"] if known else "N/A",
                       about["timesignature"], about["key"] if known else "N/A", frames / 25)


def make_tokenizer(work, abouts):
    path = work / "tokenizer.json"
    if not path.exists():
        rng = random.Random(1)
        lines = [prompt_for(a, rng.choice(LENGTHS), rng.random() < 0.5, rng) for a in abouts for _ in range(12)]
        lines += [text.lyric_prompt()] * 20
        text.train_tokenizer(lines).save(str(path))
    return text.Tokenizer.from_file(str(path))


def padded(lists):
    """Token ids [B, longest] and which of them are real."""
    longest = max(map(len, lists))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in lists])
    return ids, torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in lists])


def memory_of(whole, tokenizer, prompts, reference, lyric=None):
    """Condition tokens [B, L, hidden]; what pads a shorter row is zero."""
    ids, valid = padded([tokenizer.encode(p).ids for p in prompts])
    lyric_ids, lyric_valid = padded([tokenizer.encode(lyric or text.lyric_prompt()).ids] * len(prompts))
    # Lyrics enter as bare rows of the embedding table, by the published design.
    lyric_rows = whole.text.embed_tokens(lyric_ids)
    memory, packed = whole.model.encoder(whole.text(ids), valid, lyric_rows, lyric_valid, reference)
    return memory * packed[..., None]


def turned(loop, start, frames):
    return loop[(start + torch.arange(frames)) % len(loop)]


def train_tokens(model, latents, minutes, log):
    """Fit groups of five frames through sixteen bits."""
    groups = torch.cat([turned(loop, k, len(loop) // 5 * 5).view(-1, 5, 64) for loop in latents for k in range(5)])
    params = [*model.tokenizer.parameters(), *model.detokenizer.parameters()]
    optimiser = torch.optim.AdamW(params, lr=1e-3, weight_decay=0.01)
    begin, step, total = time.time(), 0, 0.0
    while (spent := (time.time() - begin) / 60) < minutes:
        optimiser.param_groups[0]["lr"] = 2e-3 * min(1, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * spent / minutes)))
        batch = groups[torch.randint(len(groups), (128,))]
        loss = (model.hints(batch) - batch).square().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimiser.step()
        step, total = step + 1, total + loss.item()
        if step % 50 == 0:
            log["tokens"].append((step, total / 50))
            print(f"tokens {step} {spent:.1f} min {total / 50:.4f}", flush=True)
            total = 0.0


@torch.no_grad()
def hints_of(model, latents):
    """Hints for every loop at each of the five ways groups can fall on it."""
    out = []
    for loop in latents:
        # A loop that five does not divide is walked five times round, which five does.
        laps = 1 if len(loop) % 5 == 0 else 5
        rows = torch.stack([turned(loop, k, len(loop) * laps) for k in range(5)])
        out.append(torch.cat([model.hints(row[None]) for row in rows]))
    return out


def draw_batch(latents, hints, abouts, silence, odds, rng):
    frames = rng.choice(LENGTHS)
    rows = {"x0": [], "source": [], "mask": [], "reference": [], "prompt": []}
    fix = CONFIG["timbre_fix_frame"]
    for _ in range(FRAMES_A_STEP // frames):
        which = rng.choices(range(len(latents)), odds)[0]
        loop = latents[which]
        start = 0 if rng.random() < 0.2 else rng.randrange(len(loop))
        x0, source, mask = turned(loop, start, frames), silence[:frames], torch.ones(frames, 64)
        task = rng.choices(["cover", "text", "source", "repaint"], [52, 34, 5, 9])[0]
        if task == "cover":
            source = turned(hints[which][start % 5], start - start % 5, frames)
        elif task == "source":
            source = x0
        elif task == "repaint":
            a, b = sorted(rng.sample(range(frames + 1), 2))
            mask = torch.zeros(frames, 64)
            mask[a:b] = 1.0
            source = torch.where(mask > 0, source, x0)
        reference = silence[:fix] if rng.random() < 0.5 else turned(loop, rng.randrange(len(loop)), fix)
        for name, value in zip(rows, (x0, source, mask, reference, prompt_for(abouts[which], frames, task == "cover", rng))):
            rows[name].append(value)
    stacked = {k: torch.stack(v) for k, v in rows.items() if k != "prompt"}
    return stacked, rows["prompt"]


def draw_times(count):
    """Half the draws spread as the sampler's own shift-3 schedule, half in the middle."""
    even = torch.rand(count)
    return torch.where(torch.rand(count) < 0.5, 3 * even / (1 + 2 * even), torch.sigmoid(torch.randn(count)))


def main():
    work, minutes = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    torch.set_num_threads(int(os.environ.get("HOUSE_THREADS", "2")))
    rng = random.Random(time.time_ns())
    stored = torch.load(work / "latents.pt")
    latents, silence = stored["latents"], stored["silence"][0].T.contiguous()
    abouts = json.loads((work / "loops" / "about.json").read_text())
    # Little time, so few loops often rather than many seldom: the demo first, then its nine
    # relatives and five loops of each style; the other eight of a style only season the rest.
    odds = [10.0] + [1.5] * 9 + [1.0 if n % 13 < 5 else 0.15 for n in range(len(abouts) - 10)]
    tokenizer = make_tokenizer(work, abouts)
    whole = Whole()
    print("parameters", sum(p.numel() for p in whole.parameters()), "tokens", tokenizer.get_vocab_size())
    log, saved = {"tokens": [], "flow": []}, work / "dit.pt"
    if saved.exists():
        state = torch.load(saved)
        whole.load_state_dict(state["average"])
        log = state["log"]
    else:
        train_tokens(whole.model, latents, minutes * 0.1, log)
    hints = hints_of(whole.model, latents)
    for part in (whole.model.tokenizer, whole.model.detokenizer):
        part.requires_grad_(False)
    params = [p for p in whole.parameters() if p.requires_grad]
    matrices = [p for n, p in whole.named_parameters() if p.requires_grad and ".layers." in n and p.dim() == 2]
    muon, taken = Muon(matrices), {id(p) for p in matrices}
    optimiser = torch.optim.AdamW([p for p in params if id(p) not in taken], lr=1e-3, betas=(0.9, 0.95), weight_decay=0.01)
    slow = {k: v.clone() for k, v in whole.state_dict().items()}
    begin = last_save = time.time()
    steps = first = log["flow"][-1][0] if log["flow"] else 0
    total, count, minutes, peak = 0.0, 0, minutes * 0.9, float(os.environ.get("HOUSE_RATE", 2e-3))
    while (spent := (time.time() - begin) / 60) < minutes:
        rate = peak * min(1, (steps - first + 1) / 40) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * spent / minutes)))
        optimiser.param_groups[0]["lr"] = rate
        batch, prompts = draw_batch(latents, hints, abouts, silence, odds, rng)
        x0 = batch["x0"]
        memory = memory_of(whole, tokenizer, prompts, batch["reference"])
        drop = torch.rand(len(x0), 1, 1) < 0.1
        memory = torch.where(drop, whole.model.null_condition_emb, memory)
        noise, t = torch.randn_like(x0), draw_times(len(x0))
        at = t[:, None, None]
        velocity = whole.model.decoder(at * noise + (1 - at) * x0, torch.cat([batch["source"], batch["mask"]], -1), memory, t, t)
        loss = (velocity - (noise - x0)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimiser.step()
        muon.step(rate)
        steps += 1
        with torch.no_grad():
            decay = min(0.99, (steps - first) / (steps - first + 10))
            for name, tensor in whole.state_dict().items():
                slow[name].lerp_(tensor, 1 - decay)
        total, count = total + loss.item(), count + 1
        if count == 25:
            log["flow"].append((steps, total / count))
            print(f"flow {steps} {spent:.1f} min loss {total / count:.4f} rate {rate:.1e}", flush=True)
            total, count = 0.0, 0
        if time.time() - last_save > 60:
            last_save = time.time()
            torch.save({"average": slow, "log": log}, work / "dit.new")
            os.replace(work / "dit.new", saved)
    torch.save({"average": slow, "log": log}, saved)


if __name__ == "__main__":
    main()
