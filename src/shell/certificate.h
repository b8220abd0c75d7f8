/*
 * certificate: makes a site's own CA, and certificates with keys for its servers, communication processes and
 * users, into folders of files (PEM). Keys are on the curve P-256; what a certificate says is its role and
 * name (wire/identity.h), with the site as organization.
 *
 * Nothing that exists is ever written over; what was begun and failed is removed again. Files of keys have
 * mode 0600 from the moment they exist.
 */
#ifndef SHELL_CERTIFICATE_H
#define SHELL_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/identity.h"

#define CERTIFICATE_TEXT_SIZE 512
#define CERTIFICATE_DATE_SIZE 16
#define CERTIFICATE_SITE_MAX  64 /* octets of a site's name in a certificate */

/* When it is valid. */
struct certificate_period {
    int64_t from; /* seconds since 1970 */
    int days;     /* 1 to 36500 */
};

struct certificate_authority; /* opaque: a CA with its key */

/* Makes ca.crt and ca.key in `folder`, which exists. `site`: 1 to CERTIFICATE_SITE_MAX octets of UTF-8.
 * False: `fault` (CERTIFICATE_TEXT_SIZE octets) says why not. */
bool certificate_make_authority(const char *folder, const char *site, struct certificate_period period,
                                char *fault);
/* Reads them. NULL: `fault` says what is wrong. */
struct certificate_authority *certificate_authority_load(const char *folder, char *fault);
void certificate_authority_free(struct certificate_authority *authority); /* NULL is allowed */
/* The site that it was made for; borrowed. */
const char *certificate_authority_site(const struct certificate_authority *authority);

/*
 * Makes the folder `folder` with ca.crt, own.crt and own.key.
 *   period  cut where the CA ends
 *   end     CERTIFICATE_DATE_SIZE octets: its last day, "2026-11-21"
 * False: `fault` says why not, such as that the folder exists.
 */
bool certificate_make(const struct certificate_authority *authority, const char *folder,
                      const struct identity *identity, struct certificate_period period, char *end,
                      char *fault);

#endif
