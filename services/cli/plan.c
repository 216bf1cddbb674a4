// SPDX-License-Identifier: Apache-2.0
/* carnet plan: what a write would do, before anything is written. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/uuid.h"
#include "services/cli/write.h"

static long long number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s == NULL ? "" : s;
}

/* ---- making a plan ---- */

json_t *plan_wait(struct cli *c, const char *run_id, int *ret_rc)
{
	if (!c->json)
		(void)fprintf(stderr, "plan %s\n", run_id);
	return watch_until(c, run_id, ret_rc);
}

/* No printer takes what was asked for. */
static bool all_skipped(const json_t *run)
{
	const json_t *n = json_object_get(run, "counts");

	return number(n, "skipped") > 0 && number(n, "succeeded") == 0 &&
	       number(n, "unchanged") == 0;
}

int plan_exit(const json_t *run)
{
	const json_t *totals = json_object_get(run, "totals");
	const char *state = text(run, "state");

	if (strcmp(state, "awaiting_approval") == 0)
		return EXIT_CHANGES;
	bool same = strcmp(state, "succeeded") == 0 || strcmp(state, "succeeded_none") == 0;
	return same && number(totals, "refused") == 0 && !all_skipped(run) ? EXIT_DONE : EXIT_ERROR;
}

static int finish(struct cli *c, struct write *w, bool apply)
{
	int rc = 0;
	json_t *accept = json_incref(json_object_get(w->settings, "accept"));
	json_t *made = write_start(c, w, &rc), *run = NULL;

	if (made != NULL)
		run = plan_wait(c, text(made, "id"), &rc);
	if (run != NULL) {
		rc = plan_exit(run);
		if (!apply || rc != EXIT_CHANGES || !c->json)
			(void)plan_show(c, run);
		if (apply && rc == EXIT_CHANGES)
			rc = apply_plan(c, run, accept);
	}
	json_decref(run);
	json_decref(made);
	json_decref(accept);
	json_decref(w->settings);
	w->settings = NULL;
	return rc;
}

/* ---- from a version ---- */

/* AB-36: what a printer shall become after another one's book has to be said. */
static bool must_say_mode(const struct cli *c, const char *ref)
{
	const char *at = ref == NULL ? NULL : strrchr(ref, '@');
	size_t n = ref == NULL ? 0 : at == NULL ? strlen(ref) : (size_t)(at - ref);
	size_t named = 0, same = 0;

	if (ref == NULL || cli_given(c, "mode") || !write_has_targets(c))
		return false;
	for (size_t i = 0; i < c->n_flags; i++) {
		const struct flag *f = &c->flags[i];
		if (strcmp(f->name, "to") != 0)
			continue;
		named++;
		same += strlen(f->value) == n && memcmp(f->value, ref, n) == 0;
	}
	return named == 0 || same != named;
}

/* Which verb a version of this kind is for; NULL = this one. */
static const char *other_verb(const char *kind, const char *wanted)
{
	if (strcmp(kind, "distribution") == 0)
		return "a book for distribution: carnet plan distribute";
	if (strcmp(wanted, "address_book") == 0 && strcmp(kind, "file") == 0)
		return "a file: carnet plan import";
	if (strcmp(kind, wanted) != 0 && strcmp(kind, "pre_image") != 0 &&
		strcmp(kind, "file") != 0)
		return strcmp(wanted, "settings") == 0 ? "an address book: carnet plan restore"
						       : "of settings: carnet plan settings";
	return NULL;
}

static int take_version(struct cli *c, struct write *w, const char *kind, char **ret_device)
{
	json_t *version = version_ref(c, c->args[0], kind);

	if (version == NULL)
		return EXIT_ERROR;
	const char *other = other_verb(text(version, "kind"), kind);
	if (other != NULL) {
		json_decref(version);
		return cli_fail(EXIT_REFUSED, "that version is %s", other);
	}
	(void)json_object_set_new(w->settings, "source", json_string(text(version, "id")));
	if (strcmp(text(version, "kind"), "file") != 0)
		*ret_device = mem_strdup(text(version, "device"));
	w->device = *ret_device;
	json_decref(version);
	return 0;
}

/* --at TIME instead of a version: of each printer its own newest one of then. */
static int take_time(struct cli *c, struct write *w)
{
	char at[CLOCK_RFC3339];
	const char *given = cli_flag(c, "at");

	if (given == NULL)
		return cli_fail(EXIT_USAGE, "which version? DEVICE@VERSION, or --at TIME");
	if (!cli_time(given, at))
		return cli_fail(EXIT_USAGE, "--at takes a day or a time, as 2026-01-05");
	(void)json_object_set_new(w->settings, "source_at", json_string(at));
	return 0;
}

static int restore(struct cli *c, const char *kind, const char *what, bool apply)
{
	struct write w = {.kind = kind, .what = what};
	bool book = strcmp(kind, "ab.restore") == 0;
	char *device = NULL;
	int rc;

	if (c->n_args > 1)
		return cli_fail(EXIT_USAGE, "one version at a time");
	if (book && must_say_mode(c, c->n_args == 1 ? c->args[0] : NULL))
		return cli_fail(
			EXIT_USAGE, "to another printer: say --mode replace, merge or add (AB-36)");
	rc = write_settings(c, &w);
	if (rc == 0 && c->n_args == 0)
		rc = take_time(c, &w);
	else if (rc == 0)
		rc = take_version(c, &w, book ? "address_book" : "settings", &device);
	if (rc == 0)
		rc = finish(c, &w, apply);
	json_decref(w.settings);
	free(device);
	return rc;
}

int run_plan_restore(struct cli *c, const struct verb *v)
{
	(void)v;
	return restore(c, "ab.restore", "restore", false);
}

int run_restore(struct cli *c, const struct verb *v)
{
	(void)v;
	return restore(c, "ab.restore", "restore", true);
}

/* ---- from a file ---- */

/* A file here is uploaded; an id is one that was. */
static int take_file(struct cli *c, struct write *w, const char *as)
{
	struct uuid id;
	json_t *version;
	int rc = EXIT_ERROR;

	if (uuid_parse(c->args[0], &id) == 0)
		version = version_ref(c, c->args[0], "file");
	else
		version = file_upload(c, c->args[0], NULL, as, &rc);
	if (version == NULL)
		return rc;
	const char *kind = text(version, "kind");
	if (strcmp(kind, "file") != 0) {
		rc = cli_fail(EXIT_REFUSED, "that version is no file: carnet plan restore");
	} else {
		(void)json_object_set_new(w->settings, "source", json_string(text(version, "id")));
		if (!c->json)
			(void)fprintf(stderr, "file %s (%s)\n", text(version, "id"),
				text(version, "format"));
		rc = 0;
	}
	json_decref(version);
	return rc;
}

int run_plan_import(struct cli *c, const struct verb *v)
{
	struct write w = {.kind = "ab.import", .what = "import"};

	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	if (!write_has_targets(c))
		return cli_fail(EXIT_USAGE, "which printers? --to PRINTER|GROUP, --filter, --all");
	int rc = write_settings(c, &w);
	if (rc == 0)
		rc = take_file(c, &w, NULL);
	if (rc == 0)
		rc = finish(c, &w, false);
	json_decref(w.settings);
	return rc;
}

/* Settings come from a backup, or from a file that nobody looks into. */
int run_plan_settings(struct cli *c, const struct verb *v)
{
	struct write w = {.kind = "settings.restore", .what = "settings"};

	(void)v;
	if (c->n_args != 1 || access(c->args[0], R_OK) != 0)
		return restore(c, w.kind, w.what, false);
	if (!write_has_targets(c))
		return cli_fail(EXIT_USAGE, "which printers? --to PRINTER|GROUP, --filter, --all");
	int rc = write_settings(c, &w);
	if (rc == 0)
		rc = take_file(c, &w, "opaque");
	if (rc == 0)
		rc = finish(c, &w, false);
	json_decref(w.settings);
	return rc;
}

/* No plan: nothing on the printer is overwritten. */
int run_deliver(struct cli *c, const struct verb *v)
{
	struct write w = {.kind = "file.deliver", .what = "deliver"};

	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s needs %s", v->noun, v->args);
	if (!write_has_targets(c))
		return cli_fail(EXIT_USAGE, "which printers? --to PRINTER|GROUP, --filter, --all");
	int rc = write_settings(c, &w);
	if (rc == 0)
		rc = take_file(c, &w, "opaque");
	json_t *run = rc != 0 ? NULL : write_start(c, &w, &rc);
	json_t *done = run == NULL ? NULL : watch_until(c, text(run, "id"), &rc);
	if (done != NULL) {
		if (c->json)
			print_json(done);
		else
			watch_outcomes(c, text(done, "id"));
		rc = watch_exit(done);
		if (rc == EXIT_DONE && number(json_object_get(done, "counts"), "succeeded") == 0)
			rc = cli_fail(EXIT_ERROR, "no printer took it");
	}
	json_decref(done);
	json_decref(run);
	json_decref(w.settings);
	return rc;
}

/* ---- from a task ---- */

/* A task that writes is started like any other: its run is the plan. */
static json_t *start_task(struct cli *c, const char *name, int *ret_rc)
{
	struct buf path = BUF_INIT;
	struct answer a;
	json_t *run = NULL;

	buf_adds(&path, "/tasks/");
	request_escape(&path, name);
	buf_adds(&path, ":run");
	if (client_call(c, "POST", buf_str(&path), NULL, NULL, &a) == 0)
		run = json_incref(a.json);
	else
		*ret_rc = client_problem(c, &a);
	answer_fini(&a);
	buf_fini(&path);
	return run;
}

static int plan_task(struct cli *c, const struct verb *v)
{
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	json_t *made = start_task(c, c->args[0], &rc);
	json_t *run = made == NULL ? NULL : plan_wait(c, text(made, "id"), &rc);
	if (run != NULL) {
		(void)plan_show(c, run);
		rc = plan_exit(run);
	}
	json_decref(run);
	json_decref(made);
	return rc;
}

/* A set: its printers, each with what sets say. NULL: there is none of this name. */
static json_t *set_of(struct cli *c, const char *name, int *ret_rc)
{
	struct buf path = BUF_INIT;
	struct answer a;
	json_t *set = NULL;

	buf_adds(&path, "/distribution-sets/");
	request_escape(&path, name);
	if (client_call(c, "GET", buf_str(&path), NULL, NULL, &a) == 0)
		set = json_incref(a.json);
	else if (a.status != 404)
		*ret_rc = client_problem(c, &a);
	answer_fini(&a);
	buf_fini(&path);
	return set;
}

static int plan_set(struct cli *c, const json_t *set)
{
	struct write w = {.kind = "ab.distribute", .what = "distribute"};

	w.targets = json_pack("{s:O*, s:O*}", "devices", json_object_get(set, "devices"), "groups",
		json_object_get(set, "groups"));
	int rc = write_settings(c, &w);
	if (rc == 0)
		rc = finish(c, &w, false);
	json_decref(w.settings);
	json_decref(w.targets);
	return rc;
}

/* --book B --map … --to …, without a set. */
static int plan_book(struct cli *c, const char *name)
{
	struct write w = {.kind = "ab.distribute", .what = "distribute"};
	char *book = resolve_dist_book(c, name);
	int rc = EXIT_ERROR;

	if (book != NULL) {
		rc = write_settings(c, &w);
		(void)json_object_set_new(w.settings, "source", json_string(book));
		if (rc == 0)
			rc = finish(c, &w, false);
	}
	json_decref(w.settings);
	free(book);
	return rc;
}

int run_plan_distribute(struct cli *c, const struct verb *v)
{
	const char *book = cli_flag(c, "book");
	int rc = 0;

	if (book != NULL && c->n_args == 0)
		return plan_book(c, book);
	if (c->n_args == 1 && strchr(c->args[0], '@') != NULL)
		return cli_fail(EXIT_REFUSED,
			"a version cannot be distributed (AB-33): carnet destinations import %s, "
			"then "
			"carnet dist-book create; or carnet plan restore %s",
			c->args[0], c->args[0]);
	json_t *set = c->n_args == 1 ? set_of(c, c->args[0], &rc) : NULL;
	if (set != NULL)
		rc = plan_set(c, set);
	else if (rc == 0)
		rc = plan_task(c, v);
	json_decref(set);
	return rc;
}
