"""A framebuffer, photographed from outside: every dot of the screen is what the program drew."""

from pathlib import Path

from machine import Wrong

# As in hal/examples/screen_probe.rs.
LIGHT, DARK = bytes((255, 176, 0)), bytes((16, 8, 0))
WIDTH, HEIGHT = 128, 64


def lit(x: int, y: int, number: int) -> bool:
    return (x * 5 + y * 3 + x * y + number) % 7 < 3


def expected(number: int, width: int, height: int) -> bytes:
    """The picture as large as whole dots allow, in the middle."""
    scale = min(width // WIDTH, height // HEIGHT)
    left, top = (width - WIDTH * scale) // 2, (height - HEIGHT * scale) // 2
    border = DARK * width
    lines = [border] * top
    for y in range(HEIGHT):
        dots = b"".join((LIGHT if lit(x, y, number) else DARK) * scale for x in range(WIDTH))
        lines += [DARK * left + dots + DARK * (width - left - WIDTH * scale)] * scale
    return b"".join(lines + [border] * (height - len(lines)))


def play(machine, check):
    with check("the screen shows the first frame, dot by dot") as saw:
        probe = machine.start("screen", "screen_probe /dev/fb0")
        probe.until("^ready$")
        saw.append(shows(machine, probe, 0))

    with check("frames after it leave nothing of the last one") as saw:
        saw += [shows(machine, probe, number) for number in (3, 5)]


def shows(machine, probe, number: int) -> str:
    probe.tell(str(number))
    probe.until(f"^shown {number}$")
    photograph = Path(machine.log).with_name("screen.ppm")

    def differing() -> tuple[int, int, int]:
        width, height, pixels = machine.photograph(photograph)
        if len(pixels) != width * height * 3 or width < WIDTH or height < HEIGHT:
            raise Wrong(f"the photograph is {width} by {height} with {len(pixels)} bytes")
        wanted = expected(number, width, height)
        return width, height, sum(pixels[at : at + 3] != wanted[at : at + 3] for at in range(0, len(pixels), 3))

    seen = []

    def right() -> bool:
        # The kernel carries what was drawn to the screen a few times a second.
        seen[:] = differing()
        return seen[2] == 0

    try:
        machine.until("the picture", right, 30)
    except Wrong:
        raise Wrong(f"picture {number}: {seen[2]} of {seen[0] * seen[1]} dots are wrong, see {photograph.name}") from None
    return f"picture {number}: all {seen[0]} by {seen[1]} dots"
