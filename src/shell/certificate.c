/*
 * certificate: see certificate.h.
 */
#include "shell/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "komet/assert.h"

#define PATH_SIZE     4096
#define SECONDS_A_DAY INT64_C(86400)
#define SERIAL_OCTETS 16

struct certificate_authority {
    X509 *certificate;
    EVP_PKEY *key;
    char site[CERTIFICATE_SITE_MAX + 1];
};

static bool refuse(char *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *fault, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault, CERTIFICATE_TEXT_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

static bool refuse_by_openssl(char *fault, const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    return refuse(fault, "%s: %s", what, why != NULL ? why : "OpenSSL does not say why");
}

/* ---- what stands in a certificate ---- */

static bool add_extension(X509 *certificate, X509 *issuer, int which, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, which, value);
    bool done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool set_serial(X509 *certificate)
{
    uint8_t octets[SERIAL_OCTETS];
    if (RAND_bytes(octets, sizeof octets) != 1) {
        return false;
    }
    octets[0] = (uint8_t)((octets[0] & 0x7F) | 0x40); /* positive, and always of one length */
    BIGNUM *number = BN_bin2bn(octets, sizeof octets, NULL);
    bool done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

static bool add_name(X509_NAME *name, const char *part, const char *text)
{
    return text[0] == '\0' ||
           X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1;
}

static bool set_period(X509 *certificate, struct certificate_period period)
{
    int64_t until = period.from + period.days * SECONDS_A_DAY;
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)period.from) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until) != NULL;
}

/* A certificate of `key`, not signed and without extensions yet; NULL: it could not be made. */
static X509 *begin(EVP_PKEY *key, const char *site, const char *unit, const char *name,
                   struct certificate_period period)
{
    X509 *certificate = X509_new();
    KOMET_ASSERT(certificate != NULL);
    X509_NAME *subject = X509_get_subject_name(certificate);
    if (X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
        set_period(certificate, period) && X509_set_pubkey(certificate, key) == 1 &&
        add_name(subject, "O", site) && add_name(subject, "OU", unit) && add_name(subject, "CN", name)) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

static bool extend_authority(X509 *certificate)
{
    return add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, certificate, NID_authority_key_identifier, "keyid:always");
}

static bool extend_own(X509 *certificate, X509 *issuer, enum identity_role role)
{
    return add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
           /* A server is also a client: of the other servers of its group. */
           add_extension(certificate, issuer, NID_ext_key_usage,
                         role == IDENTITY_SERVER ? "serverAuth,clientAuth" : "clientAuth") &&
           add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
}

/* ---- files ---- */

/* A new file of `size` octets, on disk when it returns true; an existing one is left alone. */
static bool write_new(const char *path, mode_t mode, BIO *text, char *fault)
{
    char *octets;
    long size = BIO_get_mem_data(text, &octets);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) {
        return refuse(fault, "%.300s: %s", path,
                      errno == EEXIST ? "it exists, and nothing is written over" : strerror(errno));
    }
    bool written = write(file, octets, (size_t)size) == size && fsync(file) == 0;
    int problem = errno;
    close(file);
    if (!written) {
        unlink(path);
        return refuse(fault, "%.300s: %s", path, strerror(problem));
    }
    return true;
}

static bool write_certificate(const char *path, X509 *certificate, char *fault)
{
    BIO *text = BIO_new(BIO_s_mem());
    bool done = text != NULL && PEM_write_bio_X509(text, certificate) == 1;
    KOMET_ASSERT(done);
    done = write_new(path, 0644, text, fault);
    BIO_free(text);
    return done;
}

static bool write_key(const char *path, EVP_PKEY *key, char *fault)
{
    BIO *text = BIO_new(BIO_s_secmem());
    bool done = text != NULL && PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1;
    KOMET_ASSERT(done);
    done = write_new(path, 0600, text, fault);
    BIO_free(text);
    return done;
}

struct paths {
    char authority[PATH_SIZE], certificate[PATH_SIZE], key[PATH_SIZE];
};

static struct paths paths_in(const char *folder, const char *name)
{
    struct paths paths;
    snprintf(paths.authority, sizeof paths.authority, "%s/ca.crt", folder);
    snprintf(paths.certificate, sizeof paths.certificate, "%s/%s.crt", folder, name);
    snprintf(paths.key, sizeof paths.key, "%s/%s.key", folder, name);
    return paths;
}

/* ---- the CA ---- */

bool certificate_make_authority(const char *folder, const char *site, struct certificate_period period,
                                char *fault)
{
    const struct paths paths = paths_in(folder, "ca");
    char name[CERTIFICATE_SITE_MAX + 1];
    KOMET_ASSERT(site[0] != '\0' && strlen(site) <= CERTIFICATE_SITE_MAX);
    snprintf(name, sizeof name, "CA of a Komet site");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key != NULL ? begin(key, site, "", name, period) : NULL;
    bool done = certificate != NULL &&
                X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
                extend_authority(certificate) && X509_sign(certificate, key, EVP_sha256()) > 0;
    if (!done) {
        refuse_by_openssl(fault, "the CA cannot be made");
    } else if (!write_key(paths.key, key, fault)) {
        done = false;
    } else if (!write_certificate(paths.certificate, certificate, fault)) {
        unlink(paths.key);
        done = false;
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return done;
}

static X509 *read_certificate(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    BIO_free(file);
    return certificate;
}

/* Nobody is asked for a passphrase within a script. */
static int no_passphrase(char *buffer, int size, int writes, void *context)
{
    (void)buffer, (void)size, (void)writes, (void)context;
    return 0;
}

static EVP_PKEY *read_key(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file != NULL ? PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL) : NULL;
    BIO_free(file);
    return key;
}

struct certificate_authority *certificate_authority_load(const char *folder, char *fault)
{
    const struct paths paths = paths_in(folder, "ca");
    struct certificate_authority *authority = calloc(1, sizeof *authority);
    KOMET_ASSERT(authority != NULL);
    ERR_clear_error();
    authority->certificate = read_certificate(paths.certificate);
    authority->key = authority->certificate != NULL ? read_key(paths.key) : NULL;
    bool done = false;
    if (authority->key == NULL) {
        refuse_by_openssl(fault, authority->certificate == NULL ? paths.certificate : paths.key);
    } else if (X509_check_private_key(authority->certificate, authority->key) != 1) {
        refuse(fault, "%.300s is not the key of ca.crt beside it", paths.key);
    } else if (X509_cmp_current_time(X509_get0_notAfter(authority->certificate)) < 0) {
        refuse(fault, "the CA in %.300s has ended; make a new one, in a new folder, and everything anew",
               folder);
    } else {
        done = true;
    }
    if (!done) {
        certificate_authority_free(authority);
        return NULL;
    }
    X509_NAME_get_text_by_NID(X509_get_subject_name(authority->certificate), NID_organizationName,
                              authority->site, sizeof authority->site);
    return authority;
}

void certificate_authority_free(struct certificate_authority *authority)
{
    if (authority != NULL) {
        X509_free(authority->certificate);
        EVP_PKEY_free(authority->key);
        free(authority);
    }
}

const char *certificate_authority_site(const struct certificate_authority *authority)
{
    return authority->site;
}

/* ---- everybody else ---- */

static bool write_folder(const struct certificate_authority *authority, const char *folder, X509 *certificate,
                         EVP_PKEY *key, char *fault)
{
    const struct paths paths = paths_in(folder, "own");
    if (mkdir(folder, 0700) != 0) {
        return refuse(fault, "%.300s: %s", folder,
                      errno == EEXIST ? "it exists, and nothing is written over; rename it for a new one"
                                      : strerror(errno));
    }
    if (write_key(paths.key, key, fault) && write_certificate(paths.certificate, certificate, fault) &&
        write_certificate(paths.authority, authority->certificate, fault)) {
        return true;
    }
    unlink(paths.key);
    unlink(paths.certificate);
    unlink(paths.authority);
    rmdir(folder);
    return false;
}

/* Nothing is valid longer than the CA. */
static bool cut_period(X509 *certificate, X509 *issuer)
{
    const ASN1_TIME *limit = X509_get0_notAfter(issuer);
    return ASN1_TIME_compare(X509_get0_notAfter(certificate), limit) <= 0 ||
           X509_set1_notAfter(certificate, limit) == 1;
}

static void write_end(const X509 *certificate, char *end)
{
    struct tm parts = {0};
    ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts);
    strftime(end, CERTIFICATE_DATE_SIZE, "%Y-%m-%d", &parts);
}

bool certificate_make(const struct certificate_authority *authority, const char *folder,
                      const struct identity *identity, struct certificate_period period, char *end,
                      char *fault)
{
    KOMET_ASSERT(identity->role != IDENTITY_NONE);
    ERR_clear_error();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate =
        key != NULL ? begin(key, authority->site, identity_role_name(identity->role), identity->name, period)
                    : NULL;
    bool done = certificate != NULL && cut_period(certificate, authority->certificate) &&
                X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate)) == 1 &&
                extend_own(certificate, authority->certificate, identity->role) &&
                X509_sign(certificate, authority->key, EVP_sha256()) > 0;
    if (!done) {
        refuse_by_openssl(fault, "the certificate cannot be made");
    } else {
        write_end(certificate, end);
        done = write_folder(authority, folder, certificate, key, fault);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return done;
}
