"""A line of iec104 on tcp-redundant on real processes: one station on two networks, and two stations as two systems."""

import os
import signal
import socket
import time

import pytest

from conftest import POINTS, TAGS
from komet_site import free_port, wait_for
from test_exactly_once import POINT_COUNT, generated, journaled, kill_active_instance, lines_of
from test_exactly_once import TAGS as TOGGLES
from wire import Wire, frames_of, STARTDT_ACT

ROUNDS = 20 if os.environ.get("KOMET_SOAK") else 2


def make_redundant(site, hosts):
    text = (site.folder / "site.yaml").read_text()
    text = text.replace("category: tcp\n", "category: tcp-redundant\n")
    (site.folder / "site.yaml").write_text(text.replace(f'hosts: ["127.0.0.1:{site.station_port}"]', f"hosts: {hosts}"))


def connections(site):
    """Of the line's active instance, by name."""
    active = site.active()
    return {row["partner"]: row for row in site.tell("LINE", "L.RTU")[0]["connections"] if row["instance"] == active}


def data_path(site):
    """A or B when that one carries data and the other one is ready, else None."""
    rows = connections(site)
    paths = [name for name, row in rows.items() if row["path"] == "data" and row["state"] == "started"]
    ready = [name for name, row in rows.items() if row["path"] == "ready" and row["state"] == "stopped"]
    return paths[0] if len(paths) == 1 and len(ready) == 1 else None


def cut(site, path):
    """The network ends each connection of that path."""
    for connection in site.wires[path].open():
        connection.sink.shutdown(socket.SHUT_RDWR)


def pull(site, path):
    """Nothing that is sent on that path arrives any more, and nobody is told."""
    site.wires[path].hold()
    wait_for(lambda: not site.wires[path].open(), "the path is given up")
    site.wires[path].let_through()


def cut_the_data_path(site):
    """Until the first values of the other connection are stored, which its first N(R) above 0 says."""
    before = wait_for(lambda: data_path(site), "one path carries data, the other one is ready")
    ready = site.wires["B" if before == "A" else "A"].open()[-1]
    moment = time.monotonic()
    cut(site, before)
    wait_for(lambda: ready.acknowledged, "the other path carries data")
    site.times.append(ready.acknowledged - moment)
    wait_for(lambda: data_path(site) not in (None, before), "the path that was cut is ready again")


def pull_the_data_path(site):
    before = wait_for(lambda: data_path(site), "one path carries data, the other one is ready")
    pull(site, before)
    wait_for(lambda: data_path(site) not in (None, before), "the other path carries data")


def cut_the_path_that_is_ready(site):
    before = wait_for(lambda: data_path(site), "one path carries data, the other one is ready")
    count = len(site.wires[before].connections)
    cut(site, "B" if before == "A" else "A")
    wait_for(lambda: data_path(site) == before, "the other path is ready again")
    assert len(site.wires[before].connections) == count


def kill_the_instance(site):
    kill_active_instance(site)
    wait_for(lambda: data_path(site), "one path carries data, the other one is ready")


# Each with how long it takes at most, in seconds, beside three for a thousand events: so long the station makes them.
DISTURBANCES = {cut_the_data_path: 1, pull_the_data_path: 5, cut_the_path_that_is_ready: 1, kill_the_instance: 1}


@pytest.mark.parametrize("disturb", DISTURBANCES, ids=lambda f: f.__name__)
def test_one_station_on_two_networks_loses_nothing(new_site, disturb):
    seconds = 8 + ROUNDS * (DISTURBANCES[disturb] + 3)
    plan = f"""ca: 1
connections: 8
events: 200000
points:
  - {{ioa: 1001, type: 30, count: {POINT_COUNT}, toggle: {{period: 100 ms}}, for: {seconds} s}}
"""
    site = new_site(points=plan, tags=TOGGLES, lease="600 ms")
    ports = {"A": free_port(), "B": free_port()}
    make_redundant(site, f"""[["127.0.0.1:{ports['A']}"], ["127.0.0.1:{ports['B']}"]]""")
    site.wires = {path: Wire(port, site.station_port) for path, port in ports.items()}
    log = site.folder / "generated.csv"
    site.start_station("--log", str(log))
    site.server = site.start_server()
    site.komes, site.times = {}, []
    for instance in (1, 2):
        site.komes[instance] = site.start_kom(instance)
        wait_for(lambda number=instance: site.instance(number), f"instance {instance} is connected")
    total = seconds * 10 * POINT_COUNT
    for number in range(ROUNDS):
        count = len(lines_of(log))
        wait_for(lambda: len(lines_of(log)) > count + 1000, f"events before disturbance {number + 1}")
        disturb(site)
    wait_for(lambda: len(lines_of(log)) - 1 == total, "the station has generated everything", seconds=seconds + 60)
    wait_for(lambda: sum(map(len, journaled(site.tell("EVENTS")).values())) >= total, "all events are stored", seconds=60)
    found = journaled(site.tell("EVENTS"))
    for address, expected in generated(log).items():
        assert found[address] == expected, f"address {address}: lost, doubled or out of order"
    if site.times:
        milliseconds = sorted(round(seconds * 1000, 1) for seconds in site.times)
        print(f"{total} events; milliseconds from the cut to the first values that are stored: {milliseconds}")
    for wire in site.wires.values():
        wire.end()


def started(wire):
    """How many of its connections were started."""
    return sum(1 for connection in wire.connections if STARTDT_ACT in frames_of(connection.sent))


def test_two_systems_of_which_one_is_killed_and_the_next_one_pulled(new_site):
    site = new_site(points=POINTS, tags=TAGS, lease="600 ms")
    ports, stations = {"A": free_port(), "B": free_port()}, {"A": free_port(), "B": free_port()}
    away = free_port()  # the first host of each connection is not there
    make_redundant(site, f"""[["127.0.0.1:{away}", "127.0.0.1:{ports['A']}"], ["127.0.0.2:{away}", "127.0.0.1:{ports['B']}"]]""")
    site.wires = {path: Wire(port, stations[path]) for path, port in ports.items()}
    systems = {}

    def start(name):
        systems[name] = site.start(f"station-{name}", "sim", "rtu.sim.yaml", "--listen", f"127.0.0.1:{stations[name]}")

    start("A")
    start("B")
    site.start_server()
    site.start_kom(1)
    first = wait_for(lambda: data_path(site), "one path carries data, the other one is ready")
    second = "B" if first == "A" else "A"
    wait_for(lambda: site.value("M.U")["status"] == "Valid", "the first value")
    line = site.tell("LINE", "L.RTU")[0]
    assert line["value"] is True and line["flags"] == "AB"
    assert {name: row["role"] for name, row in connections(site).items()} == {first: "HOT", second: "standby"}
    assert started(site.wires[second]) == 0
    assert site.tell("SET", "M.P.SET", "25")["result"] == "done"

    systems[first].signal(signal.SIGKILL)
    wait_for(lambda: connections(site)[second]["role"] == "HOT", "the other system is spoken with")
    wait_for(lambda: site.value("M.P")["value"] == 0, "it was interrogated: the set point went to the first one")
    assert site.tell("SET", "M.P.SET", "30")["result"] == "done"
    count = len(site.tell("EVENTS", "M.D0"))
    wait_for(lambda: len(site.tell("EVENTS", "M.D0")) > count + 3, "values go on")

    start(first)
    wait_for(lambda: data_path(site) == second, "the first system is ready, and no more than that")
    assert started(site.wires[first]) == 1
    pull(site, second)
    wait_for(lambda: data_path(site) == first, "the first system carries data again")
    wait_for(lambda: site.value("M.P")["value"] == 0, "and was interrogated")
    for wire in site.wires.values():
        wire.end()
