"""Lines that are read on without a server: acknowledged, kept on the instance's disk, in the journal afterwards, once, in
order and marked; and nothing of that where it was not asked for."""

import signal
import subprocess

import pytest

from komet_site import KOMET, wait_for
from test_exactly_once import TAGS, generated, lines_of, milliseconds, points

RATE = 1000       # events a second
RING = 4000       # events that the station can hold: it loses some when nobody acknowledges for longer
AWAY_EVENTS = 7000


def new_buffered_site(new_site, seconds):
    text = points(seconds).replace("events: 200000", f"events: {RING}")
    site = new_site(points=text, tags=TAGS, lease="600 ms")
    path = site.folder / "site.yaml"
    path.write_text(path.read_text().replace("reconnect: 100 ms", "reconnect: 100 ms\n        without_server: buffer"))
    return site


def start_kom(site, instance, *options):
    return site.start(f"kom{instance}", "kom", "-W", f"SELF.KOM,{instance}", "-S", site.server_address, *options)


def lose_server(site):
    site.server.signal(signal.SIGKILL)
    site.server.popen.wait(20)


def away(site, log):
    """While that many events were generated."""
    count = len(lines_of(log))
    wait_for(lambda: len(lines_of(log)) > count + AWAY_EVENTS, "the time without a server", seconds=60)


def check_events(site, log, total):
    wait_for(lambda: len(lines_of(log)) - 1 == total, "the station has generated everything", seconds=90)
    truth = generated(log)

    def spontaneous():
        return [event for event in site.tell("EVENTS") if event["cot"] == 3]

    wait_for(lambda: len(spontaneous()) >= total, "all events are stored", seconds=60)
    events = spontaneous()
    for address, expected in truth.items():
        name = f"M.T{address - 1001:03d}"
        mine = [(milliseconds(e["time"]), e["value"], e["archived"]) for e in events if e["name"] == name]
        assert sorted((time, value) for time, value, _ in mine) == sorted(expected), f"{name}: lost or doubled"
        for kind in (True, False):
            times = [time for time, _, archived in mine if archived == kind]
            assert times == sorted(times), f"{name}: out of order, archived {kind}"
    return events


def assert_current(site, log):
    """The newest value of each tag is the station's, whatever came late."""
    for address, expected in generated(log).items():
        row = site.value(f"M.T{address - 1001:03d}")
        assert row["value"] == expected[-1][1], f"{row}: the station has {expected[-1]}"


@pytest.mark.parametrize("options", [("--buffer", "kept"), ("/KX", "/KA10", "/KCkept")], ids=["komet", "d2000"])
def test_the_server_is_away(new_site, options):
    site = new_buffered_site(new_site, seconds := 18)
    log = site.folder / "generated.csv"
    site.start_station("--log", str(log))
    site.server = site.start_server()
    kom = start_kom(site, 1, *options)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    wait_for(lambda: len(site.tell("EVENTS")) > 1000, "events are journaled")

    lose_server(site)
    wait_for(lambda: "lines are read on into the buffer" in kom.text(), "the line is read on")
    away(site, log)
    assert any((site.folder / "kept" / "SELF.KOM,1").glob("*.buffer"))
    site.server = site.start_server()
    wait_for(lambda: site.active() == 1, "instance 1 is active again")

    events = check_events(site, log, seconds * RATE)
    assert sum(event["archived"] for event in events) > AWAY_EVENTS / 2
    assert_current(site, log)
    wait_for(lambda: not any((site.folder / "kept" / "SELF.KOM,1").glob("*.buffer")), "the buffer is empty")
    assert "lost" not in (site.folder / "station.log").read_text()


def test_the_instance_is_killed_meanwhile_and_another_one_is_faster(new_site):
    site = new_buffered_site(new_site, seconds := 18)
    log = site.folder / "generated.csv"
    site.start_station("--log", str(log))
    site.server = site.start_server()
    komes = {1: start_kom(site, 1, "--buffer", "kept")}
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    komes[2] = start_kom(site, 2, "--buffer", "kept")
    wait_for(lambda: site.instance(2), "instance 2 is connected")
    wait_for(lambda: len(site.tell("EVENTS")) > 1000, "events are journaled")

    lose_server(site)
    wait_for(lambda: "lines are read on into the buffer" in komes[1].text(), "the line is read on")
    assert "lines are read on" not in komes[2].text()
    away(site, log)
    komes[1].signal(signal.SIGKILL)
    komes[1].popen.wait(20)
    site.server = site.start_server()
    wait_for(lambda: site.active() == 2, "instance 2 is active")
    wait_for(lambda: len(site.tell("EVENTS")) > 2000, "its events are journaled")
    start_kom(site, 1, "--buffer", "kept")

    events = check_events(site, log, seconds * RATE)
    archived = [event for event in events if event["archived"]]
    assert len(archived) > AWAY_EVENTS / 2
    assert {event["instance"] for event in archived} == {1}
    assert_current(site, log)


def test_without_the_option_the_station_keeps_its_events(new_site):
    site = new_buffered_site(new_site, 8)
    log = site.folder / "generated.csv"
    site.start_station("--log", str(log))
    site.server = site.start_server()
    kom = start_kom(site, 1)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    wait_for(lambda: site.tell("EVENTS"), "the instance acts")  # the server calls it active before its grant arrives
    lose_server(site)
    wait_for(lambda: "passive" in kom.text(), "the instance is passive")
    count = len(lines_of(log))
    wait_for(lambda: len(lines_of(log)) > count + 1000, "the station goes on")
    site.server = site.start_server()
    events = check_events(site, log, 8 * RATE)
    assert not any(event["archived"] for event in events)


def test_check_warns_of_such_a_line(new_site):
    site = new_buffered_site(new_site, 1)
    done = subprocess.run([KOMET, "check", "."], cwd=site.folder, text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stdout
    assert "line 'L.RTU' is read on without a server" in done.stdout
    assert "no mistakes" in done.stdout


def test_a_folder_that_cannot_be_used_starts_nothing(new_site):
    site = new_buffered_site(new_site, 1)
    (site.folder / "kept").write_text("a file")
    kom = start_kom(site, 1, "--buffer", "kept")
    assert kom.popen.wait(20) == 1
    assert "kept/SELF.KOM,1: Not a directory" in kom.text()


def test_two_instances_do_not_share_a_buffer(new_site):
    site = new_buffered_site(new_site, 1)
    site.server = site.start_server()
    start_kom(site, 1, "--buffer", "kept")
    wait_for(lambda: site.instance(1), "instance 1 is connected")
    second = start_kom(site, 1, "--buffer", "kept")
    assert second.popen.wait(20) == 1
    assert "another instance uses this buffer" in second.text()
