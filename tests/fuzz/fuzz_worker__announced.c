// SPDX-License-Identifier: Apache-2.0
/* What anybody on the network may answer to a question by DNS-SD: any bytes, twice. What is taken
 * lies inside of the datagram, texts come out clean, nothing outside of the networks is looked at,
 * and the questions that follow fit. */
#include <string.h>

#include "services/worker/discover/announced.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void clean(const char *text, size_t max)
{
	bug_if(text != NULL && strlen(text) > max);
	for (; text != NULL && *text != '\0'; text++)
		bug_if((unsigned char)*text < 0x20 || *text == 0x7f);
}

static void within(void *arg, const struct dns_record *r)
{
	const struct span *all = arg;

	bug_if(r->data.p < all->p || r->data.p + r->data.n > all->p + all->n);
	bug_if(r->name.n > DNS_NAME_MAX || r->target.n > DNS_NAME_MAX);
	(void)dns_txt(r->type == DNS_TXT ? r->data : (struct span){NULL, 0}, "ty");
}

static void look(const struct announced *a, struct order *may)
{
	for (size_t i = 0; i < a->n_instances; i++) {
		struct m_candidate c;
		struct address at;
		if (announced_candidate(a, i, may, &c) != ANNOUNCED_FOUND)
			continue;
		bug_if(!address_parse(c.address, &at) || at.v6 || at.b[0] != 10);
		clean(c.name, 64);
		clean(c.model, 64);
		clean(c.vendor, 64);
		clean(c.device_uuid, 64);
		clean(c.location, 128);
		clean(c.ipp_path, 120);
		clean(announced_ipp_path(a, i, true), 120);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena = {.cap = 1024 * 1024};
	const struct errand e = {.arena = &arena};
	const struct address_rules rules = {
		.devices = {{.base = {.b = {10}}, .bits = 8}}, .n_devices = 1};
	static struct order may;
	struct span all = {data, n};
	struct announced a;
	struct dns_query q;

	may = (struct order){.rules = &rules, .arena = &arena};
	(void)!dns_read(all, DNS_ANY_ID, within, &all);
	announced_begin(&a, &e, NULL, 0);
	for (int twice = 0; twice < 2 && announced_take(&a, all, DNS_ANY_ID) == 0; twice++) {
		dns_query_begin(&q, 0);
		(void)announced_ask(&a, true, &q);
		bug_if(q.n > sizeof(q.out));
	}
	look(&a, &may);
	announced_end(&a);
	arena_fini(&arena);
	return 0;
}
