// SPDX-License-Identifier: Apache-2.0
/* Where one job looks. */
#include "services/worker/discover/order.h"

#include <string.h>

#include "common/net/range.h"
#include "gen/errors.h"

bool order_excludes(const struct m_discovery *settings, const struct address *a)
{
	for (size_t i = 0; settings != NULL && i < settings->exclude_n; i++) {
		struct fault f = FAULT_INIT;
		struct ip_range r;
		if (range_parse(settings->exclude[i], &r, &f) == 0 && range_has(&r, a->v6, a->b))
			return true;
	}
	return false;
}

size_t order_place(const struct order *o, const struct address *a)
{
	size_t i = 0;

	while (i < o->n && memcmp(&o->targets[i], a, sizeof(*a)) != 0)
		i++;
	return i;
}

/* true: it stands in the list, now or before. */
bool order_add(struct order *o, const struct address *a)
{
	struct fault f = FAULT_INIT;
	bool simulated;

	if (order_excludes(o->settings, a))
		return false;
	if (address_may_look(a, o->rules, &simulated, &f) < 0) {
		o->refused_addresses++;
		return false;
	}
	if (order_place(o, a) < o->n)
		return true;
	if (o->n == SCAN_TARGETS_MAX)
		return false;
	o->simulated[o->n] = simulated;
	o->targets[o->n++] = *a;
	return true;
}

void order_refuse(struct order *o, const char *address)
{
	for (size_t i = 0; i < o->n_refused; i++)
		if (strcmp(o->refused[i], address) == 0)
			return;
	o->refused_addresses++;
	if (o->n_refused < ORDER_REFUSED_MAX)
		o->refused[o->n_refused++] = address;
}

static void add_refused(struct order *o, struct ip_range r, uint32_t from, uint32_t to)
{
	struct buf text = BUF_INIT;

	r.to = r.from + to;
	r.from += from;
	range_text(&r, &text);
	if (o->n_refused < ORDER_REFUSED_MAX)
		o->refused[o->n_refused++] = arena_strdup(o->arena, buf_str(&text));
	buf_fini(&text);
}

static void add_range(struct order *o, const struct ip_range *r)
{
	uint64_t size = range_size(r), refused_from = UINT64_MAX;

	for (uint64_t i = 0; i < size && i <= SCAN_TARGETS_MAX; i++) {
		struct address a = {.v6 = r->v6};
		uint64_t before = o->refused_addresses;
		range_address(r, (uint32_t)i, a.b);
		(void)order_add(o, &a);
		if (o->refused_addresses > before) {
			refused_from = refused_from == UINT64_MAX ? i : refused_from;
		} else if (refused_from != UINT64_MAX) {
			add_refused(o, *r, (uint32_t)refused_from, (uint32_t)(i - 1));
			refused_from = UINT64_MAX;
		}
	}
	if (refused_from != UINT64_MAX)
		add_refused(o, *r, (uint32_t)refused_from, (uint32_t)(size - 1));
}

int order_read(struct order *o, const char *text, struct fault *reterr)
{
	char *copy = arena_strdup(o->arena, text), *save = NULL;

	o->names = arena_array(o->arena, SCAN_TARGETS_MAX, sizeof(*o->names));
	if (copy == NULL || o->names == NULL)
		return fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	for (char *part = strtok_r(copy, ", ", &save); part; part = strtok_r(NULL, ", ", &save)) {
		struct fault f = FAULT_INIT;
		struct ip_range r;
		if (range_parse(part, &r, &f) == 0)
			add_range(o, &r);
		else if (strchr(part, '/') != NULL || o->n_names == SCAN_TARGETS_MAX)
			return fault_set(reterr, CN_VALIDATION_FAILED, "%s", f.detail);
		else
			o->names[o->n_names++] = part;
	}
	return 0;
}
