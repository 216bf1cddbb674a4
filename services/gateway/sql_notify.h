// SPDX-License-Identifier: Apache-2.0
/* SQL of notices: subscriptions, webhooks, what is on its way (schemas/sql/0053_gate_notify.sql).
 */
#pragma once

#include "common/db/db.h"

/* ---- on its way ---- */

/* kinds → those of them that somebody wants */
extern const struct db_sql SQL_NOTICE_WANT;
/* ids, kinds, subjects, times, data, due of digests 1 to 3, most that wait of one subscription →
 * how many go */
extern const struct db_sql SQL_NOTICE_PUT;
/* rate, hold ms → notice, subscription, attempts, ms since the first, kind, subject, at, data,
 * webhook, url, key id, key, old key, token header, token, proxy */
extern const struct db_sql SQL_WEBHOOK_CLAIM;
/* notice, subscription, attempts, state, wait ms, status, cause, detail, webhook */
extern const struct db_sql SQL_WEBHOOK_TOLD;
/* most in 24 h, hold ms, mailing, lines → notice, kind, subject, at, data, subscription, name,
 * language, urgent, addresses as JSON, attempts, ms since the first, claimed at, how many in all */
extern const struct db_sql SQL_MAIL_CLAIM;
/* subscription, claimed at, state, wait ms, cause, detail, mailing */
extern const struct db_sql SQL_MAIL_TOLD;
/* ms: what is due for so long, and goes nowhere, is a dead letter */
extern const struct db_sql SQL_NOTICE_AGE;
/* what is over and old: deliveries, then notices without any */
extern const struct db_sql SQL_NOTICE_PURGE;
extern const struct db_sql SQL_NOTICE_PURGED;
/* id, subscription (id or name) → 1 row: a notice of kind test goes its way */
extern const struct db_sql SQL_NOTICE_TEST;

/* ---- webhooks: rows are id name url active token_header token? key_id old_until version created
 * last_at last_status waiting dead proxy ---- */

extern const struct db_sql SQL_WEBHOOK_LIST;
/* id, name, url, active, token header, token, key id, key, proxy */
extern const struct db_sql SQL_WEBHOOK_CREATE;
/* ref → id, version; locked */
extern const struct db_sql SQL_WEBHOOK_FIND;
/* id, url, active, token header, token, proxy; NULL = keep */
extern const struct db_sql SQL_WEBHOOK_UPDATE;
extern const struct db_sql SQL_WEBHOOK_ROTATE; /* id, key id, key, ms that the old one signs */
extern const struct db_sql SQL_WEBHOOK_DELETE; /* id */

/* ---- subscriptions: rows are id name kinds states tasks webhook mail language digest urgent
 * active version created made_by waiting dead changes; lists as JSON ---- */

extern const struct db_sql SQL_SUBSCRIPTION_LIST;
/* id, name, kinds, states, tasks, webhook (ref), mail, language, digest, urgent, active, changes,
 * made by */
extern const struct db_sql SQL_SUBSCRIPTION_CREATE;
extern const struct db_sql SQL_SUBSCRIPTION_FIND; /* ref → id, version; locked */
/* id, name, kinds, states, tasks, webhook, mail, language, digest, urgent, active, changes; NULL =
 * keep */
extern const struct db_sql SQL_SUBSCRIPTION_UPDATE;
extern const struct db_sql SQL_SUBSCRIPTION_DELETE; /* id */

/* ---- dead letters ---- */

/* webhook or null, subscription or null, limit → notice, subscription, webhook, kind, subject, at,
 * tried, attempts, status, cause, detail, total */
extern const struct db_sql SQL_DEAD_LIST;
extern const struct db_sql
	SQL_DEAD_REPLAY; /* ids (empty = all), webhook, subscription → how many */
