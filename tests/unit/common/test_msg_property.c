// SPDX-License-Identifier: Apache-2.0
/* Whatever a struct holds within its limits comes back: over msgpack and over JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gen/msg.h"
#include "tests/unit/common/msg_random.h"

#define ROUNDS 60

static struct msg_header random_header(struct random *r)
{
	return (struct msg_header){
		.sender = random_text(r, 64),
		.deadline_ms = (uint32_t)random_next(r),
		.protocol = MSG_PROTOCOL,
		.epoch = random_next(r) >> 1,
		.seq = random_next(r) >> 2,
		.actor = random_text(r, 100),
		.role = (enum msg_right)random_below(r, 4),
	};
}

static void check_header(const struct msg_header *a, const struct msg_header *b)
{
	assert_string_equal(a->sender, b->sender);
	assert_string_equal(a->actor, b->actor);
	assert_int_equal(a->deadline_ms, b->deadline_ms);
	assert_int_equal(a->protocol, b->protocol);
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->role, b->role);
}

static void round_trip(const struct msg_desc *desc, uint64_t seed)
{
	struct arena arena;
	struct random r = {.state = seed, .arena = &arena};
	struct buf once = BUF_INIT;
	struct buf twice = BUF_INIT;
	const struct msg_desc *got;
	struct msg_header back;
	struct fault err = FAULT_INIT;
	void *body;

	arena_init(&arena, 0);
	void *x = arena_alloc(&arena, desc->size);
	assert_non_null(x);
	random_body(&r, desc, x);
	struct msg_header header = random_header(&r);
	msg_encode(&once, desc, &header, x);
	if (once.n <= MSG_MAX) { /* rarely, all texts at their longest are too much */
		assert_false(once.err);
		if (msg_decode(buf_span(&once), &arena, &got, &back, &body, &err) != 0)
			fail_msg("%s seed %llu: %s", desc->name, (unsigned long long)seed,
				err.detail);
		assert_ptr_equal(got, desc);
		check_header(&header, &back);
		assert_true(same_body(desc, x, body));
		msg_encode(&twice, desc, &back, body);
		assert_int_equal(once.n, twice.n);
		assert_memory_equal(once.p, twice.p, once.n);
	}
	buf_fini(&once);
	buf_fini(&twice);
	arena_fini(&arena);
}

static void decode_gives_back_what_encode_took(void **state)
{
	(void)state;
	assert_true(msg_all_n > 100);
	for (size_t i = 0; i < msg_all_n; i++) {
		for (uint64_t k = 0; k < ROUNDS && msg_all[i]->id != 0; k++)
			round_trip(msg_all[i], i * 1000 + k);
	}
}

/* Secrets never reach JSON, so they are not expected back. */
static void drop_secrets(const struct msg_desc *desc, void *body)
{
	for (size_t i = 0; i < desc->n_fields; i++) {
		const struct msg_field *f = &desc->fields[i];
		char *at = (char *)body + f->offset;
		if (f->secret)
			memset(at, 0, value_size(f));
		if (f->type != MSG_STRUCT)
			continue;
		size_t n = 1;
		if (f->list)
			memcpy(&n, (char *)body + f->offset_n, sizeof(n));
		char *part;
		memcpy(&part, at, sizeof(part));
		for (size_t k = 0; k < n && part != NULL; k++)
			drop_secrets(f->desc, part + k * f->desc->size);
	}
}

static bool has_required_secret(const struct msg_desc *desc)
{
	for (size_t i = 0; i < desc->n_fields; i++) {
		const struct msg_field *f = &desc->fields[i];
		if ((f->secret && f->required) ||
			(f->type == MSG_STRUCT && has_required_secret(f->desc)))
			return true;
	}
	return false;
}

static void json_round_trip(const struct msg_desc *desc, uint64_t seed)
{
	struct arena arena;
	struct random r = {.state = seed, .arena = &arena};
	struct fault err = FAULT_INIT;
	void *body;

	arena_init(&arena, 0);
	void *x = arena_alloc(&arena, desc->size);
	assert_non_null(x);
	random_body(&r, desc, x);
	json_t *j = msg_to_json(desc, x);
	assert_non_null(j);
	drop_secrets(desc, x);
	/* through text: what jansson accepts in memory it might not read back */
	char *text = json_dumps(j, 0);
	json_t *again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(again);
	if (msg_from_json(desc, again, &arena, &body, &err) != 0)
		fail_msg("%s seed %llu: %s", desc->name, (unsigned long long)seed, err.detail);
	if (!same_body(desc, x, body))
		fail_msg("%s seed %llu: %s", desc->name, (unsigned long long)seed, text);
	free(text);
	json_decref(again);
	json_decref(j);
	arena_fini(&arena);
}

static void json_gives_back_what_it_took(void **state)
{
	(void)state;
	for (size_t i = 0; i < msg_all_n; i++) {
		if (has_required_secret(msg_all[i]))
			continue;
		for (uint64_t k = 0; k < ROUNDS; k++)
			json_round_trip(msg_all[i], i * 1000 + k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode_gives_back_what_encode_took),
		cmocka_unit_test(json_gives_back_what_it_took),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
