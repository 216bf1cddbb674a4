// SPDX-License-Identifier: Apache-2.0
/* The rules of native sync groups (docs/spec/sync.md sections 1, 2, 4, 6). Pure. */
#pragma once

#include "common/base/fault.h"
#include "gen/msg.h"

#define GROUP_MACHINES_MAX 10  /* L1 */
#define GROUP_MEMBERS_MAX 1000 /* with the stopped ones: what one answer holds */
#define DESTINATION_LOCAL "localhost:8443"

/* client or server_client: "client" in the rules means both. */
bool role_is_client(enum sync_role role);
/* server or server_client */
bool role_is_server(enum sync_role role);
/* Toward L1: the server always, a client until stopped or dropped (L4), a replica never (L3). */
bool member_counts(const struct m_sync_member *m);

/* The one door for role and state. now: the member as it stands, NULL when it enters the group, in
 * any state that its role knows, since it is what was seen. What asked leaves out is as before;
 * a new role begins stopped and without destination. -1 with CN_CONFLICT or
 * CN_VALIDATION_FAILED and a reason; *ret_next is then untouched. Texts are not copied. */
int member_step(const struct m_sync_member *now, const struct m_sync_member *asked,
	struct m_sync_member *ret_next, struct fault *reterr) must_check;

/* Whether the group has room for m as it shall stand; members may contain its old self. */
int group_admits(const struct m_sync_member *members, size_t n, const struct m_sync_member *m,
	struct fault *reterr) must_check;

/* A client that counts is stopped or dropped first (L4). */
int member_may_leave(const struct m_sync_member *m, struct fault *reterr) must_check;

/* Section 4: IPv4, IPv6 or host name, the port only 8443; "" = find it. The literal
 * localhost:8443 only on a server_client. */
int destination_check(
	enum sync_role role, const char *destination, struct fault *reterr) must_check;

/* Not empty, and not of the form of an id, since either may be a reference. */
int group_name_check(const char *name, struct fault *reterr) must_check;
