// SPDX-License-Identifier: Apache-2.0
/* What encoder, decoder and JSON share; private to common/msg. */
#pragma once

#include "common/msg/msg.h"

#define WIRE_TIME_MAX ((int64_t)253402300799999) /* end of the year 9999 */

/* The header as it travels: a struct like those that schemagen makes. */
struct wire_header {
	uint64_t has;
	const char *sender;
	struct uuid trace;
	uint64_t deadline_ms;
	struct uuid request;
	uint64_t protocol;
	uint64_t epoch, seq;
	const char *actor;
	uint64_t role;
	const char *scope;
	uint64_t min_protocol;
};
extern const struct msg_desc wire_header_desc;

/* Bytes of one element of a list, or of a single member. */
size_t wire_size(const struct msg_field *f);
/* The member (or element) at `at` has a value; numbers have when they are not zero. */
bool wire_present(const struct msg_field *f, const void *at);
/* A list is present when it has elements. */
bool wire_field_present(const struct msg_field *f, const void *body);
/* Zero is a value of its own, not absence: bool, uint, int, and a list without elements. */
bool wire_zero_is_value(const struct msg_field *f);
/* The field has no value, and zero is none. */
bool wire_lacks(const struct msg_field *f, const void *body);
/* The largest number of a uint field. */
uint64_t wire_max(const struct msg_field *f);

static inline const void *wire_at(const void *body, uint32_t offset)
{
	return (const char *)body + offset;
}

static inline void *wire_to(void *body, uint32_t offset)
{
	return (char *)body + offset;
}

/* Where in a message something is wrong: a chain on the stack, rendered only on failure. */
struct place {
	const struct place *up;
	const char *name;
	size_t index; /* of a list's element, from 0; SIZE_MAX = not in a list */
};

/* Sets CN_VALIDATION_FAILED, "device.ports[2].port: <what>", with the reason word; returns -1. */
int place_refuse(
	const struct place *at, struct fault *reterr, const char *reason, const char *what);

/* One frame's share of an arena (SE-51): allocation that ends before the memory does. */
struct ration {
	struct arena *arena;
	size_t left;
};
void *ration_take(struct ration *r, size_t n, size_t size);
