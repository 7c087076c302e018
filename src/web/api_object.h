// api_object.h - what all stored objects' routes do alike: read, list, write, delete by kind. Only src/web includes this.
#pragma once

#include "reaction/sealed.h"
#include "web/api.h"

struct object_api {
    enum store_kind kind;
    const char *collection; // "secrets"
    const char *item_type;  // "Secret"
    const char *audit;      // "secret": "secret.create", ...
    bool is_spaceless;      // belongs to no space (spaces themselves)
    // The stored document from what was sent (errors go to c->errors), and its slug. old: NULL for a new one.
    struct json *(*normalise)(struct api_call *c, const struct json *sent, const struct store_object *old, str *slug);
    // More members for the answer; may be NULL.
    void (*decorate)(struct api_call *c, const struct store_object *o, struct json *answer);
    // False: answered, with the reason why it may not go. May be NULL.
    bool (*may_delete)(struct api_call *c, const struct store_object *o);
};

void object_list(struct api_call *c, const struct object_api *api, int64_t parent_id);
void object_get(struct api_call *c, const struct object_api *api);
void object_create(struct api_call *c, const struct object_api *api);
void object_update(struct api_call *c, const struct object_api *api);
void object_delete(struct api_call *c, const struct object_api *api);

bool object_pick(struct api_call *c, enum store_kind kind, const int64_t *ids, size_t count, struct store_page page, struct store_objects *out); // false: answered
// By id or slug within what the caller may see; NULL: answered 404.
struct store_object *object_find(struct api_call *c, enum store_kind kind, str id_or_slug);
// The answer's object: Id, SpaceId, the document with its secrets hidden, Links.
struct json *object_json(struct api_call *c, const struct object_api *api, const struct store_object *o);
struct json *object_doc(struct api_call *c, const struct store_object *o);
