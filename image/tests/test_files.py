"""What is laid over the packages: scripts compile, units are understood, mounts have their places, what starts exists."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from builder import modules
from builder.lock import HERE

REPO = HERE.parent
SYSTEM = Path("usr/lib/systemd/system")
UNPACKED = REPO / "target/image/unpacked/image"


def scripts():
    """Every shell script of the image and of its build."""
    found = [it for it in HERE.rglob("*") if it.is_file() and it.suffix not in (".py", ".pyc", ".md")]
    return [it for it in found if it.read_bytes().startswith(b"#!/bin/sh")]


class Scripts(unittest.TestCase):
    def test_every_script_compiles(self):
        found = scripts()
        self.assertIn(HERE / "initrd/init", found)
        for path in found:
            done = subprocess.run(["sh", "-n", path], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)
            self.assertTrue(path.stat().st_mode & 0o100, f"{path} is not to be run (chmod +x)")
        for path in HERE.rglob("*.py"):
            text = path.read_text()
            compile(text, str(path), "exec")
            self.assertTrue(text == "" or text.startswith('"""'), f"{path} does not begin with what it is")


class Gate(unittest.TestCase):
    def asked(self, player, engine):
        """What the gate answers when these units are so, asked for two seconds."""
        with tempfile.TemporaryDirectory() as folder:
            fake = Path(folder) / "systemctl"
            states = f"demon-player.service) echo {player};; demon-engine.service) echo {engine};;"
            fake.write_text(f'#!/bin/sh\nfor it; do :; done\nsaid=$(case $it in {states} esac)\necho "$said"\n[ "$said" = active ]\n')
            fake.chmod(0o755)
            done = subprocess.run([HERE / "root/usr/lib/demon/gate", "2"], capture_output=True, text=True, env={"PATH": f"{folder}:/usr/bin:/bin"})
            return done.returncode, done.stdout.splitlines()[-1]

    def test_a_version_is_fit_when_player_and_engine_are_ready_and_unfit_when_one_never_is(self):
        self.assertEqual(self.asked("active", "active"), (0, "fit: the player plays, the engine has sent a window"))
        self.assertEqual(self.asked("active", "activating"), (1, "<3>unfit: player active, engine activating"))
        self.assertEqual(self.asked("failed", "active"), (1, "<3>unfit: player failed, engine active"))


    def test_nothing_that_judges_or_helps_waits_for_what_may_never_come(self):
        """With Restart=always a unit that fails keeps its start job: whatever is ordered after it is never started."""
        for name in ("demon-gate.service", "demon-console.service"):
            text = (HERE / "root" / SYSTEM / name).read_text()
            orders = " ".join(re.findall(r"^(?:After|Requires|BindsTo)=(.*)$", text, re.M))
            for never in ("demon-player", "demon-engine", "sysinit.target", "basic.target", "multi-user.target"):
                self.assertNotIn(never, orders, name)
        self.assertIn("DefaultDependencies=no\n", (HERE / "root" / SYSTEM / "demon-gate.service").read_text())


class WithoutData(unittest.TestCase):
    """What plays starts where `data` is gone: nothing of it may require what is mounted from there."""

    def told(self, unit, key):
        """What a key of a unit comes to, our drop-ins included: an empty line takes back what was said before."""
        ours = HERE / "root" / SYSTEM
        files = [it for it in (REPO / "systemd/system" / unit, ours / unit) if it.is_file()] + sorted((ours / f"{unit}.d").glob("*.conf"))
        self.assertTrue(files, unit)
        values = []
        for line in re.findall(rf"^{key}=(.*)$", "\n".join(it.read_text() for it in files), re.M):
            values = values + line.split() if line.strip() else []
        return values

    def test_nothing_that_plays_requires_a_mount_of_data(self):
        mounts = {line.split()[1] for line in (HERE / "root/etc/fstab").read_text().splitlines() if line.startswith("/data/")}
        self.assertIn("/var/lib/demon", mounts)
        homes = {"StateDirectory": "/var/lib", "CacheDirectory": "/var/cache", "LogsDirectory": "/var/log", "ConfigurationDirectory": "/etc"}
        for unit in ("demon-player.service", "demon-engine.service", "demon-gate.service"):
            for key, home in homes.items():
                for name in self.told(unit, key):
                    self.assertNotIn(f"{home}/{name}", mounts, f"{unit}: {key} requires what is mounted there")
            for key in ("Requires", "BindsTo", "RequiresMountsFor"):
                for what in self.told(unit, key):
                    self.assertFalse(what.endswith(".mount") or what in mounts, f"{unit}: {key}={what}")
        for place in ("/var/lib/demon", "/var/cache/demon"):
            self.assertIn(place, self.told("demon-engine.service", "ReadWritePaths"))
            self.assertRegex((HERE / "root/usr/lib/tmpfiles.d/demon-image.conf").read_text(), rf"(?m)^d {place} 0755 demon demon -$")


class Sticks(unittest.TestCase):
    def test_nothing_on_a_stick_can_be_run_and_it_is_mounted_for_reading(self):
        text = (HERE / "root/usr/lib/demon/stick").read_text()
        self.assertIn("options=nosuid,noexec,nodev,noatime\n", text)
        self.assertNotIn("options=uid", text)
        mounts = re.findall(r"mount -[to] .*", text)
        self.assertEqual(len(mounts), 3, mounts)
        self.assertTrue(all("$options" in it for it in mounts), mounts)
        self.assertTrue(mounts[0].startswith('mount -t "$kind" -o "ro,'), mounts[0])

    def test_what_mounts_does_so_where_all_see_it(self):
        """systemd gives even a command with `+` the mounts of its own unit; only one that leaves them mounts for others."""
        narrows = re.compile(r"^(Protect|Private|ReadOnly|ReadWrite|Inaccessible|Bind|Temporary|RootImage|ExecPaths|NoExec|Dynamic)", re.M)
        found = 0
        for path in sorted((HERE / "root").joinpath(SYSTEM).rglob("*")):
            if path.is_dir() or not narrows.search(path.read_text()):
                continue
            for line in re.findall(r"^Exec\w+=.*", path.read_text(), re.M):
                script = HERE / "root" / next((it for it in re.findall(r"/(usr/lib/demon/\S+)", line)), "usr/none")
                if script.is_file() and re.search(r"\bu?mount\b", script.read_text()):
                    found += 1
                    self.assertIn("=+/bin/busybox nsenter -t 1 -m /", line, path)
        self.assertEqual(found, 4)

    def test_a_disk_of_a_box_is_no_stick(self):
        rules = (HERE / "root/usr/lib/udev/rules.d/72-demon-stick.rules").read_text()
        self.assertIn('ENV{ID_BUS}!="usb", GOTO="demon_stick_end"', rules)
        self.assertIn('ENV{ID_PART_ENTRY_NAME}=="demon-*", GOTO="demon_stick_end"', rules)
        self.assertLess(rules.index("demon-*"), rules.index("SYSTEMD_WANTS"))


class Behind(unittest.TestCase):
    """A version that is damaged goes behind the other, and never where there is no other."""

    def put(self, names, version="demon_1.1.0"):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            fake = place / "busybox"
            fake.write_text('#!/bin/sh\nexec "$@"\n')
            fake.chmod(0o755)
            (place / "linux").mkdir()
            for name in names:
                (place / "linux" / name).write_text(name)
            done = subprocess.run([HERE / "root/usr/lib/demon/behind", place / "linux", version], capture_output=True, text=True,
                                  env={"PATH": f"{folder}:/usr/bin:/bin"})
            return done.returncode, done.stdout.strip(), sorted(it.name for it in (place / "linux").iterdir())

    def test_it_goes_behind_one_that_was_fit_or_is_on_trial(self):
        self.assertEqual(self.put(["demon_1.0.0.efi", "demon_1.1.0.efi"]), (0, "demon_1.0.0", ["demon_1.0.0.efi", "demon_1.1.0+0-1.efi"]))
        self.assertEqual(self.put(["demon_1.0.0+2-1.efi", "demon_1.1.0.efi"]), (0, "demon_1.0.0", ["demon_1.0.0+2-1.efi", "demon_1.1.0+0-1.efi"]))
        self.assertEqual(self.put(["demon_1.0.0.efi", "demon_1.1.0+2-1.efi"]), (0, "demon_1.0.0", ["demon_1.0.0.efi", "demon_1.1.0+0-1.efi"]))

    def test_alone_or_beside_what_did_not_play_it_stays(self):
        for names in (["demon_1.1.0.efi"], ["demon_1.0.0+0-3.efi", "demon_1.1.0.efi"], ["demon_1.0.0+0.efi", "demon_1.1.0.efi"], ["demon_1.0.0.efi"],
                      ["demon_1.0.0.efi", "demon_1.1.0+0-3.efi"], ["demon_1.0.0.efi", "demon_1.1.0-rc1.efi"]):
            self.assertEqual(self.put(names), (1, "", names))


class Fakes(unittest.TestCase):
    """Scripts with programs that say what they were asked and answer as they are told."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)
        self.fake("busybox", 'exec "$@"')

    def fake(self, name, text):
        path = self.place / name
        path.write_text(f"#!/bin/sh\necho \"{name} $*\" >>{self.place}/asked\n{text}\n")
        path.chmod(0o755)

    def run_script(self, name, *words):
        (self.place / "asked").write_text("")
        done = subprocess.run([HERE / "root/usr/lib/demon" / name, *words], capture_output=True, text=True, env={"PATH": f"{self.place}:/usr/bin:/bin"})
        return done.returncode, done.stdout, (self.place / "asked").read_text()


class Whole(Fakes):
    def whole(self, reads, plays, names):
        self.fake("sed", "echo 1.1.0")
        self.fake("dd", f"exit {0 if reads else 1}")
        self.fake("systemctl", f'[ "$2" = is-active ] && exit {0 if plays else 3}\nexit 0')
        linux = self.place / "linux"
        linux.mkdir(exist_ok=True)
        for it in linux.iterdir():
            it.unlink()
        for name in names:
            (linux / name).write_text("")
        (self.place / "whole").unlink(missing_ok=True)
        code, _, asked = self.run_script("whole", "/dev/none", linux, self.place)
        told = (self.place / "whole").read_text().splitlines() if (self.place / "whole").is_file() else None
        return code, told, sorted(it.name for it in linux.iterdir()), "reboot" in asked

    def test_a_root_that_reads_is_left_alone(self):
        self.assertEqual(self.whole(True, True, ["demon_1.0.0.efi", "demon_1.1.0.efi"]), (0, None, ["demon_1.0.0.efi", "demon_1.1.0.efi"], False))

    def test_one_that_does_not_goes_behind_is_told_and_plays_on(self):
        words = ["warning", "this version is damaged on its disk: the next start takes demon_1.0.0"]
        self.assertEqual(self.whole(False, True, ["demon_1.0.0.efi", "demon_1.1.0.efi"]), (1, words, ["demon_1.0.0.efi", "demon_1.1.0+0-1.efi"], False))

    def test_where_nothing_plays_the_other_is_started_at_once_and_without_one_it_stays(self):
        self.assertEqual(self.whole(False, False, ["demon_1.0.0.efi", "demon_1.1.0.efi"])[3], True)
        words = ["warning", "this version is damaged on its disk, and there is no other: flash it"]
        self.assertEqual(self.whole(False, False, ["demon_1.1.0.efi"]), (1, words, ["demon_1.1.0.efi"], False))


class Extensions(Fakes):
    def opened(self, names, table="small 1.2 4096 3 16384 aa bb", start="exit 0", mounts=True):
        (self.place / "extensions").mkdir(exist_ok=True)
        for name in names:
            (self.place / "extensions" / name).write_text("")
        self.fake("uname", "echo 6.12")
        self.fake("demon", f"echo '{table}'; [ '{table}' != '' ]" if not table.startswith("!") else f"echo '{table[1:]}'; exit 1")
        for name in ("modprobe", "losetup", "dmsetup"):
            self.fake(name, "[ $# != 1 ] || echo /dev/loop7; cat >/dev/null" if name == "dmsetup" else "[ $# != 1 ] || echo /dev/loop7")
        at = self.place / "at"
        self.fake("mount", f"mkdir -p {at}/small; printf '#!/bin/sh\\n{start}\\n' >{at}/small/start; chmod +x {at}/small/start" if mounts else "exit 1")
        (self.place / "extension").unlink(missing_ok=True)
        _, said, asked = self.run_script("extensions", self.place / "extensions", at, self.place)
        told = (self.place / "extension").read_text().splitlines()[1] if (self.place / "extension").is_file() else None
        return said, told, asked

    def test_one_for_this_kernel_is_opened_read_only_and_started_and_others_are_left(self):
        said, told, asked = self.opened(["small_6.12.extension", "small_6.1.extension"])
        self.assertIsNone(told)
        self.assertIn("small 1.2 is in use", said)
        self.assertIn("small_6.1.extension is for another kernel", said)
        self.assertIn("mount -t erofs -o ro,nodev,nosuid /dev/mapper/extension-small", asked)
        self.assertIn("losetup -r -o 4096 /dev/loop7", asked)
        self.assertIn("losetup -r -o 16384 /dev/loop7", asked)
        self.assertEqual(asked.count("demon extension --table"), 1)

    def test_what_is_refused_or_does_not_start_is_told_in_a_line(self):
        _, told, asked = self.opened(["small_6.12.extension"], table="!demon: small: not signed")
        self.assertEqual(told, "extension: small: not signed")
        self.assertNotIn("losetup", asked)
        self.assertEqual(self.opened(["small_6.12.extension"], mounts=False)[1], "extension: small: it cannot be mounted")
        _, told, _ = self.opened(["small_6.12.extension"], start="echo one; echo there is no card; exit 1")
        self.assertEqual(told, "extension: small: there is no card")


class Clock(unittest.TestCase):
    """What networkd and timesyncd are told, of what the box's file asks for."""

    def asked(self, said):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            for name, text in (("demon", f"[ -n '{said}' ] || exit 1\nprintf '{said}'"), ("systemctl", f'echo "$@" >{place}/started'), ("busybox", 'exec "$@"')):
                (place / name).write_text(f"#!/bin/sh\n{text}\n")
                (place / name).chmod(0o755)
            subprocess.run([HERE / "root/usr/lib/demon/clock", place], check=True, capture_output=True, env={"PATH": f"{folder}:/usr/bin:/bin"})
            files = [place / "systemd/network/50-clock.network", place / "systemd/timesyncd.conf.d/demon.conf", place / "started"]
            return [it.read_text() if it.is_file() else None for it in files]

    def test_without_a_wish_there_is_no_network(self):
        self.assertEqual(self.asked(""), [None, None, None])

    def test_addresses_and_dhcp_become_settings_and_both_services_start(self):
        network, time, started = self.asked("dhcp\\n192.168.1.1\\n10.0.0.2\\n")
        self.assertIn("UseNTP=yes\n", network)
        self.assertIn("IPv6AcceptRA=no\n", network)
        self.assertIn("LinkLocalAddressing=no\n", network)
        self.assertEqual(time, "[Time]\nNTP=192.168.1.1 10.0.0.2\nFallbackNTP=\n")
        self.assertEqual(started, "--no-block start systemd-networkd.service systemd-timesyncd.service\n")
        network, time, _ = self.asked("fe80::1\\n")
        self.assertIn("UseNTP=no\n", network)
        self.assertIn("LinkLocalAddressing=ipv6\n", network)
        self.assertEqual(time, "[Time]\nNTP=fe80::1\nFallbackNTP=\n")


class Reset(unittest.TestCase):
    STAYS = ["demon/library/recordings/night.wav", "demon/takes/take-0001.flac"]

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.data = Path(self.folder.name) / "data"
        for name in ("demon/library/recordings/night.wav", "demon/takes/take-0001.flac", "demon/library/patches/a.toml", "demon/last-state.toml", "config/demon.toml", "journal/1"):
            (self.data / name).parent.mkdir(parents=True, exist_ok=True)
            (self.data / name).write_text(name)

    def reset(self, dies_at=None):
        """Runs it with a busybox that does what it is asked and, at one of its calls, is gone with everything behind it."""
        fake = Path(self.folder.name) / "busybox"
        count = Path(self.folder.name) / "count"
        count.write_text("")
        fake.write_text(f'#!/bin/sh\nprintf x >>{count}\n[ "$(wc -c <{count})" -ge {dies_at or 99} ] && kill -9 $PPID\n'
                        f'[ "$1" = chown ] || exec "$@"\n')
        fake.chmod(0o755)
        env = {"PATH": f"{self.folder.name}:/usr/bin:/bin"}
        subprocess.run([HERE / "root/usr/lib/demon/reset", self.data], capture_output=True, env=env)
        return sorted(str(it.relative_to(self.data)) for it in self.data.rglob("*") if it.is_file()), len(count.read_text())

    def test_nothing_goes_without_a_wish(self):
        self.assertEqual(len(self.reset()[0]), 6)

    def test_all_but_recordings_goes_and_with_a_word_those_too(self):
        (self.data / "reset-wanted").write_text("\n")
        self.assertEqual(self.reset()[0], self.STAYS)
        (self.data / "reset-wanted").write_text("everything\n")
        self.assertEqual(self.reset()[0], [])

    def test_recordings_are_there_after_a_loss_of_power_at_any_step_and_the_next_start_ends_it(self):
        (self.data / "reset-wanted").write_text("\n")
        _, calls = self.reset()
        self.assertGreater(calls, 6)
        for dies_at in range(1, calls + 1):
            self.setUp()
            (self.data / "reset-wanted").write_text("\n")
            names, _ = self.reset(dies_at)
            for stays in ("recordings/night.wav", "takes/take-0001.flac"):
                self.assertTrue(any(it.endswith(stays) for it in names), (dies_at, names))
            self.assertEqual(self.reset()[0], self.STAYS, dies_at)


class Journal(unittest.TestCase):
    def test_what_was_kept_under_another_number_goes_on_under_this_one_and_there_is_one_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            busybox = place / "bin/busybox"
            busybox.parent.mkdir()
            busybox.write_text('#!/bin/sh\nexec "$@"\n')
            busybox.chmod(0o755)
            journal = place / "journal"
            journal.mkdir()

            def start(number):
                env = {"PATH": f"{busybox.parent}:/usr/bin:/bin"}
                subprocess.run([HERE / "root/usr/lib/demon/journal", journal, number], check=True, env=env)
                return sorted(str(it.relative_to(journal)) for it in journal.rglob("*") if it.is_file())

            self.assertEqual(start("a1"), [])
            (journal / "a1").mkdir()
            (journal / "a1/system.journal").write_text("first")
            self.assertEqual(start("a1"), ["a1/system.journal"])
            self.assertEqual(start("b2"), ["b2/system.journal"])
            (journal / "c3").mkdir()
            (journal / "c3/system.journal").write_text("another's")
            self.assertEqual(start("b2"), ["b2/system.journal"])
            self.assertEqual((journal / "b2/system.journal").read_text(), "first")


class Units(unittest.TestCase):
    def copied(self, root):
        """Ours over those of this machine's systemd, or of the unpacked packages where there are some."""
        theirs = (UNPACKED if UNPACKED.is_dir() else Path("/")) / SYSTEM
        shutil.copytree(theirs, root / SYSTEM, symlinks=True)
        for folder in (REPO / "systemd/system", HERE / "root" / SYSTEM):
            shutil.copytree(folder, root / SYSTEM, dirs_exist_ok=True)
        # What the mounts of /etc/fstab become at the start.
        for name, place in (("data", "/data"), ("etc-demon", "/etc/demon"), ("var-lib-demon", "/var/lib/demon"), ("var-cache-demon", "/var/cache/demon")):
            (root / SYSTEM / f"{name}.mount").write_text(f"[Mount]\nWhat=/dev/null\nWhere={place}\n")
        for name in ("usr/bin/demon", "usr/lib/demon/data", "usr/lib/demon/gate", "usr/lib/demon/stick", "usr/lib/demon/reset",
                     "usr/lib/demon/whole", "usr/lib/demon/clock", "usr/lib/demon/not-kept", "usr/lib/demon/extensions", "bin/busybox", "usr/bin/systemctl", "usr/bin/systemd-inhibit"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("#!/bin/sh\n")
            (root / name).chmod(0o755)

    def test_systemd_understands_our_units(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not here")
        version = int(re.search(r"\d+", subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True).stdout)[0])
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            self.copied(root)
            if version < 257:
                # A word that came with the image's own systemd.
                for path in [*root.glob(f"{SYSTEM}/*.d/10-image.conf"), root / SYSTEM / "demon-stick@.service"]:
                    path.write_text(path.read_text().replace("PrivateTmp=disconnected", "PrivateTmp=yes"))
            ours = sorted(it.name for it in (HERE / "root" / SYSTEM).iterdir() if it.is_file())
            ours = [it.replace("@.", "@sda1.") for it in ours]
            ours += ["demon-player.service", "demon-engine.service"]
            done = subprocess.run(["systemd-analyze", f"--root={root}", "--man=no", "verify", *ours], capture_output=True, text=True)
            own = [line for line in (done.stdout + done.stderr).splitlines() if "demon" in line]
            self.assertEqual(own, [])

    def test_what_starts_exists_and_what_never_can_is_not_started(self):
        lines = modules.words(HERE / "enabled")
        never = {it[1:].strip() for it in lines if it.startswith("-")}
        starts = [it.split() for it in lines if not it.startswith("-")]
        self.assertTrue(all(len(it) in (2, 3) for it in starts), starts)
        self.assertEqual({it[0] for it in starts} & never, set())
        # Wanted alone, a gate that says no would be passed.
        self.assertIn(["demon-gate.service", "boot-complete.target", "requires"], starts)
        places = [REPO / "systemd/system", HERE / "root" / SYSTEM]
        for unit, *_ in starts:
            ours = any((it / unit).is_file() for it in places)
            self.assertTrue(ours or not unit.startswith("demon-"), f"image/enabled: {unit} is no unit of ours")
            if not ours and UNPACKED.is_dir():
                self.assertTrue((UNPACKED / SYSTEM / unit).is_file(), f"image/enabled: {unit} is in no package")

    def test_every_mount_has_six_words_and_none_stops_the_start(self):
        lines = [it.split() for it in (HERE / "root/etc/fstab").read_text().splitlines() if it and not it.startswith("#")]
        for words in lines:
            self.assertEqual(len(words), 6, words)
            self.assertTrue(words[2] == "tmpfs" or "nofail" in words[3].split(","), words)
        self.assertLessEqual({"/data", "/var/lib/demon", "/etc/demon", "/var"}, {it[1] for it in lines})
