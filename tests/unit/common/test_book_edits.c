// SPDX-License-Identifier: Apache-2.0
/* Laws L3 and L4 of docs/spec/address-books.md over every sample of every codec that promises exact
 * bytes: whoever changes one thing changes the bytes of that thing, and nothing else is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/norm.h"
#include "tests/lib/book_law.h"

static const struct decode_options STRICT = {.lenient = false};

/* A sample at hand. */
struct sample {
	const struct codec *codec;
	const struct book_profile *profile;
	const char *path;
	struct span file;
	struct book *book;
};

static unsigned edits; /* that were tried */

/* ---- where a record stands ---- */

/* Of an element that begins there; 0 = it is none. */
static size_t element_end(struct span file, size_t at)
{
	const char *p = (const char *)file.p + at + 1; /* the file ends with a NUL */
	size_t n = strcspn(p, " \t\r\n/>");
	unsigned depth = 1;

	if (file.p[at] != '<')
		return 0;
	while (depth && (p = strchr(p, '<')) != NULL) {
		bool end = p[1] == '/';
		const char *name = p + 1 + end;
		bool same = strncmp(name, (const char *)file.p + at + 1, n) == 0 &&
			    strchr(" \t\r\n/>", name[n]) != NULL;
		p = name;
		if (same)
			depth = end ? depth - 1 : depth + 1;
	}
	return p ? (size_t)(strchr(p, '>') + 1 - (const char *)file.p) : 0;
}

/* The end of the record of e: of its element, or where the next one begins. */
static size_t end_of(const struct sample *s, const struct book_entry *e)
{
	size_t element = element_end(s->file, e->at.offset);
	size_t end = s->file.n;

	if (element)
		return element;

	for (uint32_t i = 0; i < s->book->n_lists; i++)
		for (uint32_t k = 0; k < s->book->list[i].n_entries; k++) {
			size_t at = s->book->list[i].entry[k].at.offset;
			if (at > e->at.offset && at < end)
				end = at;
		}
	return end;
}

struct change {
	size_t begin, end; /* bytes of the old file that are not in the new one */
};

static struct change change_of(struct span old, struct span new)
{
	size_t most = size_min(old.n, new.n);
	struct change c = {0, old.n};

	while (c.begin < most && old.p[c.begin] == new.p[c.begin])
		c.begin++;
	while (c.end > c.begin && old.n - c.end < most - c.begin &&
		old.p[c.end - 1] == new.p[new.n - (old.n - c.end) - 1])
		c.end--;
	return c;
}

/* ---- one edit ---- */

static void written(const struct sample *s, const struct book *edited, struct buf *out)
{
	const struct encode_options opts = {
		.profile = s->profile, .base = s->file, .reveal_secrets = true};
	struct fault fault = FAULT_INIT;
	struct book *again = NULL;

	if (book_encode(edited, s->codec, &opts, out, NULL, &fault) < 0)
		fail_msg("%s: %s", s->path, fault.detail);
	if (book_decode(buf_span(out), s->codec, &STRICT, &again, &fault) < 0)
		fail_msg("%s: %s\n%s", s->path, fault.detail, buf_str(out));
	if (!law_same(edited, again, s->codec, s->profile))
		fail_msg("%s: reads otherwise:\n%s", s->path, buf_str(out));
	book_free(again);
}

/* Two values of each type: one of them is not what stands there. */
static const char *other_value(enum book_field id, const char *old)
{
	static const char *const values[][2] = {
		[FIELD_TEXT] = {"Law Three", "Law Four"},
		[FIELD_EMAIL] = {"law3@example.org", "law4@example.org"},
		[FIELD_HOST] = {"law3.example.org", "law4.example.org"},
		[FIELD_PATH] = {"law\\three", "law/four"},
		[FIELD_FAX] = {"+49890003", "00049"},
		[FIELD_PORT] = {"4711", "4712"},
		[FIELD_BOOL] = {"true", "false"},
		[FIELD_UINT] = {"7", "8"},
		[FIELD_DIGITS] = {"0042", "0043"},
		[FIELD_TOKEN] = {NULL, NULL},
	};
	const char *const *v = values[field_info(id)->type];

	return v[0] && strcmp(v[0], old) == 0 ? v[1] : v[0];
}

/* Who an entry is, and what kind of record it has: these are no edits of a value. */
static bool is_identity(const struct codec *codec, enum book_field id)
{
	/* in a directory others refer to an entry by its name */
	bool named = strcmp(codec->name, "ldif") == 0;

	return id == F_NUMBER || id == F_UUID || id == F_PROTOCOL || (named && id == F_NAME);
}

/* A changed value may need quotes, escapes, base64 or another folding: not more. */
static void assert_confined(struct sample *s, const struct book_entry *e, struct span out,
	size_t most, const char *what)
{
	struct change c = change_of(s->file, out);

	if (c.begin < e->at.offset || c.end > end_of(s, e))
		fail_msg("%s, %s of %s: bytes %zu to %zu changed, the record is %zu to %zu:\n%s",
			s->path, what, entry_name(e), c.begin, c.end, e->at.offset, end_of(s, e),
			(const char *)out.p);
	/* a field of an entry may stand in each of its rows */
	if (c.end - c.begin > most && e->n_dests < 2)
		fail_msg("%s, %s of %s: %zu bytes changed:\n%s", s->path, what, entry_name(e),
			c.end - c.begin, (const char *)out.p);
	edits++;
}

static void edit_field(
	struct sample *s, uint32_t list, uint32_t entry, int dest, const struct field *f)
{
	const struct book_entry *e = &s->book->list[list].entry[entry];
	const char *value = other_value(f->id, f->value);
	struct buf out = BUF_INIT;

	if (value == NULL || is_identity(s->codec, f->id))
		return;
	struct book *edited = book_copy(s->book);
	struct book_entry *x = &edited->list[list].entry[entry];
	book_set(edited, dest < 0 ? &x->f : &x->dest[dest].f, f->id, value);
	written(s, edited, &out);
	assert_confined(s, e, buf_span(&out), 8 * (strlen(f->value) + strlen(value)) + 80,
		field_info(f->id)->name);
	buf_fini(&out);
	book_free(edited);
}

static void each_entry(
	struct sample *s, void (*fn)(struct sample *s, uint32_t list, uint32_t entry))
{
	for (uint32_t i = 0; i < s->book->n_lists; i++)
		for (uint32_t k = 0; k < s->book->list[i].n_entries; k++)
			fn(s, i, k);
}

static void edit_values(struct sample *s, uint32_t list, uint32_t entry)
{
	const struct book_entry *e = &s->book->list[list].entry[entry];

	for (uint32_t i = 0; i < e->f.n; i++)
		edit_field(s, list, entry, -1, &e->f.v[i]);
	for (uint32_t d = 0; d < e->n_dests; d++)
		for (uint32_t i = 0; i < e->dest[d].f.n; i++)
			edit_field(s, list, entry, (int)d, &e->dest[d].f.v[i]);
}

/* ---- entries that go and come ---- */

static bool is_member(const struct book_list *l, const char *key)
{
	for (uint32_t i = 0; i < l->n_entries; i++)
		for (uint32_t k = 0; k < l->entry[i].n_members; k++)
			if (l->entry[i].member[k].key &&
				strcmp(l->entry[i].member[k].key, key) == 0)
				return true;
	return false;
}

/* Each record but that one, and the last, behind which there is an end, stands there as it was. */
static bool others_stand(const struct sample *s, const struct book_entry *but, struct span out)
{
	const uint8_t *from = out.p;

	for (size_t at = 0;;) {
		const struct book_entry *e = NULL;
		for (uint32_t i = 0; i < s->book->n_lists; i++)
			for (uint32_t k = 0; k < s->book->list[i].n_entries; k++) {
				const struct book_entry *x = &s->book->list[i].entry[k];
				if (x->at.offset >= at && (!e || x->at.offset < e->at.offset))
					e = x;
			}
		if (!e || end_of(s, e) == s->file.n)
			return true;
		size_t n = end_of(s, e) - e->at.offset;
		while (n && strchr("\r\n\t ", s->file.p[e->at.offset + n - 1]))
			n--;
		at = e->at.offset + 1;
		if (e == but)
			continue;
		from = memmem(from, out.n - (size_t)(from - out.p), s->file.p + e->at.offset, n);
		if (!from)
			return false;
		from += n;
	}
}

static void remove_entry(struct sample *s, uint32_t list, uint32_t entry)
{
	const struct book_entry *e = &s->book->list[list].entry[entry];
	struct buf out = BUF_INIT;

	if (e->group || is_member(&s->book->list[list], e->key) ||
		s->book->list[list].n_entries < 2)
		return;
	struct book *edited = book_copy(s->book);
	book_remove_entry(edited, &edited->list[list], &edited->list[list].entry[entry]);
	written(s, edited, &out);
	struct change c = change_of(s->file, buf_span(&out));
	/* indentation or a blank line before it may go, too; a count in the head may change */
	size_t record = end_of(s, e) - e->at.offset;
	if (out.n >= s->file.n || s->file.n - out.n > record + 40 ||
		!others_stand(s, e, buf_span(&out)))
		fail_msg("%s without %s: bytes %zu to %zu are gone, the record is %zu to %zu:\n%s",
			s->path, entry_name(e), c.begin, c.end, e->at.offset, end_of(s, e),
			buf_str(&out));
	edits++;
	buf_fini(&out);
	book_free(edited);
}

static uint32_t free_number(const struct book_list *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n_entries; i++) {
		const char *s = fields_get(&l->entry[i].f, F_NUMBER);
		uint32_t k = s ? (uint32_t)strtoul(s, NULL, 10) : 0;
		uint32_t key = (uint32_t)strtoul(l->entry[i].key, NULL, 10);
		n = k > n ? k : n;
		n = key > n ? key : n;
	}
	return n + 1;
}

static void add_entry(struct sample *s, uint32_t list, uint32_t entry)
{
	struct buf out = BUF_INIT;

	if (!s->codec->holds(DEST_NONE, F_NUMBER) || s->book->list[list].entry[entry].group)
		return;
	struct book *edited = book_copy(s->book);
	struct book_list *l = &edited->list[list];
	const char *number = book_fmt(edited, "%u", free_number(l));
	struct book_entry *e = book_copy_entry(edited, l, &l->entry[entry]);
	e->key = number;
	e->at = (struct book_place){0, 0};
	e->n_extras = 0;
	book_set(edited, &e->f, F_NUMBER, number);
	book_set(edited, &e->f, F_UUID, NULL);
	for (uint32_t i = 0; i < e->n_dests; i++)
		if (e->dest[i].secret.state == SECRET_ENCRYPTED)
			book_set_secret(edited, &e->dest[i], SECRET_ABSENT, NULL, NULL);
	written(s, edited, &out);
	struct change c = change_of(s->file, buf_span(&out));
	if (out.n <= s->file.n || (c.end - c.begin > 40 && !others_stand(s, NULL, buf_span(&out))))
		fail_msg("%s with one more: bytes %zu to %zu changed:\n%s", s->path, c.begin, c.end,
			buf_str(&out));
	edits++;
	buf_fini(&out);
	book_free(edited);
}

/* ---- over all samples ---- */

static void with_sample(const struct codec *codec, const char *path, struct span file, void *arg)
{
	void (*fn)(struct sample *, uint32_t, uint32_t) =
		*(void (**)(struct sample *, uint32_t, uint32_t))arg;
	struct sample s = {
		.codec = codec, .profile = profile_named(codec->name), .path = path, .file = file};
	struct fault fault = FAULT_INIT;

	if (book_decode(file, codec, &STRICT, &s.book, &fault) == 0)
		each_entry(&s, fn);
	book_free(s.book);
}

static void over_all(void (*fn)(struct sample *s, uint32_t list, uint32_t entry))
{
	edits = 0;
	for (size_t i = 0; codecs()[i]; i++)
		if (codecs()[i]->flags & CODEC_EXACT && codecs()[i]->flags & CODEC_ENCODE)
			(void)law_samples(codecs()[i], with_sample, &fn);
	assert_true(edits > 10);
}

/* L4, too: what is read again has all extras and all other records. */
static void L3_a_changed_field_changes_its_own_bytes(void **state)
{
	(void)state;
	over_all(edit_values);
}

static void L4_an_entry_that_goes_takes_its_record_with_it(void **state)
{
	(void)state;
	over_all(remove_entry);
}

static void L4_an_entry_that_comes_leaves_all_others_as_they_were(void **state)
{
	(void)state;
	over_all(add_entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L3_a_changed_field_changes_its_own_bytes),
		cmocka_unit_test(L4_an_entry_that_goes_takes_its_record_with_it),
		cmocka_unit_test(L4_an_entry_that_comes_leaves_all_others_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
