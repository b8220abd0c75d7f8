"""Every event that a station generates is in the journal exactly once, in order, whatever instance is killed."""

import collections
import csv
import os
import signal

from komet_site import wait_for

SECONDS = 60 if os.environ.get("KOMET_SOAK") else 12
KILLS = 10 if os.environ.get("KOMET_SOAK") else 3
POINT_COUNT = 100  # each toggles every 100 ms: 1,000 events/s

POINTS = f"""ca: 1
events: 200000
points:
  - {{ioa: 1001, type: 30, count: {POINT_COUNT}, toggle: {{period: 100 ms}}, for: {SECONDS} s}}
"""
TAGS = "".join(f"M.T{n:03d},Di,{1001 + n},,,\n" for n in range(POINT_COUNT))


def generated(path):
    """The station's own record: for each address the (time, value) of its events, in order."""
    truth = collections.defaultdict(list)
    with open(path, newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            truth[int(row["ioa"])].append((int(row["time_ms"]), bool(float(row["value"]))))
    return truth


def journaled(events):
    """The journal's: only what came spontaneously."""
    found = collections.defaultdict(list)
    for event in events:
        if event["cot"] == 3:
            found[1001 + int(event["name"][3:])].append((milliseconds(event["time"]), event["value"]))
    return found


def milliseconds(text):
    from datetime import datetime  # only here: the journal's times are text in UTC

    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    return round(moment.timestamp() * 1000)


def test_events_over_kills_of_the_active_instance(new_site):
    site = new_site(points=POINTS, tags=TAGS, line_parameters="{WT1: 1000, WT2: 500, WT3: 2000}")
    log = site.folder / "generated.csv"
    site.start_station("--log", str(log))
    site.start_server()
    komes = {}
    for instance in (1, 2):
        komes[instance] = site.start_kom(instance)
        wait_for(lambda number=instance: site.instance(number), f"instance {instance} is connected")

    for kill in range(KILLS):
        active = wait_for(site.active, "an instance is active")
        count = len(log.read_text().splitlines()) if log.exists() else 0
        wait_for(lambda: len(log.read_text().splitlines()) > count + SECONDS * 1000 // (KILLS + 2),
                 f"events before kill {kill + 1}", seconds=60)
        komes[active].signal(signal.SIGKILL)
        komes[active].popen.wait(20)
        wait_for(lambda gone=active: site.active() not in (None, gone), "the other instance is active")
        komes[active] = site.start_kom(active)
        wait_for(lambda number=active: site.instance(number), f"instance {active} is back")

    total = SECONDS * 10 * POINT_COUNT
    wait_for(lambda: len(log.read_text().splitlines()) - 1 >= total * 0.99, "the station has ended", seconds=SECONDS + 60)
    truth = generated(log)
    events = sum(map(len, truth.values()))
    wait_for(lambda: sum(map(len, journaled(site.tell("EVENTS")).values())) >= events, "all events are stored",
             seconds=60)
    found = journaled(site.tell("EVENTS"))
    for address, expected in truth.items():
        assert found[address] == expected, f"address {address}: lost, doubled or out of order"
    assert events > SECONDS * 900
