// SPDX-License-Identifier: Apache-2.0
/* What a passport says, read from the catalogue. */
#include <stdio.h>
#include <string.h>

#include "services/storage/passport.h"
#include "services/storage/sql.h"

/* In one order for all three: bit i of copies is row i here. */
static const struct db_sql VAULTS = {"passport_vaults",
	"select id, kind, name, role, removable, clock_timestamp() from store.vault"
	" where tenant_id = $1 order by id limit 32"};

static const struct db_sql KEKS = {"passport_keks",
	"select distinct k.kek_id from store.version_key k join store.version v on v.id = "
	"k.version_id"
	" where v.tenant_id = $1 and k.wrapped_dek is not null and v.state in"
	" ('committed','condemned') order by 1 limit 8"};

/* Only what is whole on the medium: signed there; erased when the medium says so, too. */
static const struct db_sql CHAINS = {"passport_chains",
	"with vaults as (select id, row_number() over (order by id) - 1 as i from store.vault"
	" where tenant_id = $1 order by id limit 32),"
	" chains as (select device_id, kind, max(generation) as newest, count(*) as versions,"
	"  count(*) filter (where state = 'erased' and not exists (select 1 from store.copy c"
	"   where c.version_id = x.id and c.vault_id = $2 and c.state = 'erase_pending')) as erased"
	"  from store.version x where tenant_id = $1 and signed_at is not null"
	"  and state in ('committed','condemned','erased') group by device_id, kind)"
	" select c.device_id, c.kind, v.id, v.generation, v.digest, v.created_at, v.verified_at,"
	"  h.last_check_at, c.versions, c.erased, array_to_string(v.flags, ','),"
	"  (select coalesce(bit_or((1::bigint << u.i::int)), 0) from store.copy p join vaults u on"
	"   u.id = p.vault_id where p.version_id = v.id and p.state = 'verified')"
	" from chains c join store.version v on v.device_id = c.device_id and v.kind = c.kind"
	"  and v.generation = c.newest and v.state in ('committed','condemned','erased')"
	" left join store.head h on h.device_id = c.device_id and h.kind = c.kind"
	" limit 400000"};

void sql_add_passport(struct txn *t)
{
	struct db_args *a = db_add(t, &VAULTS);
	db_uuid(a, &app.tenant);
	a = db_add(t, &KEKS);
	db_uuid(a, &app.tenant);
	a = db_add(t, &CHAINS);
	db_uuid(a, &app.tenant);
	db_uuid(a, &app.vault.id);
}

static void read_vaults(struct db_result *r, struct passport *p)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct passport_vault *v = &p->vaults[p->vaults_n++];
		v->id = db_get_uuid(r, row, 0);
		(void)snprintf(v->kind, sizeof(v->kind), "%s", db_get_text(r, row, 1));
		(void)snprintf(v->name, sizeof(v->name), "%s", db_get_text(r, row, 2));
		(void)snprintf(v->role, sizeof(v->role), "%s", db_get_text(r, row, 3));
		v->removable = db_get_bool(r, row, 4);
		p->made_ms = (uint64_t)db_get_time_ms(r, row, 5);
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
}

void sql_passport_read(struct db_result **r, struct passport *p)
{
	read_vaults(r[0], p);
	for (int row = 0; row < db_rows(r[1]); row++)
		p->keks[p->keks_n++] = db_get_uuid(r[1], row, 0);
	p->entries = mem_alloc(((size_t)db_rows(r[2]) + 1) * sizeof(*p->entries));
	for (int row = 0; row < db_rows(r[2]); row++)
		read_chain(r[2], row, &p->entries[p->entries_n++]);
}
