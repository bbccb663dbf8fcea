"""Steps of `.ci/gpu run` that run studies: compare, workers, throughput, launches."""

import csv
import json
import struct
import subprocess
import time

import host
import judge


def compare(figures):
    """Each study on the CPU and on the device."""
    for study in host.STUDIES:
        with figures.attempt(f"{study.space}: both runs"):
            one_space(figures, study)


def one_space(figures, study):
    seconds, tables = {}, {}
    for side in (host.CPU, host.OTHER):
        workers = 1
        if side == host.CPU and not host.SMOKE:
            workers = min(study.archs, max(1, host.CORES - 2))
        out = host.WORK / f"{study.space}-{side}"
        # 8: a score failed, which the comparison judges.
        seconds[side] = host.osee(study.run(out, workers, side), side, codes=(0, 8))[2]
        tables[side] = judge.table(host.rows(host.export(out)))
        name = "cpu" if side == host.CPU else host.OTHER_NAME
        why = f"{study.archs} architectures, {workers} workers"
        figures.add(f"{study.space}: time on {name}", round(seconds[side], 1), "s", why=why)
    missing = set(host.ESTIMATORS.split(",")) - set(tables[host.CPU])
    figures.check(f"{study.space}: every estimator has a row", not missing, why=" ".join(missing))
    for name, found in judge.compare(tables[host.OTHER], tables[host.CPU]).items():
        half, worst = judge.DEVICES[name]
        why = f"at most {worst:g}"
        if half != worst:
            why += f"; half of them {found['half']:.2g}, at most {half:g}"
        if found["where"]:
            why += f"; largest for {found['where'][:60]}"
        if found["wrong"]:
            why += f"; {len(found['wrong'])} disagree: {found['wrong'][0]}"
        if found["n"] == 0:
            why += "; no score to compare"
        figures.add(
            f"{study.space}: {name}",
            found["worst"],
            holds=judge.within(name, found),
            required=judge.required(study.space, name, found),
            why=why,
        )
        least = judge.RANKS.get(name, judge.RANKS_ELSE)
        why = f"above {least:g}" if found["kd"] is not None else "all scores are equal"
        figures.add(
            f"{study.space}: {name}, KD of ranks",
            found["kd"],
            holds=judge.ranks_hold(name, found),
            required=found["n"] >= judge.ENOUGH_RANKS,
            why=f"{why}; {found['n']} architectures",
        )
    if study is host.STUDIES[0]:
        times(figures, study)


def times(figures, study):
    """Milliseconds of each estimator alone, by the mean over architectures."""
    for side, name in ((host.CPU, "cpu"), (host.OTHER, host.OTHER_NAME)):
        text = host.osee(["export", host.WORK / f"{study.space}-{side}"], side=host.CPU)[0]
        took = {}
        for row in host.rows(text):
            if row["milliseconds"]:
                took.setdefault(row["estimator"], []).append(float(row["milliseconds"]))
        for estimator, values in took.items():
            mean = round(sum(values) / len(values), 2)
            figures.add(f"{study.space}: {estimator} on {name}", mean, "ms")


def workers(figures):
    """The same study again, by one worker, by several, and by two runs at once."""
    several = host.smaller(4, 2)
    studies = [host.Study("nb201", 24, 64, ["channels=4", "cells=1"])]
    if not host.SMOKE:
        studies += [host.Study("nb301", 4, 32, []), host.Study("nds-resnext-a", 4, 32, [])]
    for study in studies:
        name = f"{study.space}: {several} workers store what 1 does"
        with figures.attempt(name):
            tables = []
            for count in (1, several):
                out = host.WORK / f"{study.space}-by-{count}"
                host.osee(study.run(out, count), codes=(0, 8))
                tables.append(host.export(out))
            same(figures, name, tables)
    study = studies[0]
    name = f"{study.space}: two runs at once store what one does"
    with figures.attempt(name):
        outs = [host.WORK / f"{study.space}-at-once-{i}" for i in (1, 2)]
        running = []
        for out in outs:
            words, environment = host.command(study.run(out, 1))
            with open(f"{out}.log", "wb") as log:
                running.append(
                    subprocess.Popen(
                        words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                    )
                )
        codes = [one.wait() for one in running]
        if not set(codes) <= {0, 8}:
            raise host.Failed(f"they ended with {codes}")
        same(figures, name, [host.export(out) for out in [host.WORK / "nb201-by-1", *outs]])


def same(figures, name, tables):
    """A check that tables are the same bytes."""
    lines = [list(csv.reader(table.splitlines())) for table in tables]
    other = [a for table in lines[1:] for a, b in zip(table, lines[0]) if a != b]
    holds = all(table == tables[0] for table in tables) and len(lines[0]) > 1
    why = "equal byte for byte"
    if not holds:
        why = f"{len(other)} lines differ"
        if other:
            first = dict(zip(lines[0][0], other[0]))
            why += f", such as {first['estimator']} of {first['architecture'][:60]}"
        else:
            why += "; the tables have other lengths or no rows"
    figures.check(name, holds, len(tables[0]), "bytes", why)


def throughput(figures):
    """Architectures a second by number of workers; what a worker and the GPU hold."""
    study = host.Study("nb201", 160, 64, ["channels=4", "cells=1"])
    if host.SMOKE:
        study.over(4)
    gpu = bool(host.nvidia(("name",)))
    if not gpu:
        figures.skip("GPU memory and utilisation", "nvidia-smi names no GPU")
    for count in host.smaller((1, 3, 4, 2, 8), (1, 2)):
        name = f"{count} worker{'s' if count > 1 else ''}"
        try:
            out = host.WORK / f"throughput-{count}"
            args = study.run(out, count)
            args[args.index("--progress") + 1] = "json"
            with host.Watch(1.0 if gpu else 0.2, gpu) as watch:
                started, ended = timed(args)
        except Exception as error:  # noqa: BLE001: other numbers of workers are tried
            figures.add(name, holds=False, why=str(error)[:1000])
            continue
        figures.add(name, judge.rate(ended, count), "architectures/s")
        figures.add(f"{name}: first score after", round(min(ended) - started, 1), "s")
        figures.add(f"{name}: most memory of a process", round(watch.resident), "MiB")
        for column, most in watch.columns.items():
            unit = "MiB" if column.startswith("memory") else "%"
            figures.add(f"{name}: most {column}", most, unit)


def timed(args):
    """When a run began, and when each of its units ended."""
    words, environment = host.command(args)
    started, ended, last = time.monotonic(), [], ""
    with subprocess.Popen(
        words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        for line in running.stderr:
            last = line if line.strip() else last
            try:
                event = json.loads(line).get("event")
            except (ValueError, AttributeError):
                continue
            if event == "unit-scored":
                ended.append(time.monotonic())
    if running.returncode not in (0, 8) or not ended:
        raise host.Failed(f"osee-host run ended with {running.returncode}: {last.strip()}")
    return started, ended


COUNTS = ("processes", "kernels", "kernels by ExC", "copies", "waits for a stream")


def launches(figures):
    """What one architecture asks of CUDA's runtime: how much more a study over more
    architectures does."""
    few, many = host.smaller((4, 12), (1, 2))
    name = "the counter is loaded by the program and its worker"
    with figures.attempt(name):
        study = host.Study("nb201", many, 64, ["channels=4", "cells=1"])
        of_few, of_many = counted(study.over(few)), counted(study.over(many))
        figures.check(name, min(of_few[0], of_many[0]) >= 2, of_many[0], "processes")
        if not any(of_many[1:]):
            figures.skip("launches for each architecture", "nothing asked CUDA for anything")
            return
        for what, a, b in zip(COUNTS[1:], of_few[1:], of_many[1:]):
            value = round((b - a) / (many - few), 1)
            why = f"{b} for {many} architectures, {a} for {few}; not those of cuDNN and cuBLAS"
            figures.add(f"{what} for each architecture", value, why=why)


def counted(study):
    """COUNTS of a run of this study."""
    counts = host.WORK / "counts"
    counts.write_bytes(bytes(8 * len(COUNTS)))
    preload = {"LD_PRELOAD": str(host.KIT / "tools/launches.so"), "OSEE_GPU_COUNTS": str(counts)}
    out = host.WORK / f"launches-{study.archs}"
    host.osee(study.run(out, 1), codes=(0, 8), more=preload)
    return struct.unpack(f"<{len(COUNTS)}Q", counts.read_bytes())
