// SPDX-License-Identifier: Apache-2.0
/* An import in progress: clears first, then writes in two steps, so that who pulls the plug in
 * between finds an empty or a half-written list (devices.md 4.3, import-export.md H6). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/simulator/book.h"
#include "services/simulator/canon.h"
#include "services/simulator/rui.h"
#include "services/simulator/settings.h"

struct import {
	struct device *device;
	struct import_order order;
	char session[17];
	struct timer *timer;
	uint64_t boot_ms;
	enum mp mp; /* what this one does wrong */
	bool halfway;
	char *kept; /* setting, state and policy of the order */
};

static void note(const struct import *m, const char *what, const char *result, bool violation)
{
	truth_add(m->device->sim->truth,
		&(struct truth_entry){.device = m->device,
			.session = m->session,
			.what = what,
			.item = m->order.setting
					? m->order.setting
					: item_name((enum item)__builtin_ctz(m->order.items)),
			.result = result,
			.violation = violation});
}

static bool keeps_old(const struct import *m)
{
	return m->mp == MP_22;
}

/* ---- what the lists hold on the way ---- */

/* n entries of the new list; the rest comes later, or never. */
static void write_part(struct import *m, enum item item, size_t n)
{
	struct sim_list *l = m->order.lists[item], *part = sim_list_new(n);

	part->name = arena_strdup(&part->arena, l->name);
	memcpy(part->entries, l->entries, n * sizeof(*l->entries));
	part->n = n;
	/* the texts live in the whole list: copied, because that one may be thrown away */
	for (size_t i = 0; i < n; i++)
		sim_list_copy_entry(part, &part->entries[i]);
	book_take(m->device, item, part);
}

/* A setting is written from its beginning on. */
static void write_setting(const struct import *m, bool whole)
{
	size_t n = whole ? m->order.state.n : m->halfway ? m->order.state.n / 2 : 0;

	setting_put(m->device, m->order.setting, (struct span){m->order.state.p, n});
}

static void write_all(struct import *m, bool whole)
{
	if (m->order.setting)
		write_setting(m, whole);
	for (int i = 0; i < ITEMS; i++) {
		struct sim_list *l = m->order.lists[i];
		if (!l)
			continue;
		if (!whole) {
			write_part(m, (enum item)i, m->halfway ? l->n / 2 : 0);
			continue;
		}
		book_take(m->device, (enum item)i, l);
		m->order.lists[i] = NULL;
	}
}

/* ---- the end ---- */

static void end(struct import *m)
{
	canon_of(m->device)->import = NULL;
	op_export_end(m->device);
	import_drop(m);
}

static void answer(struct import *m, const char *name)
{
	const struct profile *p = m->device->sim->profile;
	uint32_t language = m->device->language;
	bool restart = canon_of(m->device)->restart_boot_ms != 0 && strcmp(name, "imported") == 0;
	const char *text = arena_printf(http_arena(m->order.request),
		"<html><body><p>%s%s</p><p>%s</p></body></html>\r\n",
		strcmp(name, "imported") == 0 ? "" : "error: ", profile_text(p, name, language),
		restart ? profile_text(p, "restart_needed", language) : "");

	bug_if(!text);
	http_respond(m->order.request, 200, "text/html; charset=UTF-8",
		(struct span){.p = (const uint8_t *)text, .n = strlen(text)});
}

static void leave_half(struct import *m, const char *result)
{
	canon_of(m->device)->half |= m->order.items;
	m->device->sim->stats.imports_interrupted++;
	note(m, "import_end", result, false);
}

static void interrupted(struct import *m)
{
	leave_half(m, "interrupted");
	answer_reset(m->order.request);
	end(m);
}

/* What an import destroys besides (H5, devices.md 14.2). */
static void side_effects(struct import *m)
{
	struct canon *c = canon_of(m->device);

	if (m->order.setting) {
		if (strcmp(m->order.setting, "security_policy") == 0)
			(void)snprintf(c->policy, sizeof(c->policy), "%s", m->order.policy);
		return;
	}
	c->recalls = 0;
	if (m->device->model->type != TYPE_I) {
		c->workflows = 0;
		c->restart_boot_ms = m->device->boot_ms;
	}
}

static void taken(struct import *m)
{
	struct canon *c = canon_of(m->device);

	c->imports++;
	c->dropped += m->order.dropped;
	c->cut += m->order.cut;
	c->half &= ~m->order.items;
	side_effects(m);
}

static void finish(struct import *m)
{
	if (m->order.torn) {
		leave_half(m, "torn");
		answer(m, "bad_file");
		return;
	}
	if (m->mp == MP_22_HALF) {
		leave_half(m, hostile_name(m->mp));
		answer(m, "imported");
		return;
	}
	if (!keeps_old(m)) {
		write_all(m, true);
		taken(m);
	}
	note(m, "import_end", m->mp ? hostile_name(m->mp) : "ok", false);
	bool restarts = m->order.setting && strcmp(m->order.setting, "security_policy") == 0;
	if (m->mp == MP_NONE || keeps_old(m))
		answer(m, "imported");
	else if (m->mp == MP_02)
		answer_page(m->device, m->order.request, 600000, 200, "");
	else
		answer_reset(m->order.request);
	if (restarts) /* by itself (B1) */
		device_restart(m->device, m->device->sim->fleet.restart_ms);
}

static void on_time(void *arg)
{
	struct import *m = arg;
	struct device *d = m->device;

	if (d->off || d->boot_ms != m->boot_ms) {
		interrupted(m);
		return;
	}
	if (m->halfway) {
		finish(m);
		end(m);
		return;
	}
	m->halfway = true;
	if (!keeps_old(m))
		write_all(m, false);
	if (m->mp == MP_24) {
		device_restart(d, d->sim->fleet.restart_ms);
		interrupted(m);
		return;
	}
	timer_set(m->timer, d->latency.import / 2 + 1, 0);
}

/* The order's texts live in the request. */
static void keep_setting(struct import *m)
{
	struct import_order *o = &m->order;
	size_t id = strlen(o->setting) + 1, policy = strlen(o->policy) + 1;

	m->kept = mem_alloc(id + policy + o->state.n + 1);
	memcpy(m->kept, o->setting, id);
	memcpy(m->kept + id, o->policy, policy);
	if (o->state.n)
		memcpy(m->kept + id + policy, o->state.p, o->state.n);
	o->setting = m->kept;
	o->policy = m->kept + id;
	o->state.p = (const uint8_t *)m->kept + id + policy;
}

void import_begin(struct device *d, const struct import_order *order)
{
	struct import *m = mem_alloc(sizeof(*m));

	m->device = d;
	m->order = *order;
	memcpy(m->session, order->session, sizeof(m->session));
	if (order->setting)
		keep_setting(m);
	m->boot_ms = d->boot_ms;
	m->mp = hostile_now(d, AT_IMPORT) ? d->fault.mp : MP_NONE;
	m->timer = timer_new(d->sim->loop, on_time, m);
	canon_of(d)->import = m;
	d->sim->stats.imports++;
	op_export_begin(d);
	note(m, "import", m->mp ? hostile_name(m->mp) : "ok", false);
	if (!keeps_old(m))
		write_all(m, false);
	timer_set(m->timer, d->latency.import / 2 + 1, 0);
}

void import_drop(struct import *m)
{
	for (int i = 0; i < ITEMS; i++)
		sim_list_free(m->order.lists[i]);
	timer_free(m->timer);
	free(m->kept);
	free(m);
}
