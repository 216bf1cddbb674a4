// SPDX-License-Identifier: Apache-2.0
/* Asks the test's database (CARNET_TEST_DB) as its superuser, over one connection that is made
 * again when it was lost: what a service did, seen from outside. */
#pragma once

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void psql_add(char *out, size_t size, const char *text)
{
	size_t n = strlen(out);
	(void)snprintf(out + n, size - n, "%s", text);
}

/* out: rows of all statements as lines, columns between '|' (as `psql -At`), or what went wrong. */
static void psql(const char *query, char *out, size_t size)
{
	static PGconn *db;

	out[0] = '\0';
	/* as in a session of its own: nothing that an earlier one set counts any more; and a
	 * connection that was lost with the database shows here, before anything is sent */
	if (db != NULL) {
		PQclear(PQexec(db, "discard all"));
		if (PQstatus(db) != CONNECTION_OK || PQtransactionStatus(db) != PQTRANS_IDLE) {
			PQfinish(db);
			db = NULL;
		}
	}
	if (db == NULL)
		db = PQconnectdb(getenv("CARNET_TEST_DB"));
	if (PQsendQuery(db, query) == 0)
		psql_add(out, size, PQerrorMessage(db));
	for (PGresult *r; (r = PQgetResult(db)) != NULL; PQclear(r)) {
		psql_add(out, size, PQresultErrorMessage(r));
		for (int i = 0; i < PQntuples(r); i++)
			for (int k = 0; k < PQnfields(r); k++) {
				psql_add(out, size, PQgetvalue(r, i, k));
				psql_add(out, size, k + 1 < PQnfields(r) ? "|" : "\n");
			}
	}
	size_t n = strlen(out);
	while (n > 0 && out[n - 1] == '\n')
		out[--n] = '\0';
}
