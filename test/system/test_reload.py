"""RELOAD on real processes: what did not change notices nothing, and a wrong site changes nothing."""

import csv
import json
import subprocess

from komet_site import KOMET, PATIENCE_S, free_port, wait_for
from test_exactly_once import generated, journaled, lines_of

SECONDS = 12
OTHER = """      L.OTHER:
        protocol: iec104
        category: tcp
        number: 4
        hosts: ["127.0.0.1:{port}"]
        reconnect: 100 ms
        parameters: {{K: 12}}
        stations:
          B.OTHER: {{address: 1, tags: other.csv}}
"""
POINTS = f"""ca: 1
events: 200000
points:
  - {{ioa: 1001, type: 30, count: 100, toggle: {{period: 100 ms}}, for: {SECONDS} s}}
"""
TAGS = "".join(f"M.T{n:03d},Di,{1001 + n},,,\n" for n in range(100))
OTHER_POINTS = """ca: 1
points:
  - {ioa: 1, type: 30, constant: 1}
  - {ioa: 2, type: 36, constant: 7.5}
"""
HEADING = "name,type,address,asdu,unit,description\n"


def edit(site, name, before, after):
    path = site.folder / name
    text = path.read_text()
    assert text.count(before) == 1, f"{name}: {before}"
    path.write_text(text.replace(before, after))


def two_lines(new_site, **more):
    """Two stations on two lines, and two instances."""
    port = free_port()
    site = new_site(site_extra=OTHER.format(port=port), **more)
    (site.folder / "other.csv").write_text(HEADING + "M.OTHER.D,Di,1,,,\n")
    (site.folder / "other.sim.yaml").write_text(OTHER_POINTS)
    site.station = site.start_station("--log", "generated.csv")
    site.other = site.start("other", "sim", "other.sim.yaml", "--listen", f"127.0.0.1:{port}")
    site.server = site.start_server()
    site.koms = [site.start_kom(1), site.start_kom(2)]
    wait_for(lambda: site.instance(1) and site.instance(2), "both instances are connected")
    wait_for(lambda: site.value("M.OTHER.D")["status"] == "Valid", "values are there")
    return site


def connections(process):
    return process.text().count(": connected from ")


def line(site, name):
    return site.tell("LINE", name)[0]


def test_events_flow_on_over_reloads_and_an_untouched_line_keeps_its_connection(new_site):
    site = two_lines(new_site, points=POINTS, tags=TAGS, lease="600 ms")
    log = site.folder / "generated.csv"

    def more_events():
        count = len(lines_of(log))
        wait_for(lambda: len(lines_of(log)) > count + 1000, "events go on")

    acting = site.active(), site.instance(site.active())["epoch"]
    more_events()
    edit(site, "other.csv", "M.OTHER.D", "M.OTHER.U,Ai,2,,,\nM.OTHER.D")
    answer = site.tell("RELOAD")
    assert answer["result"] == "done" and answer["configuration"] == 1
    changes = {row["of"]: (row["added"], row["removed"], row["changed"]) for row in answer["changes"]}
    assert changes == {"lines": (0, 0, 1), "stations": (0, 0, 1), "tags": (1, 0, 0)}
    wait_for(lambda: site.value("M.OTHER.U")["value"] == 7.5, "the new tag has been asked for")
    assert connections(site.other) == 1
    more_events()
    (site.folder / "front.csv").write_text(HEADING + "M.FRONT,Di,7,,,\n")
    edit(site, "site.yaml", "    lines:\n", "    lines:\n" + OTHER.format(port=free_port()).replace("L.OTHER", "L.FRONT")
         .replace("B.OTHER", "B.FRONT").replace("other.csv", "front.csv"))  # a line and a station: all numbers change
    assert site.tell("RELOAD")["result"] == "done"
    more_events()
    edit(site, "rtu.csv", "M.T000,", "M.FIRST,Di,9,,,\nM.T000,")  # of the line itself: in place
    assert site.tell("RELOAD")["result"] == "done"
    more_events()
    edit(site, "site.yaml", "{K: 12}\n        stations:\n          B.OTHER", "{K: 13}\n        stations:\n          B.OTHER")
    assert site.tell("RELOAD")["result"] == "done"
    wait_for(lambda: connections(site.other) == 2, "the line whose K changed connects anew")
    assert line(site, "L.OTHER")["connections"][0]["reason"] == "reconfigured"

    total = SECONDS * 10 * 100
    wait_for(lambda: len(lines_of(log)) - 1 == total, "the station has generated everything", seconds=60)
    truth = generated(log)
    wait_for(lambda: sum(map(len, journaled(site.tell("EVENTS", "M.T*")).values())) >= total, "all events are stored",
             seconds=60)
    assert journaled(site.tell("EVENTS", "M.T*")) == truth
    assert connections(site.station) == 1  # L.RTU has noticed nothing
    assert (site.active(), site.instance(site.active())["epoch"]) == acting
    given = [(row["command"], row["tag"], row["value"], row["result"]) for row in site.tell("COMMANDS")]
    assert given == [("RELOAD", "test", n, "done") for n in (1, 2, 3, 4)]


def test_a_wrong_site_is_refused_whole_with_every_mistake(new_site):
    site = two_lines(new_site)
    edit(site, "site.yaml", "number: 4", "number: 400")
    edit(site, "other.csv", "M.OTHER.D,Di,1,,,\n", "M.OTHER.D,Di,1,,,\nM.BAD,Dx,2,,,\n")
    before = [tag["name"] for tag in site.tell("TAG")], site.tell("LINE")
    done = site.run_tell("RELOAD")
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and answer["result"] == "refused"
    found = {(row["file"], row["line"], row["column"]) for row in answer["mistakes"]}
    text = (site.folder / "site.yaml").read_text().splitlines()
    at = next(n for n, row in enumerate(text, 1) if "number: 400" in row)
    assert found == {("site.yaml", at, text[at - 1].index("400") + 1), ("other.csv", 3, 7)}
    assert ([tag["name"] for tag in site.tell("TAG")], site.tell("LINE")) == before
    assert connections(site.station) == connections(site.other) == 1
    assert site.tell("COMMANDS", "test")[0]["result"] == "refused"
    (site.folder / "site.yaml").rename(site.folder / "away.yaml")
    gone = site.run_tell("RELOAD")
    assert gone.returncode == 1 and "site.yaml" in gone.stderr
    (site.folder / "away.yaml").rename(site.folder / "site.yaml")
    edit(site, "site.yaml", "number: 400", "number: 4")
    edit(site, "other.csv", "M.BAD,Dx,2,,,\n", "")
    assert site.tell("RELOAD")["configuration"] == 1


def test_what_waits_for_a_restart_is_said_and_dirty(new_site):
    site = two_lines(new_site)
    assert site.tell("CHECK", "DIRTY") == []
    edit(site, "site.yaml", "lease: 3 s", "lease: 2 s")
    restart = [{"setting": "lease", "runs": "3000 ms", "configured": "2000 ms"}]
    assert site.tell("RELOAD")["restart"] == restart
    assert site.tell("CHECK", "DIRTY") == [{"name": "A", "process": None, "instance": None, **restart[0]}]
    assert site.tell("CHECK", "DIRTY", "L.*") == []
    site.server.end()
    site.start_server()
    assert site.tell("CHECK", "DIRTY") == []


def test_a_process_that_is_removed_ends_and_one_that_is_added_can_begin(new_site):
    site = two_lines(new_site)
    text = (site.folder / "site.yaml").read_text()
    (site.folder / "site.yaml").write_text(text.replace("SELF.KOM", "NEXT.KOM"))
    assert site.tell("RELOAD")["result"] == "done"
    for kom in site.koms:
        assert kom.popen.wait(PATIENCE_S) == 1
        assert "the site has no such process any more" in kom.text()
    site.start("next", "kom", "-W", "NEXT.KOM,1", "-S", site.server_address)
    wait_for(lambda: site.value("M.OTHER.D")["status"] == "Valid", "values are there again")
    values = [(row["name"], row["value"]) for row in site.tell("EVENTS", "*.KOM")]
    assert ("SELF.KOM", "Stop") in values and ("NEXT.KOM", "Run") in values


def test_a_watch_goes_on_and_sees_a_new_tag(new_site):
    site = two_lines(new_site)
    with open(site.folder / "watch.csv", "wb") as output:
        watch = subprocess.Popen([KOMET, "tell", "-s", site.server_address, "-o", "csv", "WATCH", "M.OTHER*"],
                                 stdout=output)
    try:
        def seen():
            with open(site.folder / "watch.csv", newline="", encoding="utf-8") as file:
                return [(row["name"], row["value"]) for row in csv.DictReader(file)]

        wait_for(lambda: ("M.OTHER.D", "true") in seen(), "the value of the first tag")
        edit(site, "other.csv", "M.OTHER.D", "M.OTHER.U,Ai,2,,,\nM.OTHER.D")
        assert site.tell("RELOAD")["result"] == "done"
        wait_for(lambda: ("M.OTHER.U", "7.5") in seen(), "the value of the new one")
        assert watch.poll() is None
    finally:
        watch.kill()
        watch.wait(PATIENCE_S)
