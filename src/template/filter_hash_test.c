#include "template/check_rows.h"

TEST(base64)
{
    static const struct row rows[] = {
        { "both ways", "#{v | ToBase64} #{v | ToBase64 Unicode} #{b | FromBase64}", "{\"v\":\"Héllo\",\"b\":\"SGVsbG8=\"}", "SMOpbGxv SADpAGwAbABvAA== Hello" },
        { "UTF-16", "#{u | FromBase64 unicode}", "{\"u\":\"SABpAD3YAN4=\"}", "Hi😀" },
        { "blanks are skipped", "#{b | FromBase64}", "{\"b\":\" SGVs\\r\\nbG8= \"}", "Hello" },
        { "bits that no byte uses", "#{b | FromBase64}", "{\"b\":\"QR==\"}", "A" },
        { "broken UTF-8", "#{b | FromBase64}", "{\"b\":\"4piD4pjwn5g=\"}", "☃\ufffd\ufffd" },
        { "no padding", "#{b | FromBase64}", "{\"b\":\"SGVsbG8\"}", NULL },
        { "no Base64", "#{b | FromBase64}", "{\"b\":\"!!!!\"}", NULL },
        { "another encoding", "#{v | ToBase64 ascii}", "{\"v\":\"x\"}", "#{v | ToBase64 \"ascii\"}" },
    };
    CHECK_ROWS(rows);
}

TEST(hashes)
{
    static const struct row rows[] = {
        { "MD5", "#{v | Md5}", "{\"v\":\"Hello\"}", "8b1a9953c4611296a827abf8c47804d7" },
        { "some bytes of SHA-256", "#{v | Sha256 4}", "{\"v\":\"Hello\"}", "185f8db3" },
        { "size and encoding in either order", "#{b | Sha1 base64 6} #{b | Sha1 6 BASE64}", "{\"b\":\"SGVsbG8=\"}", "f7ff9e8b7bb2 f7ff9e8b7bb2" },
        { "more bytes than there are", "#{v | Md5 99}", "{\"v\":\"Hello\"}", "8b1a9953c4611296a827abf8c47804d7" },
        { "SHA-384 and SHA-512", "#{v | Sha384 3} #{v | Sha512 3}", "{\"v\":\"Hello\"}", "3519fe 3615f8" },
        { "no size", "#{v | Md5 0}", "{\"v\":\"Hello\"}", "#{v | Md5 \"0\"}" },
        { "what is no Base64", "#{v | Md5 base64}", "{\"v\":\"Hello\"}", "#{v | Md5 \"base64\"}" },
        { "two sizes", "#{v | Md5 4 5}", "{\"v\":\"Hello\"}", "#{v | Md5 \"4\" \"5\"}" },
    };
    CHECK_ROWS(rows);
}

TEST_MAIN()
