"""What a KOM does for its stations of itself, and what people may tell it about them, on real processes."""

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
