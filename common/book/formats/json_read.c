// SPDX-License-Identifier: Apache-2.0
/* carnet_json read: objects and arrays, and faults with their place and path
 * (docs/spec/address-books.md 4.12). */
#include <stdio.h>
#include <string.h>

#include "common/book/formats/json_priv.h"
#include "gen/errors.h"

/* ---- faults ---- */

static void step(struct buf *out, const char *name, uint32_t i)
{
	buf_addf(out, "%s%s[%u]", out->n > 0 ? "." : "", name, i);
}

static const char *path(const struct json_reader *r, struct buf *out)
{
	if (r->list)
		step(out, "lists", r->b->n_lists - 1);
	if (r->list && r->entry)
		step(out, "entries", r->list->n_entries - 1);
	if (r->part)
		step(out, r->part, r->part_n - 1);
	if (*r->member)
		buf_addf(out, "%s%s", out->n > 0 ? "." : "", r->member);
	return out->n > 0 ? buf_str(out) : "the book";
}

/* At the last token. 0 in lenient mode. */
int jread_wrong(struct json_reader *r, int code, const char *reason, const char *text)
{
	struct buf where = BUF_INIT;
	struct book_fault f = {.code = code,
		.line = r->p.line,
		.column = pull_column(&r->p),
		.byte = pull_byte(&r->p),
		.where = path(r, &where),
		.reason = reason};
	int rc = decode_wrong(r->d, &f, "%s: %s", f.where, text);

	buf_fini(&where);
	return rc;
}

/* No way on behind this, lenient or not. */
int jread_broken(struct json_reader *r)
{
	int code = CN_PARSE_ERROR;

	if (strcmp(r->p.reason, "charset") == 0)
		code = CN_CHARSET_ERROR;
	else if (strncmp(r->p.reason, "too_", 4) == 0)
		code = CN_RESPONSE_TOO_BIG;
	return jread_end(jread_wrong(r, code, r->p.reason, r->p.wrong));
}

static int skip(struct json_reader *r, enum pull_token t)
{
	return pull_skip(&r->p, t) == 0 ? 0 : jread_broken(r);
}

/* Notes that the value is not what it should be, and goes on behind it where that is allowed. */
int jread_not_a(struct json_reader *r, enum pull_token t, const char *text)
{
	if (t == PULL_WRONG)
		return jread_broken(r);
	return jread_wrong(r, CN_PARSE_ERROR, "wrong_type", text) < 0 ? -1 : skip(r, t);
}

/* ---- objects and arrays ---- */

static int find(const struct shape *s, const char *name)
{
	enum book_field field = field_named(name);

	for (const struct word *w = s->words; w->name; w++)
		if (strcmp(w->name, name) == 0)
			return (int)w->id;
	if (!field || s->fields_of == -2)
		return -1;
	uint32_t kinds = field_info(field)->kinds;
	bool mine = s->fields_of == -1 ? kinds != 1u << DEST_NONE : kinds & 1u << s->fields_of;
	return mine ? (int)field : -1;
}

/* The next member: its number and its value's first token. 1, 0 at the end of the object, -1. */
/* Of a member that may not be taken: unknown, or there already. 0 in lenient mode. */
static int refuse(struct json_reader *r, const struct shape *s, int id)
{
	if (id < 0)
		return jread_wrong(r, CN_PARSE_ERROR, "unknown_member", s->what);
	return jread_wrong(r, CN_PARSE_ERROR, "duplicate_member", "the member stands here twice");
}

int jread_member(struct json_reader *r, const struct shape *s, struct seen *seen, unsigned *ret_id,
	enum pull_token *ret)
{
	for (;;) {
		enum pull_token t = pull_next(&r->p);
		if (t == PULL_OBJECT_END)
			return 0;
		if (t != PULL_NAME)
			return jread_broken(r);
		(void)snprintf(r->member, sizeof(r->member), "%s", buf_str(&r->p.text));
		int id = find(s, buf_str(&r->p.text));
		bool taken = id >= 0 && !jread_has(seen, (unsigned)id);
		if (!taken && refuse(r, s, id) < 0)
			return -1;
		t = pull_next(&r->p);
		if (t == PULL_WRONG)
			return jread_broken(r);
		if (taken) {
			seen->bits[id / 64] |= UINT64_C(1) << (id % 64);
			*ret_id = (unsigned)id;
			*ret = t;
			return 1;
		}
		if (skip(r, t) < 0)
			return -1;
	}
}

bool jread_has(const struct seen *s, unsigned id)
{
	return s->bits[id / 64] >> (id % 64) & 1;
}

/* At the end of an object. */
int jread_needs(struct json_reader *r, const struct seen *s, unsigned id, const char *name)
{
	if (jread_has(s, id))
		return 0;
	(void)snprintf(r->member, sizeof(r->member), "%s", name);
	return jread_wrong(r, CN_PARSE_ERROR, "missing_member", "the member is missing");
}

/* The next element of an array of objects: 1 inside the object, 0 at the end, -1. */
static int next_object(struct json_reader *r)
{
	for (;;) {
		enum pull_token t = pull_next(&r->p);
		r->member[0] = '\0';
		r->part_n++;
		if (t == PULL_ARRAY_END)
			return 0;
		if (t == PULL_OBJECT)
			return r->b->too_big ? -1 : 1;
		if (jread_not_a(r, t, "an object was expected") < 0)
			return -1;
	}
}

int jread_text(struct json_reader *r, enum pull_token t, const char **ret)
{
	if (t != PULL_STRING)
		return jread_not_a(r, t, "a text in quotes was expected");
	*ret = book_strn(r->b, buf_str(&r->p.text), r->p.text.n);
	return 0;
}

int jread_array(struct json_reader *r, enum pull_token t, int (*each)(struct json_reader *r))
{
	int more;

	if (t != PULL_ARRAY)
		return jread_not_a(r, t, "an array was expected");
	while ((more = next_object(r)) > 0)
		if (each(r) < 0)
			return -1;
	return more;
}

/* An array inside an entry, or the book's meta. */
int jread_part(struct json_reader *r, enum pull_token t, const char *name,
	int (*each)(struct json_reader *))
{
	r->part = name;
	r->part_n = 0;
	int rc = jread_array(r, t, each);
	r->part = NULL;
	return rc;
}
