// SPDX-License-Identifier: Apache-2.0
/* The audit trail as a chain (security.md section 7): every way of tampering is found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/audit/chain.h"
#include "common/crypto/crypto.h"

#define N 20

static const uint8_t zeros[AUDIT_HASH];
static const uint8_t seed[32] = {7};

struct trail {
	struct audit_entry e[N + 4];
	char tail[N + 4][48];
	size_t n;
	uint64_t head;
	uint8_t head_hash[AUDIT_HASH];
	struct audit_mark mark; /* seq 0 = none */
};

static void chain_up(struct trail *t, size_t from)
{
	for (size_t i = from; i < t->n; i++)
		audit_hash(
			i == 0 ? zeros : t->e[i - 1].hash, t->e[i].seq, t->e[i].tail, t->e[i].hash);
}

static struct trail *honest(void)
{
	static struct trail t;

	t = (struct trail){.n = N, .head = N};
	for (size_t i = 0; i < N; i++) {
		(void)snprintf(t.tail[i], sizeof(t.tail[i]), ", \"entry %zu\"]", i + 1);
		t.e[i] = (struct audit_entry){.seq = i + 1, .tail = t.tail[i]};
	}
	chain_up(&t, 0);
	memcpy(t.head_hash, t.e[N - 1].hash, AUDIT_HASH);
	return &t;
}

static void put_mark(struct trail *t, uint64_t seq)
{
	t->mark.seq = seq;
	memcpy(t->mark.hash, t->e[seq - 1].hash, AUDIT_HASH);
	audit_mark_sign(&t->mark, seed);
}

static void take_out(struct trail *t, size_t at)
{
	memmove(&t->e[at], &t->e[at + 1], (t->n - at - 1) * sizeof(t->e[0]));
	t->n--;
}

static void put_in(struct trail *t, size_t at)
{
	memmove(&t->e[at + 1], &t->e[at], (t->n - at) * sizeof(t->e[0]));
	t->n++;
	t->e[at].tail = ", \"forged\"]";
}

static void number_again(struct trail *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->e[i].seq = i + 1;
}

/* "moved 4 9, moved 9 4": every fault found, "" = whole. */
static const char *faults(const struct trail *t)
{
	static struct audit_walk w;
	static char text[2048];
	size_t at = 0;

	audit_walk_begin(&w, 0, zeros);
	for (size_t i = 0; i < t->n; i++) {
		audit_walk_entry(&w, &t->e[i]);
		if (t->mark.seq != 0 && t->mark.seq == t->e[i].seq)
			audit_walk_mark(&w, &t->mark, true);
	}
	if (t->mark.seq > t->head)
		audit_walk_head(&w, t->mark.seq, NULL);
	else
		audit_walk_head(&w, t->head, t->head_hash);
	bool whole = audit_walk_end(&w);
	text[0] = '\0';
	for (size_t i = 0; i < w.faults_n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %d %d",
			i == 0 ? "" : ", ", audit_fault_word(w.faults[i].kind),
			(int)w.faults[i].seq, (int)w.faults[i].to);
	assert_int_equal(whole, w.faults_n == 0);
	return text;
}

static void what_was_only_added_to_is_whole(void **state)
{
	struct trail *t = honest();

	(void)state;
	assert_string_equal(faults(t), "");
	put_mark(t, 7);
	assert_string_equal(faults(t), "");
}

static void a_changed_entry_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct trail *t = honest();
		char want[32];
		t->e[i].tail = ", \"else\"]";
		(void)snprintf(want, sizeof(want), "changed %zu %zu", i + 1, i + 1);
		assert_string_equal(faults(t), want);
	}
}

static void a_changed_entry_with_its_hash_made_anew_is_named_by_the_next(void **state)
{
	struct trail *t = honest();

	(void)state;
	t->e[4].tail = ", \"else\"]";
	audit_hash(t->e[3].hash, 5, t->e[4].tail, t->e[4].hash);
	assert_string_equal(faults(t), "changed 6 6");
	t = honest();
	t->e[N - 1].tail = ", \"else\"]";
	audit_hash(t->e[N - 2].hash, N, t->e[N - 1].tail, t->e[N - 1].hash);
	assert_string_equal(faults(t), "changed 20 20"); /* the head knows */
}

static void a_removed_entry_is_named(void **state)
{
	struct trail *t = honest();

	(void)state;
	take_out(t, 4);
	take_out(t, 4);
	assert_string_equal(faults(t), "removed 5 6");
	t = honest();
	take_out(t, 4);
	number_again(t);
	assert_string_equal(faults(t), "removed 5 5, cut 20 20");
}

static void an_entry_put_in_is_named(void **state)
{
	struct trail *t = honest();

	(void)state;
	put_in(t, 4);
	number_again(t);
	assert_string_equal(faults(t), "inserted 5 5, inserted 21 21");
	audit_hash(t->e[3].hash, 5, t->e[4].tail, t->e[4].hash); /* with the right hash */
	assert_string_equal(faults(t), "inserted 5 5, inserted 21 21");
}

static void an_entry_added_past_the_head_is_named(void **state)
{
	struct trail *t = honest();

	(void)state;
	put_in(t, N);
	number_again(t);
	chain_up(t, N);
	assert_string_equal(faults(t), "inserted 21 21");
}

static void swap(struct trail *t, size_t a, size_t b)
{
	struct audit_entry x = t->e[a];

	t->e[a] = t->e[b];
	t->e[b] = x;
	number_again(t);
}

static void entries_that_changed_places_are_named(void **state)
{
	(void)state;
	struct trail *t = honest();
	swap(t, 3, 8);
	assert_string_equal(faults(t), "moved 4 9, moved 9 4");
	t = honest();
	swap(t, 3, 4);
	assert_string_equal(faults(t), "moved 4 5, moved 5 4");
}

static void what_was_cut_off_is_named(void **state)
{
	struct trail *t = honest();

	(void)state;
	t->n = 12;
	assert_string_equal(faults(t), "cut 13 20");
	t->head = 12; /* with the head put back: a checkpoint knows */
	memcpy(t->head_hash, t->e[11].hash, AUDIT_HASH);
	assert_string_equal(faults(t), "");
	put_mark(t, 18);
	assert_string_equal(faults(t), "cut 13 18");
}

static void a_chain_written_anew_is_not_the_one_that_was_signed(void **state)
{
	struct trail *t = honest();

	(void)state;
	put_mark(t, 15);
	t->e[4].tail = ", \"else\"]";
	chain_up(t, 4);
	memcpy(t->head_hash, t->e[N - 1].hash, AUDIT_HASH);
	assert_string_equal(faults(t), "rewritten 1 15");
	t->mark.signature[3] ^= 1;
	assert_string_equal(faults(t), "unsigned 15 15");
	t = honest();
	put_mark(t, 10);
	put_in(t, 4);
	number_again(t);
	assert_string_equal(faults(t), "inserted 5 5, inserted 21 21"); /* and not rewritten */
}

/* Where everything is wrong nothing overflows, and the first faults are told. */
static void a_trail_of_nonsense_is_told_in_part(void **state)
{
	static struct audit_walk w;
	struct audit_entry e = {.tail = ", 0]"};
	char text[160];

	(void)state;
	audit_walk_begin(&w, 0, zeros);
	for (e.seq = 1; e.seq <= 500; e.seq++) {
		memset(e.hash, (int)e.seq, sizeof(e.hash));
		audit_walk_entry(&w, &e);
	}
	audit_walk_head(&w, 600, NULL);
	assert_false(audit_walk_end(&w));
	assert_true(w.more);
	assert_int_equal(w.faults_n, AUDIT_FAULTS);
	for (size_t i = 0; i < w.faults_n; i++) {
		audit_fault_text(&w.faults[i], text, sizeof(text));
		assert_true(strlen(text) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_only_added_to_is_whole),
		cmocka_unit_test(a_changed_entry_is_named),
		cmocka_unit_test(a_changed_entry_with_its_hash_made_anew_is_named_by_the_next),
		cmocka_unit_test(a_removed_entry_is_named),
		cmocka_unit_test(an_entry_put_in_is_named),
		cmocka_unit_test(an_entry_added_past_the_head_is_named),
		cmocka_unit_test(entries_that_changed_places_are_named),
		cmocka_unit_test(what_was_cut_off_is_named),
		cmocka_unit_test(a_chain_written_anew_is_not_the_one_that_was_signed),
		cmocka_unit_test(a_trail_of_nonsense_is_told_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
