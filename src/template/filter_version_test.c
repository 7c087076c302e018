#include "template/check_rows.h"

#define ALL "#{v | VersionMajor}.#{v | VersionMinor}.#{v | VersionPatch}.#{v | VersionRevision}|#{v | VersionPreRelease}|#{v | VersionPreReleasePrefix}|#{v | VersionPreReleaseCounter}|#{v | VersionMetadata}"

TEST(versions)
{
    static const struct row rows[] = {
        { "all parts", ALL, "{\"v\":\"v1.2.3-beta.5+b.7\"}", "1.2.3.0|beta.5|beta|5|b.7" },
        { "missing numbers are 0", ALL, "{\"v\":\"1.2\"}", "1.2.0.0||||" },
        { "no number at all", ALL, "{\"v\":\"latest-1\"}", "0.0.0.0|latest-1|latest|1|" },
        { "a fifth number is pre-release", ALL, "{\"v\":\"1.2.3.4.5\"}", "1.2.3.4|5|5||" },
        { "an underscore separates", ALL, "{\"v\":\"1.2.3_feature_x\"}", "1.2.3.0|feature_x|feature|x|" },
        { "blanks around numbers", ALL, "{\"v\":\" 1 . 2 \"}", "1.2.0.0||||" },
        { "letters behind digits make no number", ALL, "{\"v\":\"1.2.3a\"}", "1.2.0.0|3a|3a||" },
        { "an empty text", "#{v | VersionMajor}", "{\"v\":\" \"}", NULL },
        { "what is no version", "#{v | VersionMajor}", "{\"v\":\"1.2.3-!x\"}", NULL },
        { "too large", "#{v | VersionMetadata}", "{\"v\":\"99999999999.1\"}", NULL },
    };
    CHECK_ROWS(rows);
}

TEST_MAIN()
