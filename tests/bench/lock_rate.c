// SPDX-License-Identifier: Apache-2.0
/* lock_rate PEER WHERE SECONDS CLIENTS PER_MESSAGE: take and give back names out of 100,000, each
 * client with a connection of its own, one question under way and a slice of the names, so that
 * nobody waits for a lock. WHERE: ports on loopback, "4001,4002", clients in turn; of postgresql a
 * conninfo. Prints cycles per second, the median and the 99th percentile of a cycle in ms, and how
 * many were refused.
 *
 * lock_rate disk DIRECTORY SECONDS: how often a page written to a file can be made durable: the
 * limit of whoever answers one client at a time. Prints syncs per second and the median in ms. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/lock_peers.h"

enum { CYCLES_MAX = 1 << 21, WARM_MS = 500, DRAIN_MS = 5000 };

static struct {
	const struct peer *peer;
	unsigned per_message, clients, slice;
	size_t cycles, refused, asking;
	double *ms;
	bool measured, stop;
	int epoll;
} bench;

static uint64_t seed = 88172645463325252u;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double quantile(const double *sorted, size_t n, double q)
{
	return n == 0 ? 0 : sorted[(size_t)((double)(n - 1) * q)];
}

static void took(uint64_t start)
{
	if (!bench.measured)
		return;
	if (bench.cycles < CYCLES_MAX)
		bench.ms[bench.cycles] = (double)(clock_mono_ns() - start) / 1e6;
	bench.cycles++;
}

/* ---- clients ---- */

static int dial(unsigned port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		die("connect");
	return fd;
}

static void open_client(struct client *c, const char *where, unsigned number)
{
	const char *port = where;

	c->number = number;
	if (strcmp(bench.peer->name, "postgresql") == 0) {
		c->pg = PQconnectdb(where);
		if (PQstatus(c->pg) != CONNECTION_OK)
			die(PQerrorMessage(c->pg));
		c->fd = PQsocket(c->pg);
	} else {
		for (unsigned i = 0; i < number; i++) { /* the number-th, round and round */
			port += strcspn(port, ",");
			port = *port == ',' ? port + 1 : where;
		}
		c->fd = dial((unsigned)strtoul(port, NULL, 10));
	}
	bench.peer->greet(c);
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	if (epoll_ctl(bench.epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
		die("epoll");
}

static void next(struct client *c)
{
	if (!c->held && bench.stop)
		return;
	if (!c->held) {
		c->first = c->number * bench.slice + pick(bench.slice - bench.per_message + 1);
		c->start = clock_mono_ns();
		bench.peer->take(c, bench.per_message);
	} else {
		bench.peer->give(c, bench.per_message);
	}
	bench.asking++;
	if (c->out.n > 0)
		write_all(c->fd, &c->out);
}

static void heard(struct client *c, enum said said)
{
	bench.asking--;
	if (said == SAID_NO) {
		bench.refused++;
		c->held = false;
	} else {
		c->held = !c->held;
		if (!c->held)
			took(c->start);
	}
	next(c);
}

static void on_ready(struct client *c)
{
	size_t n = 0;

	if (c->pg == NULL) {
		uint8_t part[16384];
		ssize_t got = recv(c->fd, part, sizeof(part), MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0)
			die("recv");
		buf_add(&c->in, part, (size_t)got);
	}
	enum said said = bench.peer->hear(c, buf_span(&c->in), &n);
	if (said == SAID_PART)
		return;
	buf_drop(&c->in, n);
	heard(c, said);
}

/* Until then, or until nobody asks any more. */
static void run_for(uint64_t ms)
{
	uint64_t now = clock_mono_ms(), end = now + ms;
	struct epoll_event ready[64];

	for (; now < end && bench.asking > 0; now = clock_mono_ms()) {
		int n = epoll_wait(bench.epoll, ready, 64, (int)(end - now));
		for (int i = 0; i < n; i++)
			on_ready(ready[i].data.ptr);
	}
}

static int rate(const char *where, double seconds)
{
	struct client *all = mem_alloc(bench.clients * sizeof(*all));

	bench.epoll = epoll_create1(EPOLL_CLOEXEC);
	bench.slice = FLEET / bench.clients;
	bench.ms = mem_alloc(CYCLES_MAX * sizeof(*bench.ms));
	bug_if(bench.per_message > DEVICES_MAX || bench.per_message > bench.slice);
	seed ^= clock_mono_ns();
	for (unsigned i = 0; i < bench.clients; i++)
		open_client(&all[i], where, i);
	for (unsigned i = 0; i < bench.clients; i++)
		next(&all[i]);
	run_for(WARM_MS);
	bench.measured = true;
	uint64_t start = clock_mono_ns();
	run_for((uint64_t)(seconds * 1000));
	/* on a loaded machine: longer, until each had a cycle on average */
	for (int i = 0; i < 9 && bench.cycles < bench.clients; i++)
		run_for((uint64_t)(seconds * 1000));
	seconds = (double)(clock_mono_ns() - start) / 1e9;
	bench.measured = false;
	bench.stop = true;
	run_for(DRAIN_MS);
	size_t n = size_min(bench.cycles, CYCLES_MAX);
	qsort(bench.ms, n, sizeof(*bench.ms), by_size);
	printf("%.0f %.3f %.3f %zu\n", (double)bench.cycles / seconds, quantile(bench.ms, n, 0.5),
		quantile(bench.ms, n, 0.99), bench.refused);
	return bench.cycles == 0;
}

/* ---- the disk: overwrites a file that has its blocks already, as a log does ---- */

static int disk(const char *dir, double seconds)
{
	char path[4096];
	static char page[8192];
	enum { PAGES = 512 };

	(void)snprintf(path, sizeof(path), "%s/sync", dir);
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	for (int i = 0; i < PAGES; i++)
		if (write(fd, page, sizeof(page)) < 0)
			die(path);
	(void)fsync(fd);
	bench.ms = mem_alloc(CYCLES_MAX * sizeof(*bench.ms));
	bench.measured = true;
	uint64_t start = clock_mono_ns(), end = start + (uint64_t)(seconds * 1e9), now = start;
	while (now < end) {
		if (pwrite(fd, page, sizeof(page), (off_t)(bench.cycles % PAGES * sizeof(page))) <
				0 ||
			fdatasync(fd) < 0)
			die(path);
		took(now);
		now = clock_mono_ns();
	}
	(void)unlink(path);
	qsort(bench.ms, bench.cycles, sizeof(*bench.ms), by_size);
	printf("%.0f %.3f %.3f 0\n", (double)bench.cycles * 1e9 / (double)(now - start),
		quantile(bench.ms, bench.cycles, 0.5), quantile(bench.ms, bench.cycles, 0.99));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "disk") == 0)
		return disk(argv[2], atof(argv[3]));
	for (size_t i = 0; argc == 6 && i < array_len(peers); i++)
		if (strcmp(peers[i].name, argv[1]) == 0)
			bench.peer = &peers[i];
	if (bench.peer == NULL)
		return 64;
	bench.clients = (unsigned)atoi(argv[4]);
	bench.per_message = (unsigned)atoi(argv[5]);
	return rate(argv[2], atof(argv[3]));
}
