// SPDX-License-Identifier: Apache-2.0
/* What the verbs that write to printers share: a task is made of the flags, its plan is made and
 * shown, a person says yes, it is applied as it was shown. All of it are tasks and runs like any
 * others: the history has them. */
#pragma once

#include "services/cli/cli.h"

/* ---- write.c: from flags to a task ---- */

struct write {
	const char *kind;   /* of the task: "ab.restore" */
	const char *what;   /* for its name: "restore" */
	const char *device; /* written when no flag says otherwise; NULL = flags must */
	json_t *settings;   /* owned */
	json_t *targets;    /* the same as device, of many; not owned */
};

/* The settings that flags give; 0 or an exit code after a message. settings may hold a source. */
int write_settings(struct cli *c, struct write *w) must_check;
/* --map into object.map, --to into targets.devices and .groups; 0 or an exit code. */
int write_map(struct cli *c, json_t *object) must_check;
int write_to(struct cli *c, json_t *targets) must_check;
/* Makes the task and starts it; the run as the server gives it, or NULL after a message with
 * *ret_rc. Takes w->settings. */
json_t *write_start(struct cli *c, struct write *w, int *ret_rc) must_check;
/* "90s" "10m" "2h" "7d" in milliseconds; -1 after a message. */
long long write_duration(const char *flag, const char *text) must_check;
/* --accept, repeatable or a comma list, into a JSON array; NULL when not given. */
json_t *write_accept(struct cli *c) must_check;
/* Is anything said about who is written to? */
bool write_has_targets(const struct cli *c);
/* The same of one flag, without taking it. */
bool cli_given(const struct cli *c, const char *name);
void write_help(const struct verb *v);

/* ---- plan.c ---- */

/* Watches the plan's run to its end. Owned run, or NULL after a message with *ret_rc. */
json_t *plan_wait(struct cli *c, const char *run_id, int *ret_rc) must_check;
/* 0 = nothing to change, 2 = changes, 1 = it cannot be. */
int plan_exit(const json_t *run);
/* Counts, and the devices in groups that are alike. */
int plan_show(struct cli *c, const json_t *run);
/* What must be accepted that is not in accept (may be NULL), in words; owned. */
char *plan_missing(const json_t *run, const json_t *accept);

/* ---- apply.c ---- */

/* Asks, applies, watches. The plan was shown. */
int apply_plan(struct cli *c, const json_t *run, const json_t *accept);
