// run-vectors FILE: each vector of the file against the product's own code, at the file's own time. Prints every wrong
// verdict, then "N passed, N failed". What is judged is accept or reject; where only the reason differs (it is
// for our log, the sender sees one and the same 401), that is printed too, and counts with --reasons.
#include "sys/file.h"
#include "tests/signatures/vectors.h"

#include <stdio.h>

struct tally {
    int passed, failed, other_reasons;
    bool reasons_count;
};

static void each(const struct vector_verdict *v, void *ctx)
{
    struct tally *t = ctx;
    bool passed = v->is_right && (v->reason_is_right || !t->reasons_count);
    t->passed += passed;
    t->failed += !passed;
    t->other_reasons += v->is_right && !v->reason_is_right;
    if (!v->is_right || !v->reason_is_right)
        printf("%s: %.*s: want %.*s, got %.*s (%.*s)\n", v->is_right ? "other reason" : "wrong", STR_ARG(v->name), STR_ARG(v->want), STR_ARG(v->got), STR_ARG(v->detail));
}

int main(int argc, char **argv)
{
    struct tally t = { .reasons_count = argc == 3 && !strcmp(argv[1], "--reasons") };
    if (argc != 2 && !t.reasons_count) {
        fputs("usage: run-vectors [--reasons] FILE\n", stderr);
        return 2;
    }
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    str text;
    if (!file_read(argv[argc - 1], 256 << 20, &a, &text, &e) || !vectors_judge(text, each, &t, &e)) {
        fprintf(stderr, "run-vectors: %s\n", e.text);
        return 1;
    }
    if (t.other_reasons)
        printf("%d rejected as they should be, but for another reason\n", t.other_reasons);
    printf("%d passed, %d failed\n", t.passed, t.failed);
    return t.failed > 0;
}
