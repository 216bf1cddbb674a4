// SPDX-License-Identifier: Apache-2.0
/* For the tests of tasks that write: devices, a worker that says what it is told to say. */
#pragma once

#include "common/crypto/crypto.h"
#include "tests/service/scheduler_client.h"

static const char worker[] = "0193aaaa-0000-7000-8000-000000000001";
static const char source[] = "0193bbbb-0000-7000-8000-000000000002";
static const char image[] = "0193cccc-0000-7000-8000-000000000003";

/* A hash of one byte repeated, as text; valid until 8 calls later. */
static unused const char *hash_of(uint8_t byte)
{
	static char slots[8][64];
	static unsigned slot;
	char *out = slots[slot++ % 8];
	uint8_t hash[SHA256_LEN];
	struct buf b = BUF_INIT;

	memset(hash, byte, sizeof(hash));
	base64_encode((struct span){hash, sizeof(hash)}, &b);
	(void)snprintf(out, sizeof(slots[0]), "%s", buf_str(&b));
	buf_fini(&b);
	return out;
}

static unused void enrol(const char *name, const char *family, const char *extra)
{
	static unsigned n; /* each has an address of its own (FL-2) */
	json_t *j = ask("device_create",
		"{'device': {'name': '%s', 'vendor': 'V', 'family': '%s', 'serial': '%s',"
		" 'address': '10.0.%u.%u'%s}}",
		name, family, name, n / 250, n % 250 + 1, extra);
	n++;

	if (*at(j, "device.id") == '\0')
		ok(false, name);
	json_decref(j);
}

/* Id of a device; valid until 8 calls of sql() later. */
static unused const char *id_of(const char *device)
{
	return sql("select id from fleet.device where name = '%s'", device);
}

/* A restore of these devices ("'p1', 'p2'"); rest: more members of the task. */
static unused void restore_task(const char *name, const char *devices, const char *rest)
{
	json_t *j = ask("task_create",
		"{'task': {'name': '%s', 'kind': 'ab.restore', 'targets': {'devices': [%s]},"
		" 'settings': {'source': '%s'}%s}}",
		name, devices, source, rest);

	if (*at(j, "task.id") == '\0')
		ok(false, at(j, "fault.detail"));
	json_decref(j);
}

/* Starts a task; the run's id, valid until the next call. */
static unused const char *start(const char *task)
{
	static char id[UUID_TEXT];
	json_t *j = ask("run_start", "{'ref': '%s'}", task);

	(void)snprintf(id, sizeof(id), "%s", at(j, "run.id"));
	json_decref(j);
	return id;
}

/* What the worker holds: the newest claimed job of each device. */
static struct held {
	char device[32], id[UUID_TEXT], job[UUID_TEXT];
	long attempt;
	int token;
	bool running;
} held[64];
static size_t n_held;

static struct held *held_of(const char *device)
{
	for (size_t i = 0; i < n_held; i++) {
		if (strcmp(held[i].device, device) == 0)
			return &held[i];
	}
	bug_if(n_held == array_len(held));
	(void)snprintf(held[n_held].device, sizeof(held[0].device), "%s", device);
	return &held[n_held++];
}

static unused json_t *claim(unsigned slots)
{
	json_t *j = ask("job_claim", "{'worker': '%s', 'slots': %u}", worker, slots);
	json_t *jobs = json_object_get(j, "jobs");

	for (size_t i = 0; i < json_array_size(jobs); i++) {
		const json_t *one = json_array_get(jobs, i);
		struct held *h = held_of(at(one, "device.name"));
		(void)snprintf(h->id, sizeof(h->id), "%s", at(one, "device.id"));
		(void)snprintf(h->job, sizeof(h->job), "%s", at(one, "job"));
		h->attempt = number_at(one, "attempt");
		h->token = 0;
		h->running = false;
	}
	return j;
}

/* Claims what is ready, and waits for it. */
static unused void take(void)
{
	uint64_t end = clock_mono_ms() + 5000;
	size_t n = 0;

	while (n == 0 && clock_mono_ms() < end) {
		json_t *j = claim(10);
		n = json_array_size(json_object_get(j, "jobs"));
		json_decref(j);
		if (n == 0)
			pause_ms(20);
	}
}

/* The newest claimed job of a device. */
static unused const char *job_of(const char *device)
{
	return held_of(device)->job;
}

static void advance(struct held *h, const char *state, const char *rest)
{
	json_decref(ask("job_advance",
		"{'worker': '%s', 'steps': [{'job': '%s', 'attempt': %ld, 'token': %d,"
		" 'state': '%s'%s}]}",
		worker, h->job, h->attempt, h->token, state, rest));
	h->running = true;
}

/* Takes the newest claimed job of a device through running and storing to its end.
 * rest: more members of the report. */
static unused bool report(const char *device, const char *state, const char *rest)
{
	struct held *h = held_of(device);
	bool stores = strcmp(state, "succeeded") == 0 || strcmp(state, "unchanged") == 0 ||
		      strcmp(state, "partial") == 0;

	if (!h->running)
		advance(h, "running", "");
	if (stores)
		advance(h, "storing", "");
	json_t *j = ask("job_result",
		"{'worker': '%s', 'results': [{'job': '%s', 'attempt': %ld, 'token': %d,"
		" 'state': '%s'%s}]}",
		worker, h->job, h->attempt, h->token, state, rest);
	bool good = json_array_size(json_object_get(j, "refused")) == 0 &&
		    json_object_get(j, "fault") == NULL;
	json_decref(j);
	return good;
}

/* Says of a device what would change. */
static unused bool report_plan(const char *device, uint8_t hash, unsigned add, const char *needs)
{
	char rest[400];

	(void)snprintf(rest, sizeof(rest),
		", 'plan': {'hash': '%s', 'add': %u, 'source': '%s', 'needs': [%s]}", hash_of(hash),
		add, source, needs);
	return report(device, add > 0 ? "succeeded" : "unchanged", rest);
}

/* The newest claimed job of a device goes to running under a lock with this token. */
static unused void lock_and_run(const char *device, int token)
{
	struct held *h = held_of(device);
	char rest[64];

	(void)sql("delete from lock.held where token = %d; insert into lock.held (device_id,"
		  " request, token, session, kind, op, direction, items, strict, granted_at,"
		  " lease_ms, expires_at, profile, profile_revision, probe, quarantine_ms,"
		  " quarantine_max_ms, max_hold_ms) values ('%s', '%s', %d, '%s', 1, 'indiv_ie',"
		  " 2, '{}', false, clock_timestamp(), 60000, clock_timestamp() + interval '1"
		  " minute', 'generic', 1, 1, 60000, 900000, 3600000)"
		  " on conflict (device_id, request) do update set token = excluded.token,"
		  " expires_at = excluded.expires_at",
		token, h->id, worker, token, worker);
	h->token = token;
	(void)snprintf(rest, sizeof(rest), ", 'request': '%s'", worker);
	advance(h, "running", rest);
}

/* One journal entry; false: refused. */
static unused bool journal_as(const char *who, const char *job, int attempt, int token,
	const char *step, const char *rest)
{
	json_t *j = ask("job_journal",
		"{'worker': '%s', 'entries': [{'job': '%s', 'attempt': %d, 'token': %d,"
		" 'step': '%s'%s}]}",
		who, job, attempt, token, step, rest);
	bool good = json_array_size(json_object_get(j, "refused")) == 0 &&
		    json_object_get(j, "fault") == NULL;

	json_decref(j);
	return good;
}

static unused bool run_becomes(const char *run, const char *word)
{
	for (int i = 0; i < RUN_STATE_EXPIRED; i++) {
		char number[8];
		if (strcmp(run_state_words[i].word, word) != 0)
			continue;
		(void)snprintf(number, sizeof(number), "%d", i + 1);
		return becomes(number, "select state from sched.run where id = '%s'", run);
	}
	return false;
}
