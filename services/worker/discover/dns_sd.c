// SPDX-License-Identifier: Apache-2.0
/* DNS-SD on each network: questions in rounds, answers until the last round is over. */
#include "services/worker/discover/dns_sd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"

#define PORT 5353
#define GROUP "224.0.0.251"
#define ROUND_MS 1000u /* nobody answers the same more often than that */
#define ROUNDS_ALL 2u  /* who is there, twice: a packet may be lost */
#define ROUNDS_MAX 12u /* then what is missing of them */
#define NETWORKS_MAX 16u
#define DATAGRAMS_MAX 8192u /* of one job: a flood ends here */

struct network_socket {
	struct dns_sd *owner;
	int fd;
	struct loop_watch *watch;
	struct in_addr address, mask;
	bool of_group; /* answers go to all */
};

struct dns_sd {
	struct loop *loop;
	struct dns_sd_order order;
	struct network_socket networks[NETWORKS_MAX];
	size_t n;
	struct timer *timer;
	unsigned round;
	uint16_t id;
	uint64_t heard; /* datagrams */
	struct dns_sd_counts counts;
};

/* ---- answers ---- */

static bool from_there(const struct network_socket *n, const struct sockaddr_in *from)
{
	return from->sin_family == AF_INET && from->sin_port == htons(PORT) &&
	       ((from->sin_addr.s_addr ^ n->address.s_addr) & n->mask.s_addr) == 0;
}

static bool is_question(struct span datagram)
{
	return datagram.n > 2 && (datagram.p[2] & 0x80) == 0;
}

static void take(struct network_socket *n, struct span datagram, const struct sockaddr_in *from)
{
	struct dns_sd *s = n->owner;

	if (datagram.n > DNS_DATAGRAM)
		s->counts.oversize++;
	else if (is_question(datagram)) /* ours, and those of others in the group */
		return;
	else if (!from_there(n, from))
		s->counts.foreign++;
	else if (s->order.answer(s->order.arg, datagram, n->of_group ? DNS_ANY_ID : s->id) < 0)
		s->counts.malformed++;
	else
		s->counts.answered++;
}

static void on_readable(void *arg, int events unused)
{
	static uint8_t in[DNS_DATAGRAM];
	struct network_socket *n = arg;

	for (int i = 0; i < 64; i++) {
		struct sockaddr_in from = {.sin_port = 0};
		socklen_t len = sizeof(from);
		ssize_t got = recvfrom(n->fd, in, sizeof(in), MSG_DONTWAIT | MSG_TRUNC,
			(struct sockaddr *)&from, &len);
		if (got < 0)
			return;
		take(n, (struct span){in, (size_t)got}, &from);
		if (++n->owner->heard >= DATAGRAMS_MAX) {
			loop_watch_set(n->watch, 0);
			return;
		}
	}
}

/* ---- networks ---- */

static struct in_addr in_of(const struct sockaddr *sa)
{
	return ((const struct sockaddr_in *)(const void *)sa)->sin_addr;
}

/* Of the two, one lies in the other, and we may look there. */
static bool overlaps(const struct network *allowed, struct in_addr address, struct in_addr mask)
{
	struct address own = {.v6 = false};
	struct in_addr base;

	if (allowed->base.v6)
		return false;
	memcpy(own.b, &address, sizeof(address));
	memcpy(&base, allowed->base.b, sizeof(base));
	return address_in(&own, allowed) || ((base.s_addr ^ address.s_addr) & mask.s_addr) == 0;
}

static bool may_ask(const struct address_rules *rules, const struct ifaddrs *i)
{
	struct in_addr address = in_of(i->ifa_addr), mask = in_of(i->ifa_netmask);

	if (i->ifa_flags & IFF_LOOPBACK)
		return rules->allow_loopback; /* simulated fleets announce themselves there */
	for (size_t k = 0; k < rules->n_devices; k++)
		if (overlaps(&rules->devices[k], address, mask))
			return true;
	for (size_t k = 0; k < rules->n_nets; k++)
		if (overlaps(&rules->nets[k], address, mask))
			return true;
	return false;
}

static bool usable(const struct address_rules *rules, const struct ifaddrs *i)
{
	unsigned wanted = IFF_UP | IFF_RUNNING;

	return i->ifa_addr != NULL && i->ifa_netmask != NULL && i->ifa_addr->sa_family == AF_INET &&
	       (i->ifa_flags & wanted) == wanted &&
	       (i->ifa_flags & (IFF_LOOPBACK | IFF_MULTICAST)) != 0 &&
	       (i->ifa_flags & IFF_POINTOPOINT) == 0 && may_ask(rules, i);
}

/* As one of the group on that network alone. */
static bool join(int fd, struct in_addr here)
{
	static const int on = 1, off = 0;
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct ip_mreq group = {.imr_interface = here};

	(void)inet_pton(AF_INET, GROUP, &group.imr_multiaddr);
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off)) == 0 &&
	       bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 &&
	       setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) == 0;
}

static bool ask_alone(int fd, struct in_addr here)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = here};

	return bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0;
}

/* -1: cannot be asked. */
static int open_socket(struct in_addr here, bool (*how)(int fd, struct in_addr here))
{
	unsigned char hops = 255;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && how(fd, here) &&
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &here, sizeof(here)) == 0 &&
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops)) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static void add_network(struct dns_sd *s, const struct ifaddrs *i)
{
	struct network_socket *n = &s->networks[s->n];
	struct in_addr here = in_of(i->ifa_addr);
	int fd = open_socket(here, join);
	bool of_group = fd >= 0;

	if (!of_group && (fd = open_socket(here, ask_alone)) < 0)
		return;
	*n = (struct network_socket){.owner = s,
		.fd = fd,
		.address = here,
		.mask = in_of(i->ifa_netmask),
		.of_group = of_group};
	n->watch = loop_watch(s->loop, fd, LOOP_READ, on_readable, n);
	s->n++;
}

static void open_networks(struct dns_sd *s)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i != NULL && s->n < NETWORKS_MAX; i = i->ifa_next)
		if (usable(s->order.rules, i))
			add_network(s, i);
	freeifaddrs(all);
	s->counts.networks = s->n;
}

/* ---- rounds ---- */

/* false: nothing is open. */
static bool ask(struct dns_sd *s)
{
	struct sockaddr_in group = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct dns_query q;

	dns_query_begin(&q, s->id);
	if (!s->order.question(s->order.arg, s->round < ROUNDS_ALL, &q))
		return false;
	(void)inet_pton(AF_INET, GROUP, &group.sin_addr);
	for (size_t i = 0; i < s->n; i++)
		s->counts.sent += sendto(s->networks[i].fd, q.out, q.n, MSG_DONTWAIT | MSG_NOSIGNAL,
					  (struct sockaddr *)&group, sizeof(group)) >= 0;
	return true;
}

static void on_round(void *arg)
{
	struct dns_sd *s = arg;
	struct dns_sd_order order = s->order;
	struct dns_sd_counts counts;
	struct fault f = FAULT_INIT;

	if (s->n > 0 && s->round < ROUNDS_MAX && ask(s)) {
		s->round++;
		timer_set(s->timer, ROUND_MS, 0);
		return;
	}
	if (s->n == 0)
		(void)fault_why(&f, CN_ADDRESS_REFUSED, "outside",
			"this worker stands in none of its device_networks");
	counts = s->counts;
	dns_sd_stop(s);
	order.done(order.arg, &counts, f.code == 0 ? NULL : &f);
}

struct dns_sd *dns_sd_start(struct loop *loop, const struct dns_sd_order *order)
{
	struct dns_sd *s = mem_alloc(sizeof(*s));

	*s = (struct dns_sd){.loop = loop, .order = *order};
	crypto_random(&s->id, sizeof(s->id));
	s->timer = timer_new(loop, on_round, s);
	timer_set(s->timer, 0, 0);
	open_networks(s);
	return s;
}

void dns_sd_stop(struct dns_sd *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		loop_unwatch(s->networks[i].watch);
		(void)close(s->networks[i].fd);
	}
	timer_free(s->timer);
	free(s);
}
