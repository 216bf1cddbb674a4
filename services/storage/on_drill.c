// SPDX-License-Identifier: Apache-2.0
/* drill_list: which versions were restored to a simulated printer, and what came back. */
#include "services/storage/sql_copies.h"

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	size_t rows;
	struct m_drill *items = catalogue_items(call, r, f, sizeof(*items), &rows);
	(void)t;
	(void)n;
	if (items == NULL)
		return;
	for (size_t i = 0; i < rows; i++)
		sql_drill_row_read(r[0], (int)i, &items[i]);
	const struct m_drill_page page = {.items = items, .items_n = rows};
	call_reply(call, &page);
}

void on_drill_list(struct call *call)
{
	sql_drill_list(call, listed);
}
