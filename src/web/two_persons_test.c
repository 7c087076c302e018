#include "tests/web/scene.h"

#include "web/two_persons.h"

static struct scene_call *last;

// As a user of ours (id) or, with 0, as admin.key.
static bool asks(struct scene *s, int64_t user_id, const char *name, const char *what, const char *content)
{
    if (last)
        scene_give(s, last);
    last = scene_call(s, "POST", "/api/backup", NULL);
    last->call.caller = (struct caller){ .kind = user_id ? CALLER_API_KEY : CALLER_ADMIN_KEY, .user_id = user_id, .name = str_from(name), .actor = str_from(name), .is_admin = !user_id };
    return content ? two_persons_agree_to(&last->call, what, str_from(content)) : two_persons_agree(&last->call, what);
}

static void begin(struct scene *s, const char *settings)
{
    scene_begin(s);
    scene_put(s, KIND_SETTING, 1, 0, 0, (str){ 0 }, str_from(settings));
    REQUIRE("in force", CHECK_OK("in force", registry_reload(s->web.opt.registry, &s->e), &s->e));
}

static void end(struct scene *s)
{
    scene_give(s, last);
    last = NULL;
    scene_end(s);
}

TEST(without_the_option_one_is_enough)
{
    static const char *const settings[] = { "{}", "{\"TwoPersons\":[]}", "{\"TwoPersons\":[\"KeyRotate\"]}", "{\"TwoPersons\":\"Backup\"}" };
    for (size_t i = 0; i < COUNT(settings); i++) {
        struct scene s;
        begin(&s, settings[i]);
        CHECK(settings[i], asks(&s, 1, "ann", "Backup", NULL));
        end(&s);
    }
}

TEST(two_people_must_want_it)
{
    struct scene s;
    begin(&s, "{\"TwoPersons\":[\"KeyRotate\",\"Backup\"]}");
    CHECK("the first is noted", !asks(&s, 1, "ann", "Backup", NULL));
    CHECK_INT("and told so", last->call.status, 202);
    CHECK_STR("with the time there is", json_str(json_get(last->call.answer, STR("Until")), STR("")), STR("2023-11-14T23:13:20.000Z"));
    const struct store_audit_row *row = scene_audit(&s, "two-persons.ask");
    CHECK("the audit knows", row && str_eq(row->actor, STR("ann")) && str_eq(row->subject, STR("Backup")));
    CHECK("the same person is not another", !asks(&s, 1, "ann", "Backup", NULL));
    CHECK_INT("by whatever key", last->call.status, 409);
    CHECK("another thing is another question", !asks(&s, 2, "bert", "KeyRotate", NULL) && last->call.status == 202);
    CHECK("somebody else lets it happen", asks(&s, 2, "bert", "Backup", NULL));
    row = scene_audit(&s, "two-persons.agree");
    CHECK("which is in the audit, with both", row && str_eq(row->actor, STR("bert")) && str_find(row->doc, STR("\"AskedBy\":\"ann\"")) >= 0);
    CHECK("once", !asks(&s, 2, "bert", "Backup", NULL) && last->call.status == 202);
    CHECK("the other question is open still", asks(&s, 1, "ann", "KeyRotate", NULL));
    end(&s);
}

TEST(a_question_is_open_for_an_hour)
{
    struct scene s;
    begin(&s, "{\"TwoPersons\":[\"Backup\"]}");
    asks(&s, 1, "ann", "Backup", NULL);
    clock_fake_advance(&s.clock, TWO_PERSONS_MS - 1);
    CHECK("in its last millisecond", asks(&s, 2, "bert", "Backup", NULL));
    asks(&s, 1, "ann", "Backup", NULL);
    clock_fake_advance(&s.clock, TWO_PERSONS_MS);
    CHECK("after it a second person asks as a first one", !asks(&s, 2, "bert", "Backup", NULL) && last->call.status == 202);
    CHECK("whom the other may answer", asks(&s, 1, "ann", "Backup", NULL));
    asks(&s, 1, "ann", "Backup", NULL);
    s.clock.wall -= 1000;
    CHECK("a question from the future is none", !asks(&s, 2, "bert", "Backup", NULL) && last->call.status == 202);
    end(&s);
}

TEST(who_is_another)
{
    struct scene s;
    begin(&s, "{\"TwoPersons\":[\"Backup\"]}");
    asks(&s, 0, "admin.key", "Backup", NULL);
    CHECK("admin.key is itself", !asks(&s, 0, "admin.key", "Backup", NULL) && last->call.status == 409);
    CHECK("and somebody of its own", asks(&s, 1, "ann", "Backup", NULL));
    asks(&s, 1, "ann", "Backup", NULL);
    CHECK("a renamed user is the same", !asks(&s, 1, "anna", "Backup", NULL) && last->call.status == 409);
    CHECK("a user of the same name is another", asks(&s, 2, "ann", "Backup", NULL));
    end(&s);
}

TEST(what_was_asked_for_is_what_happens)
{
    struct scene s;
    begin(&s, "{}");
    CHECK("asked", !asks(&s, 1, "ann", "TwoPersons", "[]"));
    CHECK("other content is another question", !asks(&s, 2, "bert", "TwoPersons", "[\"Backup\"]") && last->call.status == 202);
    CHECK("which takes the first one's place", !asks(&s, 3, "carl", "TwoPersons", "[]") && last->call.status == 202);
    CHECK("the same is agreed to", asks(&s, 1, "ann", "TwoPersons", "[]"));
    end(&s);
}

static str read(struct scene *s, const char *text, size_t *errors)
{
    struct scene_call *k = scene_call(s, "PUT", "/api/settings", text);
    struct decode d;
    str out = STR("");
    if (decode_begin(&d, k->call.body, STR(""), &k->call.errors)) {
        out = json_text(&s->a, two_persons_read(&k->call, &d, "TwoPersons"));
        decode_done(&d);
    }
    *errors = k->call.errors.count;
    scene_give(s, k);
    return out;
}

TEST(the_setting_is_read)
{
    struct scene s;
    size_t errors;
    scene_begin(&s);
    CHECK_STR("in any case, once each", read(&s, "{\"TwoPersons\":[\"backup\",\"KeyRotate\",\"Backup\"]}", &errors), STR("[\"Backup\",\"KeyRotate\"]"));
    CHECK_INT("without an error", errors, 0);
    read(&s, "{\"TwoPersons\":[\"UserAdmin\"]}", &errors);
    CHECK_INT("another permission has no such option", errors, 1);
    read(&s, "{\"TwoPersons\":\"Backup\"}", &errors);
    CHECK_INT("no list", errors, 1);
    scene_end(&s);
}

TEST_MAIN()
