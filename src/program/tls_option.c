/*
 * tls_option: see tls_option.h.
 */
#include "program/tls_option.h"

#include <assert.h>
#include <stdlib.h>

#include "shell/log.h"

bool tls_option_load(const char *directory, struct tls_credentials **credentials, char *fault)
{
    const char *named = directory != NULL ? directory : getenv("KOMET_TLS");
    *credentials = NULL;
    if (named == NULL || named[0] == '\0') {
        return true;
    }
    *credentials = tls_credentials_load(named, fault);
    if (*credentials == NULL) {
        return false;
    }
    static_assert(TLS_DAYS_WARNED == 30, "the sentence below says so");
    long days = tls_credentials_days_left(*credentials);
    if (days < TLS_DAYS_WARNED) {
        log_warning("the certificate in %s, of %s, %s; make a new one (komet certificate)", named,
                    identity_text(tls_credentials_identity(*credentials)).text,
                    days < 0 ? "has ended" : "ends within 30 days");
    }
    return true;
}
