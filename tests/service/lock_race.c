// SPDX-License-Identifier: Apache-2.0
/* Two instances are asked for the same devices at the same moment, again and again: the device row
 * decides (docs/spec/locks.md section 8; I1, I2, I4). Without the row lock this test fails. */
#include "tests/service/lock_client.h"

enum { ASKERS = 16, ROUNDS = 150, DEVICES = 6 };

struct asker {
	struct uuid request;
	struct uuid devices[3];
	size_t n;
	bool answered, granted, fault;
	uint64_t tokens[3];
};

static struct asker askers[ASKERS];
static unsigned answered, faults;
static unsigned seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void keep(struct asker *a, const struct m_lock_answer *m)
{
	a->granted = m->answer == LOCK_RESULT_GRANTED;
	for (size_t i = 0; i < m->grants_n && i < 3; i++)
		a->tokens[i] = m->grants[i].token;
}

static void on_one(void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	struct fault f = FAULT_INIT;
	struct arena arena;
	void *b = NULL;

	arena_init(&arena, 0);
	answered++;
	if (result != BUS_OK || msg_decode(body, &arena, &desc, &h, &b, &f) < 0 ||
		desc == &m_fault_desc)
		faults++;
	else if (desc == &m_lock_answer_desc)
		keep(arg, b);
	arena_fini(&arena);
	loop_stop(client.loop);
}

static void post(const struct msg_desc *desc, const void *body, struct asker *a)
{
	struct msg_header h = {
		.sender = "race", .deadline_ms = 20000, .protocol = MSG_PROTOCOL, .actor = ""};
	struct buf out = BUF_INIT;

	msg_encode(&out, desc, &h, body);
	bug_if(out.err);
	bus_send(client.to, 0, buf_span(&out), 20000, on_one, a);
	buf_fini(&out);
}

/* Different devices, in any order. */
static void choose(struct asker *a, bool many)
{
	unsigned first = pick(DEVICES), stride = 1 + pick(2);

	a->n = many ? 1 + pick(3) : 1;
	for (size_t i = 0; i < a->n; i++)
		a->devices[i] = (struct uuid){
			.b = {4, [15] = many ? (uint8_t)((first + i * stride) % DEVICES) : 0}};
}

static void everybody_asks(bool many)
{
	answered = 0;
	for (size_t i = 0; i < ASKERS; i++) {
		struct asker *a = &askers[i];
		*a = (struct asker){.request = uuid_v7(clock_wall_ms())};
		choose(a, many);
		struct m_lock_acquire m = {.request = a->request,
			.session = {.b = {3}},
			.kind = LOCK_KIND_OWN,
			.op = "batch_ie",
			.direction = LOCK_DIRECTION_IMPORT,
			.devices = a->devices,
			.devices_n = a->n,
			.lease_ms = 60000};
		post(&m_lock_acquire_desc, &m, a);
	}
	while (answered < ASKERS)
		loop_run(client.loop);
}

static unsigned winners_on(uint8_t device)
{
	unsigned n = 0;

	for (size_t i = 0; i < ASKERS; i++)
		for (size_t k = 0; k < askers[i].n; k++)
			n += askers[i].granted && askers[i].devices[k].b[15] == device;
	return n;
}

static void winners_leave(void)
{
	unsigned sent = 0;

	answered = 0;
	for (size_t i = 0; i < ASKERS; i++) {
		struct m_held held = {.request = askers[i].request, .token = askers[i].tokens[0]};
		struct m_lock_release m = {.session = {.b = {3}}, .locks = &held, .locks_n = 1};
		if (!askers[i].granted)
			continue;
		post(&m_lock_release_desc, &m, &askers[i]);
		sent++;
	}
	while (answered < sent)
		loop_run(client.loop);
}

static void one_device(void)
{
	unsigned wrong = 0;
	uint64_t last = 0, fell = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		everybody_asks(false);
		wrong += winners_on(0) != 1;
		for (size_t k = 0; k < ASKERS; k++)
			if (askers[k].granted) {
				fell += askers[k].tokens[0] <= last;
				last = askers[k].tokens[0];
			}
		winners_leave();
	}
	ok(wrong == 0,
		"of 16 that ask two instances at once for one device, exactly one is granted");
	ok(fell == 0, "and its token is higher than all before (I2)");
}

static void several_devices(void)
{
	unsigned twice = 0, granted = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		everybody_asks(true);
		for (uint8_t d = 0; d < DEVICES; d++)
			twice += winners_on(d) > 1;
		for (size_t k = 0; k < ASKERS; k++)
			granted += askers[k].granted;
		winners_leave();
	}
	ok(twice == 0 && granted >= ROUNDS, "of overlapping sets, none is granted beside another");
	ok(faults == 0, "and no two instances wait for each other in a circle");
}

int main(void)
{
	lock_open(2);
	while (bus_live(client.to) < 2)
		pause_ms(10);
	one_device();
	several_devices();
	ok(strcmp(sql("select count(*) from lock.held"), "0") == 0, "all is given back");
	client_close();
	return finish_tests();
}
