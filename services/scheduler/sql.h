// SPDX-License-Identifier: Apache-2.0
/* All SQL of the scheduler stands in sql*.c; here are the names. Parameters are listed in order. */
#pragma once

#include "common/base/buf.h"
#include "common/db/db.h"
#include "services/scheduler/filter.h"

/* ---- conditions made of filters ---- */

#define SQL_VALUES_MAX 2048u

/* Values of all filters of one statement: one text[] parameter. */
struct sql_values {
	const char *v[SQL_VALUES_MAX];
	size_t n;
};

extern const struct filter_field FILTER_DEVICES[]; /* fleet.md 1.1 */
extern const struct filter_field FILTER_GROUPS[];
extern const struct filter_field FILTER_TASKS[];

/* Whose groups "group = NAME" finds, those that are not seen being not there (FL-69): an SQL
 * expression for sql_condition(), of the scope that asks. NULL = everything is seen. */
struct sql_seen {
	char text[40];
};
struct sql_seen sql_seen_by(
	const char *scope, unsigned param, struct buf *out, struct sql_values *values);
/* Appends a condition on the row "d"; param: number of the text[] parameter. NULL = true.
 * Sets out->err when there are more values than SQL_VALUES_MAX. */
void sql_condition(const struct filter *f, unsigned param, const char *seen, struct buf *out,
	struct sql_values *values);
/* Appends " and " and one of SQL_WITHIN_…, of that scope. */
void sql_within(const char *within, unsigned param, const char *scope, struct buf *out,
	struct sql_values *values);
/* Appends " and … order by … limit …" for a page of rows "d" with parameters 1: values of the
 * filter, 2: the last name or null, 3: the last id or null, 4: limit. order: an expression of
 * sql*.c. */
void sql_page(struct buf *out, const char *order, bool descending);
/* The text[] parameter. */
void sql_values_add(struct db_args *a, const struct sql_values *values);

/* ---- sql_fleet.c: the parameters stand there ---- */

extern const struct db_sql SQL_DEVICE_FIND;
extern const struct db_sql SQL_DEVICE_GET;
extern const struct db_sql
	SQL_DEVICE_RESOLVE; /* refs → ref, id, name, family, two per ref at most */
extern const struct db_sql SQL_DEVICE_PUT;
extern const struct db_sql SQL_DEVICE_UPDATE;
extern const struct db_sql SQL_DEVICE_STATE;
extern const struct db_sql SQL_DEVICE_REPIN;
extern const struct db_sql SQL_DEVICE_REPINNED;
extern const struct db_sql SQL_SITE_LIST;
extern const struct db_sql SQL_SITE_GET;
extern const struct db_sql SQL_SITE_FIND;
extern const struct db_sql SQL_SITE_PUT;
extern const struct db_sql SQL_SITE_DELETE;
extern const struct db_sql SQL_SCOPE_FIND;
extern const struct db_sql SQL_SCOPE_DEVICE;
extern const struct db_sql SQL_SCOPE_GROUP;
extern const struct db_sql SQL_SCOPE_OWN_GROUP;
extern const struct db_sql SQL_SCOPE_TASK;
extern const struct db_sql SQL_SCOPE_RUN;
extern const struct db_sql SQL_SCOPE_JOB;
extern const struct db_sql SQL_SCOPE_WINDOW;
extern const struct db_sql SQL_SCOPE_CREDENTIAL;
extern const struct db_sql SQL_SCOPE_SET;
extern const struct db_sql SQL_SCOPE_CANDIDATE;
extern const struct db_sql SQL_SCOPE_BOOK;
extern const struct db_sql SQL_SCOPE_WIDENS;
extern const struct db_sql SQL_DEVICE_WIDENS;
extern const struct db_sql SQL_SCOPE_TARGETS;
extern const struct db_sql SQL_RUN_NARROW;
/* Beginnings of a condition on the row "d", for list_def.within */
extern const char SQL_WITHIN_DEVICES[];
extern const char SQL_WITHIN_GROUPS[];
extern const char SQL_WITHIN_TASKS[];
extern const char SQL_WITHIN_SETS[];
extern const char SQL_WITHIN_CANDIDATES[];
extern const struct db_sql SQL_GROUP_FIND;
extern const struct db_sql SQL_GROUP_GET;
extern const struct db_sql SQL_GROUP_INSERT;
extern const struct db_sql SQL_GROUP_UPDATE;
extern const struct db_sql SQL_GROUP_DELETE;
extern const struct db_sql SQL_GROUP_IN_USE;
extern const struct db_sql SQL_GROUP_MEMBERS;
extern const struct db_sql SQL_GROUPS_BELOW;
extern const struct db_sql SQL_GROUPS_LOCK;
extern const struct db_sql SQL_GROUP_DEPTH;
extern const struct db_sql SQL_GROUP_ADD_DEVICES;
extern const struct db_sql SQL_GROUP_ADD_GROUPS;
extern const struct db_sql SQL_GROUP_DROP_DEVICES;
extern const struct db_sql SQL_GROUP_DROP_GROUPS;
extern const struct db_sql SQL_GROUP_TOUCH;
extern const struct db_sql SQL_RESOLVE_DEVICES;
extern const struct db_sql SQL_RESOLVE_GROUPS;
extern const struct db_sql SQL_CREDENTIAL_LIST;
extern const struct db_sql SQL_CREDENTIAL_GET;
extern const struct db_sql SQL_CREDENTIAL_FIND;
extern const struct db_sql SQL_CREDENTIAL_PUT;
extern const struct db_sql SQL_CREDENTIAL_SEEN;
extern const struct db_sql SQL_HOLD_LIFT;
extern const struct db_sql SQL_CREDENTIAL_DELETE;
extern const struct db_sql SQL_CREDENTIAL_OF;
extern const struct db_sql SQL_CREDENTIAL_NAMED;
extern const struct db_sql SQL_RESOLVE_CREDENTIALS;

/* sql_candidate.c */
extern const struct filter_field FILTER_CANDIDATES[];
extern const char SQL_CANDIDATE_LIST[];
extern const struct db_sql SQL_CANDIDATE_GET;
extern const struct db_sql SQL_CANDIDATE_LOCK;
extern const struct db_sql SQL_CANDIDATE_IGNORE;
extern const struct db_sql SQL_CANDIDATE_ENROLLED;
extern const struct db_sql SQL_CANDIDATES_FOUND;
extern const struct db_sql SQL_RUN_DISCOVERY;
extern const struct db_sql SQL_OPEN_SLICES;

extern const char SQL_DEVICE_LIST[]; /* to be continued by list.c */
extern const char SQL_GROUP_LIST[];  /* to be continued by list.c */

/* ---- sql_task.c: the parameters stand there ---- */

extern const struct db_sql SQL_TASK_FIND;
extern const struct db_sql SQL_TASK_GET;
extern const struct db_sql SQL_TASK_INSERT;
extern const struct db_sql SQL_TASK_UPDATE;
extern const struct db_sql SQL_TASK_DELETE;
extern const struct db_sql SQL_PASSWORD_KEEP;
extern const struct db_sql SQL_TASK_DUE;
extern const struct db_sql SQL_TASK_ASIDE;
extern const struct db_sql SQL_TASK_FIRED;
extern const struct db_sql SQL_TASK_REPLAN;
extern const struct db_sql SQL_RESOLVE_TASKS;
extern const struct db_sql SQL_FIRING_INSERT;
extern const struct db_sql SQL_ONE_SNAPSHOT;
extern const struct db_sql SQL_RUN_INSERT;
extern const struct db_sql SQL_RUN_OF_FIRING;
extern const struct db_sql SQL_RUN_MISSED;
extern const struct db_sql SQL_TASK_RAN;
extern const struct db_sql SQL_RUN_GET;
extern const struct db_sql SQL_RUN_LIST;
extern const struct db_sql SQL_RUN_LOCK;
extern const struct db_sql SQL_RUN_COUNTS;
extern const struct db_sql SQL_RUN_FOLD;
extern const struct db_sql SQL_RUN_CHANGE;
extern const struct db_sql SQL_RUN_OPENED;
extern const struct db_sql SQL_RUN_MEMBERS;
extern const struct db_sql SQL_OPEN_TIME;
extern const struct db_sql SQL_RUN_CHANGES;
extern const struct db_sql SQL_RUN_AS_IT_WAS;
extern const struct db_sql SQL_RUN_OPENING;
extern const struct db_sql SQL_OPENING_LATER;
extern const struct db_sql SQL_OPENING_ENDS;
extern const struct db_sql SQL_RUN_LIVE;
extern const struct db_sql SQL_RUN_TARGETS;
extern const struct db_sql SQL_RUN_OUTCOMES;
extern const struct db_sql SQL_RERUN_CHECK;
extern const struct db_sql SQL_RERUN_DEVICES;
extern const char SQL_TASK_LIST[]; /* to be continued by list.c */

/* ---- sql_job.c: the parameters stand there ---- */

extern const struct db_sql SQL_JOB_CLAIM;
extern const struct db_sql SQL_JOB_REFUSE;
extern const struct db_sql SQL_WORKER_SEEN;
extern const struct db_sql SQL_JOB_RENEW;
extern const struct db_sql SQL_JOB_ADVANCE;
extern const struct db_sql SQL_ACTIVE_LOCK, SQL_JOB_READ;
extern const struct db_sql SQL_JOB_END;
extern const struct db_sql SQL_JOB_LAST;
extern const struct db_sql SQL_JOB_SEEN;
extern const struct db_sql SQL_DEVICE_EFFECT;
extern const struct db_sql SQL_JOB_GIVE_BACK;
extern const struct db_sql SQL_JOB_GET;
extern const struct db_sql SQL_JOB_TRANSITIONS;
extern const struct db_sql SQL_STOP_READY;
extern const struct db_sql SQL_STOP_LATER;
extern const struct db_sql SQL_STOP_LOOK;
extern const struct db_sql SQL_STOP_ACTIVE;
extern const struct db_sql SQL_JOB_CANCEL;
extern const struct db_sql SQL_JOB_CANCEL_TOLD;
extern const struct db_sql SQL_RUN_CANCEL;
extern const struct db_sql SQL_LATER_READY;
extern const struct db_sql SQL_SUSPECT_LOCK;
extern const struct db_sql SQL_SUSPECT_READY;
extern const struct db_sql SQL_EXPIRED;
extern const struct db_sql SQL_WORKER_JOBS;
extern const struct db_sql SQL_WORKER_DIED;
extern const struct db_sql SQL_LATE_BLAME;
extern const struct db_sql SQL_WORKER_LIST;
extern const struct db_sql SQL_HOLD_OVER;
extern const struct db_sql SQL_PURGE;
extern const struct db_sql SQL_PURGE_HISTORY;

/* ---- sql_plan.c: the parameters stand there ---- */

extern const struct db_sql SQL_RUN_RULES;
extern const struct db_sql SQL_OPEN_FROM_RUN;
extern const struct db_sql SQL_HELD_WAVES;
extern const struct db_sql SQL_HELD_GROWTH;
extern const struct db_sql SQL_HELD_READY;
extern const struct db_sql SQL_HELD_FREE;
extern const struct db_sql SQL_HELD_MORE;
extern const struct db_sql SQL_RUN_HOLD;
extern const struct db_sql SQL_PLAN_TOTALS;
extern const struct db_sql SQL_PLAN_MADE;
extern const struct db_sql SQL_WAVE_OPEN;
extern const struct db_sql SQL_WAVE_SET;
extern const struct db_sql SQL_APPLY_CHECK;
extern const struct db_sql SQL_APPLY_INSERT;
extern const struct db_sql SQL_APPLY_BY_ITSELF;
extern const struct db_sql SQL_PLAN_APPLIED;
extern const struct db_sql SQL_PLAN_ALWAYS;
extern const struct db_sql SQL_GROWTH_APPROVED;
extern const struct db_sql SQL_REVERT_CHECK;
extern const struct db_sql SQL_CONFIRM;
extern const struct db_sql SQL_REVERT_INSERT;
extern const struct db_sql SQL_REVERTED_BY;
extern const struct db_sql SQL_CONFIRM_OVER;
extern const struct db_sql SQL_RESTART_LATER;
extern const struct db_sql SQL_APPROVAL_OVER;
extern const struct db_sql SQL_APPROVAL_ENDED;
extern const char SQL_SET_LIST[]; /* to be continued by list.c */
extern const struct db_sql SQL_SET_GET;
extern const struct db_sql SQL_SET_FIND;
extern const struct db_sql SQL_SET_PUT;
extern const struct db_sql SQL_SET_UPDATE;
extern const struct db_sql SQL_SET_DEVICES;
extern const struct db_sql SQL_SET_GROUPS;
extern const struct db_sql SQL_SET_DYNAMIC;
extern const struct db_sql SQL_SET_DELETE;
extern const struct db_sql SQL_JOB_JOURNAL;
extern const struct db_sql SQL_DEVICE_ATTENTION;

/* ---- sql_window.c: the parameters stand there ---- */

extern const struct db_sql SQL_WINDOW_LIST;
extern const struct db_sql SQL_WINDOW_GET;
extern const struct db_sql SQL_WINDOW_FIND;
extern const struct db_sql SQL_WINDOW_PUT;
extern const struct db_sql SQL_WINDOW_DELETE;
extern const struct db_sql SQL_WINDOW_FREE;
extern const struct db_sql SQL_WINDOW_BIND;
extern const struct db_sql SQL_WINDOW_RULES;
extern const struct db_sql SQL_WINDOW_TOGETHER;
extern const struct db_sql SQL_WINDOW_OF_DEVICE;
extern const struct db_sql SQL_RUN_AT;
extern const struct db_sql SQL_RUN_OVERRIDE;
extern const struct db_sql SQL_PLACE_RUN;
extern const struct db_sql SQL_PLACE_KEYS;
extern const struct db_sql SQL_PLACE_JOBS;
extern const struct db_sql SQL_JOB_CLOSED;
extern const struct db_sql SQL_JOB_NEVER;
extern const struct db_sql SQL_ACTIVE_CUT_AT;
extern const struct db_sql SQL_ACTIVE_CUT;

/* Parts of the statement that opens a run (open.c). */
#define SQL_OPEN_VALUES 8u
extern const char SQL_OPEN_HEAD[], SQL_OPEN_ALL[], SQL_OPEN_EXCEPT[], SQL_OPEN_EXCEPT_FILTER[];
extern const struct db_sql SQL_OPEN_ALONE;
/* sql_sequence.c */
extern const struct db_sql SQL_STEP_KINDS, SQL_STEP_OF;
extern const struct db_sql SQL_SEQUENCE_STEPS, SQL_SEQUENCE_FIRST, SQL_SEQUENCE_REST;
extern const struct db_sql SQL_SEQUENCE_BEGUN, SQL_SEQUENCE_GATE, SQL_SEQUENCE_NEXT;
extern const struct db_sql SQL_SEQUENCE_OVER;
extern const char SQL_OPEN_TAIL[], SQL_OPEN_COUNTS[], SQL_OPEN_SAVE[];
extern const char SQL_OPEN_SEEN[];
#define SQL_OPEN_FILTER                                                                            \
	" union all select d.id, ($5::text[])[%zu], 2 from fleet.device d where d.state <> 5 and "

/* ---- sql_outbox.c ---- */

extern const struct db_sql SQL_OUTBOX_TAKE;
extern const struct db_sql SQL_OUTBOX_DONE;
extern const struct db_sql SQL_OUTBOX_WANT;
extern const struct db_sql SQL_OUTBOX_FAILED;
extern const struct db_sql SQL_OUTBOX_PURGE;
extern const struct db_sql SQL_TELL_OVERDUE;
extern const struct db_sql SQL_TELL_CONFLICTS;
