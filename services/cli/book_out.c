// SPDX-License-Identifier: Apache-2.0
/* Files written whole or not at all: whoever looks sees the old one or the new one, whatever
 * happens on the way. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/cli/book.h"

static int write_all(int fd, struct span bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return 0;
}

/* A device, a pipe: nothing to put in its place. */
static int write_through(const char *path, struct span bytes)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -1;
	int rc = write_all(fd, bytes);
	return close(fd) != 0 ? -1 : rc;
}

/* The directory remembers the new name after a crash, too. */
static int sync_directory(char *path)
{
	int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	int rc = fsync(fd);
	(void)close(fd);
	return rc;
}

/* What is there keeps its mode and, where we may, its owner; a new file is its owner's alone: it
 * holds people's addresses. */
static int replace(const char *path, struct span bytes, const struct stat *there)
{
	struct buf beside = BUF_INIT;

	buf_addf(&beside, "%s.XXXXXX", path);
	char *name = buf_detach(&beside);
	int fd = mkostemp(name, O_CLOEXEC);
	int rc = fd < 0 ? -1 : write_all(fd, bytes);
	if (rc == 0 && there != NULL) {
		(void)!fchown(fd, there->st_uid, there->st_gid); /* as far as we may */
		rc = fchmod(fd, there->st_mode & 07777);
	}
	if (rc == 0)
		rc = fsync(fd);
	if (fd >= 0 && close(fd) != 0)
		rc = -1;
	if (rc == 0)
		rc = rename(name, path);
	if (rc != 0 && fd >= 0) {
		int error = errno;
		(void)unlink(name);
		errno = error;
	}
	if (rc == 0)
		rc = sync_directory(name);
	free(name);
	return rc;
}

int book_out_name(const char *path, bool view)
{
	size_t n = strlen(path), suffix = sizeof(VIEW_SUFFIX) - 1;
	bool called = n > suffix && strcmp(path + n - suffix, VIEW_SUFFIX) == 0;

	if (strcmp(path, "-") == 0 || called == view)
		return 0;
	if (view)
		return cli_fail(-1, "%s: a view for people is called …" VIEW_SUFFIX, path);
	return cli_fail(-1, "%s: only a view for people (--view) is called …" VIEW_SUFFIX, path);
}

int book_write(const char *path, struct span bytes)
{
	struct stat st;
	char real[PATH_MAX];

	if (strcmp(path, "-") == 0) {
		(void)fwrite(bytes.p, 1, bytes.n, stdout);
		return 0; /* a failure is seen at the end */
	}
	bool there = stat(path, &st) == 0;
	int rc;
	if (there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		rc = write_through(path, bytes);
	else if (there && S_ISDIR(st.st_mode))
		rc = (errno = EISDIR, -1);
	else /* a link stays, what it leads to is replaced */
		rc = replace(there && realpath(path, real) != NULL ? real : path, bytes,
			there ? &st : NULL);
	return rc == 0 ? 0 : cli_fail(-1, "%s: %s", path, strerror(errno));
}
