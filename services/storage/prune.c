// SPDX-License-Identifier: Apache-2.0
/* What the policies say of all versions, some devices at a time; and the nightly prune. */
#include "services/storage/prune.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"

#define DEVICES 200
#define HOUR_MS ((int64_t)3600 * 1000)
#define LARGE_VERSIONS 20 /* percent of the tenant's (ST-70) */
#define LARGE_DEVICES 50

static void over(struct prune *p)
{
	if (p->sum != NULL)
		sha256_end(p->sum, p->hash);
	p->sum = NULL;
	p->plan.going = p->n;
	p->plan.large = p->n * 100 > p->plan.versions * LARGE_VERSIONS ||
			p->plan.touched * 100 > p->plan.devices * LARGE_DEVICES;
	p->plan.large = p->plan.large && p->n > 0;
	p->plan.items = p->items;
	p->plan.at = p->now_ms;
	p->done(p);
}

static bool broken(struct prune *p, const struct fault *f)
{
	if (f == NULL)
		return false;
	fault_why(&p->fault, CN_STORE_UNAVAILABLE, "database", "catalogue: %.200s", f->detail);
	over(p);
	return true;
}

static const struct policy *policy_of(const struct prune *p, enum version_kind kind)
{
	const struct policy *found = &p->keep_all;
	for (size_t i = 0; i < p->n_policies; i++)
		if (p->policies[i].kind == kind)
			return &p->policies[i];
		else if (p->policies[i].kind == 0)
			found = &p->policies[i];
	return found;
}

/* ---- one device and kind ---- */

static void note_going(struct prune *p, const struct sql_walked *w, unsigned held_days)
{
	if (p->n == p->room) {
		p->room = p->room == 0 ? 256 : p->room * 2;
		p->ids = mem_realloc(p->ids, p->room * sizeof(*p->ids));
		p->held_days = mem_realloc(p->held_days, p->room * sizeof(*p->held_days));
	}
	p->ids[p->n] = w->version.id;
	p->held_days[p->n++] = held_days;
	p->plan.bytes += w->bytes;
	sha256_add(p->sum, (struct span){w->version.id.b, sizeof(w->version.id.b)});
}

static void note_item(struct prune *p, const struct sql_walked *w)
{
	if ((p->going && w->version.kept != 0) ||
		(!uuid_is_nil(&p->device) && !uuid_eq(&p->device, &w->device)) ||
		p->matched++ < p->offset)
		return;
	if (p->plan.items_n == p->limit) {
		p->plan.more = true;
		return;
	}
	struct m_planned *item = &p->items[p->plan.items_n++];
	const char **keep = arena_array(p->arena, RULES, sizeof(*keep));
	bug_if(keep == NULL);
	*item = (struct m_planned){.version = w->version.id,
		.device = w->device,
		.kind = w->kind,
		.generation = w->version.generation,
		.at = w->version.at_ms,
		.bytes = w->bytes,
		.keep = keep,
		.device_name = arena_strdup(p->arena, w->device_name)};
	for (unsigned bit = 0; bit < RULES; bit++)
		if ((w->version.kept & (1u << bit)) != 0)
			keep[item->keep_n++] = retention_word(bit);
}

/* Returns how many of them go. */
static size_t choose(struct prune *p, struct sql_walked *rows, size_t n)
{
	const struct policy *policy = policy_of(p, rows[0].kind);
	struct retention_version *v = mem_alloc(n * sizeof(*v));
	size_t going = 0;
	for (size_t i = 0; i < n; i++)
		v[i] = rows[i].version;
	retention_choose(&policy->rules, p->now_ms, v, n);
	for (size_t i = 0; i < n; i++) {
		rows[i].version.kept = v[i].kept;
		if (v[i].kept == 0) {
			note_going(p, &rows[i], policy->held_days);
			going++;
		}
		note_item(p, &rows[i]);
	}
	free(v);
	p->plan.versions += n;
	return going;
}

static void choose_page(struct prune *p, struct sql_walked *rows, size_t n)
{
	bool touched = false;
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && uuid_eq(&rows[to].device, &rows[from].device) &&
				    rows[to].kind == rows[from].kind;)
			to++;
		if (choose(p, &rows[from], to - from) > 1)
			touched = true;
		if (to < n && uuid_eq(&rows[to].device, &rows[from].device))
			continue;
		p->plan.devices++;
		p->plan.touched += touched;
		touched = false;
	}
}

/* ---- the walk ---- */

static void step(struct prune *p);

static void walked(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct prune *p = container_of((struct sql_walk *)arg, struct prune, walk);
	(void)t;
	(void)n;
	if (broken(p, f))
		return;
	size_t rows = (size_t)db_rows(r[0]);
	if (rows == 0) {
		over(p);
		return;
	}
	struct sql_walked *all = mem_alloc(rows * sizeof(*all));
	for (size_t i = 0; i < rows; i++)
		sql_walked_read(r[0], (int)i, &all[i]);
	p->walk.after = all[rows - 1].device;
	choose_page(p, all, rows);
	free(all);
	step(p);
}

static void step(struct prune *p)
{
	p->walk.devices = DEVICES;
	sql_walk(&p->walk, walked);
}

static void policies_got(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct prune *p = arg;
	(void)t;
	(void)n;
	if (broken(p, f))
		return;
	for (int row = 0; row < db_rows(r[0]) && p->n_policies < POLICIES; row++) {
		struct m_retention m;
		sql_policy_read(r[0], row, &m);
		const struct zone *zone = zone_find(m.time_zone);
		p->policies[p->n_policies++] = (struct policy){.kind = m.kind,
			.held_days = (unsigned)m.held_days,
			.rules = {.last = (unsigned)m.last,
				.hourly = (unsigned)m.hourly,
				.daily = (unsigned)m.daily,
				.weekly = (unsigned)m.weekly,
				.monthly = (unsigned)m.monthly,
				.yearly = (unsigned)m.yearly,
				.within_ms = m.within_days * 24 * (uint64_t)HOUR_MS,
				.keep_min = (unsigned)m.keep_min,
				.zone = zone == NULL ? zone_find("UTC") : zone}};
		if (p->plan.time_zone == NULL || m.kind == 0)
			p->plan.time_zone = arena_strdup(p->arena, m.time_zone);
	}
	step(p);
}

static void clock_got(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct prune *p = container_of((struct sql_clock *)arg, struct prune, clock);
	(void)t;
	(void)n;
	if (broken(p, f))
		return;
	p->now_ms = db_get_time_ms(r[0], 0, 0);
	p->jump_ms = p->settle ? 0 : db_get_int(r[0], 0, 1);
	sql_policies(policies_got, p);
}

void prune_walk(struct prune *p)
{
	static const char domain[] = "carnet-prune-1\n";
	p->keep_all = (struct policy){.held_days = 7, .rules = {.zone = zone_find("UTC")}};
	p->items = arena_array(p->arena, p->limit + 1, sizeof(*p->items));
	bug_if(p->items == NULL);
	p->sum = sha256_new();
	sha256_add(p->sum, (struct span){(const uint8_t *)domain, sizeof(domain) - 1});
	p->clock = (struct sql_clock){
		.boot = clock_boot_name(), .boot_ms = clock_boot_ms(), .settle = p->settle};
	sql_clock(&p->clock, clock_got);
}

void prune_fini(struct prune *p)
{
	free(p->ids);
	free(p->held_days);
	p->ids = NULL;
	p->held_days = NULL;
}

bool prune_clock_jumped(const struct prune *p)
{
	return p->jump_ms >= HOUR_MS || p->jump_ms <= -HOUR_MS;
}
