/*
 * tls_credentials: a program's certificate, key and CA from their folder, and what a certificate says.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "komet/assert.h"
#include "shell/log.h"
#include "shell/tls_private.h"

#define PATH_SIZE     4096
#define CHAIN_MAX     (32 * 1024) /* octets of certificates that another program may show */
#define SECONDS_A_DAY 86400

/* ---- what a certificate says ---- */

static void subject_part(const X509 *certificate, int part, char *text, int size)
{
    text[0] = '\0';
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), part, text, size);
}

bool tls_certificate_identity(const X509 *certificate, struct identity *identity)
{
    char role[16], name[IDENTITY_NAME_SIZE + 8];
    subject_part(certificate, NID_organizationalUnitName, role, sizeof role);
    subject_part(certificate, NID_commonName, name, sizeof name);
    return identity_read(identity, role, name);
}

void tls_certificate_subject(const X509 *certificate, char *text, size_t size)
{
    struct identity identity;
    char line[256] = "?";
    if (certificate == NULL) {
        snprintf(text, size, "?");
    } else if (tls_certificate_identity(certificate, &identity)) {
        snprintf(text, size, "%s", identity_text(&identity).text);
    } else {
        X509_NAME_oneline(X509_get_subject_name(certificate), line, sizeof line);
        log_plain(text, size, line);
    }
}

void tls_certificate_end(const X509 *certificate, char *text, size_t size)
{
    struct tm end = {0};
    if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1 ||
        strftime(text, size, "%Y-%m-%d", &end) == 0) {
        snprintf(text, size, "?");
    }
}

long tls_certificate_days_left(const X509 *certificate)
{
    int days = 0, seconds = 0;
    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate));
    return seconds < 0 ? days - 1 : days;
}

/* ---- the folder ---- */

static bool refuse(char *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *fault, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault, TLS_TEXT_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

static const char *why(void)
{
    unsigned long error = ERR_peek_last_error();
    const char *text = error != 0 ? ERR_reason_error_string(error) : NULL;
    return text != NULL ? text : "no reason";
}

/* Nobody is asked for the passphrase of a key: programs start by themselves. */
static int no_passphrase(char *buffer, int size, int writes, void *context)
{
    (void)buffer, (void)size, (void)writes, (void)context;
    return 0;
}

static bool check_key_file(const char *path, char *fault)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return refuse(fault, "%.300s cannot be read; right would be a folder that komet certificate made",
                      path);
    }
    if ((status.st_mode & 07) != 0) {
        return refuse(fault, "%.300s is open to everybody on this machine; right would be chmod 600", path);
    }
    return true;
}

static bool read_files(struct tls_credentials *credentials, const char *directory, char *fault)
{
    char authority[PATH_SIZE], own[PATH_SIZE], key[PATH_SIZE];
    snprintf(authority, sizeof authority, "%s/ca.crt", directory);
    snprintf(own, sizeof own, "%s/own.crt", directory);
    snprintf(key, sizeof key, "%s/own.key", directory);
    SSL_CTX *context = credentials->context;
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (!check_key_file(key, fault)) {
        return false;
    }
    if (SSL_CTX_load_verify_file(context, authority) != 1) {
        return refuse(fault, "%.300s cannot be read as a certificate: %s", authority, why());
    }
    if (SSL_CTX_use_certificate_chain_file(context, own) != 1) {
        return refuse(fault, "%.300s cannot be read as a certificate: %s", own, why());
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return refuse(fault, "%.300s is not the key of own.crt beside it: %s", key, why());
    }
    const X509 *certificate = SSL_CTX_get0_certificate(context);
    if (!tls_certificate_identity(certificate, &credentials->identity)) {
        return refuse(fault,
                      "%.300s names no server, kom or user; right would be one that komet certificate made",
                      own);
    }
    credentials->days_left = tls_certificate_days_left(certificate);
    return true;
}

struct tls_credentials *tls_credentials_load(const char *directory, char *fault)
{
    struct tls_credentials *credentials = calloc(1, sizeof *credentials);
    KOMET_ASSERT(credentials != NULL);
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    KOMET_ASSERT(context != NULL);
    credentials->context = context;
    /* Without tickets every connection shows its certificate anew. */
    bool done = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                SSL_CTX_set_num_tickets(context, 0) == 1;
    KOMET_ASSERT(done);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, CHAIN_MAX);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    if (!read_files(credentials, directory, fault)) {
        tls_credentials_free(credentials);
        return NULL;
    }
    return credentials;
}

void tls_credentials_free(struct tls_credentials *credentials)
{
    if (credentials != NULL) {
        SSL_CTX_free(credentials->context);
        free(credentials);
    }
}

const struct identity *tls_credentials_identity(const struct tls_credentials *credentials)
{
    return &credentials->identity;
}

long tls_credentials_days_left(const struct tls_credentials *credentials)
{
    return credentials->days_left;
}
