// SPDX-License-Identifier: Apache-2.0
/* version_mail, mail_list: a version goes to somebody by mail when the words are there, the address
 * is allowed and the size fits; the chore sends it (docs/spec/storage.md section 8.2). */
#include <string.h>

#include "common/vault/mailed.h"
#include "services/storage/mail/mail_relay.h"
#include "services/storage/mail/mail_text.h"
#include "services/storage/sql.h"

struct asking {
	struct call *call;
	struct relay relay;
	struct mail_asked asked;
	char to[MAIL_ADDRESS_SIZE];
};

static void queued(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct asking *a = arg;
	struct m_mail mail;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(a->call, f);
	} else if (db_get_text(r[0], 0, 0)[0] != 0) {
		call_refuse(a->call, CN_QUOTA_EXCEEDED, "", "%s", db_get_text(r[0], 0, 0));
	} else {
		sql_mail_read(r[1], 0, &mail);
		const struct m_mail_one one = {.mail = &mail};
		call_reply(a->call, &one);
	}
}

static void put(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct asking *a = arg;
	(void)r;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(a->call, f);
		return;
	}
	sql_add_mail_ask(t, a->call, &a->asked);
	db_commit(t, queued, a);
}

/* What the catalogue says of relay, version and items. */
static int allowed(struct asking *a, struct db_result **r, struct fault *reterr)
{
	const struct m_version_mail *ask = a->call->body;
	uint64_t bytes = 0, max = (uint64_t)app.config->mail_max_bytes;
	if (!sql_relay_read(r[0], &a->relay))
		return fault_why(reterr, CN_CONFLICT, "mail_not_set_up",
			"no mail server is set up: carnet vault add --kind mail");
	if (strcmp(a->relay.state, "ready") != 0)
		return fault_why(reterr, CN_CONFLICT, a->relay.cause,
			"the mail server cannot be used: add it again");
	if (mail_address(ask->to, a->to, reterr) < 0)
		return -1;
	if (!mail_allowed(a->relay.recipients, a->to))
		return fault_why(reterr, CN_PERMISSION_DENIED, "mail_not_allowed",
			"%s is not among the recipients of this mail server", a->to);
	if (db_rows(r[1]) == 0)
		return fault_set(reterr, CN_NOT_FOUND, "no such version");
	for (int row = 0; row < db_rows(r[2]); row++) {
		struct sql_item item;
		sql_item_read(r[2], row, &item);
		if (!item.object.has_key)
			return fault_why(
				reterr, CN_NOT_FOUND, "erased", "the version's key was erased");
		bytes += item.object.plain_len;
	}
	if (bytes > max)
		return fault_why(reterr, CN_VALIDATION_FAILED, "mail_too_large",
			"%llu bytes, a mail may carry %llu", (unsigned long long)bytes,
			(unsigned long long)max);
	return 0;
}

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct asking *a = arg;
	struct fault why = FAULT_INIT;
	(void)t;
	if (f != NULL) {
		catalogue_refuse(a->call, f);
		return;
	}
	bug_if(n != 3);
	if (allowed(a, r, &why) < 0) {
		call_fault(a->call, &why);
		return;
	}
	a->asked.vault = &a->relay.id;
	a->asked.to = a->to;
	db_begin(app.service->db, put, a);
}

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct asking *a = arg;
	const struct m_version_mail *ask = a->call->body;
	(void)r;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(a->call, f);
		return;
	}
	sql_add_relay_get(t, NULL);
	sql_add_get(t, &ask->id);
	db_commit(t, got, a);
}

void on_version_mail(struct call *call)
{
	const struct m_version_mail *ask = call->body;
	const struct mail_words words = {ask->who, ask->why, ask->description};
	struct asking *a = arena_alloc(&call->arena, sizeof(*a));
	struct fault f = FAULT_INIT;
	bug_if(a == NULL);
	*a = (struct asking){.call = call};
	if (mail_words_check(&words, &f) < 0) {
		call_fault(call, &f);
	} else if (ask->recipient_key.n != 32 ||
		   (ask->password_kdf.n != 0 && ask->password_kdf.n != MAILED_KDF)) {
		call_refuse(call, CN_VALIDATION_FAILED, "mail_key",
			"the key of the recipient is 32 bytes");
	} else {
		sha256((struct span){(const uint8_t *)ask->description, strlen(ask->description)},
			a->asked.digest);
		db_begin(app.service->db, get, a);
	}
}

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	size_t rows;
	struct m_mail *items = catalogue_items(call, r, f, sizeof(*items), &rows);
	(void)t;
	(void)n;
	if (items == NULL)
		return;
	for (size_t i = 0; i < rows; i++)
		sql_mail_read(r[0], (int)i, &items[i]);
	const struct m_mail_page page = {.items = items, .items_n = rows};
	call_reply(call, &page);
}

void on_mail_list(struct call *call)
{
	sql_mail_list(call, listed);
}
