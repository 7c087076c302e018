// faults.h - the adversary: what goes wrong between the sample and its clients, by a seed.
//
// Each kind has a probability; one seed gives one sequence of draws. Event faults change how the log
// grows and how pages show it, transport faults what becomes of a request to /api. The control
// routes below /sample, the feeds and the receivers are never touched.
#pragma once

#include "base/err.h"
#include "json/json.h"

enum fault {
    FAULT_LATE,       // an event is committed after newer ones were read
    FAULT_BACKWARDS,  // Occurred runs back
    FAULT_GAPS,       // ids leave gaps and come in blocks
    FAULT_SHIFT,      // a new event comes between two pages of one walk
    FAULT_DUPLICATES, // a row stands twice in a page, or on two
    FAULT_429,        // too many requests, with Retry-After
    FAULT_5XX,
    FAULT_HANG,       // no answer until the client gives up
    FAULT_CUT,        // the connection is cut, before or after the request was carried out
    FAULT_COUNT,
};

struct faults;

struct faults *faults_new(uint64_t seed);
void faults_free(struct faults *f);
uint64_t faults_seed(const struct faults *f);
// "late", "backwards", "id-gaps", "shift", "duplicates", "429", "5xx", "hang", "cut", "all", "none", or
// several by commas; may stand with a probability: "429=0.5".
MUST_USE bool faults_set(struct faults *f, str kinds, struct err *e);
bool faults_draw(struct faults *f, enum fault kind);         // does it happen now?
int64_t faults_between(struct faults *f, int64_t low, int64_t high); // a drawn number, both included
struct json *faults_json(const struct faults *f, struct arena *a);   // seed, probabilities, how often each happened
const char *fault_name(enum fault kind);
int64_t faults_late_ms(struct faults *f); // how late this commit comes
void faults_set_late_max_ms(struct faults *f, int64_t max_ms);
