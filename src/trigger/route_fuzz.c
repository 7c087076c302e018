// Template and path from the fuzzer, parted by a line feed; a second template may stand in front of the path.
#include "base/limits.h"
#include "trigger/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str rest = { (const char *)data, size }, first = { 0 }, second = { 0 }, path = { 0 };
    str_split(&rest, '\n', &first);
    str_split(&rest, '\n', &second);
    str_split(&rest, '\n', &path);
    struct route *x, *y;
    bool has_x = route_parse(&a, first, &x, NULL), has_y = route_parse(&a, second, &y, NULL);
    str decoded, example;
    if (!route_path(&a, path, &decoded, NULL))
        decoded = path; // the table must bear anything
    struct route_entry entries[2];
    size_t count = 0;
    if (has_x)
        entries[count++] = (struct route_entry){ first, &x };
    if (has_y)
        entries[count++] = (struct route_entry){ second, &y };
    CLEANUP(route_table_freep) struct route_table *t = NULL;
    if (!route_table_new(entries, count, &t, NULL, NULL))
        abort();
    void *owner;
    struct route_values values;
    enum route_result result = route_table_match(t, decoded, NULL, NULL, &a, &owner, &values);
    if (count < 2)
        return 0;
    bool clash = route_conflict(x, y, &a, &example);
    if (result == ROUTE_AMBIGUOUS && !clash)
        abort(); // what was called apart met
    if (clash && example.n && route_table_match(t, example, NULL, NULL, &a, &owner, &values) != ROUTE_AMBIGUOUS)
        abort();
    return 0;
}
