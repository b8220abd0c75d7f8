"""`komet bench`: every row is there and well-formed, and either end works with another program. No claim on speed
but one, wide.

KOMET  the program; without it build/komet
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
import scapy.contrib.scada.iec104 as iec104

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "test" / "system"))

from komet_site import KOMET, Process, free_port, wait_for  # noqa: E402
from test_sim_scapy import QUIET, Centre, Station as SimStation, time_ms  # noqa: E402

MEMBERS = {"name", "value", "unit", "min", "max", "limit", "ratio", "wanted", "machine"}
UNITS = {"s", "1/s", "octets", "octets/s"}
IEC = ["decode_tf16", "encode_tf16", "decode_any"]
MEMORY = ["link_k12_memory", "link_k12_memory_octets", "link_k100_memory", "link_k10000_memory", "memory_connection"]
PLACED = ["link_k12", "link_k100", "link_k10000", "event_latency", "event_latency_p99", "command_rtt", "command_rtt_p99"]
ONE_CORE = MEMORY + [f"{name}_1core" for name in PLACED] + ["idle_10000"]
TWO_CORES = [f"{name}_2core" for name in PLACED] + ["events_100x100", "stalled_peer", "reconnect_100", "reconnect_5000"]
SITE = ["site_throughput", "site_latency_p50", "site_latency_p99", "site_start_100k", "memory_tag"]
SINAUT = ["sinaut_500", "sinaut_500_server", "sinaut_500_rate"]
RECONNECTED_S = 5  # 100 clients; doc/performance.md has what it takes
CORES = len(os.sched_getaffinity(0))


def measure(folder, *words):
    """The rows of a quick run, by name, and standard error."""
    path = folder / "rows.json"
    done = subprocess.run([KOMET, "bench", *words, "--quick", "--json", path], capture_output=True, text=True, timeout=300)
    assert done.returncode == (1 if done.stderr else 0), done.stderr
    rows = json.loads(path.read_text())
    for row in rows:
        assert set(row) == MEMBERS, row
        assert row["unit"] in UNITS, row
        assert all(isinstance(row[name], (int, float)) for name in ("value", "min", "max", "limit", "ratio", "wanted")), row
        assert 0 <= row["min"] <= row["value"] <= row["max"], row
        if row["limit"] > 0 and row["value"] > 0:
            more_is_better = row["unit"] in ("1/s", "octets/s")
            ratio = row["value"] / row["limit"] if more_is_better else row["limit"] / row["value"]
            assert row["ratio"] == pytest.approx(ratio, rel=1e-3), row
        assert row["name"] in done.stdout
    return {row["name"]: row for row in rows}, done.stderr


def test_every_row_of_the_codec(tmp_path):
    rows, faults = measure(tmp_path, "iec")
    assert list(rows) == IEC and faults == ""


def test_every_row_of_the_link(tmp_path):
    rows, faults = measure(tmp_path, "link")
    assert set(ONE_CORE) <= set(rows)
    if CORES > 1:
        assert faults == "" and set(rows) == set(ONE_CORE + TWO_CORES)
        assert rows["reconnect_100"]["max"] < RECONNECTED_S  # the one claim: R12 of the conformance cases
    else:
        assert "two cores" in faults
    for name in ONE_CORE[len(MEMORY):]:
        assert rows[name]["limit"] > 0, name


def test_every_row_of_the_site(tmp_path):
    rows, faults = measure(tmp_path, "site")
    assert list(rows) == SITE and faults == ""


def test_every_row_of_many_sinaut_lines(tmp_path):
    rows, faults = measure(tmp_path, "sinaut")
    assert list(rows) == SINAUT and faults == ""
    assert rows["sinaut_500"]["wanted"] == 0.5


def test_a_row_by_its_name(tmp_path):
    rows, _ = measure(tmp_path, "command_rtt_1core")
    assert list(rows) == ["command_rtt_1core", "command_rtt_p99_1core"]


def test_nothing_outlives_it(tmp_path):
    bench = Process("bench", tmp_path, ["bench", "link_k12_1core"])
    children = pathlib.Path(f"/proc/{bench.popen.pid}/task/{bench.popen.pid}/children")
    ends = wait_for(lambda: (lambda found: found if len(found) == 2 else None)(children.read_text().split()), "two ends")
    bench.signal(signal.SIGKILL)
    bench.popen.wait(10)
    for end in ends:
        wait_for(lambda pid=end: not pathlib.Path(f"/proc/{pid}").exists(), "an end of the bench is killed with it")
    bench.end()


class BenchStation:
    """A running `komet bench station`."""

    def __init__(self, folder, *arguments):
        self.port = free_port()
        self.process = Process("station", folder, ["bench", "station", "--listen", f"127.0.0.1:{self.port}", *arguments])
        wait_for(lambda: "listening" in self.process.text(), "the bench's station listens")


@pytest.fixture
def station(tmp_path, request):
    running = BenchStation(tmp_path, "--measure", request.param)
    yield running
    running.process.end()


@pytest.mark.parametrize("station", ["throughput"], indirect=True)
def test_another_client_gets_the_stream(station):
    centre = Centre(station.port)
    while len(centre.asdus) < 36:
        centre.next()
        centre.acknowledge()
    centre.close()
    addresses = [int.from_bytes(asdu[6 + 15 * i:9 + 15 * i], "little") for asdu in centre.asdus for i in range(16)]
    assert addresses == list(range(1, len(addresses) + 1))
    wait_for(lambda: "values a second" in station.process.text(), "the station says what it was")


@pytest.mark.parametrize("station", ["commands"], indirect=True)
def test_another_clients_commands_are_confirmed(station):
    centre = Centre(station.port)
    for value in (1, 0, 1):
        centre.command(value, ioa=7)
        confirmation = centre.next()
        assert (confirmation.type_id, confirmation.cot) == (45, iec104.IEC104_COT_ACTCON)
        assert confirmation.io[0].information_object_address == 7
    station.process.signal(signal.SIGTERM)
    assert station.process.popen.wait(10) == 0
    assert "3 commands confirmed" in station.process.text()


@pytest.mark.parametrize("station", ["events"], indirect=True)
def test_another_client_gets_events_with_the_time_of_now(station):
    centre = Centre(station.port)
    before = time.time() * 1000
    event = centre.next().io[0]
    centre.acknowledge()
    assert before - 2000 <= time_ms(event) <= time.time() * 1000 + 2000
    centre.close()
    wait_for(lambda: "events acknowledged" in station.process.text(), "the station says what it was")


def run_client(port, *arguments):
    return subprocess.run([KOMET, "bench", "client", "--connect", f"127.0.0.1:{port}", "--seconds", "0.05", *arguments],
                          capture_output=True, text=True, timeout=60)


def test_another_stations_commands_are_timed(tmp_path):
    (tmp_path / "rtu.yaml").write_text(QUIET)
    other = SimStation(tmp_path, "rtu.yaml")
    done = run_client(other.port, "--measure", "commands", "--address", "5001", "--json", tmp_path / "rows.json")
    other.process.end()
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    assert list(rows) == ["command_rtt", "command_rtt_p99"]
    assert all(row["value"] > 0 and row["unit"] == "s" and row["limit"] == 0 for row in rows.values())


@pytest.mark.parametrize("station", ["throughput"], indirect=True)
def test_another_stations_stream_is_counted(station):
    done = run_client(station.port, "--k", "100", "--w", "66")
    assert done.returncode == 0, done.stderr
    assert "asdus" in done.stdout and "values" in done.stdout


@pytest.mark.parametrize("station", ["commands"], indirect=True)
def test_a_station_that_says_nothing_is_no_figure(station):
    done = run_client(station.port, "--measure", "events")
    assert done.returncode == 1 and "nothing came" in done.stderr


def test_nobody_at_the_address():
    done = run_client(free_port())
    assert done.returncode == 1 and "data transfer was not started" in done.stderr


@pytest.mark.parametrize("end", ["client", "station"])
def test_the_manual_has_the_options_of_both_ends(end):
    text = subprocess.run([KOMET, "bench", end, "--help"], capture_output=True, text=True, timeout=20, check=True).stdout
    manual = (PROJECT / "man" / "komet-bench.1").read_text()
    options = set(re.findall(r"--[a-z]+", text))
    assert len(options) > 5
    for option in options:
        assert option.replace("-", "\\-") in manual, f"{option} is not in the manual"


def test_wrong_command_lines_of_the_ends_are_told():
    for words in (["client"], ["station"], ["client", "--connect", "127.0.0.1:1", "--k", "0"],
                  ["client", "--connect", "127.0.0.1:1", "--k", "4"], ["client", "--connect", "127.0.0.1:1", "--measure", "x"],
                  ["station", "--listen", "127.0.0.1:1", "--rate", "0"], ["station", "--listen", "127.0.0.1:1", "more"]):
        done = subprocess.run([KOMET, "bench", *words], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, (words, done.stderr)
