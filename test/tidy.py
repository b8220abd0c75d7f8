"""Rules of the tree that a program can check: purity of the pure folders, sizes, banned calls and words.

    test/tidy.py BUILD_DIRECTORY

Purity: what the objects of a pure folder leave undefined (nm -u) must be on the folder's list. A pure folder
that begins to need a socket, a clock, a lock or memory of its own shows up here by the name of the symbol.
"""

import pathlib
import re
import subprocess
import sys

PURE = ["iec", "model", "role", "wire", "line", "kom", "server", "partner", "console", "capture"]
MEMORY = {"memcpy", "memmove", "memset", "memcmp", "memchr"}
STRINGS = {
    "strlen", "strcmp", "strncmp", "strchr", "strrchr", "strstr", "strcasecmp", "strncasecmp", "strspn", "strcspn",
    "strnlen", "strpbrk", "stpcpy", "strcpy", "strncpy", "strcat",
}
# Deterministic functions of their arguments: text of numbers and back, sorting, arithmetic.
PLAIN = MEMORY | STRINGS | {
    "snprintf", "vsnprintf", "sscanf", "__isoc99_sscanf", "strtol", "strtoll", "strtoul", "strtoull", "strtod", "strtof",
    "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc", "tolower", "toupper", "bsearch", "qsort",
    "floor", "ceil", "round", "trunc", "fabs", "fmod", "sin", "lround", "llround", "rint", "nearbyint", "ldexp", "pow",
    "lroundf", "llrint", "lrint", "roundf", "isdigit", "isalpha", "isspace",
}
HOST = {"komet_assert_failed", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|gets|alloca|strtok|localtime|gmtime)\s*\(")


def symbols(library, undefined):
    flag = "-u" if undefined else "--defined-only"
    output = subprocess.run(["nm", flag, "-A", str(library)], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in output.splitlines() if line.split()}


def purity(build):
    libraries = {name: build / "src" / name / f"libkomet-{name}.a" for name in PURE}
    own = set()
    for path in libraries.values():
        own |= symbols(path, undefined=False)
    for name, path in libraries.items():
        allowed = HOST | own | (MEMORY | STRINGS if name == "iec" else PLAIN)
        for symbol in sorted(symbols(path, undefined=True) - allowed):
            if name != "iec" and symbol.startswith(("komet__wire__", "protobuf_c_")):
                continue
            yield f"src/{name}: not pure: it calls {symbol}"


def functions(text):
    """(name, first line, length) of each function: a line that begins with a letter, then '{' in column 1."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line == "{":
            end = next((n for n in range(number, len(lines)) if lines[n] == "}"), None)
            if end is not None:
                yield lines[number - 1].strip(), number + 1, end - number + 1


def shape(path):
    text = path.read_text()
    count = text.count("\n")
    if count > FILE_LINES_MAX:
        yield f"{path}: {count} lines; at most {FILE_LINES_MAX}: where is the second noun?"
    for name, line, length in functions(text):
        body = "\n".join(text.splitlines()[line - 1:line - 1 + length])
        if length > FUNCTION_LINES_MAX and body.count("case ") < 10:
            yield f"{path}:{line}: {length} lines in one function ({name}); at most {FUNCTION_LINES_MAX}"
    for match in BANNED.finditer(text) if path.parts[0] != "test" else ():
        yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match.group(1)} is banned"
    if path.suffix in (".c", ".h") and not text.lstrip().startswith("/*"):
        yield f"{path}:1: the file does not open with a comment that says what it is"


def naps(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.search(r"\b(sleep|usleep|nanosleep)\s*\(", line):
            yield f"{path}:{number}: a test waits by the clock; wait for a condition, with a deadline"


def main():
    build = pathlib.Path(sys.argv[1])
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
    files = [pathlib.Path(name) for name in tracked if name and pathlib.Path(name).is_file()]
    faults = list(purity(build))
    for path in files:
        if path.suffix in (".c", ".h"):
            faults += shape(path)
        if path.parts[0] == "test" and path.suffix in (".c", ".h", ".py") and path.name != "tidy.py":
            faults += naps(path)
    for fault in faults:
        print(fault)
    print(f"tidy: {len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
