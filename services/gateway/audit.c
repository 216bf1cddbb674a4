// SPDX-License-Identifier: Apache-2.0
/* The audit trail: lines gathered while the last append runs, one transaction per gathering. */
#include "services/gateway/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/db/db.h"
#include "services/gateway/sql.h"

#define LATE_MAX 10000u /* more are in the log only */
#define AGAIN_MS 1000u

struct audit {
	struct gateway *gateway;
	struct db_batch *batch;
	struct timer *again;
	struct line *late, **late_end; /* that nobody waits for and that could not be written */
	unsigned late_n;
};

struct line {
	struct rest *waiting; /* NULL = nobody waits */
	struct uuid trace;
	char *actor, *origin, *verb, *object, *outcome, *scope; /* scope: NULL = everywhere */
	uint8_t digest[SHA256_LEN];
	bool digested, logged;
	struct line *next; /* late */
};

struct append {
	struct audit *audit;
	struct db_batch *batch;
	size_t n;
	struct line *lines[];
};

static void line_free(struct line *l)
{
	free(l->actor);
	free(l->origin);
	free(l->verb);
	free(l->object);
	free(l->outcome);
	free(l->scope);
	free(l);
}

/* Nobody waits for it: said aloud, and tried again. */
static void keep(struct audit *audit, struct line *l, const struct fault *why)
{
	if (!l->logged)
		log_error(L("the audit trail could not be written"), L_STR("actor", l->actor),
			L_STR("verb", l->verb), L_STR("object", l->object),
			L_STR("outcome", l->outcome), L_STR("why", why->detail));
	l->logged = true;
	if (audit->late_n == LATE_MAX) {
		line_free(l);
		return;
	}
	l->next = NULL;
	*audit->late_end = l;
	audit->late_end = &l->next;
	audit->late_n++;
	timer_set(audit->again, AGAIN_MS, 0);
}

static void again(void *arg)
{
	struct audit *audit = arg;
	struct line *l = audit->late, *next;

	audit->late = NULL;
	audit->late_end = &audit->late;
	audit->late_n = 0;
	for (; l != NULL; l = next) {
		next = l->next;
		db_batch_put(audit->batch, l);
	}
}

static void appended(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct append *a = arg;

	(void)t;
	(void)res;
	(void)n;
	for (size_t i = 0; i < a->n; i++) {
		struct rest *r = a->lines[i]->waiting;
		if (r == NULL && f != NULL) {
			keep(a->audit, a->lines[i], f);
			continue;
		}
		line_free(a->lines[i]);
		if (r == NULL)
			continue;
		if (f == NULL) {
			r->then(r);
			continue;
		}
		r->who.known = false; /* the refusal itself cannot be noted either */
		rest_refuse(r, CN_INTERNAL_ERROR, "audit",
			"the audit trail cannot be written; nothing was changed");
	}
	db_batch_done(a->batch);
	free(a);
}

static struct span digest_of(const struct line *l)
{
	return l->digested ? (struct span){l->digest, sizeof(l->digest)} : (struct span){NULL, 0};
}

static void fill(struct db_args *args, void *arg)
{
	const struct append *a = arg;
	static const size_t columns[] = {offsetof(struct line, actor),
		offsetof(struct line, origin), offsetof(struct line, verb),
		offsetof(struct line, object), offsetof(struct line, outcome)};

	/* the last two columns are those that may be null */
	for (size_t c = 0; c < array_len(columns); c++) {
		db_array(args);
		for (size_t i = 0; i < a->n; i++) {
			char *const *text =
				(char *const *)(const void *)((const char *)a->lines[i] +
							      columns[c]);
			db_text(args, *text);
		}
		db_array_end(args);
	}
	db_array(args);
	for (size_t i = 0; i < a->n; i++)
		db_uuid(args, &a->lines[i]->trace);
	db_array_end(args);
	db_array(args);
	for (size_t i = 0; i < a->n; i++)
		db_bytes(args, digest_of(a->lines[i]));
	db_array_end(args);
	db_array(args);
	for (size_t i = 0; i < a->n; i++)
		db_text(args, a->lines[i]->scope);
	db_array_end(args);
}

static void append(struct db_batch *b, void **items, size_t n, void *arg)
{
	struct audit *audit = arg;
	struct append *a = mem_alloc(sizeof(*a) + n * sizeof(a->lines[0]));

	a->audit = audit;
	a->batch = b;
	a->n = n;
	for (size_t i = 0; i < n; i++)
		a->lines[i] = items[i];
	db_query(audit->gateway->service->db, &SQL_AUDIT_APPEND, fill, appended, a);
}

struct audit *audit_new(struct gateway *g)
{
	struct audit *audit = mem_alloc(sizeof(*audit));

	audit->gateway = g;
	audit->batch = db_batch_new(256, append, audit);
	audit->again = timer_new(g->service->loop, again, audit);
	audit->late = NULL;
	audit->late_end = &audit->late;
	audit->late_n = 0;
	return audit;
}

/* Names of tokens are not unique. */
static char *actor_of(const struct person *who)
{
	char id[UUID_TEXT], text[sizeof(who->name) + sizeof(id)];

	if (uuid_is_nil(&who->token))
		return mem_strdup(who->name);
	(void)snprintf(text, sizeof(text), "%s %s", who->name, uuid_format(&who->token, id));
	return mem_strdup(text);
}

static void put(struct rest *r, const char *outcome, const char *content, struct rest *waiting)
{
	struct line *l = mem_alloc(sizeof(*l));

	l->waiting = waiting;
	l->trace = r->trace;
	l->actor = actor_of(&r->who);
	l->scope = r->who.scope == NULL ? NULL : mem_strdup(r->who.scope);
	l->origin = mem_strdup(r->origin);
	l->verb = mem_strdup(
		r->match.route == NULL ? http_method(r->http) : r->match.route->request->name);
	l->object = mem_strdup(r->object);
	l->outcome = mem_strdup(outcome);
	l->digested = content != NULL;
	if (content != NULL)
		sha256((struct span){(const uint8_t *)content, strlen(content)}, l->digest);
	db_batch_put(r->gateway->audit->batch, l);
}

/* What is asked, in one spelling and without secrets; NULL when it is no message. */
static char *asked(const struct rest *r)
{
	if (r->match.route == NULL)
		return NULL;
	json_t *doc = msg_to_json(r->match.route->request, r->body);
	char *text = doc == NULL ? NULL : json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(doc);
	return text;
}

void audit_change(struct rest *r)
{
	char *text = asked(r);

	r->noted = true;
	put(r, "accepted", text, r);
	free(text);
}

void audit_wait(struct rest *r, const char *outcome)
{
	put(r, outcome, NULL, r);
}

void audit_note(struct rest *r, const char *outcome)
{
	put(r, outcome, NULL, NULL);
}

void audit_done(struct rest *r, const char *answer)
{
	/* of a lock it is told when it is granted: it may be waited for */
	if (r->match.route == NULL || r->match.route->request->id != MSG_LOCK_DECLARE)
		put(r, "done", answer, NULL);
}
