"""Tests which libtorch `.ci/libtorch` gets, with made-up drivers and nothing fetched.

A copy of the script runs in an empty folder. Its `nvidia-smi`, `python3` (with pip) and
C compiler are small scripts that come before all others on the PATH.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).parent.parent / "libtorch"
VERSION = "2.11.0"
PROC = "/proc/driver/nvidia/version"
NVRM = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build  (a@b)\nGCC 12\n"

# Instead of fetching, makes the files that the wheel would have.
PYTHON = """#!/bin/sh
case "$*" in
  "-m pip --version") exit 0 ;;
  "-m pip install"*)
    echo "$*" >> "$TEST_FETCHED"
    [ -z "$TEST_OFFLINE" ] || exit 1
    while [ "$1" != --target ]; do shift; done
    mkdir -p "$2/torch/lib" "$2/torch/include" "$2/nvidia/cu13/lib"
    for name in cpu cuda; do touch "$2/torch/lib/libtorch_$name.so"; done
    for name in libc10.so libgomp.so.1; do touch "$2/torch/lib/$name"; done
    for name in libcudart.so.13 libcupti.so.13; do touch "$2/nvidia/cu13/lib/$name"; done
    ;;
  *) cat > /dev/null; [ -z "$TEST_INSTALLED" ] || echo "$TEST_INSTALLED" ;;
esac
"""
COMPILER = """#!/bin/sh
for last; do :; done
cat > /dev/null
touch "$last"
"""


class Libtorch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.proc = self.folder / "driver"
        text = SCRIPT.read_text()
        self.assertIn(PROC, text)
        self.program(".ci/libtorch", text.replace(PROC, str(self.proc)))
        self.program("bin/python3", PYTHON)
        self.program("bin/compiler", COMPILER)
        self.smi("exit 9")  # as where there is no driver
        self.environment = dict(os.environ, CC="compiler", TEST_FETCHED=str(self.folder / "fetched"))
        self.environment["PATH"] = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        for name in ("LIBTORCH", "TEST_OFFLINE", "TEST_INSTALLED"):
            self.environment.pop(name, None)

    def program(self, name, text):
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    def smi(self, does):
        self.program("bin/nvidia-smi", f"#!/bin/sh\n{does}\n")

    def has(self, name, *kinds, version=VERSION):
        """Makes a folder with a libtorch of these kinds."""
        lib = self.folder / name / "lib"
        lib.mkdir(parents=True)
        for kind in kinds:
            (lib / f"libtorch_{kind}.so").touch()
        (self.folder / name / "build-version").write_text(version + "\n")

    def call(self, code=0):
        """Calls the script; what it said."""
        script = self.folder / ".ci/libtorch"
        done = subprocess.run([script], env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def is_there(self):
        return sorted(it.stem[9:] for it in self.folder.glob(".libtorch/lib/libtorch_*.so"))

    def fetched(self):
        """Of each fetch, whether it was of CUDA's whole wheels."""
        file = self.folder / "fetched"
        lines = file.read_text().splitlines() if file.exists() else []
        return ["--no-deps" not in line for line in lines]

    def test_without_a_gpu_what_is_there_is_kept(self):
        for kinds in (["cpu"], ["cpu", "cuda"]):
            with self.subTest(kinds):
                self.setUp()
                self.has(".libtorch", *kinds)
                self.assertEqual(self.call(), "")
                self.assertEqual((self.is_there(), self.fetched()), (kinds, []))

    def test_without_a_gpu_a_small_one_is_fetched_once(self):
        self.assertIn("for CPU", self.call())
        self.assertEqual((self.is_there(), self.fetched()), (["cpu"], [False]))
        self.assertEqual(self.call(), "")
        self.assertEqual(self.fetched(), [False])

    def test_one_of_another_version_is_fetched_again(self):
        self.has(".libtorch", "cpu", version="2.10.0")
        self.call()
        self.assertEqual(self.fetched(), [False])

    def test_a_gpu_replaces_one_for_the_cpu_once(self):
        self.smi("echo 580.65.06")
        self.has(".libtorch", "cpu")
        said = self.call()
        self.assertIn("driver 580.65.06 (580 or newer is needed)", said)
        self.assertIn("for the CPU only", said)
        self.assertEqual((self.is_there(), self.fetched()), (["cpu", "cuda"], [True]))
        self.assertEqual(self.call(), "")
        self.assertEqual(self.fetched(), [True])

    def test_with_a_gpu_and_nothing_there_cuda_is_fetched(self):
        self.smi("echo 610.10; echo 610.10")
        self.assertIn("missing", self.call())
        self.assertEqual((self.is_there(), self.fetched()), (["cpu", "cuda"], [True]))

    def test_a_driver_that_is_too_old_fetches_no_cuda_and_is_named(self):
        self.smi("echo 570.124.06")
        wanted = "found NVIDIA driver 570.124.06, but CUDA 13.0 needs 580 or newer"
        self.assertIn(wanted, self.call())
        self.assertEqual((self.is_there(), self.fetched()), (["cpu"], [False]))
        self.assertIn(wanted, self.call())
        self.assertEqual(self.fetched(), [False])

    def test_the_kernel_is_asked_where_nvidia_smi_fails(self):
        self.has(".libtorch", "cpu")
        self.proc.write_text(NVRM.format("570.86.15"))
        self.assertIn("driver 570.86.15, but", self.call())
        self.proc.write_text(NVRM.format("580.65.06"))
        self.assertIn("driver 580.65.06 (", self.call())
        self.assertEqual(self.fetched(), [True])

    def test_what_nvidia_smi_says_besides_a_version_is_no_driver(self):
        self.has(".libtorch", "cpu")
        for text in ("No devices were found", "NVIDIA-SMI has failed, version 580.65.06", "[N/A]"):
            self.smi(f"echo '{text}'")
            self.assertEqual(self.call(), "", text)
        self.assertEqual(self.fetched(), [])

    def test_a_fetch_that_fails_keeps_what_is_there_and_says_how_to_go_on(self):
        self.smi("echo 580.65.06")
        self.has(".libtorch", "cpu")
        self.environment["TEST_OFFLINE"] = "1"
        keeping = str(self.folder.resolve() / ".libtorch")
        self.assertIn(f"LIBTORCH={keeping} keeps what is there", self.call(code=1))
        self.assertEqual(self.is_there(), ["cpu"])
        self.environment["LIBTORCH"] = keeping
        self.assertEqual(self.call(), "")
        self.assertEqual(self.is_there(), ["cpu"])

    def test_a_first_fetch_that_fails_has_nothing_to_keep(self):
        self.environment["TEST_OFFLINE"] = "1"
        said = self.call(code=1)
        self.assertIn("set LIBTORCH", said)
        self.assertNotIn("keeps", said)

    def test_an_installed_torch_is_used_if_it_fits_the_gpu(self):
        for kinds, driver, wanted in [
            (["cpu"], "exit 9", []),
            (["cpu"], "echo 580.65.06", [True]),
            (["cpu", "cuda"], "echo 580.65.06", []),
            (["cpu", "cuda"], "echo 570.86.15", []),
        ]:
            with self.subTest(kinds=kinds, driver=driver):
                self.setUp()
                self.smi(driver)
                self.has("installed", *kinds)
                self.environment["TEST_INSTALLED"] = str(self.folder / "installed")
                self.call()
                self.assertEqual(self.fetched(), wanted)
                self.assertEqual(self.is_there(), ["cpu", "cuda"] if wanted else kinds)


if __name__ == "__main__":
    unittest.main()
