#include "template/syntax.h"

#include "base/limits.h"
#include "template/chars.h"

// The furthest place reached by what did not fit, and what would have fitted there.
struct miss {
    size_t at;
    const char *expected;
};

enum run_kind { RUN_TEMPLATE, RUN_IF, RUN_UNLESS, RUN_KINDS };

// The tokens from a place to the first that does not parse, or that ends a body of this kind.
struct run {
    struct ast_cell *first;
    uint32_t end, depth;
    bool is_known;
};

// The "#{elseif}" clauses one behind another from a place on. Every if before it shares them.
struct chain {
    struct ast_clause *first; // NULL: the first does not parse
    uint32_t end, depth;
    bool is_known;
};

// A "#{", escaped or not.
struct spot {
    uint32_t at;
    struct ast_node *token;        // the first alternative that parses
    struct ast_node *substitution; // this alternative alone: an index may be no other
    struct miss miss;              // where there is no token
    struct run runs[RUN_KINDS];    // that begin here
    struct chain chain;            // that begins here
};

struct reader {
    struct arena *a; // the result
    struct arena scratch;
    str s;
    struct spot *spots;
    size_t spot_count;
    struct spot few_spots[8];
    struct ast_step few_steps[8];
    uint32_t *brackets;      // by place of a '[': one past its ']', or 0. NULL: there are no brackets
    bool has_spaced_bracket; // "[ " somewhere: index texts may need cleaning
    size_t cleaned_bytes;
    struct ast_step *steps; // of the symbol being read
    size_t step_cap;
    struct ast_calc_item *items;
    size_t item_cap;
    const char *limit; // the first that was passed
};

static void reader_fini(struct reader *r)
{
    if (r->steps != r->few_steps)
        free(r->steps);
    free(r->items);
    arena_fini(&r->scratch);
}

static bool missed(struct miss *m, size_t at, const char *expected)
{
    if (!m->expected || at > m->at)
        *m = (struct miss){ at, expected };
    return false;
}

static bool is_at(const struct reader *r, size_t at, const char *text, size_t n)
{
    return r->s.n >= n && at <= r->s.n - n && !memcmp(r->s.p + at, text, n);
}
#define IS_AT(r, at, literal) is_at((r), (at), "" literal, sizeof(literal) - 1)

static char char_at(const struct reader *r, size_t at)
{
    return at < r->s.n ? r->s.p[at] : '\0';
}

static bool is_space_at(const struct reader *r, size_t at, size_t *length)
{
    return at < r->s.n && chars_is_space(chars_decode(r->s.p + at, r->s.n - at, length));
}

static size_t skip_space(const struct reader *r, size_t at)
{
    size_t length;
    while (at < r->s.n && (unsigned char)(r->s.p[at] - 0x21) >= 0x5E && is_space_at(r, at, &length))
        at += length;
    return at;
}

// How many characters of `word` stand at `at`, in any case; word is lower case ASCII.
static size_t match_word(const struct reader *r, size_t at, const char *word)
{
    size_t i = 0;
    while (word[i] && at + i < r->s.n && (r->s.p[at + i] == word[i] || (r->s.p[at + i] | 32) == word[i]))
        i++;
    return i;
}

static bool read_word(const struct reader *r, size_t at, const char *word, const char *expected, size_t *end, struct miss *m)
{
    size_t matched = match_word(r, at, word);
    *end = at + matched;
    return !word[matched] || missed(m, *end, matched ? expected : "a variable name");
}

// How many bytes of an exactly written tag stand at `at`.
static bool read_tag(const struct reader *r, size_t at, const char *tag, const char *expected, size_t *end, struct miss *m)
{
    size_t i = 0;
    while (tag[i] && char_at(r, at + i) == tag[i] && at + i < r->s.n)
        i++;
    *end = at + i;
    return !tag[i] || missed(m, *end, expected);
}

static struct spot *find_spot(const struct reader *r, size_t at)
{
    size_t low = 0, high = r->spot_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->spots[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->spot_count && r->spots[low].at == at ? &r->spots[low] : NULL;
}

// White space belongs to an identifier, unless a '|' or '}' follows it, or one of the words in, == and
// != that white space ends.
static bool is_space_of_name(const struct reader *r, size_t after)
{
    // The reference does not see the very last character here.
    if (after + 1 < r->s.n && (r->s.p[after] == '|' || r->s.p[after] == '}'))
        return false;
    size_t length;
    return !((IS_AT(r, after, "in") || IS_AT(r, after, "==") || IS_AT(r, after, "!=")) && is_space_at(r, after + 2, &length));
}

static bool read_name(const struct reader *r, size_t at, bool with_space, size_t *end, str *name, const char *expected, struct miss *m)
{
    size_t i = at, length;
    while (i < r->s.n) {
        if ((unsigned char)r->s.p[i] < 0x80 && chars_name_ascii[(unsigned char)r->s.p[i]]) {
            i++;
            continue;
        }
        uint32_t c = chars_decode(r->s.p + i, r->s.n - i, &length);
        if (!chars_is_name(c) && !(with_space && chars_is_space(c) && is_space_of_name(r, i + length)))
            break;
        i += length;
    }
    if (i == at)
        return missed(m, at, expected);
    *end = i;
    *name = with_space ? chars_trim(str_sub(r->s, at, i - at)) : str_sub(r->s, at, i - at);
    return true;
}

// White space directly behind an opening bracket is dropped, in nested ones too.
static str clean_index(struct reader *r, str raw)
{
    raw = chars_trim_start(raw);
    if (!r->has_spaced_bracket)
        return raw;
    r->cleaned_bytes += raw.n;
    if (r->cleaned_bytes > 4 * r->s.n + 4096) {
        r->limit = "too many nested indexes with blanks";
        return raw;
    }
    char *out = arena_bytes(r->a, raw.n), *to = out;
    for (size_t i = 0; i < raw.n;) {
        *to++ = raw.p[i++];
        size_t length;
        if (to[-1] == '[')
            while (i < raw.n && chars_is_space(chars_decode(raw.p + i, raw.n - i, &length)))
                i += length;
    }
    return (str){ out, (size_t)(to - out) };
}

static bool read_index(struct reader *r, size_t at, size_t *end, struct ast_step *step, uint32_t *depth)
{
    size_t inner = skip_space(r, at + 1);
    if (IS_AT(r, inner, "#{")) {
        struct spot *spot = find_spot(r, inner);
        struct ast_node *node = spot ? spot->substitution : NULL;
        if (node && !node->expression->calls) {
            size_t close = skip_space(r, node->end);
            if (char_at(r, close) == ']') {
                *step = (struct ast_step){ .kind = AST_INDEX_SYMBOL, .symbol = node->expression->symbol, .offset = (uint32_t)at };
                *depth = MAX(*depth, node->depth);
                *end = close + 1;
                return true;
            }
        }
    }
    if (!r->brackets || !r->brackets[at])
        return false;
    *end = r->brackets[at];
    *step = (struct ast_step){ .kind = AST_INDEX_TEXT, .text = clean_index(r, str_sub(r->s, at + 1, *end - at - 2)), .offset = (uint32_t)at };
    return true;
}

static void grow_steps(struct reader *r, size_t count)
{
    struct ast_step *old = r->steps == r->few_steps ? NULL : r->steps;
    size_t cap = old ? r->step_cap : 0;
    xgrow(&old, &cap, count + 1, sizeof *old);
    if (r->steps == r->few_steps)
        memcpy(old, r->few_steps, sizeof r->few_steps);
    r->steps = old;
    r->step_cap = cap;
}

static bool read_symbol(struct reader *r, size_t at, size_t *end, struct ast_symbol **out, uint32_t *depth, struct miss *m)
{
    str name;
    size_t i;
    if (!read_name(r, at, true, &i, &name, "a variable name", m))
        return false;

    size_t count = 0;
    r->steps[count++] = (struct ast_step){ .kind = AST_NAME, .text = name, .offset = (uint32_t)at };
    for (size_t next;; i = next) {
        struct miss ignored = { 0 };
        if (count == r->step_cap)
            grow_steps(r, count);
        struct ast_step *step = &r->steps[count];
        if (char_at(r, i) == '.' && read_name(r, i + 1, true, &next, &name, "a name", &ignored))
            *step = (struct ast_step){ .kind = AST_NAME, .text = name, .offset = (uint32_t)i + 1 };
        else if (char_at(r, i) != '[' || !read_index(r, i, &next, step, depth))
            break;
        count++;
    }

    struct ast_symbol *symbol = ARENA_NEW(r->a, struct ast_symbol);
    *symbol = (struct ast_symbol){ (uint32_t)at, (uint32_t)i, (uint32_t)count, arena_alloc(r->a, count * sizeof *symbol->steps), r->s.p };
    memcpy(symbol->steps, r->steps, count * sizeof *r->steps);
    *out = symbol;
    *end = i;
    return true;
}

// "text" or \"text\", blanks around it included.
static bool read_quoted(struct reader *r, size_t at, size_t *end, str *out, struct miss *m)
{
    size_t i = skip_space(r, at);
    if (char_at(r, i) == '"') {
        size_t from = ++i;
        while (i < r->s.n && r->s.p[i] != '"' && r->s.p[i] != '#')
            i++;
        if (char_at(r, i) != '"')
            return missed(m, i, "'\"' (a quoted text holds no '#'; \\\"...\\\" does)");
        *out = str_sub(r->s, from, i - from);
        *end = skip_space(r, i + 1);
        return true;
    }
    if (char_at(r, i) != '\\')
        return missed(m, i, "a quoted text");
    if (char_at(r, i + 1) != '"')
        return missed(m, i + 1, "'\"'");
    ptrdiff_t close = str_find(str_skip(r->s, i + 2), STR("\\\""));
    if (close < 0)
        return missed(m, r->s.n, "'\\\"', the end of the quoted text");
    *out = str_sub(r->s, i + 2, (size_t)close);
    *end = skip_space(r, i + 2 + (size_t)close + 2);
    return true;
}

static struct ast_node *new_node(struct reader *r, enum ast_type type, size_t at, size_t end, uint32_t depth)
{
    struct ast_node *node = ARENA_NEW(r->a, struct ast_node);
    node->type = type;
    node->offset = (uint32_t)at;
    node->end = (uint32_t)end;
    node->depth = depth;
    return node;
}

static struct ast_node *new_text(struct reader *r, size_t at, size_t end, str text)
{
    struct ast_node *node = new_node(r, AST_TEXT, at, end, 1);
    node->text = text;
    return node;
}

static bool read_option(struct reader *r, size_t at, size_t *end, struct ast_node **out)
{
    struct miss ignored = { 0 };
    str text;
    if (IS_AT(r, at, "#{")) {
        struct spot *spot = find_spot(r, at);
        *out = spot ? spot->token : NULL;
        if (*out)
            *end = (*out)->end;
        return *out != NULL;
    }
    size_t from = skip_space(r, at);
    if (read_name(r, from, false, end, &text, "", &ignored))
        *end = skip_space(r, *end);
    else if (!read_quoted(r, from, end, &text, &ignored))
        return false;
    *out = new_text(r, from, *end, text);
    return true;
}

// "| Name option..."
static bool read_call(struct reader *r, size_t at, size_t *end, struct ast_call **out, uint32_t *depth, struct miss *m)
{
    str name;
    size_t i;
    if (char_at(r, at) != '|')
        return missed(m, at, "'}' or '|'");
    size_t name_at = skip_space(r, at + 1);
    if (!read_name(r, name_at, false, &i, &name, "a filter name", m))
        return false;

    struct ast_call *call = ARENA_NEW(r->a, struct ast_call);
    *call = (struct ast_call){ .name = name, .offset = (uint32_t)name_at };
    i = skip_space(r, i);
    struct ast_node *node;
    for (struct ast_option **tail = &call->options; read_option(r, i, &i, &node); tail = &(*tail)->next) {
        *tail = ARENA_NEW(r->a, struct ast_option);
        (*tail)->node = node;
        call->option_count++;
        *depth = MAX(*depth, node->depth);
    }
    *out = call;
    *end = i;
    return true;
}

static bool read_expression(struct reader *r, size_t at, size_t *end, struct ast_expression **out, struct miss *m)
{
    uint32_t depth = 0;
    struct ast_symbol *symbol = NULL;
    size_t symbol_end = at;
    bool has_symbol = read_symbol(r, at, &symbol_end, &symbol, &depth, m);

    struct ast_call *calls = NULL, **tail = &calls;
    uint32_t call_count = 0;
    size_t i = has_symbol ? skip_space(r, symbol_end) : at;
    struct miss ignored = { 0 };
    while (read_call(r, i, &i, tail, &depth, call_count ? &ignored : m)) {
        tail = &(*tail)->next;
        call_count++;
    }
    if (!call_count && !has_symbol)
        return false;

    if (!has_symbol) {
        symbol = ARENA_NEW(r->a, struct ast_symbol);
        symbol->offset = symbol->end = (uint32_t)at;
    }
    *out = ARENA_NEW(r->a, struct ast_expression);
    **out = (struct ast_expression){ symbol, calls, call_count, depth };
    *end = call_count ? i : symbol_end;
    return true;
}

// The reference's parser starts an escape at either character of an operator.
static bool read_comparison(struct reader *r, size_t at, size_t *end, bool *is_negated, struct miss *m)
{
    size_t i = skip_space(r, at);
    char c = char_at(r, i);
    if (c != '=' && c != '!')
        return missed(m, i, "'}', '|', == or !=");
    if (char_at(r, i + 1) != '=')
        return missed(m, i + 1, "'='");
    *is_negated = c == '!';
    *end = skip_space(r, i + 2);
    return true;
}

static bool read_condition(struct reader *r, size_t at, size_t *end, struct ast_clause *clause, uint32_t *depth, struct miss *m)
{
    size_t from = skip_space(r, at), left_end, i;
    struct ast_expression *expression, *right;

    if (!read_expression(r, from, &left_end, &expression, m)) {
        if (!read_quoted(r, from, &i, &clause->right_text, m) || !read_comparison(r, i, &i, &clause->is_negated, m)
            || !read_expression(r, i, end, &clause->left, m))
            return false;
        clause->comparison = AST_TEXT_COMPARISON;
        *depth = MAX(*depth, clause->left->depth);
        *end = skip_space(r, *end);
        return true;
    }
    clause->left = expression;
    *depth = MAX(*depth, expression->depth);
    if (read_comparison(r, left_end, &i, &clause->is_negated, m)) {
        if (read_expression(r, i, end, &right, m)) {
            clause->comparison = AST_SYMBOL_COMPARISON;
            clause->right = right;
            *depth = MAX(*depth, right->depth);
            *end = skip_space(r, *end);
            return true;
        }
        if (read_quoted(r, i, end, &clause->right_text, m)) {
            clause->comparison = AST_TEXT_COMPARISON;
            return true;
        }
    }
    clause->comparison = AST_TRUTHY;
    *end = skip_space(r, left_end);
    return true;
}

// Plain text from `at` to the next "#{" that is not escaped, or to the end. NULL when there is none.
static struct ast_node *read_text(struct reader *r, size_t at)
{
    const char *p = r->s.p;
    size_t n = r->s.n, i = at, copied = at;
    char *out = NULL, *to = NULL;

    while (i < n) {
        const char *hash = memchr(p + i, '#', n - i);
        i = hash ? (size_t)(hash - p) : n;
        if (i + 1 >= n) {
            i = n;
            break;
        }
        if (p[i + 1] == '{')
            break;
        if (p[i + 1] != '#') {
            i++;
            continue;
        }
        bool is_half = i + 4 < n && p[i + 2] == '#' && p[i + 3] == '{'; // "##" before a token: one #
        if (is_half || (i + 2 < n && p[i + 2] == '{')) {
            if (!out)
                out = to = arena_bytes(r->a, n - at);
            size_t keep = i + 1 - copied; // all up to the first #
            memcpy(to, p + copied, keep);
            to += keep;
            copied = i + 2; // the second # is dropped, a { kept
            i = is_half ? i + 2 : i + 3;
            continue;
        }
        i += 2;
    }
    if (i == at)
        return NULL;
    str text = str_sub(r->s, at, i - at);
    if (out) {
        memcpy(to, p + copied, i - copied);
        text = (str){ out, (size_t)(to - out) + i - copied };
    }
    return new_text(r, at, i, text);
}

static bool ends_run(const struct reader *r, size_t at, enum run_kind kind)
{
    if (kind == RUN_TEMPLATE || !IS_AT(r, at, "#{else"))
        return false;
    size_t length;
    return char_at(r, at + 6) == '}' || (kind == RUN_IF && IS_AT(r, at + 6, "if") && is_space_at(r, at + 8, &length));
}

static const struct run *run_at_spot(struct reader *r, struct spot *spot, enum run_kind kind)
{
    // Forward over what is not known yet, linking; then back, adding up.
    struct spot *at = spot, *few[16], **path = few;
    size_t count = 0, cap = COUNT(few);
    uint32_t end = 0, depth = 0;
    for (struct ast_cell **link = NULL;;) {
        struct run *run = &at->runs[kind];
        if (run->is_known) {
            if (link)
                *link = run->first;
            end = run->end;
            depth = run->depth;
            break;
        }
        if (!at->token || ends_run(r, at->at, kind)) {
            run->is_known = true;
            end = run->end = at->at;
            break;
        }
        if (count == cap) {
            struct spot **bigger = arena_alloc(&r->scratch, cap * 2 * sizeof *bigger);
            memcpy(bigger, path, cap * sizeof *bigger);
            path = bigger;
            cap *= 2;
        }
        path[count++] = at;
        struct ast_cell *cell = run->first = ARENA_NEW(r->a, struct ast_cell);
        cell->node = at->token;
        if (link)
            *link = cell;
        link = &cell->next;
        end = at->token->end;
        struct ast_node *text = read_text(r, end);
        if (text) {
            cell = *link = ARENA_NEW(r->a, struct ast_cell);
            cell->node = text;
            link = &cell->next;
            end = text->end;
        }
        if (end == r->s.n)
            break;
        at = find_spot(r, end);
        assert(at);
    }
    while (count) {
        struct spot *known = path[--count];
        depth = MAX(depth, known->token->depth);
        known->runs[kind] = (struct run){ known->runs[kind].first, end, depth, true };
    }
    return &spot->runs[kind];
}

static struct run run_from(struct reader *r, size_t at, enum run_kind kind)
{
    struct ast_node *text = read_text(r, at);
    size_t next = text ? text->end : at;
    struct run run = { .end = (uint32_t)next };
    if (next < r->s.n) {
        struct spot *spot = find_spot(r, next);
        assert(spot);
        run = *run_at_spot(r, spot, kind);
    }
    if (text) {
        struct ast_cell *cell = ARENA_NEW(r->a, struct ast_cell);
        *cell = (struct ast_cell){ text, run.first };
        run.first = cell;
        run.depth = MAX(run.depth, 1u);
    }
    return run;
}

// From the condition of a tag to the end of the body behind it.
static bool read_clause(struct reader *r, size_t at, enum run_kind kind, size_t *end, struct ast_clause *clause, uint32_t *depth, struct miss *m)
{
    size_t i;
    if (!read_condition(r, at, &i, clause, depth, m))
        return false;
    if (char_at(r, i) != '}')
        return missed(m, i, "'}'");
    struct run body = run_from(r, i + 1, kind);
    clause->body = body.first;
    *depth = MAX(*depth, body.depth);
    *end = body.end;
    return true;
}

static bool is_elseif(const struct reader *r, size_t at)
{
    size_t length;
    return IS_AT(r, at, "#{elseif") && is_space_at(r, at + 8, &length);
}

static const struct chain *read_chain(struct reader *r, struct spot *spot)
{
    // Forward over the clauses that are not known yet; then back, linking.
    struct spot *few[8], **path = few, *at = spot;
    size_t count = 0, cap = COUNT(few);
    struct chain rest = { 0 };
    for (;; at = find_spot(r, rest.end)) {
        if (at->chain.is_known) {
            rest = at->chain;
            break;
        }
        struct ast_clause *clause = ARENA_NEW(r->a, struct ast_clause);
        struct miss ignored = { 0 };
        size_t end = at->at;
        uint32_t depth = 0;
        clause->offset = (uint32_t)at->at;
        at->chain.is_known = true;
        if (!read_clause(r, at->at + 8, RUN_IF, &end, clause, &depth, &ignored)) {
            rest = at->chain = (struct chain){ .end = (uint32_t)at->at, .is_known = true };
            break;
        }
        at->chain = (struct chain){ clause, (uint32_t)end, depth, true };
        if (count == cap) {
            struct spot **bigger = arena_alloc(&r->scratch, cap * 2 * sizeof *bigger);
            memcpy(bigger, path, cap * sizeof *bigger);
            path = bigger;
            cap *= 2;
        }
        path[count++] = at;
        rest = (struct chain){ .end = (uint32_t)end };
        if (!is_elseif(r, end))
            break;
    }
    while (count) {
        struct chain *known = &path[--count]->chain;
        known->first->next = rest.first;
        known->end = rest.end;
        known->depth = MAX(known->depth, rest.depth);
        rest = *known;
    }
    return &spot->chain;
}

static struct ast_node *read_conditional(struct reader *r, size_t at, size_t word_at, struct miss *m)
{
    size_t i, space;
    bool is_unless = false;
    if (!read_word(r, word_at, "if", "if", &i, m)) {
        is_unless = true;
        if (!read_word(r, word_at, "unless", "unless", &i, m))
            return NULL;
    }
    if (!is_space_at(r, i, &space)) {
        missed(m, i, "a blank");
        return NULL;
    }

    uint32_t depth = 0;
    struct ast_clause *clauses = ARENA_NEW(r->a, struct ast_clause);
    clauses->offset = (uint32_t)at;
    if (!read_clause(r, i, is_unless ? RUN_UNLESS : RUN_IF, &i, clauses, &depth, m))
        return NULL;
    if (!is_unless && is_elseif(r, i)) {
        const struct chain *chain = read_chain(r, find_spot(r, i));
        clauses->next = chain->first;
        depth = MAX(depth, chain->depth);
        i = chain->end;
    }
    struct run otherwise = { 0 };
    bool has_otherwise = IS_AT(r, i, "#{else}");
    if (has_otherwise) {
        otherwise = run_from(r, i + 7, RUN_TEMPLATE);
        depth = MAX(depth, otherwise.depth);
        i = otherwise.end;
    }
    if (!read_tag(r, i, is_unless ? "#{/unless}" : "#{/if}", is_unless ? "#{/unless}" : "#{/if}", &i, m))
        return NULL;

    struct ast_node *node = new_node(r, AST_CONDITIONAL, at, i, depth + 1);
    node->conditional.clauses = clauses;
    node->conditional.otherwise = otherwise.first;
    node->conditional.has_otherwise = has_otherwise;
    node->conditional.is_unless = is_unless;
    return node;
}

static struct ast_node *read_each(struct reader *r, size_t at, size_t word_at, struct miss *m)
{
    size_t i, space;
    if (!read_word(r, word_at, "each", "each", &i, m))
        return NULL;
    if (!is_space_at(r, i, &space)) {
        missed(m, i, "a blank");
        return NULL;
    }
    str name;
    struct ast_symbol *collection;
    uint32_t depth = 0;
    size_t name_at = skip_space(r, i);
    if (!read_name(r, name_at, true, &i, &name, "a loop variable's name", m) || !read_word(r, skip_space(r, i), "in", "in", &i, m)
        || !read_symbol(r, skip_space(r, i), &i, &collection, &depth, m))
        return NULL;
    i = skip_space(r, i);
    if (char_at(r, i) != '}') {
        missed(m, i, "'}' (a list takes no filter)");
        return NULL;
    }
    struct run body = run_from(r, i + 1, RUN_TEMPLATE);
    if (!read_tag(r, body.end, "#{/each}", "#{/each}", &i, m))
        return NULL;

    struct ast_node *node = new_node(r, AST_EACH, at, i, MAX(depth, body.depth) + 1);
    node->each.name = name;
    node->each.name_offset = (uint32_t)name_at;
    node->each.collection = collection;
    node->each.body = body.first;
    return node;
}

// A number, {name} or name.
static bool read_calc_value(struct reader *r, size_t at, size_t *end, struct ast_calc_item *out, uint32_t *depth, struct miss *m)
{
    size_t i = at;
    while (i < r->s.n && r->s.p[i] >= '0' && r->s.p[i] <= '9')
        i++;
    if (char_at(r, i) == '.') {
        size_t fraction = ++i;
        while (i < r->s.n && r->s.p[i] >= '0' && r->s.p[i] <= '9')
            i++;
        if (i == fraction)
            return missed(m, i, "a digit");
    }
    if (i > at) {
        *out = (struct ast_calc_item){ .kind = AST_NUMBER, .number = strtod(arena_cstr(&r->scratch, str_sub(r->s, at, i - at)), NULL) };
        *end = i;
        return true;
    }
    bool is_wrapped = char_at(r, at) == '{';
    *out = (struct ast_calc_item){ .kind = AST_VARIABLE };
    if (!read_symbol(r, skip_space(r, at + is_wrapped), &i, &out->symbol, depth, m))
        return false;
    i = skip_space(r, i);
    if (is_wrapped && char_at(r, i++) != '}')
        return missed(m, i - 1, "'}'");
    *end = i;
    return true;
}

static int precedence(char operator)
{
    return operator == '*' || operator == '/' ? 2 : 1;
}

static void add_item(struct reader *r, size_t *count, struct ast_calc_item item)
{
    xgrow(&r->items, &r->item_cap, *count + 1, sizeof *r->items);
    r->items[(*count)++] = item;
}

// Operators and parentheses still open, in one stack: '(' parts the levels.
struct calc_stack {
    char operators[LIMIT_TEMPLATE_DEPTH * 4];
    size_t before[LIMIT_TEMPLATE_DEPTH * 4]; // the place before the operator: where an expression ends whose next operand fails
    size_t n;
};

// Moves waiting operators of at least this rank to the output, down to the last '('.
static void flush_operators(struct reader *r, struct calc_stack *st, int rank, size_t *count)
{
    for (; st->n && st->operators[st->n - 1] != '(' && precedence(st->operators[st->n - 1]) >= rank; st->n--)
        add_item(r, count, (struct ast_calc_item){ .kind = AST_OPERATOR, .operator = st->operators[st->n - 1] });
}

static bool read_arithmetic(struct reader *r, size_t at, size_t *end, size_t *count, uint32_t *depth, struct miss *m)
{
    struct calc_stack st = { .n = 0 };
    size_t i = at;
    struct miss operand_miss;
    for (;;) { // an operand is due
        if (st.n == COUNT(st.operators)) {
            r->limit = "parentheses and operators nested too deep";
            return false;
        }
        if (char_at(r, i) == '(') {
            st.operators[st.n] = '(';
            st.before[st.n++] = i++;
            continue;
        }
        struct ast_calc_item item;
        operand_miss = (struct miss){ 0 };
        if (!read_calc_value(r, i, &i, &item, depth, &operand_miss))
            break;
        add_item(r, count, item);
        for (;;) { // an operator or an end is due
            size_t operator_at = skip_space(r, i);
            char c = char_at(r, operator_at);
            if (c == '+' || c == '-' || c == '*' || c == '/') {
                flush_operators(r, &st, precedence(c), count);
                st.operators[st.n] = c;
                st.before[st.n++] = i;
                i = skip_space(r, operator_at + 1);
                break;
            }
            flush_operators(r, &st, 0, count);
            if (!st.n) {
                *end = i;
                return true;
            }
            if (char_at(r, i) != ')') {
                operand_miss = (struct miss){ i, "an operator or ')'" };
                goto failed;
            }
            st.n--;
            i++;
        }
    }
failed:
    // An operand that fails behind an operator ends its expression before the operator, where the
    // reference then misses the closing character.
    for (bool has_operator = false; st.n; has_operator = false) {
        while (st.n && st.operators[st.n - 1] != '(') {
            if (!has_operator)
                operand_miss.at = st.before[st.n - 1];
            has_operator = true;
            st.n--;
        }
        if (!st.n) {
            if (has_operator)
                operand_miss.at = skip_space(r, operand_miss.at);
            break;
        }
        st.n--;
    }
    return missed(m, operand_miss.at, operand_miss.expected);
}

static struct ast_node *read_calc(struct reader *r, size_t at, size_t word_at, struct miss *m)
{
    size_t i, space, count = 0;
    uint32_t depth = 0;
    if (!read_word(r, word_at, "calc", "calc", &i, m))
        return NULL;
    if (!is_space_at(r, i, &space)) {
        missed(m, i, "a blank");
        return NULL;
    }
    if (!read_arithmetic(r, skip_space(r, i), &i, &count, &depth, m))
        return NULL;
    i = skip_space(r, i);
    if (char_at(r, i) != '}') {
        missed(m, i, "an operator or '}'");
        return NULL;
    }
    struct ast_node *node = new_node(r, AST_CALC, at, i + 1, depth + 1);
    node->calc.count = (uint32_t)count;
    node->calc.items = ARENA_ARRAY(r->a, struct ast_calc_item, count);
    memcpy(node->calc.items, r->items, count * sizeof *r->items);
    return node;
}

static struct ast_node *read_substitution(struct reader *r, size_t at, size_t inner, struct miss *m)
{
    struct ast_expression *expression;
    size_t i;
    if (!read_expression(r, inner, &i, &expression, m))
        return NULL;
    i = skip_space(r, i);
    if (char_at(r, i) != '}') {
        missed(m, i, "'}'");
        return NULL;
    }
    struct ast_node *node = new_node(r, AST_SUBSTITUTION, at, i + 1, expression->depth + 1);
    node->expression = expression;
    return node;
}

static void read_spot(struct reader *r, struct spot *spot)
{
    struct miss *m = &spot->miss;
    size_t at = spot->at;
    if (char_at(r, at + 2) == '/') {
        *m = (struct miss){ at + 1, "an opening tag: this one closes nothing" };
        return;
    }
    *m = (struct miss){ at + 1, "a variable name" };
    size_t inner = skip_space(r, at + 2);
    spot->token = read_conditional(r, at, inner, m);
    if (!spot->token)
        spot->token = read_calc(r, at, inner, m);
    if (!spot->token)
        spot->token = read_each(r, at, inner, m);
    spot->substitution = read_substitution(r, at, inner, m);
    if (!spot->token)
        spot->token = spot->substitution;
}

static bool find_spots(struct reader *r)
{
    size_t cap = COUNT(r->few_spots);
    r->spots = r->few_spots;
    for (size_t i = 0; i + 1 < r->s.n; i++) {
        const char *hash = memchr(r->s.p + i, '#', r->s.n - i - 1);
        if (!hash)
            break;
        i = (size_t)(hash - r->s.p);
        if (hash[1] != '{')
            continue;
        if (r->spot_count == cap) {
            struct spot *spots = arena_alloc(&r->scratch, cap * 4 * sizeof *spots);
            memcpy(spots, r->spots, cap * sizeof *spots);
            r->spots = spots;
            cap *= 4;
        }
        r->spots[r->spot_count++] = (struct spot){ .at = (uint32_t)i };
    }
    return r->s.n && memchr(r->s.p, '[', r->s.n);
}

static void match_brackets(struct reader *r)
{
    r->brackets = ARENA_ARRAY(&r->scratch, uint32_t, r->s.n);
    uint32_t *open = ARENA_ARRAY(&r->scratch, uint32_t, r->s.n);
    size_t depth = 0, length;
    for (size_t i = 0; i < r->s.n; i++) {
        if (r->s.p[i] == '[') {
            open[depth++] = (uint32_t)i;
            r->has_spaced_bracket |= is_space_at(r, i + 1, &length);
        } else if (r->s.p[i] == ']' && depth) {
            r->brackets[open[--depth]] = (uint32_t)i + 1;
        }
    }
}

static void reader_init(struct reader *r, struct arena *a, str s)
{
    // Field by field: the arrays for the usual case need no clearing.
    r->a = a;
    r->scratch = (struct arena){ 0 };
    r->s = s;
    r->spots = NULL;
    r->spot_count = 0;
    r->brackets = NULL;
    r->has_spaced_bracket = false;
    r->cleaned_bytes = 0;
    r->steps = r->few_steps;
    r->step_cap = COUNT(r->few_steps);
    r->items = NULL;
    r->item_cap = 0;
    r->limit = NULL;
}

static void read_all_spots(struct reader *r)
{
    if (find_spots(r))
        match_brackets(r);
    for (size_t i = r->spot_count; i > 0; i--)
        read_spot(r, &r->spots[i - 1]);
}

bool syntax_name(struct arena *a, str name, struct ast_symbol **out)
{
    CLEANUP(reader_fini) struct reader r;
    reader_init(&r, a, name);
    struct miss ignored = { 0 };
    uint32_t depth = 0;
    size_t end;
    if (name.n > LIMIT_TEMPLATE_BYTES)
        return false;
    read_all_spots(&r);
    return read_symbol(&r, 0, &end, out, &depth, &ignored) && depth <= LIMIT_TEMPLATE_DEPTH;
}

static bool fail(const struct reader *r, struct syntax_error *error, size_t at, const char *expected, const char *limit)
{
    *error = (struct syntax_error){ .offset = at, .line = 1, .column = 1, .expected = expected, .limit = limit };
    for (size_t i = 0, length; i < at && i < r->s.n; i += length) {
        uint32_t c = chars_decode(r->s.p + i, r->s.n - i, &length);
        error->column++;
        if (c == '\n') {
            error->line++;
            error->column = 1;
        }
    }
    return false;
}

static struct run read_leniently(struct reader *r)
{
    struct run all = { 0 };
    struct ast_cell **tail = &all.first;
    for (size_t at = 0; at < r->s.n;) {
        struct spot *spot = IS_AT(r, at, "#{") ? find_spot(r, at) : NULL;
        struct ast_node *node = spot ? spot->token : read_text(r, at);
        if (!node)
            node = new_text(r, at, spot->miss.at, str_sub(r->s, at, spot->miss.at - at));
        *tail = ARENA_NEW(r->a, struct ast_cell);
        (*tail)->node = node;
        tail = &(*tail)->next;
        all.depth = MAX(all.depth, node->depth);
        at = node->end;
    }
    all.end = (uint32_t)r->s.n;
    return all;
}

bool syntax_parse(struct arena *a, str text, bool is_lenient, struct ast_cell **out, struct syntax_error *error)
{
    CLEANUP(reader_fini) struct reader r;
    reader_init(&r, a, text);
    if (text.n > LIMIT_TEMPLATE_BYTES)
        return fail(&r, error, 0, "a shorter template", "a template may have 4 MB");
    read_all_spots(&r);

    struct run all = is_lenient ? read_leniently(&r) : run_from(&r, 0, RUN_TEMPLATE);
    if (r.limit)
        return fail(&r, error, 0, "a simpler template", r.limit);
    if (all.end < text.n) {
        const struct spot *stop = find_spot(&r, all.end);
        return fail(&r, error, MAX(stop->miss.at, stop->at), stop->miss.expected, NULL);
    }
    if (all.depth > LIMIT_TEMPLATE_DEPTH)
        return fail(&r, error, 0, "less nesting", "blocks and filter options may nest 100 deep");
    *out = all.first;
    return true;
}
