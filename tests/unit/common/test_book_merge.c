// SPDX-License-Identifier: Apache-2.0
/* Three-way merge (address-books.md 9.3, AB-27, law L10). BOOK_CASES in the environment sets how
 * many random triples each law sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/map.h"
#include "common/book/compare/match.h"
#include "common/book/compare/merge.h"
#include "tests/lib/book_random.h"

/* ---- small books ---- */

static struct book_entry *person(
	struct book *b, const char *number, const char *name, const char *mail)
{
	struct book_entry *e = book_add_entry(b, &b->list[0], number);

	book_set(b, &e->f, F_NUMBER, number);
	book_set(b, &e->f, F_NAME, name);
	if (mail)
		book_set(b, &book_add_dest(b, e, DEST_EMAIL)->f, F_ADDRESS, mail);
	return e;
}

static struct book *staff(void)
{
	struct book *b = book_new("canon");
	struct book_entry *g;

	(void)book_add_list(b, "1", LIST_ADDRESS_LIST, "Sales");
	person(b, "201", "Ana", "ana@example.com");
	person(b, "202", "Bob", "bob@example.com");
	person(b, "203", "Cyd", "cyd@example.com");
	g = person(b, "204", "All", NULL);
	g->group = true;
	book_add_member(b, g, "201", "");
	book_add_member(b, g, "202", "");
	return b;
}

static struct book_entry *of(struct book *b, const char *key)
{
	return list_find(&b->list[0], key);
}

static struct book_entry *named(const struct book *b, const char *name)
{
	for (uint32_t i = 0; i < b->list[0].n_entries; i++)
		if (strcmp(entry_name(&b->list[0].entry[i]), name) == 0)
			return &b->list[0].entry[i];
	return NULL;
}

struct three {
	struct book *b, *l, *r;
	struct merge m;
};

static struct three three(void)
{
	return (struct three){staff(), staff(), staff(), {.book = NULL}};
}

static struct book *merge(struct three *t)
{
	if (t->m.book)
		merge_fini(&t->m);
	assert_int_equal(book_merge(t->b, t->l, t->r, NULL, &t->m), 0);
	return t->m.book;
}

static void three_fini(struct three *t)
{
	merge_fini(&t->m);
	book_free(t->b);
	book_free(t->l);
	book_free(t->r);
}

/* "Ana reading both_changed: b | l | r" */
static void conflicts_are(const struct three *t, const char *want)
{
	struct buf out = BUF_INIT;

	for (uint32_t i = 0; i < t->m.n; i++) {
		const struct merge_conflict *c = &t->m.conflict[i];

		buf_addf(&out, "%s %s %s: %s | %s | %s\n", c->name, c->field, c->reason,
			c->base ? c->base : "-", c->left ? c->left : "-",
			c->right ? c->right : "-");
	}
	assert_string_equal(buf_str(&out), want);
	buf_fini(&out);
}

static const char *value(const struct book_entry *e, enum book_field id)
{
	assert_non_null(e);
	return fields_get(&e->f, id);
}

static const char *mail(const struct book_entry *e)
{
	assert_non_null(e);
	assert_int_equal(e->n_dests, 1);
	return fields_get(&e->dest[0].f, F_ADDRESS);
}

static void changes_of_both_sides_come_together(void **state unused)
{
	struct three t = three();

	book_set(t.l, &of(t.l, "201")->f, F_READING, "ana");
	book_set(t.r, &of(t.r, "201")->dest[0].f, F_ADDRESS, "ana@example.org");
	book_set(t.r, &of(t.r, "202")->f, F_NAME, "Bobby");
	merge(&t);
	conflicts_are(&t, "");
	assert_string_equal(value(of(t.m.book, "201"), F_READING), "ana");
	assert_string_equal(mail(of(t.m.book, "201")), "ana@example.org");
	assert_string_equal(value(of(t.m.book, "202"), F_NAME), "Bobby");
	assert_int_equal(t.m.book->n_entries, 4);
	three_fini(&t);
}

static void no_side_wins_silently(void **state unused)
{
	struct three t = three();

	book_set(t.l, &of(t.l, "201")->f, F_READING, "l");
	book_set(t.r, &of(t.r, "201")->f, F_READING, "r");
	book_set(t.l, &of(t.l, "202")->dest[0].f, F_ADDRESS, "l@example.com");
	book_set(t.r, &of(t.r, "202")->dest[0].f, F_ADDRESS, "r@example.com");
	merge(&t);
	conflicts_are(&t, "Ana reading both_changed: - | l | r\n"
			  "Bob email.address both_changed: bob@example.com | l@example.com | "
			  "r@example.com\n");
	assert_null(value(of(t.m.book, "201"), F_READING));
	assert_string_equal(mail(of(t.m.book, "202")), "bob@example.com");
	three_fini(&t);
}

static int take_right_of_ana(const struct merge_conflict *c, void *arg)
{
	(*(int *)arg)++;
	return strcmp(c->name, "Ana") == 0 ? MERGE_RIGHT : -1;
}

static void conflicts_are_settled_one_by_one_or_by_a_preference(void **state unused)
{
	struct three t = three();
	int asked = 0;
	struct merge_options o = {.prefer = -1, .resolve = take_right_of_ana, .arg = &asked};

	for (const char *const *key = (const char *const[]){"201", "202", NULL}; *key; key++) {
		book_set(t.l, &of(t.l, *key)->f, F_READING, "l");
		book_set(t.r, &of(t.r, *key)->f, F_READING, "r");
	}
	assert_int_equal(book_merge(t.b, t.l, t.r, &o, &t.m), 0);
	assert_int_equal(asked, 2);
	assert_int_equal(t.m.n, 1);
	assert_string_equal(value(of(t.m.book, "201"), F_READING), "r");
	assert_null(value(of(t.m.book, "202"), F_READING));
	merge_fini(&t.m);
	o.prefer = MERGE_LEFT;
	assert_int_equal(book_merge(t.b, t.l, t.r, &o, &t.m), 0);
	assert_int_equal(t.m.n, 0);
	assert_string_equal(value(of(t.m.book, "202"), F_READING), "l");
	three_fini(&t);
}

static void removed_here_and_changed_there_is_a_conflict_and_nothing_is_lost(void **state unused)
{
	struct three t = three();

	book_remove_entry(t.l, &t.l->list[0], of(t.l, "203"));
	merge(&t);
	conflicts_are(&t, "");
	assert_null(of(t.m.book, "203"));
	book_set(t.r, &of(t.r, "203")->f, F_READING, "cyd");
	merge(&t);
	conflicts_are(&t, "Cyd  removed_and_changed: there | - | changed\n");
	assert_string_equal(value(of(t.m.book, "203"), F_READING), "cyd");
	struct merge_options o = {.prefer = MERGE_LEFT};
	merge_fini(&t.m);
	assert_int_equal(book_merge(t.b, t.l, t.r, &o, &t.m), 0);
	assert_null(of(t.m.book, "203"));
	merge_fini(&t.m);
	o.prefer = MERGE_BASE;
	assert_int_equal(book_merge(t.b, t.l, t.r, &o, &t.m), 0);
	assert_null(value(of(t.m.book, "203"), F_READING));
	three_fini(&t);
}

static void equal_additions_are_one_and_others_both_stay(void **state unused)
{
	struct three t = three();

	person(t.l, "205", "Dot", "dot@example.com");
	person(t.r, "205", "Dot", "DOT@EXAMPLE.COM");
	merge(&t);
	assert_int_equal(t.m.book->n_entries, 6);
	book_set(t.r, &of(t.r, "205")->dest[0].f, F_ADDRESS, "dot@EXAMPLE.com");
	merge(&t);
	assert_int_equal(t.m.book->n_entries, 5);
	assert_int_equal(t.m.n + t.m.n_notes, 0);
	three_fini(&t);
}

static void additions_with_one_number_are_renumbered_and_noted(void **state unused)
{
	struct three t = three();
	const struct profile_list limit = {.slot = "1", .first = 201, .last = 206};
	const struct book_profile profile = {.list = &limit, .n_lists = 1};

	person(t.l, "206", "Dot", "dot@example.com");
	person(t.r, "206", "Eve", "eve@example.com");
	merge(&t);
	conflicts_are(&t, "");
	assert_string_equal(named(t.m.book, "Dot")->key, "206");
	assert_string_equal(named(t.m.book, "Eve")->key, "207");
	assert_string_equal(value(named(t.m.book, "Eve"), F_NUMBER), "207");
	assert_int_equal(t.m.n_notes, 1);
	assert_string_equal(
		t.m.note[0], "Eve was renumbered 206 → 207: another entry has its place in list 1");
	/* the printer's list ends at 206: the first free one before it */
	struct merge_options o = {.prefer = -1, .profile = &profile};
	merge_fini(&t.m);
	assert_int_equal(book_merge(t.b, t.l, t.r, &o, &t.m), 0);
	assert_string_equal(named(t.m.book, "Eve")->key, "205");
	three_fini(&t);
}

static void many_additions_with_the_same_numbers_all_stay(void **state unused)
{
	struct three t = three();
	char number[8], name[16];
	struct map seen = MAP_INIT;

	for (int i = 0; i < 3000; i++) {
		(void)snprintf(number, sizeof(number), "%d", 300 + i);
		(void)snprintf(name, sizeof(name), "l%d", i);
		person(t.l, number, name, NULL);
		(void)snprintf(name, sizeof(name), "r%d", i);
		person(t.r, number, name, NULL);
	}
	merge(&t);
	assert_int_equal(t.m.book->n_entries, 6004);
	assert_int_equal(t.m.n_notes, 3000);
	for (uint32_t i = 0; i < 6004; i++) {
		struct book_entry *e = &t.m.book->list[0].entry[i];
		assert_null(map_put(&seen, e->key, strlen(e->key), e));
	}
	map_fini(&seen);
	three_fini(&t);
}

static void tags_are_a_set(void **state unused)
{
	struct three t = three();

	book_add_tag(t.b, of(t.b, "201"), "title1", "1");
	book_add_tag(t.b, of(t.b, "201"), "title1", "2");
	book_add_tag(t.l, of(t.l, "201"), "title1", "2");
	book_add_tag(t.l, of(t.l, "201"), "title1", "3");
	book_add_tag(t.r, of(t.r, "201"), "title1", "1");
	book_add_tag(t.r, of(t.r, "201"), "title1", "2");
	book_add_tag(t.r, of(t.r, "201"), "title1", "4");
	merge(&t);
	conflicts_are(&t, "");
	struct book_entry *e = of(t.m.book, "201");
	assert_int_equal(e->n_tags, 3);
	assert_string_equal(e->tag[0].value, "2");
	assert_string_equal(e->tag[1].value, "3");
	assert_string_equal(e->tag[2].value, "4");
	three_fini(&t);
}

static void members_are(const struct book *b, const char *want)
{
	struct buf out = BUF_INIT;
	struct book_entry *g = named(b, "All");

	for (uint32_t i = 0; i < g->n_members; i++)
		buf_addf(&out, "%s ", g->member[i].key ? g->member[i].key : g->member[i].text);
	assert_string_equal(buf_str(&out), want);
	buf_fini(&out);
}

static void members_of_both_sides_come_together(void **state unused)
{
	struct three t = three();

	person(t.l, "205", "Dot", "dot@example.com");
	person(t.r, "205", "Eve", "eve@example.com");
	book_add_member(t.l, named(t.l, "All"), "205", "");
	book_add_member(t.r, named(t.r, "All"), "205", "");
	book_add_member(t.r, named(t.r, "All"), "203", "");
	merge(&t);
	conflicts_are(&t, "");
	members_are(t.m.book, "201 202 203 205 206 ");
	/* one side reorders, the other takes one away */
	struct three u = three();
	named(u.l, "All")->member[0].key = "202";
	named(u.l, "All")->member[1].key = "201";
	book_add_member(u.l, named(u.l, "All"), "203", "");
	named(u.r, "All")->n_members = 1;
	merge(&u);
	members_are(u.m.book, "201 203 ");
	three_fini(&u);
	three_fini(&t);
}

static void a_member_who_was_removed_on_the_other_side_is_a_conflict(void **state unused)
{
	struct three t = three();

	book_remove_entry(t.l, &t.l->list[0], of(t.l, "203"));
	book_add_member(t.r, named(t.r, "All"), "203", "");
	merge(&t);
	conflicts_are(&t, "All member dangling_member: - | - | Cyd\n");
	members_are(t.m.book, "201 202 203 ");
	assert_null(named(t.m.book, "All")->member[2].key);
	struct merge_options o = {.prefer = MERGE_LEFT};
	merge_fini(&t.m);
	assert_int_equal(book_merge(t.b, t.l, t.r, &o, &t.m), 0);
	members_are(t.m.book, "201 202 ");
	three_fini(&t);
}

static void members_follow_a_renumbered_entry(void **state unused)
{
	struct three t = three();

	book_set(t.l, &of(t.l, "201")->f, F_NUMBER, "299");
	named(t.l, "All")->member[0].key = "299";
	of(t.l, "201")->key = "299";
	book_add_member(t.r, named(t.r, "All"), "203", "");
	merge(&t);
	conflicts_are(&t, "");
	members_are(t.m.book, "299 202 203 ");
	three_fini(&t);
}

static void destinations_are_merged_one_by_one(void **state unused)
{
	struct three t = three();

	book_set(t.l, &book_add_dest(t.l, of(t.l, "201"), DEST_FAX)->f, F_FAX_NUMBER, "+331");
	book_set(t.r, &book_add_dest(t.r, of(t.r, "201"), DEST_FAX)->f, F_FAX_NUMBER, "+332");
	book_set(t.r, &book_add_dest(t.r, of(t.r, "201"), DEST_FAX)->f, F_FAX_NUMBER, "+33 1");
	book_remove_dest(of(t.l, "202"), &of(t.l, "202")->dest[0]);
	book_set(t.r, &of(t.r, "202")->dest[0].f, F_AS, "cc");
	book_remove_dest(of(t.l, "203"), &of(t.l, "203")->dest[0]);
	book_set(t.r, &of(t.r, "203")->f, F_READING, "x");
	merge(&t);
	conflicts_are(&t, "Bob email removed_and_changed: there | - | changed\n");
	assert_int_equal(of(t.m.book, "201")->n_dests, 3);
	assert_string_equal(fields_get(&of(t.m.book, "202")->dest[0].f, F_AS), "cc");
	assert_int_equal(of(t.m.book, "203")->n_dests, 0);
	three_fini(&t);
}

static struct book_secret *add_secret(struct book *b, enum secret_state state, const char *text)
{
	struct book_dest *d = book_add_dest(b, of(b, "201"), DEST_FILE);

	book_set(b, &d->f, F_HOST, "srv");
	book_set_secret(b, d, state, text, NULL);
	return &d->secret;
}

static void passwords(enum secret_state b, const char *base, enum secret_state l, const char *left,
	enum secret_state r, const char *right, const char *want)
{
	struct three t = three();

	add_secret(t.b, b, base);
	add_secret(t.l, l, left);
	add_secret(t.r, r, right);
	book_set(t.l, &of(t.l, "201")->f, F_READING, "l");
	book_set(t.r, &of(t.r, "201")->f, F_SHORT_LABEL, "r");
	merge(&t);
	const struct book_secret *s = &of(t.m.book, "201")->dest[1].secret;
	assert_string_equal(s->text ? s->text : secret_state_name(s->state), want);
	for (uint32_t i = 0; i < t.m.n; i++)
		assert_string_equal(t.m.conflict[i].left, "set");
	assert_int_equal(t.m.n, strcmp(want, "conflict") == 0);
	three_fini(&t);
}

static void passwords_merge_and_what_is_withheld_loses_nothing(void **state unused)
{
	passwords(SECRET_CLEAR, "a", SECRET_CLEAR, "b", SECRET_CLEAR, "a", "b");
	passwords(SECRET_CLEAR, "a", SECRET_CLEAR, "b", SECRET_CLEAR, "b", "b");
	passwords(SECRET_CLEAR, "a", SECRET_WITHHELD, "", SECRET_WITHHELD, "", "a");
	passwords(SECRET_CLEAR, "a", SECRET_WITHHELD, "", SECRET_CLEAR, "b", "b");
	passwords(SECRET_WITHHELD, "", SECRET_CLEAR, "b", SECRET_WITHHELD, "", "b");
	passwords(SECRET_CLEAR, "a", SECRET_ABSENT, "", SECRET_CLEAR, "a", "absent");
	passwords(SECRET_WITHHELD, "", SECRET_WITHHELD, "", SECRET_WITHHELD, "", "withheld");
}

static void passwords_that_contradict_are_a_conflict_without_their_text(void **state unused)
{
	struct three t = three();

	add_secret(t.b, SECRET_CLEAR, "a");
	add_secret(t.l, SECRET_CLEAR, "b");
	add_secret(t.r, SECRET_CLEAR, "c");
	merge(&t);
	conflicts_are(&t, "Ana file.secret both_changed: set | set | set\n");
	assert_string_equal(of(t.m.book, "201")->dest[1].secret.text, "a");
	three_fini(&t);
}

static void lists_are_added_removed_and_renamed(void **state unused)
{
	struct three t = three();

	(void)book_add_list(t.b, "2", LIST_ADDRESS_LIST, "Two");
	(void)book_add_list(t.r, "2", LIST_ADDRESS_LIST, "Two");
	(void)book_add_list(t.r, "3", LIST_ADDRESS_LIST, "Three");
	t.l->list[0].name = "Marketing";
	merge(&t);
	conflicts_are(&t, "");
	assert_int_equal(t.m.book->n_lists, 2);
	assert_string_equal(t.m.book->list[0].name, "Marketing");
	assert_string_equal(t.m.book->list[1].slot, "3");
	t.r->list[0].name = "Vente";
	merge(&t);
	conflicts_are(&t, " list.name both_changed: Sales | Marketing | Vente\n");
	assert_string_equal(t.m.book->list[0].name, "Sales");
	three_fini(&t);
}

static void two_new_places_for_one_entry_are_a_conflict(void **state unused)
{
	struct three t = three();

	of(t.l, "203")->key = "301";
	book_set(t.l, &of(t.l, "301")->f, F_NUMBER, "301");
	of(t.r, "203")->key = "302";
	book_set(t.r, &of(t.r, "302")->f, F_NUMBER, "302");
	merge(&t);
	conflicts_are(&t, "Cyd number both_changed: 203 | 301 | 302\n");
	assert_non_null(of(t.m.book, "203"));
	assert_int_equal(t.m.book->n_entries, 4);
	three_fini(&t);
}

/* ---- laws ---- */

static void dump(const char *title, const struct book *b)
{
	fprintf(stderr, "%s\n", title);
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++) {
			const struct book_entry *e = &b->list[i].entry[j];

			fprintf(stderr, " %s/%s%s", b->list[i].slot, e->key,
				e->group ? " group" : "");
			for (uint32_t k = 0; k < e->f.n; k++)
				fprintf(stderr, " %s=%s", field_info(e->f.v[k].id)->name,
					e->f.v[k].value);
			for (uint32_t k = 0; k < e->n_tags; k++)
				fprintf(stderr, " tag %s=%s", e->tag[k].system, e->tag[k].value);
			for (uint32_t k = 0; k < e->n_extras; k++)
				fprintf(stderr, " extra %s=%s", e->extra[k].name,
					e->extra[k].value);
			for (uint32_t k = 0; k < e->n_members; k++)
				fprintf(stderr, " member=%s?%s",
					e->member[k].key ? e->member[k].key : "-",
					e->member[k].text);
			for (uint32_t k = 0; k < e->n_dests; k++) {
				fprintf(stderr, " %s(%d)", dest_kind_name(e->dest[k].kind),
					e->dest[k].secret.state);
				for (uint32_t m = 0; m < e->dest[k].f.n; m++)
					fprintf(stderr, " .%s=%s",
						field_info(e->dest[k].f.v[m].id)->name,
						e->dest[k].f.v[m].value);
			}
			fprintf(stderr, "\n");
		}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Are there as many conflicts, each the other's mirror? */
static bool mirrored(const struct merge *x, const struct merge *y)
{
	for (uint32_t i = 0; i < x->n; i++) {
		const struct merge_conflict *a = &x->conflict[i];
		bool found = false;

		for (uint32_t j = 0; j < y->n && !found; j++) {
			const struct merge_conflict *b = &y->conflict[j];
			found = same_text(a->name, b->name) && same_text(a->field, b->field) &&
				same_text(a->base, b->base) && same_text(a->left, b->right) &&
				same_text(a->right, b->left);
		}
		if (!found)
			return false;
	}
	return x->n == y->n;
}

static void same(
	const struct book *got, const struct book *want, const struct three *t, const char *law)
{
	if (book_same(got, want, NULL))
		return;
	dump("base", t->b);
	dump("left", t->l);
	dump("right", t->r);
	dump("got", got);
	dump("want", want);
	fail_msg("%s", law);
}

/* Every entry that a side has and base has not, is there: by content, but for members who may have
 * other numbers now. */
static void nothing_added_is_lost(const struct three *t, const struct book *side)
{
	struct match_side b, s, got;
	uint32_t added = 0, found = 0;

	assert_int_equal(match_side_init(&b, t->b, NULL), 0);
	assert_int_equal(match_side_init(&s, side, NULL), 0);
	assert_int_equal(match_side_init(&got, t->m.book, NULL), 0);
	match_sides(&b, &s);
	for (uint32_t i = 0; i < s.n; i++) {
		struct book_entry e = *s.v[i].normal;
		bool there = false;

		if (s.v[i].pair != NO_PAIR)
			continue;
		added++;
		e.n_members = 0;
		for (uint32_t j = 0; j < got.n && !there; j++) {
			struct book_entry f = *got.v[j].normal;
			struct buf x = BUF_INIT, y = BUF_INIT;

			f.n_members = 0;
			entry_content(&e, &x);
			entry_content(&f, &y);
			there = x.n == y.n && memcmp(buf_str(&x), buf_str(&y), x.n) == 0;
			buf_fini(&x);
			buf_fini(&y);
		}
		found += there;
	}
	if (added != found) {
		dump("base", t->b);
		dump("left", t->l);
		dump("right", t->r);
		dump("got", t->m.book);
	}
	assert_int_equal(added, found);
	match_side_fini(&b);
	match_side_fini(&s);
	match_side_fini(&got);
}

/* Laws compare whole books with their passwords: sides that hide some have their own test. */
static const struct book_shape told = {
	.lists = 3,
	.entries = 10,
	.kinds = (1u << DEST_KINDS) - 2,
	.dests = 3,
	.tags = true,
	.extras = true,
	.uuids = true,
	.secrets = false,
};

static void law_L10_merge_with_oneself_and_with_base(void **state unused)
{
	struct random r = {10};

	for (uint32_t i = book_cases(200); i > 0; i--) {
		struct three t = {.b = book_random(&r, &told)};

		t.l = book_copy(t.b);
		book_mutate(&r, t.l, &told, random_below(&r, 12));
		t.r = book_copy(t.l);
		same(merge(&t), t.l, &t, "merge(b, x, x) is not x");
		assert_int_equal(t.m.n, 0);
		book_free(t.r);
		t.r = book_copy(t.b);
		same(merge(&t), t.l, &t, "merge(b, x, b) is not x");
		assert_int_equal(t.m.n, 0);
		three_fini(&t);
	}
}

static void law_L10_merge_commutes_and_no_addition_is_lost(void **state unused)
{
	struct random r = {11};

	for (uint32_t i = book_cases(300); i > 0; i--) {
		struct three t = {.b = book_random(&r, &told)};
		struct merge back;

		t.l = book_copy(t.b);
		t.r = book_copy(t.b);
		book_mutate(&r, t.l, &told, random_below(&r, 12));
		book_mutate(&r, t.r, &told, random_below(&r, 12));
		merge(&t);
		assert_int_equal(book_merge(t.b, t.r, t.l, NULL, &back), 0);
		same(t.m.book, back.book, &t, "merge(b, x, y) is not merge(b, y, x)");
		assert_true(mirrored(&t.m, &back));
		assert_int_equal(t.m.n_notes, back.n_notes);
		nothing_added_is_lost(&t, t.l);
		nothing_added_is_lost(&t, t.r);
		merge_fini(&back);
		three_fini(&t);
	}
}

/* Of two ways not to tell a password neither has to win. */
static void forget_who_does_not_tell(struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++)
			for (uint32_t k = 0; k < b->list[i].entry[j].n_dests; k++)
				if (b->list[i].entry[j].dest[k].secret.state == SECRET_UNKNOWN)
					b->list[i].entry[j].dest[k].secret.state = SECRET_WITHHELD;
}

static void merges_of_books_with_all_sorts_of_secrets_commute(void **state unused)
{
	struct random r = {12};

	for (uint32_t i = book_cases(100); i > 0; i--) {
		struct three t = {.b = book_random(&r, &book_any_shape)};
		struct merge back;

		t.l = book_copy(t.b);
		t.r = book_copy(t.b);
		book_mutate(&r, t.l, &book_any_shape, 8);
		book_mutate(&r, t.r, &book_any_shape, 8);
		merge(&t);
		assert_int_equal(book_merge(t.b, t.r, t.l, NULL, &back), 0);
		forget_who_does_not_tell(t.m.book);
		forget_who_does_not_tell(back.book);
		same(t.m.book, back.book, &t, "merge(b, x, y) is not merge(b, y, x)");
		merge_fini(&back);
		three_fini(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_of_both_sides_come_together),
		cmocka_unit_test(no_side_wins_silently),
		cmocka_unit_test(conflicts_are_settled_one_by_one_or_by_a_preference),
		cmocka_unit_test(removed_here_and_changed_there_is_a_conflict_and_nothing_is_lost),
		cmocka_unit_test(equal_additions_are_one_and_others_both_stay),
		cmocka_unit_test(additions_with_one_number_are_renumbered_and_noted),
		cmocka_unit_test(many_additions_with_the_same_numbers_all_stay),
		cmocka_unit_test(tags_are_a_set),
		cmocka_unit_test(members_of_both_sides_come_together),
		cmocka_unit_test(a_member_who_was_removed_on_the_other_side_is_a_conflict),
		cmocka_unit_test(members_follow_a_renumbered_entry),
		cmocka_unit_test(destinations_are_merged_one_by_one),
		cmocka_unit_test(passwords_merge_and_what_is_withheld_loses_nothing),
		cmocka_unit_test(passwords_that_contradict_are_a_conflict_without_their_text),
		cmocka_unit_test(lists_are_added_removed_and_renamed),
		cmocka_unit_test(two_new_places_for_one_entry_are_a_conflict),
		cmocka_unit_test(law_L10_merge_with_oneself_and_with_base),
		cmocka_unit_test(law_L10_merge_commutes_and_no_addition_is_lost),
		cmocka_unit_test(merges_of_books_with_all_sorts_of_secrets_commute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
