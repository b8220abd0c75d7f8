"""RELOAD and lines of other protocols than iec104: masters that connect, and the two ends of a Sinaut line, notice nothing."""

import datetime

import pytest

from komet_master import number
from komet_site import free_port, wait_for
from test_masters import Centre
from test_reload import edit

COUNT, SECONDS = 20, 16
POINTS = f"""ca: 1
points:
  - {{ioa: 1001, type: 30, count: {COUNT}, toggle: {{period: 100 ms}}, for: {SECONDS} s}}
  - {{ioa: 3001, type: 36, constant: 12.5}}
"""
NAMES = [f"E{n:02d}" for n in range(COUNT)]
RTU = "name,type,address\n" + "".join(f"M.{name},Di,{1001 + n}\n" for n, name in enumerate(NAMES)) + "M.U,Ai,3001\n"
OUT = ("name,type,address,asdu,source\n" + "".join(f"M.UP.{name},Dout,{101 + n},30,M.{name}\n" for n, name in enumerate(NAMES))
       + "M.UP.U,Ao,3,36,M.U\nM.IN.D,Di,21,45,\n")


def moment(octets):
    """Milliseconds of the minute that a time tag says, and the value."""
    return int.from_bytes(octets[1:3], "little"), octets[0] & 1


def journaled(site, mask):
    """{last letters of the name: [(milliseconds of the minute, value)]}."""
    found = {}
    for row in site.tell("EVENTS", mask):
        time = datetime.datetime.strptime(row["time"], "%Y-%m-%dT%H:%M:%S.%f%z")
        found.setdefault(row["name"][-3:], []).append((time.second * 1000 + time.microsecond // 1000, int(row["value"])))
    return found


def count(found):
    return sum(map(len, found.values()))


@pytest.mark.parametrize("masters", ['masters: [["127.0.0.1"], ["127.0.0.3"]]', ""])
def test_masters_stand_over_reloads_and_get_each_event_once(new_site, masters):
    centre = Centre(new_site(points=POINTS), masters=masters)
    site = centre.site
    (site.folder / "rtu.csv").write_text(RTU)
    (site.folder / "out.csv").write_text(OUT)
    edit(site, "site.yaml", "{WT1: 4000, WT2: 1000, WT3: 2000}", "{WT1: 60000, WT2: 1000}")  # these masters read at leisure
    centre.start()
    clients = [centre.master(own="127.0.0.1").start(), centre.master(own="127.0.0.3").start()]

    def events(client):
        return [(NAMES[at - 101], moment(octets)) for asdu in client.asdus if asdu.type == 30 and asdu.cause == 3
                for at, octets in asdu.objects]

    def read_all():
        for client in clients:
            client.read(0.001)
            assert not client.closed, "a master's connection was closed"

    def read_until(wanted, what):
        def came():
            read_all()
            return all(len(events(client)) >= events_wanted for client, events_wanted in zip(clients, wanted))

        wait_for(came, what, seconds=60)

    def all_generated():
        read_all()  # a master that is silent for too long is closed
        return count(journaled(site, "M.E*")) >= SECONDS * 10 * COUNT

    def more_events():
        read_until([len(events(client)) + 200 for client in clients], "events go on")

    def reload():
        more_events()
        answer = site.tell("RELOAD")
        assert answer["result"] == "done"
        more_events()

    before = centre.line()["connections"]
    assert [connection["state"] for connection in before] == ["started", "started"]
    reload()  # nothing has changed
    edit(site, "out.csv", "M.UP.E00,", "M.FIRST,Ao,1,36,M.U\nM.UP.E00,")
    reload()  # all numbers have, and the line has one more
    assert number(13, clients[0].interrogate()[1][1]) == 12.5  # with the value of what it follows
    edit(site, "out.csv", "M.UP.U,Ao,3,36,M.U\n", "")
    edit(site, "rtu.csv", "M.E00,", "M.ZERO,Di,7\nM.E00,")
    reload()  # one less
    edit(site, "out.csv", "M.FIRST,Ao,1,36,M.U\n", "")
    edit(site, "site.yaml", "      L.CENTRE:\n        protocol", f"""      L.BEFORE:
        protocol: iec104-server
        category: tcp
        number: 9
        listen: "127.0.0.1:{free_port()}"
        stations: {{B.BEFORE: {{address: 1, tags: before.csv}}}}
      L.CENTRE:
        protocol""")
    (site.folder / "before.csv").write_text("name,type,address,asdu,source\nM.BEFORE,Ao,1,36,M.U\n")
    reload()  # a line in front
    assert centre.line()["connections"] == before

    wait_for(all_generated, "the station has generated everything", seconds=60)
    kept = journaled(site, "M.UP.E*")
    for client in clients:
        first = {name: next(event for at, event in events(client) if at == name) for name in NAMES}
        expected = {name: kept[name][kept[name].index(first[name]):] for name in NAMES}
        read_until([count(expected) if one is client else 0 for one in clients], "all that is kept")
        got = {name: [event for at, event in events(client) if at == name] for name in NAMES}
        assert got == expected
        assert not masters or expected == kept  # without a group it begins with what comes
