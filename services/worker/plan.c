// SPDX-License-Identifier: Apache-2.0
/* The plan of a job (locks.md section 1, fleet.md sections 1.3 and 6). */
#include "services/worker/plan.h"

#include <string.h>

#include "common/exchange/item.h"
#include "gen/errors.h"
#include "services/worker/adapters/adapter.h"

static const char *const lists_i[] = {"list_1", "list_2", "list_3", "list_4", "list_5", "list_6",
	"list_7", "list_8", "list_9", "list_10", "one_touch", NULL};
static const char *const lists_ii[] = {"coded_dial", "favorites", NULL};
static const char *const lists_iii[] = {"address_book", "speed_dial", NULL};
static const char *const whole_book[] = {"address_book", NULL}; /* families without lists */

static const char *const indiv_book[] = {"indiv_address_book"};
static const char *const batch_book[] = {"address_book"};
static const char *const indiv_settings[] = {"indiv_device_settings"};

static const char *const *lists_of(const struct m_device *d)
{
	if (!d->family || strcmp(d->family, "canon_rui") != 0)
		return whole_book;
	switch (d->type) {
	case DEVICE_TYPE_II:
		return lists_ii;
	case DEVICE_TYPE_III:
		return lists_iii;
	case DEVICE_TYPE_I:
	case DEVICE_TYPE_NONE: /* not checked yet: it shows what it is when list 1 comes (FL-7) */
		return lists_i;
	}
	return lists_i;
}

static bool chosen(const struct m_task_settings *s, const char *list)
{
	if (!s || s->lists_n == 0)
		return true;
	for (size_t i = 0; i < s->lists_n; i++)
		if (strcmp(s->lists[i], "all") == 0 || strcmp(s->lists[i], list) == 0)
			return true;
	return false;
}

static int choose_lists(
	const struct m_job_work *job, struct arena *a, struct plan *p, struct fault *reterr)
{
	const char *const *lists = lists_of(job->device);
	size_t n = 0;

	while (lists[n])
		n++;
	p->items = arena_array(a, n, sizeof(*p->items));
	if (!p->items)
		return fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	for (size_t i = 0; i < n; i++)
		if (lists == whole_book || chosen(job->settings, lists[i]))
			p->items[p->n_items++] = lists[i];
	if (p->n_items == 0)
		return fault_set(reterr, CN_NO_MATCHING_LIST,
			"none of the chosen lists exists on this type");
	return 0;
}

static const char *book_format(const struct m_device *d)
{
	const struct adapter *a = adapter_find(d->family);

	return a && a->codec ? a->codec : "canon_abk";
}

static int plan_book(
	const struct m_job_work *job, struct arena *a, struct plan *p, struct fault *reterr)
{
	bool values = job->device->type == DEVICE_TYPE_II || job->device->type == DEVICE_TYPE_III;

	p->op = values ? "batch_ie" : "indiv_ie";
	p->lock_items = values ? batch_book : indiv_book;
	p->n_lock_items = 1;
	p->version_kind = VERSION_KIND_ADDRESS_BOOK;
	p->format = values ? "opaque" : book_format(job->device);
	return choose_lists(job, a, p, reterr);
}

/* import-export.md 1.1. The lists have kinds of their own (ab.…). */
static int refuse_book(const char *item, struct fault *reterr)
{
	if (strncmp(item, "indiv_ab_", 9) == 0)
		return fault_why(reterr, CN_UNSUPPORTED_OPERATION, "not_reachable",
			"personal and user group address lists are reached by their users and by "
			"the printers' own synchronisation only");
	return fault_why(reterr, CN_VALIDATION_FAILED, "items",
		"'%.64s' is no item of settings: address books have tasks of their own", item);
}

/* Items of import-export.md section 1: the task's, of one operation. */
static int choose_items(
	const struct m_job_work *job, struct arena *a, struct plan *p, struct fault *reterr)
{
	const struct m_task_settings *s = job->settings;
	const char *const *items = s && s->items_n ? s->items : indiv_settings;
	size_t n = s && s->items_n ? s->items_n : 1, of_op;

	if (job->device->type == DEVICE_TYPE_II || job->device->type == DEVICE_TYPE_III)
		return fault_set(reterr, CN_UNSUPPORTED_OPERATION,
			"this type has no items of settings, only its address book");
	p->op = strncmp(items[0], "indiv_", 6) == 0 ? "indiv_ie" : "batch_ie";
	const char *const *known = exchange_items(p->op, &of_op);
	p->items = arena_array(a, n, sizeof(*p->items));
	if (!p->items)
		return fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		if (strncmp(items[i], "indiv_a", 7) == 0)
			return refuse_book(items[i], reterr);
		while (k < of_op && strcmp(known[k], items[i]) != 0)
			k++;
		if (k == of_op)
			return fault_why(reterr, CN_VALIDATION_FAILED, "items",
				"'%.64s' is of another operation than "
				"'%.64s'",
				items[i], items[0]);
		p->items[p->n_items++] = known[k];
	}
	p->lock_items = p->items;
	p->n_lock_items = p->n_items;
	p->version_kind = VERSION_KIND_SETTINGS;
	p->format = "opaque";
	return 0;
}

static int plan_settings(
	const struct m_job_work *job, struct arena *a, struct plan *p, struct fault *reterr)
{
	if (job->device->family && strcmp(job->device->family, "canon_rui") == 0)
		return choose_items(job, a, p, reterr);
	p->op = "indiv_ie";
	p->lock_items = indiv_settings;
	p->n_lock_items = 1;
	p->version_kind = VERSION_KIND_SETTINGS;
	p->format = "ipp_attributes";
	p->items = arena_array(a, 1, sizeof(*p->items));
	if (!p->items)
		return fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	p->items[p->n_items++] = "settings";
	return 0;
}

/* A book is written whole, so it is read whole: what shall stay is part of it. */
static int plan_book_change(
	const struct m_job_work *job, struct arena *a, struct plan *p, struct fault *reterr)
{
	struct m_job_work all = *job;
	struct m_task_settings settings = {.has = 0};

	if (job->settings)
		settings = *job->settings;
	settings.lists_n = 0;
	all.settings = &settings;
	return plan_book(&all, a, p, reterr);
}

static bool one_of(const char *kind, const char *const *kinds)
{
	for (; *kinds; kinds++)
		if (strcmp(kind, *kinds) == 0)
			return true;
	return false;
}

/* Nothing is read, nothing is kept. */
static int plan_alone(struct plan *p, const char *op)
{
	p->op = op;
	p->direction = LOCK_DIRECTION_NONE;
	return 0;
}

/* As for a backup of everything, but nothing is kept. */
static int plan_check(const struct m_job_work *job,
	int (*of)(const struct m_job_work *, struct arena *, struct plan *, struct fault *),
	struct arena *a, struct plan *p, struct fault *reterr)
{
	struct m_job_work all = *job;

	all.settings = NULL;
	if (of(&all, a, p, reterr) < 0)
		return -1;
	p->format = NULL;
	return 0;
}

int plan_make(const struct m_job_work *job, struct arena *a, struct plan *ret, struct fault *reterr)
{
	static const char *const books[] = {"ab.restore", "ab.import", "ab.distribute", NULL};
	struct plan p = {.op = NULL, .direction = LOCK_DIRECTION_EXPORT};
	int r = 0;

	if (job->phase == RUN_PHASE_APPLY || job->phase == RUN_PHASE_REVERT)
		p.direction = LOCK_DIRECTION_IMPORT;
	if (strcmp(job->kind, "device.check_ab") == 0)
		r = plan_check(job, plan_book, a, &p, reterr);
	else if (strcmp(job->kind, "device.check_settings") == 0)
		r = plan_check(job, plan_settings, a, &p, reterr);
	else if (strcmp(job->kind, "ab.backup") == 0)
		r = plan_book(job, a, &p, reterr);
	else if (job->phase && one_of(job->kind, books))
		r = plan_book_change(job, a, &p, reterr);
	else if (strcmp(job->kind, "settings.backup") == 0 ||
		 (job->phase && strcmp(job->kind, "settings.restore") == 0))
		r = plan_settings(job, a, &p, reterr);
	else if (strcmp(job->kind, "file.deliver") == 0)
		r = plan_alone(&p, "session");
	else if (strcmp(job->kind, "device.restart") == 0)
		r = plan_alone(&p, "restart");
	else if (strcmp(job->kind, "device.probe") != 0)
		r = fault_set(reterr, CN_UNSUPPORTED_OPERATION, "this worker does not know %s",
			job->kind);
	if (r == 0)
		*ret = p;
	return r;
}

int plan_no_list(const struct m_device *d, struct fault *reterr)
{
	if (lists_of(d) == lists_i && d->type != DEVICE_TYPE_I)
		return fault_why(reterr, CN_CAPABILITY_UNKNOWN, "type_unknown",
			"the device has none of the lists of type I, and its type is not known");
	return fault_set(reterr, CN_NO_MATCHING_LIST, "the device has none of the chosen lists");
}

static bool names(const struct m_grant *g, const char *item)
{
	for (size_t i = 0; i < g->items_n; i++)
		if (strcmp(g->items[i], item) == 0)
			return true;
	return false;
}

int plan_granted(const struct plan *p, const struct uuid *device, const struct m_lock_answer *a,
	struct fault *reterr)
{
	if (a->grants_n != 1 || !uuid_eq(&a->grants[0].device, device))
		return fault_why(reterr, CN_LOCK_REFUSED, "other_device",
			"the lock that was granted is not this device's alone");
	for (size_t i = 0; i < p->n_lock_items; i++)
		if (!names(&a->grants[0], p->lock_items[i]))
			return fault_why(reterr, CN_LOCK_REFUSED, "items_refused",
				"the lock was granted without '%.64s'", p->lock_items[i]);
	return 0;
}
