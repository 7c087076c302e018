// libyaml gives events; no call of ours or of libyaml recurses over the input.
#include "json/yaml.h"

#include "base/limits.h"
#include "base/map.h"
#include "json/yaml_schema.h"

#include <stdio.h>
#include <yaml.h>

struct level {
    struct json *node;
    struct map keys; // of an object: what was there already
    str name;        // of the member whose value comes next
    bool has_name;
};

struct reader {
    yaml_parser_t yaml;
    struct arena *arena;
    struct err *e;
    size_t depth; // open levels; the first is the list of documents
    size_t nodes;
    struct level levels[LIMIT_JSON_DEPTH + 1];
};

static void reader_fini(struct reader *r)
{
    for (size_t i = 0; i < r->depth; i++)
        map_fini(&r->levels[i].keys);
    yaml_parser_delete(&r->yaml);
}

static bool PRINTF_LIKE(4, 5) fail_kind(struct reader *r, const yaml_event_t *at, enum err_kind kind, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return err_set(r->e, kind, "line %zu, column %zu: %s", at->start_mark.line + 1, at->start_mark.column + 1, what);
}

#define FAIL(r, at, ...) fail_kind((r), (at), ERR_INVALID, __VA_ARGS__)

// What libyaml itself did not understand.
static bool fail_syntax(struct reader *r)
{
    const yaml_parser_t *y = &r->yaml;
    const char *problem = y->problem ? y->problem : "not enough memory";
    if (y->error == YAML_READER_ERROR && y->problem_value >= 0)
        return err_set(r->e, ERR_INVALID, "byte %zu: %s (0x%02X)", y->problem_offset + 1, problem, (unsigned)y->problem_value);
    if (y->error == YAML_READER_ERROR)
        return err_set(r->e, ERR_INVALID, "byte %zu: %s", y->problem_offset + 1, problem);
    return err_set(r->e, ERR_INVALID, "line %zu, column %zu: %s%s%s", y->problem_mark.line + 1, y->problem_mark.column + 1, problem, y->context ? ", " : "",
                   y->context ? y->context : "");
}

static struct json *new_value(struct reader *r, struct json *value)
{
    struct level *top = &r->levels[r->depth - 1];
    r->nodes++;
    if (top->node->type == JSON_ARRAY)
        return json_push(top->node, value);
    top->has_name = false;
    return json_add(top->node, top->name, value);
}

static bool wants_key(const struct reader *r)
{
    const struct level *top = &r->levels[r->depth - 1];
    return top->node->type == JSON_OBJECT && !top->has_name;
}

static bool take_key(struct reader *r, const yaml_event_t *event)
{
    struct level *top = &r->levels[r->depth - 1];
    str key = { (const char *)event->data.scalar.value, event->data.scalar.length };
    if (map_get(&top->keys, key)) {
        CLEANUP(buf_fini) struct buf name = { 0 };
        json_write_path_name(&name, key);
        return FAIL(r, event, "the key %.*s stands twice in its object", STR_ARG(buf_str(&name)));
    }
    map_put(&top->keys, key, top->node);
    top->name = arena_str(r->arena, key);
    top->has_name = true;
    return true;
}

static bool take_plain(struct reader *r, const yaml_event_t *event, str text)
{
    str number = { 0 };
    switch (yaml_schema_meaning(r->arena, text, &number)) {
    case YAML_NULL: new_value(r, json_new_null(r->arena)); return true;
    case YAML_TRUE: new_value(r, json_new_bool(r->arena, true)); return true;
    case YAML_FALSE: new_value(r, json_new_bool(r->arena, false)); return true;
    case YAML_NUMBER: new_value(r, json_new_number(r->arena, number)); return true;
    case YAML_TEXT: new_value(r, json_new_string(r->arena, text)); return true;
    case YAML_NO_JSON: break;
    }
    return FAIL(r, event, "%.*s is a number JSON cannot hold; if it is meant as text, put it in quotes", STR_ARG(str_sub(text, 0, 40)));
}

static bool take_scalar(struct reader *r, const yaml_event_t *event)
{
    const char *tag = (const char *)event->data.scalar.tag;
    bool is_text_tag = tag && (strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0);
    if (tag && !is_text_tag)
        return FAIL(r, event, "the tag %.60s is not known here", tag);
    if (wants_key(r))
        return take_key(r, event);
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !is_text_tag;
    if (is_plain && !event->data.scalar.length && r->depth == 1)
        return true; // nothing between two "---"
    str text = arena_str(r->arena, (str){ (const char *)event->data.scalar.value, event->data.scalar.length });
    if (is_plain)
        return take_plain(r, event, text);
    new_value(r, json_new_string(r->arena, text));
    return true;
}

static bool open_level(struct reader *r, const yaml_event_t *event, struct json *node, const char *tag)
{
    const char *own_tag = node->type == JSON_OBJECT ? YAML_MAP_TAG : YAML_SEQ_TAG;
    if (tag && strcmp(tag, own_tag) != 0 && strcmp(tag, "!") != 0)
        return FAIL(r, event, "the tag %.60s is not known here", tag);
    if (wants_key(r))
        return FAIL(r, event, "a key must be text, not %s", node->type == JSON_OBJECT ? "an object" : "a list");
    if (r->depth == COUNT(r->levels))
        return fail_kind(r, event, ERR_TOO_LARGE, "objects and lists are nested more than %d deep", LIMIT_JSON_DEPTH);
    new_value(r, node);
    r->levels[r->depth++] = (struct level){ .node = node };
    return true;
}

static bool check_anchor(struct reader *r, const yaml_event_t *event, const yaml_char_t *anchor)
{
    return !anchor || FAIL(r, event, "anchors and aliases (&%.40s, *%.40s) are not taken; write the value out where it is needed", (const char *)anchor, (const char *)anchor);
}

static bool take_event(struct reader *r, const yaml_event_t *event)
{
    if (r->nodes > LIMIT_JSON_NODES)
        return fail_kind(r, event, ERR_TOO_LARGE, "more than %d values", LIMIT_JSON_NODES);
    switch (event->type) {
    case YAML_SCALAR_EVENT: return check_anchor(r, event, event->data.scalar.anchor) && take_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return check_anchor(r, event, event->data.sequence_start.anchor) &&
               open_level(r, event, json_new_array(r->arena), (const char *)event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return check_anchor(r, event, event->data.mapping_start.anchor) &&
               open_level(r, event, json_new_object(r->arena), (const char *)event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: map_fini(&r->levels[--r->depth].keys); return true;
    case YAML_ALIAS_EVENT: return check_anchor(r, event, event->data.alias.anchor);
    default: return true; // where streams and documents begin and end
    }
}

bool yaml_parse(struct arena *a, str text, struct json **documents, struct err *e)
{
    if (text.n > LIMIT_YAML_BYTES)
        return err_set(e, ERR_TOO_LARGE, "%zu bytes of YAML; at most %d are read", text.n, LIMIT_YAML_BYTES);
    CLEANUP(reader_fini) struct reader r = { .arena = a, .e = e, .depth = 1 };
    r.levels[0].node = json_new_array(a);
    if (!yaml_parser_initialize(&r.yaml))
        return err_set(e, ERR_IO, "not enough memory to read YAML");
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)(text.p ? text.p : ""), text.n);

    for (bool is_end = false; !is_end;) {
        CLEANUP(yaml_event_delete) yaml_event_t event;
        memset(&event, 0, sizeof event);
        if (!yaml_parser_parse(&r.yaml, &event))
            return fail_syntax(&r);
        if (!take_event(&r, &event))
            return false;
        is_end = event.type == YAML_STREAM_END_EVENT;
    }
    *documents = r.levels[0].node;
    return true;
}
