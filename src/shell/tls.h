/*
 * tls: TLS 1.3 between the programs, both ends with certificates of the site's own CA. Octets in, octets
 * out: this knows OpenSSL and no socket (wire_peer.c puts it behind one).
 *
 * A program's credentials are a folder, as `komet certificate` makes it: ca.crt, own.crt, own.key. Whoever is
 * connected is known by role and name (wire/identity.h), which its certificate carries as organizational unit
 * and common name; as whom it may speak is decided elsewhere. Addresses play no part: a server may move.
 *
 * Each failure has a word, as every closed connection has, and a sentence for people.
 */
#ifndef SHELL_TLS_H
#define SHELL_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/identity.h"

enum tls_fault {
    TLS_OK,
    TLS_REQUIRED,       /* plain, and TLS is spoken there */
    TLS_NOT_SPOKEN,     /* the other end speaks something else */
    TLS_VERSION,        /* the other end has no TLS 1.3 */
    TLS_NO_CERTIFICATE, /* the client has shown none */
    TLS_WRONG_CA,       /* of another CA */
    TLS_EXPIRED,
    TLS_NOT_YET_VALID,
    TLS_WRONG_ROLE, /* a certificate of the site, but not for this */
    TLS_FAILED      /* anything else; the sentence has OpenSSL's words */
};
/* "tls-expired", …; static storage. */
const char *tls_fault_name(enum tls_fault fault);

/* ---- credentials ---- */

struct tls_credentials; /* opaque */

#define TLS_TEXT_SIZE   512
#define TLS_DAYS_WARNED 30 /* a certificate that ends sooner is worth a warning */

/* Reads ca.crt, own.crt and own.key in `directory`. NULL: `fault` (TLS_TEXT_SIZE octets) says which file is
 * wrong and what would be right. Free them after all connections. */
struct tls_credentials *tls_credentials_load(const char *directory, char *fault);
void tls_credentials_free(struct tls_credentials *credentials); /* NULL is allowed */
/* Whose they are. */
const struct identity *tls_credentials_identity(const struct tls_credentials *credentials);
/* Whole days until they end; negative when they have. */
long tls_credentials_days_left(const struct tls_credentials *credentials);

/* ---- one connection ---- */

struct tls; /* opaque */

enum tls_side { TLS_CLIENT, TLS_SERVER };

/* `credentials` are borrowed for the connection's life. A client begins with octets to be sent. */
struct tls *tls_new(const struct tls_credentials *credentials, enum tls_side side);
void tls_free(struct tls *tls); /* NULL is allowed */

/* Takes all octets that came, and goes on with the handshake. What comes of it is asked for by the next
 * four. */
void tls_feed(struct tls *tls, const uint8_t *octets, size_t size);
/* The handshake is done: it is known who the other end is. A client's server may still refuse it. */
bool tls_is_open(const struct tls *tls);
const struct identity *tls_peer(const struct tls *tls);
/* Whole days until the other end's certificate ends. */
long tls_peer_days_left(const struct tls *tls);
/* Plain octets that came, up to `size`; 0: there are no more now. */
size_t tls_read(struct tls *tls, uint8_t *octets, size_t size);
/* TLS_OK, or why it cannot go on; then tls_output may still have an alert for the other end. */
enum tls_fault tls_failure(const struct tls *tls, const char **sentence);

/* Enciphers all of it; only when it is open. */
void tls_write(struct tls *tls, const uint8_t *octets, size_t size);
/* Says that nothing more will be written. */
void tls_shutdown(struct tls *tls);
/* Octets for the other end, up to `size`; 0: there are no more now. */
size_t tls_output(struct tls *tls, uint8_t *octets, size_t size);

/* The server closed the connection before the handshake was done: what a client says of it. */
enum tls_fault tls_silence(const struct tls *tls, const char **sentence);

/* Do octets at the start of a message begin a record of TLS? No message of ours begins so. */
bool tls_looks_like(const uint8_t *octets, size_t size);

#endif
