// SPDX-License-Identifier: Apache-2.0
/* Carnet's own JSON of a book: the whole model both ways, one form, and faults with their place
 * (address-books.md 4.12). */
#include "common/book/formats/json.h"
#include "tests/lib/book_test.h"

extern const struct codec codec_carnet_json;

static struct book *decoded(const char *text)
{
	return read_book(text_span(text), "carnet_json");
}

static char *encoded(const struct book *b, bool reveal)
{
	struct encode_options o = {.reveal_secrets = reveal};
	struct fault f = FAULT_INIT;
	struct buf out = BUF_INIT;

	if (book_encode(b, &codec_carnet_json, &o, &out, NULL, &f) != 0)
		fail_msg("%s", f.detail);
	return buf_detach(&out);
}

/* The first fault, strictly read: its reason word and its place. */
static void refused_at(const char *text, const char *reason, uint32_t line, uint32_t column)
{
	struct fault f = FAULT_INIT;
	struct book *b = NULL;

	assert_int_equal(book_decode(text_span(text), &codec_carnet_json, NULL, &b, &f), -1);
	assert_string_equal(f.reason, reason);
	assert_non_null(b);
	assert_int_equal(b->n_faults, 1);
	assert_int_equal(b->fault[0].line, line);
	assert_int_equal(b->fault[0].column, column);
	book_free(b);
}

static void book_is_written_as_it_was_read(void **state)
{
	(void)state;
	struct buf file = slurp("tests/golden/book/carnet_json/office.json");
	char *text = buf_detach(&file);
	struct book *b = decoded(text);
	const struct book_entry *e = &b->list[0].entry[2];

	assert_string_equal(b->family, "canon");
	assert_int_equal(b->n_entries, 5);
	assert_string_equal(fields_get(&b->list[0].entry[0].f, F_ACCESS_NO), "0012345");
	assert_string_equal(fields_get(&e->dest[0].f, F_PATH), "\\north\\2026-11-21");
	assert_string_equal(fields_get(&e->dest[0].f, F_PORT), "445");
	assert_int_equal(e->dest[0].secret.state, SECRET_ENCRYPTED);
	assert_string_equal(b->list[0].entry[0].extra[1].value, "");
	assert_null(b->list[0].entry[3].member[2].key);
	assert_int_equal(e->at.line, 45);
	char *again = encoded(b, true);
	assert_string_equal(again, text);
	free(again);
	free(text);
	book_free(b);
}

static void secrets_are_written_only_when_revealed(void **state)
{
	(void)state;
	struct book *b = book_new("kyocera");
	struct book_entry *e = book_add_entry(b, book_add_list(b, "1", LIST_FLAT, ""), "1");
	struct book_dest *d = book_add_dest(b, e, DEST_FILE);

	book_set_secret(b, d, SECRET_CLEAR, "hunter2", NULL);
	char *open = encoded(b, true), *closed = encoded(b, false);
	assert_non_null(strstr(open, "hunter2"));
	assert_null(strstr(closed, "hunter2"));
	struct book *one = decoded(open), *two = decoded(closed);
	assert_string_equal(one->list[0].entry[0].dest[0].secret.text, "hunter2");
	assert_int_equal(two->list[0].entry[0].dest[0].secret.state, SECRET_WITHHELD);
	book_free(one);
	book_free(two);
	book_free(b);
	free(open);
	free(closed);
}

static void every_field_of_every_kind_comes_back(void **state)
{
	(void)state;
	static const char *const values[] = {"true", "007", "0", "4294967295", "99999999999", "+33",
		"=1+1", "\"\\\t\n\x01", "null"};
	struct book *b = book_new("generic");
	struct book_list *l = book_add_list(b, "1", LIST_FLAT, "a\xc2\x85\xe2\x80\xae");
	char key[16];

	for (unsigned kind = 0; kind < DEST_GROUP; kind++)
		for (size_t v = 0; v < array_len(values); v++) {
			(void)snprintf(key, sizeof(key), "%u.%zu", kind, v);
			struct book_entry *e = book_add_entry(b, l, key);
			struct book_dest *d =
				kind ? book_add_dest(b, e, (enum dest_kind)kind) : NULL;
			for (unsigned id = 1; id < FIELD_NUMBERS; id++)
				if (field_info(id) && field_info(id)->kinds & 1u << kind)
					book_set(b, d ? &d->f : &e->f, (enum book_field)id,
						values[v]);
		}
	char *text = encoded(b, true);
	struct book *back = decoded(text);
	char *again = encoded(back, true);
	assert_string_equal(strstr(again, "\"lists\""), strstr(text, "\"lists\""));
	assert_int_equal(back->n_entries, b->n_entries);
	for (uint32_t i = 0; i < b->n_entries; i++) {
		const struct book_entry *x = &b->list[0].entry[i], *y = &back->list[0].entry[i];
		const struct fields *f = x->n_dests ? &x->dest[0].f : &x->f;
		const struct fields *g = y->n_dests ? &y->dest[0].f : &y->f;
		assert_int_equal(f->n, g->n);
		for (uint32_t k = 0; k < f->n; k++) {
			assert_int_equal(f->v[k].id, g->v[k].id);
			assert_string_equal(f->v[k].value, g->v[k].value);
		}
	}
	assert_null(strstr(text, "\xc2\x85"));
	assert_non_null(strstr(text, "a\\u0085\\u202e"));
	book_free(b);
	book_free(back);
	free(text);
	free(again);
}

#define HEAD "{\"carnet\": \"book.v1\", \"family\": \"x\", \"lists\": [\n"
#define LIST HEAD "{\"slot\": \"1\", \"entries\": [\n"
#define TAIL "]}]}"

static void what_is_not_in_the_schema_is_refused_at_its_place(void **state)
{
	(void)state;
	refused_at(LIST "{\"key\": \"1\", \"colour\": 3}" TAIL, "unknown_member", 3, 14);
	refused_at(LIST "{\"key\": \"é\", \"address\": \"a@b\"}" TAIL, "unknown_member", 3, 14);
	refused_at(LIST "{\"key\": \"1\", \"name\": \"a\", \"name\": \"b\"}" TAIL,
		"duplicate_member", 3, 27);
	refused_at(LIST "{\"key\": \"1\", \"name\": 7}" TAIL, "wrong_type", 3, 22);
	refused_at(LIST "{\"key\": \"1\", \"number\": 7.5}" TAIL, "wrong_type", 3, 24);
	refused_at(LIST "{\"key\": \"1\", \"number\": -7}" TAIL, "wrong_type", 3, 24);
	refused_at(LIST "{\"key\": \"1\", \"access_no\": 7}" TAIL, "wrong_type", 3, 27);
	refused_at(LIST "{\"key\": \"1\", \"name\": null}" TAIL, "wrong_type", 3, 22);
	refused_at(LIST "{\"name\": \"a\"}" TAIL, "missing_member", 3, 13);
	refused_at(LIST "{\"key\": \"1\"}, {\"key\": \"1\"}" TAIL, "duplicate_number", 3, 0);
	refused_at(LIST "{\"key\": \"1\", \"members\": [{\"key\": \"2\"}]}" TAIL, "dangling_member",
		3, 0);
	refused_at(LIST
		"{\"key\": \"1\", \"destinations\": [{\"host\": \"h\", \"kind\": \"fax\"}]}" TAIL,
		"unknown_member", 3, 58);
	refused_at(LIST "{\"key\": \"1\", \"destinations\": [{\"kind\": \"group\"}]}" TAIL,
		"unknown_value", 3, 40);
	refused_at(LIST
		"{\"key\": \"1\", \"destinations\": [{\"kind\": \"fax\", \"secret\": {\"state\": "
		"\"absent\", \"text\": \"x\"}}]}" TAIL,
		"secret_text", 3, 88);
	refused_at(HEAD "{\"slot\": \"1\", \"entries\": []},\n{\"slot\": \"1\", \"entries\": []}]}",
		"duplicate_list", 3, 10);
	refused_at(HEAD "]}\n{}", "malformed", 3, 1);
	refused_at(HEAD "{\"slot\": \"1\", \"kind\": \"shelf\", \"entries\": []}]}",
		"unknown_value", 2, 23);
	refused_at("{\"carnet\": \"book.v2\"}", "wrong_type", 1, 12);
	refused_at("{\"carnet\": \"book.v1\", \"family\": \"x\"}", "missing_member", 1, 36);
}

static void a_list_may_have_an_empty_slot_once(void **state)
{
	(void)state;
	book_free(decoded(HEAD "{\"slot\": \"\", \"entries\": []}]}"));
	refused_at(HEAD "{\"slot\": \"\", \"entries\": []},\n{\"slot\": \"\", \"entries\": []}]}",
		"duplicate_list", 3, 10);
}

static void lenient_reading_lists_every_fault_and_goes_on(void **state)
{
	(void)state;
	static const struct decode_options lenient = {.lenient = true};
	struct fault f = FAULT_INIT;
	struct book *b = NULL;

	assert_int_equal(
		book_decode(text_span(LIST
				    "{\"key\": \"1\", \"colour\": [{\"a\": [1, 2]}], \"name\": "
				    "7, \"destinations\": [3, {\"kind\": \"pigeon\"}, {\"kind\": "
				    "\"fax\", \"fax_number\": 33}]},\n{\"key\": \"2\"}" TAIL),
			&codec_carnet_json, &lenient, &b, &f),
		0);
	assert_int_equal(b->n_faults, 5);
	assert_string_equal(b->fault[0].reason, "unknown_member");
	assert_string_equal(b->fault[2].where, "lists[0].entries[0].destinations[0]");
	assert_string_equal(b->fault[4].where, "lists[0].entries[0].destinations[2].fax_number");
	assert_int_equal(b->n_entries, 2);
	assert_int_equal(b->list[0].entry[0].n_dests, 1);
	book_free(b);
}

static void no_fault_says_a_password(void **state)
{
	(void)state;
	struct fault f = FAULT_INIT;
	struct book *b = NULL;

	assert_int_equal(
		book_decode(
			text_span(LIST "{\"key\": \"1\", \"destinations\": [{\"kind\": \"file\", "
				       "\"secret\": {\"state\": \"hunter2\", \"text\": "
				       "\"hunter2\"}}]}" TAIL),
			&codec_carnet_json, NULL, &b, &f),
		-1);
	assert_null(strstr(f.detail, "hunter2"));
	book_free(b);
}

static void it_is_known_by_its_mark(void **state)
{
	(void)state;
	assert_int_equal(codec_carnet_json.detect(text_span("{\"carnet\":\"book.v1\"")), 100);
	assert_int_equal(codec_carnet_json.detect(text_span(
				 "\xef\xbb\xbf\r\n{ \"lists\": [], \"carnet\" : \"book.v1\"}")),
		80);
	assert_int_equal(codec_carnet_json.detect(text_span("{\"devices\": []}")), 0);
	assert_int_equal(codec_carnet_json.detect(text_span("[\"carnet\"")), 0);
	assert_int_equal(codec_carnet_json.detect(text_span("")), 0);
}

static char *repeated(const char *head, const char *piece, size_t bytes)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, head);
	while (b.n < bytes)
		buf_adds(&b, piece);
	return buf_detach(&b);
}

static void bombs_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *head, *piece, *reason;
	} bombs[] = {
		{"", "[", "wrong_type"},
		{"{\"x\":", "[", "unknown_member"},
		{LIST "{\"key\":\"", "aaaaaaaaaaaaaaaa", "too_long"},
		{LIST "{\"number\":", "11111111111111111", "too_long"},
		{HEAD "{\"slot\":\"0\",\"entries\":[]}", ",{\"slot\":\"1\",\"entries\":[]}",
			"duplicate_list"},
		{LIST "{\"key\":\"0\"}", ",{\"key\":\"1\",\"members\":[{\"text\":\"\"}]}", NULL},
	};

	for (size_t i = 0; i < array_len(bombs); i++) {
		char *text = repeated(bombs[i].head, bombs[i].piece, (size_t)16 << 20);
		struct fault f = FAULT_INIT;
		struct book *b = NULL;
		assert_int_equal(
			book_decode(text_span(text), &codec_carnet_json, NULL, &b, &f), -1);
		if (bombs[i].reason)
			assert_string_equal(f.reason, bombs[i].reason);
		book_free(b);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(book_is_written_as_it_was_read),
		cmocka_unit_test(secrets_are_written_only_when_revealed),
		cmocka_unit_test(every_field_of_every_kind_comes_back),
		cmocka_unit_test(what_is_not_in_the_schema_is_refused_at_its_place),
		cmocka_unit_test(a_list_may_have_an_empty_slot_once),
		cmocka_unit_test(lenient_reading_lists_every_fault_and_goes_on),
		cmocka_unit_test(no_fault_says_a_password),
		cmocka_unit_test(it_is_known_by_its_mark),
		cmocka_unit_test(bombs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
