#include "reaction/success.h"

#include "tests/harness/check.h"

TEST(what_an_answer_means)
{
    static const struct {
        const char *claim, *success;
        int status;
        enum success_meaning want;
    } rows[] = {
        { "200 is a success by default", "200-299", 200, SUCCESS_DONE },
        { "so is 299", "200-299", 299, SUCCESS_DONE },
        { "304 is none unless listed", "200-299", 304, SUCCESS_GIVE_UP },
        { "304 is one when listed", "200-299,304", 304, SUCCESS_DONE },
        { "blanks between the parts are fine", " 200 - 204 , 404 ", 404, SUCCESS_DONE },
        { "a success of one status leaves out its neighbours", "201", 200, SUCCESS_GIVE_UP },
        { "a redirect is not followed and not tried again", "200-299", 302, SUCCESS_GIVE_UP },
        { "400 will be 400 again", "200-299", 400, SUCCESS_GIVE_UP },
        { "so will 404", "200-299", 404, SUCCESS_GIVE_UP },
        { "408 may pass", "200-299", 408, SUCCESS_RETRY },
        { "425 may pass", "200-299", 425, SUCCESS_RETRY },
        { "429 may pass", "200-299", 429, SUCCESS_RETRY },
        { "500 may pass", "200-299", 500, SUCCESS_RETRY },
        { "501 counts as 5xx", "200-299", 501, SUCCESS_RETRY },
        { "599 may pass", "200-299", 599, SUCCESS_RETRY },
        { "a status beyond 599 is a server's failure too", "200-299", 700, SUCCESS_RETRY },
        { "410 is gone", "200-299", 410, SUCCESS_GONE },
        { "410 is a success for whom it is one", "200-299,410", 410, SUCCESS_DONE },
        { "500 is a success for whom it is one", "500", 500, SUCCESS_DONE },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct success s;
        struct err e = { 0 };
        REQUIRE(rows[i].claim, success_parse(str_from(rows[i].success), &s, &e));
        CHECK_INT(rows[i].claim, success_of_status(&s, rows[i].status), rows[i].want);
    }
}

TEST(what_is_no_list_of_statuses)
{
    static const char *const rows[] = { "", "abc", "2xx", "299-200", "200-", "-200", "99", "100-299", "200-600", "200,,204", "200;204", "2000", "+200", "200-250-299",
                                        "200,201,202,203,204,205,206,207,208,209,210,211,212,213,214,215,216" };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct success s;
        struct err e = { 0 };
        CHECK(rows[i], !success_parse(str_from(rows[i]), &s, &e) && e.kind == ERR_INVALID && e.text[0]);
    }
}

TEST(how_long_to_wait)
{
    const int64_t now = INT64_C(784111770000); // Sun, 06 Nov 1994 08:49:30 GMT
    static const struct {
        const char *claim, *value;
        int64_t want;
    } rows[] = {
        { "seconds", "120", 120000 },
        { "none", "0", 0 },
        { "blanks around are fine", " 7 ", 7000 },
        { "a date to come", "Sun, 06 Nov 1994 08:49:37 GMT", 7000 },
        { "a date that is past is now", "Sun, 06 Nov 1994 08:49:00 GMT", 0 },
        { "a huge number does not overflow", "9223372036854775807", INT64_C(366) * 86400 * 1000 },
        { "a number beyond 64 bits says nothing", "99999999999999999999", -1 },
        { "a negative one says nothing", "-5", -1 },
        { "a fraction says nothing", "1.5", -1 },
        { "words say nothing", "soon", -1 },
        { "an empty one says nothing", "", -1 },
        { "a time without a zone says nothing", "08:49:37", -1 },
        { "nonsense before GMT says nothing", "Sun, 99 Nov 1994 08:49:37 GMT", -1 },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, success_retry_after_ms(str_from(rows[i].value), now), rows[i].want);
}

TEST_MAIN()
