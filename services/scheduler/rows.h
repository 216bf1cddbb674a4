// SPDX-License-Identifier: Apache-2.0
/* Rows to messages, in the column order of sql_columns.h, and messages to JSON parameters. What
 * comes back lives in the arena. */
#pragma once

#include "common/base/arena.h"
#include "common/db/db.h"
#include "gen/msg.h"

/* Reads one row from left to right. */
struct row {
	struct db_result *r;
	int row, col;
	struct arena *arena;
};

const char *row_text(struct row *c); /* NULL for "" and NULL: absent in messages */
uint64_t row_uint(struct row *c);
bool row_bool(struct row *c);
struct uuid row_uuid(struct row *c);
int64_t row_time(struct row *c);
struct span row_bytes(struct row *c);

void row_device(struct row *c, struct m_device *d);
void row_device_shown(struct row *c, struct m_device *d); /* SQL_DEVICE_SHOWN */
/* {"http": 8000} */
const struct m_port *row_ports(struct row *c, size_t *ret_n);
void row_task(
	struct row *c, struct m_task *t);     /* password_sealed stays: drop it before answering */
void row_run(struct row *c, struct m_run *r); /* SQL_RUN_COLUMNS, then bytes, versions, counts */
void row_target(struct row *c, struct m_target *t);
/* Takes out what stands in entries of books: their changes, and what notes say of one. */
void target_hide(struct m_target *t);
void row_group(struct row *c, struct m_group *g);
void row_credential(struct row *c, struct m_credential *d);

/* A JSON array of structs, size bytes each; 0 of them when it is none. */
const void *json_read_list(const struct msg_desc *desc, size_t size, const char *json,
	struct arena *arena, size_t *ret_n);
/* A JSON array of texts. */
const char *const *json_read_texts(const char *json, struct arena *arena, size_t *ret_n);
/* The struct of desc from stored JSON; NULL when it is not of that form. */
const void *json_read(const struct msg_desc *desc, const char *json, struct arena *arena);
/* Compact JSON in the arena; takes j. */
const char *json_dump(json_t *j, struct arena *arena);
/* Compact JSON in the arena; "null" when memory ran out. */
const char *json_write(const struct msg_desc *desc, const void *body, struct arena *arena);
/* A JSON array of n structs that lie size bytes apart. */
const char *json_write_list(
	const struct msg_desc *desc, const void *const *bodies, size_t n, struct arena *arena);
