#include "template/machine.h"

#include "base/limits.h"
#include "template/chars.h"
#include "template/number.h"

// A symbol that is being resolved in a scope: meeting it again there means a loop without end.
struct active {
    const struct ast_symbol *symbol;
    const struct ast_step *steps; // its own, or with indexes resolved
    struct scope *scope;
    struct active *below;  // in the scope
    struct active *pushed; // the walk's previous one
};

// UTF-16 unit, line and column of a byte of a template, as the original counts.
struct place {
    uint32_t unit, line, column;
};

static struct place place_of(const char *text, size_t offset)
{
    struct place p = { 0, 1, 1 };
    for (size_t i = 0, length; i < offset; i += length) {
        uint32_t c = chars_decode(text + i, offset - i, &length);
        p.unit += c > 0xFFFF ? 2 : 1;
        p.column += c > 0xFFFF ? 2 : 1;
        if (c == '\n') {
            p.line++;
            p.column = 1;
        }
    }
    return p;
}

// Two uses of a symbol are the same for the recursion check when name and place are the same, even in
// two texts.
static bool is_same_step(struct machine *m, const struct active *a, const struct ast_symbol *symbol, const struct ast_step *steps, uint32_t i)
{
    const struct ast_step *x = &a->steps[i], *y = &steps[i];
    if (x->kind != y->kind || x->symbol != y->symbol || x->is_resolved != y->is_resolved || !str_eq(x->text, y->text))
        return false;
    if (x->is_resolved || (a->symbol->text == symbol->text && x->offset == y->offset))
        return true;
    m->steps += ((uint64_t)x->offset + y->offset) / 16;
    struct place p = place_of(a->symbol->text, x->offset), q = place_of(symbol->text, y->offset);
    return p.unit == q.unit && p.line == q.line && p.column == q.column;
}

static bool is_active(struct machine *m, const struct active *active, const struct ast_symbol *symbol, const struct ast_step *steps)
{
    for (; active; active = active->below) {
        m->steps++;
        if (active->symbol->count != symbol->count)
            continue;
        uint32_t i = 0;
        while (i < symbol->count && is_same_step(m, active, symbol, steps, i))
            i++;
        if (i == symbol->count)
            return true;
    }
    return false;
}

static bool refuse_recursion(struct machine *m, const struct walk *w, const struct scope *scope)
{
    CLEANUP(buf_fini) struct buf name = { .max = 200 };
    CLEANUP(buf_fini) struct buf chain = { .max = 1000 };
    m->is_recursion = true;
    if (m->catching_count) // nobody will read it
        return machine_fail(m, "recursion");
    struct ast_symbol symbol = { .count = w->symbol->count, .steps = w->symbol->steps };
    ast_print_symbol(&name, &symbol);
    const struct active *stack[16];
    size_t n = 0;
    for (const struct active *a = scope->active; a && n < COUNT(stack); a = a->below)
        stack[n++] = a;
    while (n) {
        symbol.count = stack[--n]->symbol->count;
        symbol.steps = (struct ast_step *)(uintptr_t)stack[n]->steps;
        ast_print_symbol(&chain, &symbol);
        buf_add_text(&chain, " -> ");
    }
    return machine_fail(m, "The variable \"%.*s\" refers to itself (%.*s%.*s): change one of these values so that the loop ends.", STR_ARG(buf_str(&name)),
        STR_ARG(buf_str(&chain)), STR_ARG(buf_str(&name)));
}

static bool check_recursion(struct machine *m, const struct walk *w, const struct ast_step *steps)
{
    for (const struct scope *s = w->scope; s; s = s->parent, m->steps++)
        if (s->active && is_active(m, s->active, w->symbol, steps))
            return refuse_recursion(m, w, s);
    return true;
}

// Only a walk that waits is seen by others, so only then its marks are set.
static void mark_scopes(struct machine *m, struct walk *w)
{
    if (w->pushed)
        walk_drop(w);
    for (struct scope *s = w->start;; s = s->parent) {
        struct active *active = ARENA_NEW(m->a, struct active);
        // The scope where it began knows it as it was written, its parents with indexes resolved.
        *active = (struct active){ w->symbol, s == w->start ? w->symbol->steps : w->steps, s, s->active, w->pushed };
        s->active = w->pushed = active;
        if (s == w->scope)
            break;
    }
}

void walk_drop(struct walk *w)
{
    for (struct active *a = w->pushed; a; a = a->pushed)
        a->scope->active = a->below;
    w->pushed = NULL;
}

bool walk_start(struct machine *m, const struct ast_symbol *symbol, struct scope *scope, enum want want, bool is_quiet)
{
    struct frame *frame = machine_push(m);
    if (!frame)
        return false;
    frame->is_walk = true;
    frame->is_quiet = is_quiet;
    struct walk *w = &frame->walk;
    w->symbol = symbol;
    w->steps = symbol->steps;
    w->copy = NULL;
    w->start = w->scope = scope;
    w->pushed = NULL;
    w->want = want;
    w->state = WALK_BEGIN;
    w->is_evaluated = false;
    w->reason = (str){ 0 };
    return true;
}

static struct bind text_bind(struct marked text)
{
    return (struct bind){ .kind = BIND_TEXT, .is_literal = text.is_literal, .marks = text.marks, .text = text };
}

static struct bind parsed_bind(const struct json *json, uint8_t marks, bool is_literal)
{
    return (struct bind){ .kind = BIND_PARSED, .json = json, .marks = marks, .is_literal = is_literal };
}

static uint8_t marks_of(enum vars_provenance provenance)
{
    return provenance == PROVENANCE_EVENT ? MARK_EVENT : provenance == PROVENANCE_SECRET ? MARK_SECRET : 0;
}

static struct bind node_bind(const struct vars_node *node)
{
    uint8_t marks = marks_of(node->provenance);
    return (struct bind){ .kind = BIND_NODE, .node = node, .marks = marks, .is_literal = marks != 0 };
}

static struct bind loose_bind(const struct loose *loose, const struct bind *from, bool has_token)
{
    return (struct bind){ .kind = BIND_LOOSE, .loose = loose, .marks = from->marks, .is_literal = from->is_literal, .has_token = has_token };
}

static struct bind node_value(const struct vars_node *node)
{
    return node->json ? parsed_bind(node->json, marks_of(node->provenance), node->provenance != PROVENANCE_TEMPLATE) : node_bind(node);
}

static bool special_member(struct machine *m, const struct loop *loop, uint32_t level, str name, struct bind *out)
{
    static const char *const path[] = { "Octopus", "Template", "Each" };
    if (level < COUNT(path)) {
        *out = (struct bind){ .kind = BIND_SPECIAL, .level = level + 1, .loop = loop };
        return str_eq_nocase(name, str_from(path[level]));
    }
    str text;
    if (str_eq_nocase(name, STR("Index")))
        text = arena_printf(m->a, "%u", loop->index);
    else if (str_eq_nocase(name, STR("First")))
        text = loop->index == 0 ? STR("True") : STR("False");
    else if (str_eq_nocase(name, STR("Last")))
        text = loop->index + 1 == loop->count ? STR("True") : STR("False");
    else
        return false;
    *out = text_bind(marked_plain(text));
    return true;
}

// A step by name, without looking into JSON.
static bool find_member(struct machine *m, const struct bind *b, const struct ast_step *step, struct bind *out)
{
    switch (b->kind) {
    case BIND_NODE: {
        const struct vars_node *found = vars_find(&b->node->members, step->text, step->hash);
        if (found)
            *out = node_value(found);
        // What has members of its own is a variable first, parsed data second.
        if (found && found->json && (found->members.count || found->indexes.count))
            *out = node_bind(found);
        return found != NULL;
    }
    case BIND_LOOP:
        if (step->hash == b->loop->name_hash && chars_eq_nocase(step->text, b->loop->name)) {
            *out = b->loop->items[b->loop->index];
            return true;
        }
        return step->hash == m->octopus_hash && special_member(m, b->loop, 0, step->text, out);
    case BIND_SPECIAL:
        return special_member(m, b->loop, b->level, step->text, out);
    case BIND_PAIR:
        if (str_eq_nocase(step->text, STR("Key"))) {
            struct marked name;
            if (!walk_text(m, b, &name))
                return false;
            *out = text_bind(name);
            return true;
        }
        if (str_eq_nocase(step->text, STR("Value"))) {
            *out = b->json ? parsed_bind(b->json, b->marks, b->is_literal) : loose_bind(b->loose, b, b->has_token);
            return true;
        }
        return false;
    default:
        return false;
    }
}

static bool find_index(const struct bind *b, const struct ast_step *step, struct bind *out)
{
    if (b->kind != BIND_NODE)
        return false;
    const struct vars_node *found = str_eq(step->text, STR("*")) && b->node->indexes.first ? b->node->indexes.first : vars_find(&b->node->indexes, step->text, step->hash);
    if (found)
        *out = node_value(found);
    if (found && found->json && (found->members.count || found->indexes.count))
        *out = node_bind(found);
    return found != NULL;
}

static struct marked parsed_text(struct machine *m, const struct bind *b)
{
    str s = STR("");
    if (b->json) {
        switch (b->json->type) {
        case JSON_BOOL:
            s = b->json->is_true ? STR("True") : STR("False");
            break;
        case JSON_NUMBER:
        case JSON_STRING:
            s = b->json->text;
            break;
        case JSON_ARRAY:
        case JSON_OBJECT:
            s = json_text(m->a, b->json);
            machine_step(m, s.n);
            break;
        default:
            break;
        }
    }
    return (struct marked){ .s = s, .is_defined = true, .is_literal = b->is_literal, .marks = b->marks };
}

bool walk_text(struct machine *m, const struct bind *b, struct marked *out)
{
    *out = (struct marked){ 0 };
    switch (b->kind) {
    case BIND_NODE:
        if (b->node->json) {
            struct bind parsed = parsed_bind(b->node->json, b->marks, b->is_literal);
            *out = parsed_text(m, &parsed);
        } else if (b->node->has_value) {
            *out = (struct marked){ .s = b->node->value, .is_defined = true, .is_literal = b->is_literal, .marks = b->marks };
        }
        return true;
    case BIND_TEXT:
        *out = b->text;
        return true;
    case BIND_LOOSE: {
        str s;
        if (!loose_text(m->a, b->loose, &s))
            return machine_fail(m, "InvalidCastException: the number %.*s is beyond 64 bits", STR_ARG(b->loose->text));
        *out = (struct marked){ .s = s, .is_defined = true, .is_literal = b->is_literal, .marks = b->marks };
        return machine_step(m, s.n);
    }
    case BIND_PARSED:
        *out = parsed_text(m, b);
        return true;
    case BIND_PAIR:
        *out = (struct marked){ .s = b->json ? b->json->name : b->loose->name, .is_defined = true, .is_literal = b->is_literal, .marks = b->marks };
        return true;
    default:
        return true;
    }
}

static const struct machine_json *document(struct machine *m, str text)
{
    if (!m->documents)
        m->documents = ARENA_ARRAY(m->a, struct machine_json, MACHINE_DOCUMENTS);
    struct machine_json *slot = &m->documents[((uintptr_t)text.p >> 4 ^ text.n) % MACHINE_DOCUMENTS];
    if (slot->text.p == text.p && slot->text.n == text.n && text.p)
        return slot;
    struct loose *tree;
    slot->text = text;
    machine_step(m, text.n * 4);
    slot->tree = loose_parse(m->a, text, &tree, &slot->has_token) ? tree : NULL;
    return slot;
}

// A step into JSON text that is final. False: there is no such step.
static bool step_into_text(struct machine *m, const struct marked *text, const struct ast_step *step, struct bind *out);

#define MEMBERS_A_STEP 8 // that a search goes through: loops that search long lists must end

static bool step_into_loose(struct machine *m, const struct bind *b, const struct ast_step *step, struct bind *out)
{
    const struct loose *v = b->loose, *found;
    m->steps += v->count / MEMBERS_A_STEP;
    if (v->type == LOOSE_ARRAY) {
        int32_t index;
        if (!number_read_int(step->text, &index))
            return false;
        if (index < 0)
            return machine_fail(m, "ArgumentOutOfRangeException: the index %d is negative", index);
        found = loose_at(v, (size_t)index);
    } else if (v->type == LOOSE_OBJECT) {
        found = loose_get(v, step->text);
    } else {
        struct marked text;
        return walk_text(m, b, &text) && step_into_text(m, &text, step, out);
    }
    if (found && found->type == LOOSE_BIG)
        return machine_fail(m, "InvalidCastException: the number %.*s is beyond 64 bits", STR_ARG(found->text));
    if (found)
        *out = loose_bind(found, b, b->has_token);
    else
        *out = text_bind((struct marked){ .s = STR(""), .is_defined = true, .is_literal = b->is_literal, .marks = b->marks });
    return true;
}

static bool step_into_text(struct machine *m, const struct marked *text, const struct ast_step *step, struct bind *out)
{
    if (!text->s.n || !step->text.n)
        return false;
    const struct machine_json *doc = document(m, text->s);
    if (!doc->tree || (doc->tree->type != LOOSE_ARRAY && doc->tree->type != LOOSE_OBJECT))
        return false;
    struct bind source = { .kind = BIND_LOOSE, .loose = doc->tree, .marks = text->marks, .is_literal = text->is_literal, .has_token = doc->has_token };
    return step_into_loose(m, &source, step, out);
}

static bool step_into_parsed(struct machine *m, const struct bind *b, const struct ast_step *step, struct bind *out)
{
    const struct json *v = b->json, *found = NULL;
    int32_t index;
    m->steps += v ? v->count / MEMBERS_A_STEP : 0;
    switch (v ? (enum json_type)v->type : JSON_NULL) {
    case JSON_NULL:
        break; // absent within absent
    case JSON_OBJECT:
        found = json_get(v, step->text);
        break;
    case JSON_ARRAY:
        if (!number_read_int(step->text, &index))
            return false;
        found = index >= 0 ? json_at(v, (size_t)index) : NULL;
        break;
    case JSON_STRING: {
        struct marked text = parsed_text(m, b);
        return step_into_text(m, &text, step, out);
    }
    default:
        return false;
    }
    *out = parsed_bind(found, b->marks, b->is_literal);
    return true;
}

static bool may_be_template(const struct marked *text)
{
    return !text->is_literal && text->s.n > 2 && str_find(text->s, STR("#{")) >= 0;
}

enum step_result { STEP_FOUND, STEP_NOT_FOUND, STEP_WAITS, STEP_FAILED };

static enum step_result evaluate_for_json(struct machine *m, struct frame *frame, str text)
{
    const struct program *program = machine_program(m, text);
    if (!program)
        return STEP_NOT_FOUND;
    struct walk *w = &frame->walk;
    w->state = WALK_JSON;
    mark_scopes(m, w);
    return machine_evaluate(m, text, program, w->scope, true, true) ? STEP_WAITS : STEP_FAILED;
}

static enum step_result take_step(struct machine *m, struct frame *frame)
{
    struct walk *w = &frame->walk;
    const struct ast_step *step = &w->steps[w->step];
    struct bind next;
    bool is_found;
    if (step->kind == AST_NAME)
        is_found = find_member(m, &w->at, step, &next);
    else
        is_found = find_index(&w->at, step, &next);
    if (is_found) {
        w->at = next;
        w->step++;
        return STEP_FOUND;
    }
    if (m->is_failed)
        return STEP_FAILED;

    const struct bind *b = &w->at;
    if (b->kind == BIND_PARSED || (b->kind == BIND_NODE && b->node->json)) {
        struct bind parsed = b->kind == BIND_PARSED ? *b : parsed_bind(b->node->json, b->marks, b->is_literal);
        is_found = step_into_parsed(m, &parsed, step, &next);
    } else if (b->kind == BIND_LOOSE && (!b->has_token || b->is_literal)) {
        is_found = step->text.n && step_into_loose(m, b, step, &next);
    } else if (b->kind != BIND_EMPTY) {
        struct marked text;
        if (!walk_text(m, b, &text))
            return STEP_FAILED;
        if (text.is_defined && step->text.n && !w->is_evaluated && may_be_template(&text)) {
            enum step_result result = evaluate_for_json(m, frame, text.s);
            if (result != STEP_NOT_FOUND)
                return result;
        }
        is_found = text.is_defined && step_into_text(m, &text, step, &next);
    }
    if (m->is_failed)
        return STEP_FAILED;
    w->is_evaluated = false;
    if (!is_found)
        return STEP_NOT_FOUND;
    w->at = next;
    w->step++;
    return STEP_FOUND;
}

// To the next place where the symbol may be: the parent set, or the enclosing scope.
static bool go_out(struct machine *m, struct walk *w, bool *is_over)
{
    *is_over = false;
    if (w->scope == &m->root) {
        w->layer = vars_parent(w->layer);
        *is_over = !w->layer;
        return true;
    }
    w->scope = w->scope->parent;
    w->layer = m->vars;
    return check_recursion(m, w, w->steps);
}

static void enter_scope(struct machine *m, struct walk *w)
{
    w->step = 0;
    w->state = WALK_STEPS;
    if (w->scope == &m->root)
        w->at = node_bind(vars_root(w->layer));
    else
        w->at = w->scope->names;
}

// The symbol as the resolver is asked for it.
static bool ask_resolver(struct machine *m, struct walk *w)
{
    CLEANUP(buf_fini) struct buf name = { 0 };
    struct ast_symbol symbol = { .count = w->symbol->count, .steps = (struct ast_step *)(uintptr_t)w->steps };
    ast_print_symbol(&name, &symbol);
    struct vars_answer answer;
    if (!symbol.count || !vars_ask(m->vars, arena_str(m->a, buf_str(&name)), m->a, &answer))
        return false;
    if (!answer.value.p && !answer.json) {
        w->reason = answer.reason;
        return false;
    }
    uint8_t marks = marks_of(answer.provenance);
    if (answer.json)
        w->at = parsed_bind(answer.json, marks, marks != 0);
    else
        w->at = text_bind(marked_with(answer.value, marks));
    return true;
}

// The next "[#{symbol}]" is resolved by a walk of its own. False when there is none left.
static bool next_index(struct walk *w)
{
    while (w->index < w->symbol->count && w->symbol->steps[w->index].kind != AST_INDEX_SYMBOL)
        w->index++;
    return w->index < w->symbol->count;
}

void walk_take_index(struct walk *w, bool found, const struct marked *text)
{
    struct ast_step *step = &w->copy[w->index++];
    *step = (struct ast_step){ .kind = AST_INDEX_SYMBOL, .symbol = step->symbol, .is_resolved = true };
    if (found && text->is_defined)
        *step = (struct ast_step){ .kind = AST_INDEX_TEXT, .text = text->s, .hash = chars_hash_nocase(text->s), .is_resolved = true };
}

void walk_take_value(struct walk *w, bool is_recursion, struct marked value)
{
    walk_drop(w);
    // Evaluated text takes the variable's place; where evaluating for JSON ended in recursion, there is no JSON.
    if (w->state == WALK_JSON)
        w->at = is_recursion ? (struct bind){ .kind = BIND_EMPTY } : text_bind(value);
    else
        w->at = text_bind(value);
    w->is_evaluated = w->state == WALK_JSON;
    w->state = w->is_evaluated ? WALK_STEPS : WALK_VALUE;
}

// A variable without a value: a name that is only a prefix of others.
static bool is_plain(const struct machine *m, const struct walk *w)
{
    return w->scope == &m->root && w->at.kind == BIND_NODE && !w->at.node->has_value && !w->at.node->json
        && (w->want == WANT_TEXT || !w->at.node->indexes.first);
}

static enum walk_progress finish(struct walk *w, bool is_found, bool *found, struct bind *result)
{
    walk_drop(w);
    *found = is_found;
    if (is_found)
        *result = w->at;
    return WALK_DONE;
}

// The value found is evaluated, unless it is final.
static enum walk_progress evaluate_found(struct machine *m, struct frame *frame, bool *found, struct bind *result)
{
    struct walk *w = &frame->walk;
    bool is_data = w->at.kind == BIND_PARSED || (w->at.kind == BIND_NODE && w->at.node->json);
    if (w->want == WANT_LIST && is_data) {
        if (w->at.kind == BIND_NODE)
            w->at = parsed_bind(w->at.node->json, w->at.marks, w->at.is_literal);
        return finish(w, true, found, result);
    }
    if (w->want == WANT_LIST && w->at.kind == BIND_LOOSE && (!w->at.has_token || w->at.is_literal))
        return finish(w, true, found, result);

    struct marked text;
    if (!walk_text(m, &w->at, &text))
        return WALK_FAILED;
    if (may_be_template(&text)) {
        const struct program *program = machine_program(m, text.s);
        if (m->is_failed)
            return WALK_FAILED;
        if (!program)
            return finish(w, true, found, result); // used as it is; a list keeps its members
        w->state = WALK_VALUE;
        mark_scopes(m, w);
        return machine_evaluate(m, text.s, program, w->scope, frame->is_quiet, false) ? WALK_WAITS : WALK_FAILED;
    }
    if (text.is_defined)
        w->at = text_bind(text);
    return finish(w, true, found, result);
}

enum walk_progress walk_run(struct machine *m, struct frame *frame, bool *found, struct bind *result)
{
    struct walk *w = &frame->walk;
    for (;;) {
        if (!machine_step(m, 0))
            return WALK_FAILED;
        switch (w->state) {
        case WALK_BEGIN:
            w->layer = m->vars;
            w->has_fallback = false;
            w->index = 0;
            if (!check_recursion(m, w, w->symbol->steps))
                return WALK_FAILED;
            if (!next_index(w)) {
                w->state = WALK_SCOPE;
                break;
            }
            w->copy = ARENA_ARRAY(m->a, struct ast_step, w->symbol->count);
            memcpy(w->copy, w->symbol->steps, w->symbol->count * sizeof *w->copy);
            mark_scopes(m, w);
            w->state = WALK_INDEX;
            break;
        case WALK_INDEX:
            if (next_index(w))
                return walk_start(m, w->symbol->steps[w->index].symbol, w->scope, WANT_TEXT, true) ? WALK_WAITS : WALK_FAILED;
            walk_drop(w);
            w->steps = w->copy;
            w->state = WALK_SCOPE;
            break;
        case WALK_SCOPE:
            enter_scope(m, w);
            break;
        case WALK_STEPS: {
            enum step_result step = STEP_FOUND;
            while (w->step < w->symbol->count && step == STEP_FOUND) {
                if (w->steps[w->step].kind == AST_INDEX_SYMBOL)
                    return finish(w, false, found, result); // an index that is not defined
                step = take_step(m, frame);
            }
            if (step == STEP_FAILED)
                return WALK_FAILED;
            if (step == STEP_WAITS)
                return WALK_WAITS;
            if (step == STEP_FOUND) {
                if (!is_plain(m, w))
                    return evaluate_found(m, frame, found, result);
                // A name that is only a prefix of others: a parent set may have a value for it.
                if (w->at.node->reason.n)
                    w->reason = w->at.node->reason;
                if (!w->has_fallback)
                    w->fallback = w->at;
                w->has_fallback = true;
            }
            bool is_over;
            if (!go_out(m, w, &is_over))
                return WALK_FAILED;
            if (!is_over) {
                w->state = WALK_SCOPE;
                break;
            }
            if (!w->reason.n && ask_resolver(m, w))
                return evaluate_found(m, frame, found, result);
            if (w->has_fallback)
                w->at = w->fallback;
            return finish(w, w->has_fallback, found, result);
        }
        case WALK_JSON:
        case WALK_VALUE:
            return finish(w, true, found, result);
        }
    }
}

static bool add_item(struct machine *m, struct bind **items, uint32_t *count, uint32_t *cap, struct bind item)
{
    if (*count == LIMIT_TEMPLATE_ITEMS)
        return machine_fail(m, "a loop may have %d items", LIMIT_TEMPLATE_ITEMS);
    if (*count == *cap) {
        uint32_t bigger = *cap ? *cap * 2 : 16;
        struct bind *grown = arena_alloc(m->a, bigger * sizeof *grown);
        if (*count)
            memcpy(grown, *items, *count * sizeof *grown);
        *items = grown;
        *cap = bigger;
    }
    (*items)[(*count)++] = item;
    return machine_step(m, sizeof item);
}

static bool loose_items(struct machine *m, const struct bind *list, struct bind **items, uint32_t *count)
{
    uint32_t cap = 0;
    for (const struct loose *v = list->loose->first; v; v = v->next) {
        if (v->type == LOOSE_BIG)
            return machine_fail(m, "InvalidCastException: the number %.*s is beyond 64 bits", STR_ARG(v->text));
        struct bind item = loose_bind(v, list, list->has_token);
        item.kind = list->loose->type == LOOSE_OBJECT ? BIND_PAIR : BIND_LOOSE;
        if (!add_item(m, items, count, &cap, item))
            return false;
    }
    return true;
}

static bool parsed_items(struct machine *m, const struct bind *list, struct bind **items, uint32_t *count)
{
    uint32_t cap = 0;
    json_each(v, list->json)
    {
        struct bind item = parsed_bind(v, list->marks, list->is_literal);
        if (list->json->type == JSON_OBJECT)
            item.kind = BIND_PAIR;
        if (!add_item(m, items, count, &cap, item))
            return false;
    }
    return true;
}

static bool split_items(struct machine *m, const struct marked *text, struct bind **items, uint32_t *count)
{
    uint32_t cap = 0;
    for (size_t from = 0;;) {
        ptrdiff_t comma = str_find_char(str_skip(text->s, from), ',');
        size_t n = comma < 0 ? text->s.n - from : (size_t)comma;
        if (!add_item(m, items, count, &cap, text_bind(marked_sub(m->a, *text, from, n))))
            return false;
        if (comma < 0)
            return true;
        from += n + 1;
    }
}

bool walk_items(struct machine *m, const struct bind *list, struct bind **items, uint32_t *count)
{
    uint32_t cap = 0;
    *items = NULL;
    *count = 0;
    if (list->kind == BIND_NODE && list->node->indexes.first) {
        for (const struct vars_node *n = list->node->indexes.first; n; n = n->next)
            if (!add_item(m, items, count, &cap, node_value(n)))
                return false;
        return true;
    }
    if (list->kind == BIND_PARSED && (!list->json || list->json->type == JSON_NULL))
        return true; // nothing there: nothing to go through
    if (list->kind == BIND_PARSED && (list->json->type == JSON_ARRAY || list->json->type == JSON_OBJECT))
        return parsed_items(m, list, items, count);
    if (list->kind == BIND_LOOSE && (list->loose->type == LOOSE_ARRAY || list->loose->type == LOOSE_OBJECT))
        return loose_items(m, list, items, count);

    struct marked text;
    if (!walk_text(m, list, &text))
        return false;
    if (!text.is_defined)
        return true;
    const struct machine_json *doc = text.s.n ? document(m, text.s) : NULL;
    if (doc && doc->tree && (doc->tree->type == LOOSE_ARRAY || doc->tree->type == LOOSE_OBJECT)) {
        struct bind source = { .kind = BIND_LOOSE, .loose = doc->tree, .marks = text.marks, .is_literal = text.is_literal, .has_token = doc->has_token };
        return loose_items(m, &source, items, count);
    }
    return split_items(m, &text, items, count);
}

// A symbol that leads straight to a variable whose value is final: the usual case, without a frame.
// False: it takes a walk.
bool walk_quickly(struct machine *m, const struct ast_symbol *symbol, struct scope *scope, struct marked *out)
{
    const struct ast_step *step = symbol->steps, *end = step + symbol->count;
    const struct vars_node *node = NULL;
    for (struct scope *s = scope; s; s = s->parent, m->steps++)
        if (s->active && is_active(m, s->active, symbol, symbol->steps))
            return false;
    for (; scope != &m->root; scope = scope->parent) {
        if (scope->names.kind == BIND_EMPTY)
            continue;
        const struct loop *loop = scope->names.loop;
        if (step->hash == m->octopus_hash)
            return false;
        if (step->hash != loop->name_hash)
            continue;
        const struct bind *item = &loop->items[loop->index];
        if (!chars_eq_nocase(step->text, loop->name) || item->kind != BIND_NODE)
            return false;
        node = item->node;
        step++;
        break;
    }
    if (!node)
        node = vars_root(m->vars);
    for (; step < end; step++) {
        if (step->kind == AST_INDEX_SYMBOL || (step->kind == AST_INDEX_TEXT && step->text.n == 1 && *step->text.p == '*'))
            return false;
        node = vars_find(step->kind == AST_NAME ? &node->members : &node->indexes, step->text, step->hash);
        if (!node)
            return false;
    }
    if (!node->has_value || node->json || (node->may_be_template && node->provenance == PROVENANCE_TEMPLATE))
        return false;
    uint8_t marks = marks_of(node->provenance);
    *out = (struct marked){ .s = node->value, .is_defined = true, .is_literal = marks != 0, .marks = marks };
    return true;
}
