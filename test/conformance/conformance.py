"""The table of conformance cases, made from the tests: doc/conformance.md.

    test/conformance/conformance.py BUILD_DIRECTORY            writes the table
    test/conformance/conformance.py BUILD_DIRECTORY --check    fails when the document is another

A case's timelines are those whose names begin with its number (U5: U05-….timeline); each is run. Where a case is not a
timeline's matter, cases.csv names the test that shows it: one of unit/ is run too; one of interop/ or system/, which
take their time, must be there and is left to `./dev test`, and the table says so. "=U18" refers to another case, "-…"
says why there is none.
"""

import csv
import functools
import pathlib
import re
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]
TIMELINES = PROJECT / "test" / "timeline"
GROUPS = {"F": "Framing", "U": "Start, stop and test", "S": "Sequence numbers and windows", "T": "Time limits",
          "A": "Application services, controlled station", "C": "Application services, controlling station", "R": "Redundancy groups", "N": "Sinaut Spectrum",
          "B": "Faults of other stacks, which this one must not have"}
HEAD = """# Conformance

Made by `test/conformance/conformance.py` from the tests; `./dev test` runs them all, and fails when this page is another.

The cases follow IEC TS 60870-5-604 as public sources describe it, in our own words and with numbers of our own; before
conformance is claimed, they want to be compared with the bought text. "Required" is what libkomet does. Where the
standard leaves a choice, the header of the part concerned says which one is taken and which setting changes it.

A timeline is a text file that says all that comes and all that must leave, with its instant: `test/timeline/README.md`.

"Passed": the tests named were run when this page was made, and are run anew whenever it is checked. "By `./dev test`": a
test named works with real processes or other programs; the page knows only that it is there, and `./dev test` runs it.
"""


PASSED, LATER, FAILED, GAP, OPEN = RESULTS = ["passed", "by `./dev test`", "FAILED", "GAP", "open"]


def fail(message):
    sys.exit(f"conformance: {message}")


def timelines_of(case):
    letter, number = case[0], int(case[1:])
    return sorted(TIMELINES.glob(f"*/{letter}{number:02d}-*.timeline"))


@functools.cache
def run(build, timeline):
    program = build / "test" / "timeline" / f"timeline-{timeline.parent.name}"
    done = subprocess.run([program, timeline], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
    return done.returncode == 0


@functools.cache
def unit_results(build, name):
    """What a unit test program says of each of its tests: {function: whether it passed}."""
    done = subprocess.run([build.resolve() / "test" / "unit" / f"unit-{name}"], cwd=PROJECT, capture_output=True, text=True,
                          timeout=60, check=False)
    ends = re.findall(r"^\[\s+(OK|FAILED)\s+\] (\w+)$", done.stdout + done.stderr, re.MULTILINE)
    return {function: end == "OK" for end, function in ends}


def result_of_test(build, path, function):
    """Of a unit test, how it ends; of another, that it is there and who runs it."""
    if path.startswith("unit/"):
        results = unit_results(build, pathlib.Path(path).stem.removesuffix("_test"))
        if function not in results:
            fail(f"{path} runs no {function}")
        return PASSED if results[function] else FAILED
    if not re.search(rf"^def {function}\(", (PROJECT / "test" / path).read_text(), re.MULTILINE):
        fail(f"{path} has no {function}")
    return LATER


def names_of(timelines):
    """Each by its name; a case with very many by their folder, number and count."""
    if len(timelines) > 15:
        first = timelines[0]
        return [f"`{first.parent.name}/{first.stem[:3]}-…`: {len(timelines)} timelines"]
    return [f"`{t.parent.name}/{t.stem}`" for t in timelines]


def shown_by(build, rows, case):
    """The tests of a case as the cells of its row: where, and how it went, which is the worst of them."""
    elsewhere = rows[case]["elsewhere"] or ""
    timelines = timelines_of(case)
    names = names_of(timelines)
    results = [PASSED if run(build, t) else FAILED for t in timelines]
    if elsewhere.startswith("-"):
        return ", ".join(names + [elsewhere[1:]]), OPEN
    for word in elsewhere.split():
        if word.startswith("="):
            names.append(word[1:])
            results.append(shown_by(build, rows, word[1:])[1])
        elif ":" in word:
            path, function = word.split(":")
            names.append(f"`{path}`: `{function}`")
            results.append(result_of_test(build, path, function))
    if not names:
        return "", GAP
    return ", ".join(names), max(results, key=RESULTS.index, default=PASSED)


def table(build):
    rows = list(csv.DictReader((PROJECT / "test" / "conformance" / "cases.csv").open()))
    of_case = {row["case"]: row for row in rows}
    lines, count = [HEAD], dict.fromkeys(RESULTS, 0)
    group = None
    for row in rows:
        if row["case"][0] != group:
            group = row["case"][0]
            lines += [f"## {GROUPS[group]}\n", "| Case | About | Required | Shown by | Result |", "|---|---|---|---|---|"]
        where, result = shown_by(build, of_case, row["case"])
        count[result] += 1
        lines.append(f"| {row['case']} | {row['about']} | {row['required']} | {where} | {result} |")
        following = rows.index(row) + 1
        if following == len(rows) or rows[following]["case"][0] != group:
            lines.append("")
    lines.append(f"{len(rows)} cases: {count[PASSED]} passed, {count[LATER]} by `./dev test`, {count[FAILED]} failed, "
                 f"{count[GAP]} without a test, {count[OPEN]} open because what they are about is not built yet.")
    return "\n".join(lines) + "\n", count[FAILED] + count[GAP]


def main():
    build, check = pathlib.Path(sys.argv[1]), "--check" in sys.argv
    text, wrong = table(build)
    document = PROJECT / "doc" / "conformance.md"
    if not check:
        document.write_text(text)
    elif not document.exists() or document.read_text() != text:
        fail("doc/conformance.md is not what the tests say: run test/conformance/conformance.py BUILD_DIRECTORY")
    if wrong:
        fail(f"{wrong} cases failed or have no test")


main()
