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
static int take_answers(const char *name, const struct addrinfo *list,
	const struct address_rules *rules, bool simulated, struct resolved *ret,
	struct fault *reterr)
{
	struct resolved found = {.n = 0};

	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		struct address a;
		if (!from_sockaddr(ai->ai_addr, &a))
			continue;
		if (address_check(&a, rules, simulated, reterr) < 0)
			return -1;
		if (found.n < RESOLVE_MAX)
			found.at[found.n++] = a;
	}
	if (found.n == 0)
		return fault_set(reterr, CN_NAME_UNRESOLVED, "%s has no address", name);
	*ret = found;
	return 0;
}

int resolve_now(const char *name, const struct address_rules *rules, bool simulated,
	struct resolved *ret, struct fault *reterr)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	struct resolved one = {.n = 1};

	if (address_parse(name, &one.at[0])) {
		if (address_check(&one.at[0], rules, simulated, reterr) < 0)
			return -1;
		*ret = one;
		return 0;
	}
	int rc = getaddrinfo(name, NULL, &hints, &list);
	if (rc != 0)
		return fault_set(reterr, CN_NAME_UNRESOLVED, "%s: %s", name, gai_strerror(rc));
	rc = take_answers(name, list, rules, simulated, ret, reterr);
	freeaddrinfo(list);
	return rc;
}

static void look_up(void *arg)
{
	struct resolving *r = arg;
	struct resolved all;

	if (resolve_now(r->name, r->rules, r->simulated, &all, &r->fault) == 0)
		r->found = all.at[0];
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
