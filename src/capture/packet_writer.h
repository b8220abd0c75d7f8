/*
 * Packet writer: a capture file made of TCP segments: classic pcap, link type raw IP, microseconds.
 *
 * For traffic that was never captured as packets (a line's trace): the headers are made up, with right
 * lengths and checksums, so that everything that reads captures reads it.
 */
#ifndef KOMET_CAPTURE_PACKET_WRITER_H
#define KOMET_CAPTURE_PACKET_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "capture/packet_headers.h"
#include "komet/time.h"

#define PACKET_WRITER_HEADER_SIZE 24u /* of the file */
#define PACKET_WRITER_AROUND      80u /* octets around a packet's payload at most: record, IP and TCP */
#define PACKET_WRITER_PAYLOAD_MAX 32768u

/* Writes the head of the file; PACKET_WRITER_HEADER_SIZE octets. */
size_t packet_writer_begin(uint8_t *out);

/*
 * Writes one packet.
 *   segment  both ends of one family (4 or 6; another is taken for 4), payload up to
 *            PACKET_WRITER_PAYLOAD_MAX; `cut` is ignored
 *   time     unknown: the beginning of 1970
 *   out      room for the payload and PACKET_WRITER_AROUND octets
 * Returns the octets written.
 */
size_t packet_writer_packet(const struct packet_segment *segment, struct komet_utc time, uint8_t *out);

#endif
