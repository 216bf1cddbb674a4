// SPDX-License-Identifier: Apache-2.0
/* All SQL of the gateway (schema gate, schemas/sql/0050_gate.sql). */
#pragma once

#include "common/db/db.h"

/* digest, idle ms, longest ms → name, role, csrf digest, expires; moves seen_at */
extern const struct db_sql SQL_SESSION_FIND;
/* digest → name, role, expires; notes the use once a minute */
extern const struct db_sql SQL_TOKEN_FIND;
/* name → id, password, role */
extern const struct db_sql SQL_PERSON_FIND;
/* digest, csrf digest, person id, idle ms, longest ms → expires; drops ended sessions */
extern const struct db_sql SQL_SESSION_MAKE;
extern const struct db_sql SQL_SESSION_END; /* digest */
/* digest → 1 row when the setup token is good */
extern const struct db_sql SQL_SETUP_CHECK;
/* digest, id, name, password → id; uses the token up, makes the first administrator */
extern const struct db_sql SQL_SETUP_USE;
/* digest, minutes → 1 row when there is nobody yet and a token was laid down */
extern const struct db_sql SQL_SETUP_OPEN;
extern const struct db_sql SQL_PERSON_LIST;   /* → id name role active created version */
extern const struct db_sql SQL_PERSON_CREATE; /* id name role password → the row */
/* id or name, version, role, password, active (NULL = keep) → the row, then what was wrong */
extern const struct db_sql SQL_PERSON_UPDATE;
extern const struct db_sql SQL_PERSON_WHY;   /* id or name → version, break_glass */
extern const struct db_sql SQL_PERSON_LEAVE; /* id or name: its sessions end */
extern const struct db_sql SQL_TOKEN_LIST;
extern const struct db_sql SQL_TOKEN_CREATE; /* id digest name role made_by expires → the row */
extern const struct db_sql SQL_TOKEN_DELETE; /* id */
extern const struct db_sql SQL_AUDIT_APPEND; /* six arrays */
extern const struct db_sql SQL_AUDIT_LIST;   /* before seq, limit */
extern const struct db_sql SQL_AUDIT_CHECK;  /* → first bad seq or NULL */
