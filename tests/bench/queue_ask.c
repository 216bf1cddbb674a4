// SPDX-License-Identifier: Apache-2.0
/* queue_ask URL MESSAGE JSON   one request on the bus, the answer as JSON
 * queue_ask URL < REQUESTS     lines "MESSAGE JSON", one after the other; how long the answers to
 * each message took: "message<TAB>n<TAB>p50<TAB>p99<TAB>longest", in ms */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus/bus.h"
#include "common/clock/clock.h"
#include "gen/msg.h"

#define MESSAGES_MAX 32u
#define ASKED_MAX 100000u

struct times {
	const struct msg_desc *desc;
	double *ms;
	size_t n;
};

static struct loop *loop;
static struct bus_client *to;
static int status;
static bool show;
static uint64_t since;
static struct times times[MESSAGES_MAX];
static struct times *asked;

static bool send_line(const char *name, const char *text);

/* The next line of the input, if there is one. */
static void go_on(void)
{
	static char line[65536];

	if (fgets(line, sizeof(line), stdin) == NULL) {
		loop_stop(loop);
		return;
	}
	char *space = strchr(line, ' ');
	if (space != NULL)
		*space = '\0';
	if (space == NULL || !send_line(line, space + 1)) {
		(void)fprintf(stderr, "not a request: %s\n", line);
		status = 64;
		loop_stop(loop);
	}
}

static void print(const struct msg_desc *desc, const void *m)
{
	json_t *j = msg_to_json(desc, m);
	char *text = json_dumps(j, 0);

	(void)puts(text);
	free(text);
	json_decref(j);
}

static void on_answer(
	unused void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	double ms = (double)(clock_mono_ns() - since) / 1e6;
	struct arena arena;
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	void *m = NULL;
	struct fault f = FAULT_INIT;

	arena_init(&arena, 0);
	bool ok = result == BUS_OK && msg_decode(body, &arena, &desc, &h, &m, &f) == 0;
	if (ok && (show || desc == &m_fault_desc))
		print(desc, m);
	if (!ok || desc == &m_fault_desc)
		status = 1;
	else if (asked->n < ASKED_MAX)
		asked->ms[asked->n++] = ms;
	arena_fini(&arena);
	if (show || status != 0)
		loop_stop(loop);
	else
		go_on();
}

static struct times *times_of(const struct msg_desc *desc)
{
	struct times *t = times;

	while (t->desc != NULL && t->desc != desc)
		t++;
	bug_if(t == &times[MESSAGES_MAX - 1]);
	if (t->desc == NULL)
		*t = (struct times){.desc = desc, .ms = mem_alloc(ASKED_MAX * sizeof(double))};
	return t;
}

static bool send_line(const char *name, const char *text)
{
	const struct msg_desc *desc = msg_find_name(name);
	json_t *j = json_loads(text, 0, NULL);
	struct msg_header h = {
		.sender = "ask", .deadline_ms = 60000, .protocol = MSG_PROTOCOL, .actor = ""};
	struct arena arena;
	void *body = NULL;
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;

	arena_init(&arena, 0);
	bool ok = desc != NULL && j != NULL && msg_from_json(desc, j, &arena, &body, &f) == 0;
	if (ok) {
		asked = times_of(desc);
		h.request = h.trace = uuid_v7(clock_wall_ms());
		msg_encode(&out, desc, &h, body);
		since = clock_mono_ns();
		bus_send(to, 0, buf_span(&out), 60000, on_answer, NULL);
	}
	buf_fini(&out);
	json_decref(j);
	arena_fini(&arena);
	return ok;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(struct times *t)
{
	qsort(t->ms, t->n, sizeof(*t->ms), by_size);
	printf("%s\t%zu\t%.1f\t%.1f\t%.1f\n", t->desc->name, t->n, t->ms[t->n / 2],
		t->ms[t->n * 99 / 100], t->ms[t->n - 1]);
}

int main(int argc, char **argv)
{
	struct bus_opts opts = {0};
	struct fault f = FAULT_INIT;

	if (argc != 2 && argc != 4)
		return 64;
	show = argc == 4;
	loop = loop_new();
	struct bus *bus = bus_new(loop, &opts, &f);
	to = bus == NULL ? NULL : bus_connect(bus, argv[1], &f);
	if (to == NULL)
		return 69;
	if (!show)
		go_on();
	else if (!send_line(argv[2], argv[3]))
		return 64;
	if (status == 0)
		loop_run(loop);
	for (struct times *t = times; !show && t->desc != NULL; t++) {
		if (t->n > 0)
			report(t);
		free(t->ms);
	}
	bus_free(bus);
	loop_free(loop);
	return status;
}
