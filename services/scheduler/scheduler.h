// SPDX-License-Identifier: Apache-2.0
/* What the handlers of the scheduler share. PostgreSQL holds the truth; here is only what is under
 * way. One thread. */
#pragma once

#include "common/db/db.h"
#include "common/service/service.h"
#include "gen/config.h"
#include "gen/errors.h"
#include "gen/msg.h"
#include "services/scheduler/job.h"
#include "services/scheduler/rows.h"
#include "services/scheduler/sql.h"

struct scheduler {
	struct service *service;
	struct scheduler_config config;
	/* what arrives while a transaction runs is served by the next (DESIGN "Batching") */
	struct db_batch *claims, *renewals, *steps, *journal, *results; /* of struct call */
	struct timer *tick;
};

extern struct scheduler scheduler;

int scheduler_start(struct service *s, struct fault *reterr);

/* ---- answers (answer.c) ---- */

/* Says what went wrong in the words of the API: a broken constraint is a conflict, not an accident.
 */
void answer_fault(struct call *call, const struct fault *f);
/* Whether what was to be written is to blame, or what it names: trying again changes nothing. Else
 * the database was away, busy or slow. */
bool fault_of_row(const struct fault *f);
/* m_ok when a transaction was committed whose result says nothing more; arg is the call. */
void answer_ok(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg);
/* "id or name" as the two parameters of every statement that finds by reference. */
void ref_args(struct db_args *a, const char *ref);
/* References of a request to devices or groups: the statement that resolves them, then their ids in
 * the order given; false: refused, because one names nothing or several. */
void refs_add(struct txn *t, const struct call *call, const struct db_sql *sql,
	const char *const *refs, size_t n);
bool refs_take(struct call *call, const struct db_result *r, const char *const *refs,
	const char *noun, const char *const **ret_ids);
/* The key of the request, so that a repeated call makes the same object; fresh when absent. */
struct uuid request_id(const struct call *call);
/* The one row of a find: refuses with not_found or ambiguous and returns false. */
bool found_one(struct call *call, const struct db_result *r, const char *noun);
/* A service by itself, or a person who has the role admin wherever they may do this. */
bool admin_asks(const struct call *call);
/* if_version of a change against the row's. */
/* Refuses: the object has another version than was named; both are said in numbers, too (FL-70). */
void version_stale(struct call *call, uint64_t wanted, uint64_t present);
bool version_fits(struct call *call, uint64_t wanted, uint64_t present);

/* One thing that is taken away when its version is that which was read: find answers id and
 * version, remove what is gone; both with the same parameters. */
struct removal {
	struct call *call;
	const struct db_sql *find, *remove;
	void (*args)(struct db_args *a, void *call);
	uint64_t if_version; /* 0 = any */
	const char *noun;
};
void remove_start(const struct removal *removal);

/* "name \x1f id" and back; the cursor of a list in order of names. */
const char *cursor_make(struct call *call, const char *name, const struct uuid *id);
bool cursor_read(struct call *call, const char *cursor, const char **ret_name, struct uuid *ret_id);
/* The page of a list that is asked for: what stands before it, and how many; limit 0 = 1000. NULL:
 * the call is answered. It is the call's state, and gives the parameters name, id and limit of a
 * statement, which finds one row more when there is a next page. */
struct page {
	const char *name;
	struct uuid id;
	size_t limit;
};
struct page *page_start(struct call *call, const char *cursor, uint64_t limit);
void page_args(struct db_args *a, const struct call *call);
/* How many of these rows are of the page; *ret_more: there is a next one. */
size_t page_rows(const struct call *call, const struct db_result *r, bool *ret_more);

/* ---- events (events.c): hints after a commit, at most ten a second for each run ---- */

void events_start(void);
/* The run's jobs moved: publishes its counts soon, and ends the run when all have ended (RL-7). */
void events_run(const struct uuid *run);
/* Rows of SQL_RUN_GET whose state has changed. */
void runs_publish(struct db_result *r, struct arena *arena);
void events_job(const struct m_job_changed *e);
void events_ready(const char *pool);
void events_device(const struct uuid *device, enum device_state state, const char *cause);

/* ---- ends of jobs (endings.c) ---- */

struct ending {
	struct uuid job, run, device;
	const char *device_name, *kind;
	uint64_t attempt;
	enum job_state was;
	struct job_verdict verdict;
	const struct m_job_outcome *report; /* NULL: the worker was lost */
	struct uuid lost_by;
	const char *detail;   /* without a report */
	enum write_step step; /* as last journaled */
};

/* One row of SQL_JOB_READ. */
struct locked_job {
	struct job job;
	size_t place; /* in the list that was asked for, from 0 */
	struct uuid worker, run, device;
	const char *device_name, *kind;
	bool lost; /* its last lease ended without a report */
};
void locked_job_read(struct db_result *r, int row, struct arena *arena, struct locked_job *ret_job);
/* Queues the statements that write n ends in this transaction. */
void endings_write(struct txn *t, const struct ending *ends, size_t n, struct arena *arena);
/* An event about jobs that just failed in this transaction, if somebody wants such; cause_of gives
 * the name of the i-th job's cause, NULL = it did not fail. */
void outbox_failed(struct txn *t, size_t n,
	const char *(*cause_of)(const void *list, size_t i, struct uuid *ret_job),
	const void *list);
/* After the commit: events. */
void endings_tell(const struct ending *ends, size_t n);
struct job_timers job_timers(void);
/* Notes in this transaction that a worker lives, every few seconds at most. */
void worker_seen(struct txn *t, const struct uuid *worker, const char *pool);
uint64_t random_u64(void);

/* Jobs whose lease ended, or all of a worker that is said to be dead (culprit nil: unknown); in the
 * background, each with a transaction of its own (orphans.c). */
void orphans_expired(void);
void orphans_of_worker(const struct uuid *worker, const struct uuid *culprit, const char *phase);

/* ---- opening a run (open.c) ---- */

#define OPENING_POOLS_MAX 32u

struct opening {
	struct uuid run, task, previous; /* previous: the run to compare with, or nil */
	const char *kind;
	bool from_run;                   /* its list is that of the run it applies or reverts */
	const struct m_targets *targets; /* NULL: exactly the devices below */
	const char *const *devices;      /* of a rerun: ids as text */
	size_t devices_n;
	const char *sees; /* of a preview: nothing else is counted; NULL = what its task may see */
	/* filled: pools that got ready jobs, to be told after the commit */
	const char *pools[OPENING_POOLS_MAX];
	size_t n_pools;
};
/* Continues a transaction that holds the run in state opening: resolves the targets, freezes the
 * list, inserts the jobs, and calls on with f NULL (then commit) or a fault (rolled back). */
typedef void (*opening_fn)(struct txn *t, const struct fault *f, void *arg);
/* o and the arena live until the transaction has ended. */
void opening_start(struct txn *t, struct opening *o, struct arena *arena, opening_fn fn, void *arg);
/* After the commit: workers may claim now. */
void opening_tell(const struct opening *o);

/* A run in state opening; its settings are those of the task now. One row comes back, none when the
 * run exists. A kind that writes begins with a plan. */
struct new_run {
	struct uuid run, task, rerun_of; /* nil: none */
	const char *kind, *cause;        /* now, rerun */
};
void run_insert(struct txn *t, const struct new_run *n);
/* What the list of this new run holds outside the scope of who starts it is left out (FL-69). */
void run_narrow(struct txn *t, const struct call *call, const struct uuid *run);
/* The answer of what opens, changes or cancels a run: the last result is SQL_RUN_GET's. */
void run_get_add(struct txn *t, const struct uuid *run);
void run_answer(struct call *call, struct db_result **r, size_t n);

/* The same list, only counted: rows of SQL_OPEN_COUNTS. run is the task or nil; kind is "". fn ends
 * the transaction. */
typedef void (*preview_fn)(struct txn *t, struct db_result *r, const struct fault *f, void *arg);
void opening_preview(
	struct txn *t, const struct opening *what, struct arena *arena, preview_fn fn, void *arg);
/* The same list, kept with its task: runs say who came and who went since it was saved (FL-23). */
void opening_remember(struct txn *t, const struct uuid *task, const struct m_targets *targets,
	struct arena *arena, preview_fn fn, void *arg);

/* ---- maintenance (sweep.c, planner.c, opener.c) ---- */

void sweep_start(void);
void planner_tick(void);
/* Runs in state opening get their list. */
void opener_next(void);
/* told.c: upkeep of what others are told of */
void told_minute(void);
void told_hour(void);
/* A transaction of step 1 has run ids; see on_run_cancel.c. */
void stop_run(struct txn *t, const struct uuid *run, enum job_state state, int cause);

/* Answers with the group of the last result. */
void group_answer(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg);
/* Answers with the distribution set of the last result. */
void set_answer(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg);
/* Asks for one set, as its caller sees it. */
void set_get_add(struct txn *t, const struct call *call, const struct uuid *id);
/* Takes the sealed password out of an answer. */
void task_hide(struct m_task *t);

/* ---- handlers, one per message ---- */

void on_device_list(struct call *call);
void on_device_get(struct call *call);
void on_device_resolve(struct call *call);
void on_device_create(struct call *call);
void on_device_update(struct call *call);
void on_device_set_state(struct call *call);
void on_device_repin(struct call *call);
void on_device_repin_approve(struct call *call);
void on_device_import(struct call *call);
void on_candidate_list(struct call *call);
void on_candidate_get(struct call *call);
void on_candidate_enrol(struct call *call);
void on_candidate_ignore(struct call *call);
void on_candidate_report(struct call *call);
void on_site_list(struct call *call);
void on_site_put(struct call *call);
void on_site_delete(struct call *call);
void on_group_list(struct call *call);
void on_group_get(struct call *call);
void on_group_create(struct call *call);
void on_group_update(struct call *call);
void on_group_delete(struct call *call);
void on_group_change_members(struct call *call);
void on_group_members(struct call *call);
void on_group_preview(struct call *call);
void on_scope_find(struct call *call);
/* scope.c: before the handler of a request with a scope */
void scope_guard(struct call *call, call_fn then);
/* Scopes of each right that reaches a part of all, whatever right the call needs: nobody brings
 * something into one of them. */
#define SCOPE_PARTS_MAX 5u
size_t scope_parts(struct call *call, const char *ret_parts[static SCOPE_PARTS_MAX]);
void scope_add_parts(struct call *call, struct db_args *a);
/* What was saved, not yet committed, by its statement of sql_scope.c: all that it stands for lies
 * within the scope, if there is one, and it stands for something; then goes on, or the call is
 * answered. */
typedef void (*scope_fn)(struct txn *t, void *arg);
void scope_saved(struct txn *t, struct call *call, const struct db_sql *look, const struct uuid *id,
	scope_fn then, void *arg);
void on_credential_list(struct call *call);
void on_credential_put(struct call *call);
void on_credential_seen(struct call *call);
void on_credential_delete(struct call *call);
void on_task_list(struct call *call);
void on_task_get(struct call *call);
void on_task_create(struct call *call);
void on_task_update(struct call *call);
void on_task_delete(struct call *call);
void on_task_next(struct call *call);
void on_schedule_preview(struct call *call);
void on_run_start(struct call *call);
void on_run_list(struct call *call);
void on_run_get(struct call *call);
void on_run_cancel(struct call *call);
void on_run_rerun(struct call *call);
void on_run_apply(struct call *call);
void on_run_confirm(struct call *call);
void on_run_revert(struct call *call);
void on_run_targets(struct call *call);
void on_run_outcomes(struct call *call);
void on_run_changes(struct call *call);
void on_window_list(struct call *call);
void on_window_get(struct call *call);
void on_window_create(struct call *call);
void on_window_update(struct call *call);
void on_window_delete(struct call *call);
void on_window_when(struct call *call);
void on_dist_set_list(struct call *call);
void on_dist_set_get(struct call *call);
void on_dist_set_create(struct call *call);
void on_dist_set_update(struct call *call);
void on_dist_set_delete(struct call *call);
void on_job_get(struct call *call);
void on_job_cancel(struct call *call);
void on_job_transitions(struct call *call);
void on_job_claim(struct call *call);
void on_job_renew(struct call *call);
void on_job_advance(struct call *call);
void on_job_journal(struct call *call);
void on_job_result(struct call *call);
void on_job_give_back(struct call *call);
void on_worker_died(struct call *call);
void on_worker_list(struct call *call);
void on_outbox_take(struct call *call);
