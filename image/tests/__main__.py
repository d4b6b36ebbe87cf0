"""Runs every test of the image and says at the end how many passed, failed and were skipped, the last with their reasons and commands."""

import shutil
import subprocess
import sys
import unittest

from builder.lock import HERE

SCRIPTS = ["initrd/init", "make", "twice", "lint", "test", "cuts", "make-keys", "root/usr/lib/demon/data", "root/usr/lib/demon/gate",
           "root/usr/lib/demon/stick", "root/usr/lib/demon/reset", "root/usr/lib/demon/behind", "root/usr/lib/demon/whole",
           "root/usr/lib/demon/clock", "root/usr/lib/demon/not-kept", "root/usr/lib/demon/extensions", "nvidia/make", "nvidia/start"]


class ShellCheck(unittest.TestCase):
    def test_shellcheck_finds_nothing(self):
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is not here: apt-get install shellcheck")
        done = subprocess.run(["shellcheck", "--severity=warning", *(HERE / it for it in SCRIPTS)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


def main():
    suite = unittest.TestSuite([
        unittest.defaultTestLoader.loadTestsFromTestCase(ShellCheck),
        unittest.defaultTestLoader.discover(str(HERE / "tests"), top_level_dir=str(HERE)),
    ])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    for test, reason in result.skipped:
        print(f"skipped: {test.id().rsplit('.', 1)[-1]}: {reason}")
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
