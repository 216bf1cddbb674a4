// SPDX-License-Identifier: Apache-2.0
/* The bytes of tests/golden/msg are what we write, and what they say is what we read. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen/msg.h"
#include "tests/unit/common/msg_random.h"

#define DIR_GOLDEN "tests/golden/msg"

struct golden {
	const struct msg_desc *desc;
	json_t *header, *body;
	struct buf bytes;
};

static json_t *parse(const char *text)
{
	json_error_t err;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &err);

	if (j == NULL)
		fail_msg("%s: %s", text, err.text);
	return j;
}

static void add_hex(struct buf *b, char *line)
{
	line[strcspn(line, "#\n")] = '\0';
	for (char *p = line, *end; *p != '\0'; p = end) {
		unsigned long v = strtoul(p, &end, 16);
		if (end == p)
			break;
		buf_addc(b, (char)v);
	}
}

static void load(const char *name, struct golden *g)
{
	char *path;
	char *line = NULL;
	size_t size = 0;

	assert_true(asprintf(&path, DIR_GOLDEN "/%s", name) > 0);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	*g = (struct golden){.bytes = BUF_INIT};
	while (getline(&line, &size, f) > 0) {
		if (strncmp(line, "message ", 8) == 0) {
			line[strcspn(line, "\n")] = '\0';
			g->desc = msg_find_name(line + 8);
		} else if (strncmp(line, "header ", 7) == 0) {
			g->header = parse(line + 7);
		} else if (strncmp(line, "body ", 5) == 0) {
			g->body = parse(line + 5);
		} else {
			add_hex(&g->bytes, line);
		}
	}
	free(line);
	free(path);
	(void)fclose(f);
	assert_non_null(g->desc);
	assert_true(g->bytes.n > 4);
}

static void unload(struct golden *g)
{
	json_decref(g->header);
	json_decref(g->body);
	buf_fini(&g->bytes);
}

static const char *text_of(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s != NULL ? s : "";
}

static uint64_t number_of(const json_t *j, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(j, name));
}

static struct uuid uuid_of(const json_t *j, const char *name)
{
	struct uuid id = {{0}};

	if (json_object_get(j, name) != NULL)
		assert_int_equal(uuid_parse(text_of(j, name), &id), 0);
	return id;
}

static struct msg_header header_of(const json_t *j)
{
	return (struct msg_header){
		.sender = json_object_get(j, "sender") != NULL ? text_of(j, "sender") : NULL,
		.trace = uuid_of(j, "trace"),
		.deadline_ms = (uint32_t)number_of(j, "deadline_ms"),
		.request = uuid_of(j, "request"),
		.protocol = (uint32_t)number_of(j, "protocol"),
		.epoch = number_of(j, "epoch"),
		.seq = number_of(j, "seq"),
		.actor = text_of(j, "actor"),
		.role = (enum msg_right)number_of(j, "role"),
	};
}

static void check_encode(const struct golden *g, const void *body)
{
	struct msg_header header = header_of(g->header);
	struct buf out = BUF_INIT;

	msg_encode(&out, g->desc, &header, body);
	assert_false(out.err);
	assert_int_equal(out.n, g->bytes.n);
	assert_memory_equal(out.p, g->bytes.p, out.n);
	buf_fini(&out);
}

static void check_decode(const struct golden *g, struct arena *arena, const void *wanted)
{
	struct msg_header header;
	struct msg_header good = header_of(g->header);
	const struct msg_desc *desc;
	struct fault err = FAULT_INIT;
	void *body;

	assert_int_equal(msg_decode(buf_span(&g->bytes), arena, &desc, &header, &body, &err), 0);
	assert_ptr_equal(desc, g->desc);
	assert_true(same_body(desc, wanted, body));
	/* what was given is known to have been given */
	assert_int_equal(*(uint64_t *)body, *(const uint64_t *)wanted);
	assert_string_equal(header.sender, good.sender != NULL ? good.sender : "");
	assert_string_equal(header.actor, good.actor);
	assert_true(uuid_eq(&header.trace, &good.trace));
	assert_true(uuid_eq(&header.request, &good.request));
	assert_int_equal(header.deadline_ms, good.deadline_ms);
	assert_int_equal(header.epoch, good.epoch);
	assert_int_equal(header.seq, good.seq);
	assert_int_equal(header.role, good.role);
}

/* Takes out what JSON must not show. */
static void without_secrets(const struct msg_desc *desc, json_t *j)
{
	for (size_t i = 0; i < desc->n_fields; i++) {
		const struct msg_field *f = &desc->fields[i];
		if (f->secret)
			json_object_del(j, f->name);
		else if (f->type == MSG_STRUCT && !f->list)
			without_secrets(f->desc, json_object_get(j, f->name));
	}
}

static void check_json(const struct golden *g, const void *body)
{
	json_t *wanted = json_deep_copy(g->body);
	json_t *got = msg_to_json(g->desc, body);

	without_secrets(g->desc, wanted);
	if (!json_equal(wanted, got))
		fail_msg("%s: %s", g->desc->name, json_dumps(got, 0));
	json_decref(wanted);
	json_decref(got);
}

static int is_golden(const struct dirent *e)
{
	return strstr(e->d_name, ".hex") != NULL;
}

static void golden_frames_are_written_and_read_exactly(void **state)
{
	struct dirent **files;
	int n = scandir(DIR_GOLDEN, &files, is_golden, alphasort);

	(void)state;
	assert_true(n >= 25);
	for (int i = 0; i < n; i++) {
		struct golden g;
		struct arena arena;
		struct fault err = FAULT_INIT;
		void *body;
		arena_init(&arena, 0);
		print_message("# %s\n", files[i]->d_name);
		load(files[i]->d_name, &g);
		if (msg_from_json(g.desc, g.body, &arena, &body, &err) != 0)
			fail_msg("%s: %s", files[i]->d_name, err.detail);
		check_encode(&g, body);
		check_decode(&g, &arena, body);
		check_json(&g, body);
		unload(&g);
		arena_fini(&arena);
		free(files[i]);
	}
	free(files);
}

/* No part of this frame comes from JSON. */
static void a_struct_filled_by_hand_gives_the_known_bytes(void **state)
{
	static const uint8_t wanted[] = {0x93, 0xcd, 0x02, 0x67, 0x82, 0x01, 0xa1, 's', 0x05, 0x01,
		0x82, 0x01, 0xc4, 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x02, 0x0c};
	struct m_run_targets m = {.state = JOB_STATE_FAILED};
	struct msg_header header = {.sender = "s", .protocol = 1};
	struct buf out = BUF_INIT;

	(void)state;
	memset(&m.id, 1, sizeof(m.id));
	msg_encode(&out, &m_run_targets_desc, &header, &m);
	assert_int_equal(out.n, sizeof(wanted));
	assert_memory_equal(out.p, wanted, sizeof(wanted));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_frames_are_written_and_read_exactly),
		cmocka_unit_test(a_struct_filled_by_hand_gives_the_known_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
