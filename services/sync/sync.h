// SPDX-License-Identifier: Apache-2.0
/* What the handlers of the sync service share. PostgreSQL holds the truth; here is only what is
 * under way. One thread. */
#pragma once

#include "common/db/db.h"
#include "common/service/service.h"
#include "gen/config.h"
#include "gen/errors.h"
#include "gen/msg.h"
#include "services/sync/group.h"
#include "services/sync/sql.h"

struct sync {
	struct service *service;
	struct sync_config config;
	struct peer *lock; /* NULL: none configured */
};

extern struct sync sync_service;

int sync_start(struct service *s, struct fault *reterr);

/* ---- rows and answers (answer.c) ---- */

/* The two parameters of a reference. */
void ref_args(struct db_args *a, const char *ref);
/* A broken constraint is a conflict with a reason, not an accident. */
void answer_fault(struct call *call, const struct fault *f);
/* Ends a transaction that goes on no further, and says why. */
void give_up(struct txn *t, struct call *call, const struct fault *f);
/* Rows of a result; texts are copied to the arena. */
struct m_sync_group *group_rows(struct call *call, const struct db_result *r);
struct m_sync_member *member_rows(struct call *call, const struct db_result *r);
bool group_found(const struct db_result *r, struct fault *reterr);
bool version_fits(uint64_t wanted, uint64_t present, struct fault *reterr);
/* Of the group of SQL_GROUP_FIND; its call is refused when there is none. */
void answer_group(struct call *call, const struct db_result *r);
void answer_members(struct call *call, const struct db_result *r);

/* ---- after a commit (tell.c) ---- */

void tell_changed(const struct uuid *group, const struct m_sync_member *m);
/* The lock service learns role and state; departed: it leaves its group. */
void tell_lock(const struct m_sync_member *m, bool departed);
/* Tells all members now and then, since a call may be lost. */
void tell_start(void);

/* scope.c: before the handler of a request with a scope */
void scope_guard(struct call *call, call_fn then);

/* ---- handlers ---- */

void on_sync_group_list(struct call *call);
void on_sync_group_get(struct call *call);
void on_sync_group_create(struct call *call);
void on_sync_group_update(struct call *call);
void on_sync_group_delete(struct call *call);
void on_sync_member_list(struct call *call);
void on_sync_member_put(struct call *call);
void on_sync_member_remove(struct call *call);
