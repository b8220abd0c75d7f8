"""What a KOM does for its stations of itself, and what people may tell it about them, on real processes."""

import signal

from komet_site import wait_for

COUNTERS = """ca: 1
end_of_initialization: true
points:
  - {ioa: 1001, type: 30, constant: 1}
  - {ioa: 4001, type: 37, constant: 42}
"""


def test_a_station_that_has_initialized_is_interrogated_and_its_counters_are_frozen_and_read(new_site):
    site = new_site(points=COUNTERS, tags="M.D,Di,1001,,,\nM.C,Ci,4001,,,\n",
                    station_extra=", parameters: {OIC: 0, CICP: 1 s, CFRZ: 1, ICP: 1 s}")
    site.start_station()
    site.start_server()
    kom = site.start_kom(0)
    arrived = set()

    def readings():
        value = site.value("M.C")
        if value["cot"] == 37:
            arrived.add(value["arrived"])
        return len(arrived)

    wait_for(lambda: readings() >= 3, "three readings of the counter")
    assert site.value("M.C")["value"] == 42
    assert site.value("M.D")["cot"] == 20  # OIC is 0: asked for periodically only
    assert "has initialized" in kom.text() and "freeze" not in kom.text()


def station(site):
    return site.tell("STATION", "B.RTU")[0]["value"]


def connection(site):
    return site.tell("LINE", "L.RTU")[0]["connections"][0]


def test_a_disabled_station_stays_so_over_a_take_over_and_a_restart(site):
    assert site.tell("DISABLE", "b.rtu")["result"] == "done"
    wait_for(lambda: connection(site)["reason"] == "disabled", "the line closes")
    assert station(site) == "StOFF"
    assert site.value("M.U")["status"] == "Invalid"
    refused = site.run_tell("SET", "M.P.SET", "1")
    assert refused.returncode == 1 and "station is disabled" in refused.stderr
    site.kom1.signal(signal.SIGKILL)
    wait_for(lambda: site.active() == 2, "instance 2 is active")
    assert station(site) == "StOFF" and connection(site)["state"] == "closed"
    site.server.end()
    site.start_server()
    wait_for(lambda: site.active() == 2, "instance 2 is active again")
    assert station(site) == "StOFF" and connection(site)["state"] == "closed"
    assert site.tell("ENABLE", "B.RTU")["result"] == "done"
    wait_for(lambda: station(site) == "StON", "the station is on")
    wait_for(lambda: site.value("M.U")["status"] == "Valid", "its values are there again")
    given = [(row["tag"], row["command"], row["result"]) for row in site.tell("COMMANDS", "B.RTU")]
    assert given == [("B.RTU", "DISABLE", "done"), ("B.RTU", "ENABLE", "done")]
    states = ["StON", "StOFF", "StCOMERR", "StON"]
    wait_for(lambda: [row["value"] for row in site.tell("EVENTS", "B.RTU")] == states, "an event for each change")


def test_the_tags_of_a_simulated_station_are_set_by_hand(site):
    assert site.run_tell("SET", "M.U", "1").returncode == 1
    assert site.tell("SIMULATE", "B.RTU", "ON")["result"] == "done"
    wait_for(lambda: connection(site)["reason"] == "disabled", "the line closes")
    assert station(site) == "StSIMUL"
    assert site.tell("SET", "M.U", "77")["result"] == "done"
    value = site.value("M.U")
    assert (value["value"], value["status"], value["flags"]) == (77, "Weak", "F")
    assert site.tell("SIMULATE", "B.RTU", "OFF")["result"] == "done"
    wait_for(lambda: site.value("M.U")["value"] == 12.5, "the telemetry's value is there again")
    wait_for(lambda: [e["value"] for e in site.tell("EVENTS", "M.U")][-2:] == [77, 12.5], "an event of each")


def test_a_hard_error_makes_the_tags_invalid(new_site):
    site = new_site(station_extra=", parameters: {SCE: 1, SHE: 3}")
    rtu = site.start_station()
    site.start_server()
    site.start_kom(0)
    wait_for(lambda: site.value("M.U")["status"] == "Valid", "the first value")
    rtu.end()
    wait_for(lambda: station(site) == "StHARDERR", "the station is in hard error")
    assert site.value("M.U")["status"] == "Invalid" and site.value("M.U")["value"] == 12.5
    site.start_station()
    wait_for(lambda: site.value("M.U")["status"] == "Valid", "the value is there again")
    states = ["StON", "StCOMERR", "StHARDERR", "StON"]
    wait_for(lambda: [row["value"] for row in site.tell("EVENTS", "B.RTU")] == states, "an event for each change")


def test_a_station_that_is_not_there_is_no_station_to_disable(site):
    wrong = site.run_tell("DISABLE", "B.RTX")
    assert wrong.returncode == 1 and "did you mean B.RTU" in wrong.stderr
    assert site.run_tell("DISABLE", "L.RTU").returncode == 1
