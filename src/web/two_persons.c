#include "web/two_persons.h"

#include "base/timetext.h"
#include "web/api_object.h"

#define ASKED_ID 4 // of the settings: 1 is what people set, 2 the keys, 3 the set-up link

// permissions.md section 3: those for which there is the option.
static const char *const offered[] = { "KeyRotate", "Backup" };

const struct json *two_persons_of(const struct json *settings)
{
    static const struct json none = { .type = JSON_ARRAY };
    const struct json *list = json_get(settings, STR("TwoPersons"));
    return json_is(list, JSON_ARRAY) ? list : &none;
}

struct json *two_persons_read(struct api_call *c, struct decode *d, const char *name)
{
    size_t count;
    str *items = decode_str_list(d, name, &count);
    struct json *list = json_new_array(c->arena);
    for (size_t i = 0; i < count; i++) {
        const char *found = NULL;
        bool is_twice = false;
        for (size_t k = 0; k < COUNT(offered); k++)
            if (str_eq_nocase(items[i], str_from(offered[k])))
                found = offered[k];
        if (!found) {
            decode_error_at(d, name, i, "must be KeyRotate or Backup");
            continue;
        }
        json_each(item, list)
            is_twice = is_twice || str_eq(item->text, str_from(found));
        if (!is_twice)
            json_push(list, json_new_string(c->arena, str_from(found)));
    }
    return list;
}

static bool is_same_person(const struct api_call *c, const struct json *asked)
{
    int64_t id = 0;
    json_i64(json_get(asked, STR("ById")), &id);
    return id ? id == c->caller.user_id : !c->caller.user_id && str_eq_nocase(json_str(json_get(asked, STR("By")), STR("")), c->caller.name);
}

static void note(struct api_call *c, struct json *all, const char *what, str content, struct store_put *put)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    int64_t now = clock_wall_ms(c->web->opt.clock);
    struct json *asked = json_put(all, str_from(what), json_new_object(a)), *particulars = json_new_object(a);
    json_add_str(a, asked, "By", c->caller.name);
    json_add_i64(a, asked, "ById", c->caller.user_id);
    json_add_time(a, asked, "At", now);
    json_add_str(a, asked, "Content", content);
    put->object.doc = json_text(a, all);
    json_add_str(a, particulars, "Until", timetext(a, now + TWO_PERSONS_MS));
    json_add_str(a, particulars, "Content", content);
    struct store_audit row = { 0, c->caller.actor, STR("two-persons.ask"), str_from(what), json_text(a, particulars) };
    if (!store_change(c->web->opt.store, put, 1, &row, 1, &e)) {
        api_fail_with(c, &e);
        return;
    }
    c->status = 202;
    c->answer = json_new_object(a);
    json_add_str(a, c->answer, "Asked", str_from(what));
    json_add_str(a, c->answer, "By", c->caller.name);
    json_add_time(a, c->answer, "Until", now + TWO_PERSONS_MS);
    json_add_str(a, c->answer, "Message", arena_printf(a, "two people must want this: somebody else must ask for the same before %.*s", STR_ARG(timetext(a, now + TWO_PERSONS_MS))));
}

static bool agree(struct api_call *c, const char *what, str content)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    struct store_object *o = NULL;
    int64_t at = 0;
    if (!store_get(c->web->opt.store, KIND_SETTING, 0, ASKED_ID, a, &o, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    struct json *all = o ? object_doc(c, o) : json_new_object(a);
    const struct json *asked = json_get(all, str_from(what));
    int64_t now = clock_wall_ms(c->web->opt.clock);
    bool is_asked = timetext_parse(json_str(json_get(asked, STR("At")), STR("")), &at) && at <= now && now < at + TWO_PERSONS_MS && str_eq(json_str(json_get(asked, STR("Content")), STR("")), content);
    struct store_put put = { .object = { .kind = KIND_SETTING, .id = ASKED_ID }, .expected_version = o ? o->version : STORE_MUST_BE_NEW };
    if (!is_asked) {
        note(c, all, what, content, &put);
        return false;
    }
    if (is_same_person(c, asked)) {
        api_fail(c, ERR_CONFLICT, "you asked for this yourself: somebody else must ask for the same before %.*s", STR_ARG(timetext(a, at + TWO_PERSONS_MS)));
        return false;
    }
    struct json *particulars = json_new_object(a);
    json_add(particulars, STR("AskedBy"), json_copy(a, json_get(asked, STR("By"))));
    json_drop(all, str_from(what));
    put.object.doc = json_text(a, all);
    // The question is used up before the answer is given: it serves once.
    struct store_audit row = { 0, c->caller.actor, STR("two-persons.agree"), str_from(what), json_text(a, particulars) };
    if (store_change(c->web->opt.store, &put, 1, &row, 1, &e))
        return true;
    api_fail_with(c, &e);
    return false;
}

bool two_persons_agree_to(struct api_call *c, const char *what, str content)
{
    pthread_mutex_lock(&c->web->change_lock);
    bool agreed = agree(c, what, content);
    pthread_mutex_unlock(&c->web->change_lock);
    return agreed;
}

bool two_persons_agree(struct api_call *c, const char *what)
{
    json_each(item, two_persons_of(c->snapshot->settings))
        if (str_eq(json_str(item, STR("")), str_from(what)))
            return two_persons_agree_to(c, what, STR(""));
    return true;
}
