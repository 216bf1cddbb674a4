// SPDX-License-Identifier: Apache-2.0
/* Conversion and its ledger, rule by rule (docs/spec/address-books.md sections 2 and 10). Formats
 * stand in as plain as a rule needs them; test_book_laws has the real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/norm.h"
#include "tests/lib/book_law.h"
#include "tests/lib/book_random.h"

/* ---- formats ---- */

static int nothing_to_write(struct encoder *e)
{
	(void)e;
	return -1;
}

static bool holds_all(enum dest_kind kind, enum book_field field)
{
	return field == 0 || (field_info(field)->kinds & 1u << kind) != 0;
}

/* Names, numbers, addresses and folders, as every maker has them; no code of any. */
static bool holds_plain(enum dest_kind kind, enum book_field field)
{
	return field == 0 || (field_info(field)->address && field != F_SHARE) ||
	       field == F_NUMBER || field == F_NAME || field == F_READING || field == F_PROTOCOL ||
	       kind == DEST_GROUP;
}

#define FORMAT(id, holding, more)                                                                  \
	static const struct codec id = {.name = #id,                                               \
		.family = "",                                                                      \
		.title = "The format",                                                             \
		.flags = CODEC_ENCODE | CODEC_GROUPS | (more),                                     \
		.encode = nothing_to_write,                                                        \
		.holds = holding}
FORMAT(plain, holds_plain, CODEC_TAGS);
FORMAT(full, holds_all, CODEC_TAGS | CODEC_LISTS | CODEC_SECRETS | CODEC_MANY_DESTS);

/* ---- a conversion at hand ---- */

struct made {
	struct book *from, *to;
	struct ledger ledger;
};

static int setup(void **state)
{
	struct made *m = mem_alloc(sizeof(*m));

	ledger_init(&m->ledger);
	m->from = book_new("generic");
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct made *m = *state;

	book_free(m->from);
	book_free(m->to);
	ledger_fini(&m->ledger);
	free(m);
	return 0;
}

static struct book_list *list(struct made *m, const char *slot)
{
	struct book_list *l = book_find_list(m->from, slot);

	return l ? l : book_add_list(m->from, slot, LIST_FLAT, "");
}

static struct book_entry *entry(struct made *m, const char *number, const char *name)
{
	struct book_entry *e = book_add_entry(m->from, list(m, "1"), number);

	book_set(m->from, &e->f, F_NUMBER, number);
	book_set(m->from, &e->f, F_NAME, name);
	return e;
}

static struct book_dest *mail(struct made *m, struct book_entry *e, const char *address)
{
	struct book_dest *d = book_add_dest(m->from, e, DEST_EMAIL);

	book_set(m->from, &d->f, F_ADDRESS, address);
	return d;
}

static struct book_dest *fax(struct made *m, struct book_entry *e, const char *number)
{
	struct book_dest *d = book_add_dest(m->from, e, DEST_FAX);

	book_set(m->from, &d->f, F_FAX_NUMBER, number);
	return d;
}

static struct book_dest *folder(struct made *m, struct book_entry *e, const char *protocol,
	const char *host, const char *path)
{
	struct book_dest *d = book_add_dest(m->from, e, DEST_FILE);

	book_set(m->from, &d->f, F_PROTOCOL, protocol);
	book_set(m->from, &d->f, F_HOST, host);
	book_set(m->from, &d->f, F_PATH, path);
	return d;
}

static void with(struct made *m, const struct convert_options *opts)
{
	struct fault fault = FAULT_INIT;

	book_free(m->to);
	m->to = NULL;
	ledger_fini(&m->ledger);
	ledger_init(&m->ledger);
	if (book_convert(m->from, opts, &m->to, &m->ledger, &fault) < 0)
		fail_msg("%s", fault.detail);
	if (!law_complete(m->from, m->to, &m->ledger, profile_named(m->from->family), opts->target))
		fail_msg("the ledger is not complete");
}

static void to(struct made *m, const char *profile, const struct codec *codec)
{
	with(m, &(struct convert_options){.target = profile_named(profile), .codec = codec});
}

static struct book_entry *at(struct made *m, uint32_t i)
{
	assert_true(m->to->n_lists > 0 && i < m->to->list[0].n_entries);
	return &m->to->list[0].entry[i];
}

static const char *value(const struct book_entry *e, enum book_field f)
{
	const char *v = fields_get(&e->f, f);

	return v ? v : "";
}

static const char *dest_value(struct made *m, uint32_t i, uint32_t dest, enum book_field f)
{
	assert_true(dest < at(m, i)->n_dests);
	const char *v = fields_get(&at(m, i)->dest[dest].f, f);
	return v ? v : "";
}

static uint32_t lines(const struct made *m, enum ledger_action action)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->ledger.n; i++)
		n += m->ledger.line[i].action == action;
	return n;
}

/* The only line of that action. */
static const struct ledger_line *line(const struct made *m, enum ledger_action action)
{
	const struct ledger_line *found = NULL;

	if (lines(m, action) != 1)
		law_print_ledger(&m->ledger);
	assert_int_equal(lines(m, action), 1);
	for (uint32_t i = 0; i < m->ledger.n; i++)
		if (m->ledger.line[i].action == action)
			found = &m->ledger.line[i];
	return found;
}

static void assert_line(const struct made *m, enum ledger_action action, const char *key,
	const char *field, const char *before, const char *after)
{
	const struct ledger_line *l = line(m, action);

	assert_string_equal(l->key, key);
	assert_string_equal(l->field, field);
	assert_string_equal(l->before, before);
	assert_string_equal(l->after, after);
	assert_true(strlen(l->reason) > 5);
}

/* ---- destinations ---- */

static void one_destination_in_an_entry_splits_a_person_and_groups_get_all_pieces(void **state)
{
	struct made *m = *state;
	struct book_entry *e = entry(m, "205", "Ana");

	mail(m, e, "ana@example.com");
	fax(m, e, "+33 1");
	folder(m, e, "ftp", "srv", "in");
	e = entry(m, "206", "All");
	e->group = true;
	book_add_member(m->from, e, "205", "205");
	to(m, "canon", &full);
	assert_int_equal(m->to->list[0].n_entries, 4);
	assert_string_equal(value(at(m, 0), F_NAME), "Ana");
	assert_string_equal(value(at(m, 2), F_NAME), "Ana");
	assert_string_equal(value(at(m, 0), F_NUMBER), "205");
	assert_string_equal(value(at(m, 3), F_NUMBER), "206");
	assert_line(m, LEDGER_SPLIT, "205", "", "", "3 entries");
	assert_int_equal(m->ledger.n, 1);
	const struct book_entry *group = at(m, 3);
	assert_int_equal(group->n_members, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_string_equal(group->member[i].key, at(m, i)->key);
}

static void one_of_each_kind_or_protocol_stands_together(void **state)
{
	struct made *m = *state;
	struct book_entry *e = entry(m, "1", "Ana");

	mail(m, e, "a@example.com");
	mail(m, e, "b@example.com");
	folder(m, e, "smb", "srv", "in");
	folder(m, e, "ftp", "srv", "in");
	to(m, "kyocera", &plain);
	assert_int_equal(m->to->list[0].n_entries, 2);
	assert_int_equal(at(m, 0)->n_dests, 3);
	assert_string_equal(dest_value(m, 1, 0, F_ADDRESS), "b@example.com");
	to(m, "ricoh", &plain);
	assert_int_equal(at(m, 0)->n_dests, 2);
	assert_int_equal(at(m, 1)->n_dests, 2);
	to(m, "carnet_json", &full);
	assert_int_equal(m->to->list[0].n_entries, 1);
	assert_int_equal(at(m, 0)->n_dests, 4);
	assert_int_equal(m->ledger.n, 0);
}

static void entries_of_one_name_are_joined_on_request_only(void **state)
{
	struct made *m = *state;
	struct convert_options opts = {.target = profile_named("kyocera"), .codec = &plain};

	mail(m, entry(m, "1", "Ana"), "a@example.com");
	fax(m, entry(m, "2", "Ana"), "123");
	mail(m, entry(m, "3", "Ana"), "b@example.com");
	struct book_entry *group = entry(m, "4", "All");
	group->group = true;
	book_add_member(m->from, group, "1", "1");
	book_add_member(m->from, group, "2", "2");
	book_add_member(m->from, group, "3", "3");
	with(m, &opts);
	assert_int_equal(m->to->n_entries, 4);
	assert_int_equal(m->ledger.n, 0);
	opts.merge_same_name = true;
	with(m, &opts);
	assert_int_equal(m->to->n_entries, 3);
	assert_line(m, LEDGER_MERGED, "2", "", "2", "1");
	assert_int_equal(at(m, 0)->n_dests, 2);
	assert_int_equal(at(m, 2)->n_members, 2);
}

static void a_kind_that_the_target_has_not_is_dropped_and_an_entry_without_any(void **state)
{
	struct made *m = *state;
	struct book_entry *e = entry(m, "1", "Ana");
	struct book_dest *d = book_add_dest(m->from, e, DEST_IPFAX);

	book_set(m->from, &d->f, F_URI, "sip:1");
	mail(m, e, "a@example.com");
	e = entry(m, "2", "Bob");
	d = book_add_dest(m->from, e, DEST_IPFAX);
	book_set(m->from, &d->f, F_URI, "sip:2");
	folder(m, entry(m, "3", "Eva"), "webdav", "srv", "in");
	to(m, "kyocera", &plain);
	assert_int_equal(m->to->n_entries, 1);
	assert_line(m, LEDGER_DROPPED, "1", "ipfax", "sip:1", "");
	assert_int_equal(lines(m, LEDGER_ENTRY_DROPPED), 2);
	assert_int_equal(m->ledger.n, 3);
}

static void the_share_of_a_folder_is_said_as_each_maker_says_it(void **state)
{
	struct made *m = *state;
	struct book_dest *d = folder(m, entry(m, "1", "Ana"), "smb", "srv", "in\\a");

	book_set(m->from, &d->f, F_SHARE, "scan");
	to(m, "kyocera", &plain);
	assert_string_equal(dest_value(m, 0, 0, F_HOST), "srv");
	assert_string_equal(dest_value(m, 0, 0, F_PATH), "scan\\in\\a");
	assert_int_equal(lines(m, LEDGER_REMAPPED), 2);
	to(m, "sharp", &plain);
	assert_string_equal(dest_value(m, 0, 0, F_HOST), "");
	assert_string_equal(dest_value(m, 0, 0, F_PATH), "\\\\srv\\scan\\in\\a");
	to(m, "ricoh", &plain);
	assert_string_equal(dest_value(m, 0, 0, F_PATH), "\\\\srv\\scan\\in\\a");
	book_set(m->from, &d->f, F_SHARE, NULL);
	book_set(m->from, &d->f, F_HOST, NULL);
	book_set(m->from, &d->f, F_PATH, "\\\\srv\\scan\\in");
	to(m, "kyocera", &plain);
	assert_string_equal(dest_value(m, 0, 0, F_HOST), "srv");
	assert_string_equal(dest_value(m, 0, 0, F_PATH), "scan\\in");
}

/* ---- lists and numbers ---- */

static void a_number_is_kept_if_it_is_free_and_in_range(void **state)
{
	struct made *m = *state;

	mail(m, entry(m, "5", "low"), "a@example.com");
	mail(m, entry(m, "0203", "kept"), "b@example.com");
	mail(m, entry(m, "201", "kept"), "c@example.com");
	to(m, "canon", &full);
	assert_string_equal(value(at(m, 0), F_NUMBER), "202");
	assert_string_equal(value(at(m, 1), F_NUMBER), "203");
	assert_string_equal(value(at(m, 2), F_NUMBER), "201");
	assert_line(m, LEDGER_RENUMBERED, "5", "number", "5", "202");
	assert_string_equal(at(m, 0)->key, "202");
}

static void a_number_that_no_list_has_is_told_and_kept_where_anything_is(void **state)
{
	static const char *const odd[] = {"0", "x1", "4294967296"};
	struct made *m = *state;
	struct book_entry *e = entry(m, "1", "Ana");

	mail(m, e, "a@example.com");
	for (size_t i = 0; i < array_len(odd); i++) {
		book_set(m->from, &e->f, F_NUMBER, odd[i]);
		to(m, "carnet_json", &full);
		assert_string_equal(value(at(m, 0), F_NUMBER), odd[i]);
		assert_int_equal(m->ledger.n, 0);
		to(m, "generic", &full);
		assert_line(m, LEDGER_RENUMBERED, "1", "number", odd[i], "1");
		to(m, "ldif", codec_named("ldif"));
		assert_line(m, LEDGER_RENUMBERED, "1", "number", odd[i], "");
	}
}

static void lists_become_one_where_there_is_one(void **state)
{
	struct made *m = *state;

	mail(m, entry(m, "1", "Ana"), "a@example.com");
	struct book_list *l = book_add_list(m->from, "2", LIST_ADDRESS_LIST, "Sales");
	struct book_entry *e = book_add_entry(m->from, l, "1");
	book_set(m->from, &e->f, F_NAME, "Ana");
	book_set(m->from, &e->f, F_NUMBER, "1");
	mail(m, e, "a@example.com");
	to(m, "kyocera", &plain);
	assert_int_equal(m->to->n_lists, 1);
	assert_int_equal(m->to->list[0].n_entries, 2);
	assert_int_equal(lines(m, LEDGER_DROPPED), 2);
	assert_string_equal(m->ledger.line[1].before, "Sales");
	assert_line(m, LEDGER_RENUMBERED, "1", "number", "1", "2");
	assert_line(m, LEDGER_DUPLICATE, "1", "", "Ana", "1");
}

static void lists_keep_their_slots_or_take_a_free_one(void **state)
{
	struct made *m = *state;
	struct book_list *l = book_add_list(m->from, "2", LIST_ADDRESS_LIST, "Sales");
	struct book_entry *e = book_add_entry(m->from, l, "201");

	book_set(m->from, &e->f, F_NUMBER, "201");
	book_set(m->from, &e->f, F_NAME, "Ana");
	mail(m, e, "a@example.com");
	l = book_add_list(m->from, "north", LIST_ADDRESS_LIST, "North");
	e = book_add_entry(m->from, l, "201");
	book_set(m->from, &e->f, F_NUMBER, "201");
	book_set(m->from, &e->f, F_NAME, "Bob");
	mail(m, e, "b@example.com");
	to(m, "canon", &full);
	assert_int_equal(m->to->n_lists, 2);
	assert_string_equal(m->to->list[0].slot, "2");
	assert_string_equal(m->to->list[0].name, "Sales");
	assert_string_equal(m->to->list[1].slot, "1");
	assert_string_equal(m->to->list[1].name, "North");
	assert_line(m, LEDGER_REMAPPED, "", "list", "north", "1");
}

static void a_list_without_a_name_that_a_file_can_say_gets_a_number(void **state)
{
	static const char *const slots[] = {"", "1", "a", "A", "\x01"};
	static const char *const there[] = {"2", "1", "a", "3", "4"};
	struct made *m = *state;

	for (size_t i = 0; i < array_len(slots); i++) {
		struct book_entry *e = book_add_entry(
			m->from, book_add_list(m->from, slots[i], LIST_FLAT, ""), "1");
		book_set(m->from, &e->f, F_NUMBER, "1");
		mail(m, e, "a@example.com");
	}
	to(m, "generic", &full);
	for (size_t i = 0; i < array_len(slots); i++)
		assert_string_equal(m->to->list[i].slot, there[i]);
	assert_int_equal(lines(m, LEDGER_REMAPPED), 3);
	to(m, "carnet_json", &full);
	for (size_t i = 0; i < array_len(slots); i++)
		assert_string_equal(m->to->list[i].slot, slots[i]);
	assert_int_equal(m->ledger.n, 0);
}

static void a_list_too_many_goes_to_the_first(void **state)
{
	struct made *m = *state;

	for (uint32_t i = 0; i < 12; i++) {
		const char *slot = i ? book_fmt(m->from, "%u", i) : "north";
		struct book_list *l = book_add_list(m->from, slot, LIST_ADDRESS_LIST, slot);
		struct book_entry *e = book_add_entry(m->from, l, "1");
		book_set(m->from, &e->f, F_NAME, slot);
		mail(m, e, book_fmt(m->from, "%s@example.com", slot));
	}
	to(m, "canon", &full);
	assert_int_equal(m->to->n_lists, 11);
	assert_int_equal(m->to->n_entries, 12);
	assert_int_equal(book_find_list(m->to, "1")->n_entries, 2);
	assert_line(m, LEDGER_REMAPPED, "", "list", "north", "1");
}

static void lists_without_end_are_no_harm(void **state)
{
	struct made *m = *state;

	for (uint32_t i = 0; i < 30000; i++) {
		struct book_list *l =
			book_add_list(m->from, book_fmt(m->from, "s%u", i), LIST_ADDRESS_LIST, "");
		struct book_entry *e = book_add_entry(m->from, l, "1");
		book_set(m->from, &e->f, F_NAME, "Ana");
		mail(m, e, "ana@example.com");
	}
	const struct convert_options one = {.target = profile_named("canon"), .codec = &full};
	const struct convert_options all = {.target = profile_named("ldif"), .codec = &full};
	struct fault fault = FAULT_INIT;
	assert_int_equal(book_convert(m->from, &one, &m->to, &m->ledger, &fault), 0);
	/* the first list takes what all ten hold together, the one-touch list has its one */
	assert_int_equal(m->to->n_lists, 2);
	assert_int_equal(m->to->n_entries, 1601);
	book_free(m->to);
	assert_int_equal(book_convert(m->from, &all, &m->to, &m->ledger, &fault), 0);
	assert_int_equal(m->to->n_lists, 30000);
}

/* ---- capacity ---- */

static void fill(struct made *m, const char *slot, uint32_t n, uint32_t first)
{
	for (uint32_t i = 0; i < n; i++) {
		const char *number = book_fmt(m->from, "%u", first + i);
		struct book_entry *e = book_add_entry(m->from, list(m, slot), number);
		book_set(m->from, &e->f, F_NUMBER, number);
		book_set(m->from, &e->f, F_NAME, number);
		mail(m, e, "a@example.com");
	}
}

static void capacity_preflight_each_list_together_and_the_book(void **state)
{
	static const struct {
		uint32_t first, second, one_touch, dropped;
	} cases[] = {{1599, 0, 0, 0}, {1600, 0, 0, 0}, {1601, 0, 0, 1}, {800, 799, 0, 0},
		{800, 800, 0, 0}, {800, 801, 0, 1}, {0, 0, 199, 0}, {0, 0, 200, 0}, {0, 0, 201, 1},
		{1600, 0, 200, 0}, {1601, 0, 201, 2}};
	struct made *m = *state;

	for (size_t i = 0; i < array_len(cases); i++) {
		book_free(m->from);
		m->from = book_new("generic");
		fill(m, "1", cases[i].first, 201);
		fill(m, "2", cases[i].second, 201);
		fill(m, "11", cases[i].one_touch, 1);
		to(m, "canon", &full);
		assert_int_equal(lines(m, LEDGER_ENTRY_DROPPED), cases[i].dropped);
		assert_int_equal(m->to->n_entries,
			cases[i].first + cases[i].second + cases[i].one_touch - cases[i].dropped);
	}
}

static void capacity_preflight_unknown_refuses_nothing(void **state)
{
	struct made *m = *state;

	fill(m, "coded_dial", 3000, 1);
	to(m, "canon/type_2", &full);
	assert_int_equal(m->to->n_entries, 3000);
	assert_line(m, LEDGER_SIDE_EFFECT, "", "", "", "");
	assert_string_equal(
		line(m, LEDGER_SIDE_EFFECT)->reason, "all workflows on the machine are deleted");
}

static void capacity_preflight_members_of_a_group(void **state)
{
	struct made *m = *state;

	for (uint32_t n = 255; n <= 257; n++) {
		book_free(m->from);
		m->from = book_new("generic");
		fill(m, "1", n, 201);
		struct book_entry *g = entry(m, "999", "All");
		g->group = true;
		for (uint32_t i = 0; i < n; i++)
			book_add_member(m->from, g, list(m, "1")->entry[i].key, "");
		to(m, "canon", &full);
		assert_int_equal(lines(m, LEDGER_MEMBER_LOST), n == 257);
		assert_int_equal(at(m, n)->n_members, n == 257 ? 256 : n);
	}
}

static void over_capacity_what_comes_last_is_named(void **state)
{
	struct made *m = *state;

	fill(m, "11", 201, 1);
	to(m, "canon", &full);
	assert_string_equal(line(m, LEDGER_ENTRY_DROPPED)->key, "201");
	assert_string_equal(line(m, LEDGER_ENTRY_DROPPED)->list, "11");
	/* as many as there is room for, but no number for one of them: it gets the one that is free
	 */
	book_set(m->from, &list(m, "11")->entry[3].f, F_NUMBER, "900");
	list(m, "11")->n_entries--;
	to(m, "canon", &full);
	assert_line(m, LEDGER_RENUMBERED, "4", "number", "900", "4");
}

/* ---- lengths ---- */

static const char *repeat(struct made *m, const char *s, uint32_t n)
{
	const char *all = "";

	for (uint32_t i = 0; i < n; i++)
		all = book_fmt(m->from, "%s%s", all, s);
	return all;
}

static void capacity_preflight_lengths_of_names_and_addresses(void **state)
{
	struct made *m = *state;

	for (uint32_t n = 19; n <= 21; n++) {
		book_free(m->from);
		m->from = book_new("generic");
		mail(m, entry(m, "1", repeat(m, "山", n)), "a@example.com");
		to(m, "ricoh", &plain);
		assert_int_equal(lines(m, LEDGER_CUT), n == 21);
		assert_string_equal(value(at(m, 0), F_NAME), repeat(m, "山", n == 21 ? 20 : n));
	}
	for (uint32_t n = 127; n <= 129; n++) {
		book_free(m->from);
		m->from = book_new("generic");
		mail(m, entry(m, "1", "Ana"), book_fmt(m->from, "%s@b.c", repeat(m, "a", n - 4)));
		to(m, "ricoh", &plain);
		/* an address is never cut */
		assert_int_equal(lines(m, LEDGER_ENTRY_DROPPED), n == 129);
		assert_int_equal(m->to->n_entries, n < 129);
	}
}

static void names_are_cut_between_the_characters_that_people_see(void **state)
{
	struct made *m = *state;
	const char *name = book_fmt(m->from, "%s👩‍👩‍👧", repeat(m, "a", 17));

	mail(m, entry(m, "1", name), "a@example.com");
	mail(m, entry(m, "2", book_fmt(m->from, "%se\xCC\x81x", repeat(m, "a", 19))),
		"a@example.com");
	mail(m, entry(m, "3", book_fmt(m->from, "%s  bc", repeat(m, "a", 18))), "a@example.com");
	to(m, "ricoh", &plain);
	assert_string_equal(value(at(m, 0), F_NAME), repeat(m, "a", 17));
	assert_string_equal(value(at(m, 1), F_NAME), repeat(m, "a", 19));
	assert_string_equal(value(at(m, 2), F_NAME), repeat(m, "a", 18));
	assert_int_equal(lines(m, LEDGER_CUT), 3);
}

static void lengths_in_bytes_are_those_of_the_charset(void **state)
{
	struct made *m = *state;
	struct book_profile p = *profile_named("ricoh");
	const struct profile_limit limit = {
		.kind = DEST_NONE, .field = F_NAME, .max = 6, .bytes = true, .grade = "A"};

	p.limit = &limit;
	p.n_limits = 1;
	mail(m, entry(m, "1", "山田太郎"), "a@example.com");
	with(m, &(struct convert_options){.target = &p, .codec = &plain});
	assert_string_equal(value(at(m, 0), F_NAME), "山田");
	p.charset = "Shift_JIS";
	with(m, &(struct convert_options){.target = &p, .codec = &plain});
	assert_string_equal(value(at(m, 0), F_NAME), "山田太");
}

static void digits_are_dropped_whole_not_cut(void **state)
{
	struct made *m = *state;
	struct book_entry *e = entry(m, "201", "Ana");

	book_set(m->from, &e->f, F_ACCESS_NO, "12345678");
	mail(m, e, "a@example.com");
	to(m, "canon", &full);
	assert_string_equal(value(at(m, 0), F_ACCESS_NO), "");
	assert_line(m, LEDGER_DROPPED, "201", "access_no", "12345678", "");
}

/* ---- charsets ---- */

static void to_charset(struct made *m, const char *charset, bool transliterate)
{
	struct book_profile p = *profile_named("canon");

	p.charset = charset;
	with(m, &(struct convert_options){
			.target = &p, .codec = &full, .transliterate = transliterate});
}

static void AB_20_exact_forms_are_reencoded(void **state)
{
	struct made *m = *state;

	mail(m, entry(m, "201", "10〜20 − 30"), "a@example.com");
	to_charset(m, "Shift_JIS", false);
	assert_string_equal(value(at(m, 0), F_NAME), "10～20 － 30");
	assert_line(m, LEDGER_REENCODED, "201", "name", "10〜20 − 30", "10～20 － 30");
	book_set(m->from, &list(m, "1")->entry[0].f, F_NAME, "ＡＢＣ　１");
	to_charset(m, "windows-1252", false);
	assert_string_equal(value(at(m, 0), F_NAME), "ABC 1");
	assert_int_equal(lines(m, LEDGER_REENCODED), 1);
	/* half-width katakana are in Windows-31J: nothing is touched */
	book_set(m->from, &list(m, "1")->entry[0].f, F_NAME, "ﾔﾏﾀﾞ");
	to_charset(m, "Shift_JIS", false);
	assert_int_equal(m->ledger.n, 0);
}

static void AB_20_accents_go_only_when_accepted(void **state)
{
	struct made *m = *state;

	mail(m, entry(m, "201", "Éric Dvořák"), "a@example.com");
	to_charset(m, "Shift_JIS", false);
	assert_line(m, LEDGER_DROPPED, "201", "name", "Éric Dvořák", "");
	assert_line(m, LEDGER_DEFAULTED, "201", "name", "", "a@example.com");
	to_charset(m, "Shift_JIS", true);
	assert_string_equal(value(at(m, 0), F_NAME), "Eric Dvorak");
	assert_line(m, LEDGER_TRANSLITERATED, "201", "name", "Éric Dvořák", "Eric Dvorak");
	assert_int_equal(ledger_losses(&m->ledger), 1);
	to_charset(m, "UTF-8", false);
	assert_int_equal(m->ledger.n, 0);
}

static void a_composed_form_of_the_same_text_is_no_loss(void **state)
{
	struct made *m = *state;

	mail(m, entry(m, "201", "Jos\x65\xCC\x81"), "a@example.com");
	to_charset(m, "windows-1252", false);
	assert_string_equal(value(at(m, 0), F_NAME), "José");
	assert_int_equal(m->ledger.n, 0);
}

static void an_address_that_the_charset_has_not_drops_its_entry(void **state)
{
	struct made *m = *state;

	mail(m, entry(m, "201", "Ana"), "山田@example.jp");
	to_charset(m, "windows-1252", false);
	assert_int_equal(m->to->n_entries, 0);
	assert_non_null(strstr(line(m, LEDGER_ENTRY_DROPPED)->reason, "U+5C71"));
}

static void line_ends_become_spaces_in_names_and_nowhere_else(void **state)
{
	struct made *m = *state;

	mail(m, entry(m, "201", "Ana\nSilva"), "a@example.com");
	mail(m, entry(m, "202", "Bob"), "a@exa\tmple.com");
	to(m, "canon", &full);
	assert_string_equal(value(at(m, 0), F_NAME), "Ana Silva");
	assert_int_equal(lines(m, LEDGER_REENCODED), 1);
	assert_string_equal(line(m, LEDGER_ENTRY_DROPPED)->key, "202");
}

/* ---- codes, tags, extras ---- */

static void codes_of_a_family_mean_nothing_to_another(void **state)
{
	struct made *m = *state;
	struct book_dest *d = fax(m, entry(m, "201", "Ana"), "1");

	book_set(m->from, &d->f, F_SPEED, "3");
	m->from->family = "canon";
	to(m, "canon", &full);
	assert_string_equal(dest_value(m, 0, 0, F_SPEED), "3");
	assert_int_equal(m->ledger.n, 0);
	to(m, "kyocera", &full);
	assert_string_equal(dest_value(m, 0, 0, F_SPEED), "");
	assert_line(m, LEDGER_DROPPED, "201", "fax.speed", "3", "");
	to(m, "carnet_json", &full);
	assert_string_equal(dest_value(m, 0, 0, F_SPEED), "3");
}

static void letter_groups_are_made_anew_from_the_reading(void **state)
{
	struct made *m = *state;
	struct book_entry *e = entry(m, "1", "山田");

	m->from->family = "konica";
	book_set(m->from, &e->f, F_READING, "Yamada");
	book_add_tag(m->from, e, "search_key", "Wxyz");
	mail(m, e, "a@example.com");
	mail(m, entry(m, "2", "Éva"), "b@example.com");
	to(m, "ricoh", &plain);
	assert_int_equal(at(m, 0)->n_tags, 1);
	assert_string_equal(at(m, 0)->tag[0].system, "title1");
	assert_string_equal(at(m, 0)->tag[0].value, "10");
	assert_line(m, LEDGER_REMAPPED, "1", "tag.search_key", "Wxyz", "title1=10");
	assert_line(m, LEDGER_DEFAULTED, "2", "tag.title1", "", "3");
	m->from->family = "ricoh";
	to(m, "konica", &plain);
	assert_string_equal(at(m, 1)->tag[0].value, "Def");
	to(m, "kyocera", &plain);
	assert_int_equal(at(m, 0)->n_tags, 0);
	assert_line(m, LEDGER_DROPPED, "1", "tag.search_key", "Wxyz", "");
}

static void AB_1_extras_go_back_to_their_own_format_only(void **state)
{
	struct made *m = *state;
	struct book_entry *e = entry(m, "1", "Ana");

	book_add_extra(m->from, e, "honorific", "1");
	mail(m, e, "a@example.com");
	m->from->family = "kyocera";
	m->from->codec = "plain";
	to(m, "kyocera", &plain);
	assert_int_equal(at(m, 0)->n_extras, 1);
	assert_int_equal(m->ledger.n, 0);
	to(m, "kyocera", &full);
	assert_int_equal(at(m, 0)->n_extras, 0);
	assert_line(m, LEDGER_DROPPED, "1", "extra.honorific", "1", "");
}

/* ---- secrets ---- */

static void AB_6_secrets_that_do_not_travel_are_asked_for(void **state)
{
	static const struct {
		enum secret_state state;
		const char *family;
		const struct codec *codec;
		bool needed;
	} cases[] = {
		{SECRET_WITHHELD, "ricoh", &full, true},
		{SECRET_WITHHELD, "kyocera", &full, false},
		{SECRET_ENCRYPTED, "sharp", &full, true},
		{SECRET_ENCRYPTED, "kyocera", &full, true}, /* another format of the family */
		{SECRET_CLEAR, "sharp", &full, false},
		{SECRET_CLEAR, "sharp", &plain, true},
		{SECRET_ABSENT, "sharp", &plain, false},
		{SECRET_UNKNOWN, "sharp", &plain, false},
	};
	struct made *m = *state;
	struct book_dest *d = folder(m, entry(m, "1", "Ana"), "ftp", "srv", "in");

	for (size_t i = 0; i < array_len(cases); i++) {
		m->from->family = cases[i].family;
		book_set_secret(m->from, d, cases[i].state, "s3cret", "scheme");
		to(m, "kyocera", cases[i].codec);
		assert_int_equal(lines(m, LEDGER_SECRET_NEEDED), cases[i].needed);
		for (uint32_t k = 0; k < m->ledger.n; k++) {
			assert_string_equal(m->ledger.line[k].before, "");
			assert_string_equal(m->ledger.line[k].after, "");
		}
		if (cases[i].needed)
			assert_string_equal(line(m, LEDGER_SECRET_NEEDED)->field, "file.secret");
	}
	/* nor where other kinds alone have one */
	d = mail(m, entry(m, "2", "Bob"), "b@example.com");
	book_set_secret(m->from, d, SECRET_CLEAR, "s3cret", NULL);
	to(m, "xerox", codec_named("xerox_csv"));
	assert_line(m, LEDGER_SECRET_NEEDED, "2", "email.secret", "", "");
}

static void secret_canary_no_line_shows_a_password(void **state)
{
	struct made *m = *state;
	struct book_entry *e = entry(m, "1", "Ana");
	struct book_dest *d = folder(m, e, "ftp", "srv", "in");
	struct buf told = BUF_INIT;

	book_add_extra(m->from, e, "BoxPassword", "canary");
	book_add_extra(m->from, e, "pwd2", "canary");
	book_add_extra(m->from, e, "plain", "seen");
	book_set_secret(m->from, d, SECRET_CLEAR, "canary", NULL);
	to(m, "kyocera", &plain);
	ledger_json(&m->ledger, &told);
	ledger_csv(&m->ledger, &told);
	assert_int_equal(m->ledger.n, 4);
	assert_non_null(strstr(buf_str(&told), "seen"));
	assert_null(strstr(buf_str(&told), "canary"));
	buf_fini(&told);
}

static void AB_5_cipher_text_goes_back_to_its_own_format_unmodified(void **state)
{
	struct made *m = *state;
	struct book_dest *d = folder(m, entry(m, "201", "Ana"), "ftp", "srv", "in");

	m->from->family = "canon";
	m->from->codec = "full";
	book_set_secret(m->from, d, SECRET_ENCRYPTED, "b64==", "canon_crypto_2");
	to(m, "canon", &full);
	assert_int_equal(m->ledger.n, 0);
	assert_int_equal(at(m, 0)->dest[0].secret.state, SECRET_ENCRYPTED);
	assert_string_equal(at(m, 0)->dest[0].secret.text, "b64==");
	to(m, "canon/abk", &plain);
	assert_int_equal(lines(m, LEDGER_SECRET_NEEDED), 1);
	assert_null(at(m, 0)->dest[0].secret.text);
}

/* ---- groups ---- */

static void groups_are_written_after_their_members_however_deep(void **state)
{
	struct made *m = *state;
	const uint32_t deep = 20000;

	for (uint32_t i = 0; i < deep; i++) {
		const char *key = book_fmt(m->from, "%u", 1 + i);
		struct book_entry *g = entry(m, key, key);
		g->group = true;
		book_add_member(m->from, g, book_fmt(m->from, "%u", 2 + i), "");
	}
	mail(m, entry(m, book_fmt(m->from, "%u", 1 + deep), "last"), "a@example.com");
	to(m, "ricoh", &plain);
	assert_int_equal(m->to->n_entries, deep + 1);
	assert_int_equal(lines(m, LEDGER_MEMBER_LOST), 0);
	assert_string_equal(value(at(m, 0), F_NAME), "last");
	assert_string_equal(value(at(m, deep), F_NAME), "1");
}

static void members_that_cannot_be_there_are_named(void **state)
{
	struct made *m = *state;
	struct book_entry *e = entry(m, "201", "asks");
	struct book_dest *d = folder(m, e, "smb", "srv", "in");

	book_set(m->from, &d->f, F_ASK_PASSWORD, "true");
	mail(m, entry(m, "202", "Ana"), "a@example.com");
	e = entry(m, "203", "box");
	book_set(m->from, &book_add_dest(m->from, e, DEST_BOX)->f, F_BOX_ID, "1");
	e = entry(m, "204", "All");
	e->group = true;
	book_add_member(m->from, e, "201", "201");
	book_add_member(m->from, e, "202", "202");
	book_add_member(m->from, e, "203", "203");
	book_add_member(m->from, e, "204", "204");
	book_add_member(m->from, e, NULL, "gone");
	to(m, "canon", &full);
	assert_int_equal(at(m, 2)->n_members, 1);
	assert_string_equal(at(m, 2)->member[0].key, "202");
	assert_int_equal(lines(m, LEDGER_MEMBER_LOST), 4);
	m->from->family = "canon";
	to(m, "canon", &full);
	/* dangling ones are kept by their own family (AB-3) */
	assert_int_equal(at(m, 2)->n_members, 2);
	assert_null(at(m, 2)->member[1].key);
	assert_string_equal(at(m, 2)->member[1].text, "gone");
}

static void membership_said_on_the_member_has_the_order_of_entries(void **state)
{
	struct made *m = *state;

	mail(m, entry(m, "1", "Ana"), "a@example.com");
	mail(m, entry(m, "2", "Bob"), "b@example.com");
	struct book_entry *g = entry(m, "3", "All");
	g->group = true;
	book_add_member(m->from, g, "2", "2");
	book_add_member(m->from, g, "1", "1");
	book_add_member(m->from, g, "2", "2");
	to(m, "xerox", &plain);
	assert_int_equal(at(m, 2)->n_members, 2);
	assert_string_equal(at(m, 2)->member[0].key, "1");
	assert_int_equal(lines(m, LEDGER_REMAPPED), 1);
	assert_int_equal(lines(m, LEDGER_MEMBER_LOST), 1);
}

static void a_format_without_groups_loses_them_by_name(void **state)
{
	struct made *m = *state;
	struct book_entry *g = entry(m, "1", "All");

	g->group = true;
	to(m, "sharp", &plain);
	assert_int_equal(m->to->n_entries, 0);
	assert_string_equal(line(m, LEDGER_ENTRY_DROPPED)->name, "All");
}

/* ---- all of it, at random ---- */

static void the_ledger_is_complete_for_every_profile(void **state)
{
	const struct codec *const formats[] = {&plain, &full};
	uint32_t cases = book_cases(600);
	/* test_book_laws has the many */
	cases = cases > 20000 ? 20000 : cases;

	(void)state;
	for (uint32_t i = 1; i <= cases; i++) {
		struct random r = {.state = i};
		struct book_shape shape = book_any_shape;
		const struct book_profile *const *all = profiles();
		uint32_t n = 0;
		while (all[n])
			n++;
		const struct book_profile *from = all[random_below(&r, n)];
		struct convert_options opts = {.target = all[random_below(&r, n)],
			.codec = formats[random_below(&r, 2)],
			.transliterate = random_one_in(&r, 2),
			.merge_same_name = random_one_in(&r, 3)};
		shape.family = from->family;
		struct book *x = book_random(&r, &shape);
		struct book *y = NULL;
		struct ledger ledger;
		struct fault fault = FAULT_INIT;
		ledger_init(&ledger);
		assert_int_equal(book_convert(x, &opts, &y, &ledger, &fault), 0);
		if (!law_complete(x, y, &ledger, profile_named(from->family), opts.target)) {
			law_print(x);
			law_print(y);
			law_print_ledger(&ledger);
			fail_msg("case %u, %s to %s", i, from->name, opts.target->name);
		}
		ledger_fini(&ledger);
		book_free(x);
		book_free(y);
	}
}

static void a_family_that_writes_nothing_is_refused(void **state)
{
	struct made *m = *state;
	const struct codec reader = {.name = "reader", .title = "A reader", .holds = holds_all};
	struct fault fault = FAULT_INIT;
	const struct convert_options opts = {.target = profile_named("canon"), .codec = &reader};

	assert_int_equal(book_convert(m->from, &opts, &m->to, &m->ledger, &fault), -1);
	assert_string_equal(fault.reason, "read_only");
}

#define RULE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(one_destination_in_an_entry_splits_a_person_and_groups_get_all_pieces),
		RULE(one_of_each_kind_or_protocol_stands_together),
		RULE(entries_of_one_name_are_joined_on_request_only),
		RULE(a_kind_that_the_target_has_not_is_dropped_and_an_entry_without_any),
		RULE(the_share_of_a_folder_is_said_as_each_maker_says_it),
		RULE(a_number_is_kept_if_it_is_free_and_in_range),
		RULE(a_number_that_no_list_has_is_told_and_kept_where_anything_is),
		RULE(lists_become_one_where_there_is_one),
		RULE(lists_keep_their_slots_or_take_a_free_one),
		RULE(a_list_without_a_name_that_a_file_can_say_gets_a_number),
		RULE(a_list_too_many_goes_to_the_first),
		RULE(lists_without_end_are_no_harm),
		RULE(capacity_preflight_each_list_together_and_the_book),
		RULE(capacity_preflight_unknown_refuses_nothing),
		RULE(capacity_preflight_members_of_a_group),
		RULE(over_capacity_what_comes_last_is_named),
		RULE(capacity_preflight_lengths_of_names_and_addresses),
		RULE(names_are_cut_between_the_characters_that_people_see),
		RULE(lengths_in_bytes_are_those_of_the_charset),
		RULE(digits_are_dropped_whole_not_cut),
		RULE(AB_20_exact_forms_are_reencoded),
		RULE(AB_20_accents_go_only_when_accepted),
		RULE(a_composed_form_of_the_same_text_is_no_loss),
		RULE(an_address_that_the_charset_has_not_drops_its_entry),
		RULE(line_ends_become_spaces_in_names_and_nowhere_else),
		RULE(codes_of_a_family_mean_nothing_to_another),
		RULE(letter_groups_are_made_anew_from_the_reading),
		RULE(AB_1_extras_go_back_to_their_own_format_only),
		RULE(AB_6_secrets_that_do_not_travel_are_asked_for),
		RULE(secret_canary_no_line_shows_a_password),
		RULE(AB_5_cipher_text_goes_back_to_its_own_format_unmodified),
		RULE(groups_are_written_after_their_members_however_deep),
		RULE(members_that_cannot_be_there_are_named),
		RULE(membership_said_on_the_member_has_the_order_of_entries),
		RULE(a_format_without_groups_loses_them_by_name),
		RULE(the_ledger_is_complete_for_every_profile),
		RULE(a_family_that_writes_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
