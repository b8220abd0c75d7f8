"""`komet bench`: every row is there and well-formed. No claim on speed.

KOMET  the program; without it build/komet
"""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "test" / "system"))

from komet_site import KOMET, Process, wait_for  # noqa: E402

MEMBERS = {"name", "value", "unit", "min", "max", "limit", "ratio", "machine"}
UNITS = {"s", "1/s", "octets", "octets/s"}
IEC = ["decode_tf16", "encode_tf16", "decode_any"]
MEMORY = ["link_k12_memory", "link_k12_memory_octets", "link_k100_memory", "link_k10000_memory", "memory_connection"]
PLACED = ["link_k12", "link_k100", "link_k10000", "event_latency", "event_latency_p99", "command_rtt", "command_rtt_p99"]
ONE_CORE = MEMORY + [f"{name}_1core" for name in PLACED] + ["idle_10000"]
TWO_CORES = [f"{name}_2core" for name in PLACED] + ["events_100x100", "stalled_peer", "reconnect_100", "reconnect_5000"]
SITE = ["site_throughput", "site_latency_p50", "site_latency_p99", "site_start_100k", "memory_tag"]
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
        assert all(isinstance(row[name], (int, float)) for name in ("value", "min", "max", "limit", "ratio")), row
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
    else:
        assert "two cores" in faults
    for name in ONE_CORE[len(MEMORY):]:
        assert rows[name]["limit"] > 0, name


def test_every_row_of_the_site(tmp_path):
    rows, faults = measure(tmp_path, "site")
    assert list(rows) == SITE and faults == ""


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
