// SPDX-License-Identifier: Apache-2.0
/* Parameters in PostgreSQL's text format; array elements are always quoted where text could
 * be taken for syntax. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/db/internal.h"

struct db_args *args_new(const struct db_sql *sql)
{
	struct db_args *a = mem_alloc(sizeof(*a));

	a->sql = sql;
	list_init(&a->node);
	return a;
}

void args_free(struct db_args *a)
{
	list_remove(&a->node);
	buf_fini(&a->text);
	free(a);
}

/* Starts a parameter, or an element inside an array. */
static void begin(struct db_args *a, bool null)
{
	if (a->array) {
		if (a->element)
			buf_addc(&a->text, ',');
		a->element = true;
		return;
	}
	bug_if(a->n == DB_PARAMS_MAX);
	a->null[a->n] = null;
	a->at[a->n++] = a->text.n;
}

static void end(struct db_args *a)
{
	if (!a->array)
		buf_addc(&a->text, '\0');
}

void db_null(struct db_args *a)
{
	begin(a, true);
	if (a->array)
		buf_adds(&a->text, "NULL");
	end(a);
}

/* For values that hold no quote, comma, brace or backslash. */
static void plain(struct db_args *a, const char *s)
{
	begin(a, false);
	buf_adds(&a->text, s);
	end(a);
}

void db_text(struct db_args *a, const char *s)
{
	if (s == NULL) {
		db_null(a);
		return;
	}
	if (!a->array) {
		plain(a, s);
		return;
	}
	begin(a, false);
	buf_addc(&a->text, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(&a->text, '\\');
		buf_addc(&a->text, *s);
	}
	buf_addc(&a->text, '"');
	end(a);
}

void db_int(struct db_args *a, int64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, n);
	plain(a, text);
}

void db_bool(struct db_args *a, bool v)
{
	plain(a, v ? "t" : "f");
}

void db_uuid(struct db_args *a, const struct uuid *id)
{
	char text[UUID_TEXT];

	if (id == NULL || uuid_is_nil(id))
		db_null(a);
	else
		plain(a, uuid_format(id, text));
}

void db_bytes(struct db_args *a, struct span bytes)
{
	static const char digits[] = "0123456789abcdef";

	if (bytes.p == NULL) {
		db_null(a);
		return;
	}
	begin(a, false);
	buf_adds(&a->text, a->array ? "\"\\\\x" : "\\x");
	for (size_t i = 0; i < bytes.n; i++) {
		char pair[2] = {digits[bytes.p[i] >> 4], digits[bytes.p[i] & 15]};
		buf_add(&a->text, pair, 2);
	}
	if (a->array)
		buf_addc(&a->text, '"');
	end(a);
}

void db_time_ms(struct db_args *a, int64_t unix_ms)
{
	char text[CLOCK_RFC3339];

	if (unix_ms == 0)
		db_null(a);
	else
		plain(a, clock_rfc3339(unix_ms > 0 ? (uint64_t)unix_ms : 0, text));
}

void db_array(struct db_args *a)
{
	bug_if(a->array);
	begin(a, false);
	buf_addc(&a->text, '{');
	a->array = true;
	a->element = false;
}

void db_array_end(struct db_args *a)
{
	bug_if(!a->array);
	a->array = false;
	buf_addc(&a->text, '}');
	end(a);
}
