// SPDX-License-Identifier: Apache-2.0
/* What people type into the search over all books, and what an entry is found by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/search_key.h"
#include "gen/errors.h"
#include "services/storage/books/query.h"
#include "services/storage/books/record.h"

static struct arena arena;

static int parse(const char *text, const char *kind, struct query *q, struct fault *f)
{
	arena_reset(&arena);
	*f = FAULT_INIT;
	return query_parse(&arena, text, kind, q, f);
}

static struct query good(const char *text, const char *kind)
{
	struct query q;
	struct fault f;
	if (parse(text, kind, &q, &f) < 0)
		fail_msg("'%s': %s", text, f.detail);
	return q;
}

static void refused(const char *text, const char *kind, const char *reason)
{
	struct query q;
	struct fault f;
	assert_int_equal(parse(text, kind, &q, &f), -1);
	assert_int_equal(f.code, CN_VALIDATION_FAILED);
	assert_string_equal(f.reason, reason);
}

/* ---- an entry and a question: does it match, as the database would say ---- */

struct match {
	const struct query *q;
	bool term[QUERY_TERMS + 1];
};

static void try_word(int kind, const char *word, void *arg)
{
	struct match *m = arg;
	for (size_t i = 0; i < m->q->n; i++) {
		const struct query_range *r = &m->q->range[i];
		if (r->kind == kind && strcmp(word, r->lo) >= 0 && strcmp(word, r->hi) <= 0)
			m->term[r->term] = true;
	}
}

static bool matches(const struct book_entry *e, const char *text, const char *kind)
{
	struct query q = good(text, kind);
	struct match m = {.q = &q};
	assert_int_equal(record_words(e, try_word, &m), 0);
	for (int t = 1; t <= q.terms; t++)
		if (!m.term[t])
			return false;
	return q.terms > 0;
}

static struct book *book;
static struct book_list *list;

static struct book_entry *entry(const char *name, const char *reading)
{
	struct book_entry *e = book_add_entry(book, list, name);
	book_set(book, &e->f, F_NAME, name);
	book_set(book, &e->f, F_READING, reading);
	return e;
}

static struct book_entry *with(
	struct book_entry *e, enum dest_kind kind, enum book_field id, const char *value)
{
	struct book_dest *d = entry_dest(e, kind);
	if (d == NULL)
		d = book_add_dest(book, e, kind);
	book_set(book, &d->f, id, value);
	return e;
}

static void an_entry_is_found_by_the_begin_of_each_word_of_its_name(void **state)
{
	(void)state;
	const struct book_entry *e = entry("Jean-Luc Müller", NULL);
	assert_true(matches(e, "jean", NULL));
	assert_true(matches(e, "LUC", NULL));
	assert_true(matches(e, "müll", NULL));
	assert_true(matches(e, "muller jean", NULL));
	assert_true(matches(e, "\"luc müller\"", NULL));
	assert_false(matches(e, "uller", NULL));
	assert_false(matches(e, "jean dupont", NULL));
	assert_true(matches(e, "name:jean", NULL));
	assert_false(matches(e, "email:jean", NULL));
}

static void a_name_without_accents_is_not_found_by_another_s_accent(void **state)
{
	(void)state;
	assert_true(matches(entry("Rene", NULL), "rene", NULL));
	assert_true(matches(entry("René", NULL), "rene", NULL));
	assert_true(matches(entry("René", NULL), "rené", NULL));
}

static void japanese_is_found_from_any_character_on(void **state)
{
	(void)state;
	const struct book_entry *e = entry("山田太郎", "ヤマダタロウ");
	assert_true(matches(e, "山田", NULL));
	assert_true(matches(e, "太郎", NULL));
	assert_true(matches(e, "やまだ", NULL));
	assert_true(matches(e, "reading:タロウ", NULL));
	assert_false(matches(e, "花子", NULL));
}

static void a_fax_number_is_found_by_its_last_digits_however_it_is_written(void **state)
{
	(void)state;
	const struct book_entry *e =
		with(entry("Head office", NULL), DEST_FAX, F_FAX_NUMBER, "+33 1 23-45 67P89");
	assert_true(matches(e, "6789", NULL));
	assert_true(matches(e, "45.67.89", NULL));
	assert_true(matches(e, "+33 1 23 45 67 89", NULL));
	assert_true(matches(e, "+33123456789", NULL));
	assert_true(matches(e, "01 23 45 67 89", NULL)); /* as it is dialled at home */
	assert_true(matches(e, "fax:6789", NULL));
	assert_true(matches(e, "6789 head", "fax"));
	assert_false(matches(e, "89", NULL)); /* two digits are no number */
	assert_false(matches(e, "678", NULL));
	assert_false(matches(e, "001 23 45 67 88", NULL));
}

static void addresses_hosts_paths_and_accounts_are_found_by_their_parts(void **state)
{
	(void)state;
	struct book_entry *e =
		with(entry("Scans", NULL), DEST_EMAIL, F_ADDRESS, "Jean.Dupont@Mail.Example.org");
	with(e, DEST_FILE, F_PROTOCOL, "smb");
	with(e, DEST_FILE, F_HOST, "NAS-3.lyon.example.org");
	with(e, DEST_FILE, F_PATH, "scan\\accounts\\2027");
	with(e, DEST_FILE, F_ACCOUNT, "svc_scan");
	assert_true(matches(e, "jean.dupont@mail.example.org", NULL));
	assert_true(matches(e, "dupont@", NULL));
	assert_true(matches(e, "email:example.org", NULL));
	assert_true(matches(e, "host:nas-3", NULL));
	assert_true(matches(e, "host:lyon", NULL));
	assert_true(matches(e, "path:accounts", NULL));
	assert_true(matches(e, "uses-account:svc_scan", NULL));
	assert_true(matches(e, "kind:file nas", NULL));
	assert_true(matches(e, "scans", "email"));
	assert_false(matches(e, "scans", "fax"));
	assert_false(matches(e, "path:nas", NULL));
}

static void no_secret_is_a_word(void **state)
{
	(void)state;
	struct book_entry *e = with(entry("Scans", NULL), DEST_FILE, F_HOST, "nas");
	book_set_secret(book, entry_dest(e, DEST_FILE), SECRET_CLEAR, "canary-4711", NULL);
	assert_false(matches(e, "canary", NULL));
	assert_false(matches(e, "4711", NULL));
}

static void what_cannot_be_meant_is_refused_with_its_reason(void **state)
{
	(void)state;
	refused("x", "telex", "unknown_kind");
	refused("kind:telex", NULL, "unknown_kind");
	refused("fax:abc", NULL, "nothing_to_find");
	refused("at:yesterday", NULL, "not_a_time");
	refused("a b c d e f g h i", NULL, "too_many_words");
	struct query q = good("", NULL);
	assert_int_equal(q.n, 0);
	q = good("\"\"  ", NULL);
	assert_int_equal(q.n, 0);
}

static void place_and_time_may_stand_among_the_words(void **state)
{
	(void)state;
	struct query q = good("dupont site:lyon at:2027-05-03", NULL);
	assert_int_equal(q.terms, 1);
	assert_string_equal(q.site, "lyon");
	assert_int_equal(q.at_ms, 1809388799999);
	q = good("smb://nas 10:30", NULL); /* a colon is not yet a field */
	assert_int_equal(q.terms, 2);
}

static void a_question_of_any_length_stays_within_its_bounds(void **state)
{
	(void)state;
	char text[513];
	struct query q;
	struct fault f;
	memset(text, '7', 512);
	text[512] = 0;
	assert_int_equal(parse(text, NULL, &q, &f), 0);
	for (size_t i = 0; i < q.n; i++)
		assert_true(strlen(q.range[i].hi) <= WORD_MAX + 4);
	memset(text, '"', 512);
	assert_int_equal(parse(text, NULL, &q, &f), 0);
	for (int c = 1; c < 256; c++) {
		(void)snprintf(text, sizeof(text), "%c%c%c", 'a', c < 128 ? c : 'b', 'd');
		(void)!parse(text, "fax", &q, &f);
		assert_true(q.n <= QUERY_RANGES && q.terms <= QUERY_TERMS);
	}
}

/* ---- records ---- */

static const char *value_of(const struct m_entry *e, const char *name)
{
	for (size_t i = 0; i < e->values_n; i++)
		if (strcmp(e->values[i].name, name) == 0)
			return e->values[i].value;
	return NULL;
}

static void a_record_has_the_fields_by_their_paths_and_tells_of_secrets_only_that_they_are(
	void **state)
{
	(void)state;
	struct m_entry m;
	struct book_entry *e = with(entry("Scans", "scans"), DEST_FILE, F_HOST, "nas");
	book_set(book, &e->f, F_NUMBER, "204");
	book_set(book, &e->f, F_UUID, "u-1");
	with(e, DEST_FILE, F_PROTOCOL, "smb");
	book_set_secret(book, entry_dest(e, DEST_FILE), SECRET_CLEAR, "canary", NULL);
	struct book_dest *second = book_add_dest(book, e, DEST_FILE);
	book_set(book, &second->f, F_HOST, "other");
	book_add_tag(book, e, "title1", "S");
	book_add_extra(book, e, "x-colour", "blue");
	book_add_extra(book, e, "pwd2", "canary");
	record_entry(&arena, list, e, &m);
	assert_string_equal(m.name, "Scans");
	assert_int_equal(m.number, 204);
	assert_string_equal(m.dest, "smb://nas (+1)");
	assert_string_equal(value_of(&m, "file.host"), "nas");
	assert_string_equal(value_of(&m, "file[2].host"), "other");
	assert_string_equal(value_of(&m, "tag.title1"), "S");
	assert_string_equal(value_of(&m, "extra.x-colour"), "blue");
	assert_string_equal(value_of(&m, "uuid"), "u-1");
	assert_string_equal(m.secrets[0].name, "file.secret");
	assert_string_equal(m.secrets[0].value, "clear");
	for (size_t i = 0; i < m.values_n; i++)
		assert_null(strstr(m.values[i].value, "canary"));
	/* what the index keeps is the content alone: the same wherever it stands */
	record_content(&arena, e, RECORD_SMALL, &m);
	assert_null(value_of(&m, "uuid"));
	assert_null(value_of(&m, "extra.x-colour"));
	assert_int_equal(m.number, 0);
	assert_int_equal(m.secrets_n, 0);
}

static void a_large_entry_is_cut_and_says_so(void **state)
{
	(void)state;
	struct m_entry m;
	char text[5000];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	struct book_entry *e = with(entry("Large", NULL), DEST_FILE, F_PATH, text);
	with(e, DEST_FILE, F_HOST, text);
	record_content(&arena, e, RECORD_SMALL, &m);
	size_t bytes = 0;
	for (size_t i = 0; i < m.values_n; i++)
		bytes += strlen(m.values[i].value);
	assert_true(m.cut);
	assert_true(bytes <= RECORD_SMALL);
	struct book_entry *group = entry("All", NULL);
	group->group = true;
	for (int i = 0; i < 900; i++)
		book_add_member(book, group, "200", NULL);
	record_content(&arena, group, RECORD_LARGE, &m);
	assert_string_equal(m.dest, "900 members");
	assert_true(m.cut);
}

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	book = book_new("canon");
	list = book_add_list(book, "1", LIST_ADDRESS_LIST, "");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	book_free(book);
	arena_fini(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_is_found_by_the_begin_of_each_word_of_its_name),
		cmocka_unit_test(a_name_without_accents_is_not_found_by_another_s_accent),
		cmocka_unit_test(japanese_is_found_from_any_character_on),
		cmocka_unit_test(a_fax_number_is_found_by_its_last_digits_however_it_is_written),
		cmocka_unit_test(addresses_hosts_paths_and_accounts_are_found_by_their_parts),
		cmocka_unit_test(no_secret_is_a_word),
		cmocka_unit_test(what_cannot_be_meant_is_refused_with_its_reason),
		cmocka_unit_test(place_and_time_may_stand_among_the_words),
		cmocka_unit_test(a_question_of_any_length_stays_within_its_bounds),
		cmocka_unit_test(
			a_record_has_the_fields_by_their_paths_and_tells_of_secrets_only_that_they_are),
		cmocka_unit_test(a_large_entry_is_cut_and_says_so),
	};
	return cmocka_run_group_tests_name("query", tests, setup, teardown);
}
