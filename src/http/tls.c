#include "http/conn.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

static int choose_protocol(SSL *ssl UNUSED, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n, void *ctx UNUSED)
{
    static const unsigned char ours[] = "\x08http/1.1";
    int chosen = SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_n, ours, sizeof ours - 1, in, in_n);
    return chosen == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool tls_fail(struct err *e, const char *file)
{
    char reason[200];
    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    ERR_clear_error();
    return err_set(e, ERR_INVALID, "%s: %s", file, reason);
}

static void ctx_freep(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

bool tls_load(struct http_server *s, struct err *e)
{
    CLEANUP(ctx_freep) SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return tls_fail(e, "TLS");
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    // Idle connections keep no record buffers; writes may come from a buffer that moved.
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"reactions", 9);
    if (SSL_CTX_use_certificate_chain_file(ctx, s->cert_file) != 1)
        return tls_fail(e, s->cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, s->key_file, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return tls_fail(e, s->key_file);
    SSL_CTX_free(s->tls); // connections hold their own reference
    s->tls = MOVE(ctx);
    return true;
}

void tls_forget(struct http_server *s)
{
    SSL_CTX_free(s->tls);
    s->tls = NULL;
}

// Memory on both sides: libuv moves the bytes, not OpenSSL.
void tls_accept(struct http_conn *c)
{
    c->ssl = SSL_new(c->server->tls);
    SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(c->ssl);
}

void tls_free(struct http_conn *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
}

void tls_take(struct http_conn *c, str ciphertext)
{
    BIO_write(SSL_get_rbio(c->ssl), ciphertext.p, (int)ciphertext.n);
}

// Decrypts as far as there is room. False when the peer broke the rules.
static bool tls_open(struct http_conn *c, bool *has_more)
{
    *has_more = false;
    for (;;) {
        bool is_dropping = c->phase == PHASE_LINGER;
        size_t room = is_dropping ? 4096 : conn_in_room(c);
        if (room == 0) {
            *has_more = true;
            return true;
        }
        char dropped[4096];
        int n = SSL_read(c->ssl, is_dropping ? dropped : c->in.p + c->in.n, (int)MIN(room, (size_t)1 << 20));
        if (n > 0) {
            if (is_dropping)
                c->drain_left += (uint64_t)n;
            else
                c->in.n += (size_t)n;
            *has_more = true;
            return true;
        }
        int reason = SSL_get_error(c->ssl, n);
        ERR_clear_error();
        if (reason == SSL_ERROR_ZERO_RETURN) {
            c->is_eof = true;
            return true;
        }
        return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
    }
}

void tls_run(struct http_conn *c)
{
    bool has_more = true;
    c->is_opening = true;
    while (has_more && c->phase != PHASE_CLOSING) {
        size_t had = c->in.n;
        if (!tls_open(c, &has_more)) {
            // The alert that says why is already written.
            conn_flush(c);
            conn_close(c);
            break;
        }
        if (has_more && c->in.n == had && c->phase != PHASE_LINGER)
            break; // no room: goes on when the answer is out
        conn_run(c);
    }
    if (!has_more && c->phase != PHASE_CLOSING)
        conn_run(c); // handshake records to send, or the end of the stream
    c->is_opening = false;
    if (c->phase != PHASE_CLOSING && BIO_ctrl_pending(SSL_get_rbio(c->ssl)))
        conn_read_set(c, false);
}

// Ciphertext that waited for room.
bool tls_has_more(const struct http_conn *c)
{
    return c->ssl && !c->is_opening && c->phase != PHASE_BUSY && !c->is_writing && (BIO_ctrl_pending(SSL_get_rbio(c->ssl)) || SSL_pending(c->ssl));
}

// Turns the plain answer in c->out into records in c->out.
bool tls_seal(struct http_conn *c)
{
    if (c->out.n && SSL_write(c->ssl, c->out.p, (int)c->out.n) <= 0) {
        ERR_clear_error();
        return false;
    }
    c->out.n = 0;
    char *sealed;
    long n = BIO_get_mem_data(SSL_get_wbio(c->ssl), &sealed);
    if (n > 0) {
        conn_buffer_take(c->server, &c->out);
        buf_add(&c->out, (str){ sealed, (size_t)n });
        (void)BIO_reset(SSL_get_wbio(c->ssl));
    }
    return true;
}

void tls_end(struct http_conn *c)
{
    SSL_shutdown(c->ssl);
    ERR_clear_error();
    conn_flush(c);
}
