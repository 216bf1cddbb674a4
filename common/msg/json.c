// SPDX-License-Identifier: Apache-2.0
/* Structs to JSON, for REST, logs and tests. */
#include <string.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/msg/wire.h"

static json_t *struct_json(const struct msg_desc *desc, const void *body, bool full);

static json_t *bytes_json(const struct span *s)
{
	struct buf b = BUF_INIT;

	base64_encode(*s, &b);
	json_t *j = b.err ? NULL : json_stringn(buf_str(&b), b.n);
	buf_fini(&b);
	return j;
}

static json_t *uuid_json(const struct uuid *id)
{
	char text[UUID_TEXT];

	return json_string(uuid_format(id, text));
}

static json_t *time_json(int64_t ms)
{
	char text[CLOCK_RFC3339];

	if (ms < 0 || ms > WIRE_TIME_MAX)
		return json_null();
	return json_string(clock_rfc3339((uint64_t)ms, text));
}

static json_t *enum_json(const struct msg_field *f, int v)
{
	const char *word = msg_word(f->words, v);

	return word != NULL ? json_string(word) : json_null();
}

static json_t *value_json(const struct msg_field *f, const void *at, bool full)
{
	if (!f->list && !wire_zero_is_value(f) && !wire_present(f, at))
		return json_null();
	switch (f->type) {
	case MSG_BOOL:
		return json_boolean(*(const bool *)at);
	case MSG_UINT:
		return json_integer((json_int_t) * (const uint64_t *)at);
	case MSG_INT:
		return json_integer(*(const int64_t *)at);
	case MSG_TIME:
		return time_json(*(const int64_t *)at);
	case MSG_ENUM:
		return enum_json(f, *(const int *)at);
	case MSG_TEXT:
		return json_string(*(const char *const *)at);
	case MSG_BYTES:
		return bytes_json(at);
	case MSG_UUID:
		return uuid_json(at);
	case MSG_STRUCT:
		return struct_json(f->desc, f->list ? at : *(const void *const *)at, full);
	}
	return NULL;
}

static json_t *list_json(const struct msg_field *f, const void *body, bool full)
{
	size_t n = *(const size_t *)wire_at(body, f->offset_n);
	const char *at = *(const char *const *)wire_at(body, f->offset);
	json_t *list = json_array();

	for (size_t i = 0; i < n && list != NULL; i++, at += wire_size(f)) {
		if (json_array_append_new(list, value_json(f, at, full)) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

/* Required fields always show; the rest when they have a value, were given, or `full` asks. */
static bool shows(const struct msg_desc *desc, size_t i, const void *body, bool full)
{
	const struct msg_field *f = &desc->fields[i];

	if (f->secret)
		return false;
	if (f->required || wire_field_present(f, body) || (full && wire_zero_is_value(f)))
		return true;
	return !full && (*(const uint64_t *)body >> i & 1) != 0;
}

static json_t *struct_json(const struct msg_desc *desc, const void *body, bool full)
{
	json_t *o = json_object();

	for (size_t i = 0; i < desc->n_fields && o != NULL; i++) {
		const struct msg_field *f = &desc->fields[i];
		if (!shows(desc, i, body, full))
			continue;
		json_t *v = f->list ? list_json(f, body, full)
				    : value_json(f, wire_at(body, f->offset), full);
		if (json_object_set_new_nocheck(o, f->name, v) != 0) {
			json_decref(o);
			o = NULL;
		}
	}
	return o;
}

json_t *msg_to_json(const struct msg_desc *desc, const void *body)
{
	return struct_json(desc, body, false);
}

json_t *msg_to_json_full(const struct msg_desc *desc, const void *body)
{
	return struct_json(desc, body, true);
}
