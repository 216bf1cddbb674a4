// SPDX-License-Identifier: Apache-2.0
/* Books of stored versions: read into the index, shown, compared, found. Real storage processes, a
 * real PostgreSQL. Run by tests/service/storage_books.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/service/storage_client.h"

#define CANARY "c4nary-pa55word"

static struct host one;
static uint64_t next_token = 1000;
static struct ask a; /* of the last question */

/* ---- books ---- */

struct text {
	char *s;
	size_t n;
};

static void add(struct text *t, const char *fmt, ...) printf_like(2, 3);
static void add(struct text *t, const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	t->s = mem_realloc(t->s, t->n + (size_t)n + 1);
	memcpy(t->s + t->n, line, (size_t)n + 1);
	t->n += (size_t)n;
}

static struct text list_named(const char *name, const char *db_version)
{
	struct text t = {NULL, 0};
	add(&t, "# Canon AddressBook version: 1\r\n# CharSet: UTF-8\r\n");
	add(&t, "# SubAddressBookName: %s\r\n# DB Version: %s\r\n\r\n", name, db_version);
	return t;
}

static void person(struct text *t, int list, int number, const char *name, const char *fields)
{
	add(t, "subdbid: %d\r\ndn: %d\r\ncn: %s\r\ncnread: \r\n%saccesscode: 0\r\n", list, number,
		name, fields);
}

static void mail(struct text *t, int list, int number, const char *name, const char *address)
{
	char fields[256];
	(void)snprintf(
		fields, sizeof(fields), "mailaddress: %s\r\nenablepartial: false\r\n", address);
	person(t, list, number, name, fields);
	add(t, "objectclass: top\r\nobjectclass: extensibleobject\r\nobjectclass: email\r\n\r\n");
}

static void fax(struct text *t, int list, int number, const char *name, const char *dial)
{
	char fields[256];
	(void)snprintf(fields, sizeof(fields), "dialdata: %s\r\n", dial);
	person(t, list, number, name, fields);
	add(t, "objectclass: top\r\nobjectclass: extensibleobject\r\nobjectclass: g3fax\r\n\r\n");
}

static void folder(struct text *t, int list, int number, const char *name, const char *password)
{
	char fields[512];
	(void)snprintf(fields, sizeof(fields),
		"url: nas-3.lyon.example.org\r\npath: scan\\accounts\r\nusername: svc_scan\r\n"
		"pwd: %s\r\nprotocol: smb\r\n",
		password);
	person(t, list, number, name, fields);
	add(t, "objectclass: top\r\nobjectclass: extensibleobject\r\n"
	       "objectclass: remotefilesystem\r\n\r\n");
}

/* ---- storing ---- */

static struct store fresh_store(struct text t)
{
	struct store s = {.client = one.client,
		.device = new_id(),
		.run = new_id(),
		.request = new_id(),
		.token = next_token++,
		.parts = {{"list_1", t.s, t.n}},
		.n = 1};
	grant(&s);
	return s;
}

/* Its answer is of no use any more. */
static void store_once(struct store *s)
{
	store_good(s);
	arena_fini(&s->ask.arena);
}

/* The next run on the same device; t belongs to nobody afterwards. */
static void store_again(struct store *s, struct text t)
{
	free((char *)(uintptr_t)s->parts[0].text);
	s->run = new_id();
	s->request = new_id();
	s->token = next_token++;
	s->parts[0] = (struct part){"list_1", t.s, t.n};
	grant(s);
	store_once(s);
}

static void store_end_of(struct store *s)
{
	arena_fini(&s->ask.arena);
	free((char *)(uintptr_t)s->parts[0].text);
}

/* Until no version of the device waits to be read. */
static void wait_read(const struct uuid *device)
{
	char d[UUID_TEXT];
	uint64_t until = clock_mono_ms() + 30000;
	do {
		struct timespec pause = {0, 10000000};
		(void)nanosleep(&pause, NULL);
		sql("select count(*) from store.book_queue where device_id = '%s'",
			uuid_format(device, d));
	} while (sql_number() > 0 && clock_mono_ms() < until);
	assert_int_equal(sql_number(), 0);
}

static void stored(struct store *s)
{
	store_once(s);
	wait_read(&s->device);
}

static void stored_next(struct store *s, struct text t)
{
	store_again(s, t);
	wait_read(&s->device);
}

/* opened and closed of the newest version that was read */
static void assert_written(const struct store *s, int opened, int closed)
{
	char d[UUID_TEXT], want[64];
	(void)snprintf(want, sizeof(want), "indexed|%d|%d", opened, closed);
	sql("select state, opened, closed from store.book where device_id = '%s'"
	    " order by generation desc limit 1",
		uuid_format(&s->device, d));
	assert_string_equal(sql_out, want);
}

/* What the index says of a device, without the numbers of rows. */
static char *rows_of(const struct uuid *device)
{
	char d[UUID_TEXT];
	sql("select p.slot, p.key, p.number, e.name, encode(e.hash, 'hex'), p.since_gen,"
	    " p.since_at, p.until_gen, p.until_at, e.record,"
	    " (select string_agg(w.kind || w.word, ',' order by w.kind, w.word)"
	    "    from store.book_word w where w.entry_id = e.id)"
	    " from store.book_presence p join store.book_entry e on e.id = p.entry_id"
	    " where p.device_id = '%s' order by p.slot, p.key, p.since_gen, e.hash",
		uuid_format(device, d));
	assert_null(strstr(sql_out, "ERROR"));
	return strdup(sql_out);
}

/* ---- asking ---- */

static const struct m_entry_page *search(struct m_entry_search m)
{
	if (ask(&a, one.client, 0, &m_entry_search_desc, &m) < 0)
		print_error("%d %s: %s\n", a.fault.code, a.fault.reason, a.fault.detail);
	assert_int_equal(a.fault.code, 0);
	return a.body;
}

/* How many stand on this device. */
static size_t found(const char *q, const struct uuid *device)
{
	return search((struct m_entry_search){.q = q, .device = device, .device_n = 1})->items_n;
}

static struct m_version version_of(const struct uuid *id)
{
	const struct m_version_get m = {.id = *id};
	assert_int_equal(ask(&a, one.client, 0, &m_version_get_desc, &m), 0);
	return *((const struct m_version_one *)a.body)->version;
}

/* ---- reading at store time ---- */

static void a_stored_book_is_found_by_name_number_and_address(void **state)
{
	(void)state;
	struct text t = list_named("Sales", "0x0108");
	mail(&t, 1, 201, "Élodie Garnier", "e.garnier@mail.example.org");
	fax(&t, 1, 202, "Head office", "+33 1 22 33 44 55");
	folder(&t, 1, 203, "Scans", CANARY);
	struct store s = fresh_store(t);
	stored(&s);
	assert_written(&s, 3, 0);
	const struct m_entry_page *p = search((struct m_entry_search){.q = "0122334455"});
	assert_int_equal(p->items_n, 1);
	const struct m_found_entry *e = &p->items[0];
	assert_true(uuid_eq(&e->device, &s.device));
	assert_string_equal(e->device_name, "Copier 3rd floor");
	assert_string_equal(e->list, "1");
	assert_string_equal(e->list_name, "Sales");
	assert_int_equal(e->number, 202);
	assert_string_equal(e->name, "Head office");
	assert_string_equal(e->dest, "fax +33122334455");
	assert_true(uuid_eq(&e->since_version, &s.result.version));
	assert_true(uuid_eq(&e->since_run, &s.run));
	assert_int_equal(e->since_generation, 1);
	assert_true(e->first && e->since > 0 && e->until == 0);
	assert_string_equal(e->entry->values[0].name, "fax.fax_number");
	assert_int_equal(found("elodie", &s.device), 1);
	assert_int_equal(found("garnier@mail", &s.device), 1);
	assert_int_equal(found("host:lyon path:accounts uses-account:svc_scan", &s.device), 1);
	assert_int_equal(found("kind:email", &s.device), 1);
	assert_int_equal(found("", &s.device), 3);
	assert_int_equal(found("nobody", &s.device), 0);
	store_end_of(&s);
}

static void a_version_with_the_same_entries_writes_nothing(void **state)
{
	(void)state;
	struct text t = list_named("Sales", "0x0108"), again = list_named("Sales", "0x010a");
	mail(&t, 1, 201, "Ana", "a@example.org");
	mail(&again, 1, 201, "Ana", "a@EXAMPLE.org ");
	struct store s = fresh_store(t);
	stored(&s);
	stored_next(&s, again); /* other bytes, the same book */
	assert_int_equal(s.result.generation, 2);
	assert_written(&s, 0, 0);
	store_end_of(&s);
}

static struct text changing(const char *second)
{
	struct text t = list_named("", "0x0108");
	mail(&t, 1, 201, "Ana Stays", "ana@example.org");
	if (second != NULL)
		fax(&t, 1, 202, "Old Bureau", second);
	return t;
}

/* Events of this device: entries that came, changed, went (FL-67). */
static void assert_told(const struct uuid *device, const char *want)
{
	char d[UUID_TEXT];
	sql("select string_agg(concat_ws(' ', data ->> 'added', data ->> 'changed', data ->>"
	    " 'removed'), ', ' order by id) from sched.outbox where kind = 'book.changed'"
	    " and subject = 'device/%s'",
		uuid_format(device, d));
	assert_string_equal(sql_out, want);
}

static void a_change_ends_one_interval_and_begins_another(void **state)
{
	(void)state;
	sql("insert into sched.wanted values ('book.changed') on conflict do nothing");
	struct store s = fresh_store(changing("0440000001"));
	stored(&s);
	struct m_version v1 = version_of(&s.result.version);
	stored_next(&s, changing("0440000002"));
	assert_written(&s, 1, 1);
	struct m_version v2 = version_of(&s.result.version);
	stored_next(&s, changing(NULL));
	assert_written(&s, 0, 1);
	assert_int_equal(found("0440000001", &s.device), 0); /* neither stands there now */
	assert_int_equal(found("0440000002", &s.device), 0);
	struct m_entry_search m = {.q = "fax:0440000001 name:bureau",
		.device = &s.device,
		.device_n = 1,
		.at = v1.committed_at + 1}; /* a time is kept to the millisecond */
	const struct m_entry_page *p = search(m);
	assert_int_equal(p->items_n, 1);
	assert_true(uuid_eq(&p->items[0].until_version, &v2.id));
	assert_true(uuid_eq(&p->items[0].until_run, &v2.run));
	assert_int_equal(p->items[0].until, v2.committed_at);
	m.at = v2.committed_at + 1;
	assert_int_equal(search(m)->items_n, 0);
	m.q = "bureau";
	m.at = 0;
	m.from = v1.committed_at; /* everything that stood there since: newest first */
	p = search(m);
	assert_int_equal(p->items_n, 2);
	assert_string_equal(p->items[0].dest, "fax 0440000002");
	assert_false(p->items[0].first);
	m.from = 1;
	m.to = v1.committed_at + 1;
	assert_int_equal(search(m)->items_n, 1);
	assert_told(&s.device, "0 1 0, 0 0 1"); /* not the first version */
	store_end_of(&s);
}

static void lists_are_kept_apart_and_equal_entries_of_two_devices_are_one_content(void **state)
{
	(void)state;
	struct text first = list_named("Sales", "0x0108"), touch = list_named("", "0x0108");
	mail(&first, 1, 201, "Shared Person", "shared@example.org");
	mail(&touch, 11, 1, "Shared Person", "shared@example.org");
	struct store s = fresh_store(first), other;
	s.parts[1] = (struct part){"one_touch", touch.s, touch.n};
	s.n = 2;
	stored(&s);
	other = s;
	other.device = new_id();
	other.run = new_id();
	grant(&other);
	stored(&other);
	const struct m_entry_page *p = search((struct m_entry_search){.q = "\"shared person\""});
	assert_int_equal(p->items_n, 4);
	sql("select count(*) from store.book_entry where name = 'Shared Person'");
	assert_int_equal(sql_number(), 1);
	sql("select string_agg(slot || ' ' || kind || ' ' || name || ' ' || entries, ';' order by "
	    "slot)"
	    " from store.book_list where device_id = (select device_id from store.book_list"
	    " where slot = '11' limit 1)");
	assert_string_equal(sql_out, "1 address_list Sales 1;11 one_touch  1");
	free(first.s);
	free(touch.s);
}

static void a_group_is_found_and_says_how_many_it_has(void **state)
{
	(void)state;
	struct text t = list_named("", "0x0108");
	mail(&t, 1, 201, "Ana", "ana@example.org");
	mail(&t, 1, 202, "Ben", "ben@example.org");
	person(&t, 1, 203, "Everybody Here", "member: 201\r\nmember: 202\r\n");
	add(&t, "objectclass: top\r\nobjectclass: extensibleobject\r\nobjectclass: "
		"groupfids\r\n\r\n");
	struct store s = fresh_store(t);
	stored(&s);
	const struct m_entry_page *p =
		search((struct m_entry_search){.q = "everybody", .kind = "group"});
	assert_int_equal(p->items_n, 1);
	assert_string_equal(p->items[0].kinds[0], "group");
	store_end_of(&s);
}

static void a_book_with_faults_is_kept_and_says_where_st_84(void **state)
{
	(void)state;
	struct text t = list_named("", "0x0108");
	mail(&t, 1, 201, "Ana First", "ana@example.org");
	mail(&t, 1, 201, "Ana Twice", "twice@example.org");
	struct store s = fresh_store(t);
	stored(&s);
	assert_int_equal(s.result.outcome, STORE_OUTCOME_COMMITTED);
	struct m_version v = version_of(&s.result.version);
	assert_non_null(v.book);
	uint64_t faults = v.book->faults;
	assert_true(faults > 0);
	assert_non_null(v.book->fault);
	assert_string_equal(v.book->fault->item, "list_1");
	assert_int_equal(v.book->fault->code, CN_PARSE_ERROR);
	assert_string_equal(v.book->fault->reason, "duplicate_number");
	assert_int_equal(v.book->fault->line, 17);
	assert_int_equal(found("first", &s.device), 1); /* what can be read is found */
	const struct m_version_entries m = {.id = s.result.version};
	assert_int_equal(ask(&a, one.client, 0, &m_version_entries_desc, &m), 0);
	const struct m_version_book *b = a.body;
	assert_int_equal(b->wrong, faults);
	assert_string_equal(b->faults[0].reason, "duplicate_number");
	store_end_of(&s);
}

static void a_torn_book_and_an_opaque_file_are_not_searched(void **state)
{
	(void)state;
	struct store s = fresh_store(changing("0490000001"));
	s.change_after = 2;
	stored(&s);
	assert_string_equal(version_of(&s.result.version).book->state, "torn");
	assert_int_equal(found("0490000001", &s.device), 0);
	struct store o = fresh_store(changing("0490000002"));
	o.format = "opaque";
	stored(&o);
	assert_string_equal(version_of(&o.result.version).book->state, "opaque");
	store_end_of(&s);
	store_end_of(&o);
}

static struct text many(int n, int changed)
{
	struct text t = list_named("", "0x0108");
	for (int i = 0; i < n; i++) {
		char name[64], address[64];
		(void)snprintf(
			name, sizeof(name), "Person %d of many%s", i, i < changed ? " x" : "");
		(void)snprintf(address, sizeof(address), "p%d@many.example.org", i);
		mail(&t, 1, 201 + i, name, address);
	}
	return t;
}

static void three_changes_among_1200_entries_write_three_rows(void **state)
{
	(void)state;
	struct store s = fresh_store(many(1200, 0));
	stored(&s);
	assert_written(&s, 1200, 0);
	stored_next(&s, many(1200, 3));
	assert_written(&s, 3, 3);
	sql("select count(*) from store.book_word w join store.book_entry e on e.id = w.entry_id"
	    " where e.name like '%% of many%%' and w.word = 'many'");
	assert_int_equal(sql_number(), 1200); /* the changed ones go on: "many x" */
	store_end_of(&s);
}

/* ---- pages ---- */

static void pages_of_a_search_show_each_entry_once(void **state)
{
	(void)state;
	static const char *const questions[] = {"person", "person many", "kind:email person", ""};
	struct store s = fresh_store(many(230, 0));
	stored(&s);
	for (size_t i = 0; i < array_len(questions); i++) {
		struct m_entry_search m = {
			.q = questions[i], .device = &s.device, .device_n = 1, .limit = 40};
		char cursor[512];
		uint64_t sum = 0;
		size_t n = 0;
		for (int page = 0; page < 20; page++) {
			const struct m_entry_page *p = search(m);
			for (size_t k = 0; k < p->items_n; k++, n++)
				sum += p->items[k].number;
			if (p->next == NULL || p->next[0] == 0)
				break;
			(void)snprintf(cursor, sizeof(cursor), "%s", p->next);
			m.cursor = cursor;
		}
		assert_int_equal(n, 230);
		assert_int_equal(sum, 230 * 201 + 229 * 230 / 2);
	}
	static const char *const bad[] = {"x", "MS4y", "MS4wLjAuMC4=", "OTkuMC4wLjAu"};
	for (size_t i = 0; i < array_len(bad); i++) {
		const struct m_entry_search m = {.q = "person", .cursor = bad[i]};
		(void)ask(&a, one.client, 0, &m_entry_search_desc, &m);
		assert_true(a.fault.code == CN_VALIDATION_FAILED || a.fault.code == 0);
	}
	const struct m_entry_search nothing = {.q = " "};
	assert_int_equal(ask(&a, one.client, 0, &m_entry_search_desc, &nothing), -1);
	assert_string_equal(a.fault.reason, "nothing_to_find");
	store_end_of(&s);
}

static void the_entries_of_a_version_come_in_pages_without_their_passwords(void **state)
{
	(void)state;
	struct text t = many(120, 0);
	folder(&t, 1, 900, "Scans", CANARY);
	struct store s = fresh_store(t);
	stored(&s);
	struct m_version_entries m = {.id = s.result.version, .limit = 50};
	char cursor[64];
	size_t n = 0;
	for (;;) {
		assert_int_equal(ask(&a, one.client, 0, &m_version_entries_desc, &m), 0);
		const struct m_version_book *b = a.body;
		assert_int_equal(b->total, 121);
		assert_string_equal(b->family, "canon");
		assert_string_equal(b->lists[0].slot, "1");
		n += b->items_n;
		if (n == 121) {
			const struct m_entry *e = &b->items[b->items_n - 1];
			assert_string_equal(e->name, "Scans");
			assert_string_equal(e->secrets[0].name, "file.secret");
			assert_string_equal(e->secrets[0].value, "clear");
		}
		if (b->next == NULL || b->next[0] == 0)
			break;
		(void)snprintf(cursor, sizeof(cursor), "%s", b->next);
		m.cursor = cursor;
	}
	assert_int_equal(n, 121);
	m = (struct m_version_entries){.id = s.result.version, .list = "7"};
	assert_int_equal(ask(&a, one.client, 0, &m_version_entries_desc, &m), 0);
	assert_int_equal(((const struct m_version_book *)a.body)->total, 0);
	m.id = new_id();
	assert_int_equal(ask(&a, one.client, 0, &m_version_entries_desc, &m), -1);
	assert_int_equal(a.fault.code, CN_NOT_FOUND);
	store_end_of(&s);
}

static void two_versions_are_compared_entry_by_entry(void **state)
{
	(void)state;
	struct text t = changing("0450000001"), later = list_named("", "0x0108");
	folder(&t, 1, 203, "Scans", CANARY);
	mail(&later, 1, 201, "Ana Stays", "other@example.org");
	mail(&later, 1, 204, "Newcomer", "new@example.org");
	folder(&later, 1, 203, "Scans", CANARY "2");
	struct store s = fresh_store(t);
	stored(&s);
	struct m_version_diff m = {.a = s.result.version};
	stored_next(&s, later);
	m.b = s.result.version;
	assert_int_equal(ask(&a, one.client, 0, &m_version_diff_desc, &m), 0);
	const struct m_version_changes *d = a.body;
	assert_int_equal(d->added, 1);
	assert_int_equal(d->removed, 1);
	bool address = false, secret = false;
	for (size_t i = 0; i < d->items_n; i++) {
		const struct m_book_change *c = &d->items[i];
		address = address ||
			  (strcmp(c->op, "change") == 0 && strcmp(c->field, "email.address") == 0 &&
				  strcmp(c->before, "ana@example.org") == 0 &&
				  strcmp(c->after, "other@example.org") == 0);
		secret = secret || strcmp(c->op, "secret_changed") == 0;
		assert_null(c->before == NULL ? NULL : strstr(c->before, CANARY));
		assert_null(c->after == NULL ? NULL : strstr(c->after, CANARY));
	}
	assert_true(address && secret);
	m.b = m.a;
	assert_int_equal(ask(&a, one.client, 0, &m_version_diff_desc, &m), 0);
	assert_int_equal(((const struct m_version_changes *)a.body)->total, 0);
	m.b = new_id();
	assert_int_equal(ask(&a, one.client, 0, &m_version_diff_desc, &m), -1);
	store_end_of(&s);
}

/* ---- again from the versions, without a version, off ---- */

static void reading_everything_again_gives_the_same_rows(void **state)
{
	(void)state;
	struct store s = fresh_store(changing("0460000001"));
	stored(&s);
	stored_next(&s, changing("0460000002"));
	stored_next(&s, changing("0460000001"));
	assert_told(&s.device, "0 1 0, 0 1 0");
	char *before = rows_of(&s.device);
	assert_true(strlen(before) > 0);
	const struct m_book_reindex m = {.drop = false};
	assert_int_equal(ask(&a, one.client, 0, &m_book_reindex_desc, &m), 0);
	uint64_t until = clock_mono_ms() + 30000;
	do {
		struct timespec pause = {0, 20000000};
		(void)nanosleep(&pause, NULL);
		sql("select (select count(*) from store.book_queue) + (select count(*) from"
		    " store.version v where kind = 'address_book' and state = 'committed' and not"
		    " exists (select 1 from store.book b where b.version_id = v.id))");
	} while (sql_number() > 0 && clock_mono_ms() < until);
	char *after = rows_of(&s.device);
	assert_string_equal(after, before);
	assert_told(&s.device, "0 1 0, 0 1 0"); /* no news */
	free(before);
	free(after);
	store_end_of(&s);
}

/* The key of a version that is no head any more, as an erase order would end it. */
static void erase(const struct uuid *version)
{
	char v[UUID_TEXT];
	sql("update store.version_key set wrapped_dek = null where version_id = '%s';"
	    " update store.version set state = 'erased' where id = '%s'",
		uuid_format(version, v), v);
	assert_null(strstr(sql_out, "ERROR"));
}

static void an_erased_version_takes_with_it_what_it_alone_knew_st_31(void **state)
{
	(void)state;
	/* 0 = gone; else the number that stands there, version by version */
	static const int history[][6] = {
		{1, 2, 1, 1, 0, 3}, {0, 1, 0, 1, 1, 1}, {1, 1, 2, 2, 2, 1}};
	for (size_t h = 0; h < array_len(history); h++) {
		for (size_t gone = 0; gone < 5; gone++) {
			struct uuid id[6];
			struct store s;
			char number[6][32], d[UUID_TEXT];
			for (size_t i = 0; i < 6; i++) {
				/* a comment of its own, so that each is a version */
				(void)snprintf(number[i], sizeof(number[i]), "04700%zu%zu%d", h,
					gone, history[h][i]);
				struct text t = list_named(number[i], i % 2 ? "0x0108" : "0x010a");
				mail(&t, 1, 201, "Ana Stays", "ana@example.org");
				if (history[h][i] > 0)
					fax(&t, 1, 202, "Old Bureau", number[i]);
				if (i == 0) {
					s = fresh_store(t);
					store_once(&s);
				} else {
					store_again(&s, t);
				}
				id[i] = s.result.version;
			}
			wait_read(&s.device);
			erase(&id[gone]);
			char *after = rows_of(&s.device);
			sql("select store.book_reset('%s', true)", uuid_format(&s.device, d));
			wait_read(&s.device);
			char *again = rows_of(&s.device);
			assert_string_equal(after, again);
			free(after);
			free(again);
			store_end_of(&s);
		}
	}
	sql("select count(*) from store.book_entry e where not exists"
	    " (select 1 from store.book_presence p where p.entry_id = e.id)");
	assert_int_equal(sql_number(), 0);
}

static void switched_off_nothing_is_read_and_on_again_it_catches_up(void **state)
{
	(void)state;
	struct host off = {.n = 0};
	host_kill(&one, SIGTERM);
	put_env("CARNET_BOOK_INDEX", "false");
	host_start(&off, 7, "vault", NULL, 0);
	put_env("CARNET_BOOK_INDEX", "true");
	host_ready(&off);
	struct store s = fresh_store(changing("0480000001"));
	char d[UUID_TEXT];
	s.client = off.client;
	store_once(&s);
	const struct m_entry_search m = {.q = "0480000001"};
	assert_int_equal(ask(&a, off.client, 0, &m_entry_search_desc, &m), -1);
	assert_string_equal(a.fault.reason, "index_off");
	const struct m_version_entries entries = {.id = s.result.version};
	assert_int_equal(ask(&a, off.client, 0, &m_version_entries_desc, &entries), 0);
	sql("select count(*) from store.book_queue where device_id = '%s'",
		uuid_format(&s.device, d));
	assert_int_equal(sql_number(), 1);
	host_kill(&off, SIGTERM);
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
	wait_read(&s.device);
	assert_int_equal(found("0480000001", &s.device), 1);
	store_end_of(&s);
}

/* ---- crashes, several instances ---- */

static void crash_at(const char *place)
{
	struct host h = {.n = 0};
	char number[32], d[UUID_TEXT];
	host_start(&h, 3, "vault", place, 0);
	host_ready(&h);
	(void)snprintf(number, sizeof(number), "05%08u", (unsigned)strlen(place) * 7919);
	struct store s = fresh_store(changing(number));
	s.client = h.client;
	(void)store_run(&s); /* it dies after or before the answer: the version is committed */
	int status = host_wait(&h);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
	wait_read(&s.device);
	sql("select count(*) from store.book b join store.version v on v.id = b.version_id"
	    " where v.state = 'committed' and b.state = 'indexed' and v.device_id = '%s'",
		uuid_format(&s.device, d));
	assert_int_equal(sql_number(), 1);
	assert_int_equal(found("stays", &s.device), 1);
	assert_int_equal(found("bureau", &s.device), 1);
	host_kill(&one, SIGTERM);
	store_end_of(&s);
}

static void a_kill_at_any_step_of_reading_leaves_nothing_unread_st_83(void **state)
{
	(void)state;
	static const char *const places[] = {
		"index.claimed:1", "index.read:1", "index.commit:1", "index.written:1"};
	host_kill(&one, SIGTERM);
	for (size_t i = 0; i < array_len(places); i++)
		crash_at(places[i]);
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
}

static void a_version_that_kills_its_reader_is_given_up(void **state)
{
	(void)state;
	char d[UUID_TEXT];
	struct store s = fresh_store(changing("0500000009"));
	sql("create or replace function store.test_tries() returns trigger language plpgsql as"
	    " 'begin new.tries := 100; return new; end';"
	    " create trigger test_tries before insert on store.book_queue for each row execute"
	    " function store.test_tries()");
	stored(&s);
	sql("drop function store.test_tries cascade");
	sql("select state, fault_reason from store.book where device_id = '%s'",
		uuid_format(&s.device, d));
	assert_string_equal(sql_out, "fault|crash_limit");
	stored_next(&s, changing("0500000010")); /* and the next one is read */
	assert_int_equal(found("0500000010", &s.device), 1);
	store_end_of(&s);
}

static void two_instances_read_many_versions_in_the_order_of_each_device(void **state)
{
	(void)state;
	enum { N = 12, VERSIONS = 5 };
	struct host two = {.n = 0};
	static struct store s[N];
	host_start(&two, 2, "vault", NULL, 0);
	host_ready(&two);
	for (int v = 0; v < VERSIONS; v++) {
		for (int i = 0; i < N; i++) {
			char number[32];
			(void)snprintf(number, sizeof(number), "051%03d%d", i, v % 3);
			struct text t = changing(number);
			fax(&t, 1, 300 + v, "Of This Version", "0555555555");
			if (v == 0)
				s[i] = fresh_store(t);
			else
				free((char *)(uintptr_t)s[i].parts[0].text);
			s[i].parts[0] = (struct part){"list_1", t.s, t.n};
			s[i].run = new_id();
			s[i].request = new_id();
			s[i].token = next_token++;
			s[i].client = (i + v) % 2 == 0 ? one.client : two.client;
			grant(&s[i]);
			store_begin(&s[i]);
		}
		stores_wait();
		for (int i = 0; i < N; i++) {
			/* a machine under load lets a stream fall silent: begin again */
			if (s[i].fault.code == CN_NOT_FOUND)
				(void)store_run(&s[i]);
			if (s[i].fault.code != 0)
				print_error("%d %s\n", s[i].fault.code, s[i].fault.detail);
			assert_int_equal(s[i].fault.code, 0);
			assert_int_equal(s[i].result.generation, v + 1);
		}
	}
	for (int i = 0; i < N; i++) {
		char d[UUID_TEXT];
		wait_read(&s[i].device);
		char *rows = rows_of(&s[i].device);
		sql("select string_agg(generation || state, ' ' order by generation) from"
		    " store.book where device_id = '%s'",
			uuid_format(&s[i].device, d));
		assert_string_equal(sql_out, "1indexed 2indexed 3indexed 4indexed 5indexed");
		sql("select store.book_reset('%s', true)", d);
		wait_read(&s[i].device);
		char *again = rows_of(&s[i].device);
		assert_string_equal(again, rows);
		free(rows);
		free(again);
		store_end_of(&s[i]);
	}
	host_kill(&two, SIGTERM);
}

/* A catalogue from before there was an index: everything in it waits to be read. */
static void an_older_catalogue_is_read_after_its_migration(void **state)
{
	(void)state;
	static const char steps[] =
		"set -e; mkdir $OLD/sql; cp schemas/sql/00[0-2]*.sql schemas/sql/0030*.sql "
		"$OLD/sql;"
		" createdb -h $CARNET_TEST_PG -U postgres older;"
		" db=\"host=$CARNET_TEST_PG dbname=older user=postgres\";"
		" $B/bin/carnet-migrate \"$db\" $OLD/sql >/dev/null;"
		" psql -X -q -v ON_ERROR_STOP=1 \"$db\" -c \"insert into store.version (id, "
		"tenant_id,"
		" device_id, kind, generation, state, run_id, job_id, attempt, token, serial, "
		"digest,"
		" verified_at, committed_at) select gen_random_uuid(), gen_random_uuid(),"
		" gen_random_uuid(), k, 1, s, gen_random_uuid(), gen_random_uuid(), 1, 1, '',"
		" decode(repeat('00', 32), 'hex'), now(), now() from"
		" unnest(array['address_book','settings']) k, unnest(array['committed','failed']) "
		"s\";"
		" cp schemas/sql/0031*.sql $OLD/sql; $B/bin/carnet-migrate \"$db\" $OLD/sql "
		">/dev/null;"
		" [ $(psql -X -At \"$db\" -c 'select count(*) from store.book_queue') = 1 ]";
	put_env("OLD", "%s", dir);
	assert_int_equal(system(steps), 0);
}

/* ---- secrets ---- */

static void no_password_is_in_the_database_or_the_logs_secret_canary(void **state)
{
	(void)state;
	char command[400];
	(void)snprintf(command, sizeof(command),
		"! (pg_dump --data-only \"$CARNET_TEST_DB\" 2>/dev/null; cat %s/*.log) | grep -aqF "
		"'%s'",
		dir, CANARY);
	assert_int_equal(system(command), 0);
	(void)snprintf(command, sizeof(command),
		"pg_dump --data-only \"$CARNET_TEST_DB\" 2>/dev/null | grep -aqF 'svc_scan'");
	assert_int_equal(system(command), 0); /* it does look where entries are */
}

static void forgotten_the_index_is_empty_and_comes_back(void **state)
{
	(void)state;
	struct store s = fresh_store(changing("0530000001"));
	stored(&s);
	struct m_book_reindex m = {.drop = true};
	assert_int_equal(ask(&a, one.client, 0, &m_book_reindex_desc, &m), 0);
	uint64_t until = clock_mono_ms() + 30000;
	do {
		struct timespec pause = {0, 20000000};
		(void)nanosleep(&pause, NULL);
		sql("select (select count(*) from store.book_presence) +"
		    " (select count(*) from store.book_entry) + (select count(*) from store.book)"
		    " + (select count(*) from store.book_word)");
	} while (sql_number() > 0 && clock_mono_ms() < until);
	assert_int_equal(sql_number(), 0);
	m.drop = false;
	until = clock_mono_ms() + 10000;
	while (ask(&a, one.client, 0, &m_book_reindex_desc, &m) < 0 && clock_mono_ms() < until)
		assert_int_equal(a.fault.code, CN_CONFLICT);
	until = clock_mono_ms() + 30000;
	while (found("0530000001", &s.device) == 0 && clock_mono_ms() < until) {
		struct timespec pause = {0, 20000000};
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(found("0530000001", &s.device), 1);
	store_end_of(&s);
}

static int setup(void **state)
{
	(void)state;
	client_setup();
	put_env("CARNET_BOOK_POLL_MS", "100");
	put_env("CARNET_BOOK_CLAIM_MS", "1500");
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	arena_fini(&a.arena);
	client_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stored_book_is_found_by_name_number_and_address),
		cmocka_unit_test(a_version_with_the_same_entries_writes_nothing),
		cmocka_unit_test(a_change_ends_one_interval_and_begins_another),
		cmocka_unit_test(
			lists_are_kept_apart_and_equal_entries_of_two_devices_are_one_content),
		cmocka_unit_test(a_group_is_found_and_says_how_many_it_has),
		cmocka_unit_test(a_book_with_faults_is_kept_and_says_where_st_84),
		cmocka_unit_test(a_torn_book_and_an_opaque_file_are_not_searched),
		cmocka_unit_test(three_changes_among_1200_entries_write_three_rows),
		cmocka_unit_test(pages_of_a_search_show_each_entry_once),
		cmocka_unit_test(the_entries_of_a_version_come_in_pages_without_their_passwords),
		cmocka_unit_test(two_versions_are_compared_entry_by_entry),
		cmocka_unit_test(reading_everything_again_gives_the_same_rows),
		cmocka_unit_test(an_erased_version_takes_with_it_what_it_alone_knew_st_31),
		cmocka_unit_test(switched_off_nothing_is_read_and_on_again_it_catches_up),
		cmocka_unit_test(a_kill_at_any_step_of_reading_leaves_nothing_unread_st_83),
		cmocka_unit_test(a_version_that_kills_its_reader_is_given_up),
		cmocka_unit_test(two_instances_read_many_versions_in_the_order_of_each_device),
		cmocka_unit_test(an_older_catalogue_is_read_after_its_migration),
		cmocka_unit_test(no_password_is_in_the_database_or_the_logs_secret_canary),
		cmocka_unit_test(forgotten_the_index_is_empty_and_comes_back),
	};
	return cmocka_run_group_tests_name("storage books", tests, setup, teardown);
}
