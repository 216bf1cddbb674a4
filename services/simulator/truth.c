// SPDX-License-Identifier: Apache-2.0
/* The truth log: what really happened at each device, for a checker that believes nobody. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/simulator/sim.h"

enum { KEEP = 200000, FLUSH_MS = 500 };

struct truth {
	char **lines; /* ring of KEEP; line of seq s at s % KEEP */
	uint64_t seq; /* of the newest */
	uint64_t first;
	FILE *file;
	struct timer *flush;
};

static void on_flush(void *arg)
{
	const struct truth *t = arg;

	(void)fflush(t->file);
}

struct truth *truth_new(struct loop *l, const char *path, struct fault *reterr)
{
	struct truth *t = mem_alloc(sizeof(*t));

	t->lines = mem_alloc(KEEP * sizeof(char *));
	t->first = 1;
	if (*path) {
		t->file = fopen(path, "ae");
		if (!t->file) {
			(void)fault_set(reterr, CN_INTERNAL_ERROR, "%s: %s", path, strerror(errno));
			truth_free(t);
			return NULL;
		}
		t->flush = timer_new(l, on_flush, t);
		timer_set(t->flush, FLUSH_MS, FLUSH_MS);
	}
	return t;
}

void truth_free(struct truth *t)
{
	if (!t)
		return;
	truth_clear(t);
	if (t->file)
		(void)fclose(t->file);
	if (t->flush)
		timer_free(t->flush);
	free(t->lines);
	free(t);
}

static char *line_of(const struct truth *t, const struct truth_entry *e)
{
	json_t *j = json_pack("{s:I, s:I, s:I, s:s, s:s, s:s}", "seq", (json_int_t)t->seq, "t",
		(json_int_t)clock_wall_ms(), "mono_us", (json_int_t)(clock_mono_ns() / 1000),
		"device", e->device ? e->device->name : "", "what", e->what, "result",
		e->result ? e->result : "ok");

	if (e->session && *e->session)
		(void)json_object_set_new(j, "session", json_string(e->session));
	if (e->item && *e->item)
		(void)json_object_set_new(j, "item", json_string(e->item));
	if (e->op)
		(void)json_object_set_new(j, "op", json_string(op_name(e->op)));
	if (e->bytes)
		(void)json_object_set_new(j, "bytes", json_integer((json_int_t)e->bytes));
	if (e->overlap)
		(void)json_object_set_new(j, "overlap", json_true());
	if (e->violation)
		(void)json_object_set_new(j, "violation", json_true());
	char *s = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	bug_if(!s);
	return s;
}

void truth_add(struct truth *t, const struct truth_entry *e)
{
	t->seq++;
	char **slot = &t->lines[t->seq % KEEP];
	free(*slot);
	*slot = line_of(t, e);
	if (t->seq - t->first >= KEEP)
		t->first = t->seq - KEEP + 1;
	if (t->file)
		(void)fprintf(t->file, "%s\n", *slot);
}

uint64_t truth_since(const struct truth *t, uint64_t seq, size_t limit, struct buf *out)
{
	uint64_t at = seq + 1 > t->first ? seq + 1 : t->first;

	for (; at <= t->seq && limit > 0; at++, limit--) {
		buf_adds(out, t->lines[at % KEEP]);
		buf_addc(out, '\n');
		seq = at;
	}
	return seq;
}

void truth_clear(struct truth *t)
{
	for (size_t i = 0; i < KEEP; i++) {
		free(t->lines[i]);
		t->lines[i] = NULL;
	}
	t->first = t->seq + 1;
}
