// SPDX-License-Identifier: Apache-2.0
/* Watching a run: a bar on a terminal, a line per change elsewhere; falls back to asking when the
 * event stream breaks. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

#define BAR 30

struct watch {
	struct cli *cli;
	struct buf line;
	char event[64];
	json_t *run; /* newest state */
	char shown[512];
	bool ended;
};

static long long count(const json_t *run, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(run, "counts"), name));
}

static bool is_end(const json_t *run)
{
	static const char *const open[] = {
		"opening", "awaiting_approval", "running", "cancelling", "aborting"};
	const char *state = json_string_value(json_object_get(run, "state"));
	const char *phase = json_string_value(json_object_get(run, "phase"));

	/* a plan has done its part: it waits for a person */
	if (state != NULL && phase != NULL && strcmp(state, "awaiting_approval") == 0 &&
		strcmp(phase, "plan") == 0)
		return true;
	for (size_t i = 0; state != NULL && i < array_len(open); i++)
		if (strcmp(state, open[i]) == 0)
			return false;
	return state != NULL;
}

static long long finished(const json_t *run)
{
	static const char *const ends[] = {"succeeded", "unchanged", "partial", "skipped", "failed",
		"dead", "missed", "cancelled"};
	long long n = 0;

	for (size_t i = 0; i < array_len(ends); i++)
		n += count(run, ends[i]);
	return n;
}

static void draw(struct watch *w)
{
	char text[512];
	char bar[BAR * 3 + 1] = "";
	long long total = count(w->run, "total");
	long long done = finished(w->run);
	long long busy =
		count(w->run, "claimed") + count(w->run, "running") + count(w->run, "storing");
	long long filled = total > 0 ? done * BAR / total : 0;

	for (int i = 0; i < BAR; i++)
		(void)strncat(bar, i < filled ? "█" : "░", sizeof(bar) - strlen(bar) - 1);
	(void)snprintf(text, sizeof(text),
		"%s %lld/%lld  ok %lld  same %lld  skipped %lld  failed %lld  in flight %lld  "
		"waiting %lld",
		bar, done, total, count(w->run, "succeeded"), count(w->run, "unchanged"),
		count(w->run, "skipped"), count(w->run, "failed") + count(w->run, "dead"), busy,
		count(w->run, "deferred") + count(w->run, "retry") + count(w->run, "ready"));
	if (strcmp(text, w->shown) == 0)
		return;
	memcpy(w->shown, text, sizeof(text));
	if (w->cli->tty)
		(void)fprintf(stderr, "\r\033[K%s", text);
	else
		(void)fprintf(stderr, "%s\n", text + strlen(bar) + 1);
}

static void take_run(struct watch *w, const json_t *run)
{
	if (!json_is_object(run))
		return;
	json_decref(w->run);
	w->run = json_deep_copy(run);
	if (!w->cli->json)
		draw(w);
	w->ended = is_end(w->run);
}

static void take_line(struct watch *w, const char *line)
{
	if (strncmp(line, "event: ", 7) == 0) {
		(void)snprintf(w->event, sizeof(w->event), "%s", line + 7);
	} else if (strncmp(line, "data: ", 6) == 0 && strcmp(w->event, "run_changed") == 0) {
		json_t *doc = json_loads(line + 6, 0, NULL);
		take_run(w, json_object_get(doc, "run"));
		json_decref(doc);
	}
}

static bool on_bytes(void *arg, struct span bytes)
{
	struct watch *w = arg;

	for (size_t i = 0; i < bytes.n && !w->ended; i++) {
		if (bytes.p[i] != '\n') {
			buf_addc(&w->line, (char)bytes.p[i]);
			continue;
		}
		take_line(w, buf_str(&w->line));
		buf_reset(&w->line);
	}
	return !w->ended;
}

int watch_exit(const json_t *run)
{
	const char *state = json_string_value(json_object_get(run, "state"));

	if (state == NULL)
		return EXIT_ERROR;
	if (strcmp(state, "succeeded") == 0 || strcmp(state, "succeeded_none") == 0)
		return EXIT_DONE;
	if (strcmp(state, "awaiting_approval") == 0)
		return EXIT_CHANGES;
	return strcmp(state, "partial") == 0 ? EXIT_PARTIAL : EXIT_ERROR;
}

void watch_outcomes(struct cli *c, const char *run_id)
{
	struct answer a;
	char path[96];

	(void)snprintf(path, sizeof(path), "/runs/%.40s/outcomes", run_id);
	if (client_call(c, "GET", path, NULL, NULL, &a) == 0)
		table_print(c, json_object_get(a.json, "items"),
			"state=STATE,n=TARGETS,cause,example,detail", NULL);
	answer_fini(&a);
}

/* The state by asking: at the end, and when events do not come through. */
static int ask(struct watch *w, const char *run_id)
{
	struct answer a;
	char path[64];

	(void)snprintf(path, sizeof(path), "/runs/%s", run_id);
	int rc = client_call(w->cli, "GET", path, NULL, NULL, &a);
	if (rc == 0)
		take_run(w, a.json);
	else
		rc = client_problem(w->cli, &a);
	answer_fini(&a);
	return rc;
}

json_t *watch_until(struct cli *c, const char *run_id, int *ret_rc)
{
	struct watch w = {.cli = c};
	struct fault f;
	char path[96];
	int tries = 0;

	*ret_rc = 0;
	(void)snprintf(path, sizeof(path), "/runs/%.40s/events", run_id);
	while (!w.ended && *ret_rc == 0 && tries++ < 100) {
		long status = client_stream(c, path, on_bytes, &w, &f);
		buf_reset(&w.line);
		if (!w.ended && status != 200 && status != 0)
			*ret_rc = cli_fail(EXIT_ERROR, "%s", f.detail);
		else if (!w.ended)
			*ret_rc = ask(&w, run_id);
	}
	if (c->tty && !c->json && *w.shown != '\0')
		(void)fputc('\n', stderr);
	buf_fini(&w.line);
	if (*ret_rc == 0)
		return w.run;
	json_decref(w.run);
	return NULL;
}

int watch_run(struct cli *c, const char *run_id)
{
	int rc;
	json_t *run = watch_until(c, run_id, &rc);

	if (run == NULL)
		return rc;
	if (c->json)
		print_json(run);
	else
		watch_outcomes(c, run_id);
	rc = watch_exit(run);
	json_decref(run);
	return rc;
}

int run_run_watch(struct cli *c, const struct verb *v)
{
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	return watch_run(c, c->args[0]);
}
