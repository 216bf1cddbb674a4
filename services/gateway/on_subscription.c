// SPDX-License-Identifier: Apache-2.0
/* Subscriptions: list, create, change, delete, test. */
#include <string.h>

#include "common/base/ascii.h"
#include "common/clock/clock.h"
#include "common/mail/message.h"
#include "services/gateway/change.h"
#include "services/gateway/list.h"
#include "services/gateway/notice.h"
#include "services/gateway/notify.h"
#include "services/gateway/sql_notify.h"

struct saving {
	struct rest *r;
	const struct m_subscription *s;
	struct uuid id;
	const char **mail; /* in their one spelling */
	bool creates;
};

/* A JSON list of texts into the arena. */
static const char *const *texts_of(
	struct arena *arena, struct db_result *res, int row, int column, size_t *ret_n)
{
	json_t *list = json_loads(db_get_text(res, row, column), 0, NULL);
	size_t n = json_array_size(list);
	const char **texts = arena_array(arena, n + 1, sizeof(*texts));

	bug_if(texts == NULL);
	for (size_t i = 0; i < n; i++)
		texts[i] = arena_strdup(arena, json_string_value(json_array_get(list, i)));
	json_decref(list);
	*ret_n = n;
	return texts;
}

static void read_row(struct db_result *res, int row, struct arena *arena, void *item)
{
	struct m_subscription *s = item;

	*s = (struct m_subscription){
		.has = HAS_SUBSCRIPTION__ACTIVE,
		.id = db_get_uuid(res, row, 0),
		.name = db_get_text(res, row, 1),
		.webhook = db_get_text(res, row, 5),
		.language = db_get_text(res, row, 7),
		.digest = (int)db_get_int(res, row, 8),
		.urgent = db_get_bool(res, row, 9),
		.active = db_get_bool(res, row, 10),
		.version = (uint64_t)db_get_int(res, row, 11),
		.created_at = db_get_time_ms(res, row, 12),
		.made_by = db_get_text(res, row, 13),
		.waiting = (uint64_t)db_get_int(res, row, 14),
		.dead = (uint64_t)db_get_int(res, row, 15),
		.changes = (uint64_t)db_get_int(res, row, 16),
	};
	s->kinds = texts_of(arena, res, row, 2, &s->kinds_n);
	s->states = texts_of(arena, res, row, 3, &s->states_n);
	s->tasks = texts_of(arena, res, row, 4, &s->tasks_n);
	s->mail = texts_of(arena, res, row, 6, &s->mail_n);
}

void on_subscription_list(struct rest *r, const void *body)
{
	(void)body;
	list_all(r, &SQL_SUBSCRIPTION_LIST, &m_subscription_page_desc,
		sizeof(struct m_subscription), read_row);
}

/* ---- what a person gives ---- */

static bool refuse(struct rest *r, const char *reason, const char *field, const char *why)
{
	rest_refuse(r, CN_VALIDATION_FAILED, reason, "%s: %s", field, why);
	return false;
}

static const char *all_kinds(struct arena *arena)
{
	struct buf out = BUF_INIT;

	for (const char *const *kind = notice_kinds; *kind != NULL; kind++)
		buf_addf(&out, "%s, ", *kind);
	buf_adds(&out, "or a beginning and *");
	const char *text = arena_strdup(arena, buf_str(&out));
	buf_fini(&out);
	return text;
}

static bool check_words(struct rest *r, const struct m_subscription *s)
{
	static const char *const languages[] = {"en", "fr", "ja"};
	bool known = s->language == NULL;

	for (size_t i = 0; i < s->kinds_n; i++)
		if (!notice_kind(s->kinds[i]))
			return refuse(r, "unknown_word", "kinds", all_kinds(r->arena));
	for (size_t i = 0; i < s->states_n; i++)
		if (msg_number(run_state_words, s->states[i]) < RUN_STATE_SUCCEEDED)
			return refuse(r, "unknown_word", "states", "a run does not end so");
	for (size_t i = 0; i < array_len(languages); i++)
		known |= s->language != NULL && strcmp(languages[i], s->language) == 0;
	return known || refuse(r, "unknown_word", "language", "en, fr or ja");
}

static bool check_mail(struct saving *v)
{
	char address[MAIL_ADDRESS_SIZE];
	struct fault f = FAULT_INIT;

	v->mail = arena_array(v->r->arena, v->s->mail_n + 1, sizeof(*v->mail));
	bug_if(v->mail == NULL);
	for (size_t i = 0; i < v->s->mail_n; i++) {
		if (mail_address(v->s->mail[i], address, &f) != 0)
			return refuse(v->r, "mail_address", "mail", f.detail);
		v->mail[i] = arena_strdup(v->r->arena, address);
	}
	return true;
}

static bool check(struct saving *v)
{
	const struct m_subscription *s = v->s;
	bool hook = s->webhook != NULL && *s->webhook != '\0', mail = s->mail_n > 0;

	if (v->creates && (s->name == NULL || *s->name == '\0'))
		return refuse(v->r, "required", "name", "a subscription needs one");
	if (s->kinds_n == 0 && (v->creates || (s->has & HAS_SUBSCRIPTION__KINDS) != 0))
		return refuse(v->r, "required", "kinds", "of what is told? run.finished, *, …");
	if ((hook && mail) || (v->creates && !hook && !mail))
		return refuse(v->r, "required", "mail", "give addresses or a webhook, one of them");
	if (hook && s->digest > NOTICE_DIGEST_AT_ONCE)
		return refuse(v->r, "out_of_range", "digest", "webhooks are told at once");
	return check_words(v->r, s) && check_mail(v);
}

static void add_texts(struct db_args *a, const char *const *texts, size_t n, bool given, bool lower)
{
	char low[512];

	if (!given) {
		db_null(a);
		return;
	}
	db_array(a);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		for (; texts[i][k] != '\0' && k < sizeof(low) - 1; k++)
			low[k] = lower ? ascii_lower(texts[i][k]) : texts[i][k];
		low[k] = '\0';
		db_text(a, low);
	}
	db_array_end(a);
}

static void fill_members(struct db_args *a, const struct saving *v)
{
	const struct m_subscription *s = v->s;
	bool all = v->creates;

	db_text(a, s->name);
	add_texts(a, s->kinds, s->kinds_n, all || s->kinds_n > 0, false);
	add_texts(
		a, s->states, s->states_n, all || (s->has & HAS_SUBSCRIPTION__STATES) != 0, false);
	add_texts(a, s->tasks, s->tasks_n, all || (s->has & HAS_SUBSCRIPTION__TASKS) != 0, true);
	db_text(a, s->webhook != NULL && *s->webhook != '\0' ? s->webhook : NULL);
	add_texts(a, v->mail, s->mail_n, all || s->mail_n > 0, false);
	db_text(a, s->language == NULL && all ? "en" : s->language);
	if (s->digest == 0 && !all)
		db_null(a);
	else
		db_int(a, s->digest == 0 ? NOTICE_DIGEST_AT_ONCE : (int64_t)s->digest);
	if (!all && (s->has & HAS_SUBSCRIPTION__URGENT) == 0)
		db_null(a);
	else
		db_bool(a, s->urgent);
	if ((s->has & HAS_SUBSCRIPTION__ACTIVE) != 0)
		db_bool(a, s->active);
	else if (all)
		db_bool(a, true);
	else
		db_null(a);
	if (all || (s->has & HAS_SUBSCRIPTION__CHANGES) != 0)
		db_int(a, (int64_t)s->changes);
	else
		db_null(a);
}

static void fault(struct rest *r, const struct fault *f)
{
	/* neither addresses nor a webhook that is known */
	if (strcmp(f->reason, "23514") == 0)
		rest_refuse(r, CN_VALIDATION_FAILED, "unknown_reference",
			"webhook: there is no such webhook");
	else
		row_fault(r, f);
}

/* The answer, after the owners know what is wanted. */
static void answer(struct rest *r)
{
	const struct m_subscription_one one = {.subscription = r->state};

	rest_reply(r, &m_subscription_one_desc, &one);
}

static void saved(struct rest *r, struct db_result *res)
{
	struct m_subscription *s = arena_alloc(r->arena, sizeof(*s));

	bug_if(s == NULL);
	read_row(res, 0, r->arena, s);
	s->name = arena_strdup(r->arena, s->name);
	s->webhook = arena_strdup(r->arena, s->webhook);
	s->language = arena_strdup(r->arena, s->language);
	s->made_by = arena_strdup(r->arena, s->made_by);
	r->state = s;
	notify_want(r->gateway, r, answer);
}

/* ---- create ---- */

static void fill_create(struct db_args *a, void *arg)
{
	const struct saving *v = arg;

	db_uuid(a, &v->id);
	fill_members(a, v);
	db_text(a, v->r->who.name);
}

static void created(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	const struct saving *v = arg;

	(void)t;
	(void)n;
	if (f != NULL)
		fault(v->r, f);
	else if (db_rows(res[0]) == 0)
		rest_refuse(v->r, CN_CONFLICT, "name_taken", "name: this one is in use");
	else
		saved(v->r, res[0]);
}

static struct saving *saving_new(struct rest *r, const struct m_subscription *s, bool creates)
{
	struct saving *v = arena_alloc(r->arena, sizeof(*v));

	bug_if(v == NULL);
	*v = (struct saving){.r = r, .s = s, .creates = creates, .id = uuid_v7(clock_wall_ms())};
	return check(v) ? v : NULL;
}

void on_subscription_create(struct rest *r, const void *body)
{
	struct saving *v =
		saving_new(r, ((const struct m_subscription_create *)body)->subscription, true);

	if (v != NULL)
		db_query(
			r->gateway->service->db, &SQL_SUBSCRIPTION_CREATE, fill_create, created, v);
}

/* ---- change, delete, test ---- */

static void fill_update(struct db_args *a, struct row_change *c)
{
	fill_members(a, c->state);
}

static void updated(struct db_result *res, struct row_change *c)
{
	saved(c->r, res);
}

void on_subscription_update(struct rest *r, const void *body)
{
	const struct m_subscription_update *m = body;
	struct saving *v = saving_new(r, m->subscription, false);

	if (v != NULL)
		row_change(&(struct row_change){.r = r,
			.noun = "subscription",
			.ref = m->ref,
			.if_version = m->if_version,
			.find = &SQL_SUBSCRIPTION_FIND,
			.write = &SQL_SUBSCRIPTION_UPDATE,
			.fill = fill_update,
			.done = updated,
			.fault = fault,
			.state = v});
}

void on_subscription_delete(struct rest *r, const void *body)
{
	const struct m_subscription_delete *m = body;

	row_change(&(struct row_change){.r = r,
		.noun = "subscription",
		.ref = m->ref,
		.if_version = m->if_version,
		.find = &SQL_SUBSCRIPTION_FIND,
		.write = &SQL_SUBSCRIPTION_DELETE,
		.done = row_gone});
}

static void fill_test(struct db_args *a, void *arg)
{
	const struct rest *r = arg;
	struct uuid id = uuid_v7(clock_wall_ms());

	db_uuid(a, &id);
	db_text(a, ((const struct m_subscription_test *)r->body)->ref);
}

static void tested(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rest *r = arg;

	(void)t;
	(void)n;
	if (f != NULL) {
		row_fault(r, f);
	} else if (db_rows(res[0]) == 0) {
		rest_refuse(r, CN_NOT_FOUND, "subscription", "there is no subscription '%s'",
			((const struct m_subscription_test *)r->body)->ref);
	} else {
		notify_look(r->gateway);
		rest_reply(r, &m_ok_desc, &(struct m_ok){.has = 0});
	}
}

void on_subscription_test(struct rest *r, const void *body)
{
	(void)body;
	db_query(r->gateway->service->db, &SQL_NOTICE_TEST, fill_test, tested, r);
}
