// SPDX-License-Identifier: Apache-2.0
/* What stands on the devices, written back: new and changed locks, shadows, standing rows. */
#include <stdio.h>
#include <string.h>

#include "services/lock/sql_write.h"

/* One element per group of devices that were granted alike. */
static const struct db_sql add_held = {"add_held",
	"insert into lock.held (device_id, request, token, session, job, kind, op, direction, "
	"items,"
	" strict, state, granted_at, lease_ms, expires_at, profile, profile_revision, probe,"
	" quarantine_ms, quarantine_max_ms, max_hold_ms, quarantined_at, quarantine_until)"
	" select d.id, u.request, d.token, u.session, u.job, u.kind, u.op, u.direction,"
	" case u.items when '' then '{}' else string_to_array(u.items, ',') end, u.strict, u.state,"
	" $1::timestamptz, u.lease, u.expires, u.profile, u.rev, u.probe, u.q, u.q_max,"
	" u.max_hold, u.quarantined, u.q_until from unnest($2::text[], $3::uuid[], $4::text[],"
	" $5::uuid[], $6::uuid[], $7::smallint[], $8::text[], $9::smallint[], $10::text[],"
	" $11::boolean[], $12::smallint[], $13::int[], $14::timestamptz[], $15::text[], $16::int[],"
	" $17::smallint[], $18::int[], $19::int[], $20::int[], $21::timestamptz[],"
	" $22::timestamptz[]) u(devices, request, tokens, session, job, kind, op, direction, items,"
	" strict, state, lease, expires, profile, rev, probe, q, q_max, max_hold, quarantined,"
	" q_until), unnest(u.devices::uuid[], u.tokens::bigint[]) d(id, token)"};
static const struct db_sql change_held = {"change_held",
	"update lock.held h set state = u.state, quarantined_at = u.since, quarantine_until = "
	"u.until,"
	" clear = u.clear, failed_probes = u.failed"
	" from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::timestamptz[], $5::timestamptz[],"
	" $6::boolean[], $7::smallint[]) u(device, request, state, since, until, clear, failed)"
	" where h.device_id = u.device and h.request = u.request and h.device_id = any($1)"};
static const struct db_sql clear_shadows = {
	"clear_shadows", "delete from lock.shadow where device_id = any($1::uuid[])"};
static const struct db_sql add_shadows = {"add_shadows",
	"insert into lock.shadow (device_id, op, seen_at, until)"
	" select distinct on (u.device, u.op) u.device, u.op, $1::timestamptz, u.until"
	" from unnest($2::uuid[], $3::text[], $4::timestamptz[]) u(device, op, until)"};
static const struct db_sql clear_standing = {
	"clear_standing", "delete from lock.standing where device_id = any($1::uuid[])"};
static const struct db_sql add_standing = {"add_standing",
	"insert into lock.standing (device_id, role, state, destination, prepared_at, since)"
	" select u.device, u.role, u.state, u.destination, u.prepared, $1::timestamptz"
	" from unnest($2::uuid[], $3::smallint[], $4::smallint[], $5::text[], $6::timestamptz[])"
	" u(device, role, state, destination, prepared)"};

/* ---- arrays as text ---- */

const char *sql_uuids_text(struct arena *arena, const struct uuid *ids, size_t n)
{
	char *text = arena_alloc(arena, n * UUID_TEXT + 3);
	char *at = text;

	bug_if(!text);
	*at++ = '{';
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			*at++ = ',';
		(void)uuid_format(&ids[i], at);
		at += UUID_TEXT - 1;
	}
	*at++ = '}';
	*at = '\0';
	return text;
}

const char *sql_numbers_text(struct arena *arena, const uint64_t *numbers, size_t n)
{
	size_t size = n * 21 + 3, at = 1;
	char *text = arena_alloc(arena, size);

	bug_if(!text);
	text[0] = '{';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%llu", i > 0 ? "," : "",
			(unsigned long long)numbers[i]);
	(void)snprintf(text + at, size - at, "}");
	return text;
}

/* ---- new locks, written once for all devices that were granted alike ---- */

struct group {
	const struct lock_held *held; /* of the first device */
	const struct ledger_life *life;
	struct uuid *devices;
	uint64_t *tokens;
	size_t n;
};

static bool is_alike(const struct group *g, const struct lock_held *h, const struct ledger_life *f)
{
	return f->profile == g->life->profile && strcmp(f->items, g->life->items) == 0 &&
	       h->state == g->held->state && f->quarantine_until_ms == g->life->quarantine_until_ms;
}

static size_t find_new(const struct ledger_device *d, const struct ledger_request *r)
{
	size_t i = 0;

	while (i < d->held_n && (d->life[i].request != r || d->life[i].change != LEDGER_NEW))
		i++;
	return i;
}

/* The new locks of a request, in runs that are alike. */
static void add_groups(
	const struct ledger *l, const struct ledger_request *r, struct group *groups, size_t *n)
{
	struct group *g = NULL;

	for (size_t i = 0; i < r->devices_n; i++) {
		const struct ledger_device *d = ledger_device(l, &r->devices[i]);
		size_t at = d ? find_new(d, r) : 0;

		if (!d || at == d->held_n)
			continue;
		if (!g || !is_alike(g, &d->held[at], &d->life[at])) {
			g = &groups[(*n)++];
			*g = (struct group){.held = &d->held[at], .life = &d->life[at]};
			g->devices = arena_array(l->arena, r->devices_n - i, sizeof(*g->devices));
			g->tokens = arena_array(l->arena, r->devices_n - i, sizeof(*g->tokens));
			bug_if(!g->devices || !g->tokens);
		}
		g->devices[g->n] = d->id;
		g->tokens[g->n++] = d->life[at].token;
	}
}

static void put_new_held(struct txn *t, const struct ledger *l)
{
	size_t most = 0, n = 0;

	for (size_t i = 0; i < l->request_n; i++)
		most += l->request_list[i]->holding;
	struct group *groups = arena_array(l->arena, most + 1, sizeof(*groups));

	bug_if(!groups);
	for (size_t i = 0; i < l->request_n; i++)
		add_groups(l, l->request_list[i], groups, &n);
	if (n == 0)
		return;
	struct db_args *a = db_add(t, &add_held);
#define EACH for (const struct group *g = groups; g < groups + n; g++)
	db_time_ms(a, l->now_ms);
	COLUMN(a, EACH, true, db_text(a, sql_uuids_text(l->arena, g->devices, g->n)));
	COLUMN(a, EACH, true, db_uuid(a, &g->held->request));
	COLUMN(a, EACH, true, db_text(a, sql_numbers_text(l->arena, g->tokens, g->n)));
	COLUMN(a, EACH, true, db_uuid(a, &g->life->request->session));
	COLUMN(a, EACH, true, db_uuid(a, &g->life->request->job));
	COLUMN(a, EACH, true, db_int(a, g->held->kind));
	COLUMN(a, EACH, true, db_text(a, op_id(g->held->use.op)));
	COLUMN(a, EACH, true, db_int(a, g->held->use.direction));
	COLUMN(a, EACH, true, db_text(a, g->life->items));
	COLUMN(a, EACH, true, db_bool(a, g->held->use.strict));
	COLUMN(a, EACH, true, db_int(a, g->held->state));
	COLUMN(a, EACH, true, db_int(a, g->life->lease_ms));
	COLUMN(a, EACH, true, db_time_ms(a, g->held->until_ms));
	COLUMN(a, EACH, true, db_text(a, g->life->profile->name));
	COLUMN(a, EACH, true, db_int(a, g->life->profile->revision));
	COLUMN(a, EACH, true, db_int(a, g->life->probe));
	COLUMN(a, EACH, true, db_int(a, g->life->quarantine_ms));
	COLUMN(a, EACH, true, db_int(a, g->life->quarantine_max_ms));
	COLUMN(a, EACH, true, db_int(a, g->life->max_hold_ms));
	COLUMN(a, EACH, true, db_time_ms(a, g->life->quarantined_ms));
	COLUMN(a, EACH, true, db_time_ms(a, g->life->quarantine_until_ms));
#undef EACH
}

/* ---- what stands on the devices ---- */

#define EACH                                                                                       \
	for (size_t i = 0; i < l->devices_n; i++)                                                  \
		for (size_t k = 0; k < l->devices[i].held_n; k++)
#define D (&l->devices[i])
#define H (&l->devices[i].held[k])
#define F (&l->devices[i].life[k])

static size_t count_held(const struct ledger *l, enum ledger_change change)
{
	size_t n = 0;

	EACH n += F->request != NULL && F->change == change;
	return n;
}

static void put_changed_held(struct txn *t, const struct ledger *l)
{
	if (count_held(l, LEDGER_CHANGED) == 0)
		return;
	struct db_args *a = db_add(t, &change_held);
#define WANTED (F->request != NULL && F->change == LEDGER_CHANGED)
	COLUMN(a, EACH, WANTED, db_uuid(a, &D->id));
	COLUMN(a, EACH, WANTED, db_uuid(a, &H->request));
	COLUMN(a, EACH, WANTED, db_int(a, H->state));
	COLUMN(a, EACH, WANTED, db_time_ms(a, F->quarantined_ms));
	COLUMN(a, EACH, WANTED, db_time_ms(a, F->quarantine_until_ms));
	COLUMN(a, EACH, WANTED, db_bool(a, F->clear));
	COLUMN(a, EACH, WANTED, db_int(a, F->failed_probes));
#undef WANTED
}

static void clear_devices(
	struct txn *t, const struct ledger *l, const struct db_sql *sql, size_t flag)
{
	struct db_args *a = NULL;

	for (size_t i = 0; i < l->devices_n; i++) {
		const bool *changed = (const bool *)((const char *)D + flag);
		if (!*changed)
			continue;
		if (a == NULL) {
			a = db_add(t, sql);
			db_array(a);
		}
		db_uuid(a, &D->id);
	}
	if (a != NULL)
		db_array_end(a);
}

static void put_shadows(struct txn *t, const struct ledger *l)
{
	size_t n = 0;

#define WANTED (H->kind == LOCK_KIND_SHADOW && D->shadows_changed)
	clear_devices(t, l, &clear_shadows, offsetof(struct ledger_device, shadows_changed));
	EACH n += WANTED;
	if (n == 0)
		return;
	struct db_args *a = db_add(t, &add_shadows);
	db_time_ms(a, l->now_ms);
	COLUMN(a, EACH, WANTED, db_uuid(a, &D->id));
	COLUMN(a, EACH, WANTED, db_text(a, op_id(H->use.op)));
	COLUMN(a, EACH, WANTED, db_time_ms(a, H->until_ms));
#undef WANTED
}

static void put_standing(struct txn *t, const struct ledger *l)
{
	size_t n = 0;

#define WANTED (H->kind == LOCK_KIND_STANDING && D->standing_changed)
	clear_devices(t, l, &clear_standing, offsetof(struct ledger_device, standing_changed));
	EACH n += WANTED;
	if (n == 0)
		return;
	struct db_args *a = db_add(t, &add_standing);
	db_time_ms(a, l->now_ms);
	COLUMN(a, EACH, WANTED, db_uuid(a, &D->id));
	COLUMN(a, EACH, WANTED, db_int(a, H->role));
	COLUMN(a, EACH, WANTED, db_int(a, H->sync_state));
	COLUMN(a, EACH, WANTED, db_text(a, H->destination));
	COLUMN(a, EACH, WANTED, db_time_ms(a, H->prepared_ms));
#undef WANTED
}
#undef EACH
#undef D
#undef H
#undef F

void sql_write_held(struct txn *t, const struct ledger *l)
{
	put_new_held(t, l);
	put_changed_held(t, l);
	put_shadows(t, l);
	put_standing(t, l);
}
