"""Control centres that connect to a listening line of SRV.KOM, on real processes."""

import signal

import pytest

from komet_master import Master, number, quality
from komet_site import free_port, wait_for

POINTS = """ca: 1
points:
  - {ioa: 1001, type: 30, constant: 0}
  - {ioa: 1002, type: 30, toggle: {period: 50 ms}, for: 60 s}
  - {ioa: 2001, type: 31, constant: 2}
  - {ioa: 3001, type: 36, constant: 12.5}
  - {ioa: 4001, type: 37, constant: 77}
  - {ioa: 5001, type: 45, follows: 1001}
  - {ioa: 5003, type: 50, follows: 3001, minimum: 0, maximum: 100}
"""
RTU = """name,type,address,asdu,source,processing
M.D,Di,1001,,,
M.T,Di,1002,,,
M.Q,Qi,2001,,,
M.U,Ai,3001,,,
M.C,Ci,4001,,,
M.D.CMD,Dout,5001,45,M.IN.D,
M.P.SET,Ao,5003,50,M.IN.P,
M.NONE.CMD,Dout,9999,45,M.IN.NONE,
"""
OUT = """name,type,address,asdu,source,groups,processing
M.UP.D,Dout,11,30,M.D,1,
M.UP.T,Dout,10,30,M.T,,
M.UP.Q,Co,12,31,M.Q,1,
M.UP.U,Ao,13,36,M.U,2,
M.UP.C,Co,14,37,M.C,1,
M.UP.OWN,Ao,15,13,,,
M.IN.D,Di,21,45,,,{processing}
M.IN.P,Ai,22,50,,,
M.IN.NONE,Di,23,45,,,
M.IN.FREE,Di,24,58,,,
"""


class Centre:
    """The site of these tests: a station, a server, SELF.KOM and SRV.KOM."""

    def __init__(self, site, masters="", processing="", parameters="{CMDC: 3}", toggles=True):
        self.site = site
        self.port = free_port()
        folder = site.folder
        text = (folder / "site.yaml").read_text()
        (folder / "site.yaml").write_text(text + f"""  SRV.KOM:
    instances: {{2: {{L.CENTRE: {{listen: "127.0.0.2:{self.port}"}}}}}}
    lines:
      L.CENTRE:
        protocol: iec104-server
        category: tcp
        number: 1
        listen: "127.0.0.1:{self.port}"
        reconnect: 100 ms
        {masters}
        parameters: {{WT1: 4000, WT2: 1000, WT3: 2000}}
        stations: {{B.OUT: {{address: 1, tags: out.csv, parameters: {parameters}}}}}
""")
        (folder / "rtu.csv").write_text(RTU)
        (folder / "out.csv").write_text(OUT.replace("{processing}", processing))
        if not toggles:
            (folder / "rtu.sim.yaml").write_text(POINTS.replace("toggle: {period: 50 ms}, for: 60 s", "constant: 0"))
        self.masters = []

    def start(self, instances=(1,)):
        self.site.start_station()
        self.site.start_server()
        self.site.start_kom(0)
        for instance in instances:
            self.start_instance(instance)
        wait_for(lambda: self.site.value("M.U")["status"] == "Valid", "the station's values")
        wait_for(self.listens, "the line listens")
        return self

    def start_instance(self, instance):
        process = self.site.start(f"srv{instance}", "kom", "-W", f"SRV.KOM,{instance}", "-S", self.site.server_address)
        wait_for(lambda: any(i["instance"] == instance for i in self.process()["instances"]), "it is connected")
        return process

    def process(self):
        return self.site.tell("PROCESS", "SRV.KOM")[0]

    def line(self):
        return self.site.tell("LINE", "L.CENTRE")[0]

    def listens(self):
        return self.line()["value"]

    def master(self, instance=1, **more):
        master = Master((f"127.0.0.{instance}", self.port), **more)
        self.masters.append(master)
        return master


@pytest.fixture(name="new_centre")
def make_centre(new_site):
    made = []

    def new(**more):
        made.append(Centre(new_site(points=POINTS), **more))
        return made[-1]

    yield new
    for centre in made:
        for master in centre.masters:
            master.close()


def test_values_go_out_and_interrogations_are_answered(new_centre):
    centre = new_centre().start()
    master = centre.master().start()
    wait_for(lambda: centre.line()["flags"] == "A", "the first client's flag")
    wait_for(lambda: quality(13, master.interrogate()[13][1]) == 0, "the value is on disk, and known there")
    found = master.interrogate()
    assert number(1, found[11][1]) == 0 and number(3, found[12][1]) == 2
    assert number(13, found[13][1]) == 12.5 and quality(13, found[13][1]) == 0
    assert 14 not in found  # counters are asked for by type 101
    assert quality(13, found[15][1]) == 0xC0  # nobody gave it a value: invalid and not topical
    assert sorted(master.interrogate(group=2)) == [13]
    master.wait(lambda: len(master.found(30, 3, 10)) >= 10, "spontaneous values")
    toggles = [octets[0] for octets in master.found(30, 3, 10)]
    assert all(a != b for a, b in zip(toggles, toggles[1:]))
    assert centre.site.tell("SET", "M.UP.OWN", "3.5")["result"] == "done"
    master.wait(lambda: master.found(13, 3, 15), "a value that was set")
    assert number(13, master.found(13, 3, 15)[0]) == 3.5


def commanded(master, kind, address, element):
    """A command and all its answers: until the termination, or what refuses it."""
    since = master.command(kind, address, element)
    master.wait(lambda: any(cause != 7 or negative for cause, negative in master.answers(since, kind)), "its answer")
    return master.answers(since, kind)


def events_of(centre, tag):
    return [(row["value"], row["user"]) for row in centre.site.tell("EVENTS", tag)]


def test_commands_come_in_and_are_given_on(new_centre):
    centre = new_centre(toggles=False).start()
    site, master = centre.site, centre.master(oa=9).start()
    assert commanded(master, 45, 24, b"\x01") == [(7, False), (10, False)]
    assert all(asdu.oa == 9 for asdu in master.asdus if asdu.type == 45)
    assert events_of(centre, "M.IN.FREE") == [(True, "L.CENTRE 127.0.0.1")]
    # Given on to the station, and confirmed when the station has.
    assert commanded(master, 45, 21, b"\x01") == [(7, False), (10, False)]
    wait_for(lambda: site.value("M.D")["value"] is True, "the station's point follows")
    master.wait(lambda: master.found(30, 3, 11), "which is sent on")
    given = site.tell("COMMANDS", "M.D.CMD")
    assert [(row["result"], row["user"], row["authenticated"]) for row in given] == [("done", "L.CENTRE 127.0.0.1", False)]
    # The station's refusals are the master's, with their cause.
    assert commanded(master, 50, 22, bytes.fromhex("0000484300")) == [(7, True)]  # 200.0
    assert commanded(master, 45, 23, b"\x01") == [(47, True)]
    assert "unknown information object" in site.tell("COMMANDS", "M.NONE.CMD")[0]["reason"]
    # What fits nothing is mirrored.
    assert commanded(master, 45, 999, b"\x01") == [(47, True)]
    assert commanded(master, 46, 24, b"\x01")[0][1]
    master.ca = 2
    assert commanded(master, 45, 24, b"\x01") == [(46, True)]
    master.ca = 1
    since = master.command(45, 24, b"\x01", cause=3)
    master.wait(lambda: master.answers(since, 45), "the answer to a wrong cause")
    assert master.answers(since, 45) == [(45, True)]


def test_a_select_is_given_on_where_the_station_knows_it(new_centre):
    centre = new_centre(toggles=False)
    text = (centre.site.folder / "site.yaml").read_text()
    (centre.site.folder / "site.yaml").write_text(text.replace("tags: rtu.csv}", "tags: rtu.csv, parameters: {SBE: true}}"))
    plan = (centre.site.folder / "rtu.sim.yaml").read_text()
    (centre.site.folder / "rtu.sim.yaml").write_text(plan.replace("{ioa: 5001, type: 45, follows: 1001}",
                                                                  "{ioa: 5001, type: 45, follows: 1001, select: required}"))
    centre.start()
    site, master = centre.site, centre.master().start()
    since = master.command(45, 21, b"\x81")
    master.wait(lambda: master.answers(since, 45), "the selection's confirmation")
    assert master.answers(since, 45) == [(7, False)] and site.value("M.D")["value"] is False
    assert commanded(master, 45, 21, b"\x01") == [(7, False), (10, False)]
    wait_for(lambda: site.value("M.D")["value"] is True, "it was executed")
    # Our own commands select first, too; so does one that its master did not select.
    assert site.tell("SET", "M.D.CMD", "false")["result"] == "done"
    wait_for(lambda: site.value("M.D")["value"] is False, "it was executed")
    assert commanded(master, 45, 21, b"\x01") == [(7, False), (10, False)]
    wait_for(lambda: site.value("M.D")["value"] is True, "it was executed")


def roles(centre):
    return {i["instance"]: i["role"] for i in centre.process()["instances"]}


def set_mode(centre, on):
    assert centre.site.tell("SET_LOAD_BAL_MODE", "SRV.KOM", on)["result"] == "done"


def test_a_centre_connected_to_both_instances(new_centre):
    """The seed's scenario: commands to either instance, confirmed by that one, spontaneous values from both."""
    centre = new_centre(masters='masters: [["127.0.0.1"]]').start(instances=(1, 2))
    site = centre.site
    refused = site.run_tell("SET_LOAD_BAL_MODE", "SELF.KOM", "ON")
    assert refused.returncode == 1 and "line L.RTU connects (iec104)" in refused.stderr
    assert roles(centre) == {1: "active", 2: "passive"}
    set_mode(centre, "ON")
    wait_for(lambda: roles(centre) == {1: "active", 2: "active"}, "both act")
    assert centre.process()["mode"] == "active-active"
    epochs = [i["epoch"] for i in centre.process()["instances"]]
    assert len(set(epochs)) == 2
    one = centre.master(1).start()
    wait_for(lambda: "listens" in (site.folder / "srv2.log").read_text(), "instance 2 listens")
    two = centre.master(2).start()
    for master in (one, two):
        since = len(master.found(30, 3, 10))
        master.wait(lambda: len(master.found(30, 3, 10)) > since + 5, "spontaneous values")
    line = centre.line()
    assert {c["instance"] for c in line["connections"]} == {1, 2} and line["flags"] == "A"
    # The same events went to both, as far as both had begun.
    times = [[octets[1:] for octets in master.found(30, 3, 10)] for master in (one, two)]
    assert set(times[1][1:-5]) <= set(times[0])
    for index, master in enumerate((one, two, one)):
        assert commanded(master, 45, 21, bytes([1 - index % 2])) == [(7, False), (10, False)]
        wait_for(lambda wanted=index % 2 == 0: site.value("M.D")["value"] is wanted, "the station's point follows")
    assert [row["result"] for row in site.tell("COMMANDS", "M.D.CMD")] == ["done"] * 3
    # It holds over a restart of the server, and ends with a hand-over back to one.
    site.processes[1].end()
    site.start_server()
    wait_for(lambda: roles(centre) == {1: "active", 2: "active"}, "both act again")
    set_mode(centre, "OFF")
    wait_for(lambda: sorted(roles(centre).values()) == ["active", "passive"], "one acts")
    assert centre.process()["mode"] == "single"


@pytest.mark.parametrize("processing, comes_through", [("changes-only", False), ("changes-only; new-time", True)])
def test_the_trap_of_two_instances_and_its_way_out(new_centre, processing, comes_through):
    """TRUE to one instance, FALSE to the other, whose last value was FALSE: with changes-only it is lost."""
    centre = new_centre(processing=processing, toggles=False).start(instances=(1, 2))
    set_mode(centre, "ON")
    wait_for(lambda: "listens" in (centre.site.folder / "srv2.log").read_text(), "instance 2 listens")
    one, two = centre.master(1).start(), centre.master(2).start()
    for master, value in ((one, 0), (two, 0), (one, 1), (two, 0)):
        assert commanded(master, 45, 21, bytes([value])) == [(7, False), (10, False)]
    assert centre.site.value("M.IN.D")["value"] is not comes_through
    wait_for(lambda: centre.site.value("M.D")["value"] is not comes_through, "the station has what came through")


def test_nothing_is_lost_to_a_group_when_its_instance_dies(new_centre):
    """Events go on with another instance where the masters' acknowledgement ended, in order, each once."""
    centre = new_centre(masters='masters: [["127.0.0.1"]]')
    text = (centre.site.folder / "site.yaml").read_text()
    (centre.site.folder / "site.yaml").write_text(text.replace("lease: 3 s", "lease: 1 s"))
    centre.start(instances=(1, 2))
    site = centre.site
    events = []

    def collect(master):
        events.extend(octets for octets in master.found(30, 3, 10))

    master = centre.master(1).start()
    for round_number in range(4):
        wanted = len(master.found(30, 3, 10)) + 8
        master.wait(lambda: len(master.found(30, 3, 10)) >= wanted, "values")
        acting = next(number for number, role in roles(centre).items() if role == "active")
        if round_number == 2:
            site.processes[1].end()  # the server
            site.start_server()
        else:
            srv = [p for p in site.processes if p.name == f"srv{acting}" and p.runs()][0]
            srv.signal(signal.SIGKILL)
            srv.popen.wait(20)
        while not master.closed:
            master.read()
        collect(master)
        if round_number != 2:
            centre.start_instance(acting)
        wait_for(lambda: "active" in roles(centre).values(), "an instance acts")

        def connect():
            acting = next(number for number, role in roles(centre).items() if role == "active")
            try:
                return centre.master(acting)
            except ConnectionError:
                return None

        master = wait_for(connect, "a listening instance").start()
    master.wait(lambda: len(master.found(30, 3, 10)) >= 8, "values")
    collect(master)
    kept = [(row["value"], row["time"]) for row in site.tell("EVENTS", "M.UP.T")]
    # Repeats are those whose acknowledgement was lost with the connection: at the joint, never further back.
    once = [octets for index, octets in enumerate(events) if octets not in events[max(0, index - 30):index]]
    values = [octets[0] for octets in once]
    assert all(a != b for a, b in zip(values, values[1:])), "an event is missing"
    assert 32 <= len(once) <= len(kept)
