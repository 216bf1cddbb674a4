// SPDX-License-Identifier: Apache-2.0
/* The smallest service that shows everything of common/service; service_skeleton.c runs two of it.
 * It borrows messages of the lock service and gives them other meanings, told at each handler. */
#include <string.h>

#include "common/service/service.h"
#include "gen/config.h"
#include "gen/errors.h"
#include "gen/msg.h"

static struct lock_config config;
static struct peer *other; /* the second example service, if configured */
static struct {
	int events, gaps;
} heard;

/* lock_list: an answer at once. */
static void on_list(struct call *call)
{
	call_reply(call, &(struct m_lock_page){.next = call->header.actor});
}

static void forwarded(void *arg, const void *body, const struct fault *f, unused uint64_t instance)
{
	struct call *call = arg;

	if (f != NULL)
		call_fault(call, f);
	else
		call_reply(call, body);
}

static void ended_there(
	void *arg, unused const void *body, const struct fault *f, unused uint64_t i)
{
	struct call *call = arg;

	if (f != NULL)
		call_fault(call, f);
	else
		call_reply(call, &(struct m_lock_page){.next = "ended"});
}

/* lock_get: asks the other service to end a lock, for the person who asked us. */
static void on_get(struct call *call)
{
	const struct m_lock_get *m = call->body;

	peer_call(other, &m_lock_end_desc,
		&(struct m_lock_end){.request = m->request, .reason = "asked"},
		&(struct peer_opts){.for_call = call}, ended_there, call);
}

/* lock_end: refused with a reason. */
static void on_end(struct call *call)
{
	call_refuse(call, CN_CONFLICT, "still_held", "a detail with \"quotes\"");
}

/* lock_acquire: asks the other service something that it never answers. */
static void on_acquire(struct call *call)
{
	peer_call(other, &m_lock_renew_desc, &(struct m_lock_renew){.session = {.b = {1}}},
		&(struct peer_opts){.deadline_ms = 300}, forwarded, call);
}

/* lock_renew: never answers. */
static void on_renew(unused struct call *call)
{
}

static void answer_late(void *arg)
{
	struct call *call = arg;

	timer_free(call->state);
	call_reply(call, &(struct m_ok){.has = 0});
}

/* lock_cancel: an answer after 300 ms. */
static void on_cancel(struct call *call)
{
	call->state = timer_new(call->service->loop, answer_late, call);
	timer_set(call->state, 300, 0);
}

/* lock_observe: publishes an event. */
static void on_observe(struct call *call)
{
	service_publish(call->service, &m_lock_changed_desc,
		&(struct m_lock_changed){.device = {.b = {7}}, .op = "event"});
	call_reply(call, &(struct m_ok){.has = 0});
}

/* lock_explain: an answer that is longer than its schema allows. */
static void on_explain(struct call *call)
{
	char text[100];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	call_reply(call, &(struct m_lock_answer){.answer = LOCK_RESULT_GRANTED, .reason = text});
}

static void on_event(unused void *arg, const struct msg_desc *desc, const void *body)
{
	const struct m_lock_changed *m = body;

	if (desc == NULL)
		heard.gaps++;
	else if (desc == &m_lock_changed_desc && strcmp(m->op, "event") == 0)
		heard.events++;
}

/* GET /heard: what came as events. */
static bool on_http(unused struct service *s, struct http_request *r)
{
	struct buf text = BUF_INIT;

	if (strcmp(http_path(r), "/heard") != 0)
		return false;
	buf_addf(&text, "events %d gaps %d\n", heard.events, heard.gaps);
	http_respond(r, 200, "text/plain", buf_span(&text));
	buf_fini(&text);
	return true;
}

static int start(struct service *s, struct fault *reterr)
{
	if (config.common.lock_urls[0] != '\0' &&
		(other = peer_new(s, config.common.lock_urls, reterr)) == NULL)
		return -1;
	if (config.common.lock_events[0] == '\0')
		return 0;
	return service_subscribe(s, config.common.lock_events, on_event, NULL, reterr);
}

static const struct handler handlers[] = {
	{MSG_LOCK_LIST, on_list},
	{MSG_LOCK_GET, on_get},
	{MSG_LOCK_END, on_end},
	{MSG_LOCK_ACQUIRE, on_acquire},
	{MSG_LOCK_RENEW, on_renew},
	{MSG_LOCK_CANCEL, on_cancel},
	{MSG_LOCK_OBSERVE, on_observe},
	{MSG_LOCK_EXPLAIN, on_explain},
	{0, NULL},
};

static const struct service_def EXAMPLE = {
	.name = "lock",
	.config = &lock_config_table,
	.settings = &config,
	.handlers = handlers,
	.start = start,
	.http = on_http,
};

int main(int argc, char **argv)
{
	return service_main(&EXAMPLE, argc, argv);
}
