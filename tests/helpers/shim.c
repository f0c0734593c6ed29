/* Lets calls to the system fail, or records them. Loaded before the C library by LD_PRELOAD.

`shim_fail` chooses the calls that fail, `shim_record` starts a journal. Both see only files below one folder, and
sockets. Without either, all calls pass through. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, FSYNC, RENAME, MKDIR, UNLINK, RECV, KINDS };
enum { SHORT = -1 }; /* in place of an errno: transfer half the bytes */

/* The test reads it from a file. */
struct report {
    int counts[KINDS]; /* the calls of each kind */
    int failed;        /* how many calls failed */
    char path[4000];   /* the file of the first failure */
};

static char folder[PATH_MAX];
static int kind_to_fail = -1, number_to_fail, error_to_give, from_then_on;
static struct report *report;
static int journal = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* Let the `number`-th call of a kind below `below` fail, or also all later ones. 0: only count. */
void shim_fail(const char *below, const char *report_file, int kind, int number, int error, int all_later) {
    int file = open(report_file, O_RDWR | O_CREAT, 0600);
    if (ftruncate(file, sizeof *report)) return;
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    kind_to_fail = kind, number_to_fail = number, error_to_give = error, from_then_on = all_later;
    snprintf(folder, sizeof folder, "%s", below);
}

/* Write a journal of everything that changes files below `below`. */
void shim_record(const char *below, const char *journal_file) {
    journal = open(journal_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    snprintf(folder, sizeof folder, "%s", below);
}

static int is_below(const char *path) {
    size_t length = strlen(folder);
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static void path_of(int descriptor, char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
}

static void absolute(int at, const char *name, char *path) {
    char parent[PATH_MAX] = "";
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    if (at == AT_FDCWD) {
        if (!getcwd(parent, sizeof parent)) parent[0] = 0;
    } else {
        path_of(at, parent);
    }
    size_t length = strlen(parent);
    snprintf(parent + length, sizeof parent - length, "/%s", name);
    memcpy(path, parent, sizeof parent);
}

/* The error that this call gives; 0: none. */
static int fault(int kind, const char *path) {
    if (!report) return 0;
    int number = __sync_add_and_fetch(&report->counts[kind], 1);
    if (kind != kind_to_fail || !number_to_fail) return 0;
    if (number != number_to_fail && !(from_then_on && number > number_to_fail)) return 0;
    if (!__sync_fetch_and_add(&report->failed, 1)) snprintf(report->path, sizeof report->path, "%s", path);
    return error_to_give;
}

static int path_fault(int kind, int at, const char *name) {
    if (!report) return 0;
    int kept = errno;
    char path[PATH_MAX];
    absolute(at, name, path);
    int error = is_below(path) ? fault(kind, path) : 0;
    errno = error > 0 ? error : kept;
    return error;
}

static int descriptor_fault(int kind, int descriptor, size_t *bytes) {
    if (!report) return 0;
    int kept = errno;
    char path[PATH_MAX];
    path_of(descriptor, path);
    int socket = !strncmp(path, "socket:", 7);
    if (socket && kind == READ) kind = RECV;
    int error = 0;
    if (is_below(path) || (socket && kind == RECV)) error = fault(kind, path);
    if (error == SHORT) {
        if (bytes && *bytes > 1) *bytes /= 2;
        error = 0;
    }
    errno = error > 0 ? error : kept;
    return error;
}

static void note(char what, uint64_t inode, uint64_t number, const void *first, size_t length, const char *second) {
    struct __attribute__((packed)) {
        char what;
        uint64_t inode, number;
        uint32_t length, second;
    } header = {what, inode, number, (uint32_t)length, second ? (uint32_t)strlen(second) : 0};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)first, length}, {(void *)second, header.second}};
    REAL(writev);
    if (real(journal, parts, 3) < 0) journal = -1;
}

static uint64_t inode_at(const char *path) {
    struct stat status;
    return lstat(path, &status) ? 0 : status.st_ino;
}

/* Whether changes of this descriptor are recorded; gives the inode. */
static int recorded(int descriptor, uint64_t *inode) {
    char path[PATH_MAX];
    struct stat status;
    if (journal < 0) return 0;
    path_of(descriptor, path);
    if (!is_below(path) || fstat(descriptor, &status)) return 0;
    *inode = status.st_ino;
    return 1;
}

static void note_write(int descriptor, int64_t position, const void *data, ssize_t length) {
    uint64_t inode;
    int kept = errno;
    if (length > 0 && recorded(descriptor, &inode)) {
        if (position < 0) position = lseek(descriptor, 0, SEEK_CUR) - length;
        note('W', inode, (uint64_t)position, data, (size_t)length, NULL);
    }
    errno = kept;
}

#define RECORDED(result, what) \
    do { \
        if (journal >= 0) pthread_mutex_lock(&lock); \
        result; \
        int kept = errno; \
        if (journal >= 0) { what; pthread_mutex_unlock(&lock); } \
        errno = kept; \
    } while (0)

static int open_at(int at, const char *name, int flags, mode_t mode) {
    REAL(openat);
    if (path_fault(OPEN, at, name) > 0) return -1;
    if (journal < 0 || !(flags & (O_CREAT | O_TRUNC))) return real(at, name, flags, mode);
    char path[PATH_MAX];
    absolute(at, name, path);
    pthread_mutex_lock(&lock);
    uint64_t before = inode_at(path);
    int descriptor = real(at, name, flags, mode);
    int kept = errno;
    if (descriptor >= 0 && is_below(path) && before != inode_at(path))
        note('C', inode_at(path), 0, path, strlen(path), NULL);
    else if (descriptor >= 0 && is_below(path) && (flags & O_TRUNC))
        note('T', before, 0, NULL, 0, NULL);
    pthread_mutex_unlock(&lock);
    errno = kept;
    return descriptor;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }

int openat(int at, const char *path, int flags, ...) {
    MODE(flags)
    return open_at(at, path, flags, mode);
}

DIR *opendir(const char *path) {
    REAL(opendir);
    if (error_to_give == EINTR) return real(path); /* Only slow devices interrupt it: Python does not try again. */
    return path_fault(OPEN, AT_FDCWD, path) > 0 ? NULL : real(path);
}

ssize_t read(int descriptor, void *data, size_t bytes) {
    REAL(read);
    return descriptor_fault(READ, descriptor, &bytes) ? -1 : real(descriptor, data, bytes);
}

ssize_t pread(int descriptor, void *data, size_t bytes, off_t position) {
    REAL(pread);
    return descriptor_fault(READ, descriptor, &bytes) ? -1 : real(descriptor, data, bytes, position);
}

ssize_t pread64(int descriptor, void *data, size_t bytes, off64_t position) {
    return pread(descriptor, data, bytes, position);
}

ssize_t recv(int descriptor, void *data, size_t bytes, int flags) {
    REAL(recv);
    return descriptor_fault(RECV, descriptor, &bytes) ? -1 : real(descriptor, data, bytes, flags);
}

ssize_t write(int descriptor, const void *data, size_t bytes) {
    REAL(write);
    if (descriptor_fault(WRITE, descriptor, &bytes)) return -1;
    ssize_t written;
    RECORDED(written = real(descriptor, data, bytes), note_write(descriptor, -1, data, written));
    return written;
}

ssize_t pwrite(int descriptor, const void *data, size_t bytes, off_t position) {
    REAL(pwrite);
    if (descriptor_fault(WRITE, descriptor, &bytes)) return -1;
    ssize_t written;
    RECORDED(written = real(descriptor, data, bytes, position), note_write(descriptor, position, data, written));
    return written;
}

ssize_t pwrite64(int descriptor, const void *data, size_t bytes, off64_t position) {
    return pwrite(descriptor, data, bytes, position);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    REAL(writev);
    uint64_t inode;
    if (report && descriptor_fault(WRITE, descriptor, NULL)) return -1;
    if (count > 0 && recorded(descriptor, &inode)) return write(descriptor, parts[0].iov_base, parts[0].iov_len);
    return real(descriptor, parts, count);
}

int ftruncate(int descriptor, off_t length) {
    REAL(ftruncate);
    uint64_t inode;
    if (descriptor_fault(WRITE, descriptor, NULL)) return -1;
    int failed;
    RECORDED(failed = real(descriptor, length),
             if (!failed && recorded(descriptor, &inode)) note('T', inode, (uint64_t)length, NULL, 0, NULL));
    return failed;
}

int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

/* Copies by the system are not recorded: callers fall back to read and write. */
ssize_t sendfile(int to, int from, off_t *position, size_t bytes) {
    REAL(sendfile);
    uint64_t inode;
    if (recorded(to, &inode)) {
        errno = ENOSYS;
        return -1;
    }
    if (descriptor_fault(WRITE, to, &bytes) || descriptor_fault(READ, from, &bytes)) return -1;
    return real(to, from, position, bytes);
}

ssize_t sendfile64(int to, int from, off64_t *position, size_t bytes) { return sendfile(to, from, position, bytes); }

static int flushed(int descriptor, int (*real)(int)) {
    uint64_t inode;
    if (descriptor_fault(FSYNC, descriptor, NULL)) return -1;
    int failed;
    RECORDED(failed = journal < 0 ? real(descriptor) : 0,
             if (recorded(descriptor, &inode)) note('F', inode, 0, NULL, 0, NULL));
    return failed;
}

int fsync(int descriptor) {
    REAL(fsync);
    return flushed(descriptor, real);
}

int fdatasync(int descriptor) {
    REAL(fdatasync);
    return flushed(descriptor, real);
}

int renameat(int at, const char *name, int new_at, const char *new_name) {
    REAL(renameat);
    if (path_fault(RENAME, new_at, new_name) > 0) return -1;
    char path[PATH_MAX], target[PATH_MAX];
    absolute(at, name, path);
    absolute(new_at, new_name, target);
    int failed;
    RECORDED(failed = real(at, name, new_at, new_name),
             if (!failed && is_below(path)) note('R', 0, 0, path, strlen(path), target));
    return failed;
}

int rename(const char *name, const char *new_name) { return renameat(AT_FDCWD, name, AT_FDCWD, new_name); }

int mkdirat(int at, const char *name, mode_t mode) {
    REAL(mkdirat);
    if (path_fault(MKDIR, at, name) > 0) return -1;
    char path[PATH_MAX];
    absolute(at, name, path);
    int failed;
    RECORDED(failed = real(at, name, mode),
             if (!failed && is_below(path)) note('M', inode_at(path), 0, path, strlen(path), NULL));
    return failed;
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int unlinkat(int at, const char *name, int flags) {
    REAL(unlinkat);
    if (path_fault(UNLINK, at, name) > 0) return -1;
    char path[PATH_MAX];
    absolute(at, name, path);
    int failed;
    RECORDED(failed = real(at, name, flags),
             if (!failed && is_below(path)) note('U', 0, 0, path, strlen(path), NULL));
    return failed;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
