// SPDX-License-Identifier: Apache-2.0
/* Structs to frames. Values are ours: one that breaks its limit is a bug and spoils the buffer. */
#include <msgpack.h>
#include <string.h>

#include "common/msg/wire.h"
#include "common/text/utf8.h"

struct encoder {
	struct buf *out;
	msgpack_packer pk;
};

static int to_buf(void *data, const char *p, size_t n)
{
	struct buf *out = data;

	buf_add(out, p, n);
	return out->err ? -1 : 0;
}

static void refuse(struct encoder *e)
{
	e->out->err = true;
}

static void put_map(struct encoder *e, const struct msg_desc *desc, const void *body);

static void put_text(struct encoder *e, const struct msg_field *f, const char *s)
{
	size_t n = strlen(s);

	if (n > f->max || !utf8_valid(s, n))
		refuse(e);
	(void)msgpack_pack_str_with_body(&e->pk, s, n);
}

static void put_bytes(struct encoder *e, const struct msg_field *f, const struct span *s)
{
	if (s->n > f->max)
		refuse(e);
	(void)msgpack_pack_bin_with_body(&e->pk, s->p, s->n);
}

static void put_uint(struct encoder *e, const struct msg_field *f, uint64_t v)
{
	if (v > wire_max(f))
		refuse(e);
	(void)msgpack_pack_uint64(&e->pk, v);
}

static void put_time(struct encoder *e, int64_t ms)
{
	if (ms < 0 || ms > WIRE_TIME_MAX)
		refuse(e);
	(void)msgpack_pack_int64(&e->pk, ms);
}

static void put_enum(struct encoder *e, const struct msg_field *f, int v)
{
	if (msg_word(f->words, v) == NULL)
		refuse(e);
	(void)msgpack_pack_int(&e->pk, v);
}

/* A value that is there. `at` is the member, or the element of a list. */
static void put_value(struct encoder *e, const struct msg_field *f, const void *at)
{
	switch (f->type) {
	case MSG_BOOL:
		(void)(*(const bool *)at ? msgpack_pack_true(&e->pk) : msgpack_pack_false(&e->pk));
		break;
	case MSG_UINT:
		put_uint(e, f, *(const uint64_t *)at);
		break;
	case MSG_INT:
		(void)msgpack_pack_int64(&e->pk, *(const int64_t *)at);
		break;
	case MSG_TIME:
		put_time(e, *(const int64_t *)at);
		break;
	case MSG_ENUM:
		put_enum(e, f, *(const int *)at);
		break;
	case MSG_TEXT:
		put_text(e, f, *(const char *const *)at);
		break;
	case MSG_BYTES:
		put_bytes(e, f, at);
		break;
	case MSG_UUID:
		(void)msgpack_pack_bin_with_body(&e->pk, at, sizeof(struct uuid));
		break;
	case MSG_STRUCT:
		put_map(e, f->desc, f->list ? at : *(const void *const *)at);
		break;
	}
}

static void put_list(struct encoder *e, const struct msg_field *f, const void *body)
{
	size_t n = *(const size_t *)wire_at(body, f->offset_n);
	const char *at = *(const char *const *)wire_at(body, f->offset);
	size_t size = wire_size(f);

	if (n > f->max_items || (n > 0 && at == NULL)) {
		refuse(e);
		return;
	}
	(void)msgpack_pack_array(&e->pk, n);
	for (size_t i = 0; i < n; i++, at += size) {
		if ((f->type == MSG_TEXT || f->type == MSG_BYTES) && !wire_present(f, at)) {
			refuse(e);
			return;
		}
		put_value(e, f, at);
	}
}

static void put_field(struct encoder *e, const struct msg_field *f, const void *body)
{
	(void)msgpack_pack_uint16(&e->pk, f->tag);
	if (f->list) {
		put_list(e, f, body);
	} else if (wire_zero_is_value(f) || wire_field_present(f, body)) {
		put_value(e, f, wire_at(body, f->offset));
	} else {
		if (f->required)
			refuse(e);
		(void)msgpack_pack_nil(&e->pk);
	}
}

/* A field travels when it is required, not zero, or its bit is set. */
static bool travels(const struct msg_desc *desc, size_t i, const void *body)
{
	const struct msg_field *f = &desc->fields[i];

	return f->required || (*(const uint64_t *)body >> i & 1) != 0 ||
	       wire_field_present(f, body);
}

static void put_map(struct encoder *e, const struct msg_desc *desc, const void *body)
{
	uint64_t given = 0;

	for (size_t i = 0; i < desc->n_fields; i++)
		given |= (uint64_t)travels(desc, i, body) << i;
	(void)msgpack_pack_map(&e->pk, (size_t)__builtin_popcountll(given));
	for (; given != 0; given &= given - 1)
		put_field(e, &desc->fields[__builtin_ctzll(given)], body);
}

void msg_encode(struct buf *out, const struct msg_desc *desc, const struct msg_header *header,
	const void *body)
{
	struct encoder e = {.out = out};
	size_t before = out->n;
	struct wire_header h = {
		.trace = header->trace,
		.deadline_ms = header->deadline_ms,
		.request = header->request,
		.protocol = header->protocol,
		.min_protocol = header->min_protocol,
		.epoch = header->epoch,
		.seq = header->seq,
		.role = header->role,
	};

	/* "" says what absence says */
	if (header->sender != NULL && header->sender[0] != '\0')
		h.sender = header->sender;
	if (header->actor != NULL && header->actor[0] != '\0')
		h.actor = header->actor;
	if (header->scope != NULL && header->scope[0] != '\0')
		h.scope = header->scope;
	bug_if(desc->id == 0);
	msgpack_packer_init(&e.pk, out, to_buf);
	(void)msgpack_pack_array(&e.pk, 3);
	(void)msgpack_pack_fix_uint16(&e.pk, desc->id);
	put_map(&e, &wire_header_desc, &h);
	put_map(&e, desc, body);
	if (out->n - before > MSG_MAX)
		refuse(&e);
}
