// SPDX-License-Identifier: Apache-2.0
/* Which versions may be stored under which lock (locks.md section 9), versions that no device gave,
 * versions by time, and files judged by their content. Run by tests/service/storage_kinds.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/service/storage_client.h"

static struct host one;
static uint64_t next_token = 1000;

#define BOOK(name)                                                                                 \
	"# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n"                             \
	"dn: 200\r\ncn: " name "\r\nmailaddress: a@example.org\r\nobjectclass: email\r\n\r\n"

/* One stream of one item, as a worker or the gateway sends it. */
struct sent {
	struct m_store_begin begin;
	const char *item, *text;
	size_t n; /* 0 = strlen */
	/* out */
	struct ask ask;
	struct m_stored result; /* its parts are in ask.arena */
	struct fault fault;
};

static struct sent sending(enum version_kind kind, const char *text)
{
	static const char *const items[] = {"indiv_address_book"};
	return (struct sent){.item = "list_1",
		.text = text,
		.begin = {.has = HAS_STORE_BEGIN__OP | HAS_STORE_BEGIN__TOKEN,
			.run = new_id(),
			.job = new_id(),
			.attempt = 1,
			.device = new_id(),
			.kind = kind,
			.request = new_id(),
			.token = next_token++,
			.op = "indiv_ie",
			.items = items,
			.items_n = 1,
			.serial = "SN1",
			.format = "canon_abk",
			.device_name = "Lobby",
			.family = "canon_rui",
			.model = "iR-ADV",
			.firmware = "71.05",
			.language = "fr",
			.charset = "CP1252"}};
}

/* Of people: no device, no lock. */
static struct sent from_people(enum version_kind kind, const char *text, const char *format)
{
	struct sent s = sending(kind, text);
	s.begin.token = 0;
	s.begin.op = s.begin.serial = "";
	s.begin.items_n = 0;
	s.begin.format = format;
	s.begin.device_name = "office.csv";
	s.begin.family = s.begin.model = s.begin.firmware = s.begin.language = s.begin.charset =
		NULL;
	s.item = "file";
	return s;
}

/* direction: 2 = import, 3 = export */
static void lock(const struct sent *s, int direction)
{
	char d[UUID_TEXT], r[UUID_TEXT];
	sql("insert into lock.held (device_id, request, token, session, kind, op, direction, items,"
	    " strict, granted_at, lease_ms, expires_at, profile, profile_revision, probe,"
	    " quarantine_ms, quarantine_max_ms, max_hold_ms) values ('%s', '%s', %llu, '%s', 1,"
	    " 'indiv_ie', %d, '{indiv_address_book}', false, now(), 600000,"
	    " now() + interval '1 h', 'generic', 1, 1, 60000, 60000, 3600000)",
		uuid_format(&s->begin.device, d), uuid_format(&s->begin.request, r),
		(unsigned long long)s->begin.token, r, direction);
}

static int step(struct sent *s, uint64_t peer, const struct msg_desc *desc, const void *body)
{
	int rc = ask(&s->ask, one.client, peer, desc, body);
	s->fault = s->ask.fault;
	return rc;
}

static int send(struct sent *s)
{
	size_t n = s->n == 0 ? strlen(s->text) : s->n;
	if (step(s, 0, &m_store_begin_desc, &s->begin) < 0)
		return -1;
	const struct m_store_stream *stream = s->ask.body;
	if (stream->result != NULL) {
		s->result = *stream->result;
		return 0;
	}
	struct uuid id = stream->stream;
	uint64_t peer = s->ask.peer;
	for (size_t at = 0; at < n || at == 0; at += 262144) {
		const struct m_store_chunk chunk = {.stream = id,
			.item = s->item,
			.offset = at,
			.bytes = {(const uint8_t *)s->text + at, size_min(n - at, 262144)},
			.last = at + 262144 >= n};
		if (step(s, peer, &m_store_chunk_desc, &chunk) < 0)
			return -1;
	}
	const struct m_store_commit commit = {.stream = id, .items = 1};
	if (step(s, peer, &m_store_commit_desc, &commit) < 0)
		return -1;
	s->result = *((const struct m_store_one *)s->ask.body)->result;
	return 0;
}

static struct uuid stored(struct sent *s)
{
	if (send(s) < 0)
		print_error("%d %s: %s\n", s->fault.code, s->fault.reason, s->fault.detail);
	assert_int_equal(s->fault.code, 0);
	assert_int_not_equal(s->result.outcome, STORE_OUTCOME_REFUSED);
	struct uuid version = s->result.version;
	arena_fini(&s->ask.arena);
	return version;
}

static void refused(struct sent *s, int code, const char *reason)
{
	char id[UUID_TEXT];
	assert_int_equal(send(s), -1);
	assert_int_equal(s->fault.code, code);
	assert_string_equal(s->fault.reason, reason);
	sql("select count(*) from store.version where run_id = '%s' and state = 'committed'",
		uuid_format(&s->begin.run, id));
	assert_int_equal(sql_number(), 0);
	arena_fini(&s->ask.arena);
}

/* ---- what an import may store ---- */

static void under_an_import_no_backup_is_stored_but_its_pre_image_and_its_read_back(void **state)
{
	(void)state;
	struct sent backup = sending(VERSION_KIND_ADDRESS_BOOK, BOOK("Ana"));
	lock(&backup, 2);
	refused(&backup, CN_CONFLICT, "conflict_op");

	struct sent before = sending(VERSION_KIND_PRE_IMAGE, BOOK("Ana"));
	lock(&before, 2);
	(void)stored(&before);

	struct sent after = sending(VERSION_KIND_ADDRESS_BOOK, BOOK("Ben"));
	after.begin.device = before.begin.device;
	after.begin.run = before.begin.run;
	after.begin.request = before.begin.request;
	after.begin.token = before.begin.token;
	after.begin.read_back = true;
	struct uuid version = stored(&after);
	char id[UUID_TEXT];
	sql("select kind || ' ' || array_to_string(flags, ',') || ' ' || generation from "
	    "store.version where id = '%s'",
		uuid_format(&version, id));
	assert_string_equal(sql_out, "address_book read_back,same_disk 1");
	sql("select count(*) from store.head where version_id = '%s'", id);
	assert_int_equal(sql_number(), 1); /* a backup like any other */
}

static void a_pre_image_needs_a_live_lock_too(void **state)
{
	(void)state;
	struct sent none = sending(VERSION_KIND_PRE_IMAGE, BOOK("Ana"));
	refused(&none, CN_LEASE_LOST, "lease_lost");
	struct sent other = sending(VERSION_KIND_PRE_IMAGE, BOOK("Ana"));
	lock(&other, 2);
	other.begin.op = "batch_ie";
	refused(&other, CN_CONFLICT, "conflict_op");
}

static void a_read_back_is_indexed_like_a_backup_and_a_file_is_not(void **state)
{
	(void)state;
	struct sent back = sending(VERSION_KIND_ADDRESS_BOOK, BOOK("Indexed Person"));
	back.begin.read_back = true;
	lock(&back, 2);
	struct uuid version = stored(&back);
	struct sent file = from_people(VERSION_KIND_FILE, BOOK("Nobody's Entry"), NULL);
	struct uuid other = stored(&file);
	char id[UUID_TEXT];
	uint64_t until = clock_mono_ms() + DEADLINE_MS;
	(void)uuid_format(&version, id);
	do {
		sql("select coalesce((select state from store.book where version_id = '%s'), '')",
			id);
	} while (strcmp(sql_out, "indexed") != 0 && clock_mono_ms() < until);
	assert_string_equal(sql_out, "indexed");
	(void)uuid_format(&other, id);
	sql("select (select count(*) from store.book where version_id = '%s')"
	    " + (select count(*) from store.book_queue where version_id = '%s')",
		id, id);
	assert_int_equal(sql_number(), 0);
}

/* ---- formats ---- */

static void every_format_is_a_format_of_versions_and_what_a_device_says_is_never_refused(
	void **state)
{
	(void)state;
	static const char *const formats[] = {"ricoh_udirectory", "konica_xml", "kyocera_xml",
		"canon_csv", "carnet_json", "generic_csv", "konica_accurio", "konica_tsv", "ldif",
		"ricoh_csv", "sharp_csv", "xerox_csv", "ipp_attributes", "opaque"};
	for (size_t i = 0; i < array_len(formats); i++) {
		struct sent s = sending(VERSION_KIND_ADDRESS_BOOK, "what nobody can read");
		s.begin.format = formats[i];
		lock(&s, 3);
		(void)stored(&s);
	}
	struct sent s = sending(VERSION_KIND_ADDRESS_BOOK, "x");
	s.begin.format = "meta";
	lock(&s, 3);
	refused(&s, CN_VALIDATION_FAILED, "format");
}

/* ---- of people ---- */

static void nobody_stores_under_a_token_what_has_no_device(void **state)
{
	(void)state;
	struct sent s = from_people(VERSION_KIND_DISTRIBUTION, "{}", "opaque");
	s.begin.token = 7;
	refused(&s, CN_CONFLICT, "conflict_op");
	s = from_people(VERSION_KIND_FILE, BOOK("Ana"), NULL);
	s.begin.op = "indiv_ie";
	refused(&s, CN_CONFLICT, "conflict_op");
}

static void a_file_is_recognised_and_its_row_says_what_it_is(void **state)
{
	(void)state;
	struct sent s = from_people(VERSION_KIND_FILE, BOOK("Ana"), NULL);
	assert_int_equal(send(&s), 0);
	assert_string_equal(s.result.codec, "canon_abk");
	assert_string_equal(s.result.family, "canon");
	assert_int_equal(s.result.entries, 1);
	assert_int_equal(s.result.lists_n, 1);
	assert_int_equal(s.result.wrong, 0);
	struct uuid version = s.result.version;
	const struct m_version_get get = {.id = version};
	assert_int_equal(step(&s, 0, &m_version_get_desc, &get), 0);
	const struct m_version *v = ((const struct m_version_one *)s.ask.body)->version;
	assert_int_equal(v->kind, VERSION_KIND_FILE);
	assert_string_equal(v->format, "canon_abk");
	assert_string_equal(v->family, "canon");
	assert_string_equal(v->device_name, "office.csv");
	assert_int_equal(v->token, 0);
	arena_fini(&s.ask.arena);
	/* the same key once more: the same version */
	struct sent again = from_people(VERSION_KIND_FILE, BOOK("Other"), NULL);
	again.begin.run = s.begin.run;
	again.begin.device = s.begin.device;
	struct uuid same = stored(&again);
	assert_memory_equal(&same, &version, sizeof(same));
}

static void a_file_that_is_wrong_is_refused_with_every_place_and_nothing_of_it_stays(void **state)
{
	(void)state;
	char id[UUID_TEXT];
	struct sent s = from_people(VERSION_KIND_FILE,
		"# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n"
		"dn: 200\r\nnonsense\r\nobjectclass: email\r\n\r\n"
		"dn: 201\r\nnonsense too\r\nobjectclass: email\r\n\r\n",
		NULL);
	assert_int_equal(send(&s), 0);
	assert_int_equal(s.result.outcome, STORE_OUTCOME_REFUSED);
	assert_true(s.result.wrong >= 2);
	assert_true(s.result.faults_n >= 2);
	assert_int_equal(s.result.faults[0].line, 5);
	sql("select count(*) from store.version where run_id = '%s'",
		uuid_format(&s.begin.run, id));
	assert_int_equal(sql_number(), 0);
	arena_fini(&s.ask.arena);
	s = from_people(VERSION_KIND_FILE, "not a book at all, just words", NULL);
	assert_int_equal(send(&s), 0);
	assert_int_equal(s.result.outcome, STORE_OUTCOME_REFUSED);
	arena_fini(&s.ask.arena);
	s = from_people(VERSION_KIND_FILE, "not a book at all, just words", "opaque");
	(void)stored(&s); /* unless nobody shall look inside */
}

/* ---- by time ---- */

static int at(struct ask *a, const struct uuid *device, int64_t when, uint64_t back)
{
	const struct m_version_at m = {
		.device = *device, .kind = VERSION_KIND_ADDRESS_BOOK, .at = when, .back = back};
	return ask(a, one.client, 0, &m_version_at_desc, &m);
}

static uint64_t generation(const struct ask *a)
{
	return ((const struct m_version_one *)a->body)->version->generation;
}

static void a_version_is_found_by_time_and_by_how_many_before_the_newest(void **state)
{
	(void)state;
	static const char *const names[] = {BOOK("Ana"), BOOK("Ben"), BOOK("Cem")};
	struct ask a = {.done = false};
	int64_t times[3];
	struct sent first = sending(VERSION_KIND_ADDRESS_BOOK, names[0]);
	for (int i = 0; i < 3; i++) {
		struct sent s = sending(VERSION_KIND_ADDRESS_BOOK, names[i]);
		s.begin.device = first.begin.device;
		lock(&s, 3);
		struct uuid version = stored(&s);
		const struct m_version_get get = {.id = version};
		assert_int_equal(ask(&a, one.client, 0, &m_version_get_desc, &get), 0);
		times[i] = ((const struct m_version_one *)a.body)->version->committed_at;
		struct timespec pause = {
			0, 5000000}; /* two commits of one millisecond are one time */
		(void)nanosleep(&pause, NULL);
	}
	const struct uuid *d = &first.begin.device;
	assert_int_equal(at(&a, d, 0, 0), 0);
	assert_int_equal(generation(&a), 3);
	assert_int_equal(
		((const struct m_version_one *)a.body)->version->items_n, 2); /* and meta */
	assert_int_equal(at(&a, d, 0, 2), 0);
	assert_int_equal(generation(&a), 1);
	assert_int_equal(at(&a, d, times[2] - 1, 0), 0);
	assert_int_equal(generation(&a), 2);
	assert_int_equal(at(&a, d, times[1] + 1, 1), 0);
	assert_int_equal(generation(&a), 1);
	assert_int_equal(at(&a, d, times[0] - 1000, 0), -1);
	assert_int_equal(a.fault.code, CN_NOT_FOUND);
	assert_int_equal(at(&a, d, 0, 3), -1);
	assert_int_equal(a.fault.code, CN_NOT_FOUND);
	arena_fini(&a.arena);
}

static int setup(void **state)
{
	(void)state;
	client_setup();
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	client_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			under_an_import_no_backup_is_stored_but_its_pre_image_and_its_read_back),
		cmocka_unit_test(a_pre_image_needs_a_live_lock_too),
		cmocka_unit_test(a_read_back_is_indexed_like_a_backup_and_a_file_is_not),
		cmocka_unit_test(
			every_format_is_a_format_of_versions_and_what_a_device_says_is_never_refused),
		cmocka_unit_test(nobody_stores_under_a_token_what_has_no_device),
		cmocka_unit_test(a_file_is_recognised_and_its_row_says_what_it_is),
		cmocka_unit_test(
			a_file_that_is_wrong_is_refused_with_every_place_and_nothing_of_it_stays),
		cmocka_unit_test(a_version_is_found_by_time_and_by_how_many_before_the_newest),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
