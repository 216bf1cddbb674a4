// SPDX-License-Identifier: Apache-2.0
/* notice_mail: what the gateway has to tell goes through the mail server of the tenant, to nobody
 * but those it may send to (ST-54). Nothing is kept here: who asks, asks again. */
#include <string.h>

#include "services/storage/mail/mail_relay.h"
#include "services/storage/mail/mail_text.h"
#include "services/storage/sql.h"

static void sent(void *arg, const char *answer, const struct fault *f)
{
	static const struct m_ok ok;
	struct call *call = arg;

	(void)answer;
	if (f != NULL)
		call_fault(call, f);
	else
		call_reply(call, &ok);
}

static int allowed(const struct m_notice_mail *m, const struct relay *relay, struct fault *reterr)
{
	if (strcmp(relay->state, "ready") != 0)
		return fault_why(reterr, CN_MAIL_DEFERRED, relay->cause,
			"the mail server cannot be used: add it again");
	for (size_t i = 0; i < m->to_n; i++)
		if (!mail_allowed(relay->recipients, m->to[i]))
			return fault_why(reterr, CN_MAIL_REFUSED, "mail_not_allowed",
				"%.200s is not among the recipients of this mail server", m->to[i]);
	return 0;
}

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_notice_mail *m = call->body;
	struct fault why = FAULT_INIT;
	struct relay relay;

	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	if (!sql_relay_read(r[0], &relay)) {
		call_refuse(call, CN_MAIL_REFUSED, "mail_not_set_up",
			"no mail server is set up: carnet vault add --kind mail");
		return;
	}
	if (allowed(m, &relay, &why) != 0) {
		call_fault(call, &why);
		return;
	}
	struct mail mail = {.to = m->to,
		.to_n = m->to_n,
		.subject = m->subject,
		.text = m->text,
		.html = m->html,
		.id = m->id,
		.at_ms = (uint64_t)m->at,
		.urgent = m->urgent};
	relay_send(&relay, &mail, sent, call);
}

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;

	(void)r;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	sql_add_relay_get(t, NULL);
	db_commit(t, got, call);
}

void on_notice_mail(struct call *call)
{
	const struct m_notice_mail *m = call->body;

	if (m->to_n == 0 || m->subject == NULL || m->text == NULL)
		call_refuse(call, CN_VALIDATION_FAILED, "required", "to, subject and text");
	else
		db_begin(app.service->db, get, call);
}
