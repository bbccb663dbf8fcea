"""Steps of `.ci/gpu run` that look at the machine and at single networks: facts,
score, golden, engine."""

import json
import os
import pathlib
import platform
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import host
import judge
import weights

DRIVER = 580  # the oldest that CUDA 13.0 runs on


def facts(figures):
    manifest = json.loads((host.KIT / "kit.json").read_text())
    for name in ("commit", "built", "profile"):
        figures.add(f"kit: {name}", manifest[name])
    figures.add("machine", f"{processor()}, {platform.machine()}")
    figures.add("cores", host.CORES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    figures.add("memory", round(memory, 1), "GiB")
    figures.add("system", f"Linux {platform.release()}, {' '.join(platform.libc_ver())}")
    figures.add("device", host.DEVICE)
    with figures.attempt("osee-host starts"):
        printed, _, seconds = host.osee(["--version"], side=host.CPU)
        figures.check("osee-host starts", True, round(seconds, 2), "s", printed.strip())
    folder = pathlib.Path(os.environ["OSEE_LIBTORCH"])
    cuda = any((folder / sub / "libtorch_cuda.so").exists() for sub in (".", "lib"))
    figures.add("libtorch", "with CUDA" if cuda else "for CPU only")
    gpu(figures)
    convolution(figures)


def processor():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
    return found[1] if found else "unknown processor"


def gpu(figures):
    names = ("name", "driver_version", "compute_mode", "memory.total")
    found = host.nvidia(names)
    if not found:
        figures.skip("GPU", "nvidia-smi names no GPU")
        return
    for name, value in zip(names, found):
        figures.add(f"GPU: {name}", value, "MiB" if name == "memory.total" else "")
    major = int(found[1].split(".")[0])
    figures.check("GPU: driver is new enough", major >= DRIVER, major, why=f"at least {DRIVER}")


def convolution(figures):
    name = "f32 convolution against f64"
    python, environment = host.python_with_torch()
    if python is None:
        figures.skip(name, "no Python here can import torch")
        return
    with figures.attempt(name):
        script = pathlib.Path(__file__).with_name("convolution.py")
        words = [python, str(script), host.DEVICE]
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise host.Failed(f"convolution.py: {host.said(done.stderr)}")
        found = json.loads(done.stdout)
        figures.add("Python's torch", found["torch"], why=f"cuDNN {found.get('cudnn', 'unused')}")
        for part, difference in found["differences"].items():
            figures.check(f"{name}: {part}", difference < 1e-6, difference, why="below 1e-6")


def golden_networks():
    """Architecture, settings, file of weights and known scores of each golden
    network: first small, then larger ones if the kit has them."""
    golden = json.loads((host.KIT / "golden/small.json").read_text())
    settings = [f"{name}={golden[name]}" for name in ("channels", "cells", "image_size")]
    found = []
    for i, network in enumerate(golden["networks"]):
        file = host.WORK / f"small_{i}.safetensors"
        weights.write(file, weights.tensors(golden, network))
        found.append((network["arch"], settings, file, network["scores"]))
    small = len(found)
    larger = host.KIT / "golden/nb201.json"
    if larger.exists():
        for network in json.loads(larger.read_text()):
            file = host.KIT / f"golden/nb201_{network['id']:02}.safetensors"
            scores = dict(network["scores"], params=network["trainable_params"])
            found.append((network["arch"], ["cells=1"], file, scores))
    return found, small


def score(figures):
    networks, _ = golden_networks()
    arch, settings, file, _ = networks[-1]
    name = "score of one golden network"
    # A program that has printed its scores may still hang when its GPU's library ends.
    most = 60 if host.DEVICE == "cpu" else 10
    with figures.attempt(name):
        _, seconds = host.score(arch, settings, file, host.OTHER)
        figures.check(name, seconds <= most, round(seconds, 2), "s", f"at most {most} s")


def golden(figures):
    networks, small = golden_networks()
    larger = len(networks) - small
    if larger == 0:
        figures.skip("larger golden networks", "the kit was packed without them")
    if host.SMOKE:
        networks = networks[1:2] + networks[small : small + 1]
    figures.add("networks", len(networks))
    jobs = [(network, side) for network in networks for side in (host.CPU, host.OTHER)]

    def scored(job):
        (arch, settings, file, _), side = job
        try:
            return host.score(arch, settings, file, side)
        except Exception as error:  # noqa: BLE001: it becomes a failed check
            return error, None

    pairs = {}
    with ThreadPoolExecutor(min(6, host.CORES)) as pool:
        # Each is stored when it and those before it are there.
        for (network, side), (found, seconds) in zip(jobs, pool.map(scored, jobs)):
            on = "cpu" if side == host.CPU else host.OTHER_NAME
            if isinstance(found, Exception):
                figures.check(f"{network[0]} on {on}", False, why=str(found)[:1000])
            else:
                figures.add(f"{network[0]} on {on}", round(seconds, 1), "s")
                pairs.setdefault(network[0], {})[side] = (found, network[3])
    if not pairs:
        return
    sides = [found for found in pairs.values() if len(found) == 2]
    other = host.OTHER_NAME
    against = {
        "cpu against the reference": [(it[host.CPU][0], it[host.CPU][1]) for it in sides],
        f"{other} against the reference": [(it[host.OTHER][0], it[host.OTHER][1]) for it in sides],
        f"{other} against cpu": [(it[host.OTHER][0], it[host.CPU][0]) for it in sides],
    }
    for what, both in against.items():
        tolerances = judge.REFERENCE if "reference" in what else judge.GOLDEN
        report(figures, what, both, tolerances)


def report(figures, what, both, tolerances):
    """One check for each score: the worst of these pairs of networks' scores."""
    worst = {}
    for ours, theirs in both:
        for name, difference in judge.worst_of(ours, theirs, tolerances).items():
            worst[name] = max(worst.get(name, 0.0), difference)
    for name, difference in worst.items():
        most = tolerances[name]
        figures.check(f"{what}: {name}", difference <= most, difference, why=f"at most {most:g}")


def engine(figures):
    binary = host.KIT / "bin/engine-tests"
    wanted = ["hessian::", "standalone::", "supernet::", "parameters::"]
    if host.SMOKE:
        wanted = ["hessian::tests::of_a_linear_layer_alone", "supernet::tests::a_step_is_that_of_sgd"]
    device = host.DEVICE
    if device != "cpu" and b"OSEE_TEST_DEVICE" not in binary.read_bytes():
        figures.skip(f"engine tests on {device}", "they do not read OSEE_TEST_DEVICE yet")
        device = "cpu"
    name = f"engine tests on {device}"
    with figures.attempt(name):
        environment = dict(os.environ, OSEE_TEST_DEVICE=device)
        start = time.monotonic()
        done = subprocess.run(
            [str(binary), "--test-threads", str(min(4, host.CORES)), *wanted],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        found = re.search(r"(\d+) passed; (\d+) failed", done.stdout)
        if not found:
            raise host.Failed(f"ended with {done.returncode}: {host.said(done.stderr)}")
        passed, failed = map(int, found.groups())
        broken = re.findall(r"^test (\S+) \.\.\. FAILED", done.stdout, re.M)
        why = f"{failed} failed {' '.join(broken)}".strip()
        # Fewer than names: a test was renamed.
        holds = done.returncode == 0 and passed >= len(wanted)
        figures.check(name, holds, passed, "passed", why)
        figures.add(f"{name}: time", round(time.monotonic() - start, 1), "s")
