// SPDX-License-Identifier: Apache-2.0
/* Every ordered pair of operations once through the running service, from outside. What must come
 * out is worked out here anew, from the columns of schemas/matrix.csv and from the words of
 * docs/spec/locks.md sections 1 to 3.1; nothing of the service's own rules is linked. */
#include "tests/service/lock_client.h"

#define OPS 24u

struct row {
	char id[32];
	bool may_start_during; /* C1 */
	char beside;           /* C2: y, n, p */
};

static struct row rows[OPS];

static void read_matrix(void)
{
	FILE *f = fopen("schemas/matrix.csv", "r");
	char line[1024];
	size_t n = 0;

	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		abort();
	while (n < 20 && fgets(line, sizeof(line), f) != NULL) {
		char *rest = line, *column[10];
		for (size_t i = 0; i < 10; i++)
			column[i] = strsep(&rest, ",\n");
		(void)snprintf(rows[n].id, sizeof(rows[n].id), "%s", column[0]);
		rows[n].may_start_during = strcmp(column[5], "yes") == 0;
		rows[n].beside = column[6][0];
		n++;
	}
	(void)fclose(f);
	ok(n == 20, "the matrix has 20 rows");
	static const char *const inner[] = {"sync_control", "restart", "session", "other_activity"};
	for (size_t i = 0; i < 4; i++)
		(void)snprintf(rows[n + i].id, sizeof(rows[0].id), "%s", inner[i]);
}

static bool in(const char *op, const char *words)
{
	const char *at = strstr(words, op);
	size_t n = strlen(op);

	while (at != NULL && !((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')))
		at = strstr(at + 1, op);
	return at != NULL;
}

static bool observed_only(const char *op)
{
	return in(op, "panel web_content web_error sleep error_code other_activity");
}

static const char *kind_of(const char *op)
{
	return in(op, "sync_control restart session") ? "own" : "declared";
}

static bool exclusive(const char *op)
{
	return in(op, "indiv_ie batch_ie sync_control restart");
}

/* 'y', 'n' or 'p' (some items): may the later one start, given the earlier one? */
static char may(const struct row *later, const struct row *earlier)
{
	static const char areas[] = "dist mbox_backup workflow_ie sw_update";
	const char *l = later->id, *e = earlier->id;

	if (strcmp(l, "session") == 0 || strcmp(e, "session") == 0) {
		const char *other = strcmp(l, "session") == 0 ? e : l;
		return exclusive(other) || strcmp(other, "session") == 0 ? 'n' : 'y';
	}
	if (exclusive(l) && exclusive(e))
		return 'n';
	if (exclusive(l) && strcmp(e, "sync") == 0)
		return in(l, "sync_control restart") ? 'y' : 'p';
	if (strcmp(l, "restart") == 0 && !in(e, "rui sleep"))
		return 'n'; /* strict */
	if (exclusive(l))
		return strcmp(e, "other_activity") == 0 ? 'y' : earlier->beside;
	if (exclusive(e))
		return later->may_start_during ? 'y' : 'n';
	if (in(l, areas) && in(e, areas))
		return 'n';
	if ((strcmp(l, "sync") == 0 && in(e, "dist sw_update sync")) ||
		(strcmp(e, "sync") == 0 && in(l, "dist sw_update sync")))
		return 'n';
	if (strcmp(e, "shutdown") == 0 && (in(l, areas) || strcmp(l, "sync") == 0))
		return 'n';
	return 'y';
}

static unsigned next_device = 1000, next_request = 100000;

/* The earlier one holds or was seen; false when that did not come about. */
static bool put_earlier(const struct row *e, bool seen, unsigned on)
{
	char op[40];

	if (!seen)
		return answers(acquire((struct want){.request = next_request++,
				       .kind = kind_of(e->id),
				       .op = e->id,
				       .devices = device(on)}),
			"granted");
	(void)snprintf(op, sizeof(op), "'%s'", e->id);
	see(on, op, "");
	return true;
}

static bool right_answer(json_t *j, const struct row *l, char expected)
{
	bool partial = expected == 'p';
	bool good = observed_only(l->id)
			    ? is(j, "answer", "refused") && is(j, "reason", "not_requestable")
		    : expected == 'n' ? is(j, "answer", "busy")
				      : is(j, "answer", "granted");

	if (good && !observed_only(l->id) && expected != 'n')
		good = (json_array_size(json_object_get(j, "items_refused")) > 0) == partial;
	json_decref(j);
	return good;
}

static bool pair_is_right(const struct row *e, const struct row *l, bool seen)
{
	unsigned on = next_device++;

	if (!put_earlier(e, seen, on))
		return false;
	json_t *j = acquire((struct want){.request = next_request++,
		.kind = kind_of(l->id),
		.op = l->id,
		.devices = device(on)});
	if (right_answer(j, l, may(l, e)))
		return true;
	printf("# %s, then %s%s: expected %c\n", e->id, l->id, seen ? " (seen)" : "", may(l, e));
	return false;
}

static void every_pair(bool seen, const char *what)
{
	unsigned n = 0, wrong = 0;

	for (size_t e = 0; e < OPS; e++)
		for (size_t l = 0; l < OPS; l++) {
			if (!seen && observed_only(rows[e].id))
				continue;
			n++;
			wrong += !pair_is_right(&rows[e], &rows[l], seen);
		}
	printf("# %u pairs\n", n);
	ok(wrong == 0 && n >= 18 * OPS, what);
}

/* The later one is a fact: nobody asks for it; against a held X it is recorded (section 7). */
static void facts_against_a_lock(void)
{
	unsigned wrong = 0;

	for (size_t l = 0; l < 20; l++) {
		unsigned on = next_device++;
		(void)put_earlier(&rows[6], false, on); /* batch_ie */
		(void)put_earlier(&rows[l], true, on);
		const char *n = sql("select count(*) from lock.history where event = "
				    "'violation_observed' and '%s' = any(devices)",
			id(on));
		wrong += strcmp(n, rows[l].may_start_during ? "0" : "1") != 0;
	}
	ok(wrong == 0, "what is seen beside a held batch_ie is recorded where C1 says no, and "
		       "revokes nothing");
	ok(strcmp(sql("select count(*) from lock.held where op = 'batch_ie' and state <> 2"),
		   "0") == 0,
		"no lock ended by it");
}

int main(void)
{
	client_service = "lock";
	client_open();
	(void)scheduler_start_one((const char *const[]){"--shadow_ttl_ms=600000", NULL});
	client_connect(1);
	read_matrix();
	every_pair(false, "each operation after each that holds the device: as the matrix and the "
			  "pair rules say");
	every_pair(true, "each operation after each that was seen on the device");
	facts_against_a_lock();
	client_close();
	return finish_tests();
}
