// SPDX-License-Identifier: Apache-2.0
/* Every ordered pair of operations once through the running service, from outside. What must come
 * out is worked out here anew, from the columns of schemas/matrix.csv and from the words of
 * docs/spec/locks.md sections 1 to 3.1; nothing of the service's own rules is linked. */
#include "tests/service/lock_client.h"
#include "tests/service/lock_rules.h"

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
	(void)scheduler_start_one(
		(const char *const[]){"--shadow_ttl_ms=600000", "--lease_default_ms=120000", NULL});
	client_connect(1);
	read_matrix();
	every_pair(false, "each operation after each that holds the device: as the matrix and the "
			  "pair rules say");
	every_pair(true, "each operation after each that was seen on the device");
	facts_against_a_lock();
	client_close();
	return finish_tests();
}
