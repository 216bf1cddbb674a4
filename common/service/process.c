// SPDX-License-Identifier: Apache-2.0
/* What a process of ours looks like to its host (security.md sections 8 and 13). */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/service/internal.h"

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void process_harden(void)
{
	const struct rlimit no_core = {0, 0};

	(void)umask(077);
	(void)close_range(3, ~0U, 0);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	raise_descriptors();
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#ifndef __SANITIZE_ADDRESS__ /* the leak checker needs ptrace */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	(void)signal(SIGPIPE, SIG_IGN);
}

static void force_exit(unused int signo)
{
	static const char text[] = "forced end\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	_exit(EXIT_FORCED);
}

void process_guard(uint64_t grace_ms)
{
	const struct itimerval at = {
		.it_value = {(time_t)(grace_ms / 1000), (suseconds_t)(grace_ms % 1000 * 1000 + 1)}};
	struct sigaction act = {.sa_handler = force_exit};

	(void)sigaction(SIGALRM, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigaction(SIGINT, &act, NULL);
	(void)setitimer(ITIMER_REAL, &at, NULL);
}

static long resident_pages(void)
{
	char text[128], *end = text;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	(void)strtol(text, &end, 10); /* the whole size */
	return strtol(end, NULL, 10);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = -3; /* ".", ".." and the directory itself */

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

void process_metrics(struct buf *out)
{
	static uint64_t started;
	struct rusage use = {.ru_utime = {0}};

	if (started == 0)
		started = clock_wall_ms();
	(void)getrusage(RUSAGE_SELF, &use);
	buf_addf(out, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.3f\n",
		(double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
			(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	buf_addf(out,
		"# TYPE process_resident_memory_bytes gauge\n"
		"process_resident_memory_bytes %ld\n",
		resident_pages() * sysconf(_SC_PAGESIZE));
	buf_addf(out, "# TYPE process_open_fds gauge\nprocess_open_fds %d\n", open_descriptors());
	buf_addf(out,
		"# TYPE process_start_time_seconds gauge\n"
		"process_start_time_seconds %" PRIu64 "\n",
		started / 1000);
}
