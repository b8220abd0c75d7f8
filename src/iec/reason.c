/*
 * reason: the words, sentences and origins of enum komet_reason, one row for each.
 */
#include "komet/reason.h"

#include <stddef.h>

#include "komet/assert.h"

struct reason_row {
    enum komet_reason_origin origin;
    const char *name;
    const char *sentence;
};

/* clang-format off: one row a reason */
static const struct reason_row rows[KOMET_REASON_COUNT] = {
    [KOMET_OK] = {KOMET_ORIGIN_NONE, "ok", "Nothing is wrong."},

    [KOMET_BAD_START] = {KOMET_ORIGIN_PEER, "bad-start",
                         "An APDU of the peer did not begin with 68 hex: the octet stream lost its framing, "
                         "or the peer does not speak IEC 60870-5-104."},
    [KOMET_BAD_LENGTH] = {KOMET_ORIGIN_PEER, "bad-length",
                          "An APDU of the peer had a wrong length octet: 4 to 253 is right, and exactly 4 in "
                          "an S or U format."},
    [KOMET_BAD_CONTROL] = {KOMET_ORIGIN_PEER, "bad-control",
                           "The control field of an APDU of the peer was no valid I, S or U format: a U "
                           "format carries exactly one function and zeros behind it."},
    [KOMET_BAD_SEQUENCE] = {KOMET_ORIGIN_PEER, "bad-sequence",
                            "The send number N(S) of an I format of the peer was not the next one: a frame "
                            "was lost or doubled."},
    [KOMET_BAD_ACKNOWLEDGE] = {KOMET_ORIGIN_PEER, "bad-acknowledge",
                               "The receive number N(R) of the peer acknowledged I formats that were never "
                               "sent, or went back behind earlier ones."},
    [KOMET_NOT_STARTED] =
        {KOMET_ORIGIN_PEER, "not-started",
         "The peer sent an I or S format while data transfer was stopped: STARTDT must come first."},
    [KOMET_UNEXPECTED_FUNCTION] = {KOMET_ORIGIN_PEER, "unexpected-function",
                                   "The peer sent a U format that this side must never receive: check which "
                                   "side is the controlling one."},
    [KOMET_BAD_ASDU] = {KOMET_ORIGIN_PEER, "bad-asdu",
                        "An ASDU of the peer was shorter than its objects need, had octets left over, or "
                        "held no object: check that both sides have the same widths of COT, CA and IOA."},

    [KOMET_T0_EXPIRED] =
        {KOMET_ORIGIN_SILENCE, "t0-expired",
         "The TCP connection did not come about within t0: check the address, the route and any firewall."},
    [KOMET_T1_ACKNOWLEDGE] = {KOMET_ORIGIN_SILENCE, "t1-acknowledge",
                              "The peer did not acknowledge our oldest I format within t1."},
    [KOMET_T1_FUNCTION] = {KOMET_ORIGIN_SILENCE, "t1-function",
                           "The peer did not confirm STARTDT or STOPDT within t1."},
    [KOMET_T1_TEST] = {KOMET_ORIGIN_SILENCE, "t1-test",
                       "The peer did not confirm TESTFR within t1: the peer or the path to it is dead."},
    [KOMET_PING_UNANSWERED] = {KOMET_ORIGIN_SILENCE, "ping-unanswered",
                               "So many pings of the peer's address in a row had no answer that it is taken "
                               "for dead: check the path, and that the peer answers ICMP echo at all."},

    [KOMET_PEER_CLOSED] = {KOMET_ORIGIN_TRANSPORT, "peer-closed", "The peer closed the TCP connection."},
    [KOMET_CONNECTION_RESET] = {KOMET_ORIGIN_TRANSPORT, "connection-reset",
                                "The peer reset the TCP connection."},
    [KOMET_CONNECT_REFUSED] =
        {KOMET_ORIGIN_TRANSPORT, "connect-refused",
         "Nobody listens at the peer's address and port: check both, and whether the peer runs."},
    [KOMET_UNREACHABLE] =
        {KOMET_ORIGIN_TRANSPORT, "unreachable",
         "The network does not reach the peer: there is no route to its address, its name does "
         "not resolve, or the path to it has failed."},

    [KOMET_NOT_STORED] = {KOMET_ORIGIN_LOCAL, "not-stored",
                          "A received I format was not stored within store_limit: the connection was closed "
                          "so that the peer keeps what it has not seen acknowledged."},
    [KOMET_CONFIRMATION_TIMEOUT] = {KOMET_ORIGIN_LOCAL, "confirmation-timeout",
                                    "The confirmation of a command did not come within WTn."},
    [KOMET_BECAME_PASSIVE] = {KOMET_ORIGIN_LOCAL, "became-passive", "This instance gave up its active role."},
    [KOMET_NO_SERVER] = {KOMET_ORIGIN_LOCAL, "no-server",
                         "The connection to the server is lost, so that values cannot be stored."},
    [KOMET_OUTPUT_FULL] = {KOMET_ORIGIN_LOCAL, "output-full",
                           "The peer does not take our octets and the output buffer is full."},
    [KOMET_SHUTDOWN] = {KOMET_ORIGIN_LOCAL, "shutdown", "This program stops."},
    [KOMET_REPLACED] = {KOMET_ORIGIN_LOCAL, "replaced",
                        "The partner opened another connection in place of this one."},
    [KOMET_DISABLED] = {KOMET_ORIGIN_LOCAL, "disabled", "Communication was disabled by the operator."},
    [KOMET_RECONFIGURED] = {KOMET_ORIGIN_LOCAL, "reconfigured",
                            "The site was changed (RELOAD), and the connection was made under other facts; "
                            "it is opened anew unless the line was removed."},
};
/* clang-format on */

static const struct reason_row *reason_row(enum komet_reason reason)
{
    KOMET_ASSERT((unsigned)reason < KOMET_REASON_COUNT);
    KOMET_ASSERT(rows[reason].name != NULL);
    return &rows[reason];
}

const char *komet_reason_name(enum komet_reason reason)
{
    return reason_row(reason)->name;
}

const char *komet_reason_sentence(enum komet_reason reason)
{
    return reason_row(reason)->sentence;
}

enum komet_reason_origin komet_reason_origin(enum komet_reason reason)
{
    return reason_row(reason)->origin;
}
