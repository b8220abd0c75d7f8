"""What the documents say that a program also says: both must say the same.

KOMET  the program; without it build/komet
"""

import os
import pathlib
import re
import subprocess

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
KOMET = os.environ.get("KOMET", str(PROJECT / "build" / "komet"))


def test_the_table_of_parameters_is_the_programs():
    table = subprocess.run([KOMET, "check", "--parameters"], capture_output=True, text=True, timeout=20, check=True).stdout
    assert table in (PROJECT / "doc" / "configuration.md").read_text()


def test_the_table_of_processing_is_the_programs():
    table = subprocess.run([KOMET, "check", "--processing"], capture_output=True, text=True, timeout=20, check=True).stdout
    assert table.count("\n") > 10 and table in (PROJECT / "doc" / "configuration.md").read_text()


@pytest.mark.parametrize("document, at_least", [("sinaut.md", 90), ("tcp-redundant.md", 30)])
def test_the_page_of_a_line_names_tests_that_are_there(document, at_least):
    page = (PROJECT / "doc" / document).read_text()
    tables = re.findall(r"^\| \| Shown by \|\n((?:\|.*\n)+)", page, re.MULTILINE)
    shown = re.findall(r"`([^`]+)`", "".join(row.split("|")[2] for table in tables for row in table.splitlines()))
    assert len(shown) >= at_least
    for name in shown:
        path = name if "/" in name else f"timeline/sinaut/{name}"
        assert (PROJECT / "test" / (path if path.endswith((".c", ".py")) else f"{path}.timeline")).is_file(), name


def test_the_demo_site_has_no_mistakes():
    check = subprocess.run([KOMET, "check", str(PROJECT / "conf" / "demo")], capture_output=True, text=True, timeout=20)
    assert check.returncode == 0 and "no mistakes" in check.stdout


def test_every_command_is_in_the_consoles_manual():
    commands = subprocess.run([KOMET, "tell", "-o", "csv", "HELP"], capture_output=True, text=True, timeout=20, check=True)
    manual = (PROJECT / "doc" / "console.md").read_text()
    words = [row.split(",")[0] for row in commands.stdout.splitlines()[1:]]
    assert len(words) > 15
    for word in words:
        assert word in manual


PROGRAMS = ["server", "kom", "tell", "sim", "check", "certificate", "dump", "bench"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_has_help_version_and_a_manual(program):
    for option, said in (("--help", program), ("--version", "0.")):
        run = subprocess.run([KOMET, program, option], capture_output=True, text=True, timeout=20)
        assert run.returncode == 0 and said in run.stdout and run.stderr == ""
    manual = (PROJECT / "man" / f"komet-{program}.1").read_text()
    help_text = subprocess.run([KOMET, program, "--help"], capture_output=True, text=True, timeout=20).stdout
    for word in help_text.split():
        if word.startswith("--"):
            option = word.strip("[](),.;:").split("=")[0]
            assert option.replace("-", "\\-") in manual or option in manual, f"{option} is not in the manual"


def test_wrong_command_lines_are_told():
    for words in (["nosuch"], ["server"], ["kom"], ["kom", "-W", "SELF.KOM,16"], ["sim"], ["dump"], ["check"],
                  ["server", "--site"], ["bench", "nosuch"], ["kom", "-W", "X.KOM", "-S", "a:b:c"]):
        run = subprocess.run([KOMET, *words], capture_output=True, text=True, timeout=20)
        assert run.returncode == 2, words
        assert run.stderr.strip() and len(run.stderr.splitlines()) == 1, words
