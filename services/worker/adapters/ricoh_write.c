// SPDX-License-Identifier: Apache-2.0
/* Writing of a Ricoh machine's book: in a session that locks it for others, and only if it is still
 * the book that was read: what goes, what changes, what is new. Entry by entry, so that it can be
 * sent again with the old state as what is wanted. */
#include <string.h>

#include "common/text/utf8.h"
#include "gen/errors.h"
#include "services/worker/adapters/ricoh_session.h"

static void next_removal(struct ricoh *r);
static void next_change(struct ricoh *r);
static void next_addition(struct ricoh *r);

static void finish(struct ricoh *r)
{
	ricoh_work_fini(&r->work);
	r->held_in_session = false; /* it holds something else now */
	ricoh_done(r, NULL);
}

/* The machine ended the session before its time: what it answered with a fault was not done. Once.
 */
static bool begin_again(struct ricoh *r, ricoh_fn step, const struct fault *f)
{
	if (f->code != CN_SESSION_LOST || r->resumed)
		return false;
	r->resumed = true;
	ricoh_with_session(r, true, step);
	return true;
}

/* ---- new entries ---- */

static bool add_again(struct ricoh *r, const struct fault *f)
{
	return begin_again(r, next_addition, f);
}

static void on_added(struct ricoh *r, const struct soap_answer *a unused)
{
	r->sent += size_min(r->at_once, r->work.n_add - r->sent);
	next_addition(r);
}

static void next_addition(struct ricoh *r)
{
	const struct ricoh_work *w = &r->work;
	struct buf message = BUF_INIT;

	if (r->sent == w->n_add) {
		finish(r);
	} else if (r->old) {
		ricoh_with_session(r, true, next_addition);
	} else {
		r->forgiven = add_again;
		ricoh_ask_put(&message, r->session, w->add + r->sent,
			size_min(r->at_once, w->n_add - r->sent));
		ricoh_call(r, RICOH_PUT, &message, on_added);
	}
}

/* ---- changed properties ---- */

static bool change_again(struct ricoh *r, const struct fault *f)
{
	return begin_again(r, next_change, f);
}

static void on_changed(struct ricoh *r, const struct soap_answer *a unused)
{
	r->sent++;
	next_change(r);
}

static void next_change(struct ricoh *r)
{
	const struct ricoh_work *w = &r->work;
	struct buf message = BUF_INIT;

	if (r->sent == w->n_change) {
		r->sent = 0;
		next_addition(r);
	} else if (r->old) {
		ricoh_with_session(r, true, next_change);
	} else {
		r->forgiven = change_again;
		ricoh_ask_change(
			&message, r->session, w->change[r->sent].id, &w->change[r->sent].o);
		ricoh_call(r, RICOH_CHANGE, &message, on_changed);
	}
}

/* ---- entries that go ---- */

static bool remove_again(struct ricoh *r, const struct fault *f)
{
	return begin_again(r, next_removal, f);
}

static void on_removed(struct ricoh *r, const struct soap_answer *a unused)
{
	r->sent += size_min(r->at_once, r->work.n_remove - r->sent);
	next_removal(r);
}

static void next_removal(struct ricoh *r)
{
	const struct ricoh_work *w = &r->work;
	struct buf message = BUF_INIT;

	if (r->sent == w->n_remove) {
		r->sent = 0;
		next_change(r);
	} else if (r->old) {
		ricoh_with_session(r, true, next_removal);
	} else {
		r->forgiven = remove_again;
		ricoh_ask_delete(&message, r->session, w->remove + r->sent,
			size_min(r->at_once, w->n_remove - r->sent));
		ricoh_call(r, RICOH_DELETE, &message, on_removed);
	}
}

/* ---- still the same book? ---- */

static void on_read_again(struct ricoh *r)
{
	if (memcmp(r->held, r->made_for, sizeof(r->held)) != 0)
		ricoh_fail(r, CN_PLAN_STALE, "the book was changed since it was read");
	else
		next_removal(r);
}

static void look_again(struct ricoh *r)
{
	if (r->held_in_session || !r->has_held) {
		next_removal(r);
		return;
	}
	memcpy(r->made_for, r->held, sizeof(r->held));
	ricoh_read_book(r, true, on_read_again);
}

static const char *detail_of_left(const struct ricoh *r)
{
	const struct ricoh_work *w = &r->work;
	const char *text =
		arena_printf(r->errand->arena, "%zu values were not written: %.60s of %.100s",
			w->n_left, w->left[0].prop, w->left[0].entry);

	return text ? text : "values were not written";
}

static void tell_left(struct ricoh *r)
{
	struct errand *e = r->errand;

	e->seen.n_verdicts = 0;
	if (r->work.n_left > 0)
		e->seen.verdicts[e->seen.n_verdicts++] = (struct item_verdict){.item = e->items[0],
			.detail = detail_of_left(r),
			.result = ITEM_RESULT_OK_CORRECTED};
}

void ricoh_write_book(void *self)
{
	struct ricoh *r = self;
	const struct errand *e = r->errand;
	struct fault f = FAULT_INIT;

	ricoh_work_fini(&r->work);
	r->sent = 0;
	r->resumed = false;
	if (!e->before || !e->before->book || !e->wanted || !e->wanted->book) {
		ricoh_fail(r, CN_UNSUPPORTED_OPERATION, "only address books can be written");
		return;
	}
	ricoh_said_book(&r->said, e->source ? e->source->book : NULL);
	if (ricoh_work_make(&r->work, e->before->book, e->wanted->book, &r->said, &f) < 0) {
		ricoh_done(r, &f);
		return;
	}
	tell_left(r);
	if (r->work.n_remove + r->work.n_change + r->work.n_add == 0)
		finish(r);
	else
		ricoh_with_session(r, true, look_again);
}

/* ---- before ---- */

#define NOTES_MAX 200u

static const struct {
	const char *reason, *text;
} LEFT[] = {
	[RICOH_UNKNOWN_PROPERTY] = {"unknown_property",
		"Nobody published what this property may be: it is never written."},
	[RICOH_UNKNOWN_VALUE] = {"unknown_value", "Nobody published this value, and this machine "
						  "has none like it: it is not written."},
	[RICOH_NO_TAG] = {"no_tag",
		"Every entry of this machine has a tag: it keeps those it has."},
	[RICOH_NEW_GROUP] = {"members_unknown",
		"Groups are not made: the machine takes and tells no members over this interface."},
};

struct notes {
	struct arena *arena;
	struct m_plan_note *note;
	size_t n;
	bool cut;
};

static void add_note(struct notes *l, const struct m_plan_note *note)
{
	if (l->n < NOTES_MAX)
		l->note[l->n++] = *note;
	else
		l->cut = true;
}

static const char *keep(struct notes *l, const char *s, size_t max)
{
	const char *copy = arena_strndup(l->arena, s, utf8_cut(s, max));

	return copy ? copy : "";
}

static void note_left(struct notes *l, const char *item, const struct ricoh_left *left)
{
	add_note(l, &(struct m_plan_note){.kind = "refused",
			    .item = item,
			    .name = keep(l, left->entry, 256),
			    .reason = LEFT[left->why].reason,
			    .before = keep(l, left->prop, 512),
			    .after = keep(l, left->value, 512),
			    .text = LEFT[left->why].text});
}

static void note_destroyed(struct notes *l, const char *item, const struct ricoh_work *w)
{
	if (w->groups_removed)
		add_note(l, &(struct m_plan_note){.kind = "destroyed",
				    .item = item,
				    .reason = "members_unknown",
				    .number = w->groups_removed,
				    .text = "Groups go, and with them their members, which Carnet "
					    "cannot read and so cannot put back."});
	if (w->passwords_removed)
		add_note(
			l, &(struct m_plan_note){.kind = "secret",
				   .item = item,
				   .reason = "withheld",
				   .number = w->passwords_removed,
				   .text = "Entries go that may have a password, which the machine "
					   "never tells: Carnet cannot put it back."});
}

static void need(const struct errand *e, struct m_device_plan *plan, const char *word)
{
	const char **needs = arena_array(e->arena, plan->needs_n + 1, sizeof(*needs));

	for (size_t i = 0; needs && i < plan->needs_n; i++) {
		needs[i] = plan->needs[i];
		if (strcmp(needs[i], word) == 0)
			return;
	}
	if (!needs)
		return;
	needs[plan->needs_n++] = word;
	plan->needs = needs;
}

static int tell_plan(const struct errand *e, const struct ricoh_work *w, struct m_device_plan *plan,
	struct fault *reterr)
{
	struct notes l = {
		.arena = e->arena, .note = arena_array(e->arena, NOTES_MAX, sizeof(*l.note))};
	const char *item = e->items[0];

	if (!l.note)
		return fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	for (size_t i = 0; i < plan->notes_n; i++)
		add_note(&l, &plan->notes[i]);
	note_destroyed(&l, item, w);
	for (size_t i = 0; i < w->n_left; i++)
		note_left(&l, item, &w->left[i]);
	plan->notes = l.note;
	plan->notes_n = l.n;
	plan->cut |= l.cut;
	plan->losses += w->n_left;
	if (w->n_left)
		need(e, plan, "losses");
	if (w->groups_removed || w->passwords_removed)
		need(e, plan, "not_restorable");
	return 0;
}

int ricoh_foresee(const struct errand *e, struct m_device_plan *plan, struct fault *reterr)
{
	struct ricoh_said said = {.values = MAP_INIT};
	struct ricoh_work w;
	int rc = 0;

	if (!e->before || !e->before->book || !e->wanted || !e->wanted->book)
		return 0;
	ricoh_said_book(&said, e->source ? e->source->book : NULL);
	rc = ricoh_work_make(&w, e->before->book, e->wanted->book, &said, reterr);
	ricoh_said_fini(&said);
	if (rc == 0)
		rc = tell_plan(e, &w, plan, reterr);
	ricoh_work_fini(&w);
	return rc;
}
