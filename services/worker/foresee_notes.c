// SPDX-License-Identifier: Apache-2.0
/* The plan in words and numbers. */
#include "services/worker/foresee_notes.h"

#include <string.h>

#include "common/book/compare/diff.h"
#include "common/exchange/exchange.h"
#include "gen/errors.h"

#define SHORT 160u /* bytes of a text in a plan */
#define NEEDS_MAX 16u

const char *cut_text(struct arena *a, const char *s, size_t max)
{
	size_t n = s ? strlen(s) : 0;

	if (n == 0)
		return NULL;
	if (n > max) {
		n = max;
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	}
	return arena_strndup(a, s, n);
}

static size_t length(const char *s)
{
	return s ? strlen(s) : 0;
}

/* ---- notes ---- */

int notes_begin(struct foresight *f)
{
	f->plan.notes = arena_array(&f->arena, NOTES_MAX, sizeof(*f->plan.notes));
	f->plan.changes = arena_array(&f->arena, NOTES_CHANGES, sizeof(*f->plan.changes));
	f->plan.needs = arena_array(&f->arena, NEEDS_MAX, sizeof(*f->plan.needs));
	f->plan.lists = arena_array(&f->arena, 32, sizeof(*f->plan.lists));
	return f->plan.notes && f->plan.changes && f->plan.needs && f->plan.lists ? 0 : -1;
}

static void need(struct foresight *f, const char *word)
{
	const char **needs = (const char **)(uintptr_t)f->plan.needs;

	for (size_t i = 0; i < f->plan.needs_n; i++)
		if (strcmp(needs[i], word) == 0)
			return;
	if (f->plan.needs_n < NEEDS_MAX)
		needs[f->plan.needs_n++] = word;
}

static void note(struct foresight *f, const struct m_plan_note *n)
{
	struct m_plan_note *to = (struct m_plan_note *)(uintptr_t)f->plan.notes, row = *n;
	size_t size = 64;

	row.item = cut_text(&f->arena, n->item, 64);
	row.name = cut_text(&f->arena, n->name, SHORT);
	row.reason = cut_text(&f->arena, n->reason, 64);
	row.before = cut_text(&f->arena, n->before, SHORT);
	row.after = cut_text(&f->arena, n->after, SHORT);
	row.text = cut_text(&f->arena, n->text, 300);
	for (size_t i = 0; i < f->plan.notes_n; i++)
		size += 64 + length(to[i].name) + length(to[i].before) + length(to[i].after) +
			length(to[i].text);
	if (f->plan.notes_n == NOTES_MAX || size > NOTES_TEXT)
		f->plan.cut = true;
	else
		to[f->plan.notes_n++] = row;
}

/* ---- gates ---- */

static struct exchange_side source_side(const struct m_version *v)
{
	return (struct exchange_side){
		.vendor = v->family, /* a maker may have several, not one for two */
		.model = v->model,
		.serial = v->serial,
		.language = v->language};
}

static struct exchange_side device_side(const struct errand *e)
{
	const struct m_device *d = e->device;

	return (struct exchange_side){.vendor = d->family,
		.model = e->seen.model ? e->seen.model : d->model,
		.serial = e->seen.serial ? e->seen.serial : d->serial,
		.language = e->seen.language ? e->seen.language : d->display_language};
}

/* The record knows a printer that says no serial number, too. */
static void know_itself(const struct foresight *f, struct exchange *x)
{
	if (!uuid_eq(&f->source->about.device, &f->job->device->id))
		return;
	x->from.vendor = x->to.vendor;
	if (!x->to.serial || !*x->to.serial)
		x->to.serial = "of the same record"; /* it says none */
	x->from.serial = x->to.serial;
}

/* Attributes of IPP have names of their own: what belongs to one printer only, the adapter leaves
 * out, one by one. Anything else whose class is unknown goes back to the same printer. */
static bool judged_one_by_one(const struct foresight *f)
{
	const char *format = f->source->about.format;

	return f->adapter->same && format && strcmp(format, "ipp_attributes") == 0;
}

/* Bytes go as they are: to this printer, and to others of its model (import-export.md 3.6: a
 * file as a whole is of class B). */
static void classify(const struct foresight *f, struct exchange *x, struct exchange_offer *offer)
{
	if (x->translated)
		return;
	for (size_t i = 0; i < f->n_lock_items && i < EXCHANGE_ITEMS; i++)
		offer[x->n_offer++] = (struct exchange_offer){
			f->lock_items[i], judged_one_by_one(f) ? CLASS_C : CLASS_B};
	x->offer = offer;
}

/* What the task accepts before it is known, and what was accepted with the plan. */
static const char *const *accepted(const struct foresight *f, struct arena *a, size_t *ret_n)
{
	const struct m_task_settings *s = f->job->settings;
	size_t n = 0, of_task = s ? s->accept_n : 0;
	const char **words = arena_array(a, of_task + f->job->accept_n + 1, sizeof(*words));

	for (size_t i = 0; words && i < of_task; i++)
		words[n++] = s->accept[i];
	for (size_t i = 0; words && i < f->job->accept_n; i++)
		words[n++] = f->job->accept[i];
	*ret_n = n;
	return words;
}

int notes_of_gates(struct foresight *f, bool translated, struct fault *reterr)
{
	struct exchange x = {.items = f->lock_items,
		.n_items = f->n_lock_items,
		.from = source_side(&f->source->about),
		.to = device_side(f->errand),
		.translated = translated,
		.has_home = true};
	struct exchange_offer offer[EXCHANGE_ITEMS];
	struct exchange_verdict v;
	int rc;

	know_itself(f, &x);
	classify(f, &x, offer);
	x.accepted = accepted(f, &f->arena, &x.n_accepted);
	rc = exchange_decide(&x, &v, reterr);
	for (size_t i = 0; i < v.n_notes; i++) {
		const struct exchange_note *n = &v.note[i];
		note(f, &(struct m_plan_note){.kind = n->kind,
				.item = n->item,
				.reason = n->reason,
				.text = n->text});
		if (n->need)
			need(f, n->need);
	}
	f->plan.restart |= v.restarts;
	return rc;
}

void note_weak(struct foresight *f)
{
	note(f, &(struct m_plan_note){.kind = "gate",
			.item = "",
			.reason = "not_identified",
			.text = "the printer says neither serial number nor UUID nor MAC that its "
				"record has, too: it may be another one"});
	need(f, "identity");
}

/* ---- losses ---- */

static const char *kind_of(enum ledger_severity s)
{
	switch (s) {
	case SEVERITY_LOSS:
		return "loss";
	case SEVERITY_ACTION:
		return "secret";
	case SEVERITY_DESTRUCTIVE:
		return "destroyed";
	case SEVERITY_CHANGE:
	case SEVERITY_WARNING:
		break;
	}
	return "change";
}

static void note_line(struct foresight *f, const struct ledger_line *l)
{
	const char *field = *l->field ? l->field : NULL;

	note(f, &(struct m_plan_note){.kind = kind_of(ledger_severity(l->action)),
			.item = l->list,
			.name = l->name,
			.reason = ledger_action_name(l->action),
			.before = *l->before ? l->before : field,
			.after = l->after,
			.text = l->reason});
}

void note_no_list(struct foresight *f, const char *list, bool on_device)
{
	note(f, &(struct m_plan_note){.kind = "gate",
			.item = list,
			.reason = "no_matching_list",
			.text = on_device ? "the source has no such list: the printer's stays"
					  : "the printer has no such list"});
}

/* What has to be accepted comes first: a plan with many lines shows those. */
void notes_of_ledger(struct foresight *f)
{
	const struct ledger *l = &f->ledger;

	for (int first = 1; first >= 0; first--)
		for (uint32_t i = 0; i < l->n; i++) {
			enum ledger_severity s = ledger_severity(l->line[i].action);
			bool must = s != SEVERITY_CHANGE && s != SEVERITY_WARNING;
			if (must == (first == 1))
				note_line(f, &l->line[i]);
			if (first || !must)
				continue;
			f->plan.losses += s == SEVERITY_LOSS;
			need(f, s == SEVERITY_LOSS     ? "losses"
				: s == SEVERITY_ACTION ? "secrets"
						       : "hazards");
		}
}

/* ---- changes ---- */

static struct m_list_change *list_row(struct foresight *f, const char *slot)
{
	struct m_list_change *rows = (struct m_list_change *)(uintptr_t)f->plan.lists;

	for (size_t i = 0; i < f->plan.lists_n; i++)
		if (rows[i].list && strcmp(rows[i].list, slot) == 0)
			return &rows[i];
	if (f->plan.lists_n == 32)
		return &rows[31];
	rows[f->plan.lists_n] = (struct m_list_change){.list = cut_text(&f->arena, slot, 64)};
	return &rows[f->plan.lists_n++];
}

static void change_row(struct foresight *f, const struct diff_change *c, size_t *text)
{
	struct m_book_change *to = (struct m_book_change *)(uintptr_t)f->plan.changes, row;
	const struct book_entry *e = c->right ? c->right : c->left;
	const char *number = e ? fields_get(&e->f, F_NUMBER) : NULL;

	row = (struct m_book_change){.op = diff_op_name(c->op),
		.list = cut_text(&f->arena, c->list, 64),
		.name = cut_text(&f->arena, c->name, SHORT),
		.field = cut_text(&f->arena, c->field, 100),
		.before = cut_text(&f->arena, c->before, SHORT),
		.after = cut_text(&f->arena, c->after, SHORT)};
	for (; number && *number >= '0' && *number <= '9' && row.number < 100000000; number++)
		row.number = row.number * 10 + (uint64_t)(*number - '0');
	*text += 48 + length(row.name) + length(row.field) + length(row.before) + length(row.after);
	if (f->plan.changes_n == NOTES_CHANGES || *text > NOTES_TEXT)
		f->plan.cut = true;
	else
		to[f->plan.changes_n++] = row;
}

/* An entry that is changed in three fields is one that changes. */
static void count(struct foresight *f, const struct diff_change *c, const struct book_entry **last)
{
	struct m_list_change *l = list_row(f, c->list ? c->list : "");
	bool again = c->right && c->right == *last;

	if (c->op == DIFF_SECRET_UNKNOWN)
		return;
	*last = c->right;
	if (c->op == DIFF_ADD)
		l->add++;
	else if (c->op == DIFF_REMOVE)
		l->remove++;
	else if (c->op != DIFF_LIST_ADDED && c->op != DIFF_LIST_REMOVED && !again)
		l->change++;
}

static void sum_up(struct foresight *f)
{
	struct m_list_change *rows = (struct m_list_change *)(uintptr_t)f->plan.lists;

	for (uint32_t i = 0; i < f->wanted.book->n_lists; i++) {
		const struct book_list *l = &f->wanted.book->list[i];
		struct m_list_change *row = list_row(f, l->slot);
		uint64_t touched = row->add + row->change;
		row->unchanged = l->n_entries > touched ? l->n_entries - touched : 0;
		row->kept = row->add + row->change + row->remove == 0;
	}
	for (size_t i = 0; i < f->plan.lists_n; i++) {
		f->plan.add += rows[i].add;
		f->plan.change += rows[i].change;
		f->plan.remove += rows[i].remove;
		f->plan.unchanged += rows[i].unchanged;
	}
	f->changes = f->plan.add + f->plan.change + f->plan.remove > 0;
}

int notes_of_books(struct foresight *f, const struct book_profile *profile, struct fault *reterr)
{
	const struct book_entry *last = NULL;
	struct diff d;
	size_t text = 0;

	if (book_diff(f->before_book, f->wanted.book, profile, &d) < 0)
		return fault_set(reterr, CN_RESPONSE_TOO_BIG, "the books are too big together");
	for (uint32_t i = 0; i < d.n; i++) {
		count(f, &d.change[i], &last);
		change_row(f, &d.change[i], &text);
	}
	diff_fini(&d);
	sum_up(f);
	return 0;
}
