// SPDX-License-Identifier: Apache-2.0
/* Several calls of one kind in one transaction, and what follows when the database refuses it. */
#include "services/scheduler/batch.h"

#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"

/* A call whose things are reported one at a time. */
struct apart {
	struct call *call; /* it */
	struct call part;  /* one of its things, as a call */
	struct call *parts[1];
	size_t k, n;
	bool instead; /* the part is said in other words */
	struct uuid *refused;
	size_t n_refused;
	struct arena arena; /* as long as this */
};

static void start(struct batch *b)
{
	arena_fini(&b->arena);
	arena_init(&b->arena, 0);
	b->replies = NULL;
	b->state = NULL;
	b->kind->start(b);
}

void batch_run(const struct batch_kind *kind, struct db_batch *queue, void **items, size_t n)
{
	struct batch *b = mem_alloc(sizeof(*b));

	b->kind = kind;
	b->queue = queue;
	b->all = mem_alloc(n * sizeof(*b->all));
	memcpy(b->all, items, n * sizeof(*b->all));
	b->n_all = n;
	b->calls = b->all;
	b->n = n;
	arena_init(&b->arena, 0);
	start(b);
}

static void end(struct batch *b)
{
	struct db_batch *queue = b->queue;

	arena_fini(&b->arena);
	free(b->all);
	free(b);
	db_batch_done(queue);
}

/* These calls are answered. Others are left where the batch did not succeed as a whole. */
static void go_on(struct batch *b)
{
	b->served += b->n;
	if (b->served == b->n_all) {
		end(b);
		return;
	}
	b->calls = &b->all[b->served];
	b->n = 1;
	start(b);
}

/* ---- one thing at a time ---- */

static size_t things(const struct batch_parts *p, const void *body)
{
	size_t n;

	memcpy(&n, (const char *)body + p->list_n, sizeof(n));
	return n;
}

/* The same request with its k-th thing only. */
static const void *one_of(
	const struct batch_parts *p, const void *body, size_t k, struct arena *arena)
{
	char *copy = arena_dup(arena, body, p->size);
	const char *list;
	size_t one = 1;

	bug_if(copy == NULL);
	memcpy(&list, copy + p->list, sizeof(list));
	list += k * p->item;
	memcpy(copy + p->list, &list, sizeof(list));
	memcpy(copy + p->list_n, &one, sizeof(one));
	return copy;
}

static struct uuid job_of(const struct batch_parts *p, const void *one)
{
	struct uuid job;
	const char *list;

	memcpy(&list, (const char *)one + p->list, sizeof(list));
	memcpy(&job, list + p->job, sizeof(job));
	return job;
}

static const void *refusal(
	const struct batch_parts *p, const struct uuid *jobs, size_t n, struct arena *arena)
{
	char *reply = arena_alloc(arena, p->reply_size);

	bug_if(reply == NULL);
	memset(reply, 0, p->reply_size);
	memcpy(reply + p->refused, &jobs, sizeof(jobs));
	memcpy(reply + p->refused_n, &n, sizeof(n));
	return reply;
}

static bool says_refused(const struct batch_parts *p, const void *reply)
{
	size_t n;

	memcpy(&n, (const char *)reply + p->refused_n, sizeof(n));
	return n > 0;
}

static void start_part(struct batch *b)
{
	struct apart *a = b->apart;

	a->part.body = one_of(b->kind->parts, a->call->body, a->k, &a->arena);
	a->instead = false;
	start(b);
}

static void take_apart(struct batch *b)
{
	struct apart *a = mem_alloc(sizeof(*a));

	a->call = b->calls[0];
	a->part = *a->call;
	a->parts[0] = &a->part;
	a->n = things(b->kind->parts, a->call->body);
	arena_init(&a->arena, 0);
	a->refused = arena_array(&a->arena, a->n, sizeof(*a->refused));
	bug_if(a->refused == NULL);
	b->apart = a;
	b->calls = a->parts;
	start_part(b);
}

/* f: the database failed; NULL: all was said. */
static void apart_over(struct batch *b, const struct fault *f)
{
	struct apart *a = b->apart;

	if (f != NULL)
		answer_fault(a->call, f);
	else
		call_reply(a->call, refusal(b->kind->parts, a->refused, a->n_refused, &a->arena));
	arena_fini(&a->arena);
	free(a);
	b->apart = NULL;
	go_on(b);
}

static void next_part(struct batch *b, bool refused)
{
	struct apart *a = b->apart;

	if (refused)
		a->refused[a->n_refused++] = job_of(b->kind->parts, a->part.body);
	if (++a->k < a->n)
		start_part(b);
	else
		apart_over(b, NULL);
}

static void part_failed(struct batch *b, const struct fault *f)
{
	struct apart *a = b->apart;
	struct uuid job = job_of(b->kind->parts, a->part.body);

	if (!db_refused(f)) {
		apart_over(b, f);
		return;
	}
	log_error(L("the database refuses what a worker reports"), L_UUID("job", &job),
		L_STR("message", a->call->desc->name), L_FAULT(f));
	if (b->kind->instead == NULL || a->instead) {
		next_part(b, true);
		return;
	}
	a->part.body = b->kind->instead(a->part.body, f, &a->arena);
	a->instead = true;
	start(b);
}

/* ---- public ---- */

void batch_fail(struct batch *b, const struct fault *f)
{
	if (b->apart != NULL) {
		part_failed(b, f);
		return;
	}
	if (db_refused(f) && b->n > 1) {
		b->n = 1;
		start(b);
		return;
	}
	if (db_refused(f) && b->kind->parts != NULL &&
		things(b->kind->parts, b->calls[0]->body) > 0) {
		take_apart(b);
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		answer_fault(b->calls[i], f);
	go_on(b);
}

void batch_answer(struct batch *b)
{
	const char *reply = b->replies;

	if (b->apart != NULL) {
		next_part(b, says_refused(b->kind->parts, b->replies));
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		call_reply(b->calls[i], reply + i * b->reply_size);
	go_on(b);
}
