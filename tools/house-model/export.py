"""Writes the checkpoint in the published layout: python export.py WORK MODEL_FOLDER"""

import json
import pathlib
import shutil
import sys

import soundfile
import torch
from safetensors.torch import save_file

import codec
import dit
import generator
import text
from train_dit import Whole


def halves(state):
    return {k: v.detach().to(torch.float16).contiguous() for k, v in state.items()}


def write(folder, name, config, weights):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    save_file(halves(weights), folder / name, metadata={"format": "pt"})


def main():
    work, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    whole = Whole()
    whole.load_state_dict(torch.load(work / "dit.pt", weights_only=False)["average"])
    write(out, "model.safetensors", dit.CONFIG, whole.model.state_dict())
    tokenizer = text.Tokenizer.from_file(str(work / "tokenizer.json"))
    assert tokenizer.get_vocab_size() <= text.CONFIG["vocab_size"]
    write(out / "text_encoder", "model.safetensors", text.CONFIG, whole.text.state_dict())
    shutil.copy(work / "tokenizer.json", out / "text_encoder" / "tokenizer.json")
    state = torch.load(work / "codec.pt", weights_only=False)
    assert state.get("folded"), "run prepare_latents.py first"
    write(out / "vae", "diffusion_pytorch_model.safetensors", codec.CONFIG, codec.to_published(state["average"]))
    torch.save(torch.load(work / "latents.pt")["silence"].float(), out / "silence_latent.pt")
    sound, _ = generator.demo()
    soundfile.write(out / "demo.flac", sound, generator.RATE, subtype="PCM_16")
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        print(f"{path.stat().st_size:10}  {path.relative_to(out)}")


if __name__ == "__main__":
    main()
