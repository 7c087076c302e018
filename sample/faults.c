#include "sample/faults.h"

#include "sys/random.h"

#define LATE_USUAL_MS 4000
#define LATE_MAX_MS 75000 // beyond the 60 s a tail is promised to survive

struct faults {
    struct random_seeded random;
    uint64_t seed;
    double chance[FAULT_COUNT];
    int64_t happened[FAULT_COUNT];
    int64_t late_max_ms;
};

// By default often enough that a test meets each within some dozens of requests, and rare enough
// that a patient client gets through.
static const struct { const char *name; double chance; } names[FAULT_COUNT] = {
    [FAULT_LATE] = { "late", 0.15 },  [FAULT_BACKWARDS] = { "backwards", 0.15 }, [FAULT_GAPS] = { "id-gaps", 0.3 },
    [FAULT_SHIFT] = { "shift", 0.3 }, [FAULT_DUPLICATES] = { "duplicates", 0.2 }, [FAULT_429] = { "429", 0.08 },
    [FAULT_5XX] = { "5xx", 0.08 },    [FAULT_HANG] = { "hang", 0.02 },           [FAULT_CUT] = { "cut", 0.06 },
};

struct faults *faults_new(uint64_t seed)
{
    struct faults *f = xcalloc(1, sizeof *f);

    f->seed = seed;
    f->late_max_ms = LATE_MAX_MS;
    random_seed(&f->random, seed);
    return f;
}

void faults_free(struct faults *f)
{
    free(f);
}

uint64_t faults_seed(const struct faults *f)
{
    return f->seed;
}

const char *fault_name(enum fault kind)
{
    return names[kind].name;
}

static bool set_one(struct faults *f, str part, struct err *e)
{
    ptrdiff_t equals = str_find_char(part, '=');
    str name = equals < 0 ? part : str_sub(part, 0, (size_t)equals);
    char number[32] = "";
    double chance = -1;
    bool is_found = false;

    if (equals >= 0) {
        str value = str_skip(part, (size_t)equals + 1);
        char *end = number;

        memcpy(number, value.p, MIN(value.n, sizeof number - 1));
        chance = strtod(number, &end);
        if (!value.n || value.n >= sizeof number || *end || !(chance >= 0 && chance <= 1))
            return err_set(e, ERR_INVALID, "%.*s: the probability must be a number from 0 to 1", STR_ARG(part));
    }
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        if (!str_eq_nocase(name, STR("all")) && !str_eq_nocase(name, str_from(names[i].name)))
            continue;
        f->chance[i] = chance >= 0 ? chance : names[i].chance;
        is_found = true;
    }
    return is_found || err_set(e, ERR_INVALID, "%.*s: no such fault; there are late, backwards, id-gaps, shift, duplicates, 429, 5xx, hang, cut, all, none", STR_ARG(name));
}

bool faults_set(struct faults *f, str kinds, struct err *e)
{
    double before[FAULT_COUNT];
    str part;

    memcpy(before, f->chance, sizeof before);
    memset(f->chance, 0, sizeof f->chance);
    while (str_split(&kinds, ',', &part)) {
        part = str_trim(part);
        if (!part.n || str_eq_nocase(part, STR("none")) || set_one(f, part, e))
            continue;
        memcpy(f->chance, before, sizeof before);
        return false;
    }
    return true;
}

bool faults_draw(struct faults *f, enum fault kind)
{
    // No draw where the kind is off: the sequence of the others then does not depend on it.
    if (f->chance[kind] <= 0 || random_unit(&f->random.random) >= f->chance[kind])
        return false;
    f->happened[kind]++;
    return true;
}

int64_t faults_between(struct faults *f, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(&f->random.random, (uint64_t)(high - low + 1));
}

int64_t faults_late_ms(struct faults *f)
{
    bool is_long = random_unit(&f->random.random) < 0.1;

    return faults_between(f, 50, MAX(50, MIN(f->late_max_ms, is_long ? LATE_MAX_MS : LATE_USUAL_MS)));
}

void faults_set_late_max_ms(struct faults *f, int64_t max_ms)
{
    f->late_max_ms = max_ms;
}

struct json *faults_json(const struct faults *f, struct arena *a)
{
    struct json *o = json_new_object(a);
    struct json *chances = json_new_object(a), *happened = json_new_object(a);

    json_add(o, STR("Seed"), json_new_number(a, arena_printf(a, "%" PRIu64, f->seed)));
    json_add_i64(a, o, "LateMaxMs", f->late_max_ms);
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        json_add(chances, str_from(names[i].name), json_new_double(a, f->chance[i]));
        json_add_i64(a, happened, names[i].name, f->happened[i]);
    }
    json_add(o, STR("Probabilities"), chances);
    json_add(o, STR("Happened"), happened);
    return o;
}
