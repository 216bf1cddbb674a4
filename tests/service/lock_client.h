// SPDX-License-Identifier: Apache-2.0
/* For the service tests of the lock service: real carnet-lock processes with short timers on a real
 * PostgreSQL, asked from outside. */
#pragma once

#include "tests/service/scheduler_client.h"

enum { LEASE_MS = 1000, QUARANTINE_MS = 600 };

static const char *const lock_settings[] = {"--lease_min_ms=200", "--lease_default_ms=1000",
	"--sweep_ms=50", "--quarantine_ms=600", "--quarantine_max_ms=2500", "--shadow_ttl_ms=5000",
	"--silent_ms=1500", NULL};

/* A number as an id: 9 = 00000000-0000-7000-8000-000000000009. */
static unused const char *id(unsigned n)
{
	static char slots[16][UUID_TEXT];
	static unsigned slot;
	char *out = slots[slot++ % 16];

	(void)snprintf(out, UUID_TEXT, "00000000-0000-7000-8000-%012u", n);
	return out;
}

/* What is asked; zeros mean: own, export, wait 0, the default lease. */
struct want {
	unsigned request, session; /* session 0 = the request's number */
	const char *kind, *op, *direction;
	const char *devices; /* JSON members of the list */
	const char *more;    /* further members, from a comma on */
};

static unused json_t *acquire(struct want w)
{
	return ask("lock_acquire",
		"{'request': '%s', 'session': '%s', 'kind': '%s', 'op': '%s', 'direction': '%s',"
		" 'devices': [%s]%s}",
		id(w.request), id(w.session != 0 ? w.session : w.request),
		w.kind != NULL ? w.kind : "own", w.op, w.direction != NULL ? w.direction : "export",
		w.devices, w.more != NULL ? w.more : "");
}

static unused bool answers(json_t *answer, const char *word)
{
	bool good = is(answer, "answer", word);

	json_decref(answer);
	return good;
}

/* 'id' for a list of devices. */
static unused const char *device(unsigned n)
{
	static char slots[16][UUID_TEXT + 2];
	static unsigned slot;
	char *out = slots[slot++ % 16];

	(void)snprintf(out, sizeof(slots[0]), "'%s'", id(n));
	return out;
}

/* The number of locks that the call says are lost; -1: no answer. */
static unused long give_back(
	const char *call, unsigned request, unsigned session, const char *token, const char *more)
{
	json_t *j = ask(call, "{'session': '%s', 'locks': [{'request': '%s', 'token': %s%s}]}",
		id(session), id(request), token, more);
	long lost = json_object_get(j, "fault") != NULL
			    ? -1
			    : (long)json_array_size(json_object_get(j, "lost"));

	json_decref(j);
	return lost;
}

static unused void see(unsigned on, const char *ops, const char *more)
{
	json_decref(ask("lock_observe", "{'observed': [{'device': '%s', 'ops': [%s]%s}]}", id(on),
		ops, more));
}

/* Asks with fresh ids from `request` on until the answer is this word. */
static unused bool comes(
	const char *word, unsigned request, const char *op, unsigned on, uint64_t ms)
{
	uint64_t end = clock_mono_ms() + ms;

	for (;; request++) {
		json_t *j =
			acquire((struct want){.request = request, .op = op, .devices = device(on)});
		bool there = strcmp(at(j, "answer"), word) == 0;
		json_decref(j);
		if (there || clock_mono_ms() > end)
			return there;
		pause_ms(20);
	}
}

static unused void lock_open(size_t instances)
{
	client_service = "lock";
	client_open();
	for (size_t i = 0; i < instances; i++)
		(void)scheduler_start_one(lock_settings);
	client_connect(instances);
}
