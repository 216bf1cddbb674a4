// SPDX-License-Identifier: Apache-2.0
/* queue_ask URL MESSAGE JSON: one request on the bus, the answer as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "common/bus/bus.h"
#include "common/clock/clock.h"
#include "gen/msg.h"

static struct loop *loop;
static int status = 1;

static void on_answer(
	unused void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	struct arena arena;
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	void *m = NULL;
	struct fault f = FAULT_INIT;

	arena_init(&arena, 0);
	if (result == BUS_OK && msg_decode(body, &arena, &desc, &h, &m, &f) == 0) {
		json_t *j = msg_to_json(desc, m);
		char *text = json_dumps(j, 0);
		(void)puts(text);
		free(text);
		json_decref(j);
		status = desc == &m_fault_desc;
	}
	arena_fini(&arena);
	loop_stop(loop);
}

int main(int argc, char **argv)
{
	struct bus_opts opts = {0};
	struct fault f = FAULT_INIT;
	struct arena arena;
	void *body = NULL;
	struct buf out = BUF_INIT;
	struct msg_header h = {
		.sender = "ask", .deadline_ms = 60000, .protocol = MSG_PROTOCOL, .actor = ""};
	const struct msg_desc *desc = argc == 4 ? msg_find_name(argv[2]) : NULL;
	json_t *j = argc == 4 ? json_loads(argv[3], 0, NULL) : NULL;

	arena_init(&arena, 0);
	if (desc == NULL || j == NULL || msg_from_json(desc, j, &arena, &body, &f) < 0)
		return 64;
	json_decref(j);
	loop = loop_new();
	struct bus *bus = bus_new(loop, &opts, &f);
	struct bus_client *to = bus == NULL ? NULL : bus_connect(bus, argv[1], &f);
	if (to == NULL)
		return 69;
	h.request = h.trace = uuid_v7(clock_wall_ms());
	msg_encode(&out, desc, &h, body);
	bus_send(to, 0, buf_span(&out), 60000, on_answer, NULL);
	buf_fini(&out);
	loop_run(loop);
	bus_free(bus);
	loop_free(loop);
	arena_fini(&arena);
	return status;
}
