// SPDX-License-Identifier: Apache-2.0
/* Of somebody with a scope (fleet.md FL-69): a version of a device outside is not there. Files, the
 * destination list and what is in books for distribution are of no device: of nobody's scope. Lists
 * and the search narrow themselves. */
#include "services/storage/scope.h"

#include <stddef.h>

#include "services/storage/sql.h"

#define NAMES(ID, message, member, ...)                                                            \
	{                                                                                          \
		MSG_##ID, offsetof(struct m_##message, member), __VA_ARGS__                        \
	}
/* What each request names, and how it says that there is no such thing. */
static const struct {
	uint16_t id;
	size_t offset, other; /* of uuids; other 0 = one only */
	bool device;          /* not a version */
	const char *reason, *text;
} rules[] = {
	NAMES(VERSION_GET, version_get, id, 0, false, "no_version", "no such version"),
	NAMES(VERSION_AT, version_at, device, 0, true, "no_version",
		"no such version of that time"),
	NAMES(VERSION_OPEN, version_open, id, 0, false, "item", "no such version or item"),
	NAMES(VERSION_ENTRIES, version_entries, id, 0, false, "no_version", "no such version"),
	NAMES(VERSION_DIFF, version_diff, a, offsetof(struct m_version_diff, b), false,
		"no_version", "no such version"),
	NAMES(VERSION_VERIFY, version_verify, id, 0, false, "no_version", "no such version"),
	NAMES(VERSION_PROTECT, version_protect, id, 0, false, "no_version", "no such version"),
	NAMES(VERSION_UNPROTECT, version_unprotect, id, 0, false, "no_version", "no such version"),
	NAMES(VERSION_COPIES, version_copies, id, 0, false, "no_version", "no such version"),
};

/* What narrows itself: lists, the search, a stream that was opened, books of the sets that are
 * seen. */
static const uint16_t narrow[] = {MSG_VERSION_LIST, MSG_ENTRY_SEARCH, MSG_VERSION_READ,
	MSG_DIST_BOOK_LIST, MSG_DIST_BOOK_GET};

bool scope_knows(uint16_t id)
{
	for (size_t i = 0; i < array_len(narrow); i++)
		if (narrow[i] == id)
			return true;
	for (size_t i = 0; i < array_len(rules); i++)
		if (rules[i].id == id)
			return true;
	return false;
}

struct guarded {
	struct sql_scope ask;
	call_fn then;
	const char *reason, *text;
};

static void looked(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct sql_scope *ask = arg;
	struct guarded *g = container_of(ask, struct guarded, ask);

	(void)t;
	(void)n;
	if (f != NULL)
		catalogue_refuse(ask->call, f);
	else if (!db_get_bool(r[0], 0, 0))
		call_refuse(ask->call, CN_NOT_FOUND, g->reason, "%s", g->text);
	else if (!db_get_bool(r[0], 0, 1))
		call_refuse(ask->call, CN_OUT_OF_SCOPE, "outside",
			"your role does not reach this device");
	else
		g->then(ask->call);
}

void scope_guard(struct call *call, call_fn then)
{
	const char *body = call->body;
	struct guarded *g = arena_alloc(&call->arena, sizeof(*g));

	bug_if(g == NULL);
	*g = (struct guarded){.ask = {.call = call}, .then = then};
	for (size_t i = 0; i < array_len(rules); i++) {
		if (rules[i].id != call->desc->id)
			continue;
		const struct uuid *one = (const void *)(body + rules[i].offset);
		g->ask.device = rules[i].device ? one : NULL;
		g->ask.versions[0] = rules[i].device ? NULL : one;
		g->ask.versions[1] =
			rules[i].other == 0 ? NULL : (const void *)(body + rules[i].other);
		g->reason = rules[i].reason;
		g->text = rules[i].text;
	}
	if (g->reason != NULL)
		sql_in_scope(&g->ask, looked);
	else if (scope_knows(call->desc->id))
		then(call);
	else /* nobody thought of it */
		call_refuse(call, CN_OUT_OF_SCOPE, "scope",
			"%s is only for those who may see everything", call->desc->name);
}
