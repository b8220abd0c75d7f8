"""A disk that is full: values are not acknowledged, commands are refused, and all goes on by itself afterwards."""

import os
import subprocess

import pytest

from komet_site import KOMET, Process, wait_for

POINTS = """ca: 1
events: 200000
points:
  - {ioa: 1001, type: 30, count: 50, toggle: {period: 100 ms}}
  - {ioa: 5003, type: 50, follows: 3101}
  - {ioa: 3101, type: 36, constant: 0}
"""
TAGS = "".join(f"M.T{n:02d},Di,{1001 + n},,,\n" for n in range(50)) + "M.P,Ai,3101,,,\nM.P.SET,Ao,5003,50,,\n"


def start_server_on_small_disk(site, megabytes):
    """The server in a mount namespace of its own, its data on a file system of a few megabytes."""
    (site.folder / "data").mkdir()
    script = f'mount -t tmpfs -o size={megabytes}m tmpfs data && exec "$0" server --site . --data data'
    process = Process("server", site.folder, ["-m", "sh", "-c", script, KOMET], program="unshare")
    site.processes.append(process)
    wait_for(lambda: site.tell_code("VERSION") == 0, "the server answers")
    return process


@pytest.fixture(name="small")
def site_on_small_disk(new_site):
    if os.geteuid() != 0:
        pytest.skip("a small file system of its own needs root")
    site = new_site(points=POINTS, tags=TAGS)
    site.start_station()
    site.server = start_server_on_small_disk(site, 6)
    site.kom1 = site.start_kom(1)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    return site


def test_a_full_disk_is_survived(small):
    site = small
    disk = f"/proc/{site.server.popen.pid}/root{site.folder}/data"
    wait_for(lambda: len(site.tell("EVENTS")) > 200, "events")
    with open(f"{disk}/filler", "wb", buffering=0) as filler:  # the rest of the disk
        with pytest.raises(OSError, match="No space"):
            while True:
                filler.write(b"\0" * 4096)
    wait_for(lambda: "the journal cannot write" in site.server.text(), "the server notices", seconds=60)
    wait_for(lambda: site.run_tell("SET", "M.P.SET", "5").returncode == 1, "commands are refused")
    assert "journal" in site.run_tell("SET", "M.P.SET", "5").stderr or site.active() is None
    assert site.kom1.runs()
    os.unlink(f"{disk}/filler")
    wait_for(lambda: "the journal can write again" in site.server.text(), "the journal is opened again", seconds=30)
    wait_for(lambda: site.active() == 1, "instance 1 is active again", seconds=20)
    wait_for(lambda: site.run_tell("SET", "M.P.SET", "7").returncode == 0, "commands work again")
    # Every event in order, each once: a toggling point alternates, so a lost or doubled one shows.
    events = [row for row in site.tell("EVENTS", "M.T00") if row["cot"] == 3]
    assert len(events) > 20
    assert all(a["value"] != b["value"] and a["time"] < b["time"] for a, b in zip(events, events[1:]))


def test_a_second_server_on_the_same_journal_is_refused(site):
    second = subprocess.run([KOMET, "server", "--site", ".", "--data", "data", "--listen", "127.0.0.1:0x"],
                            capture_output=True, text=True, timeout=20, cwd=site.folder, check=False)
    assert second.returncode == 2
    second = subprocess.run([KOMET, "server", "--site", ".", "--data", "data", "--listen", "127.0.0.1:1"],
                            capture_output=True, text=True, timeout=20, cwd=site.folder, check=False)
    assert second.returncode == 1
    assert "another server" in second.stderr
