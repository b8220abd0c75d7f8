/*
 * The inside of tls, shared by tls.c and tls_credentials.c. Nobody else includes it.
 */
#ifndef SHELL_TLS_PRIVATE_H
#define SHELL_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "shell/tls.h"

struct tls_credentials {
    SSL_CTX *context;
    struct identity identity;
    long days_left;
};

/* Role and name in a certificate; false: it has none that we know. */
bool tls_certificate_identity(const X509 *certificate, struct identity *identity);
/* "user anna", or what else its subject says, for people. */
void tls_certificate_subject(const X509 *certificate, char *text, size_t size);
/* "2026-11-21": its last day. */
void tls_certificate_end(const X509 *certificate, char *text, size_t size);
/* Whole days from now until it ends. */
long tls_certificate_days_left(const X509 *certificate);

#endif
