// SPDX-License-Identifier: Apache-2.0
/* What the tests of the bus share: a loop that runs until a condition holds, free addresses of the
 * three transports, certificates. */
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bus/bus.h"
#include "common/clock/clock.h"

enum transport { TCP, TLS, IPC, TRANSPORTS };
unused static const char *const transport_names[] = {"tcp", "tls+tcp", "ipc"};

/* Certificates and sockets of this test process; removed by place_end. */
struct place {
	char dir[64];
	char ca[96], cert[96], key[96];
	struct bus_opts opts;
};

/* A place that another process made. */
unused static void place_at(struct place *p, const char *dir)
{
	(void)snprintf(p->dir, sizeof(p->dir), "%s", dir);
	(void)snprintf(p->ca, sizeof(p->ca), "%s/ca.crt", p->dir);
	(void)snprintf(p->cert, sizeof(p->cert), "%s/bus.crt", p->dir);
	(void)snprintf(p->key, sizeof(p->key), "%s/bus.key", p->dir);
	p->opts = (struct bus_opts){.ca_file = p->ca, .cert_file = p->cert, .key_file = p->key};
}

unused static void place_begin(struct place *p)
{
	char cmd[256], dir[] = "/tmp/carnet-bus.XXXXXX";

	bug_if(mkdtemp(dir) == NULL);
	(void)snprintf(cmd, sizeof(cmd), "deploy/local/make-certs %s", dir);
	bug_if(system(cmd) != 0);
	place_at(p, dir);
}

unused static void place_end(struct place *p)
{
	char cmd[256];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", p->dir);
	bug_if(system(cmd) != 0);
}

/* A port that was free a moment ago. */
unused static int free_port(void)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	bug_if(fd < 0 || bind(fd, (struct sockaddr *)&sa, n) != 0);
	bug_if(getsockname(fd, (struct sockaddr *)&sa, &n) != 0);
	(void)close(fd);
	return ntohs(sa.sin_port);
}

#define URL_MAX 128
unused static void make_url(const struct place *p, enum transport t, char url[URL_MAX])
{
	static int number;

	if (t == IPC)
		(void)snprintf(url, URL_MAX, "ipc://%s/s%d.%d", p->dir, (int)getpid(), number++);
	else
		(void)snprintf(url, URL_MAX, "%s://127.0.0.1:%d", transport_names[t], free_port());
}

/* ---- a loop that runs until a condition holds ---- */

typedef bool (*cond_fn)(void *arg);

struct waiting {
	struct loop *loop;
	cond_fn cond;
	void *arg;
	uint64_t end;
	bool held;
};

unused static void wait_look(void *arg)
{
	struct waiting *w = arg;

	w->held = w->cond(w->arg);
	if (w->held || clock_mono_ms() >= w->end)
		loop_stop(w->loop);
}

/* true when cond held within ms. */
unused static bool run_until(struct loop *l, uint64_t ms, cond_fn cond, void *arg)
{
	struct waiting w = {l, cond, arg, clock_mono_ms() + ms, false};
	struct timer *t = timer_new(l, wait_look, &w);

	timer_set(t, 1, 1);
	loop_run(l);
	timer_free(t);
	return w.held;
}

unused static bool never(void *arg)
{
	(void)arg;
	return false;
}

unused static void run_for(struct loop *l, uint64_t ms)
{
	(void)run_until(l, ms, never, NULL);
}

/* ---- figures of this process ---- */

/* Entries of /proc/PID/WHAT: "fd" descriptors, "task" threads. */
unused static long count_of(long pid, const char *what)
{
	char path[64];
	long n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", pid, what);
	DIR *d = opendir(path);
	if (d == NULL)
		return -1;
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

unused static long resident_kb(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	bug_if(f == NULL || fscanf(f, "%*d %ld", &pages) != 1);
	(void)fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}
