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

static int check(int fd, const char *path, size_t n, struct fault *reterr)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fault_why(reterr, BAD_KEY_FILE, "key_file", "%s is not a file", path);
	mode_t mode = st.st_mode & 07777;
	if (mode != 0400 && mode != 0600)
		return fault_why(reterr, BAD_KEY_FILE, "key_file_mode",
			"%s has mode %04o: only its owner may read a key (0400)", path,
			(unsigned)mode);
	if (st.st_uid != geteuid() && geteuid() != 0)
		return fault_why(
			reterr, BAD_KEY_FILE, "key_file_owner", "%s belongs to another user", path);
	if (st.st_size != (off_t)n)
		return fault_why(reterr, BAD_KEY_FILE, "key_file_size",
			"%s has %lld bytes, a key has %zu", path, (long long)st.st_size, n);
	return 0;
}

int key_file_read(const char *path, uint8_t *out, size_t n, struct fault *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return fault_why(reterr, BAD_KEY_FILE,
			errno == ENOENT ? "key_file_missing" : "key_file", "%s: %s", path,
			errno == ELOOP ? "is a symbolic link" : strerror(errno));
	int rc = check(fd, path, n, reterr);
	if (rc == 0 && read_all(fd, out, n) < 0) {
		crypto_wipe(out, n);
		rc = fault_why(reterr, BAD_KEY_FILE, "key_file", "%s cannot be read", path);
	}
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

int key_file_make(const char *path, size_t n, struct fault *reterr)
{
	char temp[4096];
	uint8_t key[256];
	bug_if(n == 0 || n > sizeof(key));
	if (access(path, F_OK) == 0)
		return 0;
	if ((size_t)snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= sizeof(temp))
		return fault_why(reterr, BAD_KEY_FILE, "key_file", "path too long");
	int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return fault_why(reterr, BAD_KEY_FILE, "key_file", "%s: %s", path, strerror(errno));
	crypto_random(key, n);
	bool good = write_all(fd, key, n) == 0 && fchmod(fd, 0400) == 0 && fsync(fd) == 0;
	crypto_wipe(key, sizeof(key));
	close(fd);
	/* link, not rename: of two makers at once one key stays */
	good = good && (link(temp, path) == 0 || errno == EEXIST);
	unlink(temp);
	if (!good || sync_parent(path) < 0)
		return fault_why(reterr, BAD_KEY_FILE, "key_file", "%s cannot be written", path);
	return 0;
}
