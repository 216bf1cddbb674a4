// SPDX-License-Identifier: Apache-2.0
/* store_begin: opens a stream for one version, or says that it is stored already (ST-5). */
#include <string.h>

#include "services/storage/sql.h"

static void answer_done(struct call *call, const struct sql_known *k)
{
	struct m_stored result = k->stored;
	const struct m_store_stream reply = {.chunk_max = CHUNK_MAX, .result = &result};
	result.outcome = STORE_OUTCOME_COMMITTED;
	result.flags_n = sql_flags(k->flags, &call->arena, &result.flags);
	call_reply(call, &reply);
	draft_leave();
}

/* A version counts once its signature is on the medium (ST-6). */
static void signed_now(void *arg, const struct fault *f)
{
	struct call *call = arg;
	if (f == NULL) {
		answer_done(call, call->state);
		return;
	}
	call_fault(call, f);
	draft_leave();
}

static void keep_known(struct call *call, const struct sql_known *k)
{
	struct sql_known *copy = arena_dup(&call->arena, k, sizeof(*k));
	bug_if(copy == NULL);
	copy->flags = arena_strdup(&call->arena, k->flags);
	bug_if(copy->flags == NULL);
	call->state = copy;
	recover_sign(&copy->stored.version, signed_now, call);
}

static void checked(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct sql_known k;
	(void)t;
	(void)n;
	if (f != NULL) {
		struct fault why = FAULT_INIT;
		catalogue_fault(f, &why);
		call_fault(call, &why);
		draft_leave();
		return;
	}
	sql_known_read(r[0], false, &k);
	if (strcmp(k.verdict, "done") == 0) {
		keep_known(call, &k);
	} else if (k.verdict[0] != 0) {
		struct fault why = FAULT_INIT;
		(void)store_refused(k.verdict, &why);
		call_fault(call, &why);
		draft_leave();
	} else if (k.quota[0] != 0 && strcmp(k.quota, "reserved") != 0) {
		call_refuse(call, CN_QUOTA_EXCEEDED, "quota", "quota of %s", k.quota);
		draft_leave();
	} else {
		struct draft *d = draft_new(call->body);
		d->reserved = k.quota[0] != 0;
		const struct m_store_stream reply = {.stream = d->stream, .chunk_max = CHUNK_MAX};
		call_reply(call, &reply);
	}
}

static void placed(struct call *call)
{
	sql_begin(call, checked);
}

static bool good_format(const char *format)
{
	int kind = format == NULL ? 0 : object_kind_parse(format);
	return kind != 0 && kind != OBJECT_META;
}

void on_store_begin(struct call *call)
{
	const struct m_store_begin *ask = call->body;
	bool by_content = ask->kind == VERSION_KIND_FILE && ask->format == NULL;
	if (!by_content && !good_format(ask->format))
		call_refuse(call, CN_VALIDATION_FAILED, "format", "unknown format");
	else if (app.place_fault.code != 0 && app.place_fault.code != CN_STORE_FULL)
		call_fault(call, &app.place_fault); /* a full vault may still hear: unchanged */
	else
		draft_place(call, placed);
}
