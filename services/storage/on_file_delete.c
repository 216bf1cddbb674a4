// SPDX-License-Identifier: Apache-2.0
/* file_delete: a file that was uploaded is condemned; until its time is over it can be brought back
 * (version_undo). Not while a task or a run names it. */
#include <string.h>

#include "services/storage/sql_retention.h"

static void deleted(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	const char *why = db_get_text(r[0], 0, 0);
	if (strcmp(why, "no_file") == 0)
		call_refuse(call, CN_NOT_FOUND, "no_file", "no file of this id");
	else if (strcmp(why, "in_use") == 0)
		call_refuse(call, CN_CONFLICT, "in_use", "%.200s takes its content from it",
			db_get_text(r[0], 0, 1));
	else if (*why != 0)
		call_refuse(call, CN_CONFLICT, "protected", "somebody protected this file");
	else
		call_reply(call, &(struct m_ok){.has = 0});
}

void on_file_delete(struct call *call)
{
	sql_file_delete(call, deleted);
}
