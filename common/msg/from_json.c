// SPDX-License-Identifier: Apache-2.0
/* JSON to structs, strictly: whoever misspells a member is told so. */
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/msg/wire.h"
#include "common/text/rfc3339.h"

struct reader {
	struct ration ration;
	struct fault *err;
};

static int read_struct(struct reader *r, const struct msg_desc *desc, const json_t *j,
	const struct place *up, void *body);

static int refuse(struct reader *r, const struct place *at, const char *reason, const char *what)
{
	return place_refuse(at, r->err, reason, what);
}

static int wrong_type(struct reader *r, const struct place *at, const char *wanted)
{
	return refuse(r, at, "wrong_type", wanted);
}

static int no_room(struct reader *r, const struct place *at)
{
	return refuse(r, at, "too_long", "takes too much memory");
}

static int read_uint(struct reader *r, const struct msg_field *f, const json_t *j,
	const struct place *at, uint64_t *to)
{
	if (!json_is_integer(j))
		return wrong_type(r, at, "a whole number is wanted");
	json_int_t v = json_integer_value(j);
	if (v < 0 || (uint64_t)v > wire_max(f))
		return refuse(r, at, "out_of_range", "number is out of range");
	*to = (uint64_t)v;
	return 0;
}

static int read_int(struct reader *r, const json_t *j, const struct place *at, int64_t *to)
{
	if (!json_is_integer(j))
		return wrong_type(r, at, "a whole number is wanted");
	*to = json_integer_value(j);
	return 0;
}

static int read_bool(struct reader *r, const json_t *j, const struct place *at, bool *to)
{
	if (!json_is_boolean(j))
		return wrong_type(r, at, "true or false is wanted");
	*to = json_is_true(j);
	return 0;
}

/* NULL, with the fault set, when it is no text, or one with a NUL. */
static const char *text_of(struct reader *r, const json_t *j, const struct place *at)
{
	const char *s = json_string_value(j);

	if (s == NULL || strlen(s) != json_string_length(j)) {
		(void)wrong_type(r, at, "a text is wanted");
		return NULL;
	}
	return s;
}

static int read_text(struct reader *r, const struct msg_field *f, const json_t *j,
	const struct place *at, const char **to)
{
	const char *s = text_of(r, j, at);

	if (s == NULL)
		return -1;
	size_t n = strlen(s);
	if (n > f->max)
		return refuse(r, at, "too_long", "text is too long");
	char *copy = ration_take(&r->ration, n + 1, 1);
	if (copy == NULL)
		return no_room(r, at);
	memcpy(copy, s, n);
	*to = copy;
	return 0;
}

static int read_enum(struct reader *r, const struct msg_field *f, const json_t *j,
	const struct place *at, int *to)
{
	const char *s = text_of(r, j, at);

	if (s == NULL)
		return -1;
	*to = msg_number(f->words, s);
	return *to != 0 ? 0 : refuse(r, at, "unknown_word", "unknown word");
}

static int read_uuid(struct reader *r, const json_t *j, const struct place *at, struct uuid *to)
{
	const char *s = text_of(r, j, at);

	if (s == NULL)
		return -1;
	return uuid_parse(s, to) == 0 ? 0 : wrong_type(r, at, "an id (UUID) is wanted");
}

static int read_time(struct reader *r, const json_t *j, const struct place *at, int64_t *to)
{
	const char *s = text_of(r, j, at);

	if (s == NULL)
		return -1;
	if (rfc3339_parse(s, to) != 0)
		return wrong_type(r, at, "a time like 2027-01-05T01:20:30Z is wanted");
	return 0;
}

static int keep_bytes(struct reader *r, const struct msg_field *f, const struct buf *b,
	const struct place *at, struct span *to)
{
	if (b->n > f->max)
		return refuse(r, at, "too_long", "too many bytes");
	uint8_t *p = ration_take(&r->ration, b->n, 1);
	if (p == NULL)
		return no_room(r, at);
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	*to = (struct span){.p = p, .n = b->n};
	return 0;
}

static int read_bytes(struct reader *r, const struct msg_field *f, const json_t *j,
	const struct place *at, struct span *to)
{
	struct buf b = BUF_INIT;
	const char *s = text_of(r, j, at);

	if (s == NULL)
		return -1;
	int rc = base64_decode(s, strlen(s), &b) == 0 ? keep_bytes(r, f, &b, at, to)
						      : wrong_type(r, at, "base64 is wanted");
	buf_fini(&b);
	return rc;
}

static int read_part(struct reader *r, const struct msg_field *f, const json_t *j,
	const struct place *at, void *to)
{
	void *body = to; /* an element stands in its list */

	if (!f->list) {
		body = ration_take(&r->ration, 1, f->desc->size);
		if (body == NULL)
			return no_room(r, at);
		memcpy(to, &body, sizeof(body));
	}
	return read_struct(r, f->desc, j, at, body);
}

static int read_value(struct reader *r, const struct msg_field *f, const json_t *j,
	const struct place *at, void *to)
{
	switch (f->type) {
	case MSG_BOOL:
		return read_bool(r, j, at, to);
	case MSG_UINT:
		return read_uint(r, f, j, at, to);
	case MSG_INT:
		return read_int(r, j, at, to);
	case MSG_TIME:
		return read_time(r, j, at, to);
	case MSG_ENUM:
		return read_enum(r, f, j, at, to);
	case MSG_TEXT:
		return read_text(r, f, j, at, to);
	case MSG_BYTES:
		return read_bytes(r, f, j, at, to);
	case MSG_UUID:
		return read_uuid(r, j, at, to);
	case MSG_STRUCT:
		return read_part(r, f, j, at, to);
	}
	return wrong_type(r, at, "wrong type");
}

static int read_list(
	struct reader *r, const struct msg_field *f, const json_t *j, struct place *at, void *body)
{
	size_t n = json_array_size(j);
	size_t size = wire_size(f);

	if (!json_is_array(j))
		return wrong_type(r, at, "a list is wanted");
	if (n > f->max_items)
		return refuse(r, at, "too_many", "too many items");
	if (n == 0)
		return 0;
	char *items = ration_take(&r->ration, n, size);
	if (items == NULL)
		return no_room(r, at);
	for (at->index = 0; at->index < n; at->index++) {
		if (read_value(r, f, json_array_get(j, at->index), at, items + at->index * size) !=
			0)
			return -1;
	}
	memcpy(wire_to(body, f->offset), &items, sizeof(items));
	memcpy(wire_to(body, f->offset_n), &n, sizeof(n));
	return 0;
}

static int read_field(struct reader *r, const struct msg_field *f, const json_t *j,
	const struct place *up, void *body)
{
	struct place at = {.up = up, .name = f->name, .index = SIZE_MAX};

	if (json_is_null(j)) /* given, and empty */
		return f->required ? refuse(r, &at, "required", "is required") : 0;
	if (f->list)
		return read_list(r, f, j, &at, body);
	if (read_value(r, f, j, &at, wire_to(body, f->offset)) != 0)
		return -1;
	if (f->required && wire_lacks(f, body)) /* the nil id, the first instant of 1970 */
		return refuse(r, &at, "required", "is required");
	return 0;
}

/* Members mostly come in the order of the fields: the search goes on where the last one ended. */
static size_t find_name(const struct msg_desc *desc, const char *name, size_t from)
{
	for (size_t k = 0; k < desc->n_fields; k++) {
		size_t i = from + k < desc->n_fields ? from + k : from + k - desc->n_fields;
		if (strcmp(desc->fields[i].name, name) == 0)
			return i;
	}
	return SIZE_MAX;
}

static int check_required(
	struct reader *r, const struct msg_desc *desc, const struct place *up, uint64_t has)
{
	for (size_t i = 0; i < desc->n_fields; i++) {
		struct place at = {.up = up, .name = desc->fields[i].name, .index = SIZE_MAX};
		if (desc->fields[i].required && (has >> i & 1) == 0)
			return refuse(r, &at, "required", "is required");
	}
	return 0;
}

static int read_struct(struct reader *r, const struct msg_desc *desc, const json_t *j,
	const struct place *up, void *body)
{
	uint64_t has = 0;
	size_t next = 0;

	if (!json_is_object(j))
		return wrong_type(r, up, "an object is wanted");
	/* jansson iterates a json_t that it does not declare const */
	void *it = json_object_iter((json_t *)(uintptr_t)j);
	for (; it != NULL; it = json_object_iter_next((json_t *)(uintptr_t)j, it)) {
		struct place at = {.up = up, .name = json_object_iter_key(it), .index = SIZE_MAX};
		size_t i = find_name(desc, at.name, next);
		if (i == SIZE_MAX)
			return refuse(r, &at, "unknown_member", "unknown member");
		if (read_field(r, &desc->fields[i], json_object_iter_value(it), up, body) != 0)
			return -1;
		has |= (uint64_t)1 << i;
		next = i + 1;
	}
	memcpy(body, &has, sizeof(has));
	return check_required(r, desc, up, has);
}

int msg_from_json(const struct msg_desc *desc, const json_t *json, struct arena *arena,
	void **ret_body, struct fault *reterr)
{
	/* the text was bounded when it was read; the arena's own cap is the limit */
	struct reader r = {.err = reterr, .ration = {.arena = arena, .left = SIZE_MAX}};
	void *body = ration_take(&r.ration, 1, desc->size);

	*ret_body = NULL;
	if (body == NULL)
		return no_room(&r, NULL);
	if (read_struct(&r, desc, json, NULL, body) != 0)
		return -1;
	*ret_body = body;
	return 0;
}
