// SPDX-License-Identifier: Apache-2.0
/* Laws of imports over random books (docs/spec/address-books.md section 11). BOOK_CASES in the
 * environment says how many cases all laws and targets see together, BOOK_RUN which ones (0, 1 …);
 * BOOK_TARGET and BOOK_SEED, as a failure names them, repeat one. */
#include "tests/lib/book_test.h"

#include "common/base/map.h"
#include "common/book/compare/diff.h"
#include "common/book/import/import.h"
#include "tests/lib/book_law.h"
#include "tests/lib/book_random.h"

static const char *const TARGETS[] = {"canon/abk", "ricoh_udirectory", "konica_xml", "kyocera"};

#define LAWS 3u

/* The case that is tried, for whoever has to repeat it. */
static struct {
	const char *target; /* NULL = none */
	uint64_t seed;
	struct ledger ledger; /* of whatever is of no interest */
} now;

static int setup(void **state)
{
	(void)state;
	now.target = NULL;
	ledger_init(&now.ledger);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (now.target)
		print_message("BOOK_TARGET=%s BOOK_SEED=%llu\n", now.target,
			(unsigned long long)now.seed);
	ledger_fini(&now.ledger);
	return 0;
}

/* ---- making ---- */

/* A device of that family, with all its lists, empty. */
static struct book *empty_device(const struct import_options *o)
{
	struct book *b = book_new(o->codec->family);

	b->codec = book_str(b, o->codec->name);
	b->charset = book_str(b, o->profile->charset);
	for (uint32_t i = 0; i < o->profile->n_lists; i++)
		(void)book_add_list(b, o->profile->list[i].slot, o->profile->list[i].kind, "");
	return b;
}

static struct book *make(const struct book *before, const struct book *source,
	struct import_options o, enum import_mode mode)
{
	struct fault f = FAULT_INIT;
	struct book *b = NULL;

	o.mode = mode;
	if (book_import(before, source, &o, &b, &now.ledger, &f) < 0)
		fail_msg("%s: %s", f.reason, f.detail);
	return b;
}

/* A machine that gives identities gives them to whoever is new. */
static void identify(struct book *b, const struct import_options *o, const char *machine)
{
	for (uint32_t i = 0; (o->codec->flags & CODEC_IDS) && i < b->list[0].n_entries; i++) {
		struct book_entry *e = &b->list[0].entry[i];
		if (*machine || strncmp(e->key, "new", 3) == 0)
			e->key = book_fmt(b, "%s%u", *machine ? machine : "77", i);
	}
}

static struct book *with_list(const struct book *b, const struct book_list *l)
{
	struct book *one = book_new(b->family);
	struct book_list *to;

	one->codec = book_str(one, b->codec);
	one->charset = book_str(one, b->charset);
	to = book_add_list(one, l->slot, l->kind, l->name);
	for (uint32_t k = 0; k < l->n_entries; k++)
		(void)book_copy_entry(one, to, &l->entry[k]);
	return one;
}

/* What the device says when it holds b, list by list where each is an item of its own; nothing of b
 * is lost (R24). */
static struct book *held(const struct book *b, const struct import_options *o)
{
	struct book *all = empty_device(o);

	/* over a file of the same device only: tests of the worker write over one */
	if (o->codec->flags & CODEC_NEEDS_BASE) {
		book_free(all);
		all = book_copy(b);
		identify(all, o, "");
		return all;
	}
	for (uint32_t i = 0; i < b->n_lists; i++) {
		struct book *one = with_list(b, &b->list[i]), *read;
		struct buf out = write_book(
			one, o->codec->name, (struct span){.p = NULL}, true, &now.ledger);
		struct book_list *to = book_find_list(all, b->list[i].slot);
		read = read_book(buf_span(&out), o->codec->name);
		if (!law_same(one, read, o->codec, o->profile))
			fail_msg("list %s is not inside the domain of %s", b->list[i].slot,
				o->codec->name);
		to->name = book_str(all, b->list[i].name);
		for (uint32_t k = 0; read->n_lists && k < read->list[0].n_entries; k++)
			(void)book_copy_entry(all, to, &read->list[0].entry[k]);
		buf_fini(&out);
		book_free(read);
		book_free(one);
	}
	return all;
}

/* ---- what must hold ---- */

static void assert_kept(const struct book *before, const struct book *wanted)
{
	for (uint32_t i = 0; i < before->n_lists; i++) {
		const struct book_list *l = &before->list[i];
		const struct book_list *w = book_find_list(wanted, l->slot);
		assert_true(w->n_entries >= l->n_entries);
		for (uint32_t k = 0; k < l->n_entries; k++)
			assert_string_equal(w->entry[k].key, l->entry[k].key);
	}
}

/* Its entries alone, in their places. */
static struct book *first_entries(const struct book *before, const struct book *wanted)
{
	struct book *b = book_copy(wanted);

	for (uint32_t i = 0; i < b->n_lists; i++) {
		const struct book_list *l = book_find_list(before, b->list[i].slot);
		while (b->list[i].n_entries > l->n_entries)
			book_remove_entry(
				b, &b->list[i], &b->list[i].entry[b->list[i].n_entries - 1]);
	}
	return b;
}

static void unique_numbers(const struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++) {
		struct map seen = MAP_INIT;
		for (uint32_t k = 0; k < b->list[i].n_entries; k++) {
			const char *n = fields_get(&b->list[i].entry[k].f, F_NUMBER);
			if (n)
				assert_null(map_put(&seen, n, strlen(n), &b->list[i].entry[k]));
		}
		map_fini(&seen);
	}
}

/* Whoever comes back gets another one of the device. */
static bool is_identity(const struct diff_change *c)
{
	return c->op == DIFF_RENUMBER && strcmp(c->field, "number") != 0;
}

/* What the source does not say of passwords stays as the device has it. */
static void assert_restored(
	const struct book *backup, const struct book *is, const struct book_profile *profile)
{
	struct diff d;

	assert_int_equal(book_diff(backup, is, profile, &d), 0);
	for (uint32_t i = 0; i < d.n; i++)
		if (d.change[i].op != DIFF_SECRET_UNKNOWN && !is_identity(&d.change[i]))
			assert_same(backup, is, profile);
	diff_fini(&d);
}

static void say(const struct diff_change *c)
{
	(void)fprintf(stderr, "list %s: %s %s %s: %s -> %s\n", c->list ? c->list : "",
		diff_op_name(c->op), c->name ? c->name : "", c->field ? c->field : "",
		c->before ? c->before : "-", c->after ? c->after : "-");
}

/* Nobody but the machine knows what it is for. */
static void adds_its_own(struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t k = 0; k < b->list[i].n_entries; k++)
			if (!b->list[i].entry[k].group)
				book_add_extra(b, &b->list[i].entry[k], "machine-made", "1");
}

/* A device that holds what was planned has nothing to do. */
static void assert_settled(const struct book *wanted, const struct book *source,
	const struct import_options *o, enum import_mode mode)
{
	struct book *is = held(wanted, o);
	adds_its_own(is);
	struct book *again = make(is, source, *o, mode);

	bool settled = true;
	struct diff d;

	assert_int_equal(book_diff(is, again, o->profile, &d), 0);
	for (uint32_t i = 0; i < d.n; i++) {
		if (d.change[i].op == DIFF_SECRET_UNKNOWN)
			continue; /* nobody can tell (V5) */
		settled = false;
		say(&d.change[i]);
	}
	diff_fini(&d);
	if (!settled && getenv("BOOK_SEED")) {
		law_print(source);
		law_print(is);
		law_print(again);
	}
	if (!settled)
		fail_msg("mode %d: something is to change again", (int)mode);
	book_free(is);
	book_free(again);
}

/* ---- the cases ---- */

typedef void law_fn(struct random *r, const struct import_options *o);

static void each_case(law_fn *law)
{
	const char *only = getenv("BOOK_TARGET"), *seed = getenv("BOOK_SEED"),
		   *run = getenv("BOOK_RUN");
	uint64_t first = run ? strtoull(run, NULL, 10) << 32 : 0;

	for (size_t t = 0; t < array_len(TARGETS); t++) {
		struct import_options o = {.profile = profile_named(TARGETS[t])};
		if (only && strcmp(only, o.profile->name) != 0)
			continue;
		o.codec = codec_named(o.profile->codec);
		now.target = o.profile->name;
		for (uint32_t i = 1; i <= book_cases(2400) / LAWS / array_len(TARGETS); i++) {
			struct random r = {seed ? strtoull(seed, NULL, 10)
						: (first + i) * 0x9e3779b97f4a7c15u};
			now.seed = r.state;
			law(&r, &o);
			ledger_fini(&now.ledger);
			ledger_init(&now.ledger);
			if (seed)
				break;
		}
	}
	now.target = NULL;
}

static void free_books(struct book *const *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		book_free(all[i]);
}

static void modes(struct random *r, const struct import_options *o)
{
	struct book *empty = empty_device(o), *x = book_random(r, &book_any_shape),
		    *y = book_random(r, &book_any_shape);
	struct book *device = make(empty, x, *o, IMPORT_REPLACE);
	struct book *backup = make(empty, y, *o, IMPORT_REPLACE);
	identify(device, o, "1");
	identify(backup, o, "9");
	struct import_options machine = *o;
	machine.written = true;
	struct book *replaced = make(device, backup, machine, IMPORT_REPLACE);
	machine.own = true;
	struct book *same = make(device, device, machine, IMPORT_REPLACE);
	struct book *added = make(device, y, *o, IMPORT_ADD);
	struct book *merged = make(device, y, *o, IMPORT_MERGE);
	struct book *again = make(backup, y, *o, IMPORT_REPLACE);
	struct book *old = first_entries(device, added);

	assert_same(device, same, o->profile);
	assert_restored(backup, replaced, o->profile);
	assert_kept(device, merged);
	assert_same(device, old, o->profile);
	book_free(held(device, o));
	unique_numbers(merged);
	unique_numbers(added);
	assert_restored(backup, again, o->profile);
	struct book *all[] = {
		empty, x, y, device, backup, same, replaced, added, merged, again, old};
	free_books(all, array_len(all));
}

static void settled(struct random *r, const struct import_options *o)
{
	struct book *empty = empty_device(o), *x = book_random(r, &book_any_shape),
		    *y = book_random(r, &book_any_shape);
	struct book *device = make(empty, x, *o, IMPORT_REPLACE);
	identify(device, o, "1");

	for (enum import_mode mode = IMPORT_REPLACE; mode <= IMPORT_ADD; mode++) {
		struct book *wanted = make(device, y, *o, mode);
		assert_settled(wanted, y, o, mode);
		book_free(wanted);
	}
	struct book *all[] = {empty, x, y, device};
	free_books(all, array_len(all));
}

/* A file of the same kind of machine, which somebody edited. */
static const struct book_shape by_hand = {
	.lists = 1, .entries = 12, .kinds = (1u << DEST_KINDS) - 2, .dests = 3, .tags = true};

static bool in_charset(const char *s, const struct import_options *o)
{
	struct buf out = BUF_INIT;
	size_t at;
	int rc = charset_encode(
		(enum charset)charset_named(o->profile->charset), text_span(s), &out, &at);

	buf_fini(&out);
	return rc == 0;
}

static void only_read(
	struct book *b, struct fields *f, enum dest_kind kind, const struct import_options *o)
{
	for (uint32_t i = f->n; i-- > 0;)
		if (!o->codec->holds(kind, f->v[i].id) || !in_charset(f->v[i].value, o))
			book_set(b, f, f->v[i].id, NULL);
}

/* Nothing comes out of a file that its format cannot say. */
static void as_read(struct book *b, const struct import_options *o)
{
	for (uint32_t i = 0; i < b->n_lists; i++) {
		struct book_list *l = &b->list[i];
		l->name = o->profile->list_names && in_charset(l->name, o) ? l->name : "";
		for (uint32_t k = 0; k < l->n_entries; k++) {
			struct book_entry *e = &l->entry[k];
			only_read(b, &e->f, DEST_NONE, o);
			for (uint32_t d = e->n_dests; d-- > 0;)
				if (o->codec->holds(e->dest[d].kind, (enum book_field)0))
					only_read(b, &e->dest[d].f, e->dest[d].kind, o);
				else
					book_remove_dest(e, &e->dest[d]);
		}
	}
}

static void edited(struct random *r, const struct import_options *o)
{
	struct book *empty = empty_device(o), *x = book_random(r, &book_any_shape),
		    *y = book_random(r, &book_any_shape);
	struct book *device = make(empty, x, *o, IMPORT_REPLACE);
	struct book *file = make(empty, y, *o, IMPORT_REPLACE);
	identify(device, o, "1");
	identify(file, o, "9");
	book_mutate(r, file, &by_hand, random_below(r, 8));
	as_read(file, o);

	for (enum import_mode mode = IMPORT_REPLACE; mode <= IMPORT_ADD; mode++) {
		struct book *wanted = make(device, file, *o, mode);
		assert_settled(wanted, file, o, mode);
		book_free(wanted);
	}
	struct book *all[] = {empty, x, y, device, file};
	free_books(all, array_len(all));
}

static void imports_keep_their_laws(void **state)
{
	(void)state;
	each_case(modes);
}

/* FL-27: applied and read back, the next plan says that nothing is to change. */
static void an_import_made_twice_changes_nothing(void **state)
{
	(void)state;
	each_case(settled);
}

/* AB-7: lengths, characters, kinds and counts, also of a file of the same kind of machine. */
static void a_file_of_the_same_dialect_is_held_to_what_the_machine_holds(void **state)
{
	(void)state;
	each_case(edited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(imports_keep_their_laws, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_import_made_twice_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_of_the_same_dialect_is_held_to_what_the_machine_holds, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
