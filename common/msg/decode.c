// SPDX-License-Identifier: Apache-2.0
/* Frames to structs: pre-scan, msgpack, then the schema of the message. */
#include <limits.h>
#include <msgpack.h>
#include <string.h>

#include "common/msg/wire.h"
#include "gen/errors.h"

#define RATION_BASE ((size_t)64 * 1024)
#define RATION_RATIO 32 /* structs are wider than what travels: absent members have a place too */

struct decoder {
	struct ration ration;
	struct fault *err;
};

static int get_map(struct decoder *d, const struct msg_desc *desc, const msgpack_object *o,
	const struct place *up, void *body);

static int refuse(struct decoder *d, const struct place *at, const char *reason, const char *what)
{
	return place_refuse(at, d->err, reason, what);
}

static int wrong_type(struct decoder *d, const struct place *at)
{
	return refuse(d, at, "wrong_type", "wrong type");
}

static int no_room(struct decoder *d, const struct place *at)
{
	return refuse(d, at, "too_long", "message takes too much memory");
}

static int get_uint(struct decoder *d, const struct msg_field *f, const msgpack_object *o,
	const struct place *at, uint64_t *to)
{
	if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return wrong_type(d, at);
	if (o->via.u64 > wire_max(f))
		return refuse(d, at, "out_of_range", "number is too large");
	*to = o->via.u64;
	return 0;
}

static int get_int(struct decoder *d, const msgpack_object *o, const struct place *at, int64_t min,
	int64_t max, int64_t *to)
{
	int64_t v = o->via.i64;

	if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER &&
		o->type != MSGPACK_OBJECT_NEGATIVE_INTEGER)
		return wrong_type(d, at);
	if ((o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 > INT64_MAX) || v < min ||
		v > max)
		return refuse(d, at, "out_of_range", "number is out of range");
	*to = v;
	return 0;
}

static int get_enum(struct decoder *d, const struct msg_field *f, const msgpack_object *o,
	const struct place *at, int *to)
{
	if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return wrong_type(d, at);
	if (o->via.u64 > INT_MAX || msg_word(f->words, (int)o->via.u64) == NULL)
		return refuse(d, at, "unknown_word", "unknown number of an enum");
	*to = (int)o->via.u64;
	return 0;
}

static int get_text(struct decoder *d, const struct msg_field *f, const msgpack_object *o,
	const struct place *at, const char **to)
{
	if (o->type != MSGPACK_OBJECT_STR)
		return wrong_type(d, at);
	if (o->via.str.size > f->max)
		return refuse(d, at, "too_long", "text is too long");
	char *s = ration_take(&d->ration, o->via.str.size + (size_t)1, 1);
	if (s == NULL)
		return no_room(d, at);
	memcpy(s, o->via.str.ptr, o->via.str.size);
	*to = s;
	return 0;
}

static int get_bytes(struct decoder *d, const struct msg_field *f, const msgpack_object *o,
	const struct place *at, struct span *to)
{
	if (o->type != MSGPACK_OBJECT_BIN)
		return wrong_type(d, at);
	if (o->via.bin.size > f->max)
		return refuse(d, at, "too_long", "too many bytes");
	uint8_t *p = ration_take(&d->ration, o->via.bin.size, 1);
	if (p == NULL)
		return no_room(d, at);
	memcpy(p, o->via.bin.ptr, o->via.bin.size);
	*to = (struct span){.p = p, .n = o->via.bin.size};
	return 0;
}

static int get_uuid(
	struct decoder *d, const msgpack_object *o, const struct place *at, struct uuid *to)
{
	if (o->type != MSGPACK_OBJECT_BIN || o->via.bin.size != sizeof(to->b))
		return wrong_type(d, at);
	memcpy(to->b, o->via.bin.ptr, sizeof(to->b));
	return 0;
}

static int get_struct(struct decoder *d, const struct msg_field *f, const msgpack_object *o,
	const struct place *at, void *to)
{
	void *body = to; /* an element stands in its list */

	if (!f->list) {
		body = ration_take(&d->ration, 1, f->desc->size);
		if (body == NULL)
			return no_room(d, at);
		memcpy(to, &body, sizeof(body));
	}
	return get_map(d, f->desc, o, at, body);
}

static int get_value(struct decoder *d, const struct msg_field *f, const msgpack_object *o,
	const struct place *at, void *to)
{
	switch (f->type) {
	case MSG_BOOL:
		if (o->type != MSGPACK_OBJECT_BOOLEAN)
			return wrong_type(d, at);
		*(bool *)to = o->via.boolean;
		return 0;
	case MSG_UINT:
		return get_uint(d, f, o, at, to);
	case MSG_INT:
		return get_int(d, o, at, INT64_MIN, INT64_MAX, to);
	case MSG_TIME:
		return get_int(d, o, at, 0, WIRE_TIME_MAX, to);
	case MSG_ENUM:
		return get_enum(d, f, o, at, to);
	case MSG_TEXT:
		return get_text(d, f, o, at, to);
	case MSG_BYTES:
		return get_bytes(d, f, o, at, to);
	case MSG_UUID:
		return get_uuid(d, o, at, to);
	case MSG_STRUCT:
		return get_struct(d, f, o, at, to);
	}
	return wrong_type(d, at);
}

static int get_list(struct decoder *d, const struct msg_field *f, const msgpack_object *o,
	struct place *at, void *body)
{
	if (o->type != MSGPACK_OBJECT_ARRAY)
		return wrong_type(d, at);
	size_t n = o->via.array.size;
	size_t size = wire_size(f);
	if (n > f->max_items)
		return refuse(d, at, "too_many", "too many items");
	if (n == 0)
		return 0;
	char *items = ration_take(&d->ration, n, size);
	if (items == NULL)
		return no_room(d, at);
	for (at->index = 0; at->index < n; at->index++) {
		if (get_value(d, f, &o->via.array.ptr[at->index], at, items + at->index * size) !=
			0)
			return -1;
	}
	memcpy(wire_to(body, f->offset), &items, sizeof(items));
	memcpy(wire_to(body, f->offset_n), &n, sizeof(n));
	return 0;
}

static int get_field(struct decoder *d, const struct msg_field *f, const msgpack_object *o,
	const struct place *up, void *body)
{
	struct place at = {.up = up, .name = f->name, .index = SIZE_MAX};

	if (o->type == MSGPACK_OBJECT_NIL) /* given, and empty */
		return f->required ? refuse(d, &at, "required", "is required") : 0;
	if (f->list)
		return get_list(d, f, o, &at, body);
	if (get_value(d, f, o, &at, wire_to(body, f->offset)) != 0)
		return -1;
	if (f->required && wire_lacks(f, body)) /* the nil id, the first instant of 1970 */
		return refuse(d, &at, "required", "is required");
	return 0;
}

/* Tags mostly come in the order of the fields: the search goes on where the last one ended. */
static size_t find_tag(const struct msg_desc *desc, uint64_t tag, size_t from)
{
	for (size_t k = 0; k < desc->n_fields; k++) {
		size_t i = from + k < desc->n_fields ? from + k : from + k - desc->n_fields;
		if (desc->fields[i].tag == tag)
			return i;
	}
	return SIZE_MAX;
}

static int check_required(
	struct decoder *d, const struct msg_desc *desc, const struct place *up, uint64_t has)
{
	for (size_t i = 0; i < desc->n_fields; i++) {
		struct place at = {.up = up, .name = desc->fields[i].name, .index = SIZE_MAX};
		if (desc->fields[i].required && (has >> i & 1) == 0)
			return refuse(d, &at, "required", "is required");
	}
	return 0;
}

static int get_map(struct decoder *d, const struct msg_desc *desc, const msgpack_object *o,
	const struct place *up, void *body)
{
	uint64_t has = 0;
	size_t next = 0;

	if (o->type != MSGPACK_OBJECT_MAP)
		return wrong_type(d, up);
	for (uint32_t k = 0; k < o->via.map.size; k++) {
		const msgpack_object_kv *kv = &o->via.map.ptr[k];
		size_t i = find_tag(desc, kv->key.via.u64, next);
		if (i == SIZE_MAX) /* of a newer version */
			continue;
		if (get_field(d, &desc->fields[i], &kv->val, up, body) != 0)
			return -1;
		has |= (uint64_t)1 << i;
		next = i + 1;
	}
	*(uint64_t *)body = has;
	return check_required(d, desc, up, has);
}

static int get_header(struct decoder *d, const msgpack_object *o, struct msg_header *ret_header)
{
	struct wire_header h = {.has = 0};

	if (get_map(d, &wire_header_desc, o, NULL, &h) != 0)
		return -1;
	*ret_header = (struct msg_header){
		.sender = h.sender != NULL ? h.sender : "",
		.trace = h.trace,
		.deadline_ms = (uint32_t)h.deadline_ms,
		.request = h.request,
		.protocol = (uint32_t)h.protocol,
		.min_protocol = (uint32_t)h.min_protocol,
		.epoch = h.epoch,
		.seq = h.seq,
		.actor = h.actor != NULL ? h.actor : "",
		.role = (enum msg_right)h.role,
		.scope = h.scope != NULL ? h.scope : "",
	};
	return 0;
}

static int get_frame(struct decoder *d, const msgpack_object *o, const struct msg_desc **ret_desc,
	struct msg_header *ret_header, void **ret_body)
{
	const msgpack_object *part = o->via.array.ptr;

	if (get_header(d, &part[1], ret_header) != 0)
		return -1;
	const struct msg_desc *desc = msg_find((uint16_t)part[0].via.u64);
	if (desc == NULL)
		return fault_why(d->err, CN_PROTOCOL_ERROR, "unknown_message", "no message 0x%04x",
			(unsigned)part[0].via.u64);
	*ret_desc = desc;
	void *body = ration_take(&d->ration, 1, desc->size);
	if (body == NULL)
		return no_room(d, NULL);
	if (get_map(d, desc, &part[2], NULL, body) != 0)
		return -1;
	*ret_body = body;
	return 0;
}

/* The first bytes of every frame are 93 cd SS TT: an array of three, an id as uint16. */
static bool is_frame(struct span frame)
{
	return frame.n >= 4 && frame.p[0] == 0x93 && frame.p[1] == 0xcd;
}

int msg_decode(struct span frame, struct arena *arena, const struct msg_desc **ret_desc,
	struct msg_header *ret_header, void **ret_body, struct fault *reterr)
{
	struct decoder d = {.err = reterr,
		.ration = {.arena = arena, .left = RATION_BASE + frame.n * RATION_RATIO}};
	msgpack_zone zone;
	msgpack_object o;
	size_t at = 0;

	*ret_desc = NULL;
	*ret_body = NULL;
	*ret_header = (struct msg_header){.sender = "", .actor = "", .scope = ""};
	if (msg_prescan(frame, reterr) != 0)
		return -1;
	if (!is_frame(frame))
		return fault_why(reterr, CN_PROTOCOL_ERROR, "message_malformed",
			"message is not [id, header, body]");
	if (!msgpack_zone_init(&zone, MSGPACK_ZONE_CHUNK_SIZE))
		return fault_set(reterr, CN_INTERNAL_ERROR, "out of memory");
	int rc;
	if (msgpack_unpack((const char *)frame.p, frame.n, &at, &zone, &o) ==
		MSGPACK_UNPACK_SUCCESS)
		rc = get_frame(&d, &o, ret_desc, ret_header, ret_body);
	else
		rc = fault_set(reterr, CN_INTERNAL_ERROR, "msgpack refused a scanned message");
	msgpack_zone_destroy(&zone);
	return rc;
}
