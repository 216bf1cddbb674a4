// SPDX-License-Identifier: Apache-2.0
/* Setting up a mail server, and sending through it. */
#include "services/storage/mail/mail_relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"

static struct mailer *mailer;

struct refusal {
	struct fault fault;
	mail_done_fn done;
	void *arg;
};

static void refused(void *arg)
{
	struct refusal *r = arg;
	r->done(r->arg, "", &r->fault);
	free(r);
}

static void refuse(const struct fault *f, mail_done_fn done, void *arg)
{
	struct refusal *r = mem_alloc(sizeof(*r));
	*r = (struct refusal){*f, done, arg};
	loop_post(app.service->loop, refused, r);
}

static struct secret *open_login(const struct relay *relay, struct fault *reterr)
{
	const struct remote_row *at = &relay->at;
	const struct vault_address a = remote_row_address(at);
	return login_open(&app.keys, &a, (struct span){at->login, at->login_n}, reterr);
}

void relay_send(const struct relay *relay, struct mail *m, mail_done_fn done, void *arg)
{
	const struct remote_row *at = &relay->at;
	struct buf bytes = BUF_INIT;
	struct fault f = FAULT_INIT;
	struct secret *login = NULL;
	struct mail_server server = {.url = at->place, .where = &app.where};
	if (at->pin[0] != 0)
		server.pin_sha256 = at->pin;
	else if (app.config->vault_ca_file[0] != 0)
		server.ca_file = app.config->vault_ca_file;
	m->from = relay->sender;
	m->from_name = "Carnet";
	int rc = mail_compose(m, &bytes, &f);
	if (rc == 0 && at->login_n > 0) {
		login = open_login(relay, &f);
		rc = login == NULL ? -1 : 0;
	}
	if (login != NULL) {
		server.user = at->account;
		server.password =
			((const struct login *)(const void *)secret_bytes(login).p)->password;
	}
	if (mailer == NULL)
		mailer = mailer_new(app.service->loop);
	const struct mail_parcel parcel = {relay->sender, m->to, m->to_n, buf_span(&bytes)};
	if (rc == 0)
		mailer_send(mailer, &server, &parcel, done, arg);
	else
		refuse(&f, done, arg);
	secret_free(login);
	buf_fini(&bytes);
}

/* ---- a new one ---- */

struct adding {
	struct call *call;
	struct relay relay;
	char test_to[MAIL_ADDRESS_SIZE];
};

static const char *text_or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

/* One entry in its one spelling, to the list; the first address is who gets the test mail. */
static int add_recipient(struct adding *a, const char *entry, struct fault *reterr)
{
	char address[MAIL_ADDRESS_SIZE];
	struct relay *r = &a->relay;
	size_t used = strlen(r->recipients);
	bool any = strncmp(entry, "*@", 2) == 0;
	char probe[MAIL_ADDRESS_SIZE + 8];
	(void)snprintf(probe, sizeof(probe), "%s%.254s", any ? "x" : "", entry + any);
	if (mail_address(probe, address, reterr) < 0)
		return -1;
	(void)snprintf(r->recipients + used, sizeof(r->recipients) - used, "%s%s%s",
		used == 0 ? "" : ",", any ? "*" : "", address + any);
	if (!any && a->test_to[0] == 0)
		(void)snprintf(a->test_to, sizeof(a->test_to), "%s", address);
	return 0;
}

static int read_recipients(struct adding *a, const char *list, struct fault *reterr)
{
	char entry[MAIL_ADDRESS_SIZE + 1];
	for (const char *p = list, *end; *p != 0; p = *end == 0 ? end : end + 1) {
		end = strchrnul(p, ',');
		size_t n = (size_t)(end - p);
		while (n > 0 && *p == ' ') {
			p++;
			n--;
		}
		(void)snprintf(
			entry, sizeof(entry), "%.*s", (int)size_min(n, sizeof(entry) - 1), p);
		if (add_recipient(a, entry, reterr) < 0)
			return -1;
	}
	if (a->test_to[0] == 0)
		return fault_why(reterr, CN_VALIDATION_FAILED, "mail_recipients",
			"recipients name at least one whole address, which gets a test mail");
	return 0;
}

static int read_ask(struct adding *a, const struct m_vault_add *ask, struct fault *reterr)
{
	struct remote_row *at = &a->relay.at;
	const struct mail_server server = {.url = ask->place};
	a->relay.id = uuid_v7(clock_wall_ms());
	(void)snprintf(at->kind, sizeof(at->kind), "mail");
	(void)snprintf(at->place, sizeof(at->place), "%s", ask->place);
	(void)snprintf(at->account, sizeof(at->account), "%s", text_or_empty(ask->account));
	(void)snprintf(at->pin, sizeof(at->pin), "%s", text_or_empty(ask->pin));
	(void)snprintf(at->region, sizeof(at->region), "%s", text_or_empty(ask->region));
	at->login_n = size_min(ask->login.n, sizeof(at->login));
	if (at->login_n > 0)
		memcpy(at->login, ask->login.p, at->login_n);
	if (mail_server_check(&server, reterr) < 0 ||
		mail_address(text_or_empty(ask->sender), a->relay.sender, reterr) < 0)
		return -1;
	return read_recipients(a, text_or_empty(ask->recipients), reterr);
}

static void kept(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	static const struct m_ok ok;
	struct call *call = arg;
	(void)t;
	(void)n;
	if (f != NULL)
		catalogue_refuse(call, f);
	else if (db_rows(r[0]) == 0)
		call_refuse(call, CN_CONFLICT, "name_taken", "a vault of this name is known");
	else
		call_reply(call, &ok);
}

static void tested(void *arg, const char *answer, const struct fault *f)
{
	struct adding *a = arg;
	const struct m_vault_add *ask = a->call->body;
	(void)answer;
	if (f != NULL)
		call_fault(a->call, f);
	else
		sql_relay_put(&a->relay, ask->name, kept, a->call);
}

void relay_add(struct call *call)
{
	struct adding *a = arena_alloc(&call->arena, sizeof(*a));
	struct fault f = FAULT_INIT;
	bug_if(a == NULL);
	*a = (struct adding){.call = call};
	if (read_ask(a, call->body, &f) < 0) {
		call_fault(call, &f);
		return;
	}
	const char *const to[] = {a->test_to};
	struct mail test = {.to = to,
		.to_n = 1,
		.subject = "Carnet: test mail",
		.text = "This mail server was set up to send sealed backups of printers.\n"
			"Nobody needs to answer.",
		.id = a->relay.id,
		.at_ms = clock_wall_ms()};
	relay_send(&a->relay, &test, tested, a);
}
