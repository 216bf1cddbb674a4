// SPDX-License-Identifier: Apache-2.0
/* Notices by mail: all of one subscription that are due make one mail, which storage hands to the
 * mail server of the tenant. One that waits is tried again, one that is refused is a dead letter.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/db/db.h"
#include "services/gateway/notice_text.h"
#include "services/gateway/notify.h"
#include "services/gateway/sql_notify.h"

#define HOLD_MS 600000 /* longer than a mail may take */
#define ANSWER_MS 330000

struct mail_sender {
	struct gateway *gateway;
	bool busy;
	/* of the mail under way */
	struct arena arena;
	struct uuid mailing, subscription;
	const char *claimed;
	uint64_t attempts, age_ms, wait_ms;
	const char *state;
	struct fault fault;
};

static void told(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct mail_sender *s = arg;

	(void)t;
	(void)res;
	(void)n;
	arena_fini(&s->arena);
	s->busy = false;
	if (f == NULL && strcmp(s->state, "done") == 0)
		mail_sender_tick(s);
}

static void fill_told(struct db_args *a, void *arg)
{
	const struct mail_sender *s = arg;
	const struct error_info *e = s->fault.code == 0 ? NULL : error_info(s->fault.code);

	db_uuid(a, &s->subscription);
	db_text(a, s->claimed);
	db_text(a, s->state);
	db_int(a, (int64_t)s->wait_ms);
	db_text(a, e == NULL ? "" : *s->fault.reason != '\0' ? s->fault.reason : e->name);
	db_text(a, s->fault.detail);
	db_uuid(a, &s->mailing);
}

static void sent(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct mail_sender *s = arg;
	const struct gateway_config *config = s->gateway->config;
	uint64_t random;

	(void)body;
	(void)instance;
	crypto_random(&random, sizeof(random));
	s->fault = f == NULL ? FAULT_INIT : *f;
	s->wait_ms = notice_wait_ms(s->attempts, (uint64_t)config->webhook_retry_ms, random, 0);
	s->state = f == NULL                                                       ? "done"
		   : f->code == CN_MAIL_REFUSED                                    ? "dead"
		   : s->age_ms + s->wait_ms > (uint64_t)config->webhook_give_up_ms ? "dead"
										   : "queued";
	db_query(s->gateway->service->db, &SQL_MAIL_TOLD, fill_told, told, s);
}

/* ---- one mail ---- */

static const char *const *addresses(struct mail_sender *s, const char *json, size_t *ret_n)
{
	json_t *list = json_loads(json, 0, NULL);
	size_t n = json_array_size(list);
	const char **to = arena_array(&s->arena, n + 1, sizeof(*to));

	bug_if(to == NULL);
	for (size_t i = 0; i < n; i++)
		to[i] = arena_strdup(&s->arena, json_string_value(json_array_get(list, i)));
	json_decref(list);
	*ret_n = n;
	return to;
}

/* The same for the same notices, another for another subscription. */
static struct uuid mail_id(const struct uuid *notice, const struct uuid *subscription)
{
	struct uuid id = *notice;

	for (size_t i = 8; i < sizeof(id.b); i++)
		id.b[i] ^= subscription->b[i];
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	return id;
}

static void compose(struct mail_sender *s, struct db_result *r, size_t rows)
{
	struct notice *notices = arena_array(&s->arena, rows, sizeof(*notices));
	struct buf subject = BUF_INIT, text = BUF_INIT, html = BUF_INIT;
	struct m_notice_mail mail = {.has = 0};

	bug_if(notices == NULL);
	for (size_t i = 0; i < rows; i++)
		notices[i] = (struct notice){.id = db_get_uuid(r, (int)i, 0),
			.kind = db_get_text(r, (int)i, 1),
			.subject = db_get_text(r, (int)i, 2),
			.at_ms = db_get_time_ms(r, (int)i, 3),
			.data = db_get_text(r, (int)i, 4)};
	const struct notice_mail m = {.language = db_get_text(r, 0, 7),
		.base = s->gateway->config->public_url,
		.name = db_get_text(r, 0, 6),
		.notices = notices,
		.notices_n = rows,
		.more = (size_t)db_get_int(r, 0, 13) - rows};
	notice_mail_subject(&m, &subject);
	notice_mail_text(&m, &text);
	notice_mail_html(&m, &html);
	mail.id = mail_id(&notices[0].id, &s->subscription);
	mail.to = addresses(s, db_get_text(r, 0, 9), &mail.to_n);
	mail.subject = buf_str(&subject);
	mail.text = buf_str(&text);
	mail.html = buf_str(&html);
	mail.urgent = db_get_bool(r, 0, 8);
	mail.at = (int64_t)clock_wall_ms();
	peer_call(s->gateway->storage, &m_notice_mail_desc, &mail,
		&(struct peer_opts){.deadline_ms = ANSWER_MS}, sent, s);
	buf_fini(&subject);
	buf_fini(&text);
	buf_fini(&html);
}

/* ---- claiming ---- */

static void claimed(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct mail_sender *s = arg;

	(void)t;
	(void)n;
	if (f != NULL || db_rows(res[0]) == 0) {
		s->busy = false;
		return;
	}
	arena_init(&s->arena, 0);
	s->subscription = db_get_uuid(res[0], 0, 5);
	s->attempts = (uint64_t)db_get_int(res[0], 0, 10);
	s->age_ms = (uint64_t)db_get_int(res[0], 0, 11);
	s->claimed = arena_strdup(&s->arena, db_get_text(res[0], 0, 12));
	compose(s, res[0], (size_t)db_rows(res[0]));
}

static void fill_claim(struct db_args *a, void *arg)
{
	const struct mail_sender *s = arg;

	db_int(a, s->gateway->config->mail_per_day);
	db_int(a, HOLD_MS);
	db_uuid(a, &s->mailing);
	db_int(a, NOTICE_LINES);
}

void mail_sender_tick(struct mail_sender *s)
{
	if (s->busy || s->gateway->service->stopping || !peer_up(s->gateway->storage))
		return;
	s->busy = true;
	s->mailing = uuid_v7(clock_wall_ms());
	db_query(s->gateway->service->db, &SQL_MAIL_CLAIM, fill_claim, claimed, s);
}

struct mail_sender *mail_sender_new(struct gateway *g)
{
	struct mail_sender *s = mem_alloc(sizeof(*s));

	s->gateway = g;
	return s;
}
