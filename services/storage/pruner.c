// SPDX-License-Identifier: Apache-2.0
#include "services/storage/pruner.h"

#include <stdio.h>
#include <string.h>

#define ROLE "carnet_pruner"
#define CONNECTIONS 2 /* an order of people does not wait for a chore */

/* In libpq the last of two values of one word counts, in both of its forms. */
int pruner_conninfo(const char *prune_database, const char *database, char *out, size_t size,
	struct fault *reterr)
{
	int n;

	if (strstr(prune_database, "password=") != NULL)
		return fault_set(reterr, CN_VALIDATION_FAILED,
			"the setting prune_database must not hold a password: use passfile= or "
			"peer");
	if (prune_database[0] != 0)
		n = snprintf(out, size, "%s", prune_database);
	else if (strstr(database, "://") == NULL)
		n = snprintf(out, size, "%s user=" ROLE, database);
	else
		n = snprintf(out, size, "%s%suser=" ROLE, database,
			strchr(database, '?') == NULL ? "?" : "&");
	return n >= 0 && (size_t)n < size
		       ? 0
		       : fault_set(reterr, CN_VALIDATION_FAILED, "database is too long");
}

int pruner_start(struct fault *reterr)
{
	char conninfo[2200];

	if (pruner_conninfo(app.config->prune_database, app.config->common.database, conninfo,
		    sizeof(conninfo), reterr) < 0)
		return -1;
	app.pruner = db_open(app.service->loop, conninfo, CONNECTIONS);
	return 0;
}

void pruner_tick(void)
{
	static bool was_up, missed;

	if (db_up(app.pruner)) {
		if (!was_up)
			log_info(L("the pruner is logged in"));
		was_up = true;
		missed = false;
	} else if (!missed && db_error(app.pruner)[0] != 0) {
		missed = true;
		was_up = false;
		log_warn(L("the pruner is not logged in: nothing is removed"),
			L_STR("why", db_error(app.pruner)));
	}
}
