// SPDX-License-Identifier: Apache-2.0
/* Two sockets per printer: its web interface and its SNMP agent. Accepted connections go to one
 * HTTP server, or into hostile hands. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/simulator/sim.h"

enum { ACCEPT_BATCH = 16, CONNECTIONS = 30000, BODY_MAX = 16 << 20 };

static struct sockaddr_in address_of(const struct device *d, uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(d->address)};
}

static void on_accept(void *arg, int events unused)
{
	struct device *d = arg;

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int fd = accept4(d->http_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		d->sim->stats.connections++;
		if (hostile_now(d, AT_CONNECT))
			hostile_connection(d, fd);
		else if (http_server_add(d->sim->http, fd, d) < 0)
			d->sim->stats.dropped++;
	}
}

static void on_datagram(void *arg, int events unused)
{
	snmp_serve(arg);
}

static int open_socket(const struct device *d, int type, uint16_t port, struct fault *reterr)
{
	struct sockaddr_in a = address_of(d, port);
	int one = 1;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR, "socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
		(type == SOCK_STREAM && listen(fd, 64) < 0)) {
		(void)fault_set(reterr, CN_INTERNAL_ERROR, "%s port %u: %s", d->name, port,
			strerror(errno));
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void close_socket(int *fd, struct loop_watch **watch)
{
	if (*watch)
		loop_unwatch(*watch);
	if (*fd >= 0)
		(void)close(*fd);
	*watch = NULL;
	*fd = -1;
}

static void power_off(struct device *d)
{
	close_socket(&d->http_fd, &d->http_watch);
	close_socket(&d->snmp_fd, &d->snmp_watch);
	for (size_t i = 0; i < array_len(d->fill); i++) {
		if (d->fill[i] >= 0)
			(void)close(d->fill[i]);
		d->fill[i] = -1;
	}
	d->off = true;
}

int device_power(struct device *d, bool on, struct fault *reterr)
{
	power_off(d);
	if (!on)
		return 0;
	d->http_fd = open_socket(d, SOCK_STREAM, d->http_port, reterr);
	d->snmp_fd = open_socket(d, SOCK_DGRAM, d->snmp_port, reterr);
	if (d->http_fd < 0 || d->snmp_fd < 0) {
		power_off(d);
		return -1;
	}
	d->http_watch = loop_watch(d->sim->loop, d->http_fd, LOOP_READ, on_accept, d);
	d->snmp_watch = loop_watch(d->sim->loop, d->snmp_fd, LOOP_READ, on_datagram, d);
	d->off = false;
	return 0;
}

static void on_power(void *arg)
{
	struct device *d = arg;
	struct fault f = FAULT_INIT;

	timer_free(d->power);
	d->power = NULL;
	d->boot_ms = clock_mono_ms();
	if (d->lift_asked)
		d->traits &= ~(uint32_t)TRAIT_RESTRICTED;
	d->lift_asked = false;
	memset(d->sessions, 0, sizeof(d->sessions));
	d->last_session = 0;
	const char *result = device_power(d, true, &f) < 0 ? "port_taken" : "ok";
	truth_add(d->sim->truth,
		&(struct truth_entry){.device = d, .what = "power_on", .result = result});
}

void device_restart(struct device *d, uint64_t ms)
{
	truth_add(d->sim->truth, &(struct truth_entry){.device = d, .what = "power_off"});
	power_off(d);
	if (d->power)
		timer_free(d->power);
	d->power = NULL;
	if (ms == 0)
		return;
	d->sim->stats.restarts++;
	d->power = timer_new(d->sim->loop, on_power, d);
	timer_set(d->power, ms, 0);
}

/* The backlog is made one long and filled with connections of our own: further SYNs are dropped. */
void device_mute(struct device *d, bool mute)
{
	struct sockaddr_in a = address_of(d, d->http_port);
	struct fault f = FAULT_INIT;

	if (!mute) {
		if (device_power(d, true, &f) < 0)
			truth_add(d->sim->truth,
				&(struct truth_entry){
					.device = d, .what = "power_on", .result = "port_taken"});
		return;
	}
	if (d->http_fd < 0)
		return;
	if (d->http_watch)
		loop_unwatch(d->http_watch);
	d->http_watch = NULL;
	(void)listen(d->http_fd, 0);
	for (size_t i = 0; i < array_len(d->fill); i++) {
		if (d->fill[i] < 0)
			d->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(d->fill[i], (const struct sockaddr *)&a, sizeof(a));
	}
	close_socket(&d->snmp_fd, &d->snmp_watch);
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max < 65536)
		limit.rlim_max = 65536; /* root may */
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void serve(void *sim, struct http_request *r)
{
	struct device *d = http_conn_arg(r);

	((struct sim *)sim)->stats.requests++;
	if (d->off) /* a connection kept from before it went */
		answer_reset(r);
	else if (!hostile_now(d, AT_REQUEST) || !hostile_request(d, r))
		d->family->serve(d, r);
}

int net_start(struct sim *s, struct fault *reterr)
{
	struct http_server_opts opts = {
		.max_body = BODY_MAX, .max_connections = CONNECTIONS, .idle_seconds = 60};

	raise_limit();
	s->http = http_server_new(s->loop, &opts, serve, s, reterr);
	if (!s->http)
		return -1;
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		struct device *d = &s->fleet.devices[i];
		if (device_power(d, !(d->traits & TRAIT_UNREACHABLE), reterr) < 0)
			return -1;
		if (d->fault.mp == MP_01)
			device_mute(d, true);
	}
	return 0;
}

void net_stop(struct sim *s)
{
	for (uint32_t i = 0; s->fleet.devices && i < s->fleet.count; i++) {
		struct device *d = &s->fleet.devices[i];
		power_off(d);
		if (d->power)
			timer_free(d->power);
		d->power = NULL;
	}
	hostile_stop(s);
	http_server_free(s->http);
	s->http = NULL;
}
