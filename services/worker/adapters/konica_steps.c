// SPDX-License-Identifier: Apache-2.0
/* Which entries have to be deleted and set. */
#include "services/worker/adapters/konica_steps.h"

#include <stdio.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/norm.h"
#include "gen/errors.h"
#include "services/worker/adapters/konica_message.h"

/* The file, its tree and what is found. */
#define ARENA_MAX ((size_t)256 * 1024 * 1024)

static const struct xml_limits LIMITS = {
	.depth = 64, .nodes = 4000000, .attributes = 64, .text = 64 * 1024};

/* What SetAbbr is known to carry, below an entry. Elements outside are never sent changed. */
static const char *const KNOWN[] = {"AbbrNo", "Name", "SearchKey", "WellUse", "SendConfiguration",
	"SendConfiguration/SendGroup", "SendConfiguration/TargetAddressType",
	"SendConfiguration/AddressInfo", "SendConfiguration/AddressInfo/SendMode",
	"SendConfiguration/AddressInfo/EmailMode", "SendConfiguration/AddressInfo/EmailMode/To",
	"SendConfiguration/AddressInfo/ImageType", "SendConfiguration/AddressInfo/IconID",
	"SendConfiguration/AddressInfo/PhotoEditFlag", "FaxConfiguration", "EditFlag",
	"ReferLicence", "ReferLicence/UseReferLicence", "ReferLicence/ReferGroupNo",
	"ReferLicence/ReferPossibleLevel", "AddressKind"};

/* Entries of one item, by number. */
struct side {
	struct map entries; /* number → its place in in_order */
	const struct xml_node **in_order;
	size_t n;
	const struct book *book;
};

struct maker {
	struct konica_steps *s;
	struct side before, wanted, source;
};

/* ---- entries of an item ---- */

static const struct image_item *item_of(const struct image *image)
{
	for (size_t i = 0; image && i < image->n_items; i++)
		if (strcmp(image->item[i].name, "address_book") == 0)
			return &image->item[i];
	return NULL;
}

static void count(const struct xml_node *n, size_t *total)
{
	for (; n; n = n->next) {
		if (strcmp(n->name, "Abbr") == 0)
			++*total;
		else
			count(n->child, total);
	}
}

static int put_entry(
	struct maker *m, struct side *side, const struct xml_node *n, struct fault *reterr)
{
	const char *number = konica_number(&m->s->arena, n);

	if (!*number)
		return fault_set(reterr, CN_VALIDATION_FAILED, "an entry has no number: %.60s",
			xml_child_text(n, "Name"));
	if (map_get(&side->entries, number, strlen(number)))
		return fault_set(
			reterr, CN_VALIDATION_FAILED, "two entries have the number %s", number);
	side->in_order[side->n] = n;
	(void)map_put(&side->entries, number, strlen(number), &side->in_order[side->n++]);
	return 0;
}

static int put_entries(
	struct maker *m, struct side *side, const struct xml_node *n, struct fault *reterr)
{
	for (; n; n = n->next) {
		int r = strcmp(n->name, "Abbr") == 0 ? put_entry(m, side, n, reterr)
						     : put_entries(m, side, n->child, reterr);
		if (r < 0)
			return -1;
	}
	return 0;
}

static int read_side(
	struct maker *m, struct side *side, const struct image *image, struct fault *reterr)
{
	const struct image_item *item = item_of(image);
	const struct xml_node *root;
	size_t n = 0;

	if (!item)
		return 0;
	side->book = image->book;
	root = xml_parse(&m->s->arena, item->bytes, &LIMITS, NULL, reterr);
	if (!root)
		return -1;
	count(root, &n);
	side->in_order = arena_array(&m->s->arena, n + 1, sizeof(struct xml_node *));
	if (!side->in_order)
		return fault_set(reterr, CN_RESPONSE_TOO_BIG, "the book is too big");
	return put_entries(m, side, root, reterr);
}

static const struct xml_node *entry_of(const struct side *side, const char *number)
{
	const struct xml_node *const *at = map_get(&side->entries, number, strlen(number));

	return at ? *at : NULL;
}

/* ---- the same entry? ---- */

static struct span trimmed(const char *s)
{
	size_t n;

	s += strspn(s, " \t\r\n");
	for (n = strlen(s); n > 0 && strchr(" \t\r\n", s[n - 1]); n--)
		;
	return (struct span){(const uint8_t *)s, n};
}

static bool same_text(const char *a, const char *b)
{
	struct span x = trimmed(a), y = trimmed(b);

	return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
}

/* Element by element, in order; prefixes and the blanks between elements say nothing. */
static bool same(const struct xml_node *a, const struct xml_node *b)
{
	const struct xml_node *x = a->child, *y = b->child;

	if (strcmp(a->name, b->name) != 0)
		return false;
	if (!x && !y) /* a name keeps its blanks */
		return strcmp(a->name, "Name") == 0 ? strcmp(a->text, b->text) == 0
						    : same_text(a->text, b->text);
	while (x && y && same(x, y)) {
		x = x->next;
		y = y->next;
	}
	return !x && !y;
}

static bool has_number(const struct book_entry *e, const char *number)
{
	const char *n = fields_get(&e->f, F_NUMBER);

	while (n && n[0] == '0' && n[1])
		n++;
	return n && strcmp(n, number) == 0;
}

static const struct book_entry *book_entry_of(const struct book *b, const char *number)
{
	for (uint32_t i = 0; b && i < b->n_lists; i++)
		for (uint32_t k = 0; k < b->list[i].n_entries; k++)
			if (has_number(&b->list[i].entry[k], number))
				return &b->list[i].entry[k];
	return NULL;
}

static struct book *book_of_one(const struct book *from, const struct book_entry *e)
{
	struct book *b = book_new(from->family);

	(void)book_copy_entry(b, book_add_list(b, "1", LIST_FLAT, ""), e);
	return b;
}

/* Do the books say that both have the same entry there, its password included? */
static bool same_in_books(const struct side *a, const struct side *b, const char *number)
{
	const struct book_entry *x = book_entry_of(a->book, number);
	const struct book_entry *y = book_entry_of(b->book, number);
	struct book *one, *two;
	bool equal;

	if (!x || !y)
		return false;
	one = book_of_one(a->book, x);
	two = book_of_one(b->book, y);
	equal = book_same(one, two, profile_named("konica"));
	book_free(one);
	book_free(two);
	return equal;
}

/* ---- what may be written ---- */

static bool is_known(const char *path)
{
	for (size_t i = 0; i < array_len(KNOWN); i++)
		if (strcmp(KNOWN[i], path) == 0)
			return true;
	return false;
}

/* Does everything outside of what is known stand in the device's entry, too, and alike? */
static bool holds_known(const struct xml_node *n, const struct xml_node *have, const char *path)
{
	for (const struct xml_node *c = n->child; c; c = c->next) {
		const struct xml_node *there = have ? xml_child(have, c->name) : NULL;
		char at[160];

		(void)snprintf(at, sizeof(at), "%s%s%.60s", path, *path ? "/" : "", c->name);
		if (is_known(at) ? !holds_known(c, there, at) : !there || !same(c, there))
			return false;
	}
	return true;
}

static bool says(const struct xml_node *n, const char *path, const char *word)
{
	const struct xml_node *at = soap_at(n, path);

	return !at || same_text(at->text, word);
}

static const char *mode_of(struct maker *m, const struct xml_node *n)
{
	return soap_text_at(&m->s->arena, n, "SendConfiguration/AddressInfo/SendMode");
}

static bool is_email(struct maker *m, const struct xml_node *n)
{
	return strcmp(mode_of(m, n), "Email") == 0 &&
	       says(n, "SendConfiguration/TargetAddressType", "Single") &&
	       says(n, "AddressKind", "Public");
}

static void refuse(
	struct maker *m, const struct xml_node *n, const char *number, const char *reason)
{
	m->s->refusal[m->s->n_refused++] = (struct konica_refusal){.number = number,
		.name = xml_child_text(n, "Name"),
		.mode = mode_of(m, n),
		.reason = reason};
}

static void add_step(struct maker *m, const char *number, const struct xml_node *abbr)
{
	m->s->step[m->s->n++] = (struct konica_step){number, abbr};
}

static void plan_entry(struct maker *m, const struct xml_node *n)
{
	const char *number = konica_number(&m->s->arena, n);
	const struct xml_node *have = entry_of(&m->before, number);
	const struct xml_node *copy = entry_of(&m->source, number);

	if (have && same(n, have))
		return;
	if (copy && (same(n, copy) || same_in_books(&m->wanted, &m->source, number)))
		add_step(m, number, copy);
	else if (!is_email(m, n))
		refuse(m, n, number, "not_email");
	else if (!holds_known(n, have, ""))
		refuse(m, n, number, "unknown_element");
	else
		add_step(m, number, n);
}

static int plan_all(struct maker *m, struct fault *reterr)
{
	size_t n = m->before.n + m->wanted.n + 1;

	m->s->step = arena_array(&m->s->arena, n, sizeof(*m->s->step));
	m->s->refusal = arena_array(&m->s->arena, n, sizeof(*m->s->refusal));
	if (!m->s->step || !m->s->refusal)
		return fault_set(reterr, CN_RESPONSE_TOO_BIG, "the book is too big");
	for (size_t i = 0; i < m->before.n; i++) {
		const char *number = konica_number(&m->s->arena, m->before.in_order[i]);
		if (!entry_of(&m->wanted, number))
			add_step(m, number, NULL);
	}
	m->s->n_deleted = m->s->n;
	for (size_t i = 0; i < m->wanted.n; i++)
		plan_entry(m, m->wanted.in_order[i]);
	return 0;
}

int konica_steps_make(const struct errand *e, struct konica_steps *ret, struct fault *reterr)
{
	struct maker m = {.s = ret};
	int r = 0;

	*ret = (struct konica_steps){.n = 0};
	arena_init(&ret->arena, ARENA_MAX);
	if (item_of(e->wanted)) {
		r = read_side(&m, &m.before, e->before, reterr);
		if (r == 0)
			r = read_side(&m, &m.wanted, e->wanted, reterr);
		if (r == 0)
			r = read_side(&m, &m.source, e->source, reterr);
		if (r == 0)
			r = plan_all(&m, reterr);
	}
	map_fini(&m.before.entries);
	map_fini(&m.wanted.entries);
	map_fini(&m.source.entries);
	return r;
}

void konica_steps_fini(struct konica_steps *s)
{
	arena_fini(&s->arena);
}

/* ---- what would be refused ---- */

int konica_refusal_fault(const struct konica_refusal *r, struct fault *reterr)
{
	return fault_why(reterr, CN_UNSUPPORTED_OPERATION, r->reason,
		"entry %s \"%.60s\" (%.20s): e-mail entries are written; others only as they were "
		"read",
		r->number, r->name, *r->mode ? r->mode : "no kind");
}

static const char *copy(struct arena *a, const char *s)
{
	const char *c = arena_strdup(a, s);

	return c ? c : "";
}

/* Notes live in the errand's arena: the steps end here. */
static int add_notes(
	const struct errand *e, const struct konica_steps *s, struct m_device_plan *plan)
{
	size_t room = plan->notes_n + s->n_refused + 1;
	struct m_plan_note *notes = arena_array(e->arena, room, sizeof(*notes));
	size_t n = plan->notes_n;

	if (!notes)
		return -1;
	if (n > 0)
		memcpy(notes, plan->notes, n * sizeof(*notes));
	for (size_t i = 0; i < s->n_refused && n < 200; i++)
		notes[n++] = (struct m_plan_note){.kind = "refused",
			.item = "address_book",
			.name = copy(e->arena, s->refusal[i].name),
			.reason = s->refusal[i].reason,
			.before = copy(e->arena, s->refusal[i].number),
			.after = copy(e->arena, s->refusal[i].mode),
			.text = "This family writes e-mail entries; others only as they were "
				"read."};
	if (s->n_deleted > 0 && n < 200)
		notes[n++] = (struct m_plan_note){.kind = "hazard",
			.item = "address_book",
			.reason = "members_unknown",
			.number = s->n_deleted,
			.text = "Groups on the device that name a removed entry lose it; which "
				"they are cannot be read (DC-6)."};
	plan->notes = notes;
	plan->notes_n = n;
	return 0;
}

int konica_foresee(const struct errand *e, struct m_device_plan *plan, struct fault *reterr)
{
	struct konica_steps steps;
	int r = konica_steps_make(e, &steps, reterr);

	if (r == 0 && add_notes(e, &steps, plan) < 0)
		r = fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	if (r == 0 && steps.n_refused > 0)
		r = konica_refusal_fault(&steps.refusal[0], reterr);
	konica_steps_fini(&steps);
	return r;
}
