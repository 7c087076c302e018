// resources.h - what all kinds of documents have in common as resources of the API: reading,
// listing, creating, changing, removing; links; who may see them.
#pragma once

#include "sample/call.h"

// The document as a client gets it: without the sample's own members, with its Links.
struct json *resource_json(struct call *c, const struct doc *d);

// What a permission on this document is asked for. The result points into the document.
struct scope doc_scope(const struct doc *d);
str doc_space(const struct doc *d);
bool resource_is_visible(struct call *c, const struct doc *d);
// 201 after POST, 200 otherwise.
void resource_answer(struct call *c, int status, const struct doc *d);

// The document of that id (or slug, where its kind has one), or NULL after answering 404.
struct doc *resource_get(struct call *c, enum kind_id kind, str id);
// One that the caller may also change: 403 where `permission` does not cover it.
struct doc *resource_get_for(struct call *c, enum kind_id kind, str id, const char *permission);

typedef bool resource_keep_fn(const struct doc *d, const void *ctx);
// Answers the collection: the query's skip, take, ids, name, partialName and the kind's own filters;
// keep (may be NULL) narrows it further.
void resource_list(struct call *c, enum kind_id kind, resource_keep_fn *keep, const void *ctx);
bool resource_keep_field(const struct doc *d, const void *field_and_value); // struct field_value
struct field_value { const char *field; str value; };

// A new document from the kind's defaults and the request's body, with its Id and SpaceId; not yet stored.
struct json *resource_new(struct call *c, enum kind_id kind);
// The document with the members of the body in place of its own.
struct json *resource_changed(struct call *c, const struct doc *d);
struct doc *resource_store(struct call *c, enum kind_id kind, struct json *json); // with LastModifiedOn, -By
// A name that is missing or taken is answered with 400 and gives false.
bool resource_check_name(struct call *c, enum kind_id kind, const struct json *json, const char *within_field);
str slug_of(struct arena *a, str name);

// "Environment Production was created" and its ids.
void resource_event(struct call *c, const char *category, const struct doc *d);
void document_event(struct sample *s, struct arena *a, const struct actor *who, const char *category, const struct doc *d);

// The generic routes: collection, all, one. False where the path is none of them.
bool resource_route(struct call *c, const str *segments, size_t count);
