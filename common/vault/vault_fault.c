// SPDX-License-Identifier: Apache-2.0
/* Failing on order. */
#include "common/vault/vault_fault.h"

#ifdef CARNET_CRASHPOINTS
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char order[64]; /* the last one read */
static long left;      /* operations until it is due */

static const char *path_of(const char *file, char out[static 256])
{
	(void)snprintf(out, 256, "%.200s/%s", getenv("CARNET_VAULT_FAULT"), file);
	return out;
}

static void read_order(void)
{
	char path[256], text[sizeof(order)] = "";
	int fd = open(path_of("fail", path), O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	if (fd >= 0)
		close(fd);
	if (strcmp(text, order) == 0)
		return;
	memcpy(order, text, sizeof(order));
	const char *n = strchr(order, ' ');
	left = n == NULL ? 0 : strtol(n, NULL, 10);
}

static int due(const char *op)
{
	char path[256];
	bool any = strncmp(order, "any ", 4) == 0 && strcmp(op, "spool") != 0;
	size_t n = any ? 3 : strlen(op);
	if ((!any && strncmp(order, op, n) != 0) || order[n] != ' ' || --left > 0)
		return 0;
	char *end = NULL;
	(void)strtol(order + n, &end, 10);
	int e = (int)strtol(end, &end, 10);
	if (strstr(end, "stays") == NULL) {
		(void)unlink(path_of("fail", path));
		order[0] = 0;
	}
	if (e == 0) /* "kill" */
		(void)raise(SIGKILL);
	errno = e;
	return -1;
}

static void note(const char *op, const char *name, const char *to, size_t n)
{
	char path[256];
	int fd = open(path_of("log", path), O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)dprintf(
		fd, "%s %s %s %zu\n", op, name[0] == 0 ? "-" : name, to[0] == 0 ? "-" : to, n);
	close(fd);
}

int vault_fault(const char *op, const char *name, const char *to, size_t n)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	if (getenv("CARNET_VAULT_FAULT") == NULL)
		return 0;
	(void)pthread_mutex_lock(&one_at_a_time);
	read_order();
	note(op, name, to, n);
	int rc = due(op);
	(void)pthread_mutex_unlock(&one_at_a_time);
	return rc;
}
#else
typedef int vault_fault_not_built_in;
#endif
