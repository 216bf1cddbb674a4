// SPDX-License-Identifier: Apache-2.0
/* Results in text format, read by type. */
#include <stdlib.h>
#include <string.h>

#include "common/db/internal.h"

struct db_result *result_new(PGresult *pg)
{
	struct db_result *r = mem_alloc(sizeof(*r));

	r->pg = pg;
	arena_init(&r->bytes, 0);
	return r;
}

void results_free(struct db_result **results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		PQclear(results[i]->pg);
		arena_fini(&results[i]->bytes);
		free(results[i]);
	}
	free(results);
}

int db_rows(const struct db_result *r)
{
	return PQntuples(r->pg);
}

size_t db_row_bytes(const struct db_result *r, int row)
{
	size_t n = 0;

	for (int col = 0; col < PQnfields(r->pg); col++)
		n += (size_t)PQgetlength(r->pg, row, col);
	return n;
}

int64_t db_affected(const struct db_result *r)
{
	return strtoll(PQcmdTuples(r->pg), NULL, 10);
}

bool db_is_null(const struct db_result *r, int row, int col)
{
	return PQgetisnull(r->pg, row, col) != 0;
}

const char *db_get_text(const struct db_result *r, int row, int col)
{
	bug_if(row < 0 || row >= PQntuples(r->pg) || col < 0 || col >= PQnfields(r->pg));
	return PQgetvalue(r->pg, row, col);
}

int64_t db_get_int(const struct db_result *r, int row, int col)
{
	return strtoll(db_get_text(r, row, col), NULL, 10);
}

bool db_get_bool(const struct db_result *r, int row, int col)
{
	return db_get_text(r, row, col)[0] == 't';
}

struct uuid db_get_uuid(const struct db_result *r, int row, int col)
{
	struct uuid id = {.b = {0}};

	if (uuid_parse(db_get_text(r, row, col), &id) != 0)
		bug_if(!db_is_null(r, row, col)); /* the column is not a uuid */
	return id;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t years = m <= 2 ? y - 1 : y;
	int64_t era = years / 400;
	int64_t yoe = years - era * 400;
	int64_t doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

/* Reads digits and steps over the separator behind them. */
static int64_t number(const char **p)
{
	int64_t n = 0;

	while (**p >= '0' && **p <= '9' && n < 1000000000)
		n = n * 10 + *(*p)++ - '0';
	if (**p != '\0' && **p != '.' && **p != '+')
		(*p)++;
	return n;
}

/* "2026-11-21 02:54:22.123456+00": sessions run in UTC with ISO dates. */
int64_t db_get_time_ms(const struct db_result *r, int row, int col)
{
	const char *p = db_get_text(r, row, col);

	if (*p == '\0')
		return 0;
	if (strcmp(p, "infinity") == 0)
		return INT64_MAX;
	if (strcmp(p, "-infinity") == 0)
		return INT64_MIN;
	int64_t y = number(&p), mo = number(&p), d = number(&p);
	int64_t h = number(&p), mi = number(&p), s = number(&p);
	int64_t ms = 0;
	if (*p == '.') {
		p++;
		for (int64_t unit = 100; unit > 0; unit /= 10)
			ms += *p >= '0' && *p <= '9' ? unit * (*p++ - '0') : 0;
	}
	return (((days_from_civil(y, mo, d) * 24 + h) * 60 + mi) * 60 + s) * 1000 + ms;
}

static unsigned nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

struct span db_get_bytes(struct db_result *r, int row, int col)
{
	const char *hex = db_get_text(r, row, col);

	if (db_is_null(r, row, col))
		return (struct span){.p = NULL};
	bug_if(strncmp(hex, "\\x", 2) != 0); /* the column is not a bytea */
	hex += 2;
	size_t n = strlen(hex) / 2;
	uint8_t *p = arena_alloc(&r->bytes, n);
	bug_if(p == NULL);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	return (struct span){.p = p, .n = n};
}
