// SPDX-License-Identifier: Apache-2.0
/* Sends the mails that wait, one after another: the version is opened, sealed to the recipient's
 * key and handed to the mail server. One that is deferred waits; one that is refused is over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/vault/mailed.h"
#include "services/storage/books/file_name.h"
#include "services/storage/mail/mail_relay.h"
#include "services/storage/mail/mail_text.h"
#include "services/storage/reading.h"

static struct {
	void (*done)(const char *outcome);
	char outcome[120];
	unsigned sent, not_sent;
	struct mail_row row;
	struct relay relay;
	struct arena arena; /* of version */
	struct m_version version;
	struct stored_item items[MANIFEST_ITEMS];
	size_t items_n;
	struct buf sealed;
	char file[FILE_NAME_MAX + 1];
	struct fault fault;
} mc;

static void next(void);

static void finish(const char *why)
{
	(void)snprintf(mc.outcome, sizeof(mc.outcome), "%u mails sent, %u not%s", mc.sent,
		mc.not_sent, why);
	mc.done(mc.sent + mc.not_sent == 0 && *why == 0 ? "" : mc.outcome);
}

static void leave(void)
{
	mail_row_fini(&mc.row);
	arena_fini(&mc.arena);
	buf_fini(&mc.sealed);
}

/* ---- the end of one ---- */

static void told(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	leave();
	if (f != NULL)
		finish("; the catalogue does not answer");
	else
		next();
}

static void tell(const struct fault *f)
{
	static const struct fault none;
	if (f == NULL) {
		mc.sent++;
		log_info(L("version sent by mail"), L_UUID("mail", &mc.row.id),
			L_UUID("version", &mc.row.version));
	} else {
		mc.not_sent++;
		log_error(L("mail not sent"), L_UUID("mail", &mc.row.id),
			L_UUID("version", &mc.row.version), L_FAULT(f));
	}
	sql_mail_done(&mc.row.id, f == NULL ? &none : f, mc.sealed.n, told, NULL);
}

static void sent(void *arg, const char *answer, const struct fault *f)
{
	(void)arg;
	(void)answer;
	tell(f);
}

/* ---- one mail ---- */

static void send_it(void)
{
	char made[CLOCK_RFC3339];
	struct buf subject = BUF_INIT, text = BUF_INIT;
	const struct m_version *v = &mc.version;
	const struct mail_words words = {mc.row.who, mc.row.why, mc.row.description};
	const struct mail_facts facts = {.device = v->device_name,
		.serial = v->serial,
		.kind = kind_word(v->kind),
		.generation = v->generation,
		.made = clock_rfc3339((uint64_t)v->committed_at, made),
		.file = mc.file,
		.to_password = mc.row.to_password};
	mail_words_subject(mc.row.language, &facts, &subject);
	mail_words_text(mc.row.language, &words, &facts, &text);
	const char *const to[] = {mc.row.to};
	const struct mail_file file = {mc.file, "application/octet-stream", buf_span(&mc.sealed)};
	struct mail m = {.to = to,
		.to_n = 1,
		.subject = buf_str(&subject),
		.text = buf_str(&text),
		.files = &file,
		.files_n = 1,
		.id = mc.row.id,
		.at_ms = clock_wall_ms()};
	relay_send(&mc.relay, &m, sent, NULL);
	buf_fini(&subject);
	buf_fini(&text);
}

static int add_item(const struct stored_item *i, struct buf *files)
{
	struct span piece;
	struct buf bytes = {.max = (size_t)app.config->mail_max_bytes + 1};
	struct stored_reader *r = stored_open(i, &mc.fault);
	int rc = r == NULL ? -1 : 0;
	while (rc == 0 && (rc = stored_next(r, &piece, &mc.fault)) == 0 && piece.n > 0)
		buf_add(&bytes, piece.p, piece.n);
	if (rc == 0 && bytes.err)
		rc = fault_why(
			&mc.fault, CN_MAIL_REFUSED, "mail_too_large", "more than a mail may carry");
	if (rc == 0)
		mailed_add(files, i->name, buf_span(&bytes));
	stored_close(r);
	buf_wipe(&bytes);
	return rc;
}

static void seal_work(void *arg)
{
	struct buf files = BUF_INIT;
	int rc = 0;
	(void)arg;
	for (size_t i = 0; rc == 0 && i < mc.items_n; i++)
		rc = add_item(&mc.items[i], &files);
	if (rc == 0)
		mailed_seal(mc.row.key, mc.row.to_password ? mc.row.kdf : NULL, &mc.row.version,
			buf_span(&files), &mc.sealed);
	buf_wipe(&files);
}

static void seal_done(void *arg)
{
	(void)arg;
	if (mc.fault.code != 0)
		tell(&mc.fault);
	else
		send_it();
}

static void read_version(struct db_result *version, struct db_result *items)
{
	sql_version_read(version, 0, &mc.arena, &mc.version);
	struct m_version *v = &mc.version;
	/* what was read goes with the answer of the catalogue */
	v->device_name = arena_strdup(&mc.arena, v->device_name);
	v->serial = arena_strdup(&mc.arena, v->serial);
	bug_if(v->device_name == NULL || v->serial == NULL);
	mc.items_n = size_min((size_t)db_rows(items), array_len(mc.items));
	for (size_t i = 0; i < mc.items_n; i++)
		stored_item_read(items, (int)i, &mc.items[i]);
	file_name_make(mc.file, v->serial[0] != 0 ? v->serial : v->device_name, kind_word(v->kind),
		v->generation, (uint64_t)v->committed_at, "cnmail");
}

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct fault why = FAULT_INIT;
	(void)t;
	(void)arg;
	if (f != NULL) {
		leave();
		finish("; the catalogue does not answer");
		return;
	}
	bug_if(n != 3);
	if (!sql_relay_read(r[0], &mc.relay))
		(void)fault_why(
			&why, CN_MAIL_REFUSED, "mail_not_set_up", "the mail server was retired");
	else if (db_rows(r[1]) == 0)
		(void)fault_why(&why, CN_NOT_FOUND, "erased", "the version is gone");
	if (why.code != 0) {
		tell(&why);
		return;
	}
	read_version(r[1], r[2]);
	loop_work(app.service->loop, seal_work, seal_done, NULL);
}

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)r;
	(void)n;
	(void)arg;
	if (f != NULL) {
		leave();
		finish("; the catalogue does not answer");
		return;
	}
	sql_add_relay_get(t, &mc.row.vault);
	sql_add_get(t, &mc.row.version);
	db_commit(t, got, NULL);
}

static void taken(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (f != NULL) {
		finish("; the catalogue does not answer");
	} else if (!sql_mail_taken(r[0], &mc.row)) {
		finish("");
	} else {
		arena_init(&mc.arena, 0);
		mc.sealed = BUF_INIT;
		mc.fault = FAULT_INIT;
		db_begin(app.service->db, get, NULL);
	}
}

static void next(void)
{
	sql_mail_take(taken, NULL);
}

void mail_chore(void (*done)(const char *outcome))
{
	mc.done = done;
	mc.sent = mc.not_sent = 0;
	next();
}
