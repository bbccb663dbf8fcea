"""Tests the counter of kernel launches (launches.c) with a made-up CUDA runtime."""

import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).with_name("launches.c")
COMPILER = os.environ.get("CC", "cc")

# Each function returns a number made of its arguments.
RUNTIME = """
#include <stddef.h>
typedef struct { unsigned x, y, z; } dim3;
int cudaLaunchKernel(const void *k, dim3 g, dim3 b, void **a, size_t n, void *s) {
    return g.x + 10 * g.y + 100 * g.z + 1000 * b.z + 10000 * n + (s ? 100000 : 0);
}
int cudaLaunchKernelExC(const void *c, const void *k, void **a) { return k == c; }
int cudaMemcpyAsync(void *t, const void *f, size_t n, int k, void *s) { return n + k; }
int cudaStreamSynchronize(void *s) { return 7; }
"""
# Is killed, so that nothing of it runs at its end.
PROGRAM = """
#include <signal.h>
#include <stddef.h>
typedef struct { unsigned x, y, z; } dim3;
int cudaLaunchKernel(const void *, dim3, dim3, void **, size_t, void *);
int cudaLaunchKernelExC(const void *, const void *, void **);
int cudaMemcpyAsync(void *, const void *, size_t, int, void *);
int cudaStreamSynchronize(void *);
int main(void) {
    dim3 grid = {1, 2, 3}, block = {0, 0, 4};
    int same = 1;
    for (int i = 0; i < 3; i++) same &= cudaLaunchKernel(0, grid, block, 0, 5, &grid) == 154321;
    for (int i = 0; i < 2; i++) same &= cudaLaunchKernelExC(&grid, &grid, 0) == 1;
    same &= cudaMemcpyAsync(0, 0, 40, 2, 0) == 42;
    for (int i = 0; i < 4; i++) same &= cudaStreamSynchronize(0) == 7;
    return same ? raise(SIGKILL) : 1;
}
"""


@unittest.skipUnless(shutil.which(COMPILER), "there is no C compiler")
class Launches(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "runtime.c").write_text(RUNTIME)
        (self.folder / "program.c").write_text(PROGRAM)
        (self.folder / "versions").write_text("libcudart.so.13 { *; };\n")
        self.build("-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", "launches.so", SOURCE)
        self.build(
            "-shared", "-fPIC", "-Wl,-soname,libcudart.so.13", "-Wl,--version-script=versions",
            "-o", "libcudart.so.13", "runtime.c",
        )  # fmt: skip
        self.build("-o", "program", "program.c", "libcudart.so.13", "-Wl,-rpath,$ORIGIN")
        self.counts = self.folder / "counts"
        self.counts.write_bytes(bytes(40))

    def build(self, *words):
        subprocess.run([COMPILER, *words], cwd=self.folder, check=True)

    def call(self, **more):
        environment = dict(os.environ, OSEE_GPU_COUNTS=str(self.counts), **more)
        done = subprocess.run([self.folder / "program"], env=environment)
        self.assertEqual(done.returncode, -9)
        return struct.unpack("<5Q", self.counts.read_bytes())

    def test_what_a_killed_program_asked_for_is_counted(self):
        preload = str(self.folder / "launches.so")
        self.assertEqual(self.call(LD_PRELOAD=preload), (1, 3, 2, 1, 4))
        self.assertEqual(self.call(LD_PRELOAD=preload), (2, 6, 4, 2, 8))

    def test_without_the_counter_nothing_is(self):
        self.assertEqual(self.call(), (0, 0, 0, 0, 0))


if __name__ == "__main__":
    unittest.main()
