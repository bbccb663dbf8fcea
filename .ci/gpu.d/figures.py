"""Writes the figures of `.ci/gpu run`, one JSON object a line.

  figures.py add STEP NAME VALUE UNIT HOLDS REQUIRED WHY    # JSON values where they may be
  figures.py end          # writes gpu.md of all; exit code 0 if what is required holds

The file is OSEE_GPU_OUT/gpu.jsonl. A figure is on disk before the next one is
measured, so a run that is cut off loses nothing.
"""

import contextlib
import json
import math
import os
import pathlib
import sys

import judge


def folder():
    return pathlib.Path(os.environ["OSEE_GPU_OUT"])


class Figures:
    """The figures of one step."""

    def __init__(self, step):
        self.step = step

    def add(self, name, value=None, unit="", holds=None, required=False, why=""):
        if isinstance(value, float) and not math.isfinite(value):
            why = f"{value}; {why}" if why else str(value)
            value = None
        line = {
            "step": self.step,
            "name": name,
            "value": value,
            "unit": unit,
            "holds": holds,
            "required": required,
            "why": why,
        }
        with open(folder() / "gpu.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        mark = {True: "ok  ", False: "FAIL" if required else "no  ", None: "    "}[holds]
        shown = f"{judge.shown(value)} {unit}".strip()
        print(f"{mark} {self.step}: {name}: {shown}{'  ' + why if why else ''}", flush=True)

    def check(self, name, holds, value=None, unit="", why=""):
        """A required check; `why` should say what was wanted."""
        self.add(name, value, unit, bool(holds), True, why)

    def skip(self, name, why):
        self.add(name, None, "", None, False, f"skipped: {why}")

    @contextlib.contextmanager
    def attempt(self, name):
        """Makes an error of the block a failed check of this name, so that the step
        goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001: whatever it is, it is recorded
            self.check(name, False, why=f"{type(error).__name__}: {error}"[:1000])


def read():
    try:
        text = (folder() / "gpu.jsonl").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines()]


def value_of(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def main():
    match sys.argv[1:]:
        case ["add", step, name, value, unit, holds, required, why]:
            of = [value_of(text) for text in (value, holds, required)]
            Figures(step).add(name, of[0], unit, of[1], of[2], why)
        case ["end"]:
            figures = read()
            (folder() / "gpu.md").write_text(judge.markdown(figures), encoding="utf-8")
            code = judge.verdict(figures)
            checks = [one for one in figures if one["required"] and one["holds"] is not None]
            failed = sum(not one["holds"] for one in checks)
            skipped = [one for one in figures if one["why"].startswith("skipped: ")]
            for one in [*skipped, *(one for one in checks if not one["holds"])]:
                mark = "" if one["holds"] is None else "FAIL "
                print(f"{mark}{one['step']}: {one['name']}: {one['why']}")
            print(
                f"{len(figures)} figures; of {len(checks)} required checks {failed} failed; "
                f"{len(skipped)} skipped; they are in {folder() / 'gpu.md'}"
            )
            sys.exit(code)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
