// SPDX-License-Identifier: Apache-2.0
/* Was it written? */
#include "services/worker/proof.h"

#include <stdio.h>
#include <string.h>

#include "common/book/compare/diff.h"
#include "common/book/import/import.h"
#include "common/book/items.h"
#include "gen/errors.h"

#define SHORT 120u

void proof_init(struct proof *p, struct arena *arena)
{
	*p = (struct proof){.arena = arena};
	p->rows = arena_array(arena, PROOF_ROWS, sizeof(*p->rows));
	bug_if(p->rows == NULL);
}

static void worst(struct proof *p, enum proof_result r)
{
	if (r > p->result)
		p->result = r;
}

static struct m_item_report *row_of(struct proof *p, const char *item)
{
	struct m_plan_note *notes;

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->rows[i].item, item) == 0)
			return &p->rows[i];
	if (p->n == PROOF_ROWS)
		return &p->rows[PROOF_ROWS - 1];
	notes = arena_array(p->arena, PROOF_CORRECTIONS, sizeof(*notes));
	p->rows[p->n] = (struct m_item_report){.item = cut_text(p->arena, item, 64),
		.result = ITEM_RESULT_UNCHANGED,
		.corrections = notes};
	return &p->rows[p->n++];
}

/* ---- what explains a difference ---- */

static bool cut_off(const char *wanted, const char *seen)
{
	size_t n = seen ? strlen(seen) : 0;

	return wanted && n < strlen(wanted) && strncmp(wanted, seen ? seen : "", n) == 0 && n > 0;
}

static bool control(char c)
{
	return (c >= 0x01 && c <= 0x08) || c == 0x0b || c == 0x0c || (c >= 0x0e && c <= 0x19) ||
	       c == 0x7f;
}

/* R23: they are taken out when the device writes. */
static bool without_controls(const char *wanted, const char *seen)
{
	const char *s = seen ? seen : "";
	bool any = false;

	for (; wanted && *wanted; wanted++) {
		if (control(*wanted)) {
			any = true;
			continue;
		}
		if (*wanted != *s++)
			return false;
	}
	return any && *s == 0;
}

static const struct profile_list *limits_of(const struct book_profile *p, const char *slot)
{
	for (uint32_t i = 0; i < p->n_lists; i++)
		if (strcmp(p->list[i].slot, slot) == 0)
			return &p->list[i];
	return NULL;
}

static uint32_t in_pool(const struct book *b, const struct book_profile *p, uint32_t pool)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_lists; i++) {
		const struct profile_list *l = limits_of(p, b->list[i].slot);
		n += l && l->pool == pool ? b->list[i].n_entries : 0;
	}
	return n;
}

/* R21: a device that is full drops what comes after. */
static bool is_full(const struct book *seen, const struct book_profile *p, const char *slot)
{
	const struct profile_list *limits = limits_of(p, slot);
	const struct book_list *l = book_find_list(seen, slot);
	uint32_t n = l ? l->n_entries : 0;

	return (p->entries && seen->n_entries >= p->entries) ||
	       (limits && limits->capacity && n >= limits->capacity) ||
	       (limits && limits->pool && limits->together &&
		       in_pool(seen, p, limits->pool) >= limits->together);
}

/* Nothing was said, and the device has its usual value there. */
static bool own_default(const struct diff_change *c)
{
	const struct field_info *info = field_info(c->id);
	bool field = c->part == DIFF_FIELD || c->part == DIFF_DEST_FIELD;

	return field && !c->before && c->after && info && !info->address;
}

/* The word for it; NULL = nothing explains it. */
static const char *explained(
	const struct diff_change *c, const struct book *seen, const struct book_profile *profile)
{
	bool full = is_full(seen, profile, c->list ? c->list : "");

	switch (c->op) {
	case DIFF_REMOVE:
		return full ? "dropped" : NULL;
	case DIFF_CHANGE:
	case DIFF_LIST_RENAMED:
		if (c->part == DIFF_MEMBER)
			return full ? "member_lost" : NULL;
		if (own_default(c))
			return "defaulted";
		return cut_off(c->before, c->after)            ? "cut"
		       : without_controls(c->before, c->after) ? "control"
							       : NULL;
	case DIFF_RENUMBER:
		return "renumbered";
	case DIFF_ADD:
	case DIFF_MOVE:
	case DIFF_SECRET_CHANGED:
	case DIFF_SECRET_UNKNOWN:
	case DIFF_LIST_ADDED:
	case DIFF_LIST_REMOVED:
		break;
	}
	return NULL;
}

/* ---- books ---- */

static const char *item_name(const struct picture *written, const char *slot)
{
	const char *item = item_of_slot(slot);

	return written->n_items == 1 && !item_slot(written->item[0].name) ? written->item[0].name
	       : item                                                     ? item
									  : slot;
}

static void correct(
	struct proof *p, struct m_item_report *row, const struct diff_change *c, const char *word)
{
	struct m_plan_note *notes = (struct m_plan_note *)(uintptr_t)row->corrections;

	if (row->result != ITEM_RESULT_FAILED)
		row->result = ITEM_RESULT_OK_CORRECTED;
	worst(p, PROOF_CORRECTED);
	if (!notes || row->corrections_n == PROOF_CORRECTIONS || p->told == PROOF_TOLD)
		return;
	p->told++;
	notes[row->corrections_n++] = (struct m_plan_note){.kind = "corrected",
		.item = row->item,
		.name = cut_text(p->arena, c->name, SHORT),
		.reason = word,
		.before = cut_text(p->arena, c->before, SHORT),
		.after = cut_text(p->arena, c->after, SHORT)};
}

static void differs(struct proof *p, struct m_item_report *row, const struct diff_change *c)
{
	char why[160];

	snprintf(why, sizeof(why), "%s: %s %.60s%s%.30s", row->item, diff_op_name(c->op),
		c->name ? c->name : "", c->field && *c->field ? ", " : "",
		c->field ? c->field : "");
	row->result = ITEM_RESULT_FAILED;
	if (!row->detail)
		row->detail = cut_text(p->arena, why, SHORT);
	if (p->result != PROOF_DIFFERS)
		snprintf(p->why, sizeof(p->why), "%s", why);
	worst(p, PROOF_DIFFERS);
}

static bool own_extra(const struct diff_change *c)
{
	const char *name = strncmp(c->field, "extra.", 6) == 0 ? c->field + 6 : c->field;

	return c->before == NULL && (!c->left || import_own_extra(c->left, name));
}

/* A device's own identity of an entry and what it writes beside what it was told are its matter; a
 * list that is empty is no list. */
static bool says_nothing(
	const struct diff_change *c, const struct book *wanted, const struct book *seen)
{
	const struct book *b = c->op == DIFF_LIST_ADDED ? seen : wanted;
	const struct book_list *l;

	if (c->op == DIFF_RENUMBER)
		return c->id != F_NUMBER && strcmp(c->field, "number") != 0;
	if (c->op == DIFF_CHANGE && c->part == DIFF_EXTRA)
		return own_extra(c);
	if (c->op != DIFF_LIST_ADDED && c->op != DIFF_LIST_REMOVED)
		return false;
	l = book_find_list(b, c->list);
	return !l || l->n_entries == 0;
}

static void judge(struct proof *p, const struct diff_change *c, const struct book *wanted,
	const struct book *seen, const struct book_profile *profile, const struct picture *written)
{
	struct m_item_report *row = row_of(p, item_name(written, c->list ? c->list : ""));
	const char *word;

	if (says_nothing(c, wanted, seen))
		return;
	if (c->op == DIFF_SECRET_UNKNOWN) { /* V5: never ok */
		if (row->result == ITEM_RESULT_OK || row->result == ITEM_RESULT_UNCHANGED)
			row->result = ITEM_RESULT_NOT_VERIFIABLE;
		return;
	}
	word = explained(c, seen, profile);
	if (p->strict && c->op != DIFF_RENUMBER)
		word = NULL;
	if (word)
		correct(p, row, c, word);
	else
		differs(p, row, c);
}

int proof_books(struct proof *p, const struct book *wanted, const struct book *seen,
	const struct book_profile *profile, const struct picture *written, struct fault *reterr)
{
	struct diff d;

	if (book_diff(wanted, seen, profile, &d) < 0)
		return fault_set(reterr, CN_RESPONSE_TOO_BIG, "the books are too big together");
	for (size_t i = 0; i < written->n_items; i++)
		row_of(p, written->item[i].name)->result = ITEM_RESULT_OK;
	for (uint32_t i = 0; i < wanted->n_lists; i++)
		(void)row_of(p, item_name(written, wanted->list[i].slot));
	for (uint32_t i = 0; i < d.n; i++)
		judge(p, &d.change[i], wanted, seen, profile, written);
	diff_fini(&d);
	return 0;
}

void proof_unreadable(struct proof *p, const struct picture *written, const struct fault *f)
{
	for (size_t i = 0; i < written->n_items; i++)
		row_of(p, written->item[i].name)->result = ITEM_RESULT_FAILED;
	snprintf(
		p->why, sizeof(p->why), "what the printer holds cannot be read: %.100s", f->detail);
	worst(p, PROOF_DIFFERS);
}

/* ---- items ---- */

/* What the device said of its own: it left out, or did otherwise, and that explains what is read.
 */
static void take_verdicts(struct proof *p, const struct errand *e)
{
	for (size_t i = 0; i < e->seen.n_verdicts; i++) {
		const struct item_verdict *v = &e->seen.verdicts[i];
		struct m_item_report *row = row_of(p, v->item);
		if (v->result == ITEM_RESULT_OK)
			continue;
		row->result = v->result;
		row->detail = v->detail;
		worst(p, PROOF_CORRECTED);
	}
}

void proof_items(struct proof *p, const struct adapter *a, const struct errand *e,
	const struct picture *wanted, const struct picture *seen)
{
	for (size_t i = 0; i < wanted->n_items; i++) {
		const struct image_item *w = &wanted->item[i], *s = picture_find(seen, w->name);
		bool same =
			s && (a->same ? a->same(e, w, s)
				      : s->bytes.n == w->bytes.n && memcmp(s->bytes.p, w->bytes.p,
									    w->bytes.n) == 0);
		struct m_item_report *row = row_of(p, w->name);
		row->result = same ? ITEM_RESULT_OK : ITEM_RESULT_FAILED;
		if (same) {
			take_verdicts(p, e);
			continue;
		}
		if (p->result != PROOF_DIFFERS)
			snprintf(p->why, sizeof(p->why), "%.64s is not as it was sent", w->name);
		worst(p, PROOF_DIFFERS);
	}
}
