"""Tests what judges the figures of `.ci/gpu run`, with made-up tables.

Most tests are of what must fail: a check that cannot fail shows nothing.
"""

import contextlib
import io
import json
import math
import os
import pathlib
import re
import tempfile
import unittest
from unittest import mock

import figures
import judge
import weights


def tables(**scores):
    """A table of each estimator's scores of architectures a, b, c and so on. A score
    that is a text is a failure."""
    found = {}
    for name, values in scores.items():
        found[name] = {
            (chr(97 + i), "20"): (None, value) if isinstance(value, str) else (value, "")
            for i, value in enumerate(values)
        }
    return found


def one(name, ours, theirs):
    """What is found of two tables of this estimator and, for `plain`, of snip."""
    snip = {"snip": [100.0] * len(ours)}
    return judge.compare(tables(**snip | {name: ours}), tables(**snip | {name: theirs}))[name]


class Differences(unittest.TestCase):
    def test_equal_numbers_do_not_differ(self):
        self.assertEqual(judge.relative(0.0, 0.0), 0)
        self.assertEqual(judge.relative(math.inf, math.inf), 0)
        self.assertEqual(judge.relative(None, None), 0)

    def test_a_difference_is_relative_to_the_second(self):
        self.assertAlmostEqual(judge.relative(101.0, 100.0), 0.01)
        self.assertAlmostEqual(judge.relative(-99.0, -100.0), 0.01)
        self.assertAlmostEqual(judge.relative(1.0, -1.0), 2)

    def test_or_to_a_scale(self):
        self.assertAlmostEqual(judge.relative(1.0, 2.0, scale=-100.0), 0.01)

    def test_what_cannot_be_compared_differs_without_end(self):
        for a, b in [(None, 1.0), (1.0, None), (math.nan, 1.0), (math.nan, math.nan)]:
            self.assertEqual(judge.relative(a, b), math.inf, (a, b))
        self.assertEqual(judge.relative(math.inf, 1.0), math.inf)
        self.assertEqual(judge.relative(1e-30, 0.0), math.inf)

    def test_plain_is_measured_by_snip(self):
        ours, theirs = {"plain": 0.1, "snip": 100.0}, {"plain": 0.2, "snip": 100.0}
        found = judge.worst_of(ours, theirs, judge.GOLDEN)
        self.assertAlmostEqual(found["plain"], 0.001)

    def test_a_score_that_one_network_lacks_differs_without_end(self):
        found = judge.worst_of({"snip": 1.0}, {"fisher": 1.0}, judge.GOLDEN)
        self.assertEqual(found, {"snip": math.inf, "fisher": math.inf})


class Ranks(unittest.TestCase):
    def test_kd(self):
        self.assertEqual(judge.kendall([1, 2, 3], [10, 20, 30]), 1)
        self.assertEqual(judge.kendall([1, 2, 3], [3, 2, 1]), -1)
        # Five pairs agree and one does not.
        self.assertAlmostEqual(judge.kendall([1, 2, 3, 4], [1, 2, 4, 3]), 4 / 6)

    def test_ties_are_those_of_tau_b(self):
        # Two pairs agree; one is tied on the left.
        self.assertAlmostEqual(judge.kendall([1, 1, 2], [1, 2, 3]), 2 / math.sqrt(2 * 3))
        self.assertIsNone(judge.kendall([1, 1], [1, 2]))
        self.assertIsNone(judge.kendall([], []))

    def test_ranks_hold_above_a_limit(self):
        self.assertTrue(judge.ranks_hold("snip", {"kd": 0.995}))
        self.assertFalse(judge.ranks_hold("snip", {"kd": 0.98}))
        self.assertTrue(judge.ranks_hold("grasp", {"kd": 0.98}))
        self.assertFalse(judge.ranks_hold("grasp", {"kd": 0.96}))
        self.assertIsNone(judge.ranks_hold("snip", {"kd": None}))


class Tables(unittest.TestCase):
    def test_equal_tables_hold(self):
        found = one("snip", [1.0, 2.0, "undefined"], [1.0, 2.0, "undefined"])
        self.assertEqual((found["worst"], found["n"], found["kd"]), (0, 2, 1))
        self.assertTrue(judge.within("snip", found))

    def test_every_estimator_holds_at_its_limit_and_not_above(self):
        for name, (half, worst) in judge.DEVICES.items():
            for share, wanted in [(0.99, True), (1.01, False)]:
                if worst == 0 and wanted:
                    continue
                by = share * worst or 1e-12
                found = one(name, [100.0] * 2 + [100.0 * (1 + by)], [100.0] * 3)
                self.assertEqual(judge.within(name, found), wanted, (name, share))
                # All architectures, and not one of three.
                by = share * half or 1e-12
                found = one(name, [100.0 * (1 + by)] * 3, [100.0] * 3)
                self.assertEqual(judge.within(name, found), wanted, (name, share))

    def test_tf32_does_not_hold(self):
        theirs = [1.0, 2.0, 3.0, 4.0]
        for name in ("grad_norm", "snip", "fisher"):
            found = one(name, [score * 1.01 for score in theirs], theirs)
            self.assertFalse(judge.within(name, found), name)

    def test_the_largest_difference_names_its_architecture(self):
        found = one("snip", [1.0, 2.1, 3.0], [1.0, 2.0, 3.0])
        self.assertAlmostEqual(found["worst"], 0.05)
        self.assertEqual(found["where"], "b")
        self.assertEqual(found["half"], 0)

    def test_plain_is_measured_by_snip(self):
        found = one("plain", [0.1, 0.3], [0.2, 0.3])
        self.assertAlmostEqual(found["worst"], 0.1 / 100)
        self.assertTrue(judge.within("plain", found))

    def test_a_row_that_one_table_lacks_is_wrong(self):
        for ours, theirs in [([1.0], [1.0, 2.0]), ([1.0, 2.0], [1.0])]:
            found = one("snip", ours, theirs)
            self.assertEqual(found["wrong"], ["b is in one table only"])
            self.assertFalse(judge.within("snip", found))

    def test_an_estimator_that_one_table_lacks_is_wrong(self):
        for a, b in [("snip", "fisher"), ("fisher", "snip")]:
            found = judge.compare(tables(**{a: [1.0]}), tables(**{a: [1.0], b: [1.0]}))
            self.assertTrue(judge.within(a, found[a]))
            self.assertFalse(judge.within(b, found[b]))

    def test_a_failure_for_a_score_is_wrong(self):
        for ours, theirs in [("time-out", 2.0), (2.0, "time-out"), ("undefined", 2.0)]:
            found = one("snip", [1.0, ours], [1.0, theirs])
            self.assertEqual(len(found["wrong"]), 1)
            self.assertFalse(judge.within("snip", found))

    def test_only_failures_by_definition_may_be_in_both(self):
        for failure, wanted in [("undefined", True), ("not-finite", True), ("crashed", False)]:
            found = one("snip", [1.0, failure], [1.0, failure])
            self.assertEqual(judge.within("snip", found), wanted, failure)
        found = one("snip", [1.0, "undefined"], [1.0, "not-finite"])
        self.assertFalse(judge.within("snip", found))

    def test_no_score_to_compare_does_not_hold(self):
        found = one("snip", ["undefined"], ["undefined"])
        self.assertEqual(found["n"], 0)
        self.assertFalse(judge.within("snip", found))

    def test_neither_score_nor_failure_is_wrong(self):
        self.assertFalse(judge.within("snip", one("snip", [1.0, ""], [1.0, ""])))

    def test_rounding_errors_are_excused_in_their_space_alone(self):
        found = one("synflow_bn", [1e-13, 2.0], [3e-13, 1.0])
        self.assertFalse(judge.within("synflow_bn", found))
        self.assertFalse(judge.required("nb301", "synflow_bn", found))
        self.assertTrue(judge.required("nb201", "synflow_bn", found))
        self.assertTrue(judge.required("nb301", "snip", found))

    def test_what_is_missing_or_failed_is_not_excused(self):
        for ours, theirs in [([1.0], [1.0, 2.0]), (["crashed"], [1.0]), (["undefined"], ["undefined"])]:
            found = one("synflow_bn", ours, theirs)
            self.assertTrue(judge.required("nb301", "synflow_bn", found), ours)

    def test_an_exported_table_is_read(self):
        row = {"estimator": "snip", "architecture": "a", "seed": "1"}
        rows = [row | {"score": "1.5", "failure": ""}]
        rows.append(row | {"architecture": "b", "score": "", "failure": "undefined"})
        expected = {"snip": {("a", "1"): (1.5, ""), ("b", "1"): (None, "undefined")}}
        self.assertEqual(judge.table(rows), expected)


class Page(unittest.TestCase):
    def test_the_page_promises_what_is_judged(self):
        page = pathlib.Path(__file__).parents[2] / "docs/gpu.md"
        rows = re.findall(r"^\| `(\w+)` \| ([-\de.]+) \| ([-\de.]+) \|$", page.read_text(), re.M)
        promised = {name: (float(half), float(worst)) for name, half, worst in rows}
        self.assertEqual(promised, judge.DEVICES)


class Rates(unittest.TestCase):
    def test_the_first_of_each_worker_is_left_out(self):
        # Two workers, which start at 10; then two units each second.
        self.assertEqual(judge.rate([10, 10, 11, 11, 12, 12], 2), 2)
        self.assertEqual(judge.rate([12, 10, 11], 1), 1)

    def test_too_few_have_no_rate(self):
        self.assertIsNone(judge.rate([10, 11], 2))
        self.assertIsNone(judge.rate([10, 10, 10], 2))
        self.assertIsNone(judge.rate([], 1))


def figure(holds, required, why="", value=1.0, name="it"):
    return {
        "step": "a",
        "name": name,
        "value": value,
        "unit": "s",
        "holds": holds,
        "required": required,
        "why": why,
    }


class Verdicts(unittest.TestCase):
    def test_all_that_is_required_must_hold(self):
        held, failed = figure(True, True), figure(False, True)
        self.assertEqual(judge.verdict([held, held]), 0)
        self.assertEqual(judge.verdict([held, failed]), 1)
        self.assertEqual(judge.verdict([failed, held]), 1)

    def test_what_is_not_required_or_was_skipped_may_be_anything(self):
        others = [figure(False, False), figure(None, False, "skipped: no GPU"), figure(None, True)]
        self.assertEqual(judge.verdict([figure(True, True), *others]), 0)

    def test_if_nothing_was_checked_nothing_holds(self):
        self.assertEqual(judge.verdict([]), 1)
        self.assertEqual(judge.verdict([figure(None, False), figure(True, False)]), 1)

    def test_a_table_has_a_line_for_each_figure(self):
        some = [figure(True, True, "at most 2"), figure(False, True, value=0.12345)]
        some += [figure(False, False, value=None), figure(None, False, value=12345.6, name="a|b\nc")]
        lines = judge.markdown(some).splitlines()
        self.assertEqual(lines[2], "| a | it | 1 s | holds; at most 2 |")
        self.assertEqual(lines[3], "| a | it | 0.123 s | FAILS |")
        self.assertEqual(lines[4], "| a | it | s | does not hold (not required) |")
        self.assertEqual(lines[5], "| a | a\\|b c | 12346 s |  |")
        self.assertEqual(len(lines), 6)


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        patch = mock.patch.dict(os.environ, OSEE_GPU_OUT=folder.name)
        patch.start()
        self.addCleanup(patch.stop)

    def quietly(self, call, *args):
        self.said = ""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                call(*args)
            finally:
                self.said = printed.getvalue()

    def end(self):
        with mock.patch("sys.argv", ["figures.py", "end"]):
            with self.assertRaises(SystemExit) as ended:
                self.quietly(figures.main)
        return ended.exception.code

    def test_a_figure_is_stored_before_the_next(self):
        some = figures.Figures("a")
        self.quietly(some.check, "one", True, 0.5)
        self.assertEqual(len(figures.read()), 1)
        self.quietly(some.add, "two", math.inf, "s")
        self.quietly(some.skip, "three", "no GPU")
        found = figures.read()
        self.assertEqual([it["value"] for it in found], [0.5, None, None])
        self.assertEqual([it["why"] for it in found], ["", "inf", "skipped: no GPU"])

    def test_an_error_is_a_failed_check_and_the_step_goes_on(self):
        some = figures.Figures("a")

        def fails():
            with some.attempt("one"):
                raise ValueError("no such thing")
            some.check("two", True)

        self.quietly(fails)
        found = [(it["holds"], it["required"], it["why"]) for it in figures.read()]
        self.assertEqual(found[0], (False, True, "ValueError: no such thing"))
        self.assertEqual(found[1][0], True)
        self.assertEqual(self.end(), 1)

    def test_the_end_says_whether_all_held(self):
        self.assertEqual(self.end(), 1)
        self.quietly(figures.Figures("a").check, "one", True)
        self.assertEqual(self.end(), 0)
        self.assertIn("| a | one |", (self.folder / "gpu.md").read_text())
        self.quietly(figures.Figures("b").check, "two", False)
        self.assertEqual(self.end(), 1)

    def test_the_end_lists_what_was_skipped_and_what_failed(self):
        some = figures.Figures("a")
        self.quietly(some.skip, "one", "no GPU")
        self.quietly(some.check, "two", False, 2.0, "s", "below 1")
        self.quietly(some.check, "three", True)
        self.end()
        self.assertEqual(self.said.splitlines()[:2], ["a: one: skipped: no GPU", "FAIL a: two: below 1"])
        self.assertIn("of 2 required checks 1 failed; 1 skipped", self.said)

    def test_a_shell_adds_figures(self):
        words = ["figures.py", "add", "a", "one", "null", "", "false", "true", "exit code 3"]
        with mock.patch("sys.argv", words):
            self.quietly(figures.main)
        [found] = figures.read()
        self.assertEqual((found["value"], found["holds"], found["required"]), (None, False, True))

    def test_weights_are_a_safetensors_file(self):
        file = self.folder / "a.safetensors"
        named = {"x": ("F32", [2], b"12345678"), "y": ("I64", [1], b"abcdefgh")}
        weights.write(file, named)
        data = file.read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        body = data[8 + length :]
        self.assertEqual(length % 8, 0)
        self.assertEqual(header["y"], {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]})
        self.assertEqual(body, b"12345678abcdefgh")


if __name__ == "__main__":
    unittest.main()
