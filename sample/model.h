// model.h - the documents of the sample Octopus: JSON objects with an Id, by kind.
//
// A document is read in place and changed by putting a new version: model_edit gives a copy,
// model_put stores it. Members whose name begins with '_' are the sample's own and never leave it.
// With a journal every put and remove is appended to it before the call returns, so that a killed
// sample finds its documents again.
#pragma once

#include "json/json.h"
#include "sample/journal.h"
#include "sample/kinds.h"

struct doc {
    const struct kind *kind;
    str id;
    int64_t number;          // N of Prefix-N; 0 where the id carries no number
    const struct json *json; // valid until the next put or remove of this document
    struct arena arena;
};

struct model;

struct model *model_new(void);
void model_free(struct model *m);
// Puts and removes are written there from now on; NULL: nowhere. The journal must outlive the model.
void model_set_journal(struct model *m, struct journal *j);
// One line of a journal. False where the line is not the model's.
bool model_replay(struct model *m, const struct json *line, struct err *e);
// The whole model as journal lines.
void model_dump(const struct model *m, void (*line)(void *ctx, str text), void *ctx);

struct doc *model_get(const struct model *m, str id); // ids compare without case; NULL where absent
struct doc *model_get_kind(const struct model *m, enum kind_id kind, str id);
size_t model_count(const struct model *m, enum kind_id kind);
struct doc *model_at(const struct model *m, enum kind_id kind, size_t index); // in order of creation

// "Projects-25": the next free number of that kind.
str model_new_id(struct model *m, struct arena *a, enum kind_id kind);
// json must have an Id; it is copied. Replaces the version of that id or adds the document.
struct doc *model_put(struct model *m, enum kind_id kind, const struct json *json);
void model_remove(struct model *m, struct doc *d);
struct json *model_edit(struct arena *a, const struct doc *d);

str doc_str(const struct doc *d, const char *field); // "" where absent or no text
bool doc_bool(const struct doc *d, const char *field);
const struct json *doc_field(const struct doc *d, const char *field);
bool json_has_text(const struct json *array, str text); // an element of that text, case ignored
// By a field's text, case ignored, within one space ("" or a system kind: any); NULL where none.
struct doc *model_find(const struct model *m, enum kind_id kind, str space, const char *field, str text);
