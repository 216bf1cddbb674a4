// SPDX-License-Identifier: Apache-2.0
/* Facts about field types, and the header's own descriptor. */
#include "common/msg/wire.h"

#include <stdio.h>
#include <string.h>

#include "gen/errors.h"

static const size_t sizes[] = {
	[MSG_BOOL] = sizeof(bool),
	[MSG_UINT] = sizeof(uint64_t),
	[MSG_INT] = sizeof(int64_t),
	[MSG_ENUM] = sizeof(int),
	[MSG_TEXT] = sizeof(char *),
	[MSG_BYTES] = sizeof(struct span),
	[MSG_UUID] = sizeof(struct uuid),
	[MSG_TIME] = sizeof(int64_t),
	[MSG_STRUCT] = sizeof(void *),
};

size_t wire_size(const struct msg_field *f)
{
	return f->type == MSG_STRUCT && f->list ? f->desc->size : sizes[f->type];
}

bool wire_present(const struct msg_field *f, const void *at)
{
	switch (f->type) {
	case MSG_BOOL:
		return *(const bool *)at;
	case MSG_UINT:
		return *(const uint64_t *)at != 0;
	case MSG_INT:
	case MSG_TIME:
		return *(const int64_t *)at != 0;
	case MSG_ENUM:
		return *(const int *)at != 0;
	case MSG_TEXT:
		return *(const char *const *)at != NULL;
	case MSG_BYTES:
		return ((const struct span *)at)->p != NULL;
	case MSG_UUID:
		return !uuid_is_nil(at);
	case MSG_STRUCT:
		return *(const void *const *)at != NULL;
	}
	return false;
}

bool wire_field_present(const struct msg_field *f, const void *body)
{
	if (f->list)
		return *(const size_t *)wire_at(body, f->offset_n) > 0;
	return wire_present(f, wire_at(body, f->offset));
}

bool wire_zero_is_value(const struct msg_field *f)
{
	return f->list || f->type == MSG_BOOL || f->type == MSG_UINT || f->type == MSG_INT;
}

bool wire_lacks(const struct msg_field *f, const void *body)
{
	return !wire_zero_is_value(f) && !wire_field_present(f, body);
}

uint64_t wire_max(const struct msg_field *f)
{
	return f->max != 0 ? f->max : INT64_MAX;
}

const char *msg_word(const struct msg_enum_word *words, int number)
{
	for (; words->word != NULL; words++) {
		if (words->number == number)
			return words->word;
	}
	return NULL;
}

int msg_number(const struct msg_enum_word *words, const char *word)
{
	for (; words->word != NULL; words++) {
		if (strcmp(words->word, word) == 0)
			return words->number;
	}
	return 0;
}

/* Writes the outermost name first. */
static void render(const struct place *at, char *text, size_t size)
{
	if (at->up != NULL)
		render(at->up, text, size);
	size_t n = strlen(text);
	const char *dot = n > 0 ? "." : "";
	if (at->index == SIZE_MAX)
		(void)snprintf(text + n, size - n, "%s%s", dot, at->name);
	else
		(void)snprintf(text + n, size - n, "%s%s[%zu]", dot, at->name, at->index);
}

int place_refuse(const struct place *at, struct fault *reterr, const char *reason, const char *what)
{
	char path[192] = "";

	if (at != NULL)
		render(at, path, sizeof(path));
	return fault_why(reterr, CN_VALIDATION_FAILED, reason, "%s%s%s", path,
		path[0] != '\0' ? ": " : "", what);
}

void *ration_take(struct ration *r, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total) || total > r->left)
		return NULL;
	r->left -= total;
	return arena_alloc(r->arena, total);
}

static const struct msg_field header_fields[] = {
	{.name = "sender",
		.tag = 1,
		.type = MSG_TEXT,
		.max = 64,
		.offset = offsetof(struct wire_header, sender)},
	{.name = "trace",
		.tag = 2,
		.type = MSG_UUID,
		.offset = offsetof(struct wire_header, trace)},
	{.name = "deadline_ms",
		.tag = 3,
		.type = MSG_UINT,
		.max = UINT32_MAX,
		.offset = offsetof(struct wire_header, deadline_ms)},
	{.name = "request",
		.tag = 4,
		.type = MSG_UUID,
		.offset = offsetof(struct wire_header, request)},
	{.name = "protocol",
		.tag = 5,
		.type = MSG_UINT,
		.max = UINT32_MAX,
		.offset = offsetof(struct wire_header, protocol)},
	{.name = "epoch",
		.tag = 6,
		.type = MSG_UINT,
		.offset = offsetof(struct wire_header, epoch)},
	{.name = "seq", .tag = 7, .type = MSG_UINT, .offset = offsetof(struct wire_header, seq)},
	{.name = "actor",
		.tag = 8,
		.type = MSG_TEXT,
		.max = 256,
		.offset = offsetof(struct wire_header, actor)},
	{.name = "role",
		.tag = 9,
		.type = MSG_UINT,
		.max = MSG_AUDITOR,
		.offset = offsetof(struct wire_header, role)},
	{.name = "scope",
		.tag = 10,
		.type = MSG_TEXT,
		.max = MSG_SCOPE_MAX,
		.offset = offsetof(struct wire_header, scope)},
	{.name = "min_protocol",
		.tag = 11,
		.type = MSG_UINT,
		.max = UINT32_MAX,
		.offset = offsetof(struct wire_header, min_protocol)},
};

const struct msg_desc wire_header_desc = {
	.name = "header",
	.size = sizeof(struct wire_header),
	.fields = header_fields,
	.n_fields = array_len(header_fields),
};

bool msg_may(enum msg_right role, enum msg_right right)
{
	switch (right) {
	case MSG_VIEWER:
		return role != MSG_INTERNAL;
	case MSG_READER:
		return role != MSG_INTERNAL && role != MSG_AUDITOR;
	case MSG_OPERATOR:
		return role == MSG_OPERATOR || role == MSG_ADMIN;
	case MSG_AUDITOR:
		return role == MSG_AUDITOR || role == MSG_ADMIN;
	case MSG_ADMIN:
		return role == MSG_ADMIN;
	case MSG_INTERNAL:
		break;
	}
	return false;
}
