#include "reaction/request_body.h"

// Walks the body's bytes with the event's ranges beside them. Ranges that touch are one.
struct pieces_of_event {
    const struct template_result *body;
    size_t at; // the range to be met next
};

static bool next_piece(struct pieces_of_event *p, size_t *begin, size_t *end)
{
    const struct template_result *b = p->body;
    while (p->at < b->range_count && !(b->ranges[p->at].from & TEMPLATE_FROM_EVENT))
        p->at++;
    if (p->at == b->range_count)
        return false;
    *begin = b->ranges[p->at].begin;
    *end = b->ranges[p->at++].end;
    while (p->at < b->range_count && b->ranges[p->at].begin == *end && (b->ranges[p->at].from & TEMPLATE_FROM_EVENT))
        *end = b->ranges[p->at++].end;
    return true;
}

struct json_place {
    bool in_string, is_escaped;
    int64_t depth;
};

static void step(struct json_place *at, char c)
{
    if (at->in_string) {
        if (at->is_escaped)
            at->is_escaped = false;
        else if (c == '\\')
            at->is_escaped = true;
        else if (c == '"')
            at->in_string = false;
        return;
    }
    at->in_string = c == '"';
    at->depth += (c == '{' || c == '[') - (c == '}' || c == ']');
}

// The body is known to be JSON.
static bool piece_is_data(str body, struct json_place *at, size_t begin, size_t end)
{
    const struct json_place start = *at;
    for (size_t i = begin; i < end; i++) {
        char c = body.p[i];
        bool is_outside = !at->in_string;
        if (is_outside && at->depth == start.depth && (c == ',' || c == ':'))
            return false;
        step(at, c);
        if (at->depth < start.depth || (start.in_string && !at->in_string))
            return false;
    }
    return at->in_string == start.in_string && at->depth == start.depth && at->is_escaped == (start.is_escaped && begin == end);
}

static bool check_json(const struct template_result *body, struct arena *a, struct err *e)
{
    struct json *parsed;
    struct pieces_of_event pieces = { body, 0 };
    struct json_place at = { 0 };
    size_t i = 0, begin, end;
    if (!json_parse(a, body->output, &parsed, e))
        return err_in(e, "Action.Body: is not JSON, though its content type says so (CheckBody false sends it all the same); nothing was sent");
    while (next_piece(&pieces, &begin, &end)) {
        for (; i < begin; i++)
            step(&at, body->output.p[i]);
        if (!piece_is_data(body->output, &at, begin, end))
            return err_set(e, ERR_DENIED, "Action.Body: a value of the event at byte %zu would change the JSON around it; escape it with JsonEscape; nothing was sent", begin + 1);
        i = end;
    }
    return true;
}

static bool check_form(const struct template_result *body, struct err *e)
{
    struct pieces_of_event pieces = { body, 0 };
    size_t begin, end;
    while (next_piece(&pieces, &begin, &end))
        for (size_t i = begin; i < end; i++) {
            unsigned char c = (unsigned char)body->output.p[i];
            if (c <= ' ' || c >= 0x7f || c == '&' || c == '=' || c == '+')
                return err_set(e, ERR_DENIED, "Action.Body: a value of the event at byte %zu holds what means something in a form; escape it with UriDataEscape; nothing was sent", i + 1);
        }
    return true;
}

static bool check_xml(const struct template_result *body, struct err *e)
{
    struct pieces_of_event pieces = { body, 0 };
    bool in_tag = false;
    size_t i = 0, begin, end;
    while (next_piece(&pieces, &begin, &end)) {
        for (; i < begin; i++)
            in_tag = body->output.p[i] == '<' || (in_tag && body->output.p[i] != '>');
        for (; i < end; i++) {
            char c = body->output.p[i];
            if (c == '<' || (in_tag && (c == '"' || c == '\'' || c == '>')))
                return err_set(e, ERR_DENIED, "Action.Body: a value of the event at byte %zu would change the XML around it; escape it with XmlEscape; nothing was sent", i + 1);
        }
    }
    return true;
}

bool request_body_check(const char *kind, const struct template_result *body, struct arena *a, struct err *e)
{
    if (!strcmp(kind, "json"))
        return check_json(body, a, e);
    if (!strcmp(kind, "form"))
        return check_form(body, e);
    return strcmp(kind, "xml") || check_xml(body, e);
}
