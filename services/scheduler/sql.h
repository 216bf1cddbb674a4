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

/* Appends a condition on the row "d"; param: number of the text[] parameter. NULL = true.
 * Sets out->err when there are more values than SQL_VALUES_MAX. */
void sql_condition(const struct filter *f, unsigned param, struct buf *out, struct sql_values *values);
/* The text[] parameter. */
void sql_values_add(struct db_args *a, const struct sql_values *values);

/* ---- fleet ---- */

extern const struct db_sql SQL_DEVICE_FIND;   /* id|null, name|null → id, version, state; locks */
extern const struct db_sql SQL_DEVICE_GET;    /* id|null, name|null → device row */
extern const struct db_sql SQL_DEVICE_INSERT; /* 26: see rows.c device_args → id */
extern const struct db_sql SQL_DEVICE_UPDATE; /* 26, null keeps → id */
extern const struct db_sql SQL_DEVICE_STATE;  /* id, state, cause */
extern const struct db_sql SQL_DEVICE_IMPORT; /* 24 arrays → place, inserted */

extern const struct db_sql SQL_SITE_LIST, SQL_SITE_PUT, SQL_SITE_DELETE;

extern const struct db_sql SQL_GROUP_FIND, SQL_GROUP_GET, SQL_GROUP_INSERT, SQL_GROUP_UPDATE;
extern const struct db_sql SQL_GROUP_DELETE, SQL_GROUP_IN_USE;
extern const struct db_sql SQL_GROUP_MEMBERS, SQL_GROUP_BELOW, SQL_GROUP_DEPTH;
extern const struct db_sql SQL_GROUP_ADD_DEVICES, SQL_GROUP_ADD_GROUPS;
extern const struct db_sql SQL_GROUP_DROP_DEVICES, SQL_GROUP_DROP_GROUPS, SQL_GROUP_TOUCH;
extern const struct db_sql SQL_RESOLVE_DEVICES, SQL_RESOLVE_GROUPS; /* text[] → id, ref */
extern const struct db_sql SQL_GROUPS_LOCK;

extern const struct db_sql SQL_CREDENTIAL_LIST, SQL_CREDENTIAL_PUT, SQL_CREDENTIAL_DELETE;
extern const struct db_sql SQL_CREDENTIAL_GET, SQL_CREDENTIAL_OF;

/* ---- tasks and runs ---- */

extern const struct db_sql SQL_TASK_FIND, SQL_TASK_GET, SQL_TASK_INSERT, SQL_TASK_UPDATE;
extern const struct db_sql SQL_TASK_DELETE, SQL_TASK_DUE, SQL_TASK_FIRED, SQL_TASK_RAN;
extern const struct db_sql SQL_FIRING_INSERT;

extern const struct db_sql SQL_RUN_INSERT, SQL_RUN_GET, SQL_RUN_LIST, SQL_RUN_LOCK, SQL_RUN_COUNTS;
extern const struct db_sql SQL_RUN_OPENED, SQL_RUN_CHANGE, SQL_RUN_END, SQL_RUN_FOLD;
extern const struct db_sql SQL_RUN_OPENING, SQL_RUN_SNAPSHOT, SQL_RUN_TARGETS, SQL_RUN_OUTCOMES;
extern const struct db_sql SQL_RUN_CANCELLING, SQL_RUN_STOP, SQL_RUN_LIVE, SQL_RUN_LATE;
extern const struct db_sql SQL_RERUN_CHECK, SQL_RERUN_DEVICES;

/* ---- jobs ---- */

extern const struct db_sql SQL_JOB_CLAIM, SQL_JOB_REFUSE, SQL_JOB_RENEW, SQL_JOB_RENEW_LOST;
extern const struct db_sql SQL_JOB_ADVANCE, SQL_JOB_LOCK, SQL_JOB_END, SQL_JOB_LAST, SQL_JOB_SEEN;
extern const struct db_sql SQL_JOB_GIVE_BACK, SQL_JOB_GET, SQL_JOB_CANCEL, SQL_JOB_TRANSITIONS;
extern const struct db_sql SQL_LATER_READY, SQL_SUSPECT_READY;
extern const struct db_sql SQL_EXPIRED, SQL_WORKER_JOBS, SQL_WORKER_LOST, SQL_WORKER_SEEN;
extern const struct db_sql SQL_WORKER_LIST, SQL_HOLD_OVER, SQL_PURGE;
