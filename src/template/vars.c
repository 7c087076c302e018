#include "template/vars.h"

#include "template/chars.h"
#include "template/syntax.h"

struct vars {
    struct arena *a;
    const struct vars *parent;
    struct vars_node root;
    vars_resolver *resolver;
    void *resolver_ctx;
    bool is_broken;
};

struct vars *vars_new(struct arena *a)
{
    struct vars *v = ARENA_NEW(a, struct vars);
    v->a = a;
    return v;
}

void vars_set_parent(struct vars *v, const struct vars *parent)
{
    v->parent = parent;
}

void vars_set_resolver(struct vars *v, vars_resolver *resolver, void *ctx)
{
    v->resolver = resolver;
    v->resolver_ctx = ctx;
}

const struct vars_node *vars_root(const struct vars *v)
{
    return &v->root;
}

const struct vars *vars_parent(const struct vars *v)
{
    return v->parent;
}

bool vars_is_broken(const struct vars *v)
{
    for (; v; v = v->parent)
        if (v->is_broken)
            return true;
    return false;
}

bool vars_ask(const struct vars *v, str name, struct arena *a, struct vars_answer *answer)
{
    *answer = (struct vars_answer){ 0 };
    for (; v; v = v->parent) {
        if (!v->resolver)
            continue;
        v->resolver(v->resolver_ctx, name, a, answer);
        if (answer->value.p || answer->json)
            return true;
    }
    return answer->reason.n > 0;
}

static struct vars_node **slot_of(const struct vars_list *list, str key, uint64_t hash)
{
    size_t i = hash & (list->cap - 1);
    while (list->table[i] && (list->table[i]->hash != hash || !chars_eq_nocase(list->table[i]->key, key)))
        i = (i + 1) & (list->cap - 1);
    return &list->table[i];
}

const struct vars_node *vars_find(const struct vars_list *list, str key, uint64_t hash)
{
    if (list->table)
        return *slot_of(list, key, hash);
    for (const struct vars_node *n = list->first; n; n = n->next)
        if (n->hash == hash && chars_eq_nocase(n->key, key))
            return n;
    return NULL;
}

static void rebuild_table(struct arena *a, struct vars_list *list)
{
    list->cap = list->cap ? list->cap * 2 : 32;
    list->table = ARENA_ARRAY(a, struct vars_node *, list->cap);
    for (struct vars_node *n = list->first; n; n = n->next)
        *slot_of(list, n->key, n->hash) = n;
}

static struct vars_node *find_or_add(struct vars *v, struct vars_list *list, str key)
{
    uint64_t hash = chars_hash_nocase(key);
    if (list->table) {
        struct vars_node *found = *slot_of(list, key, hash);
        if (found)
            return found;
    } else {
        for (struct vars_node *n = list->first; n; n = n->next)
            if (n->hash == hash && chars_eq_nocase(n->key, key))
                return n;
    }

    struct vars_node *node = ARENA_NEW(v->a, struct vars_node);
    node->key = key;
    node->hash = hash;
    if (list->last)
        list->last->next = node;
    else
        list->first = node;
    list->last = node;
    list->count++;
    if (list->count > 8 && list->count * 2 > list->cap)
        rebuild_table(v->a, list);
    else if (list->table)
        *slot_of(list, key, hash) = node;
    return node;
}

static struct vars_node *node_of(struct vars *v, str name)
{
    struct ast_symbol *symbol;
    if (!syntax_name(v->a, name, &symbol))
        return NULL;
    struct vars_node *node = &v->root;
    for (uint32_t i = 0; i < symbol->count; i++) {
        const struct ast_step *step = &symbol->steps[i];
        if (step->kind == AST_INDEX_SYMBOL) {
            v->is_broken = true;
            return NULL;
        }
        bool is_index = step->kind == AST_INDEX_TEXT;
        node = find_or_add(v, is_index ? &node->indexes : &node->members, step->text);
        if (is_index && !node->has_value && !node->json) {
            // An index that exists has its own text for a value.
            node->has_value = true;
            node->value = step->text;
            node->may_be_template = str_find(node->value, STR("#{")) >= 0;
        }
    }
    return node;
}

void vars_set_text(struct vars *v, str name, str value, enum vars_provenance provenance)
{
    struct vars_node *node = node_of(v, name);
    if (!node)
        return;
    node->has_value = true;
    node->value = value.p ? value : STR("");
    node->may_be_template = str_find(node->value, STR("#{")) >= 0;
    node->json = NULL;
    node->provenance = provenance;
    node->reason = (str){ 0 };
}

void vars_bind_json(struct vars *v, str name, const struct json *value, enum vars_provenance provenance)
{
    struct vars_node *node = node_of(v, name);
    if (!node)
        return;
    node->has_value = false;
    node->json = value;
    node->provenance = provenance;
    node->reason = (str){ 0 };
}

void vars_set_undefined(struct vars *v, str name, str reason)
{
    struct vars_node *node = node_of(v, name);
    if (!node)
        return;
    node->has_value = false;
    node->json = NULL;
    node->reason = reason;
}
