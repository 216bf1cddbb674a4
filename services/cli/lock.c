// SPDX-License-Identifier: Apache-2.0
/* carnet lock: may it start, who holds what, give back, end, watch. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/lock.h"

long lock_post(struct cli *c, const char *path, const json_t *body, struct answer *ret)
{
	int rc = client_call(c, "POST", path, body, NULL, ret);

	bug_if(rc == 0 && ret->status == 0);
	return ret->status;
}

/* ---- explain: a yes or a no, and why ---- */

static bool is_device(const json_t *blocker, const json_t *name)
{
	return json_equal(json_object_get(blocker, "device_name"), name);
}

/* Of several devices each is told for itself. */
static void tell_device(const json_t *answer, const char *name)
{
	json_t *wanted = json_string(name);
	const json_t *b;
	size_t i, n = 0;

	json_array_foreach(json_object_get(answer, "blockers"), i, b)
	{
		if (!is_device(b, wanted))
			continue;
		(void)printf("%s: %s\n", name, json_string_value(json_object_get(b, "text")));
		n++;
	}
	if (n == 0)
		(void)printf("%s: -\n", name);
	json_decref(wanted);
}

static void tell(const struct cli *c, const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "text"));
	struct buf safe = BUF_INIT;

	safe_text(&safe, text != NULL ? text : "");
	(void)printf("%s\n", buf_str(&safe));
	buf_fini(&safe);
	for (size_t i = 0; c->n_args > 1 && i < c->n_args; i++)
		tell_device(answer, c->args[i]);
}

/* Words are devices; --op import is the operation people mean by it. */
static int question(struct cli *c, json_t *body)
{
	const char *op = cli_flag(c, "op");
	const char *direction = cli_flag(c, "direction");

	if (op == NULL || strcmp(op, "import") == 0 || strcmp(op, "export") == 0) {
		direction = op == NULL ? "import" : op;
		op = "indiv_ie";
	}
	if (request_put(body, &m_lock_ask_desc, "op", op) != 0)
		return cli_fail(EXIT_USAGE, "--op '%s' is no operation", op);
	if (direction != NULL && request_put(body, &m_lock_ask_desc, "direction", direction) != 0)
		return cli_fail(EXIT_USAGE, "--direction is import or export");
	return 0;
}

static int further_flags(struct cli *c, json_t *body)
{
	static const char *const names[] = {"items", "item-policy", "profile", "kind", "strict"};

	for (size_t i = 0; i < array_len(names); i++) {
		const char *value = cli_flag(c, names[i]);
		if (value != NULL && request_put(body, &m_lock_ask_desc, names[i], value) != 0)
			return cli_fail(
				EXIT_USAGE, "--%s '%s' is no value for it", names[i], value);
	}
	return cli_flags_done(c);
}

int run_lock_explain(struct cli *c, const struct verb *v)
{
	json_t *body = json_object();
	struct answer a = {.status = 0};
	int rc = c->n_args > 0 ? question(c, body)
			       : cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);

	for (size_t i = 0; rc == 0 && i < c->n_args; i++)
		rc = request_put(body, &m_lock_ask_desc, "devices", c->args[i]);
	if (rc == 0)
		rc = further_flags(c, body);
	if (rc == 0 && client_call(c, "POST", "/locks:explain", body, NULL, &a) != 0) {
		rc = client_problem(c, &a);
		rc = rc == EXIT_ERROR ? EXIT_REFUSED : rc; /* 1 is a plain no */
	} else if (rc == 0) {
		const char *word = json_string_value(json_object_get(a.json, "answer"));
		rc = word != NULL && strcmp(word, "granted") == 0 ? EXIT_DONE : EXIT_ERROR;
		if (c->json)
			print_json(a.json);
		else
			tell(c, a.json);
	}
	answer_fini(&a);
	json_decref(body);
	return rc;
}

/* ---- watch: a line per change ---- */

struct lines {
	const struct cli *cli;
	struct buf line;
	char event[64];
};

static void tell_change(const struct lines *l, const char *data)
{
	static const char *const members[] = {"device_name", "op", "state", "request"};
	json_t *doc = json_loads(data, 0, NULL);
	struct buf out = BUF_INIT;
	char now[CLOCK_RFC3339];

	if (l->cli->json) {
		(void)printf("%s\n", data);
		json_decref(doc);
		return;
	}
	buf_adds(&out, clock_rfc3339(clock_wall_ms(), now));
	for (size_t i = 0; i < array_len(members); i++) {
		const json_t *value = json_object_get(doc, members[i]);
		if (i == 0 && value == NULL)
			value = json_object_get(doc, "device");
		buf_addc(&out, ' ');
		table_value(&out, members[i], value);
	}
	(void)printf("%s\n", buf_str(&out));
	buf_fini(&out);
	json_decref(doc);
}

static void take_line(struct lines *l, const char *line)
{
	if (strncmp(line, "event: ", 7) == 0)
		(void)snprintf(l->event, sizeof(l->event), "%s", line + 7);
	else if (strncmp(line, "data: ", 6) == 0 && strcmp(l->event, "lock_changed") == 0)
		tell_change(l, line + 6);
	else if (strncmp(line, "data: ", 6) == 0 && strcmp(l->event, "gap") == 0)
		(void)cli_fail(0, "some changes were missed; carnet lock list shows what is now");
}

static bool on_bytes(void *arg, struct span bytes)
{
	struct lines *l = arg;

	for (size_t i = 0; i < bytes.n; i++) {
		if (bytes.p[i] != '\n') {
			buf_addc(&l->line, (char)bytes.p[i]);
			continue;
		}
		take_line(l, buf_str(&l->line));
		buf_reset(&l->line);
	}
	return fflush(stdout) == 0;
}

int run_lock_watch(struct cli *c, const struct verb *v)
{
	struct lines l = {.cli = c};
	struct buf path = BUF_INIT;
	struct fault f;

	(void)v;
	buf_adds(&path, "/locks/events");
	for (size_t i = 0; i < c->n_args; i++) {
		buf_adds(&path, i == 0 ? "?device=" : "&device=");
		request_escape(&path, c->args[i]);
	}
	int rc = cli_flags_done(c);
	if (rc == 0) {
		long status = client_stream(c, buf_str(&path), on_bytes, &l, &f);
		rc = status == 200 ? cli_fail(EXIT_LATER, "the stream of events has ended")
				   : cli_fail(EXIT_ERROR, "%s", f.detail);
	}
	buf_fini(&l.line);
	buf_fini(&path);
	return rc;
}

/* ---- help ---- */

static const struct {
	const char *verb, *text;
} texts[] = {
	{"acquire",
		"  --op OP              what is done: sw_update, dist, mbox_backup, workflow_ie, "
		"fax "
		"…\n"
		"  --direction D        import or export, of indiv_ie and batch_ie; --items I,I\n"
		"  --wait 5m            stand in the queue so long; it is said what is in the way\n"
		"  --for 10m            the longest that COMMAND may take\n"
		"  --lost WORD          when the lock is lost, or --for is over: term (default) "
		"asks "
		"COMMAND to\n"
		"                       end and kills it at the end of the lease, kill does so at "
		"once, warn\n"
		"                       only says it\n"
		"  --lease 30s          how long the printers stay taken when we die; renewed "
		"meanwhile\n"
		"  --request ID         a UUID of your own: the same call again asks again\n"
		"  COMMAND finds CARNET_LOCK_REQUEST and CARNET_LOCK_TOKEN; signals are passed on. "
		"Without COMMAND\n"
		"  request and token are printed: carnet lock renew, carnet lock release.\n"
		"Exit: that of COMMAND; 75 busy, or the lock was lost; 4 refused.\n"
		"Examples:\n"
		"  carnet lock acquire lobby --op sw_update --for 10m --wait 5m -- ./flash "
		"lobby\n"},
	{"explain", "  --op OP              import (default) or export of individual data, or any "
		    "operation\n"
		    "  --items I,I          of an import or export: only these\n"
		    "  --profile FAMILY     as if the printers were of this family\n"
		    "Exit: 0 it may start, 1 it may not, 4 it is no question.\n"
		    "Examples:\n"
		    "  carnet lock explain lobby --op import --lang fr\n"},
};

void lock_help(const struct verb *v)
{
	for (size_t i = 0; i < array_len(texts); i++)
		if (strcmp(v->noun, "lock") == 0 && strcmp(v->name, texts[i].verb) == 0)
			(void)fputs(texts[i].text, stdout);
}
