// SPDX-License-Identifier: Apache-2.0
/* Key files: raw bytes, readable by their owner only, never behind a symbolic link. */
#include "common/crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* CN-5007 validation_failed; the names of gen/errors.h lie above this layer */
enum { BAD_KEY_FILE = 5007 };

static int read_all(int fd, uint8_t *out, size_t n)
{
	size_t done = 0;
	while (done < n) {
		ssize_t got = read(fd, out + done, n - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		done += (size_t)got;
	}
	return 0;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* Opened for reading; its size when it is what a key file must be. */
static int open_key(const char *path, off_t *ret_size, struct fault *reterr)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return fault_why(reterr, BAD_KEY_FILE,
			errno == ENOENT ? "key_file_missing" : "key_file", "%s: %s", path,
			errno == ELOOP ? "is a symbolic link" : strerror(errno));
	mode_t mode = 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fault_why(reterr, BAD_KEY_FILE, "key_file", "%s is not a file", path);
	} else if (mode = st.st_mode & 07777, mode != 0400 && mode != 0600) {
		fault_why(reterr, BAD_KEY_FILE, "key_file_mode",
			"%s has mode %04o: only its owner may read a key (0400)", path,
			(unsigned)mode);
	} else if (st.st_uid != geteuid() && geteuid() != 0) {
		fault_why(
			reterr, BAD_KEY_FILE, "key_file_owner", "%s belongs to another user", path);
	} else {
		*ret_size = st.st_size;
		return fd;
	}
	close(fd);
	return -1;
}

static int bad_size(const char *path, off_t size, size_t n, struct fault *reterr)
{
	return fault_why(reterr, BAD_KEY_FILE, "key_file_size", "%s has %lld bytes, a key has %zu",
		path, (long long)size, n);
}

int key_file_read(const char *path, uint8_t *out, size_t n, struct fault *reterr)
{
	off_t size = 0;
	int fd = open_key(path, &size, reterr);
	if (fd < 0)
		return -1;
	int rc = size == (off_t)n ? 0 : bad_size(path, size, n, reterr);
	if (rc == 0 && read_all(fd, out, n) < 0) {
		crypto_wipe(out, n);
		rc = fault_why(reterr, BAD_KEY_FILE, "key_file", "%s cannot be read", path);
	}
	close(fd);
	return rc;
}

int key_file_load(const char *path, size_t max, struct buf *out, struct fault *reterr)
{
	uint8_t bytes[4096];
	off_t size = 0;
	bug_if(max > sizeof(bytes));
	int fd = open_key(path, &size, reterr);
	if (fd < 0)
		return -1;
	int rc = size > 0 && size <= (off_t)max ? 0 : bad_size(path, size, max, reterr);
	if (rc == 0 && read_all(fd, bytes, (size_t)size) < 0)
		rc = fault_why(reterr, BAD_KEY_FILE, "key_file", "%s cannot be read", path);
	if (rc == 0)
		buf_add(out, bytes, (size_t)size);
	crypto_wipe(bytes, sizeof(bytes));
	close(fd);
	return rc;
}

/* The name must survive a power cut: a vault sealed under a lost key is lost. */
static int sync_parent(const char *path)
{
	char *copy = mem_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	free(copy);
	return rc;
}

/* A temporary file beside path with these bytes, flushed; its name in temp. */
static int write_temp(
	const char *path, struct span bytes, char temp[static 4096], struct fault *reterr)
{
	if (snprintf(temp, 4096, "%s.XXXXXX", path) >= 4096)
		return fault_why(reterr, BAD_KEY_FILE, "key_file", "path too long");
	int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return fault_why(reterr, BAD_KEY_FILE, "key_file", "%s: %s", path, strerror(errno));
	bool good = write_all(fd, bytes.p, bytes.n) == 0 && fchmod(fd, 0400) == 0 && fsync(fd) == 0;
	close(fd);
	if (good)
		return 0;
	unlink(temp);
	return fault_why(reterr, BAD_KEY_FILE, "key_file", "%s cannot be written", path);
}

int key_file_make(const char *path, size_t n, struct fault *reterr)
{
	char temp[4096];
	uint8_t key[256];
	bug_if(n == 0 || n > sizeof(key));
	if (access(path, F_OK) == 0)
		return 0;
	crypto_random(key, n);
	int rc = write_temp(path, (struct span){key, n}, temp, reterr);
	crypto_wipe(key, sizeof(key));
	if (rc < 0)
		return -1;
	/* link, not rename: of two makers at once one key stays */
	bool good = link(temp, path) == 0 || errno == EEXIST;
	unlink(temp);
	if (!good || sync_parent(path) < 0)
		return fault_why(reterr, BAD_KEY_FILE, "key_file", "%s cannot be written", path);
	return 0;
}

int key_file_replace(const char *path, struct span bytes, struct fault *reterr)
{
	char temp[4096];
	if (write_temp(path, bytes, temp, reterr) < 0)
		return -1;
	if (rename(temp, path) == 0 && sync_parent(path) == 0)
		return 0;
	unlink(temp);
	return fault_why(reterr, BAD_KEY_FILE, "key_file", "%s cannot be written", path);
}
