"""Sums up the JUnit files of ctest, pytest and the dev script into one closing line.

Exit status 1 when a test failed or none ran; in CI (CI=true) also when one was skipped, because a skip there
means that something which should have been installed is not.
"""

import os
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            result = outcome(case)
            counts[result] += 1
            if result != "passed":
                print(f"{result}: {path.stem}: {case.get('classname') or ''} {case.get('name')}")
    skip_fails = os.environ.get("CI") == "true" and counts["skipped"] > 0
    if skip_fails:
        print("In CI a skipped test fails the run.")
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] or skip_fails or not counts["passed"] else 0


sys.exit(main())
