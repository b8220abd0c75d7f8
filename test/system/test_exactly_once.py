"""Every event that a station generates is in the journal exactly once, in order, whatever is killed meanwhile."""

import collections
import csv
import datetime
import os
import signal

import pytest

from komet_site import wait_for

SECONDS = 60 if os.environ.get("KOMET_SOAK") else 8
KILLS = 10 if os.environ.get("KOMET_SOAK") else 3
POINT_COUNT = 100  # each toggles every 100 ms: 1,000 events/s


def points(seconds):
    return f"""ca: 1
events: 200000
points:
  - {{ioa: 1001, type: 30, count: {POINT_COUNT}, toggle: {{period: 100 ms}}, for: {seconds} s}}
"""


TAGS = "".join(f"M.T{n:03d},Di,{1001 + n},,,\n" for n in range(POINT_COUNT))


def generated(path):
    """The station's own record: for each address the (time, value) of its events, in order."""
    truth = collections.defaultdict(list)
    text = path.read_text(encoding="ascii")
    whole = text[:text.rindex("\n")]  # the station may be writing the last line
    for row in csv.DictReader(whole.splitlines()):
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
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    return round(moment.timestamp() * 1000)


def kill_active_instance(site):
    active = wait_for(site.active, "an instance is active")
    site.komes[active].signal(signal.SIGKILL)
    site.komes[active].popen.wait(20)
    wait_for(lambda: site.active() not in (None, active), "the other instance is active")
    site.komes[active] = site.start_kom(active)
    wait_for(lambda: site.instance(active), f"instance {active} is back")


def kill_server(site):
    site.server.signal(signal.SIGKILL)
    site.server.popen.wait(20)
    site.server = site.start_server()
    wait_for(site.active, "an instance is active")


def pause_active_instance(site):
    active = wait_for(site.active, "an instance is active")
    site.komes[active].signal(signal.SIGSTOP)
    wait_for(lambda: site.active() not in (None, active), "the other instance is active")
    site.komes[active].signal(signal.SIGCONT)
    wait_for(lambda: (site.instance(active) or {}).get("role") == "passive", f"instance {active} is back and passive")


def pause_server(site):
    """Longer than the lease, and than the two seconds after which instances give its connection up."""
    count = len(site.tell("EVENTS"))
    site.server.signal(signal.SIGSTOP)
    for instance in (1, 2):
        wait_for(lambda number=instance: site.komes[number].text().count("the server is silent") > site.silences,
                 f"instance {instance} gives the connection up")
    site.silences += 1
    site.server.signal(signal.SIGCONT)
    wait_for(lambda: site.active() and len(site.tell("EVENTS")) > count, "values go on")


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


def reload(site):
    """Tags come and go in front of the others, so that all numbers change; its line keeps its connection."""
    table = site.folder / "rtu.csv"
    text = table.read_text()
    heading, rows = text.split("\n", 1)
    others = "".join(f"M.OTHER{n},Di,{n + 1},,,\n" for n in range(5))
    table.write_text(heading + "\n" + (rows.replace(others, "") if others in rows else others + rows))
    assert site.tell("RELOAD")["result"] == "done"


# Each with how long it takes, in seconds: the station generates events until behind the last of them.
DISTURBANCES = {kill_active_instance: 1, kill_server: 2, pause_active_instance: 2, pause_server: 4, reload: 1}


@pytest.mark.parametrize("disturb", DISTURBANCES, ids=lambda f: f.__name__)
def test_every_event_once_and_in_order(new_site, disturb):
    seconds = SECONDS + KILLS * DISTURBANCES[disturb]
    site = new_site(points=points(seconds), tags=TAGS, lease="600 ms")
    log = site.folder / "generated.csv"
    site.start_station("--log", str(log))
    site.server = site.start_server()
    site.komes, site.silences = {}, 0
    for instance in (1, 2):
        site.komes[instance] = site.start_kom(instance)
        wait_for(lambda number=instance: site.instance(number), f"instance {instance} is connected")

    total = seconds * 10 * POINT_COUNT
    between = SECONDS * 10 * POINT_COUNT // (KILLS + 2)
    for number in range(KILLS):
        count = len(lines_of(log))
        wait_for(lambda: len(lines_of(log)) > count + between, f"events before disturbance {number + 1}",
                 seconds=60)
        disturb(site)

    wait_for(lambda: len(lines_of(log)) - 1 == total, "the station has generated everything", seconds=seconds + 60)
    truth = generated(log)
    assert sum(map(len, truth.values())) == total
    wait_for(lambda: sum(map(len, journaled(site.tell("EVENTS")).values())) >= total, "all events are stored", seconds=60)
    found = journaled(site.tell("EVENTS"))
    for address, expected in truth.items():
        assert found[address] == expected, f"address {address}: lost, doubled or out of order"
