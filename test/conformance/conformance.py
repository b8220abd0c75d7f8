"""The table of conformance cases, made from the tests: doc/conformance.md.

    test/conformance/conformance.py BUILD_DIRECTORY            writes the table
    test/conformance/conformance.py BUILD_DIRECTORY --check    fails when the document is another

A case's timelines are those whose names begin with its number (U5: U05-….timeline); each is run. Where a case is not a
timeline's matter, cases.csv names the test that shows it, which must exist; "=U18" refers to another case; "-…" says
why there is none.
"""

import csv
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
"""


def fail(message):
    sys.exit(f"conformance: {message}")


def timelines_of(case):
    letter, number = case[0], int(case[1:])
    return sorted(TIMELINES.glob(f"*/{letter}{number:02d}-*.timeline"))


def run(build, timeline):
    program = build / "test" / "timeline" / f"timeline-{timeline.parent.name}"
    done = subprocess.run([program, timeline], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
    return done.returncode == 0


def check_test(name):
    path, function = name.split(":")
    if not re.search(rf"\b{function}\b", (PROJECT / "test" / path).read_text()):
        fail(f"{path} has no {function}")
    return f"`{path}`: `{function}`"


def names_of(timelines):
    """Each by its name; a case with very many by their folder, number and count."""
    if len(timelines) > 15:
        first = timelines[0]
        return [f"`{first.parent.name}/{first.stem[:3]}-…`: {len(timelines)} timelines"]
    return [f"`{t.parent.name}/{t.stem}`" for t in timelines]


def shown_by(build, row):
    """The tests of a case as the cells of its row: where, and how it went."""
    elsewhere = row["elsewhere"] or ""
    timelines = timelines_of(row["case"])
    names = names_of(timelines)
    result = "passed" if all([run(build, t) for t in timelines]) else "FAILED"
    if elsewhere.startswith("-"):
        return ", ".join(names + [elsewhere[1:]]), "open"
    for word in elsewhere.split():
        if word.startswith("="):
            names.append(word[1:])
        elif ":" in word:
            names.append(check_test(word))
    if not names:
        return "", "GAP"
    return ", ".join(names), result


def table(build):
    rows = list(csv.DictReader((PROJECT / "test" / "conformance" / "cases.csv").open()))
    lines, count = [HEAD], {"passed": 0, "FAILED": 0, "GAP": 0, "open": 0}
    group = None
    for row in rows:
        if row["case"][0] != group:
            group = row["case"][0]
            lines += [f"## {GROUPS[group]}\n", "| Case | About | Required | Shown by | Result |", "|---|---|---|---|---|"]
        where, result = shown_by(build, row)
        count[result] += 1
        lines.append(f"| {row['case']} | {row['about']} | {row['required']} | {where} | {result} |")
        following = rows.index(row) + 1
        if following == len(rows) or rows[following]["case"][0] != group:
            lines.append("")
    lines.append(f"{len(rows)} cases: {count['passed']} passed, {count['FAILED']} failed, {count['GAP']} without a test, "
                 f"{count['open']} open because what they are about is not built yet.")
    return "\n".join(lines) + "\n", count["FAILED"] + count["GAP"]


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
