// SPDX-License-Identifier: Apache-2.0
/* Storage from outside: real processes, a real PostgreSQL, a real directory as vault. Run by
 * tests/service/storage.sh. */
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
#define EMPTY "# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n"

/* A device with a live lock. */
static struct store fresh_store(void)
{
	struct store s = {.client = one.client,
		.device = new_id(),
		.run = new_id(),
		.request = new_id(),
		.token = next_token++,
		.parts = {{"list_1", BOOK("Ana"), 0}, {"list_2", EMPTY, 0}},
		.n = 2};
	grant(&s);
	return s;
}

/* The next run on the same device, under a new lock. */
static void next_run(struct store *s)
{
	s->run = new_id();
	s->request = new_id();
	s->token = next_token++;
	grant(s);
}

/* Without passports: they come when they come. */
static long files(const char *what)
{
	char command[512];
	(void)snprintf(command, sizeof(command),
		"find %s -type f -path '%s/%s' -not -name 'passport-*' | wc -l", one.vault,
		one.vault, what);
	FILE *p = popen(command, "re");
	assert_non_null(p);
	assert_non_null(fgets(sql_out, sizeof(sql_out), p));
	(void)pclose(p);
	return sql_number();
}

/* The bytes of an item, read through the bus. */
static void read_item(const struct uuid *version, const char *item, struct buf *out)
{
	struct ask a = {.done = false};
	const struct m_version_open open = {.id = *version, .item = item};
	assert_int_equal(ask(&a, one.client, 0, &m_version_open_desc, &open), 0);
	const struct m_version_stream *stream = a.body;
	struct m_version_read read = {.stream = stream->stream};
	uint64_t want = stream->bytes, peer = a.peer;
	bool last = false;
	while (!last) {
		assert_int_equal(ask(&a, one.client, peer, &m_version_read_desc, &read), 0);
		const struct m_version_bytes *bytes = a.body;
		buf_add(out, bytes->bytes.p, bytes->bytes.n);
		read.offset += bytes->bytes.n;
		last = bytes->last;
	}
	assert_int_equal(out->n, want);
	arena_fini(&a.arena);
}

static void assert_item(const struct uuid *version, const char *item, const char *text)
{
	struct buf b = BUF_INIT;
	read_item(version, item, &b);
	assert_string_equal(buf_str(&b), text);
	buf_fini(&b);
}

static void assert_verifies(const struct uuid *version)
{
	struct ask a = {.done = false};
	const struct m_version_verify m = {.id = *version};
	assert_int_equal(ask(&a, one.client, 0, &m_version_verify_desc, &m), 0);
	const struct m_verify_result *r = a.body;
	for (size_t i = 0; i < r->findings_n; i++)
		print_error("%s\n", r->findings[i]);
	assert_true(r->good);
	arena_fini(&a.arena);
}

/* The signatures follow the answer. */
static void wait_signed(void)
{
	assert_int_equal(sql_wait("select count(*) from store.version where state = 'committed'"
				  " and signed_at is null",
				 0),
		0);
}

/* The first passport follows the first version at once, the next one ten minutes later: what is
 * counted on the medium after it stays. */
static void wait_passport(void)
{
	const struct timespec pause = {0, 50000000};
	uint64_t until = clock_mono_ms() + 4 * DEADLINE_MS;
	while ((files("passport-*.sig") == 0 || files("tmp/*") > 0) && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
}

/* ---- what a backup is ---- */

static void a_book_is_stored_and_given_back_byte_for_byte_st_1(void **state)
{
	(void)state;
	struct store s = fresh_store();
	store_good(&s);
	assert_int_equal(s.result.outcome, STORE_OUTCOME_COMMITTED);
	assert_int_equal(s.result.generation, 1);
	assert_int_equal(s.result.entries, 1);
	assert_int_equal(s.result.bytes_plain, strlen(BOOK("Ana")) + strlen(EMPTY));
	assert_item(&s.result.version, "list_1", BOOK("Ana"));
	assert_item(&s.result.version, "list_2", EMPTY);
	assert_verifies(&s.result.version);
	wait_signed();
	wait_passport();
	assert_int_equal(files("tmp/*"), 0);
	assert_int_equal(files("*.json") - 1, files("*.sig"));
	arena_fini(&s.ask.arena);
}

static void an_unchanged_book_makes_no_version_and_no_blob_st_3(void **state)
{
	(void)state;
	struct store s = fresh_store();
	store_good(&s);
	struct uuid first = s.result.version;
	wait_signed();
	long before = files("*"), checked;
	char id[UUID_TEXT];
	sql("select extract(epoch from last_check_at) * 1000 from store.head where device_id = "
	    "'%s'",
		uuid_format(&s.device, id));
	checked = sql_number();
	next_run(&s);
	store_good(&s);
	assert_int_equal(s.result.outcome, STORE_OUTCOME_UNCHANGED);
	assert_true(uuid_eq(&s.result.version, &first));
	assert_int_equal(files("*"), before);
	sql("select extract(epoch from last_check_at) * 1000 from store.head where device_id = "
	    "'%s'",
		id);
	assert_true(sql_number() > checked);
	sql("select count(*) from store.version where device_id = '%s'", id);
	assert_int_equal(sql_number(), 1);
	arena_fini(&s.ask.arena);
}

static void a_changed_list_makes_the_next_generation_and_shares_the_rest(void **state)
{
	(void)state;
	struct store s = fresh_store();
	s.parts[1] = (struct part){"list_2", BOOK("Shared by both generations"), 0};
	store_good(&s);
	struct uuid first = s.result.version;
	long objects = files("objects/*");
	next_run(&s);
	s.parts[0].text = BOOK("Somebody new");
	store_good(&s);
	assert_int_equal(s.result.outcome, STORE_OUTCOME_COMMITTED);
	assert_int_equal(s.result.generation, 2);
	assert_int_equal(
		files("objects/*"), objects + 1); /* the list; the meta item is equal, too */
	assert_item(&s.result.version, "list_1", BOOK("Somebody new"));
	assert_item(&s.result.version, "list_2", BOOK("Shared by both generations"));
	assert_item(&first, "list_1", BOOK("Ana"));
	assert_verifies(&first);
	assert_verifies(&s.result.version);
	arena_fini(&s.ask.arena);
}

static void a_second_store_of_the_same_run_answers_with_the_first_st_5(void **state)
{
	(void)state;
	struct store s = fresh_store();
	store_good(&s);
	struct uuid first = s.result.version;
	s.parts[0].text = BOOK("Other content, same run");
	store_good(&s);
	assert_true(uuid_eq(&s.result.version, &first));
	assert_int_equal(s.result.entries, 1);
	arena_fini(&s.ask.arena);
}

static void large_items_go_through_in_pieces_st_77(void **state)
{
	(void)state;
	size_t n = 5 * 1024 * 1024 + 12345;
	char *text = malloc(n);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i * 2654435761u >> 13);
	struct store s = fresh_store();
	struct buf back = BUF_INIT;
	s.format = "opaque";
	s.parts[0] = (struct part){"values", text, n};
	s.parts[1] = (struct part){"empty", "", 0};
	store_good(&s);
	read_item(&s.result.version, "values", &back);
	assert_int_equal(back.n, n);
	assert_memory_equal(back.p, text, n);
	assert_item(&s.result.version, "empty", "");
	buf_fini(&back);
	free(text);
	arena_fini(&s.ask.arena);
}

/* ---- what is refused ---- */

static void refused(struct store *s, int code, const char *reason)
{
	char id[UUID_TEXT];
	assert_int_equal(store_run(s), -1);
	if (s->fault.code != code)
		print_error("%d %s: %s\n", s->fault.code, s->fault.reason, s->fault.detail);
	assert_int_equal(s->fault.code, code);
	if (reason != NULL)
		assert_string_equal(s->fault.reason, reason);
	sql("select count(*) from store.version where device_id = '%s' and state = 'committed'"
	    " and run_id = '%s'",
		uuid_format(&s->device, id), uuid_format(&s->run, sql_out + 1000));
	assert_int_equal(sql_number(), 0);
	arena_fini(&s->ask.arena);
}

static void fence_stale_token_st_19(void **state)
{
	(void)state;
	struct store s = fresh_store();
	s.token += 500000; /* not the token of the live lock */
	refused(&s, CN_LEASE_LOST, NULL);
	s = fresh_store();
	s.request = new_id(); /* somebody else's lock */
	refused(&s, CN_LEASE_LOST, NULL);
	s = fresh_store();
	s.op = "batch_ie"; /* the lock is for another operation */
	refused(&s, CN_CONFLICT, "conflict_op");
	s = fresh_store();
	s.lock_item = "indiv_device_settings"; /* not among the items granted */
	refused(&s, CN_CONFLICT, "conflict_items");
}

static void a_lock_that_ends_while_bytes_arrive_stores_nothing_st_19(void **state)
{
	(void)state;
	char d[UUID_TEXT];
	struct store s = fresh_store();
	s.keep_open = true;
	store_good(&s);
	sql("update lock.held set expires_at = now() - interval '1 s' where device_id = '%s'",
		uuid_format(&s.device, d));
	const struct m_store_commit m = {.stream = s.stream, .serial_after = "SN1", .items = s.n};
	assert_int_equal(ask(&s.ask, s.client, s.peer, &m_store_commit_desc, &m), -1);
	assert_int_equal(s.ask.fault.code, CN_LEASE_LOST);
	/* the answer stays the same when asked again */
	assert_int_equal(ask(&s.ask, s.client, s.peer, &m_store_commit_desc, &m), -1);
	assert_int_equal(s.ask.fault.code, CN_LEASE_LOST);
	sql("select count(*) from store.version where device_id = '%s'", d);
	assert_int_equal(sql_number(), 0);
	arena_fini(&s.ask.arena);
}

static void token_rollback_is_refused_and_named_st_20(void **state)
{
	(void)state;
	struct store s = fresh_store();
	store_good(&s);
	next_run(&s);
	s.token =
		5; /* the database was put back: its tokens start again below what the vault saw */
	s.parts[0].text = BOOK("after the restore");
	grant(&s);
	refused(&s, CN_CONFLICT, "token_rollback");
	char d[UUID_TEXT];
	uint64_t until = clock_mono_ms() + 30000;
	do
		sql("select count(*) from sched.outbox where kind = 'alarm.token_rollback'"
		    " and subject = 'device/%s'",
			uuid_format(&s.device, d));
	while (sql_number() == 0 && clock_mono_ms() < until);
	assert_int_equal(sql_number(), 1);
}

static void a_malformed_book_is_refused_with_its_place(void **state)
{
	(void)state;
	struct store s = fresh_store();
	s.parts[1].text = "# Canon AddressBook version: 1\r\n\r\nthis is no attribute\r\n\r\n";
	long before = files("objects/*");
	refused(&s, CN_PARSE_ERROR, NULL);
	assert_non_null(strstr(s.fault.detail, "list_2"));
	assert_int_equal(files("objects/*"), before);
	s = fresh_store();
	s.parts[0] = (struct part){"list_1", BOOK("Ana"), strlen(BOOK("Ana")) - 9};
	refused(&s, CN_INCOMPLETE, NULL);
}

static void another_serial_number_after_the_export_is_refused_st_4(void **state)
{
	(void)state;
	struct store s = fresh_store();
	s.serial_after = "SN2";
	refused(&s, CN_IDENTITY_MISMATCH, NULL);
}

static void a_torn_export_is_kept_but_never_the_head_st_13(void **state)
{
	(void)state;
	char d[UUID_TEXT], v[UUID_TEXT];
	struct store s = fresh_store();
	store_good(&s);
	struct uuid first = s.result.version;
	next_run(&s);
	s.parts[0].text = BOOK("changed while it was read");
	s.change_after = 2;
	store_good(&s);
	assert_int_equal(s.result.generation, 2);
	sql("select version_id from store.head where device_id = '%s'", uuid_format(&s.device, d));
	assert_string_equal(sql_out, uuid_format(&first, v));
	sql("select array_to_string(flags, ' ') from store.version where id = '%s'",
		uuid_format(&s.result.version, v));
	assert_string_equal(sql_out, "torn same_disk");
	/* the chain goes on behind it */
	next_run(&s);
	s.change_after = 0;
	store_good(&s);
	assert_int_equal(s.result.outcome, STORE_OUTCOME_COMMITTED);
	assert_int_equal(s.result.generation, 3);
	arena_fini(&s.ask.arena);
}

static void a_chunk_that_comes_twice_is_taken_once(void **state)
{
	(void)state;
	struct store s = fresh_store();
	s.n = 0;
	s.keep_open = true;
	store_good(&s);
	struct m_store_chunk m = {.stream = s.stream, .item = "list_1"};
	m.bytes = (struct span){(const uint8_t *)BOOK("Ana"), 10};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(&s.ask, s.client, s.peer, &m_store_chunk_desc, &m), 0);
		assert_int_equal(((const struct m_store_ack *)s.ask.body)->offset, 10);
	}
	m.offset = 500; /* too early: the answer says where to go on */
	assert_int_equal(ask(&s.ask, s.client, s.peer, &m_store_chunk_desc, &m), 0);
	assert_int_equal(((const struct m_store_ack *)s.ask.body)->offset, 10);
	arena_fini(&s.ask.arena);
}

static void a_silent_stream_is_dropped(void **state)
{
	(void)state;
	struct store s = fresh_store();
	s.keep_open = true;
	store_good(&s);
	const struct m_store_commit m = {.stream = s.stream, .items = 99};
	uint64_t until = clock_mono_ms() + 20000;
	/* asked rarely enough to stay silent for the idle time */
	do {
		struct timespec pause = {3, 0};
		(void)nanosleep(&pause, NULL);
		(void)ask(&s.ask, s.client, s.peer, &m_store_commit_desc, &m);
	} while (s.ask.fault.code != CN_NOT_FOUND && clock_mono_ms() < until);
	assert_int_equal(s.ask.fault.code, CN_NOT_FOUND);
	arena_fini(&s.ask.arena);
}

/* ---- many at once, several instances ---- */

static void two_instances_store_the_same_content_of_many_devices_once(void **state)
{
	(void)state;
	enum { N = 48 };
	struct host two = {.n = 0};
	static struct store s[N];
	host_start(&two, 2, "vault", NULL, 0);
	host_ready(&two);
	sql("select count(*) from store.object");
	long before = sql_number();
	for (int i = 0; i < N; i++) {
		s[i] = fresh_store();
		s[i].client = i % 2 == 0 ? one.client : two.client;
		s[i].parts[0].text = BOOK("Fleet wide list");
		s[i].parts[1].text = BOOK("Another list of all");
	}
	for (int i = 0; i < N; i++)
		store_begin(&s[i]);
	stores_wait();
	for (int i = 0; i < N; i++) {
		assert_int_equal(s[i].fault.code, 0);
		assert_int_equal(s[i].result.outcome, STORE_OUTCOME_COMMITTED);
	}
	sql("select count(*) from store.object");
	assert_true(sql_number() - before <= 3);
	for (int i = 0; i < N; i += 7) {
		assert_item(&s[i].result.version, "list_1", BOOK("Fleet wide list"));
		assert_verifies(&s[i].result.version);
	}
	for (int i = 0; i < N; i++)
		arena_fini(&s[i].ask.arena);
	host_kill(&two, SIGTERM);
}

static void page_of_versions_goes_on_where_it_stopped(void **state)
{
	(void)state;
	struct store s = fresh_store();
	for (int i = 0; i < 5; i++) {
		char *text = malloc(400);
		(void)snprintf(text, 400,
			EMPTY "dn: 200\r\ncn: number %d\r\nobjectclass: email\r\n\r\n", i);
		s.parts[0].text = text;
		next_run(&s);
		store_good(&s);
		free(text);
	}
	struct ask a = {.done = false};
	char cursor[UUID_TEXT];
	struct m_version_list m = {.device = s.device, .limit = 2};
	uint64_t next = 5;
	for (int page = 0; page < 3; page++) {
		assert_int_equal(ask(&a, one.client, 0, &m_version_list_desc, &m), 0);
		const struct m_version_page *p = a.body;
		assert_int_equal(p->total, 5);
		for (size_t i = 0; i < p->items_n; i++)
			assert_int_equal(p->items[i].generation, next--);
		assert_int_equal(p->next == NULL || p->next[0] == 0, page == 2);
		if (p->next != NULL)
			(void)snprintf(cursor, sizeof(cursor), "%s", p->next);
		m.cursor = cursor;
	}
	assert_int_equal(next, 0);
	m = (struct m_version_list){.device = s.device, .heads = true};
	assert_int_equal(ask(&a, one.client, 0, &m_version_list_desc, &m), 0);
	assert_int_equal(((const struct m_version_page *)a.body)->items_n, 1);
	arena_fini(&a.arena);
	arena_fini(&s.ask.arena);
}

/* ---- crashes ---- */

/* The process dies at a named place; after a restart the same run is stored exactly once. */
static void crash_at(const char *place)
{
	struct host h = {.n = 0};
	char d[UUID_TEXT];
	host_start(&h, 3, "vault", place, 0);
	host_ready(&h);
	struct store s = fresh_store();
	s.client = h.client;
	s.parts[0].text = place + 1;
	s.parts[1].text = place;
	s.format = "opaque";
	(void)store_run(&s);
	assert_int_not_equal(s.fault.code, 0); /* it died instead of answering */
	int status = host_wait(&h);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	s.client = one.client;
	store_good(&s);
	assert_int_equal(s.result.outcome, STORE_OUTCOME_COMMITTED);
	sql("select count(*) from store.version where device_id = '%s' and state = 'committed'",
		uuid_format(&s.device, d));
	assert_int_equal(sql_number(), 1);
	assert_item(&s.result.version, "list_2", place);
	assert_verifies(&s.result.version);
	arena_fini(&s.ask.arena);
}

static void a_kill_at_any_step_loses_and_doubles_nothing_st_56(void **state)
{
	(void)state;
	static const char *const places[] = {"temp.half:1", "temp.half:3", "temp.fsynced:1",
		"readback.done:1", "object.renamed:1", "object.renamed:2", "manifest.renamed:1",
		"commit.before:1", "commit.after:1", "sig.renamed:1"};
	struct store old = fresh_store();
	store_good(&old);
	for (size_t i = 0; i < array_len(places); i++)
		crash_at(places[i]);
	assert_item(&old.result.version, "list_1", BOOK("Ana"));
	assert_verifies(&old.result.version);
	arena_fini(&old.ask.arena);
}

static void recovery_signs_what_was_committed_before_a_crash_st_56(void **state)
{
	(void)state;
	struct host h = {.n = 0};
	char v[UUID_TEXT], d[UUID_TEXT], pattern[128];
	host_start(&h, 4, "vault", "commit.after:1", 0);
	host_ready(&h);
	struct store s = fresh_store();
	s.client = h.client;
	s.parts[0].text = BOOK("committed, not signed");
	(void)store_run(&s);
	(void)host_wait(&h);
	sql("select id from store.version where device_id = '%s' and state = 'committed'",
		uuid_format(&s.device, d));
	(void)snprintf(v, sizeof(v), "%.36s", sql_out);
	(void)snprintf(pattern, sizeof(pattern), "*-%s.sig", v);
	assert_int_equal(files(pattern), 0);
	/* nobody asks: the periodic round does it */
	sql("update store.version set committed_at = now() - interval '1 min' where id = '%s'", v);
	uint64_t until = clock_mono_ms() + 30000;
	while (files(pattern) == 0 && clock_mono_ms() < until) {
		struct timespec pause = {0, 100000000};
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(files(pattern), 1);
	arena_fini(&s.ask.arena);
}

static void a_full_disk_is_store_full_and_leaves_nothing(void **state)
{
	(void)state;
	struct host h = {.n = 0};
	size_t n = 3 * 1024 * 1024;
	char *text = malloc(n);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i * 2654435761u >> 13);
	host_start(&h, 5, "vault", NULL, 1024 * 1024); /* no file over 1 MiB can be written */
	host_ready(&h);
	long before = files("tmp/*");
	struct store s = fresh_store();
	s.client = h.client;
	s.format = "opaque";
	s.parts[0] = (struct part){"values", text, n};
	refused(&s, CN_STORE_FULL, NULL);
	assert_int_equal(files("tmp/*"), before);
	/* small ones still go */
	s = fresh_store();
	s.client = h.client;
	s.parts[0].text = BOOK("small");
	store_good(&s);
	host_kill(&h, SIGTERM);
	free(text);
	arena_fini(&s.ask.arena);
}

static void a_database_that_dies_during_commits_loses_and_doubles_nothing(void **state)
{
	(void)state;
	enum { N = 30 };
	static struct store s[N];
	char command[256];
	for (int i = 0; i < N; i++) {
		s[i] = fresh_store();
		s[i].parts[0].text = BOOK("database trouble");
		s[i].parts[1] = (struct part){"list_2", sql_out, 0};
	}
	for (int i = 0; i < N; i++)
		s[i].parts[1].text = i % 2 == 0 ? EMPTY : BOOK("odd");
	for (int i = 0; i < N; i++)
		store_begin(&s[i]);
	(void)snprintf(command, sizeof(command),
		"bash -c '. tests/lib/pg.sh; pg_kill %s; pg_restart %s; touch %s/again' &",
		getenv("CARNET_TEST_PG"), getenv("CARNET_TEST_PG"), dir);
	assert_int_equal(system(command), 0);
	stores_wait();
	(void)snprintf(command, sizeof(command), "%s/again", dir);
	for (uint64_t until = clock_mono_ms() + 60000;
		access(command, F_OK) != 0 && clock_mono_ms() < until;) {
		struct timespec pause = {0, 20000000};
		(void)nanosleep(&pause, NULL);
	}
	for (int i = 0; i < N; i++) {
		uint64_t until = clock_mono_ms() + DEADLINE_MS;
		/* not connected: nothing was done, the same run once more is harmless */
		while (s[i].fault.code == CN_STORE_UNAVAILABLE && clock_mono_ms() < until)
			(void)store_run(&s[i]);
		assert_int_equal(s[i].fault.code, 0);
	}
	for (int i = 0; i < N; i++) {
		char d[UUID_TEXT];
		sql("select count(*) from store.version where device_id = '%s' and state = "
		    "'committed'",
			uuid_format(&s[i].device, d));
		assert_int_equal(sql_number(), 1);
		assert_verifies(&s[i].result.version);
		arena_fini(&s[i].ask.arena);
	}
}

static void a_catalogue_that_is_held_up_is_busy_and_charges_nobody_rl_60(void **state)
{
	(void)state;
	struct store s = fresh_store();
	/* until the next question */
	sql("begin; lock table store.version in access exclusive mode");
	assert_int_equal(store_run(&s), -1);
	assert_int_equal(s.fault.code, CN_STORE_UNAVAILABLE);
	assert_string_equal(s.fault.reason, "busy");
	arena_fini(&s.ask.arena);
	sql("select 1");
	struct store again = fresh_store();
	store_good(&again);
	arena_fini(&again.ask.arena);
}

/* Another session holds the table until one of storage's waits for it, and ends that one. */
static FILE *end_who_waits(void)
{
	char path[160];
	uint64_t until = clock_mono_ms() + 30000;
	(void)snprintf(path, sizeof(path), "%s/end.sql", dir);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	(void)fputs("do $$ begin lock table store.version in access exclusive mode;"
		    " for i in 1..1500 loop exit when (select count(pg_terminate_backend(pid))"
		    " from pg_stat_activity where usename = 'carnet_storage' and"
		    " wait_event_type = 'Lock' and query like '%begin_version%') > 0; perform"
		    " pg_sleep(.01); perform pg_stat_clear_snapshot(); end loop; end $$",
		f);
	assert_int_equal(fclose(f), 0);
	(void)snprintf(path, sizeof(path), "psql -X -q \"$CARNET_TEST_DB\" -f %s/end.sql", dir);
	f = popen(path, "re");
	assert_non_null(f);
	do
		sql("select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted"
		    " and relation = 'store.version'::regclass");
	while (sql_number() == 0 && clock_mono_ms() < until);
	return f;
}

static void a_connection_lost_inside_the_question_charges_nobody_rl_60(void **state)
{
	(void)state;
	struct store s = fresh_store();
	FILE *other = end_who_waits();
	assert_int_equal(store_run(&s), -1);
	assert_int_equal(s.fault.code, CN_STORE_UNAVAILABLE);
	assert_string_equal(s.fault.reason, "database");
	(void)pclose(other);
	arena_fini(&s.ask.arena);
	struct store again = fresh_store();
	store_good(&again);
	arena_fini(&again.ask.arena);
}

/* ---- the catalogue protects the last good copy ---- */

static void head_guard_sql_st_17(void **state)
{
	(void)state;
	char v[UUID_TEXT], d[UUID_TEXT];
	struct store s = fresh_store();
	store_good(&s);
	uuid_format(&s.result.version, v);
	uuid_format(&s.device, d);
	static const char *const attempts[] = {"delete from store.version where id = '%1$s'",
		"update store.version set state = 'condemned' where id = '%1$s'",
		"update store.version set digest = decode(repeat('00',32),'hex') where id = '%1$s'",
		"delete from store.head where device_id = '%2$s'",
		"update store.head set generation = 0 where device_id = '%2$s'",
		"update store.version_key set wrapped_dek = null where version_id = '%1$s'",
		"delete from store.version_key where version_id = '%1$s'",
		"delete from store.copy where version_id = '%1$s'",
		"update store.copy set state = 'erase_pending' where version_id = '%1$s'",
		"update store.copy set state = 'queued' where version_id = '%1$s'",
		/* moved instead of removed */
		"update store.copy set version_id = (select id from store.version where id <> "
		"'%1$s'"
		" limit 1) where version_id = '%1$s'",
		"update store.version_key set version_id = (select id from store.version where id "
		"<>"
		" '%1$s' limit 1) where version_id = '%1$s'",
		"delete from store.version_object where version_id = '%1$s'",
		"update store.version_object set wrapped_key = '' where version_id = '%1$s'",
		"update store.object set state = 'deleting' where oid in (select oid from"
		" store.version_object where version_id = '%1$s')",
		/* a flag that a head does not have */
		"update store.version set flags = '{torn}' where id = '%1$s'",
		"update store.version set flags = '{partial}' where id = '%1$s'",
		/* a snapshot in which another removal is not seen */
		"begin isolation level repeatable read; delete from store.copy where version_id ="
		" '%1$s'; commit",
		/* an order of one person */
		"insert into store.erase_order (id, tenant_id, version_id, reason, asked_by,"
		" approved_by, approved_at) select id, tenant_id, id, 'x', id, device_id, now()"
		" from store.version where id = '%1$s'",
		"truncate store.version cascade", "truncate store.head", "truncate store.copy",
		"truncate store.object cascade", "truncate store.version_object",
		"truncate store.version_key"};
	for (size_t i = 0; i < array_len(attempts); i++) {
		char text[600];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(text, sizeof(text), attempts[i], v, d);
#pragma GCC diagnostic pop
		sql("%s", text); /* as the owner of the tables */
		if (strstr(sql_out, "ERROR") == NULL)
			print_error("%s: %s\n", text, sql_out);
		assert_non_null(strstr(sql_out, "ERROR"));
	}
	sql("set role carnet_storage; delete from store.object");
	assert_non_null(strstr(sql_out, "permission denied"));
	assert_verifies(&s.result.version);
	arena_fini(&s.ask.arena);
}

/* Two copies, each removed in a transaction of its own that began before the other ended. */
static void two_removals_at_once_leave_one_copy_st_17(void **state)
{
	(void)state;
	char v[UUID_TEXT], second[UUID_TEXT], command[256];
	struct store s = fresh_store();
	struct uuid other = new_id();
	store_good(&s);
	uuid_format(&s.result.version, v);
	uuid_format(&other, second);
	sql("insert into store.vault (id, tenant_id, name, kind, role, min_protocol, durability)"
	    " select '%s', tenant_id, 'second', 'dir', 'copy', 1, 'strong' from store.version where"
	    " id = '%s'; insert into store.copy (version_id, vault_id, state) values ('%s', '%s',"
	    " 'verified')",
		second, v, v, second);
	(void)snprintf(command, sizeof(command), "%s/first.sql", dir);
	FILE *f = fopen(command, "we");
	assert_non_null(f);
	/* the first waits, its removal done, until the second stands before the guard */
	(void)fprintf(f,
		"do $$ begin delete from store.copy where version_id = '%s' and vault_id <> '%s';"
		" for i in 1..3000 loop exit when exists (select 1 from pg_stat_activity where"
		" wait_event_type = 'Lock' and query like '%%delete%%%s%%'); perform pg_sleep(.01);"
		" perform pg_stat_clear_snapshot(); end loop; end $$",
		v, second, v);
	assert_int_equal(fclose(f), 0);
	(void)snprintf(command, sizeof(command),
		"psql -X -q \"$CARNET_TEST_DB\" -f %s/first.sql > %s/first.out 2>&1", dir, dir);
	FILE *first = popen(command, "re");
	assert_non_null(first);
	uint64_t until = clock_mono_ms() + 30000;
	do
		sql("select count(*) from pg_stat_activity where query like 'do $$%%%s%%' and"
		    " wait_event = 'PgSleep'",
			v);
	while (sql_number() == 0 && clock_mono_ms() < until);
	sql("delete from store.copy where version_id = '%s' and vault_id = '%s'", v, second);
	assert_non_null(strstr(sql_out, "last_copy_protected"));
	(void)pclose(first);
	sql("select count(*) from store.copy where version_id = '%s' and state = 'verified'", v);
	assert_int_equal(sql_number(), 1);
	arena_fini(&s.ask.arena);
}

#ifdef CARNET_CRASHPOINTS
/* Looks at a process that stops itself; whenever it does, one byte on the medium is changed. */
struct flipping {
	struct host *h;
	struct timer *timer;
	const char *magic; /* how the file begins whose byte is changed */
	off_t at;
	unsigned flips;
};

static bool begins(int fd, const char *magic)
{
	char head[16] = "";
	return pread(fd, head, strlen(magic), 0) == (ssize_t)strlen(magic) &&
	       strcmp(head, magic) == 0;
}

static void flip_in_tmp(struct flipping *flip)
{
	char folder[160], path[200], name[64];
	(void)snprintf(folder, sizeof(folder), "ls %s/tmp", flip->h->vault);
	FILE *ls = popen(folder, "re");
	assert_non_null(ls);
	while (fscanf(ls, "%63s", name) == 1) {
		uint8_t byte;
		(void)snprintf(path, sizeof(path), "%s/tmp/%s", flip->h->vault, name);
		(void)chmod(path, 0600);
		int fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && begins(fd, flip->magic) && pread(fd, &byte, 1, flip->at) == 1) {
			byte ^= 0x10;
			assert_int_equal(pwrite(fd, &byte, 1, flip->at), 1);
			flip->flips++;
		}
		if (fd >= 0)
			close(fd);
	}
	(void)pclose(ls);
}

static void watch_stops(void *arg)
{
	struct flipping *flip = arg;
	int status = 0;
	if (waitpid(flip->h->pid, &status, WUNTRACED | WNOHANG) <= 0 || !WIFSTOPPED(status))
		return;
	flip_in_tmp(flip);
	(void)kill(flip->h->pid, SIGCONT);
}

static void flipped_is_refused(struct host *h, const char *magic, off_t at)
{
	struct flipping flip = {.h = h, .magic = magic, .at = at};
	char text[600];
	struct store s = fresh_store();
	s.client = h->client;
	(void)snprintf(text, sizeof(text),
		EMPTY "dn: 200\r\ncn: %s %d\r\nobjectclass: email\r\n\r\n", magic, (int)at);
	s.parts[0].text = text;
	flip.timer = timer_new(loop, watch_stops, &flip);
	timer_set(flip.timer, 5, 5);
	refused(&s, CN_STORE_VERIFY_FAILED, NULL);
	timer_free(flip.timer);
	assert_true(flip.flips >= 1);
}

static void a_byte_flipped_between_write_and_commit_refuses_the_version_st_11(void **state)
{
	(void)state;
	struct host h = {.n = 0};
	static const struct {
		const char *crash, *magic;
		off_t at;
	} cases[] = {{"temp.fsynced:1:stop", "CNOBJ1", 6}, {NULL, "CNOBJ1", 50},
		{NULL, "CNOBJ1", 130}, {"papers.fsynced:1:stop", "{\"device\"", 20},
		{NULL, "{\"format\"", 150}};
	for (size_t i = 0; i < array_len(cases); i++) {
		if (cases[i].crash != NULL) {
			host_kill(&h, SIGTERM);
			host_start(&h, 7, "vault", cases[i].crash, 0);
			host_ready(&h);
		}
		flipped_is_refused(&h, cases[i].magic, cases[i].at);
	}
	host_kill(&h, SIGTERM);
}
#endif

static void a_vault_that_is_gone_is_said_so_and_nothing_is_written_st_47(void **state)
{
	(void)state;
	struct host h = {.n = 0};
	char gone[160], back[160];
	host_start(&h, 6, "vault6", NULL, 0);
	host_ready(&h);
	(void)snprintf(gone, sizeof(gone), "%s/vault6-away", dir);
	(void)snprintf(back, sizeof(back), "%s/vault6", dir);
	assert_int_equal(rename(back, gone), 0);
	assert_int_equal(mkdir(back, 0700), 0);
	struct store s = fresh_store();
	s.client = h.client;
	(void)store_run(&s);
	assert_int_equal(s.fault.code, CN_VAULT_NOT_MOUNTED);
	host_kill(&h, SIGTERM);
	/* a restart does not make a new vault in the empty place, for the catalogue knows better */
	host_start(&h, 6, "vault6", NULL, 0);
	uint64_t until = clock_mono_ms() + 20000;
	do {
		(void)store_run(&s);
	} while (s.fault.code != CN_VAULT_NOT_MOUNTED && clock_mono_ms() < until);
	assert_int_equal(s.fault.code, CN_VAULT_NOT_MOUNTED);
	assert_int_equal(rmdir(back), 0); /* still empty */
	host_kill(&h, SIGTERM);
	arena_fini(&s.ask.arena);
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
		cmocka_unit_test(a_book_is_stored_and_given_back_byte_for_byte_st_1),
		cmocka_unit_test(an_unchanged_book_makes_no_version_and_no_blob_st_3),
		cmocka_unit_test(a_changed_list_makes_the_next_generation_and_shares_the_rest),
		cmocka_unit_test(a_second_store_of_the_same_run_answers_with_the_first_st_5),
		cmocka_unit_test(large_items_go_through_in_pieces_st_77),
		cmocka_unit_test(fence_stale_token_st_19),
		cmocka_unit_test(a_lock_that_ends_while_bytes_arrive_stores_nothing_st_19),
		cmocka_unit_test(token_rollback_is_refused_and_named_st_20),
		cmocka_unit_test(a_malformed_book_is_refused_with_its_place),
		cmocka_unit_test(another_serial_number_after_the_export_is_refused_st_4),
		cmocka_unit_test(a_torn_export_is_kept_but_never_the_head_st_13),
		cmocka_unit_test(a_chunk_that_comes_twice_is_taken_once),
		cmocka_unit_test(a_silent_stream_is_dropped),
		cmocka_unit_test(two_instances_store_the_same_content_of_many_devices_once),
		cmocka_unit_test(page_of_versions_goes_on_where_it_stopped),
		cmocka_unit_test(a_kill_at_any_step_loses_and_doubles_nothing_st_56),
		cmocka_unit_test(recovery_signs_what_was_committed_before_a_crash_st_56),
		cmocka_unit_test(a_full_disk_is_store_full_and_leaves_nothing),
		cmocka_unit_test(a_database_that_dies_during_commits_loses_and_doubles_nothing),
		cmocka_unit_test(a_catalogue_that_is_held_up_is_busy_and_charges_nobody_rl_60),
		cmocka_unit_test(a_connection_lost_inside_the_question_charges_nobody_rl_60),
		cmocka_unit_test(head_guard_sql_st_17),
		cmocka_unit_test(two_removals_at_once_leave_one_copy_st_17),
#ifdef CARNET_CRASHPOINTS
		cmocka_unit_test(a_byte_flipped_between_write_and_commit_refuses_the_version_st_11),
#endif
		cmocka_unit_test(a_vault_that_is_gone_is_said_so_and_nothing_is_written_st_47),
	};
	return cmocka_run_group_tests_name("storage", tests, setup, teardown);
}
