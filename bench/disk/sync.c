// sync.c - how often the disk below FOLDER can be synced, one after the other: the ceiling of commits by one client.
//
//     disk-sync FOLDER [SECONDS] [BYTES]     prints syncs a second, p50 and p99 in microseconds
//
// Appends BYTES (4096) and calls fdatasync, as a write-ahead log does.
#include "base/base.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_MAX 30
#define BYTES_MAX 65536

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    char path[4096];
    static char bytes[BYTES_MAX];
    if (argc < 2) {
        fprintf(stderr, "usage: disk-sync FOLDER [SECONDS] [BYTES]\n");
        return 2;
    }
    int seconds = argc > 2 ? atoi(argv[2]) : 2, n = argc > 3 ? atoi(argv[3]) : 4096;
    seconds = MAX(1, MIN(seconds, SECONDS_MAX));
    n = MAX(1, MIN(n, BYTES_MAX));
    snprintf(path, sizeof path, "%s/disk-sync-XXXXXX", argv[1]);
    int fd = mkstemp(path);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    unlink(path);
    uint32_t *took = NULL;
    size_t count = 0, cap = 0;
    int64_t began = now_us(), end = began + seconds * 1000000LL, at = began;
    while (at < end) {
        if (write(fd, bytes, (size_t)n) != n || fdatasync(fd) < 0) {
            perror("writing");
            return 1;
        }
        int64_t after = now_us();
        xgrow(&took, &cap, count + 1, sizeof *took);
        took[count++] = (uint32_t)(after - at);
        at = after;
    }
    qsort(took, count, sizeof *took, by_size);
    printf("syncs/s %.0f  p50_us %u  p99_us %u\n", (double)count * 1e6 / (double)(at - began), took[count / 2], took[count - 1 - count / 100]);
    free(took);
    return 0;
}
