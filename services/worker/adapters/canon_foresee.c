// SPDX-License-Identifier: Apache-2.0
/* What an import over the Remote UI destroys besides, said before it is done (devices.md 4.3, 14.2;
 * import-export.md H5, H6, H9). */
#include <string.h>

#include "gen/errors.h"
#include "services/worker/adapters/canon_session.h"

struct telling {
	const struct errand *errand;
	struct m_device_plan *plan;
	struct m_plan_note *notes;
	size_t n;
};

static void tell(
	struct telling *t, const char *kind, const char *item, const char *reason, const char *text)
{
	t->notes[t->n++] =
		(struct m_plan_note){.kind = kind, .item = item, .reason = reason, .text = text};
}

/* 0, or -1 when the arena is used up. */
static int need(const struct telling *t, const char *word)
{
	struct m_device_plan *plan = t->plan;
	const char **needs = arena_array(t->errand->arena, plan->needs_n + 1, sizeof(*needs));

	if (!needs)
		return -1;
	for (size_t i = 0; i < plan->needs_n; i++) {
		needs[i] = plan->needs[i];
		if (strcmp(needs[i], word) == 0)
			return 0;
	}
	needs[plan->needs_n++] = word;
	plan->needs = needs;
	return 0;
}

static bool holds(struct span text, const char *word)
{
	return text.n && memmem(text.p, text.n, word, strlen(word)) != NULL;
}

static struct span bytes_of(const struct image *image, const char *item)
{
	for (size_t i = 0; image && i < image->n_items; i++)
		if (strcmp(image->item[i].name, item) == 0)
			return image->item[i].bytes;
	return (struct span){.n = 0};
}

/* The machine keeps passwords of folders that it did not show, and an import without them takes
 * them away (H9). */
static bool loses_passwords(const struct errand *e, const char *item)
{
	bool sent = e->device->accept_clear_text_secrets;

	return !sent && holds(bytes_of(e->before, item), "\nusername: ");
}

static int tell_list(struct telling *t, const char *item)
{
	tell(t, "destroyed", item, "H6",
		"the machine clears the list before the import begins; an error does not bring it "
		"back");
	if (!loses_passwords(t->errand, item))
		return 0;
	tell(t, "hazard", item, "H9",
		"passwords of this list's folders are not in the export and are gone after the "
		"import");
	return need(t, "secrets");
}

static int tell_all(struct telling *t)
{
	const struct image *wanted = t->errand->wanted;

	if (canon_by_values(t->errand->device)) {
		tell(t, "destroyed", "", "workflows",
			"an import of device setting values deletes the machine's workflows");
		t->plan->restart = true;
		return 0;
	}
	if (canon_is_setting(t->errand, wanted->item[0].name))
		return 0; /* the hazards of items are common/exchange's */
	for (size_t i = 0; i < wanted->n_items; i++)
		if (tell_list(t, wanted->item[i].name) < 0)
			return -1;
	tell(t, "destroyed", "", "favorites_recall",
		"destinations in favourites and recall may be erased");
	return 0;
}

int canon_foresee(const struct errand *e, struct m_device_plan *plan, struct fault *reterr)
{
	struct telling t = {.errand = e, .plan = plan};

	if (!e->wanted || e->wanted->n_items == 0)
		return 0;
	t.notes =
		arena_array(e->arena, plan->notes_n + 2 * e->wanted->n_items + 2, sizeof(*t.notes));
	if (!t.notes || (plan->notes_n && !plan->notes))
		return fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	for (; t.n < plan->notes_n; t.n++)
		t.notes[t.n] = plan->notes[t.n];
	if (tell_all(&t) < 0)
		return fault_set(reterr, CN_INTERNAL_ERROR, "session memory is used up");
	plan->notes = t.notes;
	plan->notes_n = t.n;
	return 0;
}
