// SPDX-License-Identifier: Apache-2.0
/* SQL of relays and mails. */
#include "services/storage/sql_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/storage/sql.h"
#include "services/storage/sql_copies.h"

#define TAKEN_MS 600000 /* longer than a mail may take on its way */

static const struct db_sql RELAY_GET = {"store_relay_get",
	"select id, kind, place, account, pin, region, login, state, cause, sender, recipients"
	" from store.vault where tenant_id = $1 and role = 'mail' and state <> 'retired'"
	" and ($2::uuid is null or id = $2) order by name limit 1"};
static const struct db_sql RELAY_PUT = {"store_relay_put",
	"insert into store.vault as v (id, tenant_id, name, kind, role, min_protocol, durability,"
	" state, place, account, pin, region, login, sender, recipients, last_seen_at)"
	" values ($1, $2, $3, 'mail', 'mail', 1, 'none', 'ready', $4, $5, $6, $7, $8, $9, $10,"
	" clock_timestamp()) on conflict (tenant_id, name) do update set place = excluded.place,"
	" account = excluded.account, pin = excluded.pin, region = excluded.region,"
	" login = excluded.login, sender = excluded.sender, recipients = excluded.recipients,"
	" state = 'ready', cause = '', detail = '', last_seen_at = excluded.last_seen_at"
	" where v.role = 'mail' returning id"};
static const struct db_sql MAIL_ASK = {"store_mail_ask",
	"select store.mail_ask($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"};
#define MAIL_COLUMNS                                                                               \
	"m.id, m.version_id, v.device_id, v.kind, v.generation, m.recipient, m.who, m.why,"        \
	" m.description_digest, m.asked_by, m.asked_at, m.state, m.attempts,"                      \
	" case when m.state = 'queued' then m.next_at end, m.ended_at, m.cause, m.detail, m.bytes" \
	" from store.mail m join store.version v on v.id = m.version_id where m.tenant_id = $1"
static const struct db_sql MAIL_GET = {"store_mail_get", "select " MAIL_COLUMNS " and m.id = $2"};
static const struct db_sql MAIL_LIST = {
	"store_mail_list", "select " MAIL_COLUMNS " order by m.asked_at desc, m.id desc limit 200"};
static const struct db_sql MAIL_TAKE = {"store_mail_take",
	"select id, version_id, vault_id, recipient, recipient_key, language, who, why,"
	" description, password_kdf from store.mail_take($1, $2)"};
static const struct db_sql MAIL_DONE = {
	"store_mail_done", "select store.mail_done($1, $2, $3, $4, $5, $6)"};

/* ---- relays ---- */

void sql_add_relay_get(struct txn *t, const struct uuid *only)
{
	static const struct uuid none;
	struct db_args *a = db_add(t, &RELAY_GET);
	db_uuid(a, &app.tenant);
	db_uuid(a, only == NULL ? &none : only);
}

static void copy(char *to, size_t size, struct db_result *r, int column)
{
	(void)snprintf(to, size, "%s", db_get_text(r, 0, column));
}

bool sql_relay_read(struct db_result *r, struct relay *ret)
{
	if (db_rows(r) == 0)
		return false;
	*ret = (struct relay){.id = db_get_uuid(r, 0, 0)};
	sql_remote_read(r, 0, 1, &ret->at);
	copy(ret->state, sizeof(ret->state), r, 7);
	copy(ret->cause, sizeof(ret->cause), r, 8);
	copy(ret->sender, sizeof(ret->sender), r, 9);
	copy(ret->recipients, sizeof(ret->recipients), r, 10);
	return true;
}

static const struct relay *putting;
static const char *putting_name;

static void fill_relay(struct db_args *a, void *arg)
{
	const struct remote_row *at = &putting->at;
	(void)arg;
	db_uuid(a, &putting->id);
	db_uuid(a, &app.tenant);
	db_text(a, putting_name);
	db_text(a, at->place);
	db_text(a, at->account);
	db_text(a, at->pin);
	db_text(a, at->region);
	db_bytes(a, (struct span){at->login_n > 0 ? at->login : NULL, at->login_n});
	db_text(a, putting->sender);
	db_text(a, putting->recipients);
}

void sql_relay_put(const struct relay *relay, const char *name, db_fn fn, void *arg)
{
	putting = relay;
	putting_name = name;
	db_query(app.service->db, &RELAY_PUT, fill_relay, fn, arg);
}

/* ---- mails ---- */

void sql_add_mail_ask(struct txn *t, const struct call *call, const struct mail_asked *asked)
{
	const struct m_version_mail *ask = call->body;
	struct db_args *a = db_add(t, &MAIL_ASK);
	db_uuid(a, &call->header.request);
	db_uuid(a, &app.tenant);
	db_uuid(a, &ask->id);
	db_uuid(a, asked->vault);
	db_text(a, asked->to);
	db_bytes(a, ask->recipient_key);
	db_text(a, ask->language == NULL || ask->language[0] == 0 ? "en" : ask->language);
	db_text(a, ask->who);
	db_text(a, ask->why);
	db_text(a, ask->description);
	db_bytes(a, (struct span){asked->digest, SHA256_LEN});
	db_text(a, call->header.actor);
	db_bytes(a, (struct span){ask->password_kdf.n > 0 ? ask->password_kdf.p : NULL,
			    ask->password_kdf.n});
	a = db_add(t, &MAIL_GET);
	db_uuid(a, &app.tenant);
	db_uuid(a, &call->header.request);
}

void sql_mail_list(struct call *call, db_fn fn)
{
	db_query(app.service->db, &MAIL_LIST, sql_fill_tenant, fn, call);
}

void sql_mail_read(struct db_result *r, int row, struct m_mail *ret)
{
	*ret = (struct m_mail){.id = db_get_uuid(r, row, 0),
		.version = db_get_uuid(r, row, 1),
		.device = db_get_uuid(r, row, 2),
		.kind = kind_number(db_get_text(r, row, 3)),
		.generation = (uint64_t)db_get_int(r, row, 4),
		.to = db_get_text(r, row, 5),
		.who = db_get_text(r, row, 6),
		.why = db_get_text(r, row, 7),
		.digest = db_get_bytes(r, row, 8),
		.asked_by = db_get_text(r, row, 9),
		.asked_at = db_get_time_ms(r, row, 10),
		.state = db_get_text(r, row, 11),
		.attempts = (uint64_t)db_get_int(r, row, 12),
		.next_at = db_get_time_ms(r, row, 13),
		.ended_at = db_get_time_ms(r, row, 14),
		.cause = db_get_text(r, row, 15),
		.detail = db_get_text(r, row, 16),
		.bytes = (uint64_t)db_get_int(r, row, 17)};
}

static void fill_take(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_int(a, TAKEN_MS);
}

void sql_mail_take(db_fn fn, void *arg)
{
	db_query(app.service->db, &MAIL_TAKE, fill_take, fn, arg);
}

bool sql_mail_taken(struct db_result *r, struct mail_row *ret)
{
	if (db_rows(r) == 0)
		return false;
	*ret = (struct mail_row){.id = db_get_uuid(r, 0, 0),
		.version = db_get_uuid(r, 0, 1),
		.vault = db_get_uuid(r, 0, 2),
		.who = mem_strdup(db_get_text(r, 0, 6)),
		.why = mem_strdup(db_get_text(r, 0, 7)),
		.description = mem_strdup(db_get_text(r, 0, 8))};
	struct span key = db_get_bytes(r, 0, 4);
	if (key.n == sizeof(ret->key))
		memcpy(ret->key, key.p, key.n);
	struct span kdf = db_get_bytes(r, 0, 9);
	ret->to_password = kdf.n == sizeof(ret->kdf);
	if (ret->to_password)
		memcpy(ret->kdf, kdf.p, kdf.n);
	copy(ret->to, sizeof(ret->to), r, 3);
	copy(ret->language, sizeof(ret->language), r, 5);
	return true;
}

void mail_row_fini(struct mail_row *m)
{
	free(m->who);
	free(m->why);
	free(m->description);
}

static const struct uuid *ending;
static const struct fault *ending_why;
static uint64_t ending_bytes;

static void fill_done(struct db_args *a, void *arg)
{
	const struct fault *f = ending_why;
	const char *word = f->reason;
	(void)arg;
	if (f->code != 0 && word[0] == 0)
		word = error_info(f->code)->name;
	db_uuid(a, ending);
	db_text(a, f->code == 0 ? "sent" : error_info(f->code)->retryable ? "queued" : "failed");
	db_text(a, word);
	db_text(a, f->detail);
	db_int(a, (int64_t)ending_bytes);
	db_int(a, app.config->mail_retry_ms);
}

void sql_mail_done(
	const struct uuid *id, const struct fault *why, uint64_t bytes, db_fn fn, void *arg)
{
	ending = id;
	ending_why = why;
	ending_bytes = bytes;
	db_query(app.service->db, &MAIL_DONE, fill_done, fn, arg);
}
