// SPDX-License-Identifier: Apache-2.0
/* What a caller of the lock service may not say: each its own refusal, and nothing changed; and
 * what one call does to those that come with it (docs/spec/locks.md section 4). Other systems are
 * told the same over REST: lock_declare.sh. */
#include "tests/service/lock_client.h"

static struct arena forms;

/* The message as a caller might send it who keeps none of its limits. */
static const struct msg_desc *loose(const struct msg_desc *desc)
{
	struct msg_desc *d = arena_dup(&forms, desc, sizeof(*desc));
	struct msg_field *fields =
		arena_dup(&forms, desc->fields, desc->n_fields * sizeof(*fields));

	bug_if(d == NULL || fields == NULL);
	for (size_t i = 0; i < desc->n_fields; i++) {
		struct msg_field *f = &fields[i];

		f->required = false;
		f->max_items = UINT32_MAX;
		f->max = f->type == MSG_TEXT ? UINT32_MAX : 0;
		if (f->type == MSG_UINT)
			f->type = MSG_INT;
		if (f->type == MSG_STRUCT)
			f->desc = loose(f->desc);
	}
	d->fields = fields;
	return d;
}

/* The answer to the message as it stands in JSON, whatever that is. */
static json_t *say(const char *name, const char *fmt, ...) printf_like(2, 3);
static json_t *say(const char *name, const char *fmt, ...)
{
	const struct msg_desc *desc = loose(msg_find_name(name));
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	bug_if(vasprintf(&text, fmt, ap) < 0);
	va_end(ap);
	json_t *answer = ask_with(desc, text, NULL);
	free(text);
	return answer;
}

/* n ids, devices or others. */
static const char *many(unsigned n)
{
	static char text[1001 * (UUID_TEXT + 2) + 1];
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(
			text + at, sizeof(text) - at, "%s'%s'", i > 0 ? "," : "", id(5000 + i));
	return text;
}

static const char *many_words(unsigned n)
{
	static char text[600];

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		(void)strcat(strcat(text, i > 0 ? "," : ""), "'paper_info'");
	return text;
}

static const char *many_held(unsigned n)
{
	static char text[1001 * (UUID_TEXT + 40) + 1];
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
			"%s{'request': '%s', 'token': 1}", i > 0 ? "," : "", id(5000 + i));
	return text;
}

static const char *what_stands(void)
{
	return sql("select (select count(*) from lock.held) || ' ' || (select count(*) from "
		   "lock.waiting) || ' ' || (select count(*) from lock.shadow) || ' ' || (select "
		   "coalesce(sum(last_token), 0) from lock.device)");
}

static unsigned next_request = 1000;

/* A request for one device, and what is wrong with it. */
static json_t *bad(const char *more)
{
	next_request++;
	return say("lock_acquire",
		"{'request': '%s', 'session': '%s', 'kind': 'own', 'op': 'batch_ie', 'direction': "
		"'export', 'devices': [%s]%s}",
		id(next_request), id(next_request), device(14), more);
}

static bool faulty(json_t *j, const char *reason, const char *field)
{
	bool good = is(j, "fault.code", "5007") && is(j, "fault.reason", reason) &&
		    strncmp(at(j, "fault.detail"), field, strlen(field)) == 0;

	json_decref(j);
	return good;
}

static bool refused(json_t *j, const char *reason)
{
	bool good = is(j, "answer", "refused") && is(j, "reason", reason);

	json_decref(j);
	return good;
}

/* ---- numbers, lengths, ids ---- */

static void times_out_of_range(void)
{
	ok(faulty(bad(", 'wait_ms': -1"), "wrong_type", "wait_ms"), "a negative time to wait");
	ok(faulty(bad(", 'wait_ms': 86400001"), "out_of_range", "wait_ms"),
		"more than a day to wait");
	ok(faulty(bad(", 'wait_ms': 9223372036854775807"), "out_of_range", "wait_ms"),
		"a huge time to wait");
	ok(faulty(bad(", 'lease_ms': -30000"), "wrong_type", "lease_ms"), "a negative lease");
	ok(faulty(bad(", 'lease_ms': 120001"), "out_of_range", "lease_ms"),
		"a lease of more than two minutes");
	ok(faulty(bad(", 'lease_ms': 100"), "lease", "lease_ms"), "a lease too short to renew");
	ok(faulty(bad(", 'attempt': -1"), "wrong_type", "attempt"), "a negative attempt");
	ok(faulty(say("lock_observe", "{'observed': [{'device': %s, 'age_ms': -1}]}", device(14)),
		   "wrong_type", "observed"),
		"a look that was made in the future");
}

static void too_many(void)
{
	char more[200 + 33 * 14];

	ok(faulty(say("lock_acquire",
			  "{'request': '%s', 'session': '%s', 'kind': 'own', 'op': 'batch_ie', "
			  "'direction': 'export', 'devices': [%s]}",
			  id(900), id(900), many(1001)),
		   "too_many", "devices"),
		"1,001 devices");
	json_t *j = say("lock_acquire",
		"{'request': '%s', 'session': '%s', 'kind': 'own', 'op': 'batch_ie', 'direction': "
		"'export', 'lease_ms': 60000, 'devices': [%s]}",
		id(901), id(901), many(1000));
	ok(is(j, "answer", "granted") && json_array_size(json_object_get(j, "grants")) == 1000,
		"1,000 are as many as may be");
	ok(give_back("lock_release", 901, 901, at(j, "grants.0.token"), "") == 0,
		"and are given back");
	json_decref(j);
	(void)snprintf(more, sizeof(more), ", 'items': [%s]", many_words(33));
	ok(faulty(bad(more), "too_many", "items"), "33 items");
	ok(faulty(say("lock_release", "{'session': '%s', 'locks': [%s]}", id(1), many_held(1001)),
		   "too_many", "locks"),
		"1,001 locks given back at once");
	ok(faulty(say("lock_explain", "{'op': 'batch_ie', 'devices': [%s]}", many(1001)),
		   "too_many", "devices"),
		"a question about 1,001 devices");
	(void)snprintf(more, sizeof(more), ", 'profile': '%0*d'", 65, 0);
	ok(faulty(bad(more), "too_long", "profile"), "a family with a name of 65 letters");
	(void)snprintf(more, sizeof(more), ", 'items': ['%0*d']", 33, 0);
	ok(faulty(bad(more), "too_long", "items"), "an item of 33 letters");
}

static void ids_that_are_none(void)
{
	static const char nil[] = "00000000-0000-0000-0000-000000000000";

	ok(faulty(say("lock_acquire",
			  "{'request': '%s', 'session': '%s', 'kind': 'own', 'op': 'indiv_ie', "
			  "'direction': 'export', 'devices': ['%s']}",
			  id(70), id(70), nil),
		   "id", ""),
		"a device without an id");
	ok(faulty(say("lock_acquire",
			  "{'session': '%s', 'kind': 'own', 'op': 'indiv_ie', 'direction': "
			  "'export', 'devices': [%s]}",
			  id(70), device(14)),
		   "required", "request"),
		"a request without an id");
	ok(faulty(say("lock_acquire",
			  "{'request': '%s', 'kind': 'own', 'op': 'indiv_ie', 'direction': "
			  "'export', 'devices': [%s]}",
			  id(70), device(14)),
		   "required", "session"),
		"a request of nobody");
	ok(faulty(say("lock_acquire",
			  "{'request': '%s', 'session': '%s', 'kind': 'own', 'direction': "
			  "'export', 'devices': [%s]}",
			  id(70), id(70), device(14)),
		   "required", "op"),
		"no operation at all");
	ok(refused(acquire((struct want){.request = 73, .op = "indiv_ie", .devices = ""}),
		   "unknown_device"),
		"no device at all");
	ok(answers(acquire((struct want){.request = 74,
			   .op = "indiv_ie",
			   .devices = "'00000000-0000-7000-8000-000000000015',"
				      " '00000000-0000-7000-8000-000000000015'"}),
		   "granted") &&
			strcmp(sql("select count(*) from lock.held where request = '%s'", id(74)),
				"1") == 0,
		"a device named twice is one");
	ok(give_back("lock_release", 74, 74,
		   sql("select first_token from lock.request where id = '%s'", id(74)), "") == 0,
		"and is given back once");
}

/* ---- words ---- */

static void words_that_are_none(void)
{
	ok(refused(acquire((struct want){.request = 72, .op = "no_such", .devices = device(14)}),
		   "unknown_op"),
		"an operation nobody knows");
	ok(refused(say("lock_explain", "{'op': 'no_such', 'devices': [%s]}", device(14)),
		   "unknown_op"),
		"a question about an operation nobody knows");
	ok(refused(bad(", 'items': ['the_moon']"), "items_refused"), "an item nobody knows");
	ok(refused(bad(", 'items': ['indiv_address_book']"), "items_refused"),
		"an item of another operation");
	ok(refused(say("lock_explain", "{'op': 'batch_ie', 'devices': [%s], 'profile': 'x'}",
			   device(14)),
		   "unknown_profile"),
		"a question about a family nobody knows");
	ok(refused(bad(", 'under': '00000000-0000-7000-8000-000000000999'"), "hold_lost"),
		"under a hold that never was");
	ok(refused(acquire((struct want){
			   .request = 75, .kind = "shadow", .op = "send", .devices = device(14)}),
		   "not_requestable") &&
			refused(acquire((struct want){.request = 76,
					.kind = "standing",
					.op = "sync",
					.devices = device(14)}),
				"not_requestable"),
		"what is only observed is not asked for");
	ok(refused(acquire((struct want){
			   .request = 77, .kind = "hold", .op = "session", .devices = device(14)}),
		   "not_requestable"),
		"a hold of what does not exclude");
}

static void a_person_is_no_service(void)
{
	client.actor = "user:somebody";
	client.role = MSG_ADMIN;
	ok(refused(bad(""), "not_requestable"), "a person does not say that it is Carnet");
	json_t *j =
		ask("lock_observe", "{'observed': [{'device': %s, 'ops': ['send']}]}", device(14));
	ok(is(j, "fault.reason", "right"), "nor what was seen on a device");
	json_decref(j);
	client.role = MSG_VIEWER;
	j = bad("");
	ok(is(j, "fault.reason", "right"), "who may only look asks for nothing");
	json_decref(j);
	client.role = MSG_OPERATOR;
	j = ask("lock_end", "{'request': '%s', 'reason': 'mine'}", id(1));
	ok(is(j, "fault.reason", "right"), "an operator ends no attention");
	json_decref(j);
	client.actor = NULL;
	client.role = MSG_INTERNAL;
}

/* ---- tokens and repeated ids ---- */

static void tokens_that_are_none(void)
{
	json_t *j = acquire((struct want){.request = 80,
		.op = "indiv_ie",
		.devices = device(16),
		.more = ", 'lease_ms': 60000"});
	uint64_t token = strtoull(at(j, "grants.0.token"), NULL, 10);
	const uint64_t wrong[] = {0, 1, token - 1, token + 1, token - (UINT64_C(1) << 48),
		token + (UINT64_C(1) << 48), INT64_MAX};
	unsigned lost = 0;

	json_decref(j);
	for (size_t i = 0; i < array_len(wrong); i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)wrong[i]);
		lost += give_back("lock_renew", 80, 80, text, "") == 1;
		lost += give_back("lock_release", 80, 80, text, "") == 1;
		lost += give_back("lock_release", 80, 80, text, ", 'unsure': true") == 1;
		lost += strcmp(sql("set local role carnet_storage; select count(*) from "
				   "lock.check('%s', %s, '%s')",
				       id(16), text, id(80)),
				"0") == 0;
	}
	ok(lost == 4 * array_len(wrong),
		"token 0, that of another lock, of another epoch: lost, and storage finds nothing");
	ok(faulty(say("lock_renew", "{'session': '%s', 'locks': [{'request': '%s', 'token': -1}]}",
			  id(80), id(80)),
		   "wrong_type", "locks"),
		"a negative token");
	ok(faulty(say("lock_renew", "{'session': '%s', 'locks': [{'request': '%s'}]}", id(80),
			  id(80)),
		   "required", "locks"),
		"no token");
	ok(strcmp(sql("select state from lock.held where request = '%s'", id(80)), "2") == 0,
		"the lock lives");
	(void)give_back("lock_release", 80, 80,
		sql("select first_token from lock.request where id = '%s'", id(80)), "");
}

/* Live, waiting, answered for good: whatever became of it, its id is its own. */
static unsigned reused(unsigned request, unsigned on)
{
	static const char *const other[] = {"", ", 'items': ['address_book']",
		", 'item_policy': 'strict'", ", 'wait_ms': 61000", ", 'lease_ms': 61000",
		", 'strict': true", ", 'job': '00000000-0000-7000-8000-000000000001'",
		", 'workflow': '00000000-0000-7000-8000-000000000001'",
		", 'under': '00000000-0000-7000-8000-000000000001'", ", 'profile': 'canon_rui'"};
	struct want w = {.request = request, .op = "batch_ie", .devices = device(on)};
	unsigned n = 0;

	for (size_t i = 1; i < array_len(other); i++) {
		w.more = other[i];
		n += refused(acquire(w), "request_reused");
	}
	w.more = ", 'wait_ms': 60000, 'lease_ms': 60000";
	w.op = "indiv_ie";
	n += refused(acquire(w), "request_reused");
	w.op = "batch_ie";
	w.direction = "import";
	n += refused(acquire(w), "request_reused");
	w.direction = "export";
	w.session = 1;
	n += refused(acquire(w), "request_reused");
	w.session = 0;
	w.devices = device(on + 1);
	n += refused(acquire(w), "request_reused");
	return n == array_len(other) + 3;
}

static void an_id_used_again(void)
{
	struct want w = {.request = 85,
		.op = "batch_ie",
		.devices = device(17),
		.more = ", 'wait_ms': 60000, 'lease_ms': 60000"};

	ok(answers(acquire(w), "granted") && reused(85, 17) && answers(acquire(w), "granted"),
		"a live request's id with other content");
	w.request = 86;
	ok(answers(acquire(w), "queued") && reused(86, 17) && answers(acquire(w), "queued"),
		"a waiting one's");
	json_decref(ask("lock_cancel", "{'request': '%s', 'session': '%s'}", id(86), id(86)));
	ok(reused(86, 17) && answers(acquire(w), "cancelled"), "a cancelled one's");
	(void)give_back("lock_release", 85, 85,
		sql("select first_token from lock.request where id = '%s'", id(85)), "");
	w.request = 85;
	ok(reused(85, 17) && answers(acquire(w), "lost"), "that of one given back");
}

static void nothing_to_be_done(void)
{
	json_t *j = ask("lock_end", "{'request': '%s', 'reason': 'x'}", id(999));

	ok(is(j, "fault.reason", "not_in_attention"), "nobody ends what never was");
	json_decref(j);
	j = ask("lock_cancel", "{'request': '%s', 'session': '%s'}", id(999), id(999));
	ok(json_object_get(j, "fault") == NULL, "to leave a queue one never stood in is no fault");
	json_decref(j);
	ok(give_back("lock_release", 999, 999, "1", "") == 1 &&
			give_back("lock_renew", 999, 999, "1", "") == 1,
		"what never was is lost");
}

static void explain_writes_nothing(void)
{
	json_t *j = ask("lock_explain", "{'op': 'batch_ie', 'devices': ['%s']}", id(99));

	ok(is(j, "answer", "granted") && is(j, "grants.0.token", "0"),
		"explain tells of a device never locked before that it is free");
	json_decref(j);
	ok(strcmp(sql("select count(*) from lock.device where device_id = '%s'", id(99)), "0") == 0,
		"and writes no row");
}

/* ---- calls of one moment, in one transaction ---- */

static unsigned granted_at_once, answered_at_once;

static void on_one(unused void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	const struct msg_desc *desc;
	struct msg_header h;
	struct fault f = FAULT_INIT;
	struct arena arena;
	void *b = NULL;

	arena_init(&arena, 0);
	answered_at_once++;
	if (result == BUS_OK && msg_decode(body, &arena, &desc, &h, &b, &f) == 0 &&
		desc == &m_lock_answer_desc)
		granted_at_once += ((const struct m_lock_answer *)b)->answer == LOCK_RESULT_GRANTED;
	arena_fini(&arena);
	loop_stop(client.loop);
}

static void post(const struct msg_desc *desc, const void *body)
{
	struct msg_header h = {
		.sender = "test", .deadline_ms = 20000, .protocol = MSG_PROTOCOL, .actor = ""};
	struct buf out = BUF_INIT;

	msg_encode(&out, desc, &h, body);
	bug_if(out.err);
	bus_send(client.to, 0, buf_span(&out), 20000, on_one, NULL);
	buf_fini(&out);
}

static void one_spoils_no_other(void)
{
	(void)sql("create function public.refuse() returns trigger language plpgsql as '"
		  " begin raise exception ''not this one''; end'; create trigger refuse before "
		  "insert on lock.request for each row when (new.op = 'restart') execute function "
		  "public.refuse()");
	for (uint8_t i = 0; i < 20; i++) {
		struct uuid on = {.b = {8, i}};
		struct m_lock_acquire m = {.request = {.b = {9, i}},
			.session = {.b = {9}},
			.kind = LOCK_KIND_OWN,
			.op = i == 10 ? "restart" : "session",
			.direction = LOCK_DIRECTION_NONE,
			.devices = &on,
			.devices_n = 1};
		post(&m_lock_acquire_desc, &m);
	}
	while (answered_at_once < 20)
		loop_run(client.loop);
	(void)sql("drop trigger refuse on lock.request");
	ok(granted_at_once == 19,
		"a call that the database refuses spoils none of those that came with it");
}

/* The call is there before the request's transaction is on the disk (section 4, rule 9). */
static void a_cancel_right_behind_its_request_finds_it(void)
{
	const struct uuid on = {.b = {10}};
	struct m_lock_acquire m = {.request = {.b = {11}},
		.session = {.b = {11}},
		.kind = LOCK_KIND_OWN,
		.op = "session",
		.direction = LOCK_DIRECTION_NONE,
		.devices = &on,
		.devices_n = 1,
		.lease_ms = 20000};
	unsigned before = answered_at_once;

	post(&m_lock_acquire_desc, &m);
	while (answered_at_once < before + 1)
		loop_run(client.loop);
	m.wait_ms = 60000;
	for (uint8_t i = 1; i <= 10; i++) {
		m.request = (struct uuid){.b = {12, i}};
		post(&m_lock_acquire_desc, &m);
		struct m_lock_cancel leave = {.request = m.request, .session = m.session};
		post(&m_lock_cancel_desc, &leave);
		while (answered_at_once < before + 1u + 2u * i)
			loop_run(client.loop);
	}
	ok(strcmp(sql("select count(*) from lock.history where event = 'cancelled' and detail = "
		      "'by its owner' and request::text like '0c%%'"),
		   "10") == 0,
		"a cancel that comes right behind its request finds it");
}

static bool denied(const char *role, const char *statement)
{
	return strstr(sql("set local role %s; %s", role, statement), "permission denied") != NULL;
}

static void grants(void)
{
	ok(denied("carnet_lock", "select 1 from sched.job") &&
			denied("carnet_lock", "select 1 from fleet.device") &&
			denied("carnet_lock", "select 1 from store.version") &&
			denied("carnet_lock", "select 1 from gate.user"),
		"the role of the lock service reads no other schema");
	ok(denied("carnet_storage", "select 1 from lock.held") &&
			denied("carnet_storage", "select 1 from lock.request"),
		"storage reads no table of the lock service");
	ok(denied("carnet_gateway", "select * from lock.check(null, 1, null)"),
		"the gateway may not even ask lock.check()");
	ok(denied("carnet_lock", "update lock.history set detail = ''"),
		"history is not rewritten by the service");
}

int main(void)
{
	char before[100];

	arena_init(&forms, 0);
	lock_open(1);
	ids_that_are_none();
	tokens_that_are_none();
	too_many();
	an_id_used_again();
	(void)snprintf(before, sizeof(before), "%s", what_stands());
	times_out_of_range();
	words_that_are_none();
	a_person_is_no_service();
	nothing_to_be_done();
	ok(strcmp(what_stands(), before) == 0, "nothing changed by any of these");
	explain_writes_nothing();
	grants();
	one_spoils_no_other();
	a_cancel_right_behind_its_request_finds_it();
	client_close();
	arena_fini(&forms);
	return finish_tests();
}
