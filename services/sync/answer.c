// SPDX-License-Identifier: Apache-2.0
/* Rows to messages, and answers that every handler gives in the same words. */
#include <string.h>

#include "services/sync/sync.h"

void ref_args(struct db_args *a, const char *ref)
{
	struct uuid id;

	if (uuid_parse(ref, &id) == 0)
		db_uuid(a, &id);
	else
		db_null(a);
	db_text(a, ref);
}

void answer_fault(struct call *call, const struct fault *f)
{
	if (strcmp(f->reason, "23503") == 0)
		call_refuse(call, CN_CONFLICT, "in_use", "the group has members");
	else if (strcmp(f->reason, "23514") == 0 || strncmp(f->reason, "22", 2) == 0)
		call_refuse(call, CN_VALIDATION_FAILED, "out_of_range",
			"a value is outside its bounds");
	else
		call_fault(call, f);
}

void give_up(struct txn *t, struct call *call, const struct fault *f)
{
	db_rollback(t);
	call_fault(call, f);
}

/* NULL for "": absent in messages. */
static const char *text(struct call *call, const struct db_result *r, int row, int col)
{
	const char *s = db_get_text(r, row, col);

	if (*s == '\0')
		return NULL;
	s = arena_strdup(&call->arena, s);
	bug_if(s == NULL);
	return s;
}

struct m_sync_group *group_rows(struct call *call, const struct db_result *r)
{
	int n = db_rows(r);
	struct m_sync_group *groups = arena_array(&call->arena, (size_t)n + 1, sizeof(*groups));

	bug_if(groups == NULL);
	for (int i = 0; i < n; i++)
		groups[i] = (struct m_sync_group){
			.has = HAS_SYNC_GROUP__MEMBERS,
			.id = db_get_uuid(r, i, 0),
			.name = text(call, r, i, 1),
			.note = text(call, r, i, 2),
			.version = (uint64_t)db_get_int(r, i, 3),
			.members = (uint64_t)db_get_int(r, i, 4),
			.server = db_get_uuid(r, i, 5),
		};
	return groups;
}

struct m_sync_member *member_rows(struct call *call, const struct db_result *r)
{
	int n = db_rows(r);
	struct m_sync_member *members = arena_array(&call->arena, (size_t)n + 1, sizeof(*members));

	bug_if(members == NULL);
	for (int i = 0; i < n; i++)
		members[i] = (struct m_sync_member){
			.device = db_get_uuid(r, i, 0),
			.device_name = text(call, r, i, 1),
			.role = (enum sync_role)db_get_int(r, i, 2),
			.state = (enum sync_state)db_get_int(r, i, 3),
			.destination = text(call, r, i, 4),
			.seen_at = db_get_time_ms(r, i, 5),
			.version = (uint64_t)db_get_int(r, i, 6),
		};
	return members;
}

bool group_found(const struct db_result *r, struct fault *reterr)
{
	if (db_rows(r) == 1)
		return true;
	return fault_why(reterr, CN_NOT_FOUND, "sync_group", "no such sync group") == 0;
}

bool version_fits(uint64_t wanted, uint64_t present, struct fault *reterr)
{
	if (wanted == 0 || wanted == present)
		return true;
	(void)fault_why(reterr, CN_CONFLICT, "version",
		"it changed meanwhile: version %llu, not %llu", (unsigned long long)present,
		(unsigned long long)wanted);
	reterr->needs = (unsigned)wanted; /* said in numbers, too (FL-70) */
	reterr->has = (unsigned)present;
	return false;
}

void answer_group(struct call *call, const struct db_result *r)
{
	struct fault f = FAULT_INIT;

	if (group_found(r, &f))
		call_reply(call, &(struct m_sync_group_one){.group = group_rows(call, r)});
	else
		call_fault(call, &f);
}

void answer_members(struct call *call, const struct db_result *r)
{
	struct m_sync_member_page page = {
		.items = member_rows(call, r),
		.items_n = (size_t)db_rows(r),
	};

	call_reply(call, &page);
}
