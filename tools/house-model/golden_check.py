"""Holds these modules against reference vectors: python golden_check.py FOLDER

FOLDER has manifest.json, weights/, dit/, encoder/, tokenizer/, text/ and vae/.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file

from codec import Codec, from_published
from dit import Model
from text import TextEncoder


@torch.no_grad()
def main():
    root = pathlib.Path(sys.argv[1])
    models = json.loads((root / "manifest.json").read_text())["models"]
    worst = 0.0

    def weights(name):
        return load_file(root / "weights" / f"{name}.safetensors")

    def case(name):
        return load_file(root / f"{name}.safetensors")

    def near(label, made, wanted):
        nonlocal worst
        error = (made.float() - wanted.float()).abs().max().item()
        worst = max(worst, error)
        print(f"{label:40} {error:.2e}")

    codec = Codec(models["vae_hop1920"]["config"])
    codec.load_state_dict(from_published(weights("vae_hop1920")))
    v = case("vae/vae_hop1920_dec_b2_t6")
    near("vae decode", codec.decode(v["latents"]), v["audio"])
    v = case("vae/vae_hop1920_windowed_t40")
    near("vae decode, 40 frames", codec.decode(v["latents_btd"].transpose(1, 2)), v["full_audio"])
    v = case("vae/vae_hop1920_enc_b1_f12")
    near("vae encode", codec.encoder(v["audio"]), v["moments"])

    text = TextEncoder(models["tiny_qwen3"]["config"])
    text.load_state_dict(weights("tiny_qwen3"))
    for name in ("b1_l1", "b1_l17", "b3_l40"):
        v = case(f"text/qwen3_{name}")
        near(f"text {name}", text(v["input_ids"]), v["last_hidden_state"])

    model = Model(models["tiny"]["config"])
    model.load_state_dict(weights("tiny"))
    for path in sorted((root / "dit").glob("tiny_b*.safetensors")):
        v = load_file(path)
        made = model.decoder(v["xt"], v["context_latents"], v["encoder_hidden_states"], v["timestep"], v["timestep_r"])
        near(f"dit {path.stem}", made, v["velocity"])
    for name in ("tiny_b1_nopad", "tiny_b1_long_lyric"):
        v = case(f"encoder/{name}")
        made, valid = model.encoder(v["text_hidden_states"], v["text_attention_mask"], v["lyric_hidden_states"],
                                    v["lyric_attention_mask"], v["refer_latents"])
        near(f"encoder {name}", made, v["encoder_hidden_states"])
        near(f"encoder {name} mask", valid, v["encoder_attention_mask"])
    v = case("tokenizer/tiny_hints_b1_t40")
    near("tokenizer indices", model.tokenizer(v["latents"])[1], v["indices"][..., 0])
    near("tokenizer hints", model.hints(v["latents"]), v["hints"])
    v = case("tokenizer/tiny_tokenize_b2_t33")
    padded = torch.cat([v["latents"], v["silence_latent"][:, :2].expand(2, -1, -1)], 1)
    near("tokenizer padded, hints", model.hints(padded), v["detokenized"])
    print("worst", worst)
    assert worst < 2e-4


if __name__ == "__main__":
    main()
