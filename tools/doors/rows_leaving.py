"""Leaving at random moments, and what the audio thread takes of a core where the sound device has no pace."""

import os
import random
import signal

from door import Demon, at_share

MOMENTS = int(os.environ.get("DEMON_MOMENTS", "200"))


def row_no_pace_does_not_take_a_core(demon):
    """A sound device that takes whatever is given leaves the audio thread below a fifth of a core."""
    with Demon(demon, "--device", "nopace") as run:
        run.until(b"sound to")

        def audio_ticks():
            for task in os.listdir(f"/proc/{run.process.pid}/task"):
                with open(f"/proc/{run.process.pid}/task/{task}/stat") as stat:
                    name, rest = stat.read().rsplit(")", 1)
                if name.endswith("(audio"):
                    fields = rest.split()
                    return int(fields[11]) + int(fields[12])
            raise AssertionError("there is no audio thread")

        before = audio_ticks()
        run.read_for(3.0)
        share = (audio_ticks() - before) / os.sysconf("SC_CLK_TCK") / 3.0
        run.process.send_signal(signal.SIGTERM)
        run.gone()
        assert share < 0.2, f"the audio thread takes {100 * share:.0f} % of a core"
        return f"{100 * share:.1f} % of a core"


def row_slow_time_to_leave(demon):
    """200 random moments of start and play (DEMON_MOMENTS): p99 from the signal to the process's end is under a second."""
    times, dice = [], random.Random(13)
    for moment in range(MOMENTS):
        with Demon(demon) as run:
            run.until(b"reading the recording")
            # Loading takes about a second; the rest is play.
            run.read_for(dice.uniform(0.0, 3.0))
            run.process.send_signal(dice.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)))
            took, code = run.gone()
            assert code == 0, f"moment {moment}: exit code {code}"
            times.append(took)
    p99 = at_share(times, 0.99)
    figures = f"{MOMENTS} moments: p50 {at_share(times, 0.5):.3f} s, p99 {p99:.3f} s, max {max(times):.3f} s"
    assert p99 < 1.0, f"p99 is to be under a second; {figures}"
    return figures
