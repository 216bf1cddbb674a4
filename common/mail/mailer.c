// SPDX-License-Identifier: Apache-2.0
/* One mail after another. */
#include "common/mail/mailer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/list.h"
#include "common/crypto/crypto.h"
#include "common/mail/smtp.h"

struct sending {
	struct list node;
	struct mailer *mailer;
	struct smtp_job job;
	char *url, *user, *ca_file, *pin, *from, **to;
	size_t to_n;
	struct secret *password;
	uint8_t *message;
	mail_done_fn done;
	void *arg;
};

struct mailer {
	struct loop *loop;
	struct list waiting;
	struct sending *now;
	bool freed; /* it goes when the one under way has ended */
};

static void next(struct mailer *m);

static void sending_free(struct sending *s)
{
	for (size_t i = 0; i < s->to_n; i++)
		free(s->to[i]);
	free(s->to);
	free(s->url);
	free(s->user);
	free(s->ca_file);
	free(s->pin);
	free(s->from);
	free(s->message);
	secret_free(s->password);
	free(s);
}

static void work(void *arg)
{
	struct sending *s = arg;
	smtp_send(&s->job);
}

static void worked(void *arg)
{
	struct sending *s = arg;
	struct mailer *m = s->mailer;
	if (!m->freed)
		s->done(s->arg, s->job.answer, s->job.fault.code != 0 ? &s->job.fault : NULL);
	m->now = NULL;
	sending_free(s);
	if (m->freed)
		free(m);
	else
		next(m);
}

static void next(struct mailer *m)
{
	if (m->now != NULL || list_empty(&m->waiting))
		return;
	m->now = container_of(list_pop(&m->waiting), struct sending, node);
	loop_work(m->loop, work, worked, m->now);
}

struct mailer *mailer_new(struct loop *l)
{
	struct mailer *m = mem_alloc(sizeof(*m));
	*m = (struct mailer){.loop = l};
	list_init(&m->waiting);
	smtp_start();
	return m;
}

void mailer_free(struct mailer *m)
{
	struct list *node;
	if (m == NULL)
		return;
	while ((node = list_pop(&m->waiting)) != NULL)
		sending_free(container_of(node, struct sending, node));
	m->freed = true;
	if (m->now != NULL)
		atomic_store(&m->now->job.stop, true);
	else
		free(m);
}

static char *copy(const char *s)
{
	return s == NULL ? NULL : mem_strdup(s);
}

static void copy_server(struct sending *s, const struct mail_server *server)
{
	s->job.server = *server;
	s->job.server.url = s->url = copy(server->url);
	s->job.server.user = s->user = copy(server->user);
	s->job.server.ca_file = s->ca_file = copy(server->ca_file);
	s->job.server.pin_sha256 = s->pin = copy(server->pin_sha256);
	if (server->password == NULL)
		return;
	s->password = secret_new(
		(struct span){(const uint8_t *)server->password, strlen(server->password)});
	s->job.server.password = secret_text(s->password);
}

void mailer_send(struct mailer *m, const struct mail_server *server,
	const struct mail_parcel *parcel, mail_done_fn done, void *arg)
{
	struct sending *s = mem_alloc(sizeof(*s));
	*s = (struct sending){.mailer = m, .to_n = parcel->to_n, .done = done, .arg = arg};
	copy_server(s, server);
	s->from = mem_strdup(parcel->from);
	s->to = mem_alloc((s->to_n + 1) * sizeof(*s->to));
	for (size_t i = 0; i < s->to_n; i++)
		s->to[i] = mem_strdup(parcel->to[i]);
	s->message = mem_alloc(parcel->message.n + 1);
	memcpy(s->message, parcel->message.p, parcel->message.n);
	s->job.parcel = (struct mail_parcel){.from = s->from,
		.to = (const char *const *)s->to,
		.to_n = s->to_n,
		.message = {s->message, parcel->message.n}};
	list_push(&m->waiting, &s->node);
	next(m);
}
