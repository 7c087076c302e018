#include "template/check_rows.h"

TEST(parts)
{
    static const struct row rows[] = {
        { "of a whole one", "#{u | UriPart Host} #{u | UriPart Authority} #{u | UriPart Path} #{u | UriPart AbsolutePath} #{u | UriPart Port} #{u | UriPart SchemeAndServer}",
            "{\"u\":\"https://u:p@Ex.com:8443/a/b%20c?q=1 2#top\"}", "ex.com ex.com:8443 /a/b c /a/b%20c 8443 https://ex.com:8443" },
        { "no argument", "#{u | UriPart}", "{\"u\":\"http://h\"}", "[UriPart error: no argument given]" },
        { "an unknown one", "#{u | UriPart Nope}", "{\"u\":\"http://h\"}", "[UriPart Nope error: argument 'Nope' not supported]" },
        { "a relative one", "#{u | UriPart Host} #{u | UriPart IsAbsoluteUri}", "{\"u\":\"/rel?x\"}", "[UriPart Host error: This operation is not supported for a relative URI.] false" },
        { "no URI comes back", "#{u | UriPart Host}", "{\"u\":\"http://\"}", "http://" },
        { "yes and no", "#{u | UriPart IsLoopback} #{u | UriPart IsFile} #{u | UriPart IsUnc} #{u | UriPart IsDefaultPort}", "{\"u\":\"http://127.0.0.1/\"}", "true false false true" },
        { "kinds of hosts", "#{u | UriPart HostNameType} #{u | UriPart DnsSafeHost} #{u | UriPart HostAndPort}", "{\"u\":\"http://[::1]/\"}", "IPv6 ::1 [::1]:80" },
        { "the rest", "#{u | UriPart Query} #{u | UriPart Fragment} #{u | UriPart PathAndQuery} #{u | UriPart Scheme} #{u | UriPart UserInfo} #{u | UriPart AbsoluteUri}",
            "{\"u\":\"ws://me@h/x?y#z\"}", "?y #z /x?y ws me ws://me@h/x?y#z" },
    };
    CHECK_ROWS(rows);
}

TEST_MAIN()
