"""Writes a file of Rust so that all its mutants are in it, one of them alive at run time ("mutant schemata").

The body of a function with mutants, `{ B }`, becomes

    { match crate::mutants_switch::at(FUNCTION) { 17 => { B with mutation 17 } 18 => { ... } _ => { B } } }

Each variant is a copy of the whole body: mutations of one body never meet. A constant, `const NAME: T = E`, becomes such a function
`fn NAME() -> T`, and each `NAME` a call: in the crate, where it is the only one of that name, or else in its file. What
cannot be written so (a constant that a type or another constant needs, a function whose copies would have different types) is
left as it is, and its mutants are told as `alone`: they need a build each.
"""

import bisect
import dataclasses
import re

SWITCH = "crate::mutants_switch::at"
AS_TABLE = "&'static "
RAW = re.compile(r'(?:b|c)?r(#*)"')


def blanked(text):
    """The text with every comment and the inside of every literal as spaces: as long, and each brace that is left is one."""
    out, at, end = list(text), 0, len(text)

    def blank(start, stop):
        for place in range(start, min(stop, end)):
            if out[place] != "\n":
                out[place] = " "

    while at < end:
        here = text[at]
        stop = None
        if here == "/" and text.startswith("//", at):
            stop = text.find("\n", at)
            stop = end if stop < 0 else stop
        elif here == "/" and text.startswith("/*", at):
            stop, depth = at + 2, 1
            while depth and stop < end:
                pair = text[stop : stop + 2]
                depth += {"/*": 1, "*/": -1}.get(pair, 0)
                stop += 2 if pair in ("/*", "*/") else 1
        elif here in "bcr" and (at == 0 or not (text[at - 1].isalnum() or text[at - 1] == "_")) and (raw := RAW.match(text, at)):
            stop = text.find('"' + raw[1], raw.end())
            stop = end if stop < 0 else stop + 1 + len(raw[1])
        elif here == '"':
            stop = at + 1
            while stop < end and text[stop] != '"':
                stop += 2 if text[stop] == "\\" else 1
            stop += 1
        elif here == "'" and text[at + 1 : at + 2] == "\\":
            stop = text.index("'", at + 3) + 1
        elif here == "'" and text[at + 2 : at + 3] == "'":
            stop = at + 3
        if stop is None:
            at += 1
        else:
            blank(at, stop)
            at = stop
    return "".join(out)


def closing(blank, opening):
    """Where the brace that opens at `opening` is closed."""
    depth = 0
    for place in range(opening, len(blank)):
        depth += {"{": 1, "}": -1}.get(blank[place], 0)
        if depth == 0:
            return place
    raise ValueError("a brace is never closed")


class Places:
    """Lines and columns, both from 1 and in characters, to places in a text."""

    def __init__(self, text):
        self.starts = [0] + [place + 1 for place, it in enumerate(text) if it == "\n"]

    def of(self, it):
        return self.starts[it["line"] - 1] + it["column"] - 1


def is_as_listed(text, mutant):
    """Whether putting the replacement in the place of the span makes the lines that cargo-mutants says it makes."""
    places = Places(text)
    start, end = places.of(mutant["span"]["start"]), places.of(mutant["span"]["end"])
    made = text[:start] + mutant["replacement"] + " /* ~ changed by cargo-mutants ~ */" + text[end:]
    first, last = made.rfind("\n", 0, start) + 1, made.find("\n", start + len(mutant["replacement"]))
    said = [line[1:] for line in mutant["diff"].splitlines()[2:] if line.startswith("+")]
    return all(line in made[first:last].split("\n") for line in said)


@dataclasses.dataclass
class Function:
    """One function with mutants; places are of the file as it was."""

    name: str
    head: int
    body: tuple[int, int]
    mutants: list
    const: bool
    # Of a constant what it is, `T` in `const NAME: T = E`; its head is the place of `const`, its body `E`.
    type: str | None = None
    # Whether only its own file sees it.
    private: bool = False


def constants(text, blank):
    """The constants that only this crate sees, as functions without mutants."""
    for found in re.finditer(r"^[ \t]*(pub\([a-z]+\) )?(const ([A-Z][A-Z0-9_]*): ([^=]*?) =)(?=\s)", blank, re.MULTILINE):
        end, depth = found.end(), 0
        while blank[end] != ";" or depth:
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(blank[end], 0)
            end += 1
        kind = re.sub(r"&(?!')", "&'static ", text[slice(*found.span(4))])
        yield Function(found[3], found.start(2), (found.end(), end), [], True, kind, not found[1])


def functions(text, mutants):
    """The functions that have mutants, outermost ones only, and the mutants that lie in none or cannot share a build."""
    blank, places, found, alone = blanked(text), Places(text), {}, []
    known = list(constants(text, blank))
    for mutant in mutants:
        it = mutant["function"]
        if it is None:
            at = places.of(mutant["span"]["start"])
            holds = next((one for one in known if one.body[0] <= at < one.body[1]), None)
            if holds is None or any(one is not holds and one.name == holds.name for one in known):
                alone.append(mutant)
            else:
                found.setdefault(holds.body, holds).mutants.append(mutant)
            continue
        head, end = places.of(it["span"]["start"]), places.of(it["span"]["end"])
        opening, depth = head, 0
        while blank[opening] != "{" or depth:
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(blank[opening], 0)
            opening += 1
        body = (opening + 1, closing(blank, opening))
        if body[1] != end - 1 or "impl " in (it["return_type"] or "") or re.search(r"\bimpl\b.*\{", blank[slice(*body)]):
            alone.append(mutant)
            continue
        const = bool(re.search(r"\bconst\s+(?:unsafe\s+)?fn\b", blank[head:opening]))
        function = Function(it["function_name"], head, body, [], const)
        found.setdefault(body, function).mutants.append(mutant)
    whole = []
    for body in sorted(found):
        if whole and body[1] <= whole[-1].body[1]:
            whole[-1].mutants += found[body].mutants
        else:
            whole.append(found[body])
    return whole, alone


@dataclasses.dataclass
class Written:
    """A file with all its mutants; ranges are places in its bytes."""

    text: str
    variants: list  # (start, end, mutant's key)
    functions: list  # (start, end, function)

    def within(self, ranges, place):
        """What the range says that holds a place, or nothing."""
        at = bisect.bisect_right([start for start, _, _ in ranges], place) - 1
        return ranges[at][2] if at >= 0 and place < ranges[at][1] else None


def called(text, blank, names):
    """Answers a part of the text, in which each constant of these names is called where it was named."""
    if not names:
        return lambda start, end: text[start:end]
    imports = [found.span() for found in re.finditer(r"\buse\b[^;]*;", blank)]
    named = [found.end() for found in re.finditer(r"\b(?:" + "|".join(sorted(names)) + r")\b", blank)]
    named = [at for at in named if not any(start < at < end for start, end in imports)]

    def part(start, end):
        cuts = [at for at in named if start < at <= end]
        return "()".join(text[a:b] for a, b in zip([start, *cuts], [*cuts, end]))

    return part


def written(text, whole, number, index, must_const=frozenset(), names=frozenset()):
    """The file with the mutants of `whole` in it. `number` is of a mutant's key, `index` of a function's name and place; `names` are
    those of the crate's constants that are functions now."""
    blank, places, out, at = blanked(text), Places(text), [], 0
    size, variants, ranges = 0, [], []
    part = called(text, blank, names)

    def put(piece):
        nonlocal size
        out.append(piece)
        size += len(piece.encode())

    for it in whole:
        start, end = it.body
        head = text[it.head : start]
        if it.const and it.type is None and it.name not in must_const:
            const = re.search(r"\bconst\s+(?=(?:unsafe\s+)?(?:extern\s+)?fn\b)", blank[it.head : start])
            head = head[: const.start()] + head[const.end() :]
        put(part(at, it.head))
        first = size
        opening, ending = "{", "}"
        if it.type is None:
            # Copies that are put into the copies of a caller, and those into its callers', are thousands.
            head = "#[inline(never)] " + re.sub(r"#\[inline(\(\w+\))?\]", "", head)
        else:
            # Of a table each is one and the same for ever, as it was.
            is_table = it.type.startswith("[")
            opening, ending = ("&(", "),") if is_table else (opening, ending)
            head = f"fn {it.name}() -> {AS_TABLE * is_table}{it.type} {{"
        put(f"{head} match {SWITCH}({index[(it.name, start)]}) {{\n")
        for mutant in it.mutants:
            low, high = places.of(mutant["span"]["start"]), places.of(mutant["span"]["end"])
            begun = size
            put(f"{number[mutant['key']]} => {opening}{part(start, low)}{mutant['replacement']}{part(high, end)}{ending}\n")
            variants.append((begun, size, mutant["key"]))
        put(f"_ => {opening}{part(start, end)}{ending}\n}} ")
        if it.type is not None:
            put("}")
            end += 1
        ranges.append((first, size, it))
        at = end
    put(part(at, len(text)))
    return Written("".join(out), variants, ranges)
