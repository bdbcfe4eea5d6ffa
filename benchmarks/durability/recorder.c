/* Records what a process does to a study's store, in its order: writes, truncations, deletions and
   syncs. Loaded before the C library (LD_PRELOAD), so that the process itself is unchanged.
   RECORD_FOLDER is the study's folder, RECORD_TO the file of the records (power_cuts.py reads it). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static int records = -1;

static void begin(void) {
    pthread_mutex_lock(&one_at_a_time);
    if (records < 0 && getenv("RECORD_TO") != NULL)
        records = open(getenv("RECORD_TO"), O_WRONLY | O_CREAT | O_APPEND, 0600);
}

/* The name of a file of the store, "." for the folder itself, NULL for every other path. */
static const char *name_in_store(const char *path, char *copy) {
    const char *folder = getenv("RECORD_FOLDER");
    if (folder == NULL || path == NULL) return NULL;
    if (strcmp(path, folder) == 0) return ".";
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) != 0 || path[length] != '/') return NULL;
    const char *name = strcpy(copy, path + length + 1);
    const char *kept[] = {"store.db", "personal.db", "keys.db"};
    for (int k = 0; k < 3; k++)
        if (strncmp(name, kept[k], strlen(kept[k])) == 0) return name;
    return strcmp(name, "acknowledged") == 0 ? name : NULL;
}

static const char *name_of(int file, char *copy) {
    char link[64], path[PATH_MAX + 1];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length < 0) return NULL;
    path[length] = 0;
    return name_in_store(path, copy);
}

/* One write at the end of the file, so that records of several processes do not mix. */
static void record(char kind, const char *name, uint64_t offset, const void *data, uint64_t size) {
    uint64_t sizes[3] = {strlen(name), offset, size};
    struct iovec parts[4] = {
        {&kind, 1}, {sizes, sizeof sizes}, {(void *)name, sizes[0]}, {(void *)data, size}};
    if (writev(records, parts, 4) < 0) abort();
}

#define RECORDED(result, call, good, kind, name, offset, data, size)                              \
    begin();                                                                                       \
    char copy[PATH_MAX + 1];                                                                       \
    const char *found = name;                                                                      \
    result done = call;                                                                            \
    if (good && found != NULL && records >= 0) record(kind, found, offset, data, size);            \
    pthread_mutex_unlock(&one_at_a_time);                                                          \
    return done;

#define REAL(name) (*(void **)&real = dlsym(RTLD_NEXT, name), real)

ssize_t write(int file, const void *data, size_t size) {
    ssize_t (*real)(int, const void *, size_t);
    RECORDED(ssize_t, REAL("write")(file, data, size), done > 0, 'w', name_of(file, copy),
             (uint64_t)(lseek(file, 0, SEEK_CUR) - done), data, (uint64_t)done)
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t);
    RECORDED(ssize_t, REAL("pwrite")(file, data, size, at), done > 0, 'w', name_of(file, copy),
             (uint64_t)at, data, (uint64_t)done)
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t);
    RECORDED(ssize_t, REAL("pwrite64")(file, data, size, at), done > 0, 'w', name_of(file, copy),
             (uint64_t)at, data, (uint64_t)done)
}

int ftruncate(int file, off_t size) {
    int (*real)(int, off_t);
    RECORDED(int, REAL("ftruncate")(file, size), done == 0, 't', name_of(file, copy),
             (uint64_t)size, NULL, 0)
}

int ftruncate64(int file, off64_t size) {
    int (*real)(int, off64_t);
    RECORDED(int, REAL("ftruncate64")(file, size), done == 0, 't', name_of(file, copy),
             (uint64_t)size, NULL, 0)
}

int fsync(int file) {
    int (*real)(int);
    RECORDED(int, REAL("fsync")(file), done == 0, 's', name_of(file, copy), 0, NULL, 0)
}

int fdatasync(int file) {
    int (*real)(int);
    RECORDED(int, REAL("fdatasync")(file), done == 0, 's', name_of(file, copy), 0, NULL, 0)
}

int unlink(const char *path) {
    int (*real)(const char *);
    RECORDED(int, REAL("unlink")(path), done == 0, 'd', name_in_store(path, copy), 0, NULL, 0)
}
