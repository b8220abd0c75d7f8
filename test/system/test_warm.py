"""Warm lines on real processes: what passive instances send, how they take over, and what a lost line moves."""

import os
import signal

import pytest

from conftest import POINTS, TAGS
from komet_site import KOMET, Process, free_port, wait_for
from test_cut import Namespace, run
from test_exactly_once import generated, milliseconds
from wire import STARTDT_ACT, TEST_FRAMES, Wire, frames_of

PARAMETERS = "{WT1: 1000, WT2: 500, WT3: 1000}"


def make_warm(site):
    text = (site.folder / "site.yaml").read_text()
    (site.folder / "site.yaml").write_text(text.replace("reconnect: 100 ms", "reconnect: 100 ms\n        standby: warm"))


def connections(site):
    """Of the line, by instance."""
    return {row["instance"]: row for row in site.tell("LINE", "L.RTU")[0]["connections"]}


def state_of(site, instance):
    return connections(site).get(instance, {}).get("state")


@pytest.fixture(name="warm")
def warm_site(new_site):
    """Instances 1 (active), 2 and 3 on a warm line; every octet between them and the station is seen by the test."""
    site = new_site(points="connections: 8\n" + POINTS, tags=TAGS, line_parameters=PARAMETERS, lease="600 ms")
    make_warm(site)
    station = free_port()
    site.start("station", "sim", "rtu.sim.yaml", "--listen", f"127.0.0.1:{station}")
    site.wire = Wire(site.station_port, station)
    site.server = site.start_server()
    site.komes, site.wires = {}, {}
    for number in (1, 2, 3):
        site.komes[number] = site.start_kom(number)
        wait_for(lambda wanted=number: state_of(site, wanted) == ("started" if wanted == 1 else "stopped"),
                 f"the connection of instance {number}")
        site.wires[number] = site.wire.connections[-1]
        assert len(site.wire.connections) == number
    wait_for(lambda: site.value("M.U")["status"] == "Valid", "the first value")
    yield site
    site.wire.end()


def assert_silent(connection):
    assert all(frame in TEST_FRAMES for frame in connection.passive_frames())


def test_passive_instances_send_test_frames_and_nothing_else(warm):
    site = warm
    wait_for(lambda: all(len(frames_of(site.wires[number].sent)) >= 6 for number in (2, 3)), "test frames of both")
    for number in (2, 3):
        assert_silent(site.wires[number])
        assert STARTDT_ACT not in frames_of(site.wires[number].sent)
        assert all(frame in TEST_FRAMES for frame in frames_of(site.wires[number].received))
    assert len(site.wire.connections) == 3
    assert [row["state"] for row in site.tell("LINE", "L.RTU")[0]["connections"]] == ["started", "stopped", "stopped"]
    assert len(site.tell("EVENTS", "M.D0")) > 0


def test_to_take_over_is_startdt_on_the_connection_that_stands(warm):
    site = warm
    assert site.tell("SET_ACT_INST", "SELF.KOM", "3")["result"] == "done"
    wait_for(lambda: state_of(site, 3) == "started", "data transfer of instance 3")
    assert frames_of(site.wires[3].sent)[len(site.wires[3].passive_frames())] == STARTDT_ACT
    assert_silent(site.wires[3])
    wait_for(lambda: state_of(site, 1) == "stopped", "instance 1 stands by")
    assert site.wires[1].ended is not None  # what was started is never used for standing by
    new = site.wire.connections[-1]
    wait_for(lambda: len(frames_of(new.sent)) >= 4, "test frames of instance 1")
    assert_silent(new)
    assert len(site.wire.connections) == 4


def test_without_a_server_test_frames_go_on_and_nothing_else(warm):
    site = warm
    site.server.signal(signal.SIGKILL)
    site.server.popen.wait(20)
    wait_for(lambda: site.wires[1].ended is not None, "the line of instance 1 is reset")
    before = [len(frames_of(site.wires[number].sent)) for number in (2, 3)]
    wait_for(lambda: all(len(frames_of(site.wires[number].sent)) >= count + 4 for number, count in zip((2, 3), before)),
             "test frames")
    for number in (2, 3):
        assert_silent(site.wires[number])
    assert len(site.wire.connections) == 3  # who acted is silent until a server has spoken to it
    site.start_server()
    wait_for(lambda: site.active(), "an instance is active again")
    wait_for(lambda: sorted(str(state_of(site, number)) for number in (1, 2, 3)) == ["started", "stopped", "stopped"],
             "the others stand by again")


def test_a_station_with_one_connection_is_told_of(new_site):
    """What the manual warns of: such a station is not for warm lines, and the console shows why."""
    site = new_site(points=POINTS, tags=TAGS, line_parameters=PARAMETERS)
    make_warm(site)
    site.start_station()
    site.start_server()
    site.start_kom(1)
    wait_for(lambda: state_of(site, 1) == "started", "the line works")
    site.start_kom(2)
    wait_for(lambda: (connections(site).get(1) or {}).get("reason") in ("connection-reset", "peer-closed"),
             "the new connection takes the place of the one that works")


# ---- an instance that was paused ----


def test_a_paused_instance_finds_itself_out_of_its_role_and_its_late_batch_is_refused(new_site):
    """Its values are held in the network longer than its lease; it goes on when another one acts."""
    site = new_site(points="connections: 4\nevents: 100000\npoints:\n  - {ioa: 1001, type: 30, count: 50, toggle: {period: 100 ms}}\n",
                    tags="".join(f"M.T{n:03d},Di,{1001 + n},,,\n" for n in range(50)), line_parameters=PARAMETERS, lease="600 ms")
    make_warm(site)
    station, behind = free_port(), free_port()
    log = site.folder / "generated.csv"
    site.start("station", "sim", "rtu.sim.yaml", "--listen", f"127.0.0.1:{station}", "--log", str(log))
    telemetry = Wire(site.station_port, station)
    to_server = Wire(behind, site.server_port, keep=False)
    site.start_server()
    kom = site.start("kom1", "kom", "-W", "SELF.KOM,1", "-S", f"127.0.0.1:{behind}")
    wait_for(lambda: state_of(site, 1) == "started", "instance 1 works")
    site.start_kom(2)
    wait_for(lambda: state_of(site, 2) == "stopped", "instance 2 stands by")
    first, count = telemetry.connections[0], len(site.tell("EVENTS", "M.*"))
    wait_for(lambda: len(site.tell("EVENTS", "M.*")) > count + 200, "events")

    to_server.hold()
    wait_for(lambda: to_server.held() > 500, "values of instance 1 are under way")
    kom.signal(signal.SIGSTOP)
    wait_for(lambda: site.active() == 2, "instance 2 is active")
    sent = len(first.sent)
    assert site.tell("PROCESS", "SELF.KOM")[0]["late_batches"] == 0
    to_server.let_through()
    late = wait_for(lambda: (row := site.tell("PROCESS", "SELF.KOM")[0])["late_batches"] > 0 and row, "the late batch is refused")
    assert late["late_values"] > 0
    kom.signal(signal.SIGCONT)
    wait_for(lambda: state_of(site, 1) == "stopped", "instance 1 stands by")
    assert len(first.sent) == sent  # nothing more on the connection on which it had acted
    assert site.active() == 2

    def stored():
        rows = [row for row in site.tell("EVENTS", "M.*") if row["cot"] == 3]
        assert all(row["instance"] in (1, 2) for row in rows)
        return rows

    count = len(log.read_text().splitlines()) - 1
    wait_for(lambda: len(stored()) >= count, "what was held comes again over instance 2")
    check_prefix(stored(), log)
    for wire in (telemetry, to_server):
        wire.end()


def check_prefix(rows, log):
    """Of each tag: what is stored is what was generated, from the first on, once, in order."""
    found = {}
    for row in rows:
        found.setdefault(1001 + int(row["name"][3:]), []).append((milliseconds(row["time"]), row["value"]))
    truth = generated(log)
    for address, values in found.items():
        assert values == truth[address][:len(values)], f"address {address}: lost, doubled or out of order"


# ---- a line that is lost ----


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_a_lost_line_moves_the_role(new_site, request):
    site = new_site(points="connections: 4\n" + POINTS, tags=TAGS, line_parameters=PARAMETERS, lease="600 ms")
    cable = Namespace()
    request.addfinalizer(cable.remove)
    cable.make()
    # The station has an address of its own, so that its path can be cut alone.
    station = cable.host.replace("10.254.", "10.253.")
    run("ip", "addr", "add", f"{station}/32", "dev", cable.cable)
    run("ip", "-n", cable.name, "route", "add", f"{station}/32", "via", cable.host)
    make_warm(site)
    text = (site.folder / "site.yaml").read_text()
    text = text.replace(f"127.0.0.1:{site.station_port}", f"{station}:{site.station_port}").replace("127.0.0.1", cable.host)
    (site.folder / "site.yaml").write_text(text)
    site.use_tls()
    site.server_address = f"{cable.host}:{site.server_port}"
    site.start("station", "sim", "rtu.sim.yaml", "--listen", f"{station}:{site.station_port}")
    server = site.start_server()
    kom = Process("kom1", site.folder, ["netns", "exec", cable.name, KOMET, "kom", "-W", "SELF.KOM,1", "-S", site.server_address,
                                        *site.kom_tls], program="ip")
    site.processes.append(kom)
    wait_for(lambda: state_of(site, 1) == "started", "instance 1 works")
    site.start_kom(2)
    wait_for(lambda: state_of(site, 2) == "stopped", "instance 2 stands by")
    run("ip", "-n", cable.name, "route", "del", f"{station}/32")
    run("ip", "-n", cable.name, "route", "add", "blackhole", f"{station}/32")
    wait_for(lambda: site.active() == 2, "the role moves", seconds=15)
    assert "SELF.KOM,1 does not reach line L.RTU: the role goes to SELF.KOM,2, which reaches it" in server.text()
    wait_for(lambda: state_of(site, 2) == "started", "instance 2 works")
    assert site.instance(1)["value"] == "Run" and kom.runs()
    wait_for(lambda: state_of(site, 1) in ("closed", "connecting"), "instance 1 tries on")
