// SPDX-License-Identifier: Apache-2.0
/* lock_etcd PORT CLIENTS SECONDS: the same cycle on etcd: a key that must not exist is put under a
 * lease, then deleted; 100,000 keys. Over etcd's JSON gateway, a thread and a kept connection per
 * client. Prints cycles per second and the median ms. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/base.h"
#include "common/clock/clock.h"

enum { KEYS = 100000, CYCLES_MAX = 1 << 20 };

static uint16_t port;
static uint64_t end_ns;
static char lease[40];
static double *times;
static _Atomic size_t cycles;

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0) {
		perror("lock_etcd");
		exit(1);
	}
	return fd;
}

/* One POST; the answer's body, in `buffer`. */
static const char *post(int fd, const char *path, const char *body, char *buffer, size_t size)
{
	size_t have = 0;
	int n = snprintf(buffer, size,
		"POST %s HTTP/1.1\r\nHost: e\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		path, strlen(body), body);

	if (n < 0 || write(fd, buffer, (size_t)n) != n)
		exit(1);
	for (;;) {
		ssize_t got = read(fd, buffer + have, size - 1 - have);
		if (got <= 0)
			exit(1);
		have += (size_t)got;
		buffer[have] = '\0';
		const char *blank = strstr(buffer, "\r\n\r\n");
		const char *length = strcasestr(buffer, "content-length:");
		if (blank != NULL && length != NULL && length < blank &&
			have >= (size_t)(blank + 4 - buffer) + strtoul(length + 15, NULL, 10))
			return blank + 4;
	}
}

/* "lock/" and 7 digits make 12 bytes, so base64 without padding. */
static void key_of(unsigned number, char ret_text[17])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char key[13];

	(void)snprintf(key, sizeof(key), "lock/%07u", number);
	for (size_t i = 0; i < 4; i++) {
		unsigned v = (unsigned)key[3 * i] << 16 | (unsigned)key[3 * i + 1] << 8 |
			     (unsigned)key[3 * i + 2];
		for (size_t k = 0; k < 4; k++)
			ret_text[4 * i + k] = digits[v >> (18 - 6 * k) & 63];
	}
	ret_text[16] = '\0';
}

static void *client(void *arg)
{
	unsigned seed = *(unsigned *)arg;
	char key[17], body[600], buffer[8192];
	int fd = dial();

	while (clock_mono_ns() < end_ns) {
		uint64_t start = clock_mono_ns();
		seed = seed * 1103515245 + 12345;
		key_of((seed >> 8) % KEYS, key);
		(void)snprintf(body, sizeof(body),
			"{\"compare\":[{\"target\":\"CREATE\",\"result\":\"EQUAL\",\"key\":\"%s\","
			"\"create_revision\":\"0\"}],\"success\":[{\"request_put\":{\"key\":\"%s\","
			"\"value\":\"dA==\",\"lease\":\"%s\"}}]}",
			key, key, lease);
		if (strstr(post(fd, "/v3/kv/txn", body, buffer, sizeof(buffer)),
			    "\"succeeded\":true") == NULL)
			continue; /* somebody has it */
		(void)snprintf(body, sizeof(body), "{\"key\":\"%s\"}", key);
		(void)post(fd, "/v3/kv/deleterange", body, buffer, sizeof(buffer));
		size_t n = atomic_fetch_add(&cycles, 1);
		if (n < CYCLES_MAX)
			times[n] = (double)(clock_mono_ns() - start) / 1e6;
	}
	(void)close(fd);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int main(int argc, char **argv)
{
	pthread_t threads[256];
	unsigned seeds[256];
	char buffer[4096];

	if (argc != 4)
		return 64;
	port = (uint16_t)atoi(argv[1]);
	size_t n = size_min((size_t)atoi(argv[2]), array_len(threads));
	times = mem_alloc(CYCLES_MAX * sizeof(*times));
	int fd = dial();
	const char *id =
		strstr(post(fd, "/v3/lease/grant", "{\"TTL\":\"600\"}", buffer, sizeof(buffer)),
			"\"ID\":\"");
	if (id == NULL || sscanf(id + 6, "%39[0-9]", lease) != 1)
		return 1;
	uint64_t start = clock_mono_ns();
	end_ns = start + (uint64_t)(atof(argv[3]) * 1e9);
	for (size_t i = 0; i < n; i++) {
		seeds[i] = (unsigned)i * 7919 + 1;
		bug_if(pthread_create(&threads[i], NULL, client, &seeds[i]) != 0);
	}
	for (size_t i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	double seconds = (double)(clock_mono_ns() - start) / 1e9;
	size_t known = size_min(cycles, CYCLES_MAX);
	qsort(times, known, sizeof(*times), by_size);
	printf("%.0f %.3f\n", (double)cycles / seconds, known > 0 ? times[known / 2] : 0.0);
	return cycles == 0;
}
