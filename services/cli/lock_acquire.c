// SPDX-License-Identifier: Apache-2.0
/* carnet lock acquire DEVICE… --op OP -- COMMAND: asks, says what it waits for, asks again, and
 * holds the lock while the command runs. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/lock.h"
#include "services/cli/write.h"

enum {
	POLL_MS = 2000,        /* a waiter asks again at least so often */
	UNANSWERED_MS = 10000, /* how long a server may be away before we give up */
	LEASE_MS = 30000,
};

/* An acquisition under way. */
struct acquiring {
	struct cli *cli;
	json_t *body;
	struct lock lock;
	uint64_t give_up_ms; /* boot time: no answer until then is none */
	char shown[1024];    /* what was said last that it waits for */
};

/* ---- from flags to the request ---- */

static int put_duration(struct cli *c, json_t *body, const char *flag, const char *member)
{
	const char *text = cli_flag(c, flag);
	long long ms = text == NULL ? 0 : write_duration(flag, text);

	if (ms > 0)
		(void)json_object_set_new(body, member, json_integer(ms));
	return ms < 0 ? EXIT_USAGE : 0;
}

static int put_flags(struct cli *c, json_t *body)
{
	static const char *const names[] = {
		"op", "direction", "items", "item-policy", "strict", "request"};

	for (size_t i = 0; i < array_len(names); i++) {
		const char *value = cli_flag(c, names[i]);
		if (value != NULL && request_put(body, &m_lock_declare_desc, names[i], value) != 0)
			return cli_fail(
				EXIT_USAGE, "--%s '%s' is no value for it", names[i], value);
	}
	if (json_object_get(body, "op") == NULL)
		return cli_fail(
			EXIT_USAGE, "--op is missing: what is to be done, for example sw_update");
	int rc = put_duration(c, body, "wait", "wait_ms");
	return rc != 0 ? rc : put_duration(c, body, "lease", "lease_ms");
}

static int put_devices(struct cli *c, const struct verb *v, json_t *body)
{
	size_t n = c->n_args < c->n_before ? c->n_args : c->n_before;

	for (size_t i = 0; i < n; i++)
		if (request_put(body, &m_lock_declare_desc, "devices", c->args[i]) != 0)
			return EXIT_USAGE;
	return n > 0 ? 0 : cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
}

static int lost_mode(struct cli *c, enum lock_lost *ret_mode)
{
	static const char *const words[] = {
		[LOST_TERM] = "term", [LOST_KILL] = "kill", [LOST_WARN] = "warn"};
	const char *word = cli_flag(c, "lost");

	*ret_mode = LOST_TERM;
	if (word == NULL)
		return 0;
	for (unsigned i = 0; i < array_len(words); i++)
		if (strcmp(words[i], word) == 0) {
			*ret_mode = (enum lock_lost)i;
			return 0;
		}
	return cli_fail(EXIT_USAGE, "--lost is term, kill or warn");
}

/* ---- asking until there is an answer ---- */

static const char *member(const struct answer *a, const char *name)
{
	const char *text = json_string_value(json_object_get(a->json, name));

	return text != NULL ? text : "";
}

static void granted(struct acquiring *q, const struct answer *a, uint64_t asked_ms)
{
	json_int_t left = json_integer_value(json_object_get(a->json, "remaining_ms"));
	const json_t *first = json_array_get(json_object_get(a->json, "grants"), 0);

	q->lock.token = json_integer_value(json_object_get(first, "token"));
	q->lock.lease_ms = left > 0 ? (uint64_t)left : LEASE_MS;
	q->lock.end_ms = asked_ms + q->lock.lease_ms;
}

static void say_what_for(struct acquiring *q, const struct answer *a)
{
	const char *text = member(a, "text");

	if (strcmp(text, q->shown) == 0)
		return;
	(void)snprintf(q->shown, sizeof(q->shown), "%s", text);
	(void)cli_fail(0, "waits (place %lld): %s",
		(long long)json_integer_value(json_object_get(a->json, "place")), text);
}

/* Somebody wants us to stop: the place in the queue is given up. */
static int leave_queue(struct acquiring *q, int signal)
{
	struct answer a;
	char path[80];

	(void)snprintf(path, sizeof(path), "/locks/%s:cancel", q->lock.request);
	json_t *nothing = json_object();
	(void)lock_post(q->cli, path, nothing, &a);
	json_decref(nothing);
	answer_fini(&a);
	return 128 + signal;
}

static int refused(const struct cli *c, const struct answer *a)
{
	int rc = client_problem(c, a);

	if (strcmp(member(a, "answer"), "busy") == 0)
		return EXIT_LATER;
	return strcmp(member(a, "answer"), "refused") == 0 ? EXIT_REFUSED : rc;
}

/* 0 granted; -1 ask again; else the exit code. */
static int ask(struct acquiring *q, struct answer *a)
{
	uint64_t asked_ms = clock_boot_ms();

	(void)lock_post(q->cli, "/locks", q->body, a);
	if (a->shown)
		return EXIT_SHOWN;
	if (a->status == 200) {
		granted(q, a, asked_ms);
		return 0;
	}
	if (a->status == 202) {
		say_what_for(q, a);
		q->give_up_ms = clock_boot_ms() + UNANSWERED_MS;
		return -1;
	}
	if ((a->status == 0 || a->status >= 500) && clock_boot_ms() < q->give_up_ms)
		return -1; /* the outcome is not known: the same request finds it out */
	return refused(q->cli, a);
}

static uint64_t pause_of(const struct answer *a)
{
	json_int_t ms = json_integer_value(json_object_get(a->json, "retry_ms"));

	return ms > 0 && ms < POLL_MS ? (uint64_t)ms : POLL_MS;
}

static int acquire(struct acquiring *q, struct answer *a)
{
	bool from_terminal;
	int rc;

	q->give_up_ms = clock_boot_ms() + UNANSWERED_MS;
	while ((rc = ask(q, a)) == -1) {
		uint64_t pause = pause_of(a);
		answer_fini(a);
		int signal = lock_next_signal(pause, &from_terminal);
		if (signal > 0)
			return leave_queue(q, signal);
	}
	return rc;
}

/* ---- the verb ---- */

/* Chosen here, so that a question whose answer got lost can be asked again. */
static void name_request(struct acquiring *q)
{
	const char *given = json_string_value(json_object_get(q->body, "request"));
	struct uuid id = uuid_v7(clock_wall_ms());
	char text[UUID_TEXT];

	(void)snprintf(q->lock.request, sizeof(q->lock.request), "%s",
		given != NULL ? given : uuid_format(&id, text));
	(void)json_object_set_new(q->body, "request", json_string(q->lock.request));
}

static int hold(struct acquiring *q, enum lock_lost lost, long long for_ms)
{
	struct cli *c = q->cli;
	size_t n = c->n_args - c->n_before;
	char **command = mem_alloc((n + 1) * sizeof(char *));

	for (size_t i = 0; i < n; i++)
		command[i] = mem_strdup(c->args[c->n_before + i]);
	command[n] = NULL;
	int rc = lock_hold(c, &q->lock, command, (uint64_t)for_ms, lost);
	for (size_t i = 0; i < n; i++)
		free(command[i]);
	free(command);
	return rc;
}

int run_lock_acquire(struct cli *c, const struct verb *v)
{
	struct acquiring q = {.cli = c, .body = json_object()};
	const char *longest = cli_flag(c, "for");
	long long for_ms = longest == NULL ? 0 : write_duration("for", longest);
	struct answer a = {.status = 0};
	enum lock_lost lost;
	int rc = for_ms < 0 ? EXIT_USAGE : lost_mode(c, &lost);

	if (rc == 0)
		rc = put_devices(c, v, q.body);
	if (rc == 0)
		rc = put_flags(c, q.body);
	if (rc == 0)
		rc = cli_flags_done(c);
	if (rc == 0) {
		name_request(&q);
		lock_block_signals();
		rc = acquire(&q, &a);
		if (rc == 0 && c->n_before < c->n_args)
			rc = hold(&q, lost, for_ms);
		else if (rc == 0)
			print_json(a.json);
	}
	answer_fini(&a);
	json_decref(q.body);
	return rc;
}
