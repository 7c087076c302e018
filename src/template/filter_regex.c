// Match and Replace.
#include "template/filter.h"
#include "template/regex.h"

static void regex_closep(struct regex **r)
{
    regex_close(*r);
}

enum filter_outcome filter_match(struct filter_call *c)
{
    struct err e = { 0 };
    CLEANUP(regex_closep) struct regex *r = NULL;
    bool is_match;
    if (c->option_count != 1)
        return FILTER_NOTHING;
    if (!regex_open(filter_option(c, 0), &r, &e) || !regex_match(r, c->argument.s, &is_match, &e))
        return filter_exception(c, "%s", e.text);
    return filter_bool(c, is_match);
}

enum filter_outcome filter_replace(struct filter_call *c)
{
    struct err e = { 0 };
    CLEANUP(regex_closep) struct regex *r = NULL;
    CLEANUP(buf_fini) struct buf out = { .max = c->max_bytes };
    if (!c->option_count)
        return FILTER_NOTHING;
    str replacement = c->option_count > 1 ? filter_option(c, 1) : STR("");
    if (!regex_open(filter_option(c, 0), &r, &e) || !regex_replace(r, c->argument.s, replacement, &out, &e))
        return filter_exception(c, "%s", e.text);
    return filter_value_buf(c, &out);
}
