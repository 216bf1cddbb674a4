// SPDX-License-Identifier: Apache-2.0
/* Relays and mails: schemas/sql/0070_store_mail.sql. Arguments are read at once. */
#pragma once

#include "common/vault/mailed.h"
#include "services/storage/storage.h"
#include "services/storage/vaults/remote.h"

#define RECIPIENTS_MAX 4001

/* A vault of kind mail. */
struct relay {
	struct uuid id;
	struct remote_row at;
	char state[33], cause[65];
	char sender[255], recipients[RECIPIENTS_MAX];
};
/* One row, or none: no relay is set up. */
void sql_add_relay_get(struct txn *t, const struct uuid *only); /* NULL = the tenant's */
bool sql_relay_read(struct db_result *r, struct relay *ret);
/* One row with its id; none when the name belongs to another kind. */
void sql_relay_put(const struct relay *relay, const char *name, db_fn fn, void *arg);

/* A mail on its way. */
struct mail_row {
	struct uuid id, version, vault;
	char to[255], language[9];
	uint8_t key[32];
	bool to_password;
	uint8_t kdf[MAILED_KDF];       /* of the password that key follows from */
	char *who, *why, *description; /* owned, malloc */
};
struct mail_asked {
	const struct uuid *vault;
	const char *to; /* in its one spelling */
	uint8_t digest[SHA256_LEN];
};
/* Two statements: the verdict, the mail. arg of the body is version_mail. */
void sql_add_mail_ask(struct txn *t, const struct call *call, const struct mail_asked *asked);
void sql_mail_list(struct call *call, db_fn fn);
void sql_mail_read(struct db_result *r, int row, struct m_mail *ret);
void sql_mail_take(db_fn fn, void *arg);
bool sql_mail_taken(struct db_result *r, struct mail_row *ret);
void mail_row_fini(struct mail_row *m);
/* why->code 0 = sent. */
void sql_mail_done(
	const struct uuid *id, const struct fault *why, uint64_t bytes, db_fn fn, void *arg);
