// SPDX-License-Identifier: Apache-2.0
/* Kills or stops the process at a named place; nothing in a release. */
#include "common/base/crashpoint.h"

#ifdef CARNET_CRASHPOINTS
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *wanted = ""; /* "name:n" */
static size_t wanted_n;         /* bytes of name */
static _Atomic long left;
static bool stops;

static void read_wish(void)
{
	const char *wish = getenv("CARNET_CRASH");
	const char *colon = wish != NULL ? strchr(wish, ':') : NULL;

	if (wish == NULL)
		return;
	stops = colon != NULL && strstr(colon, ":stop") != NULL;
	wanted = wish;
	wanted_n = colon != NULL ? (size_t)(colon - wish) : strlen(wish);
	left = colon != NULL ? strtol(colon + 1, NULL, 10) : 1;
}

void crashpoint(const char *name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, read_wish);
	if (wanted_n == 0 || strlen(name) != wanted_n || memcmp(name, wanted, wanted_n) != 0)
		return;
	long n = atomic_fetch_sub(&left, 1);
	if (stops && n <= 1)
		(void)raise(SIGSTOP);
	if (stops || n != 1)
		return;
	(void)dprintf(STDERR_FILENO, "crashpoint %s\n", name);
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}
#else
typedef int crashpoint_not_built_in;
#endif
