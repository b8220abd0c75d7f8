/*
 * Why a 104 connection ended, or why octets were refused: one list, one word each.
 *
 * The word (`komet_reason_name`) is the same in the log, the console, the metrics and the manual.
 * `komet_reason_origin` says who broke the rule, which decides where an operator looks first.
 */
#ifndef KOMET_REASON_H
#define KOMET_REASON_H

#include "komet/api.h"

enum komet_reason {
    KOMET_OK = 0, /* nothing wrong */

    /* The peer broke the rules of the standard (IEC 60870-5-104, clause in brackets). */
    KOMET_BAD_START,            /* first octet of an APDU is not 0x68 [5] */
    KOMET_BAD_LENGTH,           /* APDU length below 4 or above 253, or not 4 in an S or U format [5] */
    KOMET_BAD_CONTROL,          /* control field is no valid I, S or U format [5] */
    KOMET_BAD_SEQUENCE,         /* N(S) is not V(R): a frame was lost or doubled [5.1] */
    KOMET_BAD_ACKNOWLEDGE,      /* N(R) acknowledges what was not sent, or goes back [5.1] */
    KOMET_NOT_STARTED,          /* I or S format while data transfer is stopped [5.3] */
    KOMET_UNEXPECTED_FUNCTION,  /* a U format that this side must never receive [5.3] */
    KOMET_BAD_ASDU,             /* ASDU shorter than its objects, surplus octets, no object [-5-101 7.2] */

    /* The peer or the path was silent for too long [9.6]. */
    KOMET_T0_EXPIRED,           /* no connection within t0 */
    KOMET_T1_ACKNOWLEDGE,       /* our oldest I format not acknowledged within t1 */
    KOMET_T1_FUNCTION,          /* STARTDT or STOPDT act not confirmed within t1 */
    KOMET_T1_TEST,              /* TESTFR act not confirmed within t1 */
    KOMET_PING_UNANSWERED,      /* so many pings of the address in a row had no answer (PCNT) */

    /* The transport ended. */
    KOMET_PEER_CLOSED,          /* the peer closed the TCP connection */
    KOMET_CONNECTION_RESET,     /* the peer let go of the connection without closing it (RST) */
    KOMET_CONNECT_REFUSED,      /* nobody listens at the address */
    KOMET_UNREACHABLE,          /* no route, no such name, or the network reported an error */

    /* We ended it. */
    KOMET_NOT_STORED,           /* a received I format was not stored within store_limit */
    KOMET_CONFIRMATION_TIMEOUT, /* a command's confirmation did not come within WTn */
    KOMET_BECAME_PASSIVE,       /* this instance gave up its role */
    KOMET_NO_SERVER,            /* the server is lost, values cannot be stored */
    KOMET_OUTPUT_FULL,          /* the peer does not take octets and the output buffer is full */
    KOMET_SHUTDOWN,             /* the program stops */
    KOMET_REPLACED,             /* the partner opened another connection in this one's place */
    KOMET_DISABLED,             /* communication was disabled by the operator */
    KOMET_RECONFIGURED,         /* the site was changed: the connection was made under other facts */

    KOMET_REASON_COUNT /* not a reason */
};

enum komet_reason_origin {
    KOMET_ORIGIN_NONE,      /* KOMET_OK */
    KOMET_ORIGIN_PEER,      /* the peer broke the protocol */
    KOMET_ORIGIN_SILENCE,   /* a time limit of the protocol ran out */
    KOMET_ORIGIN_TRANSPORT, /* TCP or the network */
    KOMET_ORIGIN_LOCAL      /* our own decision */
};

/* The word for a reason, in lower case with hyphens: "bad-start", "t1-acknowledge". Static storage. */
KOMET_API const char *komet_reason_name(enum komet_reason reason);

/* A sentence for people: what happened, and what would be right. Static storage. */
KOMET_API const char *komet_reason_sentence(enum komet_reason reason);

/* Who is at the origin of a reason. */
KOMET_API enum komet_reason_origin komet_reason_origin(enum komet_reason reason);

#endif
