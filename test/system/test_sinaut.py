"""Two sites, each with two instances, on the two ends of a Sinaut line: real processes, two networks, eight connections.

The networks are 127.1.0.0/16 and 127.2.0.0/16 of the loopback, so that no privilege is needed. WEST connects, EAST waits for it.
"""

import json
import signal
import subprocess
import threading
import time

import pytest

from komet_site import KOMET, Process, free_port, wait_for

TAGS = """name,type,address,asdu
M.{own}.OUT,Ao,"0,0,10",13
M.{own}.EVENT,Dout,"0,0,11",30
M.{own}.IN,Ai,"0,0,{is_in}",
M.{own}.SET,Ao,"0,0,40",50
M.{own}.GOT,Ai,"0,0,40",
M.{own}.SEEN,Di,"0,0,{seen}",
"""


class End:
    """One of the two sites."""

    def __init__(self, folder, name, instances, line):
        self.folder, self.name, self.processes = folder, name, []
        folder.mkdir()
        self.server = f"127.0.0.1:{free_port()}"
        (folder / "site.yaml").write_text(
            f"""site: {name}
group: {{name: {name}, lease: 600 ms, servers: [{{name: A, listen: "{self.server}"}}]}}
processes:
  SELF.KOM:
    instances: {instances}
    lines:
      L.{name}:
        protocol: iec104-sinaut
        category: tcp-redundant
        reconnect: 200 ms
{line}
        stations: {{B.{name}: {{address: "2,1", tags: tags.csv}}}}
"""
        )

    def start(self, what, *arguments):
        process = Process(f"{self.name}-{what}", self.folder, list(arguments))
        self.processes.append(process)
        return process

    def start_kom(self, instance):
        return self.start(f"kom{instance}", "kom", "-W", f"SELF.KOM,{instance}", "-S", self.server)

    def run_tell(self, *words):
        return subprocess.run([KOMET, "tell", "-s", self.server, "-o", "json", *words], text=True, capture_output=True,
                              timeout=60, check=False)

    def tell(self, *words):
        done = self.run_tell(*words)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return json.loads(done.stdout)

    def value(self, tag):
        return self.tell("TAG", tag)[0]["value"]

    def line(self):
        return self.tell("LINE", f"L.{self.name}")[0]

    def knows_hot(self, name=None):
        """The instance that acts knows who is HOT; `name`: it is this one."""
        line = self.line()
        return any(c["role"] == "HOT" and c["instance"] == line["instance"] and name in (None, c["partner"])
                   for c in line["connections"])

    def active(self):
        done = self.run_tell("PROCESS", "SELF.KOM")
        active = [i["instance"] for i in json.loads(done.stdout)[0]["instances"] if i["role"] == "active"]
        return active[0] if active else None


@pytest.fixture(name="ends")
def make_ends(tmp_path):
    ports = [free_port(), free_port()]
    west = End(
        tmp_path / "west", "WEST",
        "{1: {L.WEST: {local: [127.1.0.11, 127.2.0.11]}}, 2: {L.WEST: {local: [127.1.0.12, 127.2.0.12]}}}",
        f"""        number: 7
        parameters: {{PTO: 300 ms, PCNT: 2}}
        partners:
          - {{name: E1, addresses: ["127.1.0.1:{ports[0]}", "127.2.0.1:{ports[0]}"]}}
          - {{name: E2, addresses: ["127.1.0.2:{ports[1]}", "127.2.0.2:{ports[1]}"]}}""",
    )
    east = End(
        tmp_path / "east", "EAST",
        f"{{1: {{L.EAST: {{parameters: {{SP: {ports[0]}}}}}}}, 2: {{L.EAST: {{parameters: {{SP: {ports[1]}}}}}}}}}",
        f"""        number: 8
        parameters: {{SP: {ports[0]}, SH: ALL}}
        partners: [[127.1.0.11, 127.2.0.11], [127.1.0.12, 127.2.0.12]]""",
    )
    (west.folder / "tags.csv").write_text(TAGS.format(own="WEST", is_in=20, seen=21))
    (east.folder / "tags.csv").write_text(
        TAGS.format(own="EAST", is_in=10, seen=11).replace('"0,0,10",13', '"0,0,20",13').replace('"0,0,11",30', '"0,0,21",30')
    )
    for end in (west, east):
        end.start("server", "server", "--site", ".", "--data", "data")
        wait_for(lambda one=end: one.run_tell("VERSION").returncode == 0, "the server answers")
    for end in (east, west):
        end.koms = [end.start_kom(1)]
        wait_for(lambda one=end: one.active() == 1, "instance 1 acts")
        end.koms.append(end.start_kom(2))
    yield west, east
    for end in (west, east):
        for process in end.processes:
            process.end()
            print(f"---- {process.name}\n{process.text()[-3000:]}")


def wait_value(end, tag, value, what):
    wait_for(lambda: end.value(tag) == value, what)


def eight_stand(end, partners):
    """The four of instance 1, which acts, and the four of the passive one."""
    return [(c["instance"], c["partner"], c["path"][0], c["state"]) for c in end.line()["connections"]] == [
        (instance, partner, network, "started") for instance in (1, 2) for partner in partners for network in "12"]


def both_know_who_is_hot(west, east):
    for end in (west, east):
        wait_for(lambda one=end: one.line()["value"] and one.knows_hot(),
                 f"{end.name} has four connections and knows who is HOT")


def exchange(west, east, number):
    """A value and a command each way."""
    west.tell("SET", "M.WEST.OUT", str(number))
    wait_value(east, "M.EAST.IN", number, "west's value in the east")
    east.tell("SET", "M.EAST.OUT", str(number + 1))
    wait_value(west, "M.WEST.IN", number + 1, "east's value in the west")
    west.tell("SET", "M.WEST.SET", str(number + 2))
    wait_value(east, "M.EAST.GOT", number + 2, "west's command in the east")
    east.tell("SET", "M.EAST.SET", str(number + 3))
    wait_value(west, "M.WEST.GOT", number + 3, "east's command in the west")


def pinged_for_a_while(end):
    """Its addresses answer, where this machine lets us ping; else it says so, and takes none for dead."""
    told = time.monotonic() + 1.5  # more than PTO times PCNT, from each of its instances
    wait_for(lambda: time.monotonic() > told, "pings")
    assert not any("is dead on network" in kom.text() for kom in end.koms)


def test_two_redundant_sites_exchange_values_and_commands_whoever_is_killed(ends):
    west, east = ends
    both_know_who_is_hot(west, east)
    exchange(west, east, 10)
    pinged_for_a_while(west)
    wait_for(lambda: eight_stand(west, ["E1", "E2"]) and eight_stand(east, ["A", "B"]), "each instance has its four connections")

    west.koms[0].signal(signal.SIGKILL)
    wait_for(lambda: west.active() == 2, "west's second instance acts")
    wait_for(west.knows_hot, "it knows who is HOT in the east")
    west.tell("SET", "M.WEST.OUT", "20.0")
    wait_value(east, "M.EAST.IN", 20, "a value of west's second instance")
    seen = [row["status"] for row in east.tell("EVENTS", "M.EAST.IN") if row["cot"] != 0]  # 0: by a hard error of the station
    assert "Invalid" not in seen[seen.index("Valid"):], "west's second instance answers with what the first one was told"

    east.koms[0].signal(signal.SIGKILL)
    wait_for(lambda: east.active() == 2, "east's second instance acts")
    wait_for(lambda: west.knows_hot("E2"), "west sees that E2 is HOT")
    wait_for(east.knows_hot, "it knows who is HOT in the west")
    exchange(west, east, 50)


def edit(end, name, before, after):
    path = end.folder / name
    text = path.read_text()
    assert text.count(before) == 1, f"{name}: {before}"
    path.write_text(text.replace(before, after))


def reload(end):
    assert end.tell("RELOAD")["result"] == "done"


def connects(end):
    """How often its instances have connected to the other end."""
    return [kom.text().count(f"L.{end.name}: connected to") for kom in end.koms]


def test_over_reloads_connections_stand_and_each_value_comes_once(ends):
    west, east = ends
    both_know_who_is_hot(west, east)
    exchange(west, east, 10)
    wait_for(lambda: connects(west) == [4, 4], "both instances have their connections")
    values, ended = [], threading.Event()

    def toggle():
        while not ended.is_set():
            value = len(values) % 2 == 0
            done = west.run_tell("SET", "M.WEST.EVENT", "true" if value else "false")
            assert done.returncode == 0, done.stdout
            values.append(value)

    def seen():
        return [row["value"] for row in east.tell("EVENTS", "M.EAST.SEEN") if row["cot"] == 3]

    def more_values():
        count = len(seen())
        wait_for(lambda: len(seen()) > count + 3, "values go on")

    sender = threading.Thread(target=toggle)
    sender.start()
    try:
        more_values()
        for end in (west, east):
            reload(end)  # nothing has changed
        more_values()
        edit(west, "tags.csv", "M.WEST.OUT", 'M.WEST.FIRST,Ai,"0,0,90",\nM.WEST.OUT')
        edit(east, "tags.csv", "M.EAST.OUT", 'M.EAST.FIRST,Ao,"0,0,90",13\nM.EAST.OUT')
        for end in (east, west):
            reload(end)  # all tags have other numbers
        more_values()
        edit(west, "site.yaml", "reconnect: 200 ms", "reconnect: 300 ms")
        edit(west, "tags.csv", 'M.WEST.FIRST,Ai,"0,0,90",\n', "")
        reload(west)
        more_values()
    finally:
        ended.set()
        sender.join()
    exchange(west, east, 20)
    wait_for(lambda: len(seen()) >= len(values), "all values have come")
    assert seen() == values
    assert connects(west) == [4, 4]
    assert (west.active(), east.active()) == (1, 1)


def test_written_values_outlive_the_instance_that_took_them(ends):
    west, east = ends
    both_know_who_is_hot(west, east)
    written = 0
    for killed in (1, 2, 1, 2):
        wait_for(lambda acts=killed: west.active() == acts and west.knows_hot(), f"west's instance {killed} acts and knows who is HOT")
        for kom in east.koms:
            kom.signal(signal.SIGSTOP)  # its connections stand; k of the values are under way, and the others wait
        for _ in range(20):
            assert west.tell("SET", "M.WEST.EVENT", "true" if written % 2 == 0 else "false")["result"] == "done"
            written += 1
        west.koms[killed - 1].signal(signal.SIGKILL)
        for kom in east.koms:
            kom.signal(signal.SIGCONT)
        wait_for(lambda other=3 - killed: west.active() == other, "the other instance acts")
        west.koms[killed - 1] = west.start_kom(killed)

    def seen():
        return [row["value"] for row in east.tell("EVENTS", "M.EAST.SEEN") if row["cot"] == 3]

    wait_for(lambda: len(seen()) >= written, "all values have come")
    assert seen() == [number % 2 == 0 for number in range(written)]
