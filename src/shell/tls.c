/*
 * tls: see tls.h. OpenSSL works on two memory BIOs; what went wrong is translated once, when it happens,
 * from OpenSSL's reason or the other end's alert into our word and sentence.
 */
#include "shell/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "komet/assert.h"
#include "shell/tls_private.h"

struct tls {
    SSL *ssl;
    BIO *input, *output; /* the SSL's */
    enum tls_side side;
    const struct tls_credentials *credentials;
    bool open, heard;
    struct identity peer;
    long peer_days_left;
    int verify_error; /* X509_V_OK: none */
    char subject[IDENTITY_TEXT_SIZE], ended[32];
    enum tls_fault fault;
    char sentence[TLS_TEXT_SIZE];
};

const char *tls_fault_name(enum tls_fault fault)
{
    static const char *const names[] = {
        "ok",           "tls-required", "tls-not-spoken",    "tls-version",    "tls-no-certificate",
        "tls-wrong-ca", "tls-expired",  "tls-not-yet-valid", "tls-wrong-role", "tls-failed"};
    return names[fault];
}

bool tls_looks_like(const uint8_t *octets, size_t size)
{
    return size >= 2 && (octets[0] == 0x15 || octets[0] == 0x16) && octets[1] == 0x03;
}

/* ---- what went wrong ---- */

static void fail(struct tls *tls, enum tls_fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct tls *tls, enum tls_fault fault, const char *format, ...)
{
    va_list arguments;
    if (tls->fault != TLS_OK) {
        return; /* the first one counts */
    }
    tls->fault = fault;
    va_start(arguments, format);
    vsnprintf(tls->sentence, sizeof tls->sentence, format, arguments);
    va_end(arguments);
}

static const char *other_end(const struct tls *tls)
{
    return tls->side == TLS_SERVER ? "the client" : "the server";
}

/* The other end's certificate does not hold. */
static void fail_verifying(struct tls *tls)
{
    switch (tls->verify_error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        fail(tls, TLS_EXPIRED,
             "the certificate of %s ended on %s; make a new one (komet certificate), or set this machine's "
             "clock if it is wrong",
             tls->subject, tls->ended);
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        fail(tls, TLS_NOT_YET_VALID,
             "the certificate of %s is not valid yet; wait, or set the clock of this machine or of the one "
             "that made it",
             tls->subject);
        return;
    case X509_V_ERR_INVALID_PURPOSE:
        fail(tls, TLS_WRONG_ROLE, "%s shows the certificate of %s; right would be that of %s", other_end(tls),
             tls->subject, tls->side == TLS_SERVER ? "a kom or user" : "a server");
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        fail(tls, TLS_WRONG_CA,
             "the certificate of %s is not from this site's CA; right would be one that the CA of our ca.crt "
             "made",
             tls->subject);
        return;
    default:
        fail(tls, TLS_FAILED, "the certificate of %s does not hold: %s", tls->subject,
             X509_verify_cert_error_string(tls->verify_error));
    }
}

/* The other end has said why it ends. */
static void fail_by_alert(struct tls *tls, int alert)
{
    char own[IDENTITY_TEXT_SIZE];
    snprintf(own, sizeof own, "%s", identity_text(&tls->credentials->identity).text);
    switch (alert) {
    case SSL_AD_CERTIFICATE_EXPIRED:
        fail(tls, TLS_EXPIRED,
             "%s says that our certificate, of %s, has expired; make a new one (komet certificate), or set "
             "the clock there if it is wrong",
             other_end(tls), own);
        return;
    case SSL_AD_UNKNOWN_CA:
        fail(tls, TLS_WRONG_CA,
             "%s does not know the CA of our certificate, of %s; right would be one of its site's CA",
             other_end(tls), own);
        return;
    case SSL_AD_CERTIFICATE_REQUIRED:
        fail(tls, TLS_NO_CERTIFICATE, "%s wants a certificate, and we have none", other_end(tls));
        return;
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
        fail(tls, TLS_WRONG_ROLE, "%s does not take a certificate of %s for this", other_end(tls), own);
        return;
    case SSL_AD_PROTOCOL_VERSION:
        fail(tls, TLS_VERSION, "%s does not speak TLS 1.3", other_end(tls));
        return;
    default:
        fail(tls, TLS_FAILED, "%s ends TLS: %s; its log may say more", other_end(tls),
             SSL_alert_desc_string_long(alert));
    }
}

static void fail_by_error(struct tls *tls)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
        fail(tls, TLS_FAILED, "TLS fails: %s", error != 0 ? ERR_reason_error_string(error) : "no reason");
        return;
    }
    if (reason >= SSL_AD_REASON_OFFSET) {
        fail_by_alert(tls, reason - SSL_AD_REASON_OFFSET);
        return;
    }
    switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        fail_verifying(tls);
        return;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        fail(tls, TLS_NO_CERTIFICATE,
             "%s shows no certificate; right would be one of this site's CA (--tls DIR)", other_end(tls));
        return;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
        fail(tls, TLS_VERSION, "%s does not speak TLS 1.3, and no older one is taken", other_end(tls));
        return;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        fail(tls, TLS_NOT_SPOKEN, "%s does not speak TLS; right would be %s", other_end(tls),
             tls->side == TLS_SERVER ? "--tls DIR there" : "tls: in its site.yaml, or no --tls here");
        return;
    default:
        fail(tls, TLS_FAILED, "TLS with %s fails: %s", other_end(tls), ERR_reason_error_string(error));
    }
}

/* True when OpenSSL only waits for more octets. */
static bool only_waits(struct tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return true;
    }
    if (error != SSL_ERROR_ZERO_RETURN) { /* that it will write no more: its end comes next */
        fail_by_error(tls);
    }
    return false;
}

/* Called for each certificate of the chain; notes the first that does not hold. */
static int on_verified(int holds, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *tls = SSL_get_app_data(ssl);
    if (!holds && tls->verify_error == X509_V_OK) {
        X509 *certificate = X509_STORE_CTX_get_current_cert(store);
        tls->verify_error = X509_STORE_CTX_get_error(store);
        if (tls->verify_error != X509_V_ERR_CERT_HAS_EXPIRED &&
            tls->verify_error != X509_V_ERR_CERT_NOT_YET_VALID) {
            certificate =
                X509_STORE_CTX_get0_cert(store); /* its own, and not that of a CA which it sent too */
        }
        tls_certificate_subject(certificate, tls->subject, sizeof tls->subject);
        tls_certificate_end(certificate, tls->ended, sizeof tls->ended);
    }
    return holds;
}

/* ---- the connection ---- */

struct tls *tls_new(const struct tls_credentials *credentials, enum tls_side side)
{
    struct tls *tls = calloc(1, sizeof *tls);
    KOMET_ASSERT(tls != NULL); /* as all of the shell: a program without memory ends, and is started again */
    tls->side = side;
    tls->credentials = credentials;
    tls->ssl = SSL_new(credentials->context);
    tls->input = BIO_new(BIO_s_mem());
    tls->output = BIO_new(BIO_s_mem());
    KOMET_ASSERT(tls->ssl != NULL && tls->input != NULL && tls->output != NULL);
    SSL_set_bio(tls->ssl, tls->input, tls->output);
    SSL_set_app_data(tls->ssl, tls);
    SSL_set_verify(tls->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verified);
    if (side == TLS_SERVER) {
        SSL_set_accept_state(tls->ssl);
    } else {
        SSL_set_connect_state(tls->ssl);
        tls_feed(tls, NULL, 0);
    }
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        free(tls);
    }
}

static void take_peer(struct tls *tls)
{
    X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    if (certificate == NULL || !tls_certificate_identity(certificate, &tls->peer)) {
        fail(tls, TLS_WRONG_ROLE,
             "the certificate of %s names no server, kom or user; right would be one that komet certificate "
             "made",
             other_end(tls));
    } else if (tls->side == TLS_CLIENT && tls->peer.role != IDENTITY_SERVER) {
        fail(tls, TLS_WRONG_ROLE, "the server shows the certificate of %s; right would be that of a server",
             identity_text(&tls->peer).text);
    } else {
        tls->peer_days_left = tls_certificate_days_left(certificate);
        tls->open = true;
    }
}

/* A plain program of ours understands an alert (tls_looks_like); OpenSSL sends none to what is no TLS. */
static void answer_in_tls(struct tls *tls)
{
    static const uint8_t alert[] = {0x15, 0x03, 0x03, 0, 2, SSL3_AL_FATAL, SSL_AD_PROTOCOL_VERSION};
    BIO_write(tls->output, alert, sizeof alert);
}

void tls_feed(struct tls *tls, const uint8_t *octets, size_t size)
{
    if (tls->fault != TLS_OK) {
        return;
    }
    tls->heard = tls->heard || size > 0;
    ERR_clear_error();
    if (size > 0) {
        int taken = BIO_write(tls->input, octets, (int)size);
        KOMET_ASSERT(taken == (int)size);
    }
    if (tls->open) {
        return;
    }
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        take_peer(tls);
    } else {
        only_waits(tls, result);
    }
    if (tls->fault == TLS_NOT_SPOKEN && tls->side == TLS_SERVER) {
        answer_in_tls(tls);
    }
}

bool tls_is_open(const struct tls *tls)
{
    return tls->open && tls->fault == TLS_OK;
}

const struct identity *tls_peer(const struct tls *tls)
{
    return &tls->peer;
}

long tls_peer_days_left(const struct tls *tls)
{
    return tls->peer_days_left;
}

size_t tls_read(struct tls *tls, uint8_t *octets, size_t size)
{
    size_t count = 0;
    if (!tls_is_open(tls)) {
        return 0;
    }
    ERR_clear_error();
    int result = SSL_read_ex(tls->ssl, octets, size, &count);
    if (result != 1) {
        only_waits(tls, result);
        return 0;
    }
    return count;
}

enum tls_fault tls_failure(const struct tls *tls, const char **sentence)
{
    *sentence = tls->sentence;
    return tls->fault;
}

void tls_write(struct tls *tls, const uint8_t *octets, size_t size)
{
    size_t written = 0;
    KOMET_ASSERT(tls->open);
    ERR_clear_error();
    if (tls->fault == TLS_OK && size > 0 && SSL_write_ex(tls->ssl, octets, size, &written) != 1) {
        fail_by_error(tls); /* memory takes everything: this is for want of keys, after too many octets */
    }
}

void tls_shutdown(struct tls *tls)
{
    ERR_clear_error();
    if (tls_is_open(tls)) {
        SSL_shutdown(tls->ssl);
    }
}

size_t tls_output(struct tls *tls, uint8_t *octets, size_t size)
{
    int taken = BIO_read(tls->output, octets, (int)size);
    return taken > 0 ? (size_t)taken : 0;
}

enum tls_fault tls_silence(const struct tls *tls, const char **sentence)
{
    if (tls->heard) {
        *sentence = "the server closed it within the handshake of TLS; its log may say why";
        return TLS_FAILED;
    }
    *sentence =
        "the server closed it without a word of TLS; right would be tls: in its site.yaml, or no --tls "
        "here";
    return TLS_NOT_SPOKEN;
}
