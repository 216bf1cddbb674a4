// SPDX-License-Identifier: Apache-2.0
/* All SQL of the gateway (schema gate, schemas/sql/0050_gate.sql). */
#pragma once

#include "common/db/db.h"

/* digest, idle ms, longest ms → name, role, csrf digest, expires, scope; moves seen_at */
extern const struct db_sql SQL_SESSION_FIND;
/* digest → name, role, expires, scope; notes the use once a minute */
extern const struct db_sql SQL_TOKEN_FIND;
/* name → id, password, role, name, scope */
extern const struct db_sql SQL_PERSON_FIND;
/* digest, csrf digest, person id, idle ms, longest ms → expires; drops ended sessions */
extern const struct db_sql SQL_SESSION_MAKE;
extern const struct db_sql SQL_SESSION_END; /* digest */
/* digests of cookies and tokens, idle ms, longest ms → in their order: role or null (it has ended),
 * scope */
extern const struct db_sql SQL_STANDINGS;
/* digest → 1 row when the setup token is good */
extern const struct db_sql SQL_SETUP_CHECK;
/* digest, id, name, password → id; uses the token up, makes the first administrator */
extern const struct db_sql SQL_SETUP_USE;
/* digest, minutes → 1 row when there is nobody yet and a token was laid down */
extern const struct db_sql SQL_SETUP_OPEN;
/* last of the page before or null, limit → rows of the page and one more */
extern const struct db_sql SQL_PERSON_LIST;   /* → id name role active created version scope */
extern const struct db_sql SQL_PERSON_CREATE; /* id name role password scope → the row */
/* id or name, version, role, password, active, scope (NULL = keep) → the row, or what was wrong: */
extern const struct db_sql SQL_PERSON_UPDATE;
extern const struct db_sql SQL_PERSON_WHY; /* id or name → version, break_glass, is there a scope */
extern const struct db_sql SQL_PERSON_LEAVE; /* id or name: its sessions end */
extern const struct db_sql SQL_TOKEN_LIST;   /* as SQL_PERSON_LIST */
extern const struct db_sql
	SQL_TOKEN_CREATE; /* id digest name role made_by expires scope → the row */
extern const struct db_sql SQL_TOKEN_UPDATE; /* id role scope (NULL = keep) → the row, or none */
extern const struct db_sql SQL_TOKEN_THERE;  /* id → one row when it is there */
extern const struct db_sql SQL_TOKEN_DELETE; /* id */
/* request, digest → whether the request is new or had this digest before; forgets after a day */
extern const struct db_sql SQL_REQUEST_SAME;
extern const struct db_sql SQL_AUDIT_APPEND; /* seven arrays */
/* before seq, limit, with text? → seq at actor origin verb object outcome trace hash digest text */
extern const struct db_sql SQL_AUDIT_LIST;
/* → of the head: seq, hash; greatest seq of an entry, of a checkpoint; then the last checkpoint:
 * hash, key, signature, whether it is older than $1 ms */
extern const struct db_sql SQL_AUDIT_HEAD;
/* after seq, up to seq, limit → seq, text without its number, hash; its checkpoint's hash, key,
 * signature */
extern const struct db_sql SQL_AUDIT_WALK;
extern const struct db_sql SQL_AUDIT_MARK; /* seq hash key signature */
