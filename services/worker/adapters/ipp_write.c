// SPDX-License-Identifier: Apache-2.0
/* Settings put back: only attributes that differ and that the printer calls settable. Servers
 * answer in three ways (devices.md section 8): silently ignoring, refusing all for one, or taking
 * the rest and naming what they left; so what was refused is left out once, and the read-back
 * decides. */
#include <string.h>

#include "gen/errors.h"
#include "services/worker/adapters/ipp_session.h"

enum {
	LISTED_MAX = 200,
	LISTED_BYTES = 20 * 1024, /* of texts of changes, and of notes; what is more is cut */
	SHORT = 160,
	COMPARE_BYTES = 8 * 1024 * 1024,
};

/* ---- what would change ---- */

static const struct image_item *settings_of(const struct image *image)
{
	return image && image->n_items == 1 ? &image->item[0] : NULL;
}

static int compare(
	const struct errand *e, struct arena *a, struct ipp_changes *ret, struct fault *reterr)
{
	const struct image_item *before = settings_of(e->before), *wanted = settings_of(e->wanted);

	if (!before || !wanted)
		return fault_set(reterr, CN_INTERNAL_ERROR, "no settings to write");
	return ipp_compare(before->bytes, wanted->bytes, a, ret, reterr);
}

static const char *text(const struct errand *e, const char *s)
{
	return s ? errand_text(e, s, strlen(s), SHORT) : NULL;
}

static struct m_book_change as_change(const struct errand *e, const struct ipp_change *c)
{
	return (struct m_book_change){.op = !c->before  ? "add"
					    : !c->after ? "remove"
							: "change",
		.list = "settings",
		.name = text(e, c->name),
		.before = text(e, c->before),
		.after = text(e, c->after)};
}

static struct m_plan_note as_note(const struct errand *e, const struct ipp_change *c)
{
	bool other = c->hindrance == IPP_OF_ANOTHER;

	return (struct m_plan_note){.kind = "refused",
		.item = "settings",
		.name = text(e, c->name),
		.reason = other ? "class" : "not_settable",
		.before = text(e, c->before),
		.after = text(e, c->after),
		.text = other ? "it says which printer this is; the settings are those of another"
			      : "the printer does not let it be set"};
}

static void count(struct m_list_change *list, const struct ipp_change *c)
{
	list->add += c->before == NULL;
	list->remove += c->after == NULL;
	list->change += c->before && c->after;
}

/* What of a plan is listed: the first ones, as much as a message holds. */
struct listing {
	struct m_book_change *changes;
	struct m_plan_note *notes;
	size_t n_changes, n_notes, changes_bytes, notes_bytes;
	bool cut;
};

static size_t length(const char *s)
{
	return s ? size_min(strlen(s), SHORT) : 0;
}

static void list_one(struct listing *l, const struct errand *e, const struct ipp_change *c)
{
	bool set = c->hindrance == IPP_CAN_BE_SET;
	size_t *n = set ? &l->n_changes : &l->n_notes;
	size_t *bytes = set ? &l->changes_bytes : &l->notes_bytes;

	*bytes += 96 + length(c->name) + length(c->before) + length(c->after);
	if (*n == LISTED_MAX || *bytes > LISTED_BYTES)
		l->cut = true;
	else if (set)
		l->changes[(*n)++] = as_change(e, c);
	else
		l->notes[(*n)++] = as_note(e, c);
}

/* After the notes that stand there already. */
static int begin_listing(
	struct listing *l, const struct errand *e, const struct m_device_plan *plan)
{
	l->changes = arena_array(e->arena, LISTED_MAX, sizeof(*l->changes));
	l->notes = arena_array(e->arena, LISTED_MAX, sizeof(*l->notes));
	if (!l->changes || !l->notes)
		return -1;
	for (; l->n_notes < plan->notes_n && l->n_notes < LISTED_MAX; l->n_notes++)
		l->notes[l->n_notes] = plan->notes[l->n_notes];
	return 0;
}

int ipp_foresee(const struct errand *e, struct m_device_plan *plan, struct fault *reterr)
{
	struct m_list_change *list = arena_alloc(e->arena, sizeof(*list));
	struct listing l = {.cut = plan->cut};
	struct ipp_changes found = {.n = 0};

	if (!list || begin_listing(&l, e, plan) < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	if (compare(e, e->arena, &found, reterr) < 0)
		return -1;
	*list = (struct m_list_change){.list = "settings", .unchanged = found.unchanged};
	for (size_t i = 0; i < found.n; i++) {
		if (found.change[i].hindrance == IPP_CAN_BE_SET)
			count(list, &found.change[i]);
		list_one(&l, e, &found.change[i]);
	}
	plan->add = list->add;
	plan->change = list->change;
	plan->remove = list->remove;
	plan->unchanged = list->unchanged;
	plan->lists = list;
	plan->lists_n = 1;
	plan->changes = l.changes;
	plan->changes_n = l.n_changes;
	plan->notes = l.notes;
	plan->notes_n = l.n_notes;
	plan->cut = l.cut;
	return 0;
}

static bool was_refused(const struct errand *e, const char *name)
{
	for (size_t i = 0; i < e->seen.n_refused; i++)
		if (strcmp(e->seen.refused[i], name) == 0)
			return true;
	return false;
}

bool ipp_same(
	const struct errand *e, const struct image_item *wanted, const struct image_item *seen)
{
	struct arena memory;
	struct ipp_changes found = {.n = 0};
	struct fault f = FAULT_INIT;
	bool same = true;

	arena_init(&memory, COMPARE_BYTES);
	if (ipp_compare(seen->bytes, wanted->bytes, &memory, &found, &f) < 0)
		found.n = 0, same = false;
	for (size_t i = 0; i < found.n && same; i++)
		same = found.change[i].hindrance != IPP_CAN_BE_SET ||
		       was_refused(e, found.change[i].name);
	arena_fini(&memory);
	return same;
}

/* ---- writing ---- */

static void verdict(struct errand *e, const char *item, enum item_result result, const char *detail)
{
	if (e->seen.n_verdicts < array_len(e->seen.verdicts))
		e->seen.verdicts[e->seen.n_verdicts++] =
			(struct item_verdict){.item = item, .result = result, .detail = detail};
}

/* Adds those of the names that were to be set: a server may name what nobody asked for. */
static void keep_refused(struct ipp_session *s, const struct ipp_names *refused)
{
	struct errand *e = s->errand;
	const char **all = arena_array(e->arena, s->names.n + e->seen.n_refused + 1, sizeof(*all));
	size_t n = 0;

	if (!all)
		return;
	for (; n < e->seen.n_refused; n++)
		all[n] = e->seen.refused[n];
	for (size_t i = 0; i < s->names.n; i++)
		for (size_t k = 0; k < refused->n; k++)
			if (strcmp(s->names.name[i], refused->name[k]) == 0) {
				all[n++] = s->names.name[i];
				break;
			}
	e->seen.refused = all;
	e->seen.n_refused = n;
}

static void leave_out_refused(struct ipp_session *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->names.n; i++)
		if (!was_refused(s->errand, s->names.name[i]))
			s->names.name[n++] = s->names.name[i];
	s->names.n = n;
}

static void finish(struct ipp_session *s)
{
	struct errand *e = s->errand;

	verdict(e, "settings", e->seen.n_refused ? ITEM_RESULT_OK_CORRECTED : ITEM_RESULT_OK,
		e->seen.n_refused ? "the printer left some attributes as they were" : NULL);
	for (size_t i = 0; i < e->seen.n_refused; i++)
		verdict(e, e->seen.refused[i], ITEM_RESULT_SKIPPED_MODEL,
			"the printer refused this attribute");
	buf_fini(&s->answer);
	s->answer = BUF_INIT;
	ipp_done(s, NULL);
}

static void send_set(struct ipp_session *s);

/* Nothing was taken: then nothing is excused. */
static void refused(struct ipp_session *s, struct span answer)
{
	struct errand *e = s->errand;
	struct fault f = FAULT_INIT;

	if (ipp_check(answer, &f) == 0)
		fault_why(
			&f, CN_REJECTED, "all_refused", "the printer takes none of these settings");
	e->seen.n_refused = 0;
	ipp_done(s, &f);
}

static void set_again(struct ipp_session *s)
{
	s->again = true;
	send_set(s);
}

static void on_set(struct ipp_session *s, struct span answer)
{
	struct errand *e = s->errand;
	const char *words = ipp_words(answer, e->arena);
	struct ipp_set_answer a;
	struct fault f = FAULT_INIT;
	size_t before;

	if (ipp_read_set_answer(answer, e->arena, &a, &f) < 0) {
		ipp_done(s, &f);
		return;
	}
	e->seen.text = a.status && words ? text(e, words) : NULL;
	before = e->seen.n_refused;
	keep_refused(s, &a.refused);
	leave_out_refused(s);
	if (a.status < 0x0100 && s->names.n > 0)
		finish(s);
	else if (!s->again && ipp_set_again(a.status) && e->seen.n_refused > before &&
		 s->names.n > 0)
		set_again(s);
	else
		refused(s, answer);
}

static void send_set(struct ipp_session *s)
{
	struct ipp_question q = {.kind = IPP_SET,
		.names = s->names,
		.wanted = settings_of(s->errand->wanted)->bytes,
		.any_status = true,
		.then = on_set};

	ipp_ask(s, &q);
}

/* Who it is came a moment ago; does it take anything now? */
static void on_state(struct ipp_session *s, struct span answer)
{
	struct errand *e = s->errand;
	struct ipp_identity id;
	struct ipp_changes found = {.n = 0};
	struct fault f = FAULT_INIT;

	if (ipp_read_identity(answer, e->arena, &id, &f) < 0 || ipp_is_free(e, &id, &f) < 0)
		goto out;
	if (!id.can_set) {
		fault_set(
			&f, CN_UNSUPPORTED_OPERATION, "the printer has no Set-Printer-Attributes");
		goto out;
	}
	if (compare(e, e->arena, &found, &f) < 0)
		goto out;
	s->names = (struct ipp_names){.name = arena_array(e->arena, found.n + 1, sizeof(char *))};
	for (size_t i = 0; s->names.name && i < found.n; i++)
		if (found.change[i].hindrance == IPP_CAN_BE_SET)
			s->names.name[s->names.n++] = found.change[i].name;
	if (s->names.n > 0)
		send_set(s);
	else
		finish(s);
	return;
out:
	ipp_done(s, &f);
}

void ipp_write_settings(void *self)
{
	struct ipp_session *s = self;
	struct errand *e = s->errand;
	struct ipp_question q = {.kind = IPP_GET, .then = on_state};
	size_t n;
	const char *const *names = ipp_identity_names(&n);

	e->seen.n_verdicts = e->seen.n_refused = 0;
	s->again = false;
	q.names =
		(struct ipp_names){.name = arena_dup(e->arena, names, n * sizeof(*names)), .n = n};
	ipp_ask(s, &q);
}
