"""Every ASDU of every capture: read to fields, written again from these, and the same octet for octet.

KOMET           the program, for the folder that it was built in; without it build/komet
KOMET_CAPTURES  a folder with more captures; without it ../shared/captures beside the project, if it is there
"""

import collections
from typing import NamedTuple

import pytest

from asdu_decoders import PROGRAMS, json_lines, write_capture
from test_dump import MORE, OWN, captures_in


class Content(NamedTuple):
    """What is in a capture: ASDUs, their objects, and how often a lone octet 00 is there."""
    asdus: int
    objects: int
    keep_alives: int = 0


# A lone octet is TCP keep-alive: it repeats the place of an octet that was sent before the capture began. Nothing else
# is to be explained: every ASDU in these captures decodes, and none comes back with other octets.
CAPTURES = {
    "sequence_of_elements.pcapng": Content(4, 64),
    "set_point_with_time.pcap": Content(24, 24, 1),
    "104IPValue.pcap": Content(25, 25, 1),
    "104LocalValue.pcap": Content(5, 5, 2),
    "104deneme.pcap": Content(121, 121),
    "33.pcap": Content(3, 3, 1),
    "50.pcap": Content(24, 24),
    "58_59.pcap": Content(34, 34),
    "59.pcap": Content(18, 18, 1),
    "60.pcap": Content(18, 18),
    "61.pcap": Content(28, 28),
    "62.pcap": Content(40, 40),
    "63.pcap": Content(24, 24, 1),
    "iec104.pcap": Content(91, 175),
}


def recode(path):
    """What was not the same or could not be read; the summary."""
    *others, summary = json_lines(PROGRAMS / "interop-recode", path)
    return others, summary


def comes_back(path):
    others, summary = recode(path)
    assert summary["objects"] > 0
    assert summary["same"] == summary["objects"] == sum(summary["types"].values())
    kinds = collections.Counter((other["kind"], other["octets"]) for other in others)
    if path.name in CAPTURES:
        content = CAPTURES[path.name]
        assert (summary["asdus"], summary["objects"]) == content[:2]
        assert kinds == collections.Counter({("cut", "00"): content.keep_alives})
    else:
        assert not others, "a capture that is not in the table must come back whole"


@pytest.mark.parametrize("path", captures_in(OWN), ids=lambda p: p.name)
def test_own_captures_come_back_octet_for_octet(path):
    comes_back(path)


@pytest.mark.parametrize("path", captures_in(MORE) or [None], ids=lambda p: p.name if p else "none")
def test_more_captures_come_back_octet_for_octet(path):
    if path is None:
        pytest.skip("no folder with more captures: set KOMET_CAPTURES")
    comes_back(path)


# ---- that it would be seen ----

HEADER = "0300 0100"  # spontaneous, CA 1
TIME = "5fea3b17150b1a"


def apdus(*asdus):
    octets = [bytes.fromhex(asdu) for asdu in asdus]
    return [bytes([0x68, len(asdu) + 4, 2 * number, 0, 0, 0]) + asdu for number, asdu in enumerate(octets)]


@pytest.mark.parametrize("asdu, was, again", [
    (f"01 01 {HEADER} 640000 0f", "0f", "01"),  # SIQ: three reserved bits
    (f"0b 01 {HEADER} 640000 0100 8e", "01008e", "010080"),  # QDS
    (f"27 01 {HEADER} 640000 3f ff 0100 {TIME}", f"3fff0100{TIME}", f"3ff80100{TIME}"),  # QDP
    (f"1e 01 {HEADER} 640000 01 5fea3b77150b1a", "015fea3b77150b1a", "015fea3b17150b1a"),  # hour: two reserved bits
    (f"1e 01 {HEADER} 640000 01 5fea3b1715fb9a", "015fea3b1715fb9a", "015fea3b17150b1a"),  # month, year
])
def test_reserved_bits_that_are_set_are_not_kept_and_that_is_seen(tmp_path, asdu, was, again):
    same = f"01 01 {HEADER} 650000 01"
    others, summary = recode(write_capture(tmp_path / "reserved.pcap", apdus(same, asdu, same)))
    assert (summary["asdus"], summary["objects"], summary["same"]) == (3, 3, 2)
    assert [(o["kind"], o["ioa"], o["octets"], o["again"]) for o in others] == [("differs", 100, was, again)]


@pytest.mark.parametrize("asdu, kind", [
    (f"01 02 {HEADER} 640000 01", "too-short"),
    (f"01 01 {HEADER} 640000 01 01", "too-long"),
    (f"01 00 {HEADER}", "no-object"),
    (f"1e 81 {HEADER} 640000 01 {TIME}", "bad-sequence"),
    (f"80 01 {HEADER} 640000 01", "unknown-type"),
    (f"01 82 {HEADER} ffffff 01 01", "not-written"),  # the second one's address is none
])
def test_an_asdu_that_cannot_be_read_or_written_is_told(tmp_path, asdu, kind):
    others, summary = recode(write_capture(tmp_path / "wrong.pcap", apdus(asdu)))
    assert [other["kind"] for other in others] == [kind]
    assert summary["same"] == 0
