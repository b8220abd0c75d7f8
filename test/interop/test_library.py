"""libkomet as its users meet it: installed into a folder, found by pkg-config and by CMake, static and shared.

KOMET  the program; its folder is the build that is installed; without it build/komet
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest
import scapy.contrib.scada.iec104 as iec104

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "test" / "system"))

from komet_site import KOMET, Process, free_port, wait_for  # noqa: E402
from test_kom_scapy import NOW, Station as ScapyStation  # noqa: E402
from test_sim_scapy import QUIET, Centre, Station as SimStation, objects  # noqa: E402

BUILD = pathlib.Path(KOMET).resolve().parent
HEADERS = sorted(path.name for path in (PROJECT / "include" / "komet").glob("*.h"))
EXAMPLES = PROJECT / "examples"
SOURCES = {"client": ["client.c"], "station": ["station.c", "station_answers.c"], "decoder": ["decoder.c"]}
STRICT = ["-std=c17", "-pedantic", "-Wall", "-Wextra", "-Werror"]
WAYS = [(finder, kind) for finder in ("pkg-config", "cmake") for kind in ("static", "shared")]


def run(*words, **more):
    """Runs a program to its end; returns its output."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False, **more)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


class Package:
    """libkomet, installed in a folder, and moved to another one: nothing may remember the first."""

    def __init__(self, folder):
        first = folder / "first"
        run("cmake", "--install", BUILD, "--component", "libkomet", "--prefix", first)
        self.prefix = first.rename(folder / "moved")
        self.static = next(self.prefix.rglob("libkomet.a"))
        self.shared = next(self.prefix.rglob("libkomet.so"))
        self.libraries = self.static.parent
        self.include = self.prefix / "include"

    def flags(self, kind):
        """What a user writes behind his sources (doc/libkomet.md)."""
        def ask(*words):
            path = {**os.environ, "PKG_CONFIG_PATH": str(self.libraries / "pkgconfig")}
            return run("pkg-config", *words, "komet", env=path).split()
        if kind == "static":
            return ask("--cflags") + ask("--variable=static_library")
        return ask("--cflags", "--libs") + [f"-Wl,-rpath,{self.libraries}"]


@pytest.fixture(name="package", scope="module")
def install(tmp_path_factory):
    return Package(tmp_path_factory.mktemp("package"))


@pytest.fixture(name="examples", scope="module", params=WAYS, ids=["-".join(way) for way in WAYS])
def build_examples(request, package, tmp_path_factory):
    """The folder of the three programs, built in one of the four ways from copies outside the tree."""
    finder, kind = request.param
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(EXAMPLES, folder / "source")
    if finder == "cmake":
        run("cmake", "-S", folder / "source", "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={package.prefix}",
            f"-DEXAMPLES_STATIC={'ON' if kind == 'static' else 'OFF'}", f"-DCMAKE_C_FLAGS={' '.join(STRICT[1:])}")
        run("cmake", "--build", folder, "-j", "1")
    else:
        for name, sources in SOURCES.items():
            run("cc", *STRICT, *(folder / "source" / source for source in sources), "-o", folder / name,
                *package.flags(kind))
    needed = run("readelf", "-d", folder / "client")
    assert ("libkomet.so.0.1" in needed) == (kind == "shared"), needed
    return folder


@pytest.fixture(name="start")
def make_processes(tmp_path):
    """A function that starts a program; all are ended behind the test."""
    processes = []

    def start(program, *arguments):
        processes.append(Process(f"{program.name}-{len(processes)}", tmp_path, list(arguments), program=str(program)))
        return processes[-1]

    yield start
    for process in processes:
        process.end()
        print(process.text())


def start_station(start, folder, period_ms):
    """A running example station and its port."""
    station = start(folder / "station", "0", str(period_ms))
    port = wait_for(lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)", station.text()), "the station listens")
    return station, int(port.group(1))


# ---- the package ----

def test_it_has_all_its_parts(package):
    assert sorted(path.name for path in (package.include / "komet").iterdir()) == HEADERS
    version = run("pkg-config", "--modversion", package.libraries / "pkgconfig" / "komet.pc").strip()
    assert version == re.search(r"project\(komet VERSION (\S+)", (PROJECT / "CMakeLists.txt").read_text()).group(1)
    soname = re.search(r"soname: \[(.*)\]", run("readelf", "-d", package.shared)).group(1)
    assert soname == "libkomet.so." + ".".join(version.split(".")[:2])
    assert (package.libraries / soname).resolve().name == f"libkomet.so.{version}"
    documents = package.prefix / "share" / "doc" / "libkomet"
    assert (documents / "LICENSE").read_bytes() == (PROJECT / "LICENSE").read_bytes()
    assert {"libkomet.md", "from-lib60870.md", "examples"} <= {path.name for path in documents.iterdir()}


def test_nothing_in_it_remembers_where_it_was_built(package):
    files = [path for path in package.prefix.rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        octets = path.read_bytes()
        for place in (PROJECT, BUILD, package.prefix.parent):
            assert str(place).encode() + b"/" not in octets, f"{path.name} names {place}"


MEMORY = """#include <stdio.h>
#include <komet/komet.h>
int main(void)
{
    struct komet_link_settings link = komet_link_settings_standard(KOMET_CONTROLLED), small = link;
    struct komet_group_settings group = {.link = link, .connections = 1, .buffer_size = 8192};
    struct komet_centre_settings centre = komet_centre_settings_standard(), few = centre;
    struct komet_station_settings station = komet_station_settings_standard();
    struct komet_file_settings file = komet_file_settings_standard(1);
    small.k = small.w = 4;
    small.output_size = KOMET_LINK_OUTPUT_MIN;
    few.requests = 4;
    printf("%zu %zu %zu %zu %zu %zu %zu %zu", komet_link_size(&link), komet_link_size(&small),
           komet_group_size(&group), komet_station_size(&station), komet_centre_size(&centre),
           komet_centre_size(&few), komet_file_sender_size(&file), komet_file_receiver_size(&file));
}
"""


def test_the_page_names_the_memory_that_engines_take(package, tmp_path):
    (tmp_path / "memory.c").write_text(MEMORY)
    run("cc", *STRICT, tmp_path / "memory.c", "-o", tmp_path / "memory", *package.flags("static"))
    page = (PROJECT / "doc" / "libkomet.md").read_text()
    table = page[page.index("| Octets, 64 bits |"):page.index("The largest stack frame")]
    assert re.findall(r"\| (\d+) \| \d+ \|", table) == run(tmp_path / "memory").split()


@pytest.mark.parametrize("header", HEADERS)
def test_each_header_can_be_included_alone(package, header):
    for more in ([], ["-ffreestanding"]):
        run("cc", *STRICT, "-Wundef", *more, f"-I{package.include}", "-fsyntax-only", "-x", "c", "-",
            input=f"#include <komet/{header}>\nint used;\n")


def declarations(header):
    """Every statement of a header that declares a function or an object which is not static: {name: statement}."""
    text = re.sub(r"/\*.*?\*/", "", (PROJECT / "include" / "komet" / header).read_text(), flags=re.S)
    text = re.sub(r"^#(.*\\\n)*.*$", "", text, flags=re.M)
    while re.search(r"\{[^{}]*\}", text):
        text = re.sub(r"\{[^{}]*\}", ";", text)
    found = {}
    for statement in (" ".join(part.split()) for part in text.split(";")):
        name = re.search(r"(\w+) ?\(", statement.replace("KOMET_API", "")) or re.search(r"\bextern\b.* (\w+)$", statement)
        if name and not statement.startswith("static "):
            found[name.group(1)] = statement
    return found


def symbols(library, *options):
    return {line.split()[-1].split("@")[0] for line in run("nm", *options, library).splitlines() if " " in line.strip()}


def test_the_shared_library_gives_away_what_the_headers_declare(package):
    declared = {name: statement for header in HEADERS for name, statement in declarations(header).items()}
    assert len(declared) > 50 and {"komet_link_feed", "komet_profile_104", "komet_assert_failed"} <= set(declared)
    assert [name for name, statement in declared.items() if not statement.startswith("KOMET_API ")] == []
    assert symbols(package.shared, "-D", "--defined-only") == set(declared)


def test_the_static_library_takes_no_names_but_its_own(package):
    names = symbols(package.static, "--defined-only", "--extern-only")
    assert len(names) > 50
    assert [name for name in sorted(names) if not name.startswith("komet_")] == []


def test_it_needs_nothing_but_memory_and_string_functions(package):
    needed = symbols(package.static, "--undefined-only") - symbols(package.static, "--defined-only")
    assert "memcpy" in needed
    # How position-independent code of this machine finds its data; the linker makes it.
    needed -= {"_GLOBAL_OFFSET_TABLE_"}
    assert [name for name in sorted(needed) if not re.fullmatch(r"(mem|str)\w+", name)] == []


BARE = """#include <stddef.h>
#include <komet/komet.h>
void *memcpy(void *to, const void *from, size_t n) { (void)from; (void)n; return to; }
void *memmove(void *to, const void *from, size_t n) { (void)from; (void)n; return to; }
void *memset(void *to, int octet, size_t n) { (void)octet; (void)n; return to; }
int memcmp(const void *a, const void *b, size_t n) { return a == b && n == 0; }
void _start(void);
void _start(void) { for (;;) { } }
"""


def test_it_stands_alone(tmp_path):
    """All of it and four functions make a program without a C library: nothing is left undefined."""
    (tmp_path / "bare.c").write_text(BARE)
    run("cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-Os", "-ffreestanding", "-nostdlib", "-static",
        "-fno-stack-protector", f"-I{PROJECT / 'include'}", tmp_path / "bare.c",
        *sorted((PROJECT / "src" / "iec").glob("*.c")), "-o", tmp_path / "bare")


def test_it_is_built_without_what_the_programs_need(tmp_path):
    nothing = {**os.environ, "PKG_CONFIG_LIBDIR": str(tmp_path / "none"), "PKG_CONFIG_PATH": ""}
    run("cmake", "-S", PROJECT, "-B", tmp_path / "build", "-G", "Ninja", "-DKOMET_LIBRARY_ONLY=ON", env=nothing)
    run("cmake", "--build", tmp_path / "build", "-j", "1", env=nothing)
    run("cmake", "--install", tmp_path / "build", "--prefix", tmp_path / "prefix")
    for name in ("libkomet.a", "libkomet.so", "komet.pc", "KometConfig.cmake"):
        assert list((tmp_path / "prefix").rglob(name)), name


# ---- the assertion hook ----

BREAK = """#include <komet/komet.h>
int main(void) { return komet_reason_name((enum komet_reason)KOMET_REASON_COUNT)[0]; }
"""
HOOK = """#include <stdio.h>
#include <stdlib.h>
_Noreturn void komet_assert_failed(const char *condition, const char *file, int line)
{
    printf("%s: %s:%d\\n", condition, file, line > 0);
    exit(3);
}
"""


@pytest.mark.parametrize("kind", ["static", "shared"])
def test_a_host_without_a_hook_traps(package, tmp_path, kind):
    (tmp_path / "host.c").write_text(BREAK)
    run("cc", *STRICT, tmp_path / "host.c", "-o", tmp_path / "host", *package.flags(kind))
    done = subprocess.run([tmp_path / "host"], timeout=20, check=False)
    assert done.returncode in (-signal.SIGILL, -signal.SIGTRAP)


@pytest.mark.parametrize("kind", ["static", "shared"])
def test_the_hosts_hook_is_called(package, tmp_path, kind):
    (tmp_path / "host.c").write_text(BREAK + HOOK)
    run("cc", *STRICT, "-fvisibility=hidden", tmp_path / "host.c", "-o", tmp_path / "host", *package.flags(kind))
    done = subprocess.run([tmp_path / "host"], timeout=20, check=False, capture_output=True, text=True)
    assert done.returncode == 3
    assert "KOMET_REASON_COUNT: src/iec/reason.c:1" in done.stdout


# ---- the examples ----

def test_client_and_station(examples, start):
    station, port = start_station(start, examples, 50)
    output = run(examples / "client", "127.0.0.1", port, "5001", "on")
    lines = output.splitlines()
    answers = [line for line in lines if line.startswith(("M_SP_NA_1", "M_ME_NC_1", "C_"))]
    assert [line.rsplit(" ", 2)[0] for line in answers] == [
        "C_IC_NA_1 activation confirmation ca 1 ioa 0 value 0",
        "M_SP_NA_1 interrogated by station interrogation ca 1 ioa 1001 value 0",
        next(line for line in lines if line.startswith("M_ME_NC_1")).rsplit(" ", 2)[0],
        "C_IC_NA_1 activation termination ca 1 ioa 0 value 0",
        "C_SC_NA_1 activation confirmation ca 1 ioa 5001 value 1",
        "C_SC_NA_1 activation termination ca 1 ioa 5001 value 1",
    ]
    assert "data transfer: stopped" in lines
    assert "the breaker is on" in station.text()
    listener = start(examples / "client", "127.0.0.1", str(port))
    wait_for(lambda: listener.text().count("M_ME_TF_1 spontaneous ca 1 ioa 3001") >= 20, "twenty events: more than k")
    assert "ioa 1001 value 1" in listener.text()
    station.end()
    wait_for(lambda: not listener.runs(), "the client ends with its station")
    assert listener.popen.returncode == 1 and "closed: " in listener.text()


def test_client_without_a_station(examples):
    done = subprocess.run([examples / "client", "127.0.0.1", str(free_port())], timeout=20, check=False,
                          capture_output=True, text=True)
    assert done.returncode == 1 and "cannot connect" in done.stderr
    assert subprocess.run([examples / "client"], timeout=20, check=False, capture_output=True).returncode == 2


def test_decoder_reads_what_scapy_wrote(examples):
    frames = [
        (iec104.IEC104_U_Message(testfr_act=1), ["U TESTFR act"]),
        (iec104.IEC104_S_Message(rx_seq_num=300), ["S nr 300"]),
        (iec104.IEC104_I_Message_SingleIOA(
            tx_seq_num=7, rx_seq_num=9, cot=3, common_asdu_address=5, origin_address=2,
            io=[iec104.IEC104_IO_M_ME_TF_1_IOA(information_object_address=3001, scaled_value=12.5, iv=1, **NOW)]),
         ["I ns 7 nr 9", "M_ME_TF_1", "spontaneous oa 2 ca 5", "ioa 3001  value 12.5  quality 0x80",
          "2026-11-20 12:34:12.345"]),
        (iec104.IEC104_I_Message_SingleIOA(
            cot=6, common_asdu_address=1, io=[iec104.IEC104_IO_C_SC_NA_1_IOA(information_object_address=5001, scs=1, s_or_e=1)]),
         ["C_SC_NA_1", "activation oa", "value 1", "select"]),
    ]
    for frame, said in frames:
        text = run(examples / "decoder", bytes(frame).hex(" "))
        for words in said:
            assert words in text
    stream = b"".join(bytes(frame) for frame, _ in frames) * 2000
    done = subprocess.run([examples / "decoder"], input=stream, capture_output=True, timeout=60, check=True)
    assert done.stdout.count(b"\nS nr 300\n") == 2000 and done.stdout.count(b"C_SC_NA_1") == 2000


def test_decoder_tells_what_is_wrong(examples):
    for octets, status, said in (("6804070000", 1, "end is missing"), ("67", 1, "did not begin with 68"), ("6", 2, "usage")):
        done = subprocess.run([examples / "decoder", octets], timeout=20, check=False, capture_output=True, text=True)
        assert done.returncode == status and said in done.stdout + done.stderr


@pytest.fixture(name="built")
def examples_of_the_tree():
    """The examples of the build itself: what follows is about the protocol, not about linking."""
    return BUILD / "examples"


def test_station_answers_scapy(built, start):
    _, port = start_station(start, built, 60000)
    centre = Centre(port)
    answers = centre.interrogate()
    assert [frame.type_id for frame in answers] == [70, 100, 1, 13, 100]
    assert [ioa for ioa, _ in objects(answers[2:4])] == [1001, 3001]
    centre.command(1)
    frames = [centre.next() for _ in range(3)]
    assert [(frame.type_id, frame.cot) for frame in frames] == [(45, 7), (30, 11), (45, 10)]
    for request, cause in ((dict(ioa=77), 47), (dict(ca=9), 46)):
        centre.command(1, **request)
        refused = centre.next()
        assert (refused.cot, refused.ack) == (cause, 1)
    centre.send_i(5, iec104.IEC104_IO_C_RD_NA_1_IOA(information_object_address=1001))
    read = centre.next()
    assert (read.type_id, read.cot) == (1, 5)
    centre.send_i(6, iec104.IEC104_IO_C_RD_NA_1_IOA(information_object_address=1001))
    assert centre.next().cot == 45
    centre.send_i(3, iec104.IEC104_IO_M_SP_NA_1_IOA(information_object_address=1001))
    assert centre.next().cot == 44
    centre.close()


def test_station_keeps_events_that_scapy_did_not_acknowledge(built, start):
    _, port = start_station(start, built, 20)
    first = Centre(port)
    while len(first.asdus) < 12:  # the window: no more come
        first.next()
    first.close()
    second = Centre(port)
    while len(second.asdus) < 12:
        second.next()
    assert second.asdus == first.asdus
    second.acknowledge()
    second.next()
    assert second.asdus[12] not in first.asdus
    second.close()


def test_station_closes_on_octets_that_are_no_asdu(built, start):
    station, port = start_station(start, built, 60000)
    centre = Centre(port)
    centre.socket.sendall(bytes.fromhex("68090000000064010600ff"))  # an interrogation that breaks off
    assert centre.socket.recv(100) == b""
    wait_for(lambda: "closed: " in station.text(), "the station says why")


class StoppingStation(ScapyStation):
    """It also confirms STOPDT."""

    def take(self, apdu):
        if apdu[2] == 0x13:
            self.write(iec104.IEC104_U_Message(stopdt_con=1))
        else:
            super().take(apdu)


def test_client_understands_scapy(built, start):
    port = free_port()
    peer = StoppingStation(port)
    client = start(built / "client", "127.0.0.1", str(port))
    wait_for(lambda: (100, 6) in peer.asked, "the interrogation")
    peer.send(30, 3, [iec104.IEC104_IO_M_SP_TB_1_IOA(information_object_address=1001, spi_value=1, iv=1, **NOW)])
    peer.send_octets(bytes.fromhex("c8 01 03 00 01 00 01 00 00 07"))  # a private type is no reason to go
    peer.send(11, 3, [iec104.IEC104_IO_M_ME_NB_1_IOA(information_object_address=3002, scaled_value=-1234)])
    wait_for(lambda: "M_ME_NB_1 spontaneous ca 1 ioa 3002 value -1234 quality 0x00" in client.text(), "the second value")
    assert "M_SP_TB_1 spontaneous ca 1 ioa 1001 value 1 quality 0x80" in client.text()
    client.end()
    refused = run(built / "client", "127.0.0.1", port, "9999", "off")
    assert "C_SC_NA_1 unknown information object address (negative) ca 1 ioa 9999 value 0" in refused
    assert peer.asked[-1] == (45, 6)
    peer.listener.close()


def test_client_understands_the_simulated_station(built, tmp_path):
    (tmp_path / "rtu.yaml").write_text(QUIET)
    station = SimStation(tmp_path, "rtu.yaml")
    try:
        lines = run(built / "client", "127.0.0.1", station.port, "5001", "on").splitlines()
    finally:
        station.process.end()
    values = {int(ioa): float(value) for ioa, value in
              re.findall(r"interrogated by station interrogation ca 1 ioa (\d+) value (\S+)", "\n".join(lines))}
    assert values == {1001: 1, 1002: 1, 1003: 1, 1101: 0, 2001: 2, 3001: 12.5}
    assert any(line.startswith("C_SC_NA_1 activation termination ca 1 ioa 5001 value 1") for line in lines)
    assert lines[-1] == "closed: This program stops."


# ---- the documents ----

@pytest.mark.parametrize("document", ["libkomet.md", "from-lib60870.md"])
def test_a_document_names_only_what_there_is(document):
    there = "".join(path.read_text() for folder in (PROJECT / "include" / "komet", EXAMPLES) for path in folder.iterdir())
    there += (PROJECT / "CMakeLists.txt").read_text() + (PROJECT / "cmake" / "KometLibrary.cmake").read_text()
    there += (PROJECT / "doc" / "Doxyfile").read_text()
    names = set(re.findall(r"\b(?:komet|KOMET)_\w+", (PROJECT / "doc" / document).read_text()))
    assert len(names) > 15
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", there)] == []


def test_what_the_manual_shows_is_what_the_examples_print(built, start):
    manual = (PROJECT / "doc" / "libkomet.md").read_text()
    assert "    U STARTDT act\n" in manual and run(built / "decoder", "68", "04", "07", "00", "00", "00") == "U STARTDT act\n"
    _, port = start_station(start, built, 60000)
    shown = re.search(r"client 127\.0\.0\.1 2404 5001 on\n(.*?)    …", manual, re.S).group(1)
    printed = run(built / "client", "127.0.0.1", port, "5001", "on")
    assert [line.strip() for line in shown.splitlines()] == printed.splitlines()[:shown.count("\n")]


def test_the_manuals_hook_compiles(package, tmp_path):
    manual = (PROJECT / "doc" / "libkomet.md").read_text()
    hook = re.search(r"    (#include <komet/assert\.h>\n.*?\n    \}\n)", manual, re.S).group(1)
    (tmp_path / "hook.c").write_text("#include <stdio.h>\n#include <stdlib.h>\n" + hook)
    run("cc", *STRICT, f"-I{package.include}", "-c", tmp_path / "hook.c", "-o", tmp_path / "hook.o")


# ---- the reference pages ----

if shutil.which("doxygen"):  # not one of the packages that the project needs: no test where it is not

    def test_reference_pages_are_made_without_a_warning(tmp_path):
        done = subprocess.run(["doxygen", "doc/Doxyfile"], cwd=PROJECT, timeout=120, check=False, capture_output=True, text=True,
                              env={**os.environ, "KOMET_REFERENCE": str(tmp_path)})
        assert done.returncode == 0 and done.stderr == "", done.stderr
        pages = "".join(path.read_text() for path in (tmp_path / "html").glob("*.html"))
        for header in HEADERS:
            for name in declarations(header):
                assert name in pages, name
        assert "Takes received octets." in pages, "the comments of the headers are in the pages"
