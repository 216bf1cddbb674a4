// SPDX-License-Identifier: Apache-2.0
/* What the tests of versions sent by mail share: a server set up, a mail asked for, the attachment
 * of one that came. */
#pragma once

#include "tests/service/storage_copying.h"

static struct uuid version;
static uint8_t key_public[32], key_private[32];

#define WORDS "we replace the printer\nthe copy is for the shop\nkeep it until Friday"

static struct fault relay_add(
	const char *place, const char *pin, const char *recipients, const char *password)
{
	struct ask a = {.done = false};
	struct buf sealed = BUF_INIT;
	const struct vault_address to = {
		.kind = "mail", .place = place, .account = "carnet", .pin = pin};
	seal_login(&to, "password", password, NULL, &sealed);
	const struct m_vault_add m = {.name = "post",
		.kind = "mail",
		.place = place,
		.account = "carnet",
		.pin = pin,
		.login = {sealed.p, sealed.n},
		.sender = "carnet@example.com",
		.recipients = recipients};
	(void)ask(&a, one.client, 0, &m_vault_add_desc, &m);
	struct fault f = a.fault;
	arena_fini(&a.arena);
	buf_fini(&sealed);
	return f;
}

static struct m_version_mail good_words(const char *to)
{
	return (struct m_version_mail){.id = version,
		.to = to,
		.who = "Anna Smith, desk 4711",
		.why = "printer replaced",
		.description = WORDS,
		.recipient_key = {key_public, sizeof(key_public)}};
}

static struct fault mail(const struct m_version_mail *m)
{
	struct ask a = {.done = false};
	(void)ask(&a, one.client, 0, &m_version_mail_desc, m);
	struct fault f = a.fault;
	arena_fini(&a.arena);
	return f;
}

static void good(struct fault f)
{
	if (f.code != 0)
		print_error("%d %s: %s\n", f.code, f.reason, f.detail);
	assert_int_equal(f.code, 0);
}

/* What became of the mail that was asked for last. */
#define LAST                                                                                       \
	"select state || attempts || ' ' || cause from store.mail order by asked_at desc limit 1"

/* The last attachment in text, as a file. */
static void save_attachment(const char *text, const char *path)
{
	struct buf base64 = BUF_INIT, bytes = BUF_INIT;
	const char *p = strstr(text, "filename=");
	bug_if(p == NULL);
	for (const char *q = p; (q = strstr(q, "filename=")) != NULL; q++)
		p = q;
	p += strcspn(p, "\n"); /* with CR on the wire, without in a box */
	while (strncmp(p, "\n\n", 2) != 0 && strncmp(p, "\n\r\n", 3) != 0)
		p += 1 + strcspn(p + 1, "\n");
	for (; *p != '-'; p++)
		if (*p != '\r' && *p != '\n')
			buf_addc(&base64, *p);
	assert_int_equal(base64_decode(buf_str(&base64), base64.n, &bytes), 0);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	(void)fclose(f);
	buf_fini(&base64);
	buf_fini(&bytes);
}

/* As its recipient opens it: key is an option of carnet-verify; what came is in DIR/name. */
static int opened(const char *attachment, const char *key, const char *name)
{
	int status = shell("%s/bin/carnet-verify open %s %s --to %s/%s >&2", build_dir(),
		attachment, key, dir, name);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void mail_key_made(void)
{
	char path[128];
	struct fault f = FAULT_INIT;
	box_keypair(key_public, key_private);
	(void)snprintf(path, sizeof(path), "%s/mail.key", dir);
	bug_if(key_file_replace(path, (struct span){key_private, 32}, &f) < 0);
}
