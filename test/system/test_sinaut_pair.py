"""A Sinaut line against a simulated Sinaut pair, either end connecting: what it does when HOT moves, when paths and systems
are lost, and when the pair misbehaves (doc/sinaut.md).
"""

import os
import signal
import time

import pytest

from komet_site import free_port, wait_for
from sinaut_pair import KometEnd, Pair, check_every_event, longest_pause, print_pauses

ROUNDS = 40 if os.environ.get("KOMET_SOAK") else 4

TAGS = """M.D1,Di,11,
M.D2,Di,12,
M.U,Ai,21,
M.C,Ci,31,
M.D1.CMD,Dout,41,45
M.U.SET,Ao,42,50
M.NONE.CMD,Dout,43,45
M.OD,Dout,"0,1,1",30
M.OU,Ao,"0,1,2",36
M.GOT,Ai,"0,0,77",
"""
STATIONS = """stations:
  - ca: "2,1"
    points:
      - {ioa: 11, type: 30, count: 2, constant: 0}
      - {ioa: 21, type: 13, constant: 12.5}
      - {ioa: 31, type: 15, constant: 77}
      - {ioa: 41, type: 45, follows: 11}
      - {ioa: 42, type: 50, follows: 21}
"""
# 2,000 events a second. k is so large that one sync of the journal does not hold the pair up; K of the line is the same, so
# that each repeat is known.
MANY_PARAMETERS = "WT1: 2000, WT2: 500, WT3: 1000, K: 100"
MANY = """k: 100
w: 50
stations:
  - {ca: 513, points: [{ioa: 1001, type: 30, count: 200, toggle: {period: 100 ms}}]}
"""
MANY_TAGS = "".join(f"M.T{n:03d},Di,{1001 + n},\n" for n in range(200))
SITE = """site: s
group: {{name: S, lease: 600 ms, servers: [{{name: A, listen: "SERVER"}}]}}
processes:
  SELF.KOM:
    lines:
      L.S:
        protocol: iec104-sinaut
        category: tcp-redundant
        number: 7
        reconnect: 200 ms
        parameters: {{{parameters}}}
        partners: [{{name: A, addresses: {a}}}, {{name: B, addresses: {b}}}]
        local: [127.1.0.11, 127.2.0.11]
        stations: {{B.S: {{address: "2,1", tags: tags.csv}}}}
"""


class Ends:
    """A Komet site and a pair, the one connecting to the other."""

    def __init__(self, folder, parameters="WT1: 2000, WT2: 500, WT3: 1000", pair_keys="", komet_connects=True,
                 stations=STATIONS, tags=TAGS, instances=(None,)):
        self.folder = folder
        port = free_port()
        systems = [[f"127.{network}.0.{system}:{port}" for network in (1, 2)] for system in (1, 2)]
        quoted = [str(addresses).replace("'", '"') for addresses in systems]
        if not komet_connects:
            parameters += f", SP: {port}, SH: ALL"
            quoted = [text.replace(f":{port}", "") for text in quoted]
        self.komet = KometEnd(folder, SITE.format(parameters=parameters, a=quoted[0], b=quoted[1]), tags)
        if not komet_connects:
            text = (folder / "site.yaml").read_text()
            (folder / "site.yaml").write_text(text.replace("        local: [127.1.0.11, 127.2.0.11]\n", ""))
        partners = "" if komet_connects else f'partners: [["127.1.0.11:{port}", "127.2.0.11:{port}"]]\n'
        if len(instances) > 1:
            text = (folder / "site.yaml").read_text().replace("        local: [127.1.0.11, 127.2.0.11]\n", "")
            local = ", ".join(f"{i}: {{L.S: {{local: [127.1.0.1{i}, 127.2.0.1{i}]}}}}" for i in instances)
            (folder / "site.yaml").write_text(text.replace("    lines:\n", f"    instances: {{{local}}}\n    lines:\n"))
            partners = f"partners: {[[f'127.{n}.0.1{i}' for n in (1, 2)] for i in instances]}\n".replace("'", "")
        (folder / "pair.yaml").write_text(
            f"systems: {{a: {quoted[0]}, b: {quoted[1]}}}\n{partners}connects: {str(not komet_connects).lower()}\n"
            f"reconnect: 200 ms\nt1: 2 s\nt2: 500 ms\nt3: 1 s\ntakeover: 500 ms\noriginator: 1\n{pair_keys}{stations}"
        )
        self.pair = Pair(folder)
        self.komet.start_server()
        self.koms = {instance: self.komet.start_kom(instance) for instance in instances}

    def ready(self):
        """All four are started, and Komet knows that A is HOT."""
        wait_for(lambda: [c["state"] for c in self.komet.connections()] == ["started"] * 4, "four connections are started")
        wait_for(lambda: self.komet.hot() == "A", "A is known to be HOT")
        return self

    def wait_value(self, tag, value, what):
        wait_for(lambda: self.komet.value(tag) == value, what)

    def event(self, value, hot):
        """The pair sends an event, and Komet has it from who is HOT."""
        self.pair.order(f"value 513 12 {value}")
        self.wait_value("M.D2", bool(value), "the pair's event")
        wait_for(lambda: self.komet.hot() == hot, f"{hot} is known to be HOT")

    def end(self):
        self.pair.end()
        print(f"---- pair\n{self.pair.text()[-6000:]}")
        self.komet.end()


@pytest.fixture(name="new_ends")
def make_ends(tmp_path):
    made = []

    def new(**more):
        made.append(Ends(tmp_path, **more))
        return made[-1]

    yield new
    for ends in made:
        ends.end()


@pytest.mark.parametrize("komet_connects", [True, False], ids=["komet-connects", "pair-connects"])
def test_values_and_commands_both_ways(new_ends, komet_connects):
    ends = new_ends(komet_connects=komet_connects).ready()
    komet, pair = ends.komet, ends.pair
    ends.wait_value("M.U", 12.5, "an interrogated value")
    ends.wait_value("M.C", 77, "an interrogated total")
    ends.event(1, "A")
    # A command of ours is executed, confirmed, and seen in the value that follows it.
    assert komet.tell("SET", "M.D1.CMD", "ON")
    ends.wait_value("M.D1", True, "what the command moved")
    assert komet.tell("SET", "M.U.SET", "14.5")
    ends.wait_value("M.U", 14.5, "what the set point moved")
    assert komet.run_tell("SET", "M.NONE.CMD", "ON").returncode == 1
    # Our values go to both systems.
    komet.tell("SET", "M.OU", "230.5")
    for path in ("a1", "b1"):
        wait_for(lambda one=path: pair.got(path=one, ioa=258, cause=3, value=230.5) or
                 pair.got(path=one.replace("1", "2"), ioa=258, cause=3, value=230.5), f"our value on {path} or its other path")
    # A command of the pair's sets our input, and is confirmed with its originator.
    pair.order("command 2,1 0,0,77 50 33.5")
    ends.wait_value("M.GOT", 33.5, "the pair's command")
    wait_for(lambda: pair.got(type=50, cause=10, negative=0, value=33.5), "its confirmation and termination")
    # The pair interrogates us, HOT and standby alike.
    for system in "ab":
        pair.order(f"interrogate {system}")
        wait_for(lambda one=system: [row for row in pair.got(cause=20, ioa=258, value=230.5) if row["path"][0] == one],
                 f"our values in answer to {system}")
    assert not pair.got(negative=1, type=100)


def test_hot_moves(new_ends):
    ends = new_ends().ready()
    ends.event(1, "A")
    ends.pair.order("hot b")
    ends.event(0, "B")
    assert ends.komet.tell("SET", "M.D1.CMD", "ON")
    ends.wait_value("M.D1", True, "the command went to B")
    assert not ends.pair.got(path="a1", type=45) and not ends.pair.got(path="a2", type=45)
    ends.pair.order("hot a")
    ends.event(1, "A")


@pytest.mark.parametrize("how", ["lose", "freeze"])
def test_a_path_is_lost(new_ends, how):
    ends = new_ends().ready()
    first = ends.komet.data_path("A")
    ends.pair.order(f"{how} path a{first}")
    ends.komet.tell("SET", "M.OU", "1.5")
    ends.event(1, "A")
    wait_for(lambda: ends.komet.data_path("A") == 3 - first, "the other path carries data")
    other = f"a{3 - first}"
    wait_for(lambda: ends.pair.got(path=other, ioa=258, value=1.5), "our value over the other path")
    ends.pair.order("restore all")
    wait_for(lambda: ends.komet.line()["value"], "four connections are there again")
    assert ends.komet.data_path("A") == 3 - first  # no way back
    ends.event(0, "A")


def test_a_system_is_lost_and_then_the_other_one(new_ends):
    ends = new_ends().ready()
    ends.pair.order("lose system a")
    ends.event(1, "B")
    assert ends.komet.tell("SET", "M.D1.CMD", "ON")
    ends.pair.order("restore all")
    wait_for(lambda: ends.komet.line()["value"], "four connections are there again")
    ends.pair.order("lose system b")
    ends.event(0, "A")


def test_both_are_lost_and_come_again(new_ends):
    ends = new_ends(parameters="WT1: 2000, WT2: 500, WT3: 1000, SCE: 2, SHE: 4").ready()
    ends.pair.order("lose all")
    wait_for(lambda: ends.komet.tag("M.U")["status"] == "Invalid", "the values of a lost station are invalid")
    refused = ends.komet.run_tell("SET", "M.D1.CMD", "ON")
    assert refused.returncode == 1 and "not connected" in refused.stdout + refused.stderr
    for value in (1, 0, 1):
        ends.pair.order(f"value 513 12 {value}")
    ends.komet.run_tell("SET", "M.OU", "7.5")  # is not connected: the newest value is kept for the interrogation
    ends.pair.order("restore all")
    ends.wait_value("M.D2", True, "the newest event")
    ends.wait_value("M.U", 12.5, "a value of the interrogation")
    wait_for(lambda: len([row for row in ends.komet.tell("EVENTS", "M.D2") if row["cot"] == 3]) == 3, "all three events")
    wait_for(lambda: ends.pair.got(ioa=258, value=7.5), "our value")


# ---- misbehaviour ----

def test_a_late_confirmation_is_waited_for(new_ends):
    ends = new_ends(parameters="WT1: 2000, WT2: 500, WT3: 1000, WTn: 8000").ready()
    ends.pair.order("misbehave late-confirmation 1 s")
    assert ends.komet.tell("SET", "M.D1.CMD", "ON")
    assert ends.komet.line()["value"]


def test_no_confirmation_closes_the_path(new_ends):
    ends = new_ends(parameters="WT1: 2000, WT2: 500, WT3: 1000, WTn: 500").ready()
    first = ends.komet.data_path("A")
    ends.pair.order("misbehave no-confirmation")
    done = ends.komet.run_tell("SET", "M.D1.CMD", "ON")
    assert done.returncode == 1 and "no confirmation within WTn" in done.stdout + done.stderr
    wait_for(lambda: ends.komet.data_path("A") == 3 - first, "the other path carries data")
    ends.pair.order("behave")
    ends.wait_value("M.D1", False, "the command was not executed again")
    assert ends.komet.tell("SET", "M.D1.CMD", "ON")


def test_a_confirmation_of_another_station_is_none(new_ends):
    ends = new_ends(parameters="WT1: 2000, WT2: 500, WT3: 1000, WTn: 500").ready()
    ends.pair.order("misbehave wrong-ca")
    done = ends.komet.run_tell("SET", "M.D1.CMD", "ON")
    assert done.returncode == 1 and "no confirmation within WTn" in done.stdout + done.stderr
    assert ends.komet.said("no input tag has common address 65534")
    assert ends.komet.value("M.D1") is False
    ends.pair.order("behave")
    ends.event(1, "A")


def test_a_missing_termination_ends_nothing(new_ends):
    """CMDC 3: the first of both counts. An interrogation that is not terminated closes nothing."""
    ends = new_ends(parameters="WT1: 2000, WT2: 500, WT3: 1000, WTn: 600")
    ends.ready()
    ends.pair.order("misbehave no-termination")
    assert ends.komet.tell("SET", "M.D1.CMD", "ON")
    done = ends.komet.run_tell("INTERROGATE", "B.S")
    assert done.returncode == 1 and "WTn" in done.stdout + done.stderr
    assert ends.komet.line()["value"]
    ends.event(1, "A")


def test_a_negative_confirmation_refuses(new_ends):
    ends = new_ends().ready()
    ends.pair.order("misbehave negative")
    done = ends.komet.run_tell("SET", "M.D1.CMD", "ON")
    assert done.returncode == 1 and "negative confirmation" in done.stdout + done.stderr
    assert ends.komet.value("M.D1") is False and ends.komet.line()["value"]


def test_a_standby_that_sends_is_the_latest_to_deliver(new_ends):
    ends = new_ends().ready()
    ends.event(1, "A")
    ends.pair.order("misbehave standby-sends b")
    for value in (0, 1, 0):
        ends.pair.order(f"value 513 12 {value}")
        ends.wait_value("M.D2", bool(value), "the event, once")
    wait_for(lambda: ends.komet.said("both partners deliver"), "the conflict is told")
    values = [row["value"] for row in ends.komet.tell("EVENTS", "M.D2") if row["cot"] == 3]
    assert values == [True, False, True, False], "each event once, whoever sent it"


@pytest.mark.parametrize("mark, parameter", [("mark-cf3", "ICF3"), ("mark-test", "IT")])
def test_marked_values_of_a_standby_are_ignored(new_ends, mark, parameter):
    ends = new_ends(parameters=f"WT1: 2000, WT2: 500, WT3: 1000, {parameter}: yes").ready()
    ends.pair.order(f"misbehave {mark} b")
    ends.pair.order("misbehave standby-sends b")
    for value in (1, 0, 1):
        ends.event(value, "A")
    assert not ends.komet.said("both partners deliver")
    assert ends.komet.line()["value"]


# ---- more processes, and how long it takes ----

def test_each_system_in_a_process_of_its_own(new_ends):
    """They know nothing of each other: HOT moves by orders to both, and one is killed."""
    ends = new_ends(pair_keys="play: a\n")
    text = (ends.folder / "pair.yaml").read_text()
    (ends.folder / "other.yaml").write_text(text.replace("play: a", "play: b"))
    other = Pair(ends.folder, "other")
    try:
        ends.ready()
        ends.event(1, "A")
        for pair in (ends.pair, other):
            pair.order("hot b")
        other.order("value 513 12 0")
        ends.wait_value("M.D2", False, "B's event")
        wait_for(lambda: ends.komet.hot() == "B", "B is known to be HOT")
        assert len(ends.pair.sent()) == 1 and len(other.sent()) == 1
        ends.pair.signal(signal.SIGKILL)
        other.order("value 513 12 1")
        ends.wait_value("M.D2", True, "B's event")
        wait_for(lambda: [c["state"] for c in ends.komet.connections()][2:] == ["started"] * 2, "B's connections stay")
    finally:
        other.end()
        print(f"---- other\n{other.text()[-3000:]}")


def active(komet):
    instances = komet.tell("PROCESS", "SELF.KOM")[0]["instances"]
    return next((i["instance"] for i in instances if i["role"] == "active"), None)


def both_stand(komet):
    """Each of the four connections of the active instance and of the passive one is started, those of the active one first."""
    acting = active(komet)
    paths = [(partner, network) for partner in "AB" for network in "12"]
    started = [(c["instance"], c["partner"], c["path"][0]) for c in komet.connections() if c["state"] == "started"]
    return started == [(instance, *path) for instance in (acting, 3 - (acting or 0)) for path in paths]


def test_instances_are_killed_and_every_event_is_stored_once(new_ends):
    """Two instances, eight connections; HOT moves meanwhile. 100 events a second: what a passive instance keeps, the events of
    the last K frames, is then more than what comes until it acts."""
    few = MANY.replace("period: 100 ms", "period: 2 s")
    ends = new_ends(parameters=MANY_PARAMETERS, stations=few, tags=MANY_TAGS, instances=(1, 2))
    komet = ends.komet

    def events_come(what):
        seq = komet.newest_seq()
        wait_for(lambda: komet.newest_seq() > seq + 100, what)

    wait_for(lambda: both_stand(komet), "both instances have started their connections")
    for hot in "ba":
        before = active(komet)
        events_come("events come")
        ends.koms[before].signal(signal.SIGKILL)
        ends.koms[before].popen.wait(20)
        wait_for(lambda: active(komet) == 3 - before, "the other instance acts")
        events_come("events come to it")
        ends.pair.order(f"hot {hot}")
        events_come("events come from the other system")
        ends.koms[before] = komet.start_kom(before)
        wait_for(lambda: both_stand(komet), "both instances have started their connections again")
    print(f"{check_every_event(komet, ends.pair, lambda ioa: f'M.T{ioa - 1001:03d}')} events")


def pause_by(ends, order):
    """The longest time without an event after an order, in s."""
    seq, begin = ends.komet.newest_seq(), time.time()
    ends.pair.order(order)
    wait_for(lambda: ends.komet.newest_event() > begin + 0.5, "events come again")
    return longest_pause(ends.komet.arrivals(seq), begin, time.time())


def test_how_long_no_event_comes(new_ends):
    """2,000 events a second; the path that carries them is reset, HOT moves. Each event is stored once."""
    ends = new_ends(parameters=MANY_PARAMETERS, stations=MANY, tags=MANY_TAGS).ready()
    pauses = {"a path reset": [], "HOT moved": []}
    for _ in range(ROUNDS):
        hot = ends.komet.hot()
        pauses["a path reset"].append(pause_by(ends, f"lose path {hot.lower()}{ends.komet.data_path(hot)}"))
        ends.pair.order("restore all")
        wait_for(lambda: ends.komet.line()["value"], "four connections are there again")
        other = "B" if hot == "A" else "A"
        pauses["HOT moved"].append(pause_by(ends, f"hot {other.lower()}"))
        wait_for(lambda one=other: ends.komet.hot() == one, f"{other} is known to be HOT")
    for what, found in pauses.items():
        print_pauses(what, found)
    print(f"{check_every_event(ends.komet, ends.pair, lambda ioa: f'M.T{ioa - 1001:03d}')} events")
