// SPDX-License-Identifier: Apache-2.0
/* All SQL of the sync service (schema sync, schemas/sql/0040_sync.sql). A reference is two
 * parameters: the id or NULL, and the text. */
#pragma once

#include "common/db/db.h"

/* group rows: id name note version members server request */
extern const struct db_sql SQL_GROUP_LIST;   /* after name or NULL, limit, scope or NULL */
extern const struct db_sql SQL_GROUP_FIND;   /* reference */
extern const struct db_sql SQL_GROUP_LOCK;   /* reference → id version request; holds the row */
extern const struct db_sql SQL_GROUP_INSERT; /* id name note; nothing when the id exists */
extern const struct db_sql SQL_GROUP_UPDATE; /* id, name and note (NULL = keep), request */
extern const struct db_sql SQL_GROUP_DELETE; /* id */

/* member rows: device device_name role state destination seen_at version group request */
extern const struct db_sql SQL_MEMBERS;       /* reference */
extern const struct db_sql SQL_MEMBER_DEVICE; /* device */
/* device group name role state destination seen_at request → version; no row: elsewhere */
extern const struct db_sql SQL_MEMBER_PUT;
extern const struct db_sql SQL_MEMBER_REMOVE; /* device; notes that it departed */

/* reference, device or NULL, scope of what is touched, of what is seen or NULL → whether each group
 * that is meant is seen, whether the device is, whether all that may be touched */
extern const struct db_sql SQL_IN_SCOPE;

/* device role state destination departed, in order of devices; after device or NULL, limit */
extern const struct db_sql SQL_TELL_LIST;
extern const struct db_sql SQL_TELL_DEPARTED; /* device: the lock service has heard of it */
