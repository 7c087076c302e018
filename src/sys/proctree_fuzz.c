// A process chooses its own name, so a line of /proc/<pid>/stat is foreign text.
#include "sys/proctree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct proctree_entry entry = { .pid = -1 };
    if (proctree_parse_stat((const char *)data, n, 4096, &entry))
        assert(entry.pid >= 0 && entry.rss_bytes >= 0 && entry.parent >= 0);
    return 0;
}
