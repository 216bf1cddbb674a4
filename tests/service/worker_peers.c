// SPDX-License-Identifier: Apache-2.0
/* What a worker needs around it, in one process: a scheduler with one job per device of a map file,
 * a lock service and a storage, all of them simple-minded and steerable. It prints what the worker
 * told it, one JSON line each, and ends when every job has ended.
 *
 *   PEERS_MAP       the simulator's map file           PEERS_KIND      ab.backup
 *   PEERS_CLASS     private key of the worker class    PEERS_PASSWORD  the task's password
 *   PEERS_OUT       directory for the bytes received: <device>.<item>
 *   PEERS_LISTS     the one list to read (all)
 *   PEERS_ATTEMPTS  how often a job that wants another try gets one (1)
 *   PEERS_PHASE     plan: of a kind that writes; apply: plan, then apply as planned; stale: as
 *                   something else was planned; revert: the source is a pre-image;
 *                   look: an earlier attempt came to PEERS_STEP and kept PEERS_PRE, a directory
 *   PEERS_SOURCE    directory of what is written, a file for each item; PEERS_FORMAT its codec;
 *                   PEERS_FILE: a person brought it, else it is a backup
 *   PEERS_MAP_SLOTS slot=list,slot=,…   PEERS_MODE merge or add   PEERS_LEAVE set: no write-back
 *
 * Steered by GET /set?NAME=VALUE on the health port, or PEERS_NAME at start:
 *   lock   granted busy shadow quarantine refused synced silent      renew   yes silent lost
 *   grant  exact fewer (items than asked for) elsewhere (another device)
 *   lease  milliseconds of a lock                                      store   ok full lost silent
 *   chunk  milliseconds until a chunk is acknowledged                  claim   yes no
 *   advance  yes refused                                             cancel  no yes (at the next
 * renewal)
 *   died   yes no (the death of a worker is not heard)
 *   effects  usual sync (pause_sync, too) strange (one nobody knows)
 * PEERS_CANCELLED: the job was cancelled before it came; PEERS_RESTART: it may restart
 * PEERS_LANGUAGE PEERS_MODEL  of the source
 * PEERS_RESTARTED: it was restarted in this run already
 * PEERS_ACCEPT: what a person accepted with the plan, one word */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/map.h"
#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/service/service.h"
#include "gen/config.h"
#include "gen/errors.h"
#include "gen/msg.h"
#include "tests/lib/peer_versions.h"

struct job {
	struct uuid id, run;
	uint64_t attempt, token;
	struct m_device device;
	enum job_state state; /* 0 = ready */
	struct uuid request;  /* of its lock */
	bool locked;
	enum run_phase phase;
	enum write_step step;
	struct uuid pre_image;
	uint8_t hash[32];
	bool have_hash;
	struct stream *stream; /* that its worker has open */
};

struct stream {
	struct uuid id;
	struct job *job;
	uint64_t bytes, offset, item_no;
	bool busy; /* a chunk is not acknowledged yet */
	enum version_kind kind;
	char path[512];
	struct peer_version *version;
	struct call *call;
	struct timer *timer;
	uint64_t next;
};

static struct sync_config config;
static struct service *service;
static struct arena memory;
static struct job *jobs;
static size_t n_jobs, n_ended, n_streams, most_streams, n_locks, most_locks, n_violations;
static uint64_t began;
static struct m_sealed_credential *credentials;
static size_t n_credentials;
static struct m_task_settings settings;
static struct peer_version *source;
static struct map streams, jobs_by_id, jobs_by_lock;

static struct setting {
	const char *name;
	char value[32];
} set[] = {{"lock", "granted"}, {"renew", "yes"}, {"lease", "30000"}, {"store", "ok"},
	{"chunk", "0"}, {"claim", "yes"}, {"advance", "yes"}, {"cancel", "no"}, {"attempts", "1"},
	{"effects", "usual"}, {"grant", "exact"}, {"died", "yes"}};

static struct setting *setting(const char *name)
{
	for (size_t i = 0; i < array_len(set); i++)
		if (strcmp(set[i].name, name) == 0)
			return &set[i];
	bug_if(true);
}

static bool is(const char *name, const char *value)
{
	return strcmp(setting(name)->value, value) == 0;
}

static uint64_t number(const char *name)
{
	return strtoull(setting(name)->value, NULL, 10);
}

/* name: of the device it is about, NULL = of nobody in particular */
static void say(const char *what, const char *name, const struct msg_desc *desc, const void *body)
{
	json_t *j = msg_to_json(desc, body);
	char *text;

	json_object_set_new(j, "what", json_string(what));
	if (name)
		json_object_set_new(j, "name", json_string(name));
	json_object_set_new(j, "ms", json_integer((json_int_t)(clock_mono_ms() - began)));
	text = json_dumps(j, JSON_COMPACT);
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(j);
}

static void violation(const char *what)
{
	n_violations++;
	printf("{\"what\":\"violation\",\"text\":\"%s\"}\n", what);
}

static struct job *job_by_id(const struct uuid *id)
{
	return map_get(&jobs_by_id, id->b, 16);
}

/* ---- scheduler ---- */

/* claim=slow: the answer takes its time. */
static struct timer *claim_timer;
static const char *accepted;
static struct m_job_batch claim_answer;

static void answer_claim(void *arg)
{
	timer_free(claim_timer);
	claim_timer = NULL;
	call_reply(arg, &claim_answer);
}

static void add_phase(struct m_job_work *w, const struct job *j)
{
	w->phase = j->phase;
	w->step = j->step;
	w->pre_image = j->pre_image;
	if (j->have_hash)
		w->plan_hash = (struct span){j->hash, 32};
}

static void on_claim(struct call *call)
{
	const struct m_job_claim *m = call->body;
	struct m_job_work *work = arena_array(&call->arena, m->slots + 1, sizeof(*work));
	struct m_job_batch r = {.jobs = work, .poll_ms = 50};

	for (size_t i = 0; i < n_jobs && r.jobs_n < m->slots && r.jobs_n < 64 && !is("claim", "no");
		i++) {
		struct job *j = &jobs[i];
		if (j->state != 0)
			continue;
		j->state = JOB_STATE_CLAIMED;
		j->attempt++;
		work[r.jobs_n++] = (struct m_job_work){.job = j->id,
			.attempt = j->attempt,
			.run = j->run,
			.kind = getenv("PEERS_KIND") ? getenv("PEERS_KIND") : "ab.backup",
			.device = &j->device,
			.settings = &settings,
			.credentials = credentials,
			.credentials_n = n_credentials,
			.lease_ms = 30000,
			.deadline_ms = 600000,
			.cancel = getenv("PEERS_CANCELLED") != NULL,
			.restarted = getenv("PEERS_RESTARTED") != NULL,
			.trace = j->id};
		if (source)
			work[r.jobs_n - 1].source = source->about.id;
		else if (getenv("PEERS_SOURCE")) /* one that is not there */
			work[r.jobs_n - 1].source = j->id;
		if (getenv("PEERS_ACCEPT")) {
			accepted = getenv("PEERS_ACCEPT");
			work[r.jobs_n - 1].accept = &accepted;
			work[r.jobs_n - 1].accept_n = 1;
		}
		if (j->phase || j->step)
			add_phase(&work[r.jobs_n - 1], j);
	}
	if (is("claim", "slow") && claim_timer == NULL) {
		say("claim waits", NULL, &m_job_claim_desc, m);
		claim_answer = r;
		claim_timer = timer_new(service->loop, answer_claim, call);
		timer_set(claim_timer, 500, 0);
		return;
	}
	call_reply(call, &r);
}

static void on_renew(struct call *call)
{
	const struct m_job_renew *m = call->body;
	struct uuid *ids = arena_array(&call->arena, m->jobs_n + 1, sizeof(*ids));
	struct m_job_renewed r = {.lease_ms = 30000, .cancel = ids};

	for (size_t i = 0; i < m->jobs_n && is("cancel", "yes"); i++)
		ids[r.cancel_n++] = m->jobs[i].job;
	call_reply(call, &r);
}

static void on_advance(struct call *call)
{
	const struct m_job_advance *m = call->body;
	struct uuid *ids = arena_array(&call->arena, m->steps_n + 1, sizeof(*ids));
	struct m_job_advanced r = {.refused = ids};

	for (size_t i = 0; i < m->steps_n; i++) {
		struct job *j = job_by_id(&m->steps[i].job);
		enum job_state from = j ? j->state : 0, to = m->steps[i].state;
		bool good = is("advance", "yes") && j && j->attempt == m->steps[i].attempt &&
			    ((from == JOB_STATE_CLAIMED && to == JOB_STATE_RUNNING) ||
				    (from == JOB_STATE_RUNNING && to == JOB_STATE_STORING));
		if (!good) {
			ids[r.refused_n++] = m->steps[i].job;
			continue;
		}
		j->state = to;
	}
	call_reply(call, &r);
}

static void all_done(void)
{
	printf("{\"what\":\"done\",\"jobs\":%zu,\"wall_ms\":%llu,\"most_streams\":%zu,\"most_"
	       "locks\":%zu,"
	       "\"locks_left\":%zu,\"streams_left\":%zu,\"violations\":%zu}\n",
		n_jobs, (unsigned long long)(clock_mono_ms() - began), most_streams, most_locks,
		n_locks, n_streams, n_violations);
	fflush(stdout);
}

/* Edges of schemas/job_states.tab that a worker may ask for; of storing and deferred the scheduler
 * makes an uncharged retry. */
static bool edge(enum job_state from, enum job_state to)
{
	if (from == JOB_STATE_STORING)
		return to == JOB_STATE_SUCCEEDED || to == JOB_STATE_UNCHANGED ||
		       to == JOB_STATE_PARTIAL || to == JOB_STATE_RETRY ||
		       to == JOB_STATE_DEFERRED || to == JOB_STATE_FAILED;
	return (from == JOB_STATE_CLAIMED || from == JOB_STATE_RUNNING) &&
	       to != JOB_STATE_SUCCEEDED && to != JOB_STATE_UNCHANGED && to >= JOB_STATE_DEFERRED;
}

/* A plan with changes is applied, as it is or as if it were another. */
static void apply_next(struct job *j, const struct m_job_outcome *o)
{
	const char *phase = getenv("PEERS_PHASE");

	if (j->phase != RUN_PHASE_PLAN || j->state != JOB_STATE_SUCCEEDED ||
		strcmp(phase, "plan") == 0 || !o->plan || o->plan->hash.n != 32)
		return;
	memcpy(j->hash, o->plan->hash.p, 32);
	j->hash[0] ^= strcmp(phase, "stale") == 0;
	j->have_hash = true;
	j->phase = RUN_PHASE_APPLY;
	j->state = 0;
}

static void acknowledge(void *arg)
{
	struct stream *s = arg;
	struct call *call = s->call;

	timer_free(s->timer);
	s->timer = NULL;
	s->busy = false;
	call_reply(call, &(struct m_store_ack){.offset = s->next});
}

static void stream_end(struct stream *s)
{
	if (s->busy)
		acknowledge(s);
	(void)map_remove(&streams, s->id.b, 16);
	n_streams--;
	s->job->stream = NULL;
	free(s);
}

/* GET /set?requeue=1: the leases of a dead worker have run out; what it was sending is no stream
 * any more. */
static void requeue(void)
{
	for (size_t i = 0; i < n_jobs; i++) {
		struct job *j = &jobs[i];
		if (j->state < JOB_STATE_CLAIMED || j->state > JOB_STATE_STORING)
			continue;
		j->state = 0;
		n_locks -= j->locked;
		j->locked = false;
		if (j->stream)
			stream_end(j->stream);
	}
}

static void on_journal(struct call *call)
{
	const struct m_job_journal *m = call->body;
	struct uuid *ids = arena_array(&call->arena, m->entries_n + 1, sizeof(*ids));
	struct m_job_journaled r = {.refused = ids};

	for (size_t i = 0; i < m->entries_n; i++) {
		const struct m_journal_entry *e = &m->entries[i];
		struct job *j = job_by_id(&e->job);
		if (!j || j->attempt != e->attempt || j->token != e->token || !j->locked) {
			ids[r.refused_n++] = e->job;
			continue;
		}
		say("journal", j->device.name, &m_journal_entry_desc, e);
		j->step = e->step;
		j->pre_image = e->pre_image;
	}
	call_reply(call, &r);
}

static void on_result(struct call *call)
{
	const struct m_job_result *m = call->body;
	struct uuid *ids = arena_array(&call->arena, m->results_n + 1, sizeof(*ids));
	struct m_job_results r = {.refused = ids};

	for (size_t i = 0; i < m->results_n; i++) {
		const struct m_job_outcome *o = &m->results[i];
		struct job *j = job_by_id(&o->job);
		say("result", j ? j->device.name : "?", &m_job_outcome_desc, o);
		if (!j || j->attempt != o->attempt || !edge(j->state, o->state)) {
			violation("a result that is no edge of the transition table");
			ids[r.refused_n++] = o->job;
			continue;
		}
		bool again = o->state == JOB_STATE_DEFERRED || o->state == JOB_STATE_RETRY;
		j->state = again && j->attempt < number("attempts") ? 0 : o->state;
		apply_next(j, o);
		n_ended += j->state != 0;
	}
	call_reply(call, &r);
	if (n_ended == n_jobs)
		all_done();
}

static void on_give_back(struct call *call)
{
	const struct m_job_give_back *m = call->body;

	for (size_t i = 0; i < m->jobs_n; i++) {
		struct job *j = job_by_id(&m->jobs[i].job);
		if (j && j->state == JOB_STATE_CLAIMED)
			j->state = 0;
	}
	say("given back", NULL, &m_job_give_back_desc, m);
	call_reply(call, &(struct m_ok){.has = 0});
}

static void on_died(struct call *call)
{
	say("died", NULL, &m_worker_died_desc, call->body);
	if (is("died", "no"))
		call_refuse(call, CN_INTERNAL_ERROR, "database", "not now");
	else
		call_reply(call, &(struct m_ok){.has = 0});
}

/* ---- lock ---- */

static struct m_lock_answer busy_answer(struct m_blocker *b)
{
	b->kind = is("lock", "shadow") ? LOCK_KIND_SHADOW : LOCK_KIND_OWN;
	b->state = is("lock", "quarantine") ? LOCK_STATE_QUARANTINE : LOCK_STATE_LIVE;
	b->op = "send";
	b->text = "a send job is running";
	return (struct m_lock_answer){
		.answer = LOCK_RESULT_BUSY, .blockers = b, .blockers_n = 1, .retry_ms = 1234};
}

static void grant(struct call *call, struct job *j, const struct m_lock_acquire *m)
{
	static const char *const all[] = {"keep_awake", "watch_shutdown", "pause_sync"};
	static const char *const strange[] = {"unheard_of"};
	struct m_grant g = {.device = is("grant", "elsewhere") ? j->id : m->devices[0],
		.items = m->items,
		.items_n = m->items_n - is("grant", "fewer")};
	struct m_lock_answer r = {.answer = LOCK_RESULT_GRANTED,
		.grants = &g,
		.grants_n = 1,
		.remaining_ms = number("lease"),
		.effects = is("effects", "strange") ? strange : all,
		.effects_n = is("effects", "strange") ? 1
			     : is("effects", "sync")  ? 3
						      : 2};

	if (!j->locked)
		n_locks++;
	most_locks = size_max(most_locks, n_locks);
	j->locked = true;
	j->request = m->request;
	(void)map_put(&jobs_by_lock, m->request.b, 16, j);
	say("granted", j->device.name, &m_lock_acquire_desc, m);
	g.token = j->token = j->attempt * 1000 + 7;
	call_reply(call, &r);
}

static void on_acquire(struct call *call)
{
	const struct m_lock_acquire *m = call->body;
	struct job *j = job_by_id(&m->job);
	struct m_blocker b = {.device = m->devices[0]};
	struct m_lock_answer r;

	if (m->observed_n && m->observed[0].ops_n)
		say("observed", j->device.name, &m_lock_acquire_desc, m);
	if (is("lock", "silent"))
		return;
	if (is("lock", "refused") || is("lock", "synced")) {
		r = (struct m_lock_answer){.answer = LOCK_RESULT_REFUSED,
			.reason = is("lock", "synced") ? "items_synced" : "unknown_device"};
		call_reply(call, &r);
	} else if (!is("lock", "granted")) {
		r = busy_answer(&b);
		call_reply(call, &r);
	} else {
		grant(call, j, m);
	}
}

static void on_lock_renew(struct call *call)
{
	const struct m_lock_renew *m = call->body;
	struct uuid *ids = arena_array(&call->arena, m->locks_n + 1, sizeof(*ids));
	struct m_lock_renewed r = {.remaining_ms = number("lease"), .lost = ids};

	if (is("renew", "silent"))
		return;
	for (size_t i = 0; i < m->locks_n && is("renew", "lost"); i++)
		ids[r.lost_n++] = m->locks[i].request;
	call_reply(call, &r);
}

static void on_release(struct call *call)
{
	const struct m_lock_release *m = call->body;

	for (size_t i = 0; i < m->locks_n; i++) {
		if (m->locks[i].unsure)
			say("unsure", NULL, &m_held_desc, &m->locks[i]);
		struct job *j = map_remove(&jobs_by_lock, m->locks[i].request.b, 16);
		if (j && j->locked) {
			j->locked = false;
			n_locks--;
		}
	}
	call_reply(call, &(struct m_lock_released){.has = 0});
}

static void on_observe(struct call *call)
{
	say("observe", NULL, &m_lock_observe_desc, call->body);
	call_reply(call, &(struct m_ok){.has = 0});
}

/* ---- storage ---- */

static void on_begin(struct call *call)
{
	const struct m_store_begin *m = call->body;
	struct stream *s = mem_alloc(sizeof(*s));

	s->id = uuid_v7(clock_wall_ms());
	s->job = job_by_id(&m->job);
	if (!s->job || s->job->token != m->token || !s->job->locked)
		violation("a stream without a lock");
	if (is("store", "full")) {
		free(s);
		call_refuse(call, CN_STORE_FULL, "", "the vault is full");
		return;
	}
	s->kind = m->read_back ? VERSION_KIND_READ_BACK : m->kind;
	s->version = peer_version_new(m->kind, arena_strdup(&memory, m->format));
	if (s->job->stream)
		violation("two streams of one job");
	s->job->stream = s;
	(void)map_put(&streams, s->id.b, 16, s);
	most_streams = size_max(most_streams, ++n_streams);
	say("begin", s->job->device.name, &m_store_begin_desc, m);
	call_reply(call, &(struct m_store_stream){.stream = s->id, .chunk_max = 256 * 1024});
}

static void keep(struct stream *s, const struct m_store_chunk *m)
{
	FILE *f;

	const char *kind = s->kind == VERSION_KIND_PRE_IMAGE   ? "pre/"
			   : s->kind == VERSION_KIND_READ_BACK ? "back/"
							       : "";

	if (m->item) {
		snprintf(s->path, sizeof(s->path), "%s/%s%s.%s", getenv("PEERS_OUT"), kind,
			s->job->device.name, m->item);
		peer_version_item(s->version, m->item, s->path);
	}
	f = fopen(s->path, m->offset ? "a" : "w");
	bug_if(!f || fwrite(m->bytes.p, 1, m->bytes.n, f) != m->bytes.n);
	fclose(f);
}

static void on_chunk(struct call *call)
{
	const struct m_store_chunk *m = call->body;
	struct stream *s = map_get(&streams, m->stream.b, 16);

	if (!s || is("store", "lost")) {
		call_refuse(call, CN_NOT_FOUND, "stream", "no such stream");
		return;
	}
	if (is("store", "silent"))
		return;
	if (m->bytes.n == 0 && !m->last) { /* a sign of life */
		say("awake", s->job->device.name, &m_store_chunk_desc, m);
		call_reply(call, &(struct m_store_ack){.offset = s->offset});
		return;
	}
	if (s->busy)
		violation("two chunks of one stream at once");
	if (m->item_no != s->item_no || m->offset != s->offset)
		violation("a chunk that is not the next one");
	if (getenv("PEERS_OUT"))
		keep(s, m);
	s->bytes += m->bytes.n;
	s->next = s->offset + m->bytes.n;
	s->offset = m->last ? 0 : s->next;
	s->item_no += m->last;
	s->busy = true;
	s->call = call;
	s->timer = timer_new(service->loop, acknowledge, s);
	timer_set(s->timer, number("chunk"), 0);
}

static void on_commit(struct call *call)
{
	const struct m_store_commit *m = call->body;
	struct stream *s = map_get(&streams, m->stream.b, 16);
	struct m_stored r = {.outcome = STORE_OUTCOME_COMMITTED, .generation = 1};

	if (!s) {
		call_refuse(call, CN_STORE_UNAVAILABLE, "", "no such stream");
		return;
	}
	if (s->job->state != JOB_STATE_STORING && s->kind != VERSION_KIND_PRE_IMAGE)
		violation("commit of a job that is not storing");
	if (m->items != s->item_no || s->offset != 0)
		violation("commit before the last byte");
	r.version = s->version->about.id;
	r.bytes_plain = s->bytes;
	say("commit", s->job->device.name, &m_store_commit_desc, m);
	stream_end(s);
	call_reply(call, &(struct m_store_one){.result = &r});
}

static void on_abort(struct call *call)
{
	const struct m_store_abort *m = call->body;
	struct stream *s = map_get(&streams, m->stream.b, 16);

	if (s)
		stream_end(s);
	say("abort", NULL, &m_store_abort_desc, m);
	call_reply(call, &(struct m_ok){.has = 0});
}

/* ---- start ---- */

static void read_class(uint8_t public_key[static 32])
{
	uint8_t key[32];
	FILE *f = fopen(getenv("PEERS_CLASS"), "r");

	bug_if(!f || fread(key, 1, 32, f) != 32);
	fclose(f);
	box_public(key, public_key);
}

static struct span seal(const char *word, const struct uuid *id, struct span plain)
{
	struct buf aad = BUF_INIT, out = BUF_INIT;
	struct uuid tenant;
	uint8_t key[32];
	struct span r;

	bug_if(uuid_parse("00000000-0000-7000-8000-000000000001", &tenant) < 0);
	read_class(key);
	buf_add(&aad, word, strlen(word) + 1);
	buf_add(&aad, tenant.b, 16);
	buf_add(&aad, id->b, 16);
	box_seal(key, buf_span(&aad), plain, &out);
	r = (struct span){arena_dup(&memory, out.p, out.n), out.n};
	buf_fini(&aad);
	buf_fini(&out);
	return r;
}

static void add_credential(const json_t *o)
{
	struct m_sealed_credential *c = &credentials[n_credentials++];
	char *text = json_dumps(o, JSON_COMPACT);

	c->id = uuid_v7(clock_wall_ms());
	c->kind = arena_strdup(&memory, json_string_value(json_object_get(o, "kind")));
	c->sealed =
		seal("carnet-credential-1", &c->id, (struct span){(uint8_t *)text, strlen(text)});
	free(text);
}

static enum run_phase first_phase(void)
{
	const char *phase = getenv("PEERS_PHASE");

	return !phase                         ? 0
	       : strcmp(phase, "revert") == 0 ? RUN_PHASE_REVERT
	       : strcmp(phase, "look") == 0   ? RUN_PHASE_APPLY
					      : RUN_PHASE_PLAN;
}

static int add_device(const json_t *o, struct fault *reterr)
{
	struct job *j = &jobs[n_jobs];
	void *body;
	json_t *copy = json_deep_copy(o);
	int r;

	/* the map file writes ports and labels as objects, the message as lists */
	json_t *ports = json_array(), *labels = json_array(), *v;
	const char *k;
	json_object_foreach(json_object_get(copy, "ports"), k, v)
	{
		json_array_append_new(ports, json_pack("{s:s,s:O}", "service", k, "port", v));
	}
	json_object_foreach(json_object_get(copy, "labels"), k, v)
	{
		json_array_append_new(labels, json_pack("{s:s,s:O}", "key", k, "value", v));
	}
	json_object_set_new(copy, "ports", ports);
	json_object_set_new(copy, "labels", labels);
	r = msg_from_json(&m_device_desc, copy, &memory, &body, reterr);
	json_decref(copy);
	if (r < 0)
		return -1;
	j->device = *(struct m_device *)body;
	j->id = uuid_v7(clock_wall_ms());
	j->run = uuid_v7(clock_wall_ms());
	j->device.id = uuid_v7(clock_wall_ms());
	j->phase = first_phase();
	if (getenv("PEERS_STEP"))
		j->step = strcmp(getenv("PEERS_STEP"), "sent") == 0 ? WRITE_STEP_SENT
								    : WRITE_STEP_REVERTING;
	if (getenv("PEERS_PRE"))
		j->pre_image = peer_version_of(
			getenv("PEERS_PRE"), VERSION_KIND_PRE_IMAGE, getenv("PEERS_FORMAT"))
				       ->about.id;
	(void)map_put(&jobs_by_id, j->id.b, 16, j);
	n_jobs++;
	return 0;
}

static void read_password(void)
{
	const char *s = getenv("PEERS_PASSWORD");

	if (!s)
		return;
	settings.password_id = uuid_v7(clock_wall_ms());
	settings.password_sealed = seal("carnet-password-1", &settings.password_id,
		(struct span){(const uint8_t *)s, strlen(s)});
}

/* "list_1=Sales,list_2=" */
static void read_map(char *text)
{
	static struct m_slot_map map[16];
	char *rest;

	settings.map = map;
	for (char *t = strtok_r(text, ",", &rest); t && settings.map_n < 16;
		t = strtok_r(NULL, ",", &rest)) {
		char *is = strchr(t, '=');
		*is = 0;
		map[settings.map_n++] = (struct m_slot_map){.slot = t, .from = is + 1};
	}
}

/* Of kinds that write. */
static void read_change(void)
{
	const char *dir = getenv("PEERS_SOURCE"), *format = getenv("PEERS_FORMAT"),
		   *mode = getenv("PEERS_MODE");

	if (dir && access(dir, R_OK) == 0)
		source = peer_version_of(dir,
			getenv("PEERS_FILE") ? VERSION_KIND_FILE : VERSION_KIND_ADDRESS_BOOK,
			format);
	if (source) { /* of the machine that it came from */
		source->about.language = getenv("PEERS_LANGUAGE");
		source->about.model = getenv("PEERS_MODEL");
	}
	if (getenv("PEERS_MAP_SLOTS"))
		read_map(arena_strdup(&memory, getenv("PEERS_MAP_SLOTS")));
	if (mode)
		settings.mode = strcmp(mode, "merge") == 0 ? WRITE_MODE_MERGE
				: strcmp(mode, "add") == 0 ? WRITE_MODE_ADD
							   : WRITE_MODE_REPLACE;
	settings.restart_if_needed = getenv("PEERS_RESTART") != NULL;
	if (getenv("PEERS_LEAVE"))
		settings.on_failure = ON_FAILURE_LEAVE;
}

static void read_environment(void)
{
	static const char *list;

	list = getenv("PEERS_LISTS"); /* one list, instead of all */
	settings.lists = &list;
	settings.lists_n = list != NULL;
	for (size_t i = 0; i < array_len(set); i++) {
		char name[64];
		size_t n = (size_t)snprintf(name, sizeof(name), "PEERS_");
		for (const char *p = set[i].name; *p; p++)
			name[n++] = (char)(*p - 32); /* all are small letters */
		name[n] = 0;
		if (getenv(name))
			snprintf(set[i].value, sizeof(set[i].value), "%s", getenv(name));
	}
}

static int start(struct service *s, struct fault *reterr)
{
	json_t *root = json_load_file(getenv("PEERS_MAP"), 0, NULL);
	json_t *devices = json_object_get(root, "devices"),
	       *list = json_object_get(root, "credentials");

	service = s;
	bug_if(!root);
	arena_init(&memory, 0);
	read_environment();
	read_change();
	jobs = mem_alloc((json_array_size(devices) + 1) * sizeof(*jobs));
	credentials = mem_alloc((json_array_size(list) + 1) * sizeof(*credentials));
	for (size_t i = 0; i < json_array_size(list) && i < 16; i++)
		add_credential(json_array_get(list, i));
	for (size_t i = 0; i < json_array_size(devices); i++)
		if (add_device(json_array_get(devices, i), reterr) < 0)
			return -1;
	if (source && !getenv("PEERS_FILE") && n_jobs > 0)
		source->about.device = jobs[0].device.id; /* its own backup */
	read_password();
	json_decref(root);
	began = clock_mono_ms();
	return 0;
}

static void set_one(void *arg unused, const char *name, const char *value)
{
	if (strcmp(name, "requeue") == 0) {
		requeue();
		return;
	}
	snprintf(setting(name)->value, sizeof(set[0].value), "%s", value);
}

/* GET /locks: what is held and open now. */
static void tell_locks(struct http_request *r)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "{\"locks\":%zu,\"streams\":%zu,\"violations\":%zu}\n", n_locks, n_streams,
		n_violations);
	http_respond(r, 200, "application/json", buf_span(&b));
	buf_fini(&b);
}

static bool on_http(struct service *s unused, struct http_request *r)
{
	if (strcmp(http_path(r), "/locks") == 0) {
		tell_locks(r);
		return true;
	}
	if (strcmp(http_path(r), "/set") != 0)
		return false;
	http_query_each(r, set_one, NULL);
	http_respond(r, 200, "text/plain", (struct span){(const uint8_t *)"ok\n", 3});
	return true;
}

static const struct handler handlers[] = {
	{MSG_JOB_CLAIM, on_claim},
	{MSG_JOB_RENEW, on_renew},
	{MSG_JOB_ADVANCE, on_advance},
	{MSG_JOB_JOURNAL, on_journal},
	{MSG_VERSION_GET, on_version_get},
	{MSG_VERSION_OPEN, on_version_open},
	{MSG_VERSION_READ, on_version_read},
	{MSG_JOB_RESULT, on_result},
	{MSG_JOB_GIVE_BACK, on_give_back},
	{MSG_WORKER_DIED, on_died},
	{MSG_LOCK_ACQUIRE, on_acquire},
	{MSG_LOCK_RENEW, on_lock_renew},
	{MSG_LOCK_RELEASE, on_release},
	{MSG_LOCK_OBSERVE, on_observe},
	{MSG_STORE_BEGIN, on_begin},
	{MSG_STORE_CHUNK, on_chunk},
	{MSG_STORE_COMMIT, on_commit},
	{MSG_STORE_ABORT, on_abort},
	{0, NULL},
};

static const struct service_def PEERS = {
	.name = "sync",
	.config = &sync_config_table,
	.settings = &config,
	.handlers = handlers,
	.start = start,
	.http = on_http,
};

int main(int argc, char **argv)
{
	return service_main(&PEERS, argc, argv);
}
