// SPDX-License-Identifier: Apache-2.0
/* What would be written, read again before it is: it says what was meant, or it is not written
 * (docs/spec/address-books.md AB-30). */
#include "common/book/convert/read_back.h"

#include <string.h>

#include "common/base/map.h"
#include "common/book/compare/diff.h"
#include "common/book/items.h"
#include "gen/errors.h"

static struct span place_of(const char *list, const char *key, struct buf *out)
{
	buf_reset(out);
	buf_add(out, list, strlen(list) + 1);
	buf_adds(out, key);
	return buf_span(out);
}

/* Entries whose password the ledger names already. */
static void already(struct ledger *l, struct map *ret)
{
	struct buf place = BUF_INIT;

	for (uint32_t i = 0; i < l->n; i++) {
		struct span at = place_of(l->line[i].list, l->line[i].key, &place);
		if (l->line[i].action == LEDGER_SECRET_NEEDED)
			(void)map_put(ret, at.p, at.n, l);
	}
	buf_fini(&place);
}

/* A password that was there and did not get into the file must be typed again. */
static void note_secrets(struct ledger *l, const struct diff *d, const char *why)
{
	struct map named = MAP_INIT;
	struct buf place = BUF_INIT;

	already(l, &named);
	for (uint32_t i = 0; i < d->n; i++) {
		const struct diff_change *x = &d->change[i];
		if (x->part != DIFF_SECRET || x->left == NULL || x->left_dest == DIFF_NO_DEST ||
			x->left->dest[x->left_dest].secret.text == NULL)
			continue;
		struct span at = place_of(x->list, x->left->key, &place);
		if (map_get(&named, at.p, at.n) != NULL)
			continue;
		ledger_add(l, &(struct ledger_line){.action = LEDGER_SECRET_NEEDED,
				      .list = x->list,
				      .key = x->left->key,
				      .name = entry_name(x->left),
				      .field = x->field,
				      .reason = why});
	}
	map_fini(&named);
	buf_fini(&place);
}

/* Passwords may be held back; of lists without entries formats say what they can. */
static bool harmless(const struct diff_change *x)
{
	return x->part == DIFF_SECRET || x->op == DIFF_LIST_ADDED || x->op == DIFF_LIST_REMOVED;
}

int book_says_the_same(const struct book *meant, const struct book *back,
	const struct book_profile *profile, const char *why, struct ledger *l, struct fault *reterr)
{
	struct diff d;
	int rc = 0;

	if (book_diff(meant, back, profile, &d) != 0)
		return fault_why(reterr, CN_VALIDATION_FAILED, "read_back",
			"too large to compare with what would be written");
	for (uint32_t i = 0; i < d.n && rc == 0; i++)
		if (!harmless(&d.change[i]))
			rc = fault_why(reterr, CN_VALIDATION_FAILED, "read_back",
				"what would be written says something else: %s, %s: %s",
				diff_op_name(d.change[i].op), d.change[i].name, d.change[i].field);
	if (rc == 0)
		note_secrets(l, &d, why);
	diff_fini(&d);
	return rc;
}

int book_read_back(const struct convert_options *how, const struct book *meant, struct span bytes,
	const char *why, struct ledger *l, struct fault *reterr)
{
	struct book *back = NULL;
	struct fault f = FAULT_INIT;
	int rc;

	if (book_decode(bytes, how->codec, NULL, &back, &f) != 0)
		rc = fault_why(reterr, CN_VALIDATION_FAILED, "read_back",
			"what would be written cannot be read: %s", f.detail);
	else
		rc = book_says_the_same(meant, back, how->target, why, l, reterr);
	book_wipe(back);
	book_free(back);
	return rc;
}
