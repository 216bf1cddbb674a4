// SPDX-License-Identifier: Apache-2.0
/* Vault files: names beneath the vault only, temporary first, flushed together, published once. */
#include "common/vault/vault_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/crypto/crypto.h"
#include "common/vault/vault_fault.h"
#include "common/vault/vault_remote.h"

#define DIRECT_BLOCK ((size_t)4096)
#define READ_BUFFER ((size_t)64 * 1024)

int vault_errno(struct fault *reterr, const char *what)
{
	int e = errno;
	if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		return fault_set(reterr, CN_STORE_FULL, "%s: %s", what, strerror(e));
	if (e == ENOENT)
		return fault_set(reterr, CN_NOT_FOUND, "%s: %s", what, strerror(e));
	return fault_why(reterr, CN_STORE_UNAVAILABLE, "io", "%s: %s", what, strerror(e));
}

int vault_pwrite(int fd, const uint8_t *p, size_t n, off_t at)
{
	while (n > 0) {
		ssize_t put = VAULT_FAULT("spool", "", "", n) ? -1 : pwrite(fd, p, n, at);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		p += put;
		n -= (size_t)put;
		at += put;
	}
	return 0;
}

int vault_pread(int fd, uint8_t *p, size_t n, off_t at)
{
	while (n > 0) {
		ssize_t got = pread(fd, p, n, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		p += got;
		n -= (size_t)got;
		at += got;
	}
	return 0;
}

/* The only way a name of the vault is opened. */
static int open_beneath(int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;
	do
		fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

/* ---- names ---- */

void vault_object_name(
	char out[static VAULT_NAME_MAX], const uint8_t oid[static 32], uint64_t incarnation)
{
	char hex[65];
	hex_encode((struct span){oid, 32}, hex);
	(void)snprintf(out, VAULT_NAME_MAX, "objects/%.2s/%s.%llu", hex, hex,
		(unsigned long long)incarnation);
}

void vault_manifest_name(char out[static VAULT_NAME_MAX], const struct uuid *device,
	const char *kind, uint64_t generation, const struct uuid *version, const char *suffix)
{
	char d[UUID_TEXT], v[UUID_TEXT];
	(void)snprintf(out, VAULT_NAME_MAX, "devices/%s/%s/%llu-%s.%s", uuid_format(device, d),
		kind, (unsigned long long)generation, uuid_format(version, v), suffix);
}

void vault_slot_name(char out[static VAULT_NAME_MAX], const struct uuid *version)
{
	char v[UUID_TEXT];
	(void)snprintf(out, VAULT_NAME_MAX, "keys/%s.slot", uuid_format(version, v));
}

/* ---- writing ---- */

int vault_create(
	const struct vault *v, const char *name, struct vault_file *f, struct fault *reterr)
{
	uint8_t random[16];
	char hex[33];
	crypto_random(random, sizeof(random));
	hex_encode((struct span){random, sizeof(random)}, hex);
	*f = (struct vault_file){.fd = -1};
	(void)snprintf(f->temp, sizeof(f->temp), "tmp/%s", hex);
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	if (v->remote != NULL)
		return remote_create(v->remote, f, reterr);
	f->fd = VAULT_FAULT("open", f->temp, name, 0)
			? -1
			: open_beneath(v->fd, f->temp, O_CREAT | O_EXCL | O_WRONLY, 0400);
	if (f->fd >= 0)
		return 0;
	f->temp[0] = 0;
	return vault_errno(reterr, "temporary file");
}

int vault_write(struct vault_file *f, struct span bytes, struct fault *reterr)
{
	if (f->put != NULL)
		return remote_write(f->remote, f->put, bytes, reterr);
	while (bytes.n > 0) {
		ssize_t put = VAULT_FAULT("write", f->temp, f->name, bytes.n)
				      ? -1
				      : write(f->fd, bytes.p, bytes.n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return vault_errno(reterr, "write");
		bytes.p += put;
		bytes.n -= (size_t)put;
	}
	return 0;
}

int vault_finish(struct vault_file *f, struct fault *reterr)
{
	if (f->put != NULL)
		return remote_finish(f->remote, f->put, reterr);
	int fd = f->fd;
	f->fd = -1;
	/* a full network disk may say so only now */
	return fd < 0 || close(fd) == 0 ? 0 : vault_errno(reterr, "close");
}

int vault_create_with(const struct vault *v, const char *name, struct span bytes,
	struct vault_file *f, struct fault *reterr)
{
	if (vault_create(v, name, f, reterr) < 0)
		return -1;
	if (vault_write(f, bytes, reterr) == 0 && vault_finish(f, reterr) == 0)
		return 0;
	vault_discard(v, f);
	return -1;
}

int vault_sync(const struct vault *v, struct fault *reterr)
{
	if (v->remote != NULL)
		return remote_sync(v->remote, reterr);
	/* never repeated: the kernel forgets the pages it could not write */
	if (!VAULT_FAULT("sync", "", "", 0) && syncfs(v->fd) == 0)
		return 0;
	return fault_why(reterr, CN_STORE_UNAVAILABLE, "fsync_failed", "flushing vault '%s': %s",
		v->name, strerror(errno));
}

bool vault_has_temp(const struct vault *v)
{
	return v->remote == NULL || v->remote->ops->has_temp;
}

void vault_discard(const struct vault *v, struct vault_file *f)
{
	if (f->put != NULL) {
		remote_discard(f->remote, f);
		return;
	}
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	if (f->temp[0] != 0)
		(void)unlinkat(v->fd, f->temp, 0);
	f->temp[0] = 0;
}

/* Folders on the way to name. */
static int make_folders(const struct vault *v, const char *name)
{
	char folder[VAULT_NAME_MAX];
	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
		if (mkdirat(v->fd, folder, 0700) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

static int rename_to(const struct vault *v, struct vault_file *f, unsigned flags)
{
	int rc = VAULT_FAULT("rename", f->temp, f->name, 0);
	if (rc == 0)
		rc = renameat2(v->fd, f->temp, v->fd, f->name, flags);
	if (rc < 0 && errno == ENOENT && make_folders(v, f->name) == 0)
		rc = renameat2(v->fd, f->temp, v->fd, f->name, flags);
	if (rc == 0)
		f->temp[0] = 0;
	return rc;
}

/* Do both names hold the same bytes? */
static bool same_bytes(const struct vault *v, const char *a, const char *b)
{
	uint8_t x[4096], y[4096];
	int fa = open_beneath(v->fd, a, O_RDONLY | O_NOFOLLOW, 0);
	int fb = open_beneath(v->fd, b, O_RDONLY | O_NOFOLLOW, 0);
	ssize_t n = -1, m = -1;
	while (fa >= 0 && fb >= 0) {
		n = read(fa, x, sizeof(x));
		m = read(fb, y, sizeof(y));
		if (n != m || n <= 0 || memcmp(x, y, (size_t)n) != 0)
			break;
	}
	if (fa >= 0)
		close(fa);
	if (fb >= 0)
		close(fb);
	return n == 0 && m == 0;
}

int vault_publish(const struct vault *v, struct vault_file *f, struct fault *reterr)
{
	if (f->put != NULL)
		return remote_publish(f->remote, f, false, reterr);
	if (rename_to(v, f, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST)
		return vault_errno(reterr, f->name);
	if (!same_bytes(v, f->temp, f->name))
		return fault_why(reterr, CN_STORE_UNAVAILABLE, "name_taken",
			"%s exists with other content", f->name);
	vault_discard(v, f);
	return 0;
}

int vault_replace(const struct vault *v, struct vault_file *f, struct fault *reterr)
{
	if (f->put != NULL)
		return remote_publish(f->remote, f, true, reterr);
	return rename_to(v, f, 0) == 0 ? 0 : vault_errno(reterr, f->name);
}

int vault_swap(const struct vault *v, struct vault_file *f, struct fault *reterr)
{
	char temp[sizeof(f->temp)];
	if (f->put != NULL)
		return vault_replace(v, f, reterr);
	memcpy(temp, f->temp, sizeof(temp));
	if (rename_to(v, f, RENAME_EXCHANGE) < 0) /* missing, or an old file system */
		return vault_replace(v, f, reterr);
	memcpy(f->temp, temp, sizeof(temp));
	return 0;
}

/* ---- reading ---- */

struct vault_reader {
	struct remote_reader *remote; /* NULL = a file */
	int fd;
	bool direct;
	uint8_t *buffer; /* aligned for O_DIRECT */
	size_t at, n;    /* what of it is not yet given out */
};

/* A file; a pipe on a hostile medium must not hold us. */
static int open_file(const struct vault *v, const char *name, int flags)
{
	struct stat st;
	int fd = open_beneath(v->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | flags, 0);
	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	errno = EISDIR;
	return -1;
}

static struct vault_reader *reader_of_remote(
	const struct vault *v, const char *name, struct fault *reterr)
{
	struct remote_reader *remote = v->remote->ops->reader(v->remote, name, reterr);
	if (remote == NULL)
		return NULL;
	struct vault_reader *r = mem_alloc(sizeof(*r));
	*r = (struct vault_reader){.remote = remote, .fd = -1};
	remote->remote = v->remote;
	return r;
}

struct vault_reader *vault_reader_new(const struct vault *v, const char *name, struct fault *reterr)
{
	if (v->remote != NULL)
		return reader_of_remote(v, name, reterr);
	bool direct = true;
	int fd = open_file(v, name, O_DIRECT);
	if (fd < 0 && errno == EINVAL) { /* the file system cannot */
		direct = false;
		fd = open_file(v, name, 0);
	}
	if (fd < 0) {
		(void)vault_errno(reterr, name);
		return NULL;
	}
	if (!direct)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	struct vault_reader *r = mem_alloc(sizeof(*r));
	*r = (struct vault_reader){.fd = fd, .direct = direct};
	bug_if(posix_memalign((void **)&r->buffer, DIRECT_BLOCK, READ_BUFFER) != 0);
	return r;
}

void vault_reader_free(struct vault_reader *r)
{
	if (r == NULL)
		return;
	if (r->remote != NULL)
		r->remote->remote->ops->reader_free(r->remote);
	else
		close(r->fd);
	free(r->buffer);
	free(r);
}

/* Some file systems take O_DIRECT at open and refuse it at read. */
static ssize_t refill(struct vault_reader *r)
{
	ssize_t got;
	do
		got = read(r->fd, r->buffer, READ_BUFFER);
	while (got < 0 && errno == EINTR);
	if (got >= 0 || errno != EINVAL || !r->direct)
		return got;
	r->direct = false;
	if (fcntl(r->fd, F_SETFL, 0) < 0)
		return -1;
	(void)posix_fadvise(r->fd, 0, 0, POSIX_FADV_DONTNEED);
	return read(r->fd, r->buffer, READ_BUFFER);
}

ssize_t vault_reader_read(void *reader, uint8_t *p, size_t n, struct fault *reterr)
{
	struct vault_reader *r = reader;
	if (r->remote != NULL)
		return r->remote->remote->ops->read(r->remote, p, n, reterr);
	if (r->at == r->n) {
		ssize_t got = refill(r);
		if (got < 0)
			return vault_errno(reterr, "read");
		r->at = 0;
		r->n = (size_t)got;
	}
	n = size_min(n, r->n - r->at);
	if (n > 0)
		memcpy(p, r->buffer + r->at, n);
	r->at += n;
	return (ssize_t)n;
}

int vault_read_small(
	const struct vault *v, const char *name, size_t max, struct buf *out, struct fault *reterr)
{
	uint8_t piece[4096];
	size_t total = 0;
	struct vault_reader *r = vault_reader_new(v, name, reterr);
	if (r == NULL)
		return -1;
	ssize_t got;
	while ((got = vault_reader_read(r, piece, sizeof(piece), reterr)) > 0) {
		total += (size_t)got;
		if (total > max) {
			got = fault_set(reterr, CN_RESPONSE_TOO_BIG, "%s has more than %zu bytes",
				name, max);
			break;
		}
		buf_add(out, piece, (size_t)got);
	}
	vault_reader_free(r);
	return got < 0 ? -1 : 0;
}

int vault_list(const struct vault *v, const char *folder, int (*fn)(void *arg, const char *name),
	void *arg, struct fault *reterr)
{
	if (v->remote != NULL)
		return v->remote->ops->list(v->remote, folder, fn, arg, reterr);
	int fd = open_beneath(v->fd, folder, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return errno == ENOENT ? 0 : vault_errno(reterr, folder);
	DIR *d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return vault_errno(reterr, folder);
	}
	int rc = 0;
	struct dirent *e;
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			rc = fn(arg, e->d_name);
	closedir(d);
	return rc;
}

void vault_remove(const struct vault *v, const char *name)
{
	if (v->remote != NULL)
		remote_remove(v->remote, name);
	else if (!VAULT_FAULT("remove", name, "", 0))
		(void)unlinkat(v->fd, name, 0); /* what stays is tried again next time */
}

static bool stat_remote(const struct vault *v, const char *name, struct remote_stat *ret)
{
	struct fault ignored = FAULT_INIT;
	return v->remote->ops->stat(v->remote, name, ret, &ignored) == 0;
}

uint64_t vault_changed_ms(const struct vault *v, const char *name)
{
	struct stat st;
	struct remote_stat far;
	if (v->remote != NULL)
		return stat_remote(v, name, &far) ? far.changed_ms : 0;
	if (fstatat(v->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000;
}

int64_t vault_size(const struct vault *v, const char *name)
{
	struct stat st;
	struct remote_stat far;
	if (v->remote != NULL)
		return stat_remote(v, name, &far) ? (int64_t)far.size : -1;
	if (fstatat(v->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return -1;
	return st.st_size;
}
