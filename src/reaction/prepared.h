// prepared.h - what is read out of a revision once and not for each of its runs: the definition, what it speaks of, its templates.
//
// A revision never changes, so what was read stays true. One that holds secrets is not kept: they are opened for the moment
// of use. For one thread, the engine's.
#pragma once

#include "reaction/http_request.h"
#include "reaction/octopus_vars.h"
#include "reaction/registry.h"

#define PREPARED_MAX 256 // kept beyond those in use

struct prepared {
    const struct reaction *def;
    uint32_t needs;                    // octopus_needs
    const struct octopus_names *names; // octopus_names
    struct request_templates templates;
};

struct prepared_set;
struct prepared_set *prepared_set_new(void);
void prepared_set_free(struct prepared_set *s);

// NULL: it holds secrets, or cannot be read; it is then opened for this run alone.
struct prepared *prepared_take(struct prepared_set *s, const struct reaction_entry *r);
void prepared_give(struct prepared_set *s, struct prepared *p); // NULL is fine
