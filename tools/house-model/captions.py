"""The words of a prompt: what is said of a recording, in the many ways in which somebody may say it."""

import text

# Other names that people have for a style; the first is the style's own.
STYLE_NAMES = {
    "house": ["house", "house music", "deep house", "dance"],
    "ambient": ["ambient", "ambient music", "soundscape"],
    "hip hop": ["hip hop", "hip-hop", "rap beat", "trip hop"],
    "drum and bass": ["drum and bass", "dnb", "drum & bass", "jungle"],
    "rock": ["rock", "rock music", "guitar rock", "metal"],
    "chiptune": ["chiptune", "chip music", "8-bit game music", "video game"],
    "acoustic": ["acoustic", "band", "instrumental band"],
    "percussion": ["percussion", "drums", "beat", "drum loop"],
    "voice": ["voice", "vocals", "singing", "speech"],
}
# Words without a meaning here: a model that has met such words does not stumble over a player's own.
IDLE = ("music instrumental loop recording studio live version remix nice beautiful city night summer rain ocean space machine people "
        "story mountain river analog vintage modern classic smooth deep funky melodic texture groove tape vinyl stereo mix female male "
        "vocal voice song track sound feeling love fire ice light shadow forest street midnight sunrise winter dust gold silver blue red").split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def caption(about, rng):
    """Some of a recording's tags in any order: nearly always its style, now and then a word that means nothing."""
    style = about["style"]
    said = [rng.choice(STYLE_NAMES[style]) if rng.random() < 0.5 else style] if rng.random() < 0.93 else []
    if not said or rng.random() > 0.2:
        said += [tag for tag in about["tags"][1:] if rng.random() > 0.25]
    if rng.random() < 0.3:
        said += rng.sample(IDLE, rng.randint(1, 3))
    if rng.random() < 0.05:
        said.append("".join(rng.choice(LETTERS) for _ in range(rng.randint(3, 9))))
    rng.shuffle(said)
    return rng.choice([", ".join(said)] * 4 + [" ".join(said), ", ".join(said) + " music", ", ".join(said).capitalize() + "."])


def prompt(about, frames, cover, rng):
    """The whole text for the text encoder; tempo and key are known in most of them."""
    bpm = about["bpm"] if rng.random() > 0.15 else "N/A"
    key = about["key"] if rng.random() > 0.15 else "N/A"
    return text.prompt(text.COVER if cover else text.FILL, caption(about, rng), bpm, about["timesignature"], key, frames / 25)


def lyrics(rng):
    """No words are sung; the template says so in one language or another."""
    return text.lyric_prompt("unknown" if rng.random() < 0.8 else "en")
