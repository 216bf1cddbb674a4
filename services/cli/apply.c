// SPDX-License-Identifier: Apache-2.0
/* carnet apply, confirm and revert: a plan is written as it was shown, and put back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/cli/fleet.h"
#include "services/cli/write.h"

#define DONE_COLUMNS "state=STATE,n=PRINTERS,step=STEP,cause,reason,example,detail"

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s == NULL ? "" : s;
}

/* One verb of a run: the run that does it, or NULL after a message. */
static json_t *post(struct cli *c, const char *run, const char *verb, const json_t *body, int *rc)
{
	struct answer a;
	char path[96];
	json_t *made = NULL;

	(void)snprintf(path, sizeof(path), "/runs/%.40s:%s", run, verb);
	if (client_call(c, "POST", path, body, NULL, &a) == 0)
		made = json_incref(a.json);
	else
		*rc = client_problem(c, &a);
	answer_fini(&a);
	return made;
}

static json_t *get_run(struct cli *c, const char *id, int *rc)
{
	struct answer a;
	char path[64];
	json_t *run = NULL;

	(void)snprintf(path, sizeof(path), "/runs/%.40s", id);
	if (client_call(c, "GET", path, NULL, NULL, &a) == 0)
		run = json_incref(a.json);
	else
		*rc = client_problem(c, &a);
	answer_fini(&a);
	return run;
}

/* ---- yes or no ---- */

static int ask(const struct cli *c, const json_t *run)
{
	char line[16] = "";
	long long n =
		json_integer_value(json_object_get(json_object_get(run, "totals"), "devices"));

	if (c->yes || c->dry_run)
		return 0;
	if (isatty(STDIN_FILENO) == 0)
		return cli_fail(EXIT_USAGE, "nobody can be asked here: --yes applies it");
	(void)fprintf(stderr, "Write this to %lld printers? Only 'yes' is taken: ", n);
	if (fgets(line, sizeof(line), stdin) == NULL || strcmp(line, "yes\n") != 0)
		return cli_fail(EXIT_REFUSED, "nothing was written");
	return 0;
}

/* ---- watching what writes ---- */

static void show_done(struct cli *c, const json_t *run)
{
	struct answer a;
	struct buf until = BUF_INIT;
	char path[96];

	(void)snprintf(path, sizeof(path), "/runs/%.40s/outcomes", text(run, "id"));
	if (client_call(c, "GET", path, NULL, NULL, &a) == 0)
		table_print(c, json_object_get(a.json, "items"), DONE_COLUMNS, "code");
	answer_fini(&a);
	if (*text(run, "state_cause") != '\0')
		(void)printf("%s: %s\n", text(run, "state"), text(run, "state_cause"));
	if (json_object_get(run, "confirm_until") != NULL &&
		!json_is_null(json_object_get(run, "confirm_until"))) {
		table_value(&until, "until_at", json_object_get(run, "confirm_until"));
		(void)printf("put back at %s unless: carnet confirm %s\n", buf_str(&until),
			text(run, "id"));
	}
	buf_fini(&until);
}

static int follow(struct cli *c, const char *id)
{
	int rc;

	if (!c->json)
		(void)fprintf(stderr, "run %s\n", id);
	json_t *run = watch_until(c, id, &rc);
	if (run == NULL)
		return rc;
	if (c->json)
		print_json(run);
	else
		show_done(c, run);
	rc = watch_exit(run) == EXIT_DONE ? EXIT_DONE : EXIT_ERROR;
	json_decref(run);
	return rc;
}

/* ---- apply ---- */

static json_t *body_of(struct cli *c, const json_t *run, const json_t *accept, int *rc)
{
	const char *within = cli_flag(c, "confirm-within");
	const char *reason = cli_flag(c, "reason");
	long long ms = within == NULL ? 0 : write_duration("confirm-within", within);
	json_t *body = json_pack("{s:s}", "hash", text(run, "plan_hash"));

	if (json_array_size(accept) > 0)
		(void)json_object_set_new(body, "accept", json_deep_copy(accept));
	if (ms > 0)
		(void)json_object_set_new(body, "confirm_ms", json_integer(ms));
	if (reason != NULL)
		(void)json_object_set_new(body, "reason", json_string(reason));
	if (cli_flag(c, "always") != NULL)
		(void)json_object_set_new(body, "always", json_true());
	if (cli_flag(c, "override-windows") != NULL)
		(void)json_object_set_new(body, "override_windows", json_true());
	if (ms >= 0)
		return body;
	*rc = EXIT_USAGE;
	json_decref(body);
	return NULL;
}

int apply_plan(struct cli *c, const json_t *run, const json_t *accept)
{
	char *missing = plan_missing(run, accept);
	int rc = 0;

	if (*missing != '\0')
		rc = cli_fail(EXIT_REFUSED, "to be accepted first: --accept %s", missing);
	free(missing);
	json_t *body = rc != 0 ? NULL : body_of(c, run, accept, &rc);
	if (body == NULL)
		return rc;
	rc = ask(c, run);
	json_t *made = rc != 0 ? NULL : post(c, text(run, "id"), "apply", body, &rc);
	if (made != NULL)
		rc = follow(c, text(made, "id"));
	json_decref(made);
	json_decref(body);
	return rc;
}

static int apply(struct cli *c, const json_t *run, const json_t *accept)
{
	if (strcmp(text(run, "phase"), "plan") != 0)
		return cli_fail(EXIT_REFUSED, "that run is no plan");
	if (*text(run, "applied_by") != '\0') {
		(void)cli_fail(0, "applied already");
		return follow(c, text(run, "applied_by"));
	}
	if (!c->json)
		(void)plan_show(c, run);
	if (strcmp(text(run, "state"), "awaiting_approval") != 0)
		return plan_exit(run) == EXIT_DONE
			       ? cli_fail(EXIT_DONE, "nothing to change")
			       : cli_fail(EXIT_REFUSED, "this plan is %s", text(run, "state"));
	return apply_plan(c, run, accept);
}

int run_apply(struct cli *c, const struct verb *v)
{
	static const char *const later[] = {
		"confirm-within", "reason", "always", "override-windows"};
	const char *file = cli_flag(c, "f");
	int rc;

	if (file == NULL)
		file = cli_flag(c, "file");
	if (file != NULL)
		return run_fleet_apply(c, file);
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s needs %s", v->noun, v->args);
	for (size_t i = 0; i < array_len(later); i++)
		(void)cli_flag(c, later[i]);
	json_t *accept = write_accept(c);
	rc = cli_flags_done(c);
	json_t *run = rc != 0 ? NULL : get_run(c, c->args[0], &rc);
	if (run != NULL)
		rc = apply(c, run, accept);
	json_decref(run);
	json_decref(accept);
	return rc;
}

/* ---- afterwards ---- */

int run_confirm(struct cli *c, const struct verb *v)
{
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s needs %s", v->noun, v->args);
	json_t *run = post(c, c->args[0], "confirm", NULL, &rc);
	if (run != NULL && c->json)
		print_json(run);
	else if (run != NULL)
		(void)printf("confirmed: what was written stays\n");
	json_decref(run);
	return rc;
}

int run_revert(struct cli *c, const struct verb *v)
{
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s needs %s", v->noun, v->args);
	json_t *made = post(c, c->args[0], "revert", NULL, &rc);
	if (made != NULL)
		rc = follow(c, text(made, "id"));
	json_decref(made);
	return rc;
}
