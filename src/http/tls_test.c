#include "http/client.h"

#include "sys/file.h"
#include "tests/http/peer.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

// ---- certificates made for the test

struct pair {
    str cert_pem, key_pem;
};

static str pem_of(struct arena *a, BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    str text = arena_str(a, (str){ p, (size_t)n });
    BIO_free(bio);
    return text;
}

// Self-signed, for 127.0.0.1, of that common name.
static struct pair make_pair(struct arena *a, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    X509_set_pubkey(cert, key);
    X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, alt, -1);
    X509_EXTENSION_free(alt);
    X509_sign(cert, key, EVP_sha256());
    BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(c, cert);
    PEM_write_bio_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
    return (struct pair){ pem_of(a, c), pem_of(a, k) };
}

struct files {
    struct arena arena;
    str folder;
    const char *cert, *key;
    struct pair pair;
};

static void put(const char *path, str text)
{
    struct err e;
    CHECK_OK("a file is written", file_write(path, text, 0600, &e), &e);
}

static void files_init(struct files *f)
{
    struct err e;
    *f = (struct files){ 0 };
    REQUIRE("a folder", file_temp_dir(&f->arena, "tls-test", &f->folder, &e));
    f->cert = arena_printf(&f->arena, "%.*s/cert.pem", STR_ARG(f->folder)).p;
    f->key = arena_printf(&f->arena, "%.*s/key.pem", STR_ARG(f->folder)).p;
    f->pair = make_pair(&f->arena, "first");
    put(f->cert, f->pair.cert_pem);
    put(f->key, f->pair.key_pem);
}

static void files_fini(struct files *f)
{
    struct err e;
    CHECK_OK("the folder is removed", file_remove_tree(arena_cstr(&f->arena, f->folder), &e), &e);
    arena_fini(&f->arena);
}

// ---- a server that says how long the body was and whether it came by TLS

static void say_back(struct http_request *r, void *ctx UNUSED)
{
    if (str_eq(r->path, STR("/much"))) {
        char *p = xcalloc(1, 4 << 20);
        http_answer(r, 200, NULL, 0, (str){ p, 4 << 20 });
        free(p);
        return;
    }
    http_answer(r, 200, NULL, 0, arena_printf(r->arena, "%s %.*s %zu", r->is_tls ? "tls" : "plain", STR_ARG(r->path), r->body.n));
}

// ---- a client by hand

static SSL *ssl_connect(struct peer *p, int version, SSL_CTX **ctx_out, int *fd_out)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(ctx, 0); // so that old versions are really offered
    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    SSL *ssl = SSL_new(ctx);
    int fd = peer_connect(p);
    SSL_set_fd(ssl, fd);
    *ctx_out = ctx;
    *fd_out = fd;
    if (SSL_connect(ssl) != 1) {
        ERR_clear_error();
        SSL_free(ssl);
        SSL_CTX_free(ctx);
        close(fd);
        return NULL;
    }
    return ssl;
}

static void ssl_end(SSL *ssl, SSL_CTX *ctx, int fd)
{
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
}

static str ssl_rest(SSL *ssl, struct arena *a)
{
    CLEANUP(buf_fini) struct buf in = { 0 };
    for (;;) {
        char *room = buf_room(&in, 16384);
        int n = SSL_read(ssl, room, 16384);
        if (n <= 0)
            return arena_str(a, buf_str(&in));
        buf_wrote(&in, (size_t)n);
    }
}

static str common_name(SSL *ssl, struct arena *a)
{
    char name[64] = "";
    X509 *cert = SSL_get1_peer_certificate(ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
    X509_free(cert);
    return arena_str(a, str_from(name));
}

TEST(versions)
{
    static const struct {
        const char *claim;
        int version;
        bool is_spoken;
    } rows[] = {
        { "TLS 1.3 is spoken", TLS1_3_VERSION, true },
        { "TLS 1.2 is spoken", TLS1_2_VERSION, true },
        { "TLS 1.1 is not", TLS1_1_VERSION, false },
        { "TLS 1.0 is not", TLS1_VERSION, false },
    };
    struct files f;
    struct peer p;
    files_init(&f);
    peer_start(&p, (struct http_server_options){ .on_request = say_back, .cert_file = f.cert, .key_file = f.key });
    for (size_t i = 0; i < COUNT(rows); i++) {
        SSL_CTX *ctx;
        int fd;
        SSL *ssl = ssl_connect(&p, rows[i].version, &ctx, &fd);
        CHECK_INT(rows[i].claim, ssl != NULL, rows[i].is_spoken);
        if (!ssl)
            continue;
        static const char request[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        SSL_write(ssl, request, sizeof request - 1);
        str all = ssl_rest(ssl, &f.arena);
        CHECK("both requests are answered", str_find(all, STR("tls /a 0")) >= 0 && str_ends(all, STR("tls /b 0")));
        CHECK("and the end is said", SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
        ssl_end(ssl, ctx, fd);
    }
    CHECK("no connection stays", peer_until_open(&p, 0));
    peer_stop(&p);
    files_fini(&f);
}

TEST(large_bodies_both_ways_byte_by_byte_too)
{
    struct files f;
    struct peer p;
    files_init(&f);
    peer_start(&p, (struct http_server_options){ .on_request = say_back, .cert_file = f.cert, .key_file = f.key });
    SSL_CTX *ctx;
    int fd;
    SSL *ssl = ssl_connect(&p, TLS1_3_VERSION, &ctx, &fd);
    REQUIRE("connected", ssl);
    static char body[3 << 20];
    static const char head[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n";
    SSL_write(ssl, head, sizeof head - 1);
    SSL_write(ssl, body, sizeof body);
    static const char much[] = "GET /much HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for (size_t i = 0; i < sizeof much - 1; i++)
        SSL_write(ssl, much + i, 1);
    str all = ssl_rest(ssl, &f.arena);
    CHECK("3 MB were read", str_find(all, STR("tls /x 3145728")) >= 0);
    CHECK("4 MB came back", all.n > 4 << 20);
    ssl_end(ssl, ctx, fd);
    peer_stop(&p);
    files_fini(&f);
}

static struct http_request *held;

static void hold(struct http_request *r, void *ctx)
{
    if (str_eq(r->path, STR("/hold")))
        held = r;
    else
        say_back(r, ctx);
}

static bool is_held(void *ctx UNUSED)
{
    return held != NULL;
}

static void answer_held(void *ctx UNUSED)
{
    struct http_request *r = MOVE(held); // the next request may be taken up before http_answer returns
    http_answer(r, 200, NULL, 0, STR("held"));
}

TEST(what_waits_behind_a_held_request_is_read_later)
{
    struct files f;
    struct peer p;
    files_init(&f);
    peer_start(&p, (struct http_server_options){ .on_request = hold, .cert_file = f.cert, .key_file = f.key });
    SSL_CTX *ctx;
    int fd;
    SSL *ssl = ssl_connect(&p, TLS1_3_VERSION, &ctx, &fd);
    REQUIRE("connected", ssl);
    CLEANUP(buf_fini) struct buf out = { 0 };
    buf_add(&out, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    for (int i = 0; i < 300; i++) // far more than a buffer holds
        buf_printf(&out, "GET /%d HTTP/1.1\r\nHost: a\r\n%s\r\n", i, i == 299 ? "Connection: close\r\n" : "");
    SSL_write(ssl, out.p, (int)out.n);
    CHECK("the first is held", peer_until(&p, is_held, NULL));
    peer_ask(&p, answer_held, NULL);
    str all = ssl_rest(ssl, &f.arena);
    CHECK("it is answered", str_find(all, STR("held")) > 0);
    CHECK("and so are all behind it", str_ends(all, STR("tls /299 0")) && str_find(all, STR("tls /150 0")) > 0);
    ssl_end(ssl, ctx, fd);
    peer_stop(&p);
    files_fini(&f);
}

struct reload {
    struct peer *p;
    bool is_good;
    struct err e;
};

static void do_reload(void *ctx)
{
    struct reload *r = ctx;
    r->is_good = http_server_reload_tls(r->p->server, &r->e);
}

static str name_served(struct peer *p, struct arena *a)
{
    SSL_CTX *ctx;
    int fd;
    SSL *ssl = ssl_connect(p, TLS1_3_VERSION, &ctx, &fd);
    if (!ssl)
        return STR("nothing");
    str name = common_name(ssl, a);
    ssl_end(ssl, ctx, fd);
    return name;
}

TEST(a_certificate_is_changed_while_serving)
{
    struct files f;
    struct peer p;
    files_init(&f);
    peer_start(&p, (struct http_server_options){ .on_request = say_back, .cert_file = f.cert, .key_file = f.key });
    struct reload r = { .p = &p };
    CHECK_STR("the first certificate", name_served(&p, &f.arena), STR("first"));
    SSL_CTX *ctx;
    int fd;
    SSL *old = ssl_connect(&p, TLS1_3_VERSION, &ctx, &fd);
    REQUIRE("connected", old);

    struct pair second = make_pair(&f.arena, "second");
    put(f.cert, second.cert_pem);
    peer_ask(&p, do_reload, &r);
    CHECK("a certificate without its key is refused", !r.is_good);
    CHECK(r.e.text, str_find(str_from(r.e.text), str_from(f.key)) >= 0);
    CHECK_STR("and the first one stays", name_served(&p, &f.arena), STR("first"));

    put(f.key, second.key_pem);
    peer_ask(&p, do_reload, &r);
    CHECK_OK("both are taken", r.is_good, &r.e);
    CHECK_STR("and served", name_served(&p, &f.arena), STR("second"));

    put(f.cert, STR("not a certificate"));
    peer_ask(&p, do_reload, &r);
    CHECK("a broken file is refused", !r.is_good);
    CHECK(r.e.text, str_find(str_from(r.e.text), str_from(f.cert)) >= 0);
    CHECK_STR("and the good one stays", name_served(&p, &f.arena), STR("second"));

    static const char request[] = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    SSL_write(old, request, sizeof request - 1);
    CHECK("a connection of before goes on", str_ends(ssl_rest(old, &f.arena), STR("tls /a 0")));
    ssl_end(old, ctx, fd);
    peer_stop(&p);
    files_fini(&f);
}

TEST(what_is_not_tls_is_dropped)
{
    static const char *const texts[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03garbage garbage garbage", "\x80\x2e\x01\x03\x01" };
    struct files f;
    struct peer p;
    files_init(&f);
    peer_start(&p, (struct http_server_options){ .on_request = say_back, .cert_file = f.cert, .key_file = f.key, .header_timeout_ms = 50 });
    for (size_t i = 0; i < COUNT(texts); i++) {
        int fd = peer_connect(&p);
        peer_send(fd, str_from(texts[i]));
        str said = peer_rest(fd, &f.arena);
        CHECK("no HTTP answer in the clear", str_find(said, STR("HTTP/")) < 0);
        close(fd);
    }
    int fd = peer_connect(&p);
    CHECK_INT("a handshake that does not come runs into the time-out", peer_rest(fd, &f.arena).n, 0);
    close(fd);
    CHECK("all are closed", peer_until_open(&p, 0));
    peer_stop(&p);
    files_fini(&f);
}

// ---- our client's side

struct outcome {
    struct loop *loop;
    int status;
    struct err error;
    bool is_done;
};

static void on_reply(void *ctx, const struct http_reply *r)
{
    struct outcome *o = ctx;
    o->status = r->status;
    o->error = r->error;
    o->is_done = true;
    loop_stop(o->loop);
}

static const struct egress *policy(void *ctx)
{
    return ctx;
}

TEST(the_client_verifies_whom_it_speaks_to)
{
    struct files f;
    struct peer p;
    struct err e;
    struct egress *g;
    struct http_client *c;
    files_init(&f);
    peer_start(&p, (struct http_server_options){ .on_request = say_back, .cert_file = f.cert, .key_file = f.key });
    str allow = STR("127.0.0.0/8");
    struct outcome o = { 0 };
    REQUIRE("policy and loop", egress_new(&allow, 1, &g, &e) && loop_open(&o.loop, &e));
    REQUIRE("client", http_client_open(&(struct http_client_options){ .loop = o.loop, .egress = policy, .egress_ctx = g }, &c, &e));
    struct pair other = make_pair(&f.arena, "other");
    const struct {
        const char *claim;
        struct http_tls tls;
        int status;
        enum err_kind kind;
    } rows[] = {
        { "an unknown certificate is refused", { { 0 } }, 0, ERR_IO },
        { "one that is trusted is taken", { f.pair.cert_pem }, 200, ERR_NONE },
        { "the trust of one call is not that of the next", { { 0 } }, 0, ERR_IO },
        { "another's certificate does not help", { other.cert_pem }, 0, ERR_IO },
        { "unverified, if so permitted", { .is_unverified = true }, 200, ERR_NONE },
        { "and again verified", { { 0 } }, 0, ERR_IO },
        { "a broken client certificate is said to be so", { f.pair.cert_pem, STR("broken"), STR("broken") }, 0, ERR_INVALID },
        { "a client certificate is offered", { f.pair.cert_pem, other.cert_pem, other.key_pem }, 200, ERR_NONE },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        o.is_done = false;
        str url = arena_printf(&f.arena, "https://127.0.0.1:%d/", p.port);
        http_call_start(c, &(struct http_call_options){ .method = STR("GET"), .url = url, .tls = rows[i].tls }, on_reply, &o);
        while (!o.is_done)
            loop_run(o.loop);
        CHECK_INT(rows[i].claim, o.status, rows[i].status);
        if (!CHECK_INT(rows[i].claim, o.error.kind, rows[i].kind))
            fprintf(stderr, "    %s\n", o.error.text);
    }
    http_client_close(c);
    egress_free(g);
    loop_close(o.loop);
    peer_stop(&p);

    // The same certificate, served where its name does not fit.
    peer_start(&p, (struct http_server_options){ .listen = "127.0.0.2:0", .on_request = say_back, .cert_file = f.cert, .key_file = f.key });
    o = (struct outcome){ 0 };
    REQUIRE("policy and loop", egress_new(&allow, 1, &g, &e) && loop_open(&o.loop, &e));
    REQUIRE("client", http_client_open(&(struct http_client_options){ .loop = o.loop, .egress = policy, .egress_ctx = g }, &c, &e));
    http_call_start(c, &(struct http_call_options){ .method = STR("GET"), .url = arena_printf(&f.arena, "https://127.0.0.2:%d/", p.port), .tls = { f.pair.cert_pem } }, on_reply, &o);
    while (!o.is_done)
        loop_run(o.loop);
    CHECK_INT("a certificate of another name is refused", o.error.kind, ERR_IO);
    http_client_close(c);
    egress_free(g);
    loop_close(o.loop);
    peer_stop(&p);
    files_fini(&f);
}

TEST_MAIN()
