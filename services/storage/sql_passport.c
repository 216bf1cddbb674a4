// SPDX-License-Identifier: Apache-2.0
/* What a passport says, read from the catalogue. */
#include <stdio.h>
#include <string.h>

#include "services/storage/passport.h"
#include "services/storage/sql.h"

/* In one order for all three: bit i of copies is row i here. */
static const struct db_sql VAULTS = {"passport_vaults",
	"select id, kind, name, role, removable, clock_timestamp(),"
	" case when id = $2 then changes else 0 end from store.vault"
	" where tenant_id = $1 order by id limit 32"};

/* Slots of copies follow those of the primary vault. */
static const struct db_sql KEKS = {"passport_keks",
	"select distinct case when $3 then k.kek_id else coalesce(c.kek_id, k.kek_id) end"
	" from store.version_key k join store.version v on v.id = k.version_id"
	" left join store.copy c on c.version_id = v.id and c.vault_id = $2"
	" where v.tenant_id = $1 and k.wrapped_dek is not null and v.state in"
	" ('committed','condemned') and ($3 or c.state in ('verified','damaged','missing'))"
	" order by 1 limit 8"};

/* Only what is whole on the medium: signed there, in a vault for copies read back there; erased
 * when the medium says so, too. */
static const struct db_sql CHAINS = {"passport_chains",
	"with vaults as (select id, row_number() over (order by id) - 1 as i from store.vault"
	" where tenant_id = $1 order by id limit 32),"
	" chains as (select x.device_id, x.kind, max(x.generation) as newest,"
	"  count(*) as versions, count(*) filter (where x.state = 'erased'"
	"  and c.state is distinct from 'erase_pending') as erased"
	"  from store.version x left join store.copy c on c.version_id = x.id and c.vault_id = $2"
	"  where x.tenant_id = $1 and x.signed_at is not null"
	"  and x.state in ('committed','condemned','erased')"
	"  and ($3 or c.state in ('verified','damaged','missing')"
	"   or x.state = 'erased' and c.state is null)"
	"  group by x.device_id, x.kind)"
	" select c.device_id, c.kind, v.id, v.generation, v.digest, v.created_at, v.verified_at,"
	"  h.last_check_at, c.versions, c.erased, array_to_string(v.flags, ','),"
	"  (select coalesce(bit_or((1::bigint << u.i::int)), 0) from store.copy p join vaults u on"
	"   u.id = p.vault_id where p.version_id = v.id and p.state = 'verified'),"
	"  (select max(d.at) from store.drill d where d.device_id = c.device_id"
	"   and d.kind = c.kind and d.outcome = 'equal')"
	" from chains c join store.version v on v.device_id = c.device_id and v.kind = c.kind"
	"  and v.generation = c.newest and v.state in ('committed','condemned','erased')"
	" left join store.head h on h.device_id = c.device_id and h.kind = c.kind"
	" limit 400000"};

/* What came meanwhile is owed another one. */
static const struct db_sql PUT = {"passport_put",
	"update store.vault set passport_of = greatest(passport_of, $2), passport = $3,"
	" passport_at = $4 where id = $1"};

void sql_add_passport(struct txn *t, const struct making_passport *m)
{
	const struct db_sql *const all[] = {&VAULTS, &KEKS, &CHAINS};
	for (size_t i = 0; i < array_len(all); i++) {
		struct db_args *a = db_add(t, all[i]);
		db_uuid(a, &app.tenant);
		db_uuid(a, &m->vault->id);
		if (all[i] != &VAULTS)
			db_bool(a, m->primary);
	}
}

static const struct making_passport *put; /* read at once */

static void fill_put(struct db_args *a, void *arg)
{
	const struct making_passport *m = put;
	(void)arg;
	db_uuid(a, &m->vault->id);
	db_int(a, (int64_t)m->changes);
	db_int(a, (int64_t)m->serial);
	db_time_ms(a, (int64_t)m->at_ms);
}

void sql_passport_put(const struct making_passport *m)
{
	put = m;
	db_query(app.service->db, &PUT, fill_put, sql_ignore, NULL);
}

static void read_vaults(struct db_result *r, struct making_passport *m)
{
	struct passport *p = &m->now;
	for (int row = 0; row < db_rows(r); row++) {
		struct passport_vault *v = &p->vaults[p->vaults_n++];
		v->id = db_get_uuid(r, row, 0);
		(void)snprintf(v->kind, sizeof(v->kind), "%s", db_get_text(r, row, 1));
		(void)snprintf(v->name, sizeof(v->name), "%s", db_get_text(r, row, 2));
		(void)snprintf(v->role, sizeof(v->role), "%s", db_get_text(r, row, 3));
		v->removable = db_get_bool(r, row, 4);
		p->made_ms = (uint64_t)db_get_time_ms(r, row, 5);
		m->changes += (uint64_t)db_get_int(r, row, 6);
	}
}

static void read_flags(const char *list, struct passport_entry *e)
{
	while (*list != 0 && e->flags_n < MANIFEST_FLAGS) {
		size_t n = strcspn(list, ",");
		(void)snprintf(e->flags[e->flags_n++], sizeof(e->flags[0]), "%.*s", (int)n, list);
		list += list[n] == ',' ? n + 1 : n;
	}
}

static uint64_t time_at(struct db_result *r, int row, int column)
{
	return db_is_null(r, row, column) ? 0 : (uint64_t)db_get_time_ms(r, row, column);
}

static void read_chain(struct db_result *r, int row, struct passport_entry *e)
{
	struct span digest = db_get_bytes(r, row, 4);
	e->device = db_get_uuid(r, row, 0);
	(void)snprintf(e->kind, sizeof(e->kind), "%s", db_get_text(r, row, 1));
	e->version = db_get_uuid(r, row, 2);
	e->generation = (uint64_t)db_get_int(r, row, 3);
	if (digest.n == SHA256_LEN)
		memcpy(e->digest, digest.p, SHA256_LEN);
	e->made_ms = time_at(r, row, 5);
	e->verified_ms = time_at(r, row, 6);
	e->checked_ms = time_at(r, row, 7);
	e->versions = (uint64_t)db_get_int(r, row, 8);
	e->erased = (uint64_t)db_get_int(r, row, 9);
	read_flags(db_get_text(r, row, 10), e);
	e->copies = (uint32_t)db_get_int(r, row, 11);
	e->proven_ms = time_at(r, row, 12);
}

void sql_passport_read(struct db_result **r, struct making_passport *m)
{
	struct passport *p = &m->now;
	read_vaults(r[0], m);
	for (int row = 0; row < db_rows(r[1]); row++)
		p->keks[p->keks_n++] = db_get_uuid(r[1], row, 0);
	p->entries = mem_alloc(((size_t)db_rows(r[2]) + 1) * sizeof(*p->entries));
	for (int row = 0; row < db_rows(r[2]); row++)
		read_chain(r[2], row, &p->entries[p->entries_n++]);
}
