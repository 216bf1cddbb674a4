// SPDX-License-Identifier: Apache-2.0
/* getaddrinfo off the loop; every answer must be allowed, or none is used. */
#include "common/net/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

struct resolving {
	char *name;
	const struct address_rules *rules;
	bool simulated;
	resolve_fn fn;
	void *arg;
	struct address found;
	struct fault fault;
};

static bool from_sockaddr(const struct sockaddr *sa, struct address *ret)
{
	*ret = (struct address){.v6 = sa->sa_family == AF_INET6};
	if (sa->sa_family == AF_INET)
		memcpy(ret->b, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	else if (sa->sa_family == AF_INET6)
		memcpy(ret->b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	else
		return false;
	return true;
}

/* A name with one good and one forbidden answer is a trick: all must pass. */
static void take_answers(struct resolving *r, const struct addrinfo *list)
{
	bool have = false;

	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		struct address a;
		if (!from_sockaddr(ai->ai_addr, &a))
			continue;
		if (address_check(&a, r->rules, r->simulated, &r->fault) < 0)
			return;
		if (!have)
			r->found = a;
		have = true;
	}
	if (!have)
		fault_set(&r->fault, CN_NAME_UNRESOLVED, "%s has no address", r->name);
}

static void look_up(void *arg)
{
	struct resolving *r = arg;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG},
			*list = NULL;
	int rc = getaddrinfo(r->name, NULL, &hints, &list);

	if (rc != 0) {
		fault_set(&r->fault, CN_NAME_UNRESOLVED, "%s: %s", r->name, gai_strerror(rc));
		return;
	}
	take_answers(r, list);
	freeaddrinfo(list);
}

static void answer(void *arg)
{
	struct resolving *r = arg;
	char text[ADDRESS_TEXT];

	if (r->fault.code)
		r->fn(r->arg, NULL, &r->fault);
	else
		r->fn(r->arg, address_text(&r->found, text), NULL);
	free(r->name);
	free(r);
}

void resolve(struct loop *loop, const char *name, const struct address_rules *rules, bool simulated,
	resolve_fn fn, void *arg)
{
	struct resolving *r = mem_alloc(sizeof(*r));

	*r = (struct resolving){.name = mem_strdup(name ? name : ""),
		.rules = rules,
		.simulated = simulated,
		.fn = fn,
		.arg = arg};
	if (address_parse(r->name, &r->found)) {
		(void)!address_check(&r->found, rules, simulated, &r->fault);
		answer(r);
		return;
	}
	loop_work(loop, look_up, answer, r);
}
