// SPDX-License-Identifier: Apache-2.0
/* What a device shall hold after an import (docs/spec/address-books.md section 11; import-export.md
 * H5, R21–R24), with a few entries; over random books: test_book_import_laws. */
#include "tests/lib/book_test.h"

#include "common/book/import/import.h"
#include "common/book/items.h"

struct made {
	struct book *before, *source, *wanted;
	struct ledger ledger;
	struct import_options opts;
	struct import_slot map[4];
};

static struct made m;

static int setup(void **state)
{
	(void)state;
	m = (struct made){
		.opts = {.codec = codec_named("canon_abk"), .profile = profile_named("canon/abk")}};
	m.before = book_new("canon");
	m.before->codec = "canon_abk";
	m.source = book_new("canon");
	m.source->codec = "canon_abk";
	ledger_init(&m.ledger);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	book_free(m.before);
	book_free(m.source);
	book_free(m.wanted);
	ledger_fini(&m.ledger);
	return 0;
}

static void list(struct book *b, const char *slot)
{
	bool touch = strcmp(slot, "11") == 0;

	(void)book_add_list(b, slot, touch ? LIST_ONE_TOUCH : LIST_ADDRESS_LIST, "");
}

/* An entry with a mail address; number "" = none. */
static struct book_entry *mail(
	struct book *b, const char *slot, const char *number, const char *name, const char *address)
{
	struct book_entry *e = book_add_entry(b, book_find_list(b, slot), *number ? number : name);
	struct book_dest *d;

	book_set(b, &e->f, F_NUMBER, number);
	book_set(b, &e->f, F_NAME, name);
	d = book_add_dest(b, e, DEST_EMAIL);
	book_set(b, &d->f, F_ADDRESS, address);
	return e;
}

static struct book_entry *folder(struct book *b, const char *number, const char *name,
	enum secret_state state, const char *password)
{
	struct book_entry *e = book_add_entry(b, &b->list[0], number);
	struct book_dest *d;

	book_set(b, &e->f, F_NUMBER, number);
	book_set(b, &e->f, F_NAME, name);
	d = book_add_dest(b, e, DEST_FILE);
	book_set(b, &d->f, F_PROTOCOL, "smb");
	book_set(b, &d->f, F_HOST, name);
	book_set(b, &d->f, F_PATH, "scan");
	book_set(b, &d->f, F_ACCOUNT, "carnet");
	book_set_secret(b, d, state, password, NULL);
	return e;
}

static struct book_entry *group(struct book *b, const char *slot, const char *number,
	const char *name, const char *member, const char *other)
{
	struct book_entry *e = book_add_entry(b, book_find_list(b, slot), number);

	e->group = true;
	book_set(b, &e->f, F_NUMBER, number);
	book_set(b, &e->f, F_NAME, name);
	book_add_member(b, e, member, member);
	if (other)
		book_add_member(b, e, other, other);
	return e;
}

static void import(enum import_mode mode)
{
	struct fault f = FAULT_INIT;

	m.opts.mode = mode;
	if (book_import(m.before, m.source, &m.opts, &m.wanted, &m.ledger, &f) < 0)
		fail_msg("%s: %s", f.reason, f.detail);
}

static struct fault refused_import(void)
{
	struct fault f = FAULT_INIT;

	assert_int_equal(book_import(m.before, m.source, &m.opts, &m.wanted, &m.ledger, &f), -1);
	return f;
}

/* "201 Ana; 202 Bea" */
static const char *said(const char *slot)
{
	static char text[1024];
	const struct book_list *l = book_find_list(m.wanted, slot);
	size_t n = 0;

	text[0] = 0;
	for (uint32_t i = 0; l && i < l->n_entries; i++) {
		const char *number = fields_get(&l->entry[i].f, F_NUMBER);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s", i ? "; " : "",
			number ? number : "-", entry_name(&l->entry[i]));
	}
	return text;
}

static unsigned lines(enum ledger_action action)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < m.ledger.n; i++)
		n += m.ledger.line[i].action == action;
	return n;
}

/* "7 Ana; new Bea": identities. */
static const char *keys(void)
{
	static char text[1024];
	const struct book_list *l = &m.wanted->list[0];
	size_t n = 0;

	text[0] = 0;
	for (uint32_t i = 0; i < l->n_entries; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s", i ? "; " : "",
			l->entry[i].key, entry_name(&l->entry[i]));
	return text;
}

/* Both books are of Ricoh machines. */
static void ricoh(void)
{
	m.opts.codec = codec_named("ricoh_udirectory");
	m.opts.profile = profile_named("ricoh_udirectory");
	m.before->codec = m.source->codec = "ricoh_udirectory";
	(void)book_add_list(m.before, "1", LIST_FLAT, "");
	(void)book_add_list(m.source, "1", LIST_FLAT, "");
}

/* ---- modes ---- */

static void replace_makes_the_list_the_sources(void **state)
{
	(void)state;
	list(m.before, "1");
	list(m.before, "2");
	mail(m.before, "1", "201", "Ana", "ana@example.com");
	mail(m.before, "1", "202", "Old", "old@example.com");
	mail(m.before, "2", "201", "Stays", "stays@example.com");
	list(m.source, "1");
	mail(m.source, "1", "201", "Ana", "ana@example.com");
	mail(m.source, "1", "205", "New", "new@example.com");
	import(IMPORT_REPLACE);
	assert_string_equal(said("1"), "201 Ana; 205 New");
	assert_string_equal(said("2"), "201 Stays");
	assert_int_equal(m.ledger.n, 0);
}

static void merge_changes_what_both_have_and_keeps_the_rest(void **state)
{
	(void)state;
	list(m.before, "1");
	mail(m.before, "1", "201", "Ana", "ana@example.com");
	mail(m.before, "1", "202", "Only here", "here@example.com");
	list(m.source, "1");
	mail(m.source, "1", "209", "Ana", "new@example.com");
	mail(m.source, "1", "202", "Only there", "there@example.com");
	import(IMPORT_MERGE);
	assert_string_equal(said("1"), "201 Ana; 202 Only here; 203 Only there");
	assert_string_equal(dest_field(&m.wanted->list[0].entry[0], F_ADDRESS), "new@example.com");
	assert_int_equal(lines(LEDGER_RENUMBERED), 1);
}

static void a_number_alone_is_nobody(void **state)
{
	(void)state;
	list(m.before, "1");
	mail(m.before, "1", "201", "Ana", "ana@example.com");
	list(m.source, "1");
	mail(m.source, "1", "201", "Bob", "bob@example.com");
	import(IMPORT_MERGE);
	assert_string_equal(said("1"), "201 Ana; 202 Bob");
}

/* A folder of a Kyocera machine's entry, of which it holds one of each protocol. */
static void kyocera_folder(
	struct book *b, struct book_entry *e, const char *protocol, const char *host)
{
	struct book_dest *d = book_add_dest(b, e, DEST_FILE);

	book_set(b, &d->f, F_PROTOCOL, protocol);
	book_set(b, &d->f, F_HOST, host);
}

static void a_merge_replaces_what_an_entry_holds_once(void **state)
{
	struct book_entry *e;

	(void)state;
	m.opts.codec = codec_named("kyocera_xml");
	m.opts.profile = profile_named("kyocera");
	m.before->codec = "kyocera_xml";
	m.source->codec = "carnet_json";
	(void)book_add_list(m.before, "1", LIST_FLAT, "");
	(void)book_add_list(m.source, "1", LIST_FLAT, "");
	e = mail(m.before, "1", "1", "Ana", "ana@x.org");
	kyocera_folder(m.before, e, "ftp", "old");
	kyocera_folder(m.before, e, "smb", "files");
	e = mail(m.source, "1", "1", "Ana", "ana@x.org");
	kyocera_folder(m.source, e, "ftp", "new");
	import(IMPORT_MERGE);
	e = &m.wanted->list[0].entry[0];
	assert_int_equal(e->n_dests, 3);
	assert_string_equal(fields_get(&e->dest[1].f, F_HOST), "new");
	assert_string_equal(fields_get(&e->dest[2].f, F_HOST), "files");
}

/* import-export.md 5.3: a device's own attributes are no difference. */
static void what_a_device_writes_by_itself_is_no_change(void **state)
{
	struct book_entry *e;

	(void)state;
	m.source->codec = "carnet_json";
	list(m.before, "1");
	e = mail(m.before, "1", "201", "Ana", "ana@example.com");
	book_add_extra(m.before, e, "enablepartial", "false");
	book_set(m.before, &e->f, F_UUID, "made-here");
	e->key = "made-here";
	list(m.source, "1");
	mail(m.source, "1", "", "Ana", "ana@example.com");
	import(IMPORT_REPLACE);
	assert_same(m.before, m.wanted, m.opts.profile);
	book_free(m.wanted);
	m.source->codec = "canon_abk"; /* another machine's or a person's */
	import(IMPORT_REPLACE);
	assert_same(m.before, m.wanted, m.opts.profile);
	book_free(m.wanted);
	m.opts.own = true; /* its own backup says that there was none */
	import(IMPORT_REPLACE);
	assert_int_equal(m.wanted->list[0].entry[0].n_extras, 0);
}

static void several_of_one_name_are_added_once(void **state)
{
	(void)state;
	list(m.before, "1");
	mail(m.before, "1", "206", "Ana", "old@example.com");
	list(m.source, "1");
	mail(m.source, "1", "205", "Ana", "a@example.com");
	mail(m.source, "1", "206", "Ana", "b@example.com");
	mail(m.source, "1", "207", "Ana", "c@example.com");
	import(IMPORT_ADD);
	assert_string_equal(said("1"), "206 Ana; 205 Ana; 207 Ana");
	book_free(m.before);
	m.before = m.wanted;
	m.wanted = NULL;
	import(IMPORT_ADD);
	assert_same(m.before, m.wanted, m.opts.profile);
}

static void add_changes_nothing_that_is_there(void **state)
{
	(void)state;
	list(m.before, "1");
	mail(m.before, "1", "201", "Ana", "ana@example.com");
	list(m.source, "1");
	mail(m.source, "1", "201", "Ana", "other@example.com");
	mail(m.source, "1", "204", "New", "new@example.com");
	import(IMPORT_ADD);
	assert_string_equal(said("1"), "201 Ana; 204 New");
	assert_string_equal(dest_field(&m.wanted->list[0].entry[0], F_ADDRESS), "ana@example.com");
	assert_int_equal(lines(LEDGER_DUPLICATE), 1);
}

static void an_identity_that_the_device_gives_stays_with_who_has_it(void **state)
{
	(void)state;
	ricoh();
	mail(m.before, "1", "1", "Ana", "ana@x.org")->key = "7";
	mail(m.before, "1", "2", "Ben", "ben@x.org")->key = "1";
	mail(m.source, "1", "1", "Cy", "cy@x.org")->key = "1";
	mail(m.source, "1", "2", "Ana", "ana@x.org")->key = "2";
	mail(m.source, "1", "3", "Zoe", "zoe@x.org")->key = "7";
	import(IMPORT_REPLACE);
	assert_string_equal(keys(), "new Cy; 7 Ana; new-2 Zoe");
	assert_string_equal(said("1"), "1 Cy; 2 Ana; 3 Zoe");
}

static void an_older_book_of_the_same_device_knows_its_groups_by_identity(void **state)
{
	struct book_entry *e;

	(void)state;
	ricoh();
	e = mail(m.before, "1", "1", "Renamed", "");
	e->key = "5";
	e->group = true;
	e->n_dests = 0;
	e = mail(m.source, "1", "1", "Staff", "");
	e->key = "5";
	e->group = true;
	e->n_dests = 0;
	import(IMPORT_REPLACE);
	assert_string_equal(keys(), "");
	book_free(m.wanted);
	m.opts.own = true;
	import(IMPORT_REPLACE);
	assert_string_equal(keys(), "5 Staff");
}

static void a_group_whose_members_nobody_says_is_not_made(void **state)
{
	struct book_entry *e;

	(void)state; /* devices.md DC-6 */
	ricoh();
	e = mail(m.before, "1", "1", "Staff", "");
	e->group = true;
	e->n_dests = 0;
	e = mail(m.source, "1", "1", "Staff", "");
	e->group = true;
	e->n_dests = 0;
	e = mail(m.source, "1", "2", "Board", "");
	e->group = true;
	e->n_dests = 0;
	import(IMPORT_REPLACE);
	assert_string_equal(said("1"), "1 Staff");
	assert_int_equal(lines(LEDGER_ENTRY_DROPPED), 1);
}

static void two_kinds_of_one_name_are_two_entries_where_an_entry_has_one(void **state)
{
	struct book_entry *e;

	(void)state;
	list(m.before, "1");
	mail(m.before, "1", "201", "Ana", "ana@example.com");
	list(m.source, "1");
	e = mail(m.source, "1", "202", "Ana", "x");
	e->dest[0] = (struct book_dest){.kind = DEST_FAX};
	book_set(m.source, &e->dest[0].f, F_FAX_NUMBER, "0123");
	import(IMPORT_MERGE);
	assert_string_equal(said("1"), "201 Ana; 202 Ana");
}

/* ---- maps ---- */

static void a_map_says_what_goes_where_and_none_keeps_content(void **state)
{
	(void)state;
	list(m.before, "1");
	list(m.before, "2");
	list(m.before, "11");
	mail(m.before, "1", "201", "One", "one@example.com");
	mail(m.before, "2", "201", "Two", "two@example.com");
	list(m.source, "3");
	m.source->list[0].name = "Sales";
	mail(m.source, "3", "201", "Sal", "sal@example.com");
	mail(m.source, "3", "", "Sam", "sam@example.com");
	m.map[0] = (struct import_slot){"2", "Sales"};
	m.map[1] = (struct import_slot){"1", NULL};
	m.map[2] = (struct import_slot){"11", "3"};
	m.map[3] = (struct import_slot){"9", NULL}; /* this machine has none */
	m.opts.map = m.map;
	m.opts.n_map = 4;
	import(IMPORT_REPLACE);
	assert_string_equal(said("1"), "201 One");
	assert_string_equal(said("2"), "201 Sal; 202 Sam");
	assert_string_equal(said("11"), "1 Sal; 2 Sam"); /* one-touch has 1 to 200 */
}

static void a_map_that_names_what_is_not_there_is_refused(void **state)
{
	(void)state;
	list(m.before, "1");
	list(m.source, "1");
	m.map[0] = (struct import_slot){"7", "1"};
	m.opts.map = m.map;
	m.opts.n_map = 1;
	assert_string_equal(refused_import().reason, "unknown_list");
	m.map[0] = (struct import_slot){"1", "nothing"};
	assert_string_equal(refused_import().reason, "unknown_list");
	m.map[0] = m.map[1] = (struct import_slot){"1", "1"};
	m.opts.n_map = 2;
	assert_string_equal(refused_import().reason, "unknown_list");
}

static void entries_of_a_list_that_the_device_has_not_are_lines(void **state)
{
	(void)state;
	list(m.before, "1");
	list(m.source, "2");
	mail(m.source, "2", "201", "Ana", "ana@example.com");
	import(IMPORT_REPLACE);
	assert_int_equal(lines(LEDGER_ENTRY_DROPPED), 1);
	assert_string_equal(m.ledger.line[0].name, "Ana");
	assert_string_equal(m.ledger.line[0].list, "2");
}

/* ---- groups, capacity, passwords ---- */

static void members_follow_the_entries_they_name(void **state)
{
	const struct book_entry *g;

	(void)state;
	m.opts.codec = codec_named("kyocera_xml");
	m.opts.profile = profile_named("kyocera");
	m.before->codec = m.source->codec = "kyocera_xml";
	list(m.before, "1");
	mail(m.before, "1", "201", "Bob", "bob@example.com");
	mail(m.before, "1", "202", "Ana", "ana@example.com");
	list(m.source, "1");
	mail(m.source, "1", "201", "Ana", "ana@example.com");
	mail(m.source, "1", "202", "Eve", "eve@example.com");
	group(m.source, "1", "203", "All", "201", "202");
	import(IMPORT_ADD);
	assert_string_equal(said("1"), "201 Bob; 202 Ana; 1 Eve; 203 All");
	g = NULL;
	for (uint32_t i = 0; i < m.wanted->list[0].n_entries; i++)
		if (m.wanted->list[0].entry[i].group)
			g = &m.wanted->list[0].entry[i];
	assert_non_null(g);
	assert_int_equal(g->n_members, 2);
	assert_string_equal(g->member[0].key, "202");
	assert_string_equal(g->member[1].key, "1");
}

static void what_is_over_the_capacity_is_a_line_and_leaves_its_groups(void **state)
{
	char number[8], address[40];

	(void)state;
	list(m.before, "11");
	list(m.source, "11");
	for (unsigned i = 1; i <= 200; i++) {
		snprintf(number, sizeof(number), "%u", i);
		snprintf(address, sizeof(address), "a%u@example.com", i);
		mail(i < 200 ? m.before : m.source, "11", number, number, address);
	}
	mail(m.source, "11", "17", "Too many", "last@example.com");
	m.opts.profile = profile_named("canon/abk");
	import(IMPORT_ADD);
	assert_int_equal(m.wanted->list[0].n_entries, 200);
	assert_int_equal(lines(LEDGER_ENTRY_DROPPED), 1);
	assert_string_equal(m.ledger.line[m.ledger.n - 1].name, "Too many");
}

static void a_password_that_the_source_does_not_say_stays(void **state)
{
	(void)state;
	list(m.before, "1");
	folder(m.before, "201", "srv", SECRET_CLEAR, "old");
	list(m.source, "1");
	book_set(m.source, &folder(m.source, "201", "srv", SECRET_UNKNOWN, NULL)->f, F_NAME, "new");
	import(IMPORT_REPLACE);
	assert_string_equal(said("1"), "201 new");
	assert_string_equal(m.wanted->list[0].entry[0].dest[0].secret.text, "old");
}

static void a_password_that_nobody_says_is_asked_for(void **state)
{
	(void)state;
	list(m.before, "1");
	list(m.source, "1");
	folder(m.source, "201", "srv", SECRET_WITHHELD, NULL);
	import(IMPORT_REPLACE);
	assert_int_equal(lines(LEDGER_SECRET_NEEDED), 1);
	assert_string_equal(m.ledger.line[0].before, "");
}

/* AB-7 */
static void a_file_of_its_own_dialect_is_held_to_the_limits(void **state)
{
	static const char long_name[] = "A name that is longer than 24 characters";
	struct book_entry *e;

	(void)state;
	m.opts.codec = codec_named("konica_xml");
	m.opts.profile = profile_named("konica_xml");
	m.before->codec = m.source->codec = "konica_xml";
	(void)book_add_list(m.before, "1", LIST_FLAT, "");
	(void)book_add_list(m.source, "1", LIST_FLAT, "");
	mail(m.source, "1", "7", long_name, "ana@x.org");
	e = mail(m.source, "1", "0008", "Bea", "bea@x.org");
	book_set(m.source, &book_add_dest(m.source, e, DEST_FAX)->f, F_FAX_NUMBER, "0123");
	import(IMPORT_REPLACE);
	assert_int_equal(lines(LEDGER_CUT), 1);
	assert_int_equal(lines(LEDGER_DROPPED), 1); /* these machines have no fax */
	assert_string_equal(said("1"), "7 A name that is longer th; 0008 Bea");
	book_free(m.wanted);
	ledger_fini(&m.ledger);
	ledger_init(&m.ledger);
	m.opts.own = m.opts.written = true; /* what it wrote itself it takes */
	import(IMPORT_REPLACE);
	assert_string_equal(entry_name(&m.wanted->list[0].entry[0]), long_name);
	assert_int_equal(m.ledger.n, 0);
}

/* ---- other families ---- */

static void a_book_of_another_family_goes_into_the_first_list(void **state)
{
	(void)state;
	list(m.before, "1");
	list(m.before, "2");
	book_free(m.source);
	m.source = book_new("ricoh");
	m.source->codec = "ricoh_csv";
	(void)book_add_list(m.source, "1", LIST_FLAT, "");
	mail(m.source, "1", "00001", "Ana", "ana@example.com");
	import(IMPORT_REPLACE);
	assert_string_equal(said("1"), "201 Ana");
	assert_int_equal(lines(LEDGER_RENUMBERED), 1);
	assert_int_equal(ledger_losses(&m.ledger), 0);
}

static void a_merge_from_another_family_keeps_what_that_cannot_say(void **state)
{
	struct book_entry *e;

	(void)state;
	list(m.before, "1");
	e = mail(m.before, "1", "201", "Ana", "ana@example.com");
	book_set(m.before, &e->f, F_READING, "ana");
	book_add_extra(m.before, e, "vendorthing", "kept");
	book_free(m.source);
	m.source = book_new("generic");
	m.source->codec = "generic_csv";
	(void)book_add_list(m.source, "1", LIST_FLAT, "");
	mail(m.source, "1", "", "Ana", "new@example.com");
	import(IMPORT_MERGE);
	assert_string_equal(said("1"), "201 Ana");
	e = &m.wanted->list[0].entry[0];
	assert_string_equal(dest_field(e, F_ADDRESS), "new@example.com");
	assert_string_equal(fields_get(&e->f, F_READING), "ana");
	assert_string_equal(entry_extra(e, "vendorthing")->value, "kept");
}

static void items_become_one_book_and_lists_find_their_items(void **state)
{
	static const char text[] =
		"# Canon AddressBook version: 1\r\n# CharSet: UTF-8\r\n\r\n"
		"subdbid: 9\r\ndn: 1\r\ncn: Ana\r\nmailaddress: a@example.com\r\n"
		"objectclass: top\r\nobjectclass: extensibleobject\r\n"
		"objectclass: email\r\n\r\n";
	const struct book_item items[] = {{"list_3", text_span(text)},
		{"one_touch", text_span("# Canon AddressBook version: 1\r\n\r\n")}};
	struct fault f = FAULT_INIT;
	struct book *b;

	(void)state;
	assert_int_equal(book_of_items(items, 2, codec_named("canon_abk"), &b, &f), 0);
	assert_int_equal(b->n_lists, 2);
	assert_string_equal(b->list[0].slot, "3"); /* as the item says, not its records */
	assert_string_equal(b->list[1].slot, "11");
	assert_string_equal(item_of_slot(b->list[1].slot), "one_touch");
	book_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			replace_makes_the_list_the_sources, setup, teardown),
		cmocka_unit_test_setup_teardown(
			merge_changes_what_both_have_and_keeps_the_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(a_number_alone_is_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_merge_replaces_what_an_entry_holds_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_a_device_writes_by_itself_is_no_change, setup, teardown),
		cmocka_unit_test_setup_teardown(
			several_of_one_name_are_added_once, setup, teardown),
		cmocka_unit_test_setup_teardown(add_changes_nothing_that_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_identity_that_the_device_gives_stays_with_who_has_it, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_group_whose_members_nobody_says_is_not_made, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_older_book_of_the_same_device_knows_its_groups_by_identity, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			two_kinds_of_one_name_are_two_entries_where_an_entry_has_one, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_map_says_what_goes_where_and_none_keeps_content, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_map_that_names_what_is_not_there_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			entries_of_a_list_that_the_device_has_not_are_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(
			members_follow_the_entries_they_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_over_the_capacity_is_a_line_and_leaves_its_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_of_its_own_dialect_is_held_to_the_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_password_that_the_source_does_not_say_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_password_that_nobody_says_is_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_book_of_another_family_goes_into_the_first_list, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_merge_from_another_family_keeps_what_that_cannot_say, setup, teardown),
		cmocka_unit_test_setup_teardown(
			items_become_one_book_and_lists_find_their_items, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
