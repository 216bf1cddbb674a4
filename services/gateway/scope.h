// SPDX-License-Identifier: Apache-2.0
/* Where the role of a person or a token counts (docs/spec/fleet.md FL-69): assignments outside,
 * lines (common/msg/scope.h) in the database and in the header of each call. */
#pragma once

#include "common/msg/scope.h"
#include "services/gateway/gateway.h"

/* How far this person reaches with messages of a right. */
enum scope_reach person_reach(const struct person *who, enum msg_right right, struct arena *arena);
/* False when r was refused: the person's role may not send this, or reaches only a part and the
 * message does not know scopes. */
bool rest_reaches(struct rest *r, const struct msg_desc *request);

/* Lines as assignments: those of one role are one. */
struct scope_shown {
	const struct m_assignment *items;
	size_t n;
};
struct scope_shown scope_show(const char *lines, struct arena *arena);

/* Assignments as lines: groups and sites are there, groups by id. Calls then, or refuses r. What is
 * taken lives as long as r. */
struct scope_taken {
	const char *lines;   /* "" = none */
	enum msg_right role; /* the highest of them */
};
/* The role to store: that of the assignments when there are any, else that given; NULL = none. */
const char *scope_role_of(const struct scope_taken *taken, int role);
#define SCOPE_ROLE_ALONE                                                                           \
	"it has assignments: give them as a whole; a role alone would count everywhere"
#define SCOPE_NONE_ALONE "assignments: none at all means everywhere; say with which role"
void scope_take(struct rest *r, const struct m_assignment *items, size_t n,
	void (*then)(void *arg, const struct scope_taken *taken), void *arg);
