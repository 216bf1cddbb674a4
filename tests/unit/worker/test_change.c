// SPDX-License-Identifier: Apache-2.0
/* The pure parts of a job that writes: what is foreseen, and what is proven (import-export.md D2 to
 * D5, V1, V2, V5, R21 to R25). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/items.h"
#include "gen/errors.h"
#include "services/worker/plan.h"
#include "services/worker/proof.h"

#define HEAD                                                                                       \
	"# Canon AddressBook version: 1\r\n# CharSet: UTF-8\r\n# SubAddressBookName: \r\n"         \
	"# DB Version: 0x0108\r\n\r\n"
#define MAIL(list, n, name, address)                                                               \
	"subdbid: " list "\r\ndn: " n "\r\ncn: " name "\r\ncnread: \r\nmailaddress: " address      \
	"\r\nenablepartial: false\r\nprotocol: smtp\r\naccesscode: 0\r\nobjectclass: top\r\n"      \
	"objectclass: extensibleobject\r\nobjectclass: email\r\n\r\n"

static const struct adapter canon = {.family = "canon_rui", .codec = "canon_abk"};
static const struct adapter plain = {.family = "ipp"};

struct world {
	struct image_budget budget;
	struct m_device device;
	struct m_task_settings settings;
	struct m_job_work job;
	struct errand errand;
	struct picture before;
	struct source source;
	struct arena arena;
	struct foresight f;
	struct proof proof;
};

static struct world w;
static const char *const items[] = {"indiv_address_book"};

static int setup(void **state)
{
	(void)state;
	w = (struct world){
		.budget = {.max = 1 << 24}, .job = {.kind = "ab.restore", .phase = RUN_PHASE_PLAN}};
	w.job.device = &w.device;
	w.job.settings = &w.settings;
	w.errand.device = &w.device;
	arena_init(&w.arena, 0);
	picture_init(&w.before, &w.budget);
	source_init(&w.source, NULL, &w.arena, &w.budget, &(struct uuid){{0}});
	w.source.about.format = "canon_abk";
	w.source.about.id = (struct uuid){{7}};
	foresight_init(&w.f, &w.budget);
	w.f.adapter = &canon;
	w.f.errand = &w.errand;
	w.f.job = &w.job;
	w.f.lock_items = items;
	w.f.n_lock_items = 1;
	w.f.before = &w.before;
	w.f.source = &w.source;
	proof_init(&w.proof, &w.arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	foresight_fini(&w.f);
	picture_fini(&w.before);
	source_fini(&w.source);
	arena_fini(&w.arena);
	assert_int_equal(w.budget.bytes, 0);
	return 0;
}

static void put(struct picture *p, const char *item, const char *text)
{
	assert_true(picture_item(p, item));
	assert_true(picture_bytes(p, (struct span){(const uint8_t *)text, strlen(text)}));
}

static void foresees(void)
{
	struct fault f = FAULT_INIT;

	if (foresee(&w.f, &f) < 0)
		fail_msg("%s: %s", f.reason, f.detail);
}

static int refuses(void)
{
	struct fault f = FAULT_INIT;

	assert_int_equal(foresee(&w.f, &f), -1);
	return f.code;
}

static bool needs(const char *word)
{
	for (size_t i = 0; i < w.f.plan.needs_n; i++)
		if (strcmp(w.f.plan.needs[i], word) == 0)
			return true;
	return false;
}

/* ---- foresee ---- */

static void two_lists(void)
{
	put(&w.before, "list_1", HEAD MAIL("1", "201", "Ana", "ana@example.com"));
	put(&w.before, "list_2", HEAD MAIL("2", "201", "Bea", "bea@example.com"));
}

static void only_lists_that_differ_are_sent_as_the_backup_had_them(void **state)
{
	static const char wanted[] = HEAD MAIL("1", "201", "Ana", "new@example.com");

	(void)state;
	two_lists();
	put(&w.source.picture, "list_1", wanted);
	put(&w.source.picture, "list_2", HEAD MAIL("2", "201", "Bea", "bea@example.com"));
	foresees();
	assert_true(w.f.changes);
	assert_int_equal(w.f.plan.change, 1);
	assert_int_equal(w.f.plan.unchanged, 1);
	assert_int_equal(w.f.wanted.n_items, 1);
	assert_string_equal(w.f.wanted.item[0].name, "list_1");
	assert_int_equal(w.f.wanted.item[0].bytes.n, strlen(wanted));
	assert_memory_equal(w.f.wanted.item[0].bytes.p, wanted, strlen(wanted));
	assert_string_equal(w.f.plan.changes[0].field, "email.address");
}

static void a_device_that_is_as_wanted_has_nothing_to_do(void **state)
{
	(void)state;
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "ana@example.com"));
	foresees();
	assert_false(w.f.changes);
	assert_int_equal(w.f.wanted.n_items, 0);
}

/* A distribution book goes to a printer twice; the printer adds to it what it always adds. */
static void a_printer_that_holds_what_was_planned_has_nothing_to_do(void **state)
{
	static const char book[] =
		"{\"carnet\": \"book.v1\", \"family\": \"generic\", \"lists\": [{\"slot\": \"1\","
		"\"kind\": \"address_list\", \"entries\": ["
		"{\"key\": \"a\", \"name\": \"Ana\", \"destinations\": [{\"kind\": \"email\","
		" \"address\": \"ana@example.com\"}]},"
		"{\"key\": \"b\", \"name\": \"Bea\", \"destinations\": [{\"kind\": \"ifax\","
		" \"address\": \"bea@example.com\"}]}]}]}";
	static const enum write_mode modes[] = {
		WRITE_MODE_REPLACE, WRITE_MODE_MERGE, WRITE_MODE_ADD};
	char *held, *at;

	(void)state;
	for (size_t i = 0; i < array_len(modes); i++) {
		w.settings.mode = modes[i];
		put(&w.before, "list_1", HEAD MAIL("1", "201", "Cy", "cy@example.com"));
		w.source.about.format = "carnet_json";
		put(&w.source.picture, "upload", book);
		foresees();
		assert_true(w.f.changes);
		assert_int_equal(w.f.wanted.n_items, 1);
		held = strndup(
			(const char *)w.f.wanted.item[0].bytes.p, w.f.wanted.item[0].bytes.n);
		at = strstr(held, "objectclass: ifax");
		assert_non_null(at);
		struct buf is = BUF_INIT;
		buf_add(&is, held, (size_t)(at - held));
		buf_addf(&is, "enablepartial: false\r\n%s", at);
		free(held);
		teardown(NULL);
		setup(NULL);
		w.settings.mode = modes[i];
		put(&w.before, "list_1", buf_str(&is));
		buf_fini(&is);
		w.source.about.format = "carnet_json";
		put(&w.source.picture, "upload", book);
		foresees();
		if (w.f.changes)
			fail_msg("%s: %s %s", w.f.plan.changes[0].op, w.f.plan.changes[0].name,
				w.f.plan.changes[0].field);
		teardown(NULL);
		setup(NULL);
	}
}

/* FL-27: device, its content, source and result. */
static void the_hash_pins_what_the_plan_was_made_of(void **state)
{
	uint8_t a[32], b[32], c[32], d[32];

	(void)state;
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	foresees();
	memcpy(a, w.f.hash, 32);
	teardown(NULL);
	setup(NULL);
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	foresees();
	memcpy(b, w.f.hash, 32);
	teardown(NULL);
	setup(NULL);
	put(&w.before, "list_1", HEAD MAIL("1", "201", "Ana", "edited@example.com"));
	put(&w.before, "list_2", HEAD MAIL("2", "201", "Bea", "bea@example.com"));
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	foresees();
	memcpy(c, w.f.hash, 32);
	teardown(NULL);
	setup(NULL);
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	w.source.about.id.b[0] = 8;
	foresees();
	memcpy(d, w.f.hash, 32);
	assert_memory_equal(a, b, 32);
	assert_memory_not_equal(a, c, 32);
	assert_memory_not_equal(a, d, 32);
}

static void lists_that_the_task_names_alone_are_written(void **state)
{
	static const char *const lists[] = {"list_2"};

	(void)state;
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	put(&w.source.picture, "list_2", HEAD MAIL("2", "201", "Bea", "new@example.com"));
	w.settings.lists = lists;
	w.settings.lists_n = 1;
	foresees();
	assert_int_equal(w.f.wanted.n_items, 1);
	assert_string_equal(w.f.wanted.item[0].name, "list_2");
}

static void a_list_that_one_side_has_not_is_told(void **state)
{
	static const char *const lists[] = {"list_1", "list_2", "list_7"};

	(void)state;
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	w.settings.lists = lists;
	w.settings.lists_n = 3;
	foresees();
	assert_int_equal(w.f.wanted.n_items, 1);
	assert_string_equal(w.f.plan.notes[w.f.plan.notes_n - 2].item, "list_2");
	assert_string_equal(w.f.plan.notes[w.f.plan.notes_n - 1].item, "list_7");
	assert_string_equal(w.f.plan.notes[w.f.plan.notes_n - 1].reason, "no_matching_list");
}

static void who_it_is_has_to_be_said_where_nothing_was_compared_fl_4(void **state)
{
	(void)state;
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	w.f.weak = true;
	foresees();
	assert_string_equal(w.f.plan.notes[0].reason, "not_identified");
	assert_int_equal(w.f.plan.needs_n, 1);
	assert_string_equal(w.f.plan.needs[0], "identity");
}

static void a_map_of_the_job_wins_over_the_tasks(void **state)
{
	static const struct m_slot_map task[] = {{.slot = "list_1", .from = "list_1"}};
	static const struct m_slot_map job[] = {
		{.slot = "list_2", .from = "list_1"}, {.slot = "list_1", .from = ""}};

	(void)state;
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	w.settings.map = task;
	w.settings.map_n = 1;
	w.job.map = job;
	w.job.map_n = 2;
	foresees();
	assert_int_equal(w.f.wanted.n_items, 1);
	assert_string_equal(w.f.wanted.item[0].name, "list_2");
}

static void a_file_of_another_maker_is_told_by_its_content(void **state)
{
	(void)state;
	two_lists();
	w.source.about.format = NULL; /* uploaded: nobody said what it is */
	put(&w.source.picture, "upload", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	foresees();
	assert_int_equal(w.f.plan.change, 1);
	teardown(NULL);
	setup(NULL);
	two_lists();
	w.source.about.format = NULL;
	put(&w.source.picture, "upload", "PK\x03\x04 what is this");
	assert_int_equal(refuses(), CN_PARSE_ERROR);
}

static void what_does_not_fit_has_to_be_accepted(void **state)
{
	struct buf many = BUF_INIT;

	(void)state;
	put(&w.before, "one_touch", HEAD);
	buf_adds(&many, HEAD);
	for (unsigned i = 1; i <= 203; i++)
		buf_addf(&many, MAIL("11", "%u", "P%u", "p%u@example.com"), i, i, i);
	put(&w.source.picture, "one_touch", buf_str(&many));
	buf_fini(&many);
	foresees();
	assert_int_equal(w.f.plan.add, 200);
	assert_int_equal(w.f.plan.losses, 3);
	assert_true(needs("losses"));
	assert_string_equal(w.f.plan.notes[1].kind, "loss"); /* after the gates */
}

static void texts_of_a_plan_are_cut_at_a_border(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_string_equal(cut_text(&a, "Zo\xc3\xab", 3), "Zo");
	assert_string_equal(cut_text(&a, "Zo\xc3\xab", 4), "Zo\xc3\xab");
	assert_null(cut_text(&a, "", 4));
	assert_null(cut_text(&a, NULL, 4));
	arena_fini(&a);
}

static void another_language_is_refused_until_it_is_accepted(void **state)
{
	static const char *const accept[] = {"language"};

	(void)state;
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	w.source.about.language = "fr";
	w.errand.seen.language = "ja";
	assert_int_equal(refuses(), CN_LANGUAGE_MISMATCH);
	assert_true(needs("language"));
	teardown(NULL);
	setup(NULL);
	two_lists();
	put(&w.source.picture, "list_1", HEAD MAIL("1", "201", "Ana", "new@example.com"));
	w.source.about.language = "fr";
	w.errand.seen.language = "ja";
	w.job.accept = accept;
	w.job.accept_n = 1;
	foresees();
}

/* ---- items that are no book ---- */

static void settings_go_to_the_same_printer_or_its_model(void **state)
{
	static const char *const settings[] = {"indiv_device_settings"}, *const asked[] = {
										 "settings"};

	(void)state;
	w.f.adapter = &plain;
	w.job.kind = "settings.restore";
	w.f.lock_items = settings;
	w.errand.items = asked;
	w.errand.n_items = 1;
	w.device.family = "ipp";
	w.device.id = w.source.about.device = (struct uuid){{1}};
	put(&w.before, "settings", "a=1");
	put(&w.source.picture, "settings", "a=2");
	put(&w.source.picture, "others", "nobody asked for it, and no lock covers it");
	foresees();
	assert_int_equal(w.f.plan.change, 1);
	teardown(NULL);
	setup(NULL);
	w.f.adapter = &plain;
	w.job.kind = "settings.restore";
	w.f.lock_items = settings;
	w.errand.items = asked;
	w.errand.n_items = 1;
	w.device.id = (struct uuid){{2}};
	w.source.about.language = w.errand.seen.language = "en";
	w.source.about.model = "One";
	w.errand.seen.model = "Other";
	put(&w.before, "settings", "a=1");
	put(&w.source.picture, "settings", "a=2");
	assert_int_equal(refuses(), CN_UNSUPPORTED_OPERATION);
}

/* ---- proof ---- */

enum prove { OK, CORRECTED, DIFFERS };

static enum prove proven(const char *wanted, const char *seen)
{
	const struct codec *codec = codec_named("canon_abk");
	const struct book_item a = {"list_1", {(const uint8_t *)wanted, strlen(wanted)}},
			       b = {"list_1", {(const uint8_t *)seen, strlen(seen)}};
	struct fault f = FAULT_INIT;
	struct book *x, *y;
	struct picture written;

	assert_int_equal(book_of_items(&a, 1, codec, &x, &f), 0);
	assert_int_equal(book_of_items(&b, 1, codec, &y, &f), 0);
	picture_init(&written, &w.budget);
	put(&written, "list_1", wanted);
	w.proof.n = 0;
	w.proof.result = PROOF_EQUAL;
	assert_int_equal(proof_books(&w.proof, x, y, profile_named("canon/abk"), &written, &f), 0);
	picture_fini(&written);
	book_free(x);
	book_free(y);
	return (enum prove)w.proof.result;
}

static void what_was_sent_and_read_is_proven(void **state)
{
	(void)state;
	assert_int_equal(proven(HEAD MAIL("1", "201", "Ana", "a@example.com"),
				 HEAD MAIL("1", "201", "Ana", "a@example.com")),
		OK);
	assert_int_equal(w.proof.rows[0].result, ITEM_RESULT_OK);
}

#define GROUP(members)                                                                             \
	"subdbid: 1\r\ndn: 205\r\ncn: Staff\r\ncnread: \r\n" members                               \
	"accesscode: 0\r\nobjectclass: top\r\nobjectclass: extensibleobject\r\n"                   \
	"objectclass: groupfids\r\n\r\n"

/* 5.3: what a printer notes beside an entry is its matter, who is in a group is not. */
static void attributes_of_the_printer_are_no_difference_but_members_are(void **state)
{
	static const char one[] = HEAD GROUP("member: 201\r\n");

	(void)state;
	assert_int_equal(proven(one, HEAD GROUP("member: 201\r\nicon: 7\r\n")), OK);
	assert_int_equal(proven(one, HEAD GROUP("member: 201\r\nmember: 202\r\n")), DIFFERS);
	assert_int_equal(proven(HEAD GROUP(""), one), DIFFERS);
}

static void a_name_that_was_cut_is_told_never_ok(void **state)
{
	(void)state;
	assert_int_equal(proven(HEAD MAIL("1", "201", "Anastasia", "a@example.com"),
				 HEAD MAIL("1", "201", "Anasta", "a@example.com")),
		CORRECTED);
	assert_int_equal(w.proof.rows[0].result, ITEM_RESULT_OK_CORRECTED);
	assert_string_equal(w.proof.rows[0].corrections[0].reason, "cut");
	assert_string_equal(w.proof.rows[0].corrections[0].after, "Anasta");
}

/* A frame has 1 MiB, and a report is part of one. */
static void many_corrections_are_not_all_listed(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	(void)state;
	buf_adds(&a, HEAD);
	buf_adds(&b, HEAD);
	for (unsigned i = 1; i <= 100; i++) {
		buf_addf(&a, MAIL("1", "%u", "Anastasia %u", "p%u@example.com"), i + 200, i, i);
		buf_addf(&b, MAIL("1", "%u", "Anastas", "p%u@example.com"), i + 200, i);
	}
	assert_int_equal(proven(buf_str(&a), buf_str(&b)), CORRECTED);
	assert_int_equal(w.proof.rows[0].corrections_n, PROOF_CORRECTIONS);
	buf_fini(&a);
	buf_fini(&b);
}

static void another_value_or_a_missing_entry_is_no_correction(void **state)
{
	(void)state;
	assert_int_equal(proven(HEAD MAIL("1", "201", "Ana", "a@example.com"),
				 HEAD MAIL("1", "201", "Bob", "a@example.com")),
		DIFFERS);
	assert_int_equal(proven(HEAD MAIL("1", "201", "Ana", "a@example.com")
					 MAIL("1", "202", "Bea", "b@example.com"),
				 HEAD MAIL("1", "201", "Ana", "a@example.com")),
		DIFFERS);
	assert_int_equal(w.proof.rows[0].result, ITEM_RESULT_FAILED);
	assert_non_null(strstr(w.proof.why, "list_1"));
	assert_int_equal(proven(HEAD MAIL("1", "201", "Ana", "a@example.com"),
				 HEAD MAIL("1", "201", "Ana", "a@example.com")
					 MAIL("1", "202", "Ghost", "g@example.com")),
		DIFFERS);
}

static void control_characters_that_are_taken_out_are_told(void **state)
{
	const char *wanted = "An\x01"
			     "a",
		   *seen = "Ana";
	struct book *x = book_new("canon"), *y = book_new("canon");
	struct picture written;
	struct fault f = FAULT_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct book *b = i ? y : x;
		struct book_list *l = book_add_list(b, "1", LIST_ADDRESS_LIST, "");
		struct book_entry *e = book_add_entry(b, l, "201");
		book_set(b, &e->f, F_NUMBER, "201");
		book_set(b, &e->f, F_READING, i ? seen : wanted);
		book_set(b, &e->f, F_NAME, "Ana");
	}
	picture_init(&written, &w.budget);
	put(&written, "list_1", "x");
	assert_int_equal(proof_books(&w.proof, x, y, profile_named("canon/abk"), &written, &f), 0);
	assert_true(w.proof.result != PROOF_DIFFERS);
	picture_fini(&written);
	book_free(x);
	book_free(y);
}

static void a_full_device_drops_what_comes_after(void **state)
{
	struct book *x = book_new("canon"), *y = book_new("canon");
	struct picture written;
	struct fault f = FAULT_INIT;

	(void)state;
	for (unsigned i = 1; i <= 201; i++)
		for (int side = 0; side < (i <= 200 ? 2 : 1); side++) {
			struct book *b = side ? y : x;
			struct book_list *l =
				i == 1 ? book_add_list(b, "11", LIST_ONE_TOUCH, "") : &b->list[0];
			char number[8];
			snprintf(number, sizeof(number), "%u", i);
			struct book_entry *e = book_add_entry(b, l, number);
			book_set(b, &e->f, F_NUMBER, number);
			book_set(b, &e->f, F_NAME, number);
		}
	picture_init(&written, &w.budget);
	put(&written, "one_touch", "x");
	assert_int_equal(proof_books(&w.proof, x, y, profile_named("canon/abk"), &written, &f), 0);
	assert_int_equal(w.proof.result, PROOF_CORRECTED);
	assert_string_equal(w.proof.rows[0].corrections[0].reason, "dropped");
	picture_fini(&written);
	w.proof.n = 0;
	w.proof.strict = true; /* put back: nothing explains a difference */
	w.proof.result = PROOF_EQUAL;
	picture_init(&written, &w.budget);
	put(&written, "one_touch", "x");
	assert_int_equal(proof_books(&w.proof, x, y, profile_named("canon/abk"), &written, &f), 0);
	assert_int_equal(w.proof.result, PROOF_DIFFERS);
	picture_fini(&written);
	book_free(x);
	book_free(y);
}

static void passwords_that_nobody_can_read_back_are_not_verifiable(void **state)
{
	struct book *x = book_new("ricoh"), *y = book_new("ricoh");
	struct picture written;
	struct fault f = FAULT_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct book *b = i ? y : x;
		struct book_list *l = book_add_list(b, "1", LIST_FLAT, "");
		struct book_entry *e = book_add_entry(b, l, "1");
		book_set(b, &e->f, F_NAME, "srv");
		struct book_dest *d = book_add_dest(b, e, DEST_FILE);
		book_set(b, &d->f, F_PROTOCOL, "smb");
		book_set(b, &d->f, F_HOST, "srv");
		book_set_secret(b, d, i ? SECRET_WITHHELD : SECRET_CLEAR, i ? NULL : "pw", NULL);
	}
	picture_init(&written, &w.budget);
	put(&written, "address_book", "x");
	assert_int_equal(proof_books(&w.proof, x, y, profile_named("ricoh"), &written, &f), 0);
	assert_true(w.proof.result == PROOF_EQUAL);
	assert_int_equal(w.proof.rows[0].result, ITEM_RESULT_NOT_VERIFIABLE);
	picture_fini(&written);
	book_free(x);
	book_free(y);
}

/* ---- memory ---- */

static void what_a_session_holds_counts_in_the_worker(void **state)
{
	struct image_budget all = {.max = 10}, one = {.parent = &all, .max = 8};

	(void)state;
	assert_true(budget_take(&one, 6));
	assert_false(budget_take(&one, 3));
	assert_false(budget_full_above(&one, 3)); /* the session is full */
	assert_true(budget_take(&all, 3));
	assert_false(budget_take(&one, 2));
	assert_true(budget_full_above(&one, 2)); /* the worker is */
	budget_give(&one, 6);
	budget_give(&all, 3);
	assert_int_equal(all.bytes, 0);
}

/* ---- which lock, which items ---- */

static void a_write_takes_an_import_lock_and_reads_all_lists(void **state)
{
	static const char *const lists[] = {"list_2"};
	struct fault f = FAULT_INIT;
	struct plan p;

	(void)state;
	w.device.family = "canon_rui";
	w.device.type = DEVICE_TYPE_I;
	w.settings.lists = lists;
	w.settings.lists_n = 1;
	assert_int_equal(plan_make(&w.job, &w.arena, &p, &f), 0);
	assert_int_equal(p.direction, LOCK_DIRECTION_EXPORT);
	assert_int_equal(p.n_items, 11);
	w.job.phase = RUN_PHASE_APPLY;
	assert_int_equal(plan_make(&w.job, &w.arena, &p, &f), 0);
	assert_int_equal(p.direction, LOCK_DIRECTION_IMPORT);
	w.device.family = "ricoh_udirectory";
	assert_int_equal(plan_make(&w.job, &w.arena, &p, &f), 0);
	assert_string_equal(p.items[0], "address_book");
	assert_string_equal(p.format, "ricoh_udirectory");
	w.job.kind = "file.deliver";
	assert_int_equal(plan_make(&w.job, &w.arena, &p, &f), 0);
	assert_string_equal(p.op, "session");
	assert_int_equal(p.n_items, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_lists_that_differ_are_sent_as_the_backup_had_them),
		TEST(a_device_that_is_as_wanted_has_nothing_to_do),
		TEST(a_printer_that_holds_what_was_planned_has_nothing_to_do),
		TEST(the_hash_pins_what_the_plan_was_made_of),
		TEST(lists_that_the_task_names_alone_are_written),
		TEST(a_list_that_one_side_has_not_is_told),
		TEST(who_it_is_has_to_be_said_where_nothing_was_compared_fl_4),
		TEST(a_map_of_the_job_wins_over_the_tasks),
		TEST(a_file_of_another_maker_is_told_by_its_content),
		TEST(what_does_not_fit_has_to_be_accepted),
		TEST(texts_of_a_plan_are_cut_at_a_border),
		TEST(another_language_is_refused_until_it_is_accepted),
		TEST(settings_go_to_the_same_printer_or_its_model),
		TEST(what_was_sent_and_read_is_proven),
		TEST(attributes_of_the_printer_are_no_difference_but_members_are),
		TEST(a_name_that_was_cut_is_told_never_ok),
		TEST(many_corrections_are_not_all_listed),
		TEST(another_value_or_a_missing_entry_is_no_correction),
		TEST(control_characters_that_are_taken_out_are_told),
		TEST(a_full_device_drops_what_comes_after),
		TEST(passwords_that_nobody_can_read_back_are_not_verifiable),
		TEST(what_a_session_holds_counts_in_the_worker),
		TEST(a_write_takes_an_import_lock_and_reads_all_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
