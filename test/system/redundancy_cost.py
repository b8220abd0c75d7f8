"""What heartbeats and leases cost, as a share of the instructions of server and active instance at 2,000 events/s.

    KOMET=build/komet /usr/bin/python3 test/system/redundancy_cost.py

Both run under callgrind, which counts the instructions of the programs themselves (not the kernel's); a passive instance runs
beside them. A lease is renewed four times while it lasts: of a site that does nothing, the count with a lease of 600 ms less
that with one of 60 s is what heartbeats and leases cost in that time. It is compared with what the same site, in the same time,
counts at 2,000 events/s.
"""

import contextlib
import pathlib
import re
import signal
import sqlite3
import tempfile
import threading

from komet_site import KOMET, Process, Site, wait_for

SECONDS = 30
POINT_COUNT = 200  # each toggles every 100 ms
EVENTS = SECONDS * 10 * POINT_COUNT
TAGS = "".join(f"M.T{n:03d},Di,{1001 + n},,,\n" for n in range(POINT_COUNT))
IDLE = f"ca: 1\npoints:\n  - {{ioa: 1001, type: 30, count: {POINT_COUNT}, constant: 0}}\n"
BUSY = IDLE.replace("constant: 0", f"toggle: {{period: 100 ms}}, for: {SECONDS} s").replace("ca: 1", f"ca: 1\nevents: {EVENTS}")


def start_counted(site, name, *words):
    words = ["--tool=callgrind", "--callgrind-out-file=/dev/null", KOMET, *words]
    site.processes.append(Process(name, site.folder, words, program="valgrind"))
    return site.processes[-1]


def instructions(process):
    process.signal(signal.SIGTERM)
    process.popen.wait(60)
    return int(re.search(r"Collected : (\d+)", process.text()).group(1))


def stored(site):
    """Asked of the file, so that the server does nothing for it."""
    with contextlib.closing(sqlite3.connect(f"file:{site.folder}/data/journal.db?mode=ro", uri=True)) as journal:
        return journal.execute("SELECT count(*) FROM events WHERE (cause >> 8 & 255) = 3").fetchone()[0]


def count(folder, points, lease):
    """Instructions of server and active instance while it lasted."""
    folder.mkdir()
    site = Site(folder, points, TAGS, lease=lease, line_parameters="{}")
    try:
        server = start_counted(site, "server", "server", "--site", ".", "--data", "data")
        wait_for(lambda: "listening" in server.text(), "the server listens", seconds=60)
        kom = start_counted(site, "kom1", "kom", "-W", "SELF.KOM,1", "-S", site.server_address)
        wait_for(lambda: "active under epoch" in kom.text(), "instance 1 is active", seconds=60)
        site.start_kom(2)
        site.start_station()
        wait_for(lambda: "connected to 127.0.0.1" in kom.text(), "the line is connected", seconds=60)
        threading.Event().wait(SECONDS)
        if points is BUSY:
            wait_for(lambda: stored(site) >= EVENTS, "all events are stored", seconds=600)
        return instructions(kom) + instructions(server)
    finally:
        site.end()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        long = count(folder / "long", IDLE, "60 s")
        short = count(folder / "short", IDLE, "600 ms")
        busy = count(folder / "busy", BUSY, "600 ms")
    heartbeats = short - long
    print(f"in {SECONDS} s: idle {long:,} instructions with a lease of 60 s, {short:,} with one of 600 ms; "
          f"{EVENTS:,} events {busy:,}")
    print(f"heartbeats and leases: {heartbeats:,}, {100 * heartbeats / busy:.2f} % of them")


if __name__ == "__main__":
    main()
