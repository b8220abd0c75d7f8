/*
 * tls_option: --tls DIR of the programs that connect to a server.
 */
#ifndef KOMET_PROGRAM_TLS_OPTION_H
#define KOMET_PROGRAM_TLS_OPTION_H

#include <stdbool.h>

#include "shell/tls.h"

/*
 * Loads the credentials in `directory`, or, when that is NULL, in the folder that KOMET_TLS in the
 * environment names; one that ends within TLS_DAYS_WARNED days is warned of. *credentials  the caller's to
 * free; NULL: neither names a folder, so that only a server of this machine is spoken to, in plain False:
 * they cannot be read; `fault` (TLS_TEXT_SIZE octets) says why.
 */
bool tls_option_load(const char *directory, struct tls_credentials **credentials, char *fault);

#endif
