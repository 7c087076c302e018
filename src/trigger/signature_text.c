// Texts with placeholders, and what a request has for each.
#include "json/json.h"
#include "trigger/signature_internal.h"

static const struct {
    str name;
    enum piece_kind kind;
    bool has_argument;
} placeholders[] = {
    { STR_INIT("body"), PIECE_BODY, false },     { STR_INIT("timestamp"), PIECE_TIMESTAMP, false }, { STR_INIT("header"), PIECE_HEADER, true },
    { STR_INIT("query"), PIECE_QUERY, true },    { STR_INIT("pointer"), PIECE_POINTER, true },      { STR_INIT("method"), PIECE_METHOD, false },
    { STR_INIT("path"), PIECE_PATH, false },     { STR_INIT("line"), PIECE_LINE, true },            { STR_INIT("hmac"), PIECE_HMAC, true },
};

static bool read_placeholder(str inside, bool for_reply, struct piece *out, struct err *e)
{
    ptrdiff_t colon = str_find_char(inside, ':');
    str name = colon < 0 ? inside : str_sub(inside, 0, (size_t)colon);
    for (size_t i = 0; i < COUNT(placeholders); i++) {
        if (!str_eq(placeholders[i].name, name))
            continue;
        enum piece_kind kind = placeholders[i].kind;
        if (for_reply ? kind == PIECE_TIMESTAMP || kind == PIECE_LINE || kind == PIECE_BODY : kind == PIECE_HMAC)
            break;
        *out = (struct piece){ kind, colon < 0 ? STR("") : str_skip(inside, (size_t)colon + 1) };
        if (placeholders[i].has_argument != (colon >= 0 && out->text.n > 0))
            return err_set(e, ERR_INVALID, placeholders[i].has_argument ? "{%.*s} needs a name: {%.*s:...}" : "{%.*s} takes no name", STR_ARG(name), STR_ARG(name));
        bool is_pointer = kind == PIECE_POINTER || kind == PIECE_LINE || kind == PIECE_HMAC;
        if (is_pointer && out->text.p[0] != '/')
            return err_set(e, ERR_INVALID, "{%.*s} needs a JSON pointer that starts with /", STR_ARG(inside));
        return true;
    }
    return err_set(e, ERR_INVALID, "unknown placeholder {%.*s}; known are %s", STR_ARG(str_sub(inside, 0, 60)),
                   for_reply ? "{header:N} {query:N} {pointer:/a/b} {hmac:/a/b} {method} {path}"
                             : "{body} {timestamp} {header:N} {query:N} {pointer:/a/b} {method} {path} {line:/K}");
}

bool pieces_parse(struct arena *a, str text, bool for_reply, struct pieces *out, struct err *e)
{
    *out = (struct pieces){ 0 };
    char *literal = arena_bytes(a, text.n + 1);
    for (size_t i = 0; i < text.n;) {
        if (out->count == COUNT(out->items))
            return err_set(e, ERR_INVALID, "more than %zu parts", COUNT(out->items));
        struct piece *piece = &out->items[out->count++];
        char c = text.p[i], next = i + 1 < text.n ? text.p[i + 1] : '\0';
        if (c == '{' && next != '{') {
            ptrdiff_t close = str_find_char(str_skip(text, i), '}');
            if (close < 0)
                return err_set(e, ERR_INVALID, "the { at character %zu is never closed; write {{ for a brace", i + 1);
            if (!read_placeholder(str_sub(text, i + 1, (size_t)close - 1), for_reply, piece, e))
                return false;
            i += (size_t)close + 1;
            continue;
        }
        *piece = (struct piece){ PIECE_TEXT, { literal, 0 } };
        while (i < text.n && !(text.p[i] == '{' && (i + 1 >= text.n || text.p[i + 1] != '{'))) {
            bool is_brace = text.p[i] == '{' || text.p[i] == '}';
            if (is_brace && (i + 1 >= text.n || text.p[i + 1] != text.p[i]))
                return err_set(e, ERR_INVALID, "the } at character %zu closes nothing; write }} for a brace", i + 1);
            *literal++ = text.p[i];
            piece->text.n++;
            i += is_brace ? 2 : 1;
        }
    }
    return true;
}

bool pieces_have(const struct pieces *p, enum piece_kind kind)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].kind == kind)
            return true;
    return false;
}

// ---- what a request has ----

enum part_result view_header(const struct request_view *v, str name, str *out)
{
    size_t count;
    *out = incoming_header(v->in, name, &count);
    return !count ? PART_MISSING : count > 1 ? PART_MALFORMED : PART_OK;
}

enum part_result view_query(const struct request_view *v, str name, str *out)
{
    size_t count;
    *out = incoming_query(v->in, name, &count);
    return !count ? PART_MISSING : count > 1 ? PART_MALFORMED : PART_OK;
}

enum part_result view_pointer(struct request_view *v, str pointer, str *out)
{
    if (!v->is_parsed) {
        v->is_parsed = true;
        if (!json_parse(v->arena, incoming_content(v->in), &v->root, NULL))
            v->root = NULL;
    }
    if (!v->root)
        return PART_MALFORMED;
    const struct json *j = json_pointer(v->root, pointer);
    if (!j || j->type == JSON_NULL)
        return PART_MISSING;
    if (j->type == JSON_ARRAY || j->type == JSON_OBJECT)
        return PART_MALFORMED;
    *out = j->type == JSON_BOOL ? (j->is_true ? STR("true") : STR("false")) : j->text;
    return PART_OK;
}

// Name, LF, value, LF of a member; nothing where it is absent.
static enum part_result view_line(struct request_view *v, str pointer, str *out)
{
    str value;
    enum part_result r = view_pointer(v, pointer, &value);
    str name = str_skip(pointer, (size_t)(str_find_last_char(pointer, '/') + 1));
    *out = STR("");
    if (r != PART_OK)
        return r == PART_MISSING ? PART_OK : r;
    char *p = arena_bytes(v->arena, name.n + value.n + 2), *at = p; // the value may hold a NUL
    at = (char *)mempcpy(at, name.p, name.n);
    *at++ = '\n';
    at = (char *)mempcpy(at, value.n ? value.p : "", value.n);
    *at++ = '\n';
    *out = (str){ p, (size_t)(at - p) };
    return PART_OK;
}

enum part_result view_piece(struct request_view *v, const struct piece *p, str *out)
{
    switch (p->kind) {
    case PIECE_BODY: *out = v->in->body; return PART_OK;
    case PIECE_METHOD: *out = v->in->method; return PART_OK;
    case PIECE_PATH: *out = v->in->path; return PART_OK;
    case PIECE_HEADER: return view_header(v, p->text, out);
    case PIECE_QUERY: return view_query(v, p->text, out);
    case PIECE_POINTER: return view_pointer(v, p->text, out);
    case PIECE_LINE: return view_line(v, p->text, out);
    case PIECE_TEXT:
    case PIECE_TIMESTAMP:
    case PIECE_HMAC: break;
    }
    *out = p->text;
    return PART_OK;
}
